//! Command processor: executes one checked frame after another and answers each exactly once.
//!
//! Function: the operations of `nda_spec::wire::Op`, with the checks in the order that PROTOCOL.md gives. A frame
//! that is refused changes nothing but what PROTOCOL.md says. `RUN` is executed to its end before it is answered.
//! Handshake: reads the frame buffer by address; drives the stores, the seal table and the sequencer; gives the
//! response's bytes to the frame encoder (ready/valid).
//! Timing: every sum and every comparison of the checks ends in a register (`sums`, `flags`), and a state that
//! decides waits until those it reads stand; so a path is one carry chain or a few LUTs, whatever the geometry.
//! Latency: 33 cycles for a header, then a byte per cycle; `RUN` adds 38 and six per page of weights; `SEAL` takes
//! `page_words * (tile_word_bytes + 4)`. Cost (yosys, in seed64; firmware/tests/parts.rs): 2,455 LUT4, 1,090 FF, 1 DP16KD.

use crate::crc32::Crc32;
use crate::header_register::HeaderRegister;
use crate::seal_table::SealTable;
use crate::unpacker::Unpacker;
use nda_spec::config::Geometry;
use nda_spec::job::{most_plane_groups, plane_groups_of_a2};
use nda_spec::wire::{self, Op, Status};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// What the processor does next.
#[derive(LogicState, Debug, Copy, Clone, PartialEq)]
pub enum CommandState {
    /// Waits for a frame.
    Idle,
    /// Waits for the frame's length.
    Settle,
    /// Reads 28 bytes into the header register.
    Header,
    /// Waits for the sums over the header's fields.
    Sums,
    /// Waits for the comparisons of those sums.
    Flags,
    /// Looks at the operation.
    Dispatch,
    /// Writes the payload to the tile store.
    Write,
    /// Asks for a tile word.
    SealRead,
    /// Waits for it.
    SealWait,
    /// Loads it.
    SealLoad,
    /// Runs its bytes through the CRC.
    SealBytes,
    /// Waits for the comparison of the CRC.
    SealCompare,
    /// Looks at it.
    SealCheck,
    /// Multiplies plane groups by beats.
    RunActWords,
    /// Checks the length and the job id.
    RunIdentify,
    /// Multiplies row groups by beats.
    RunTileWords,
    /// Waits for the comparison with the job's end.
    RunEnd,
    /// Waits for the ranges' common flag.
    RunOver,
    /// Looks at it.
    RunRange,
    /// Asks whether a page is sealed.
    RunPages,
    /// Looks at the answer.
    RunSealed,
    /// Takes the page's CRC-32 into the digest.
    RunDigest,
    /// Waits for the comparison of the digest.
    RunCompare,
    /// Looks at it.
    RunSame,
    /// Copies the activations.
    RunActs,
    /// Starts the array.
    RunStart,
    /// Waits for the last result.
    RunWait,
    /// Loads the response's header.
    Answer,
    /// Sends the response.
    Send,
    /// Gives the frame's slot back.
    Done,
}

/// `W`: bits of a tile word; `Y`: bits of a result word; `U`: bits of the response's word, at least `Y` and 64.
#[derive(LogicBlock)]
pub struct CommandProcessor<const W: usize, const Y: usize, const U: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A checked frame is there.
    pub frame_valid: Signal<In, Bit>,
    /// Its bytes.
    pub frame_bytes: Signal<In, Bits<13>>,
    /// It is done with.
    pub frame_done: Signal<Out, Bit>,
    /// Read a byte of it.
    pub read_enable: Signal<Out, Bit>,
    /// Which.
    pub read_address: Signal<Out, Bits<13>>,
    /// The byte, a cycle later.
    pub read_data: Signal<In, Bits<8>>,
    /// The byte for the stores.
    pub store_byte: Signal<Out, Bits<8>>,
    /// The tile store takes it.
    pub tile_byte_enable: Signal<Out, Bit>,
    /// It completes a tile word.
    pub tile_write_enable: Signal<Out, Bit>,
    /// The activation store takes it.
    pub act_byte_enable: Signal<Out, Bit>,
    /// It completes an activation word.
    pub act_write_enable: Signal<Out, Bit>,
    /// Word of either store that is completed.
    pub write_address: Signal<Out, Bits<16>>,
    /// `SEAL` reads a tile word.
    pub tile_read_enable: Signal<Out, Bit>,
    /// Which.
    pub tile_read_address: Signal<Out, Bits<16>>,
    /// The tile word, two cycles later.
    pub tile_read_data: Signal<In, Bits<W>>,
    /// Start the sequencer.
    pub start: Signal<Out, Bit>,
    /// The job's first tile word.
    pub base: Signal<Out, Bits<16>>,
    /// The job's row groups.
    pub row_groups: Signal<Out, Bits<16>>,
    /// The job's beats a row.
    pub col_beats: Signal<Out, Bits<16>>,
    /// The job's plane groups.
    pub plane_groups: Signal<Out, Bits<8>>,
    /// The job's weights are ternary.
    pub ternary: Signal<Out, Bit>,
    /// The job's activations are A2.
    pub a2: Signal<Out, Bit>,
    /// The job's initial value.
    pub init: Signal<Out, Bits<24>>,
    /// A row group's results are being stored.
    pub result_valid: Signal<In, Bit>,
    /// Where.
    pub result_write_address: Signal<Out, Bits<12>>,
    /// Result word to read.
    pub result_read_address: Signal<Out, Bits<12>>,
    /// The result word, a cycle later.
    pub result_read_data: Signal<In, Bits<Y>>,
    /// Word of the identification or of the counters.
    pub page_address: Signal<Out, Bits<4>>,
    /// Word of the identification.
    pub identity_data: Signal<In, Bits<32>>,
    /// Counter.
    pub counter_data: Signal<In, Bits<32>>,
    /// A run phase is on.
    pub run_cycle: Signal<Out, Bit>,
    /// A response byte waits.
    pub out_valid: Signal<Out, Bit>,
    /// The byte.
    pub out_data: Signal<Out, Bits<8>>,
    /// It is the response's last.
    pub out_last: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,

    header: HeaderRegister,
    pub(crate) seals: SealTable,
    seal_bytes: Unpacker<W>,
    seal_crc: Crc32,
    answer: Unpacker<U>,

    state: DFF<CommandState>,
    position: DFF<Bits<13>>,
    fetched: DFF<Bit>,
    in_frame: DFF<Bit>,
    byte_index: DFF<Bits<8>>,
    word_at: DFF<Bits<16>>,
    words_left: DFF<Bits<16>>,
    has_job: DFF<Bit>,
    job_id: DFF<Bits<16>>,
    job_rows: DFF<Bits<16>>,
    job_cycles: DFF<Bits<32>>,
    results: DFF<Bits<16>>,
    factor: DFF<Bits<32>>,
    multiplier: DFF<Bits<16>>,
    product: DFF<Bits<32>>,
    status: DFF<Bits<8>>,
    aux: DFF<Bits<32>>,
    source: DFF<Bits<2>>,
    send_words: DFF<Bits<16>>,
    bytes_left: DFF<Bits<8>>,

    // Sums.
    payload_end: DFF<Bits<13>>,
    payload: DFF<Bits<13>>,
    act_bytes: DFF<Bits<13>>,
    write_end: DFF<Bits<18>>,
    read_end: DFF<Bits<18>>,
    tile_end: DFF<Bits<18>>,
    last_page: DFF<Bits<16>>,
    last_result: DFF<Bits<16>>,
    before_last: DFF<Bits<16>>,
    age: DFF<Bits<16>>,
    next_word: DFF<Bits<U>>,
    // Flags.
    /// The next result is the job's last.
    at_last: DFF<Bit>,
    at_last_page: DFF<Bit>,
    is_sync: DFF<Bit>,
    is_ident: DFF<Bit>,
    is_stat: DFF<Bit>,
    is_write: DFF<Bit>,
    is_seal: DFF<Bit>,
    is_run: DFF<Bit>,
    is_read: DFF<Bit>,
    is_version: DFF<Bit>,
    has_payload: DFF<Bit>,
    has_word: DFF<Bit>,
    has_descriptor: DFF<Bit>,
    has_tail: DFF<Bit>,
    high_address: DFF<Bit>,
    write_over: DFF<Bit>,
    page_over: DFF<Bit>,
    read_over: DFF<Bit>,
    other_job: DFF<Bit>,
    same_job: DFF<Bit>,
    crc_same: DFF<Bit>,
    digest_same: DFF<Bit>,
    acts_wrong: DFF<Bit>,
    acts_over: DFF<Bit>,
    dup_over: DFF<Bit>,
    tile_over: DFF<Bit>,
    shape_bad: DFF<Bit>,
    counts_bad: DFF<Bit>,
    range_bad: DFF<Bit>,

    more: Signal<Local, Bit>,
    store_done: Signal<Local, Bit>,
    tail: Signal<Local, Bits<13>>,
    write_words: Signal<Local, Bits<13>>,
    crc_found: Signal<Local, Bits<32>>,
    page_now: Signal<Local, Bits<16>>,
    write_page: Signal<Local, Bits<16>>,
    first_seal: Signal<Local, Bits<16>>,
    wanted_act_bytes: Signal<Local, Bits<32>>,
    addr_high: Signal<Local, Bits<16>>,
    addr_low: Signal<Local, Bits<16>>,
    base_high: Signal<Local, Bits<16>>,
    base_low: Signal<Local, Bits<16>>,
    count_high: Signal<Local, Bits<16>>,
    count_low: Signal<Local, Bits<16>>,
    head: Signal<Local, Bits<64>>,
    op_answer: Signal<Local, Bits<8>>,
    page_word: Signal<Local, Bits<32>>,

    tile_byte_top: Constant<Bits<8>>,
    tile_byte_mask: Constant<Bits<13>>,
    tile_shift: Constant<Bits<4>>,
    act_byte_top: Constant<Bits<8>>,
    act_shift: Constant<Bits<4>>,
    page_shift: Constant<Bits<5>>,
    page_words: Constant<Bits<16>>,
    pages: Constant<Bits<16>>,
    tile_words: Constant<Bits<18>>,
    act_words: Constant<Bits<32>>,
    result_words: Constant<Bits<16>>,
    result_bytes: Constant<Bits<8>>,
    most_groups: Constant<Bits<8>>,
    a2_groups: Constant<Bits<8>>,
    op_sync: Constant<Bits<8>>,
    op_ident: Constant<Bits<8>>,
    op_write: Constant<Bits<8>>,
    op_seal: Constant<Bits<8>>,
    op_run: Constant<Bits<8>>,
    op_read: Constant<Bits<8>>,
    op_stat: Constant<Bits<8>>,
    version: Constant<Bits<8>>,
    response_bit: Constant<Bits<8>>,
    st_ok: Constant<Bits<8>>,
    st_dup: Constant<Bits<8>>,
    st_bad_op: Constant<Bits<8>>,
    st_bad_len: Constant<Bits<8>>,
    st_range: Constant<Bits<8>>,
    st_dirty: Constant<Bits<8>>,
    st_other: Constant<Bits<8>>,
    st_crc: Constant<Bits<8>>,
    st_version: Constant<Bits<8>>,
    st_stale: Constant<Bits<8>>,
    from_none: Constant<Bits<2>>,
    from_identity: Constant<Bits<2>>,
    from_counters: Constant<Bits<2>>,
    from_results: Constant<Bits<2>>,
    identity_words: Constant<Bits<16>>,
    counter_words: Constant<Bits<16>>,
}

fn small<const N: usize>(value: usize) -> Constant<Bits<N>> {
    assert!((value as u64) < 1 << N, "{value} does not fit {N} bits");
    Constant::new((value as u64).into())
}

impl<const W: usize, const Y: usize, const U: usize> CommandProcessor<W, Y, U> {
    /// A processor for stores of this geometry.
    pub fn new(g: &Geometry) -> Self {
        assert!(W == g.tile_word_bytes() * 8 && Y == g.result_word_bytes() * 8 && U >= Y && U >= 64);
        Self {
            clock: Default::default(),
            frame_valid: Default::default(),
            frame_bytes: Default::default(),
            frame_done: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            store_byte: Default::default(),
            tile_byte_enable: Default::default(),
            tile_write_enable: Default::default(),
            act_byte_enable: Default::default(),
            act_write_enable: Default::default(),
            write_address: Default::default(),
            tile_read_enable: Default::default(),
            tile_read_address: Default::default(),
            tile_read_data: Default::default(),
            start: Default::default(),
            base: Default::default(),
            row_groups: Default::default(),
            col_beats: Default::default(),
            plane_groups: Default::default(),
            ternary: Default::default(),
            a2: Default::default(),
            init: Default::default(),
            result_valid: Default::default(),
            result_write_address: Default::default(),
            result_read_address: Default::default(),
            result_read_data: Default::default(),
            page_address: Default::default(),
            identity_data: Default::default(),
            counter_data: Default::default(),
            run_cycle: Default::default(),
            out_valid: Default::default(),
            out_data: Default::default(),
            out_last: Default::default(),
            out_ready: Default::default(),
            header: Default::default(),
            seals: SealTable::new(g.pages().max(2)),
            seal_bytes: Unpacker::for_words(),
            seal_crc: Default::default(),
            answer: Unpacker::new(U),
            state: Default::default(),
            position: Default::default(),
            fetched: Default::default(),
            in_frame: Default::default(),
            byte_index: Default::default(),
            word_at: Default::default(),
            words_left: Default::default(),
            has_job: Default::default(),
            job_id: Default::default(),
            job_rows: Default::default(),
            job_cycles: Default::default(),
            results: Default::default(),
            factor: Default::default(),
            multiplier: Default::default(),
            product: Default::default(),
            status: Default::default(),
            aux: Default::default(),
            source: Default::default(),
            send_words: Default::default(),
            bytes_left: Default::default(),
            payload_end: Default::default(),
            payload: Default::default(),
            act_bytes: Default::default(),
            more: Default::default(),
            store_done: Default::default(),
            tail: Default::default(),
            write_words: Default::default(),
            write_end: Default::default(),
            tile_end: Default::default(),
            read_end: Default::default(),
            crc_found: Default::default(),
            age: Default::default(),
            last_page: Default::default(),
            page_now: Default::default(),
            write_page: Default::default(),
            first_seal: Default::default(),
            wanted_act_bytes: Default::default(),
            addr_high: Default::default(),
            addr_low: Default::default(),
            base_high: Default::default(),
            base_low: Default::default(),
            count_high: Default::default(),
            count_low: Default::default(),
            next_word: Default::default(),
            head: Default::default(),
            op_answer: Default::default(),
            page_word: Default::default(),
            range_bad: Default::default(),
            last_result: Default::default(),
            before_last: Default::default(),
            at_last: Default::default(),
            at_last_page: Default::default(),
            is_sync: Default::default(),
            is_ident: Default::default(),
            is_stat: Default::default(),
            is_write: Default::default(),
            is_seal: Default::default(),
            is_run: Default::default(),
            is_read: Default::default(),
            is_version: Default::default(),
            has_payload: Default::default(),
            has_word: Default::default(),
            has_descriptor: Default::default(),
            has_tail: Default::default(),
            high_address: Default::default(),
            write_over: Default::default(),
            page_over: Default::default(),
            read_over: Default::default(),
            other_job: Default::default(),
            same_job: Default::default(),
            crc_same: Default::default(),
            digest_same: Default::default(),
            acts_wrong: Default::default(),
            acts_over: Default::default(),
            dup_over: Default::default(),
            tile_over: Default::default(),
            shape_bad: Default::default(),
            counts_bad: Default::default(),
            tile_byte_top: small(g.tile_word_bytes() - 1),
            tile_byte_mask: small(g.tile_word_bytes() - 1),
            tile_shift: small(g.tile_word_bytes().trailing_zeros() as usize),
            act_byte_top: small(g.act_word_bytes() - 1),
            act_shift: small(g.act_word_bytes().trailing_zeros() as usize),
            page_shift: small(g.page_words.trailing_zeros() as usize),
            page_words: small(g.page_words),
            pages: small(g.pages()),
            tile_words: small(g.tile_words),
            act_words: small(g.act_words),
            result_words: small(g.result_words),
            result_bytes: small(g.result_word_bytes()),
            most_groups: small(most_plane_groups(g)),
            a2_groups: small(plane_groups_of_a2(g.planes)),
            op_sync: small(Op::Sync as usize),
            op_ident: small(Op::Ident as usize),
            op_write: small(Op::Write as usize),
            op_seal: small(Op::Seal as usize),
            op_run: small(Op::Run as usize),
            op_read: small(Op::Read as usize),
            op_stat: small(Op::Stat as usize),
            version: small(wire::PROTOCOL_VERSION as usize),
            response_bit: small(wire::RESPONSE_BIT as usize),
            st_ok: small(Status::Ok as usize),
            st_dup: small(Status::Dup as usize),
            st_bad_op: small(Status::BadOp as usize),
            st_bad_len: small(Status::BadLen as usize),
            st_range: small(Status::Range as usize),
            st_dirty: small(Status::TileDirty as usize),
            st_other: small(Status::OtherPages as usize),
            st_crc: small(Status::CrcMismatch as usize),
            st_version: small(Status::Version as usize),
            st_stale: small(Status::StaleJob as usize),
            from_none: small(0),
            from_identity: small(1),
            from_counters: small(2),
            from_results: small(3),
            identity_words: small(wire::IDENT_BYTES / 4),
            counter_words: small(wire::STAT_BYTES / 4),
        }
    }
}

impl<const W: usize, const Y: usize, const U: usize> Logic for CommandProcessor<W, Y, U> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, position, fetched, in_frame, byte_index, word_at, words_left);
        dff_setup!(self, clock, has_job, job_id, job_rows, job_cycles, results, factor, multiplier, product);
        dff_setup!(self, clock, status, aux, source, send_words, bytes_left);
        dff_setup!(
            self,
            clock,
            payload_end,
            payload,
            act_bytes,
            write_end,
            read_end,
            tile_end,
            last_page,
            last_result,
            before_last,
            at_last,
            at_last_page,
            age,
            next_word
        );
        dff_setup!(self, clock, is_sync, is_ident, is_stat, is_write, is_seal, is_run, is_read, is_version, has_payload, has_word);
        dff_setup!(self, clock, has_descriptor, has_tail, high_address, write_over, page_over, read_over, other_job, same_job, crc_same);
        dff_setup!(self, clock, digest_same, acts_wrong, acts_over, dup_over, tile_over, shape_bad, counts_bad, range_bad);
        clock!(self, clock, header, seals, seal_bytes, seal_crc, answer);

        // Outputs that are quiet unless a state says otherwise.
        self.frame_done.next = false;
        self.read_enable.next = false;
        self.read_address.next = self.position.q.val();
        self.tile_byte_enable.next = false;
        self.tile_write_enable.next = false;
        self.act_byte_enable.next = false;
        self.act_write_enable.next = false;
        self.tile_read_enable.next = false;
        self.tile_read_address.next = self.word_at.q.val();
        self.start.next = false;
        self.run_cycle.next = false;
        self.out_valid.next = false;
        self.out_last.next = false;
        self.header.enable.next = false;
        self.header.byte_data.next = 0.into();
        self.seals.seal.next = false;
        self.seals.clear.next = false;
        self.seal_bytes.load.next = false;
        self.seal_bytes.shift.next = false;
        self.seal_bytes.word.next = self.tile_read_data.val();
        self.seal_crc.clear.next = false;
        self.seal_crc.enable.next = false;
        self.seal_crc.data.next = self.seal_bytes.byte_data.val();
        self.answer.load.next = false;
        self.answer.shift.next = false;

        // The frame's fields, cut to the widths in which they are used.
        self.addr_low.next = self.header.addr.val().get_bits::<16>(0);
        self.addr_high.next = self.header.addr.val().get_bits::<16>(16);
        self.base_low.next = self.header.base.val().get_bits::<16>(0);
        self.base_high.next = self.header.base.val().get_bits::<16>(16);
        self.count_low.next = self.header.word.val().get_bits::<16>(0);
        self.count_high.next = self.header.word.val().get_bits::<16>(16);
        self.base.next = self.base_low.val();
        self.row_groups.next = self.header.row_groups.val();
        self.col_beats.next = self.header.col_beats.val();
        self.plane_groups.next = self.header.plane_groups.val();
        self.ternary.next = self.header.ternary.val();
        self.a2.next = self.header.a2.val();
        self.init.next = self.header.init.val();

        // Where the payload ends, and the byte stream from it: a byte is asked for in one cycle and there in the next.
        self.payload_end.d.next = self.frame_bytes.val() - 4;
        self.payload.d.next = self.frame_bytes.val() - 12;
        self.act_bytes.d.next = self.frame_bytes.val() - 32;
        self.more.next = self.position.q.val() != self.payload_end.q.val();
        self.fetched.d.next = false;
        self.store_done.next = !self.more.val() & !self.fetched.q.val();
        self.store_byte.next = self.read_data.val();
        self.write_address.next = self.word_at.q.val();

        // Sums of the fields, then what the states ask about them; all free-running.
        self.tail.next = self.payload.q.val() & self.tile_byte_mask.val();
        self.write_words.next = self.payload.q.val() >> self.tile_shift.val();
        self.write_end.d.next = bit_cast::<18, 16>(self.addr_low.val()) + bit_cast::<18, 13>(self.write_words.val());
        self.tile_end.d.next = bit_cast::<18, 16>(self.base_low.val()) + bit_cast::<18, 32>(self.product.q.val());
        self.read_end.d.next = bit_cast::<18, 16>(self.addr_low.val()) + bit_cast::<18, 16>(self.count_low.val());
        self.last_page.d.next = self.tile_end.q.val().get_bits::<16>(0) - 1;
        self.last_result.d.next = self.header.row_groups.val() - 1;
        self.before_last.d.next = self.last_result.q.val() - 1;
        // Of the count as it will be in the next cycle: results may come cycle by cycle.
        self.at_last.d.next = self.results.q.val() == self.last_result.q.val();
        if self.result_valid.val() {
            self.at_last.d.next = self.results.q.val() == self.before_last.q.val();
        }
        self.age.d.next = self.header.job_id.val() - self.job_id.q.val();
        self.crc_found.next = !self.seal_crc.crc.val();
        self.wanted_act_bytes.next = self.product.q.val() << self.act_shift.val();
        self.is_sync.d.next = self.header.op.val() == self.op_sync.val();
        self.is_ident.d.next = self.header.op.val() == self.op_ident.val();
        self.is_stat.d.next = self.header.op.val() == self.op_stat.val();
        self.is_write.d.next = self.header.op.val() == self.op_write.val();
        self.is_seal.d.next = self.header.op.val() == self.op_seal.val();
        self.is_run.d.next = self.header.op.val() == self.op_run.val();
        self.is_read.d.next = self.header.op.val() == self.op_read.val();
        self.is_version.d.next = self.header.arg.val() == self.version.val();
        self.has_payload.d.next = self.payload.q.val() != 0;
        self.has_word.d.next = self.payload.q.val() == 4;
        self.has_descriptor.d.next = self.payload.q.val() >= 20;
        self.has_tail.d.next = self.tail.val() != 0;
        self.high_address.d.next = self.addr_high.val() != 0;
        self.write_over.d.next = self.write_end.q.val() > self.tile_words.val();
        self.page_over.d.next = self.addr_low.val() >= self.pages.val();
        self.read_over.d.next = (self.count_high.val() != 0) | (self.read_end.q.val() > bit_cast::<18, 16>(self.job_rows.q.val()));
        self.other_job.d.next = self.addr_high.val() != self.job_id.q.val();
        self.same_job.d.next = self.age.q.val() == 0;
        self.crc_same.d.next = self.crc_found.val() == self.header.word.val();
        self.digest_same.d.next = self.crc_found.val() == self.header.digest.val();
        self.acts_wrong.d.next = self.wanted_act_bytes.val() != bit_cast::<32, 13>(self.act_bytes.q.val());
        self.acts_over.d.next = self.product.q.val() > self.act_words.val();
        self.dup_over.d.next = self.addr_low.val() > self.job_rows.q.val();
        self.tile_over.d.next = self.tile_end.q.val() > self.tile_words.val();
        self.shape_bad.d.next = (self.header.plane_groups.val() == 0)
            | (self.header.plane_groups.val() > self.most_groups.val())
            | (self.header.a2.val() & (self.header.plane_groups.val() != self.a2_groups.val()))
            | (self.header.row_groups.val() > self.result_words.val())
            | (self.addr_low.val() > self.header.row_groups.val());
        self.counts_bad.d.next = (self.base_high.val() != 0)
            | (self.product.q.val().get_bits::<16>(16) != 0)
            | (self.header.row_groups.val() == 0)
            | (self.header.col_beats.val() == 0);
        self.range_bad.d.next = self.shape_bad.q.val() | self.counts_bad.q.val() | self.tile_over.q.val() | self.high_address.q.val();
        self.page_now.next = self.word_at.q.val();
        self.at_last_page.d.next = self.word_at.q.val() == self.words_left.q.val();
        self.write_page.next = self.word_at.q.val() >> self.page_shift.val();
        self.first_seal.next = self.addr_low.val() << self.page_shift.val();
        self.seals.page.next = self.write_page.val().get_bits::<8>(0);
        self.seals.query.next = self.page_now.val().get_bits::<8>(0);
        // A page is sealed with what was found there, which is what the host said.
        self.seals.crc.next = self.header.word.val();

        // The next word of a response.
        self.page_address.next = self.word_at.q.val().get_bits::<4>(0);
        self.page_word.next = self.identity_data.val();
        if self.source.q.val() == self.from_counters.val() {
            self.page_word.next = self.counter_data.val();
        }
        // Registered: a word is asked for three bytes before it is loaded, and a result word has three at least.
        self.next_word.d.next = bit_cast::<U, 32>(self.page_word.val());
        if self.source.q.val() == self.from_results.val() {
            self.next_word.d.next = bit_cast::<U, Y>(self.result_read_data.val());
        }
        self.result_read_address.next = self.word_at.q.val().get_bits::<12>(0);
        self.result_write_address.next = self.results.q.val().get_bits::<12>(0);
        self.op_answer.next = self.header.op.val() | self.response_bit.val();
        self.head.next = (bit_cast::<64, 32>(self.aux.q.val()) << 32)
            | (bit_cast::<64, 16>(self.header.seq.val()) << 16)
            | (bit_cast::<64, 8>(self.status.q.val()) << 8)
            | bit_cast::<64, 8>(self.op_answer.val());
        self.answer.word.next = self.next_word.q.val();
        self.out_data.next = self.answer.byte_data.val();

        match self.state.q.val() {
            CommandState::Idle => {
                self.position.d.next = 0.into();
                self.byte_index.d.next = 0.into();
                if self.frame_valid.val() {
                    self.state.d.next = CommandState::Settle;
                }
            }
            CommandState::Settle => {
                self.state.d.next = CommandState::Header;
            }
            CommandState::Header => {
                // Bytes beyond a short frame's payload are taken as zero.
                self.in_frame.d.next = self.position.q.val() < self.payload_end.q.val();
                if self.position.q.val() < 28 {
                    self.read_enable.next = true;
                    self.fetched.d.next = true;
                    self.position.d.next = self.position.q.val() + 1;
                }
                if self.fetched.q.val() {
                    self.header.enable.next = true;
                    if self.in_frame.q.val() {
                        self.header.byte_data.next = self.read_data.val();
                    }
                    if self.position.q.val() == 28 {
                        self.state.d.next = CommandState::Sums;
                    }
                }
            }
            CommandState::Sums => {
                self.state.d.next = CommandState::Flags;
            }
            CommandState::Flags => {
                // What a request begins with is loaded before it is known which it is: behind the decision it would
                // be the longest path of the board, and a tool would make it a synchronous reset on top.
                self.status.d.next = self.st_ok.val();
                self.aux.d.next = 0.into();
                self.source.d.next = self.from_none.val();
                self.send_words.d.next = 0.into();
                self.word_at.d.next = 0.into();
                self.words_left.d.next = self.page_words.val();
                self.factor.d.next = bit_cast::<32, 16>(self.header.col_beats.val());
                self.multiplier.d.next = bit_cast::<16, 8>(self.header.plane_groups.val());
                self.product.d.next = 0.into();
                self.state.d.next = CommandState::Dispatch;
            }
            CommandState::Dispatch => {
                self.state.d.next = CommandState::Answer;
                if self.is_sync.q.val() {
                    if self.has_payload.q.val() {
                        self.status.d.next = self.st_bad_len.val();
                    } else {
                        self.aux.d.next = self.header.addr.val();
                        self.has_job.d.next = false;
                        if !self.is_version.q.val() {
                            self.status.d.next = self.st_version.val();
                        }
                    }
                } else {
                    if self.is_ident.q.val() {
                        if self.has_payload.q.val() {
                            self.status.d.next = self.st_bad_len.val();
                        } else {
                            self.source.d.next = self.from_identity.val();
                            self.send_words.d.next = self.identity_words.val();
                        }
                    } else {
                        if self.is_stat.q.val() {
                            if self.has_payload.q.val() {
                                self.status.d.next = self.st_bad_len.val();
                            } else {
                                self.source.d.next = self.from_counters.val();
                                self.send_words.d.next = self.counter_words.val();
                            }
                        } else {
                            if self.is_write.q.val() {
                                if !self.has_payload.q.val() | self.has_tail.q.val() {
                                    self.status.d.next = self.st_bad_len.val();
                                } else {
                                    if self.high_address.q.val() | self.write_over.q.val() {
                                        self.status.d.next = self.st_range.val();
                                    } else {
                                        self.aux.d.next = self.header.addr.val();
                                        self.word_at.d.next = self.addr_low.val();
                                        self.position.d.next = 8.into();
                                        self.state.d.next = CommandState::Write;
                                    }
                                }
                            } else {
                                if self.is_seal.q.val() {
                                    if !self.has_word.q.val() {
                                        self.status.d.next = self.st_bad_len.val();
                                    } else {
                                        if self.high_address.q.val() | self.page_over.q.val() {
                                            self.status.d.next = self.st_range.val();
                                        } else {
                                            self.word_at.d.next = self.first_seal.val();
                                            self.seal_crc.clear.next = true;
                                            self.state.d.next = CommandState::SealRead;
                                        }
                                    }
                                } else {
                                    if self.is_run.q.val() {
                                        if !self.has_descriptor.q.val() {
                                            self.status.d.next = self.st_bad_len.val();
                                        } else {
                                            self.state.d.next = CommandState::RunActWords;
                                        }
                                    } else {
                                        if self.is_read.q.val() {
                                            if !self.has_word.q.val() {
                                                self.status.d.next = self.st_bad_len.val();
                                            } else {
                                                if !self.has_job.q.val() | self.other_job.q.val() {
                                                    self.status.d.next = self.st_stale.val();
                                                    if self.has_job.q.val() {
                                                        self.aux.d.next = bit_cast::<32, 16>(self.job_id.q.val());
                                                    }
                                                } else {
                                                    if self.read_over.q.val() {
                                                        self.status.d.next = self.st_range.val();
                                                    } else {
                                                        self.aux.d.next = self.header.addr.val();
                                                        self.source.d.next = self.from_results.val();
                                                        self.send_words.d.next = self.count_low.val();
                                                        self.word_at.d.next = self.addr_low.val();
                                                    }
                                                }
                                            }
                                        } else {
                                            self.status.d.next = self.st_bad_op.val();
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            CommandState::Write => {
                if self.more.val() {
                    self.read_enable.next = true;
                    self.fetched.d.next = true;
                    self.position.d.next = self.position.q.val() + 1;
                }
                if self.fetched.q.val() {
                    self.tile_byte_enable.next = true;
                    self.byte_index.d.next = self.byte_index.q.val() + 1;
                    if self.byte_index.q.val() == self.tile_byte_top.val() {
                        self.byte_index.d.next = 0.into();
                        self.tile_write_enable.next = true;
                        self.seals.clear.next = true;
                        self.word_at.d.next = self.word_at.q.val() + 1;
                    }
                }
                if self.store_done.val() {
                    self.state.d.next = CommandState::Answer;
                }
            }
            CommandState::SealRead => {
                self.tile_read_enable.next = true;
                self.state.d.next = CommandState::SealWait;
            }
            CommandState::SealWait => {
                self.state.d.next = CommandState::SealLoad;
            }
            CommandState::SealLoad => {
                self.seal_bytes.load.next = true;
                self.state.d.next = CommandState::SealBytes;
            }
            CommandState::SealBytes => {
                self.seal_crc.enable.next = true;
                self.seal_bytes.shift.next = true;
                self.byte_index.d.next = self.byte_index.q.val() + 1;
                if self.byte_index.q.val() == self.tile_byte_top.val() {
                    self.byte_index.d.next = 0.into();
                    self.words_left.d.next = self.words_left.q.val() - 1;
                    if self.words_left.q.val() == 1 {
                        // word_at stays on the page, whose seal is decided next.
                        self.state.d.next = CommandState::SealCompare;
                    } else {
                        self.word_at.d.next = self.word_at.q.val() + 1;
                        self.state.d.next = CommandState::SealRead;
                    }
                }
            }
            CommandState::SealCompare => {
                self.state.d.next = CommandState::SealCheck;
            }
            CommandState::SealCheck => {
                self.aux.d.next = self.crc_found.val();
                if self.crc_same.q.val() {
                    self.seals.seal.next = true;
                } else {
                    self.seals.clear.next = true;
                    self.status.d.next = self.st_crc.val();
                }
                self.state.d.next = CommandState::Answer;
            }
            CommandState::RunActWords => {
                if self.multiplier.q.val() == 0 {
                    self.state.d.next = CommandState::RunIdentify;
                } else {
                    if self.multiplier.q.val().get_bit(0) {
                        self.product.d.next = self.product.q.val() + self.factor.q.val();
                    }
                    self.factor.d.next = self.factor.q.val() << 1;
                    self.multiplier.d.next = self.multiplier.q.val() >> 1;
                }
            }
            CommandState::RunIdentify => {
                // As in Flags: what the next state needs is loaded whatever comes next.
                self.factor.d.next = bit_cast::<32, 16>(self.header.col_beats.val());
                self.multiplier.d.next = self.header.row_groups.val();
                self.product.d.next = 0.into();
                self.state.d.next = CommandState::Answer;
                if self.acts_wrong.q.val() {
                    self.status.d.next = self.st_bad_len.val();
                } else {
                    if self.has_job.q.val() & self.same_job.q.val() {
                        // The same job again: its answer was lost. Answer with what is stored.
                        if self.high_address.q.val() | self.dup_over.q.val() {
                            self.status.d.next = self.st_range.val();
                        } else {
                            self.status.d.next = self.st_dup.val();
                            self.aux.d.next = self.job_cycles.q.val();
                            self.source.d.next = self.from_results.val();
                            self.send_words.d.next = self.addr_low.val();
                        }
                    } else {
                        if self.has_job.q.val() & self.age.q.val().get_bit(15) {
                            self.status.d.next = self.st_stale.val();
                            self.aux.d.next = bit_cast::<32, 16>(self.job_id.q.val());
                        } else {
                            if self.acts_over.q.val() {
                                self.status.d.next = self.st_range.val();
                            } else {
                                self.state.d.next = CommandState::RunTileWords;
                            }
                        }
                    }
                }
            }
            CommandState::RunTileWords => {
                if self.multiplier.q.val() == 0 {
                    self.state.d.next = CommandState::RunEnd;
                } else {
                    if self.multiplier.q.val().get_bit(0) {
                        self.product.d.next = self.product.q.val() + self.factor.q.val();
                    }
                    self.factor.d.next = self.factor.q.val() << 1;
                    self.multiplier.d.next = self.multiplier.q.val() >> 1;
                }
            }
            CommandState::RunEnd => {
                self.state.d.next = CommandState::RunOver;
            }
            CommandState::RunOver => {
                self.state.d.next = CommandState::RunRange;
            }
            CommandState::RunRange => {
                self.state.d.next = CommandState::RunPages;
                self.seal_crc.clear.next = true;
                // word_at counts pages here.
                self.word_at.d.next = self.base_low.val() >> self.page_shift.val();
                self.words_left.d.next = self.last_page.q.val() >> self.page_shift.val();
                if self.range_bad.q.val() {
                    self.status.d.next = self.st_range.val();
                    self.state.d.next = CommandState::Answer;
                }
            }
            CommandState::RunPages => {
                self.state.d.next = CommandState::RunSealed;
            }
            CommandState::RunSealed => {
                self.seal_bytes.word.next = bit_cast::<W, 32>(self.seals.page_crc.val());
                self.seal_bytes.load.next = true;
                self.state.d.next = CommandState::RunDigest;
                if !self.seals.is_sealed.val() {
                    self.status.d.next = self.st_dirty.val();
                    self.aux.d.next = bit_cast::<32, 16>(self.word_at.q.val());
                    self.word_at.d.next = 0.into();
                    self.state.d.next = CommandState::Answer;
                }
            }
            CommandState::RunDigest => {
                // Where words are in banks, this is the cycle in which one is taken.
                self.seal_bytes.word.next = bit_cast::<W, 32>(self.seals.page_crc.val());
                self.seal_crc.enable.next = true;
                self.seal_bytes.shift.next = true;
                self.byte_index.d.next = self.byte_index.q.val() + 1;
                if self.byte_index.q.val() == 3 {
                    self.byte_index.d.next = 0.into();
                    self.word_at.d.next = self.word_at.q.val() + 1;
                    self.state.d.next = CommandState::RunPages;
                    if self.at_last_page.q.val() {
                        self.state.d.next = CommandState::RunCompare;
                    }
                }
            }
            CommandState::RunCompare => {
                self.state.d.next = CommandState::RunSame;
            }
            CommandState::RunSame => {
                self.word_at.d.next = 0.into();
                self.position.d.next = 28.into();
                self.state.d.next = CommandState::RunActs;
                if !self.digest_same.q.val() {
                    self.status.d.next = self.st_other.val();
                    self.aux.d.next = self.crc_found.val();
                    self.state.d.next = CommandState::Answer;
                }
            }
            CommandState::RunActs => {
                if self.more.val() {
                    self.read_enable.next = true;
                    self.fetched.d.next = true;
                    self.position.d.next = self.position.q.val() + 1;
                }
                if self.fetched.q.val() {
                    self.act_byte_enable.next = true;
                    self.byte_index.d.next = self.byte_index.q.val() + 1;
                    if self.byte_index.q.val() == self.act_byte_top.val() {
                        self.byte_index.d.next = 0.into();
                        self.act_write_enable.next = true;
                        self.word_at.d.next = self.word_at.q.val() + 1;
                    }
                }
                if self.store_done.val() {
                    self.state.d.next = CommandState::RunStart;
                }
            }
            CommandState::RunStart => {
                self.start.next = true;
                self.has_job.d.next = true;
                self.job_id.d.next = self.header.job_id.val();
                self.job_rows.d.next = self.header.row_groups.val();
                self.job_cycles.d.next = 0.into();
                self.results.d.next = 0.into();
                self.word_at.d.next = 0.into();
                self.source.d.next = self.from_results.val();
                self.send_words.d.next = self.addr_low.val();
                self.state.d.next = CommandState::RunWait;
            }
            CommandState::RunWait => {
                self.run_cycle.next = true;
                self.job_cycles.d.next = self.job_cycles.q.val() + 1;
                if self.result_valid.val() {
                    self.results.d.next = self.results.q.val() + 1;
                    self.aux.d.next = self.job_cycles.q.val() + 1;
                    if self.at_last.q.val() {
                        self.state.d.next = CommandState::Answer;
                    }
                }
            }
            CommandState::Answer => {
                self.answer.load.next = true;
                self.answer.word.next = bit_cast::<U, 64>(self.head.val());
                self.bytes_left.d.next = 8.into();
                self.state.d.next = CommandState::Send;
            }
            CommandState::Send => {
                self.out_valid.next = true;
                self.out_last.next = (self.bytes_left.q.val() == 1) & (self.send_words.q.val() == 0);
                if self.out_ready.val() {
                    self.answer.shift.next = true;
                    self.bytes_left.d.next = self.bytes_left.q.val() - 1;
                    if self.bytes_left.q.val() == 1 {
                        if self.send_words.q.val() == 0 {
                            self.state.d.next = CommandState::Done;
                        } else {
                            self.answer.load.next = true;
                            self.send_words.d.next = self.send_words.q.val() - 1;
                            self.word_at.d.next = self.word_at.q.val() + 1;
                            self.bytes_left.d.next = 4.into();
                            if self.source.q.val() == self.from_results.val() {
                                self.bytes_left.d.next = self.result_bytes.val();
                            }
                        }
                    }
                }
            }
            CommandState::Done => {
                self.frame_done.next = true;
                self.state.d.next = CommandState::Idle;
            }
            _ => {
                self.state.d.next = CommandState::Idle;
            }
        }
    }
}
