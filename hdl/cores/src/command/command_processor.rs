//! Command processor: executes one checked frame after another and answers each exactly once.
//!
//! Function: the operations of `nda_spec::wire::Op`, with the checks in the order that PROTOCOL.md gives. A frame
//! that is refused changes nothing but what PROTOCOL.md says. `RUN` is executed to its end before it is answered.
//! Handshake: reads the frame buffer by address; drives the stores, the seal table and the sequencer; gives the
//! response's bytes to the frame encoder (ready/valid).
//! Timing: every sum and every comparison of the checks (`checks.rs`) ends in a register, and a state that
//! decides waits until those it reads stand; so a path is one carry chain or a few LUTs, whatever the geometry.
//! Parts: the states and what each does are a netlist (`control.rs`); beside it stand the header register, the seal table, a tile
//! word's bytes with their CRC-32, and the response's bytes.
//! Latency: 33 cycles for a header, then a byte per cycle; `RUN` adds 38 and six per page of weights; `SEAL` takes
//! `page_words * (tile_word_bytes + 4)`. Cost (yosys, in seed64; firmware/tests/parts.rs): 1,899 LUT4, 1,045 FF, 1 DP16KD.

mod checks;
mod control;
mod dispatch;
mod frame;
mod held;
mod pages;
mod reply;
mod run;
mod states;
#[cfg(test)]
mod tests;

use crate::command::header_register::HeaderRegister;
use crate::command::seal_table::SealTable;
use crate::link::crc32::Crc32;
use crate::store::unpacker::Unpacker;
use control::{CommandControl, control};
use nda_spec::config::Geometry;
use rust_hdl_core::prelude::*;

/// `W`: bits of a tile word; `Y`: bits of a result word; `U`: bits of the response's word, the larger of `Y` and 64.
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
    control: CommandControl<Y, U>,
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
            control: CommandControl::around(control(g, U)),
        }
    }
}

impl<const W: usize, const Y: usize, const U: usize> Logic for CommandProcessor<W, Y, U> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, header, seals, seal_bytes, seal_crc, answer, control);
        // The frame.
        self.control.frame_valid.next = self.frame_valid.val();
        self.control.frame_bytes.next = self.frame_bytes.val();
        self.control.read_data.next = self.read_data.val();
        self.frame_done.next = self.control.frame_done.val();
        self.read_enable.next = self.control.read_enable.val();
        self.read_address.next = self.control.read_address.val();
        // Its fields.
        self.header.enable.next = self.control.head_enable.val();
        self.header.byte_data.next = self.control.head_byte.val();
        self.control.op.next = self.header.op.val();
        self.control.arg.next = self.header.arg.val();
        self.control.seq.next = self.header.seq.val();
        self.control.addr.next = self.header.addr.val();
        self.control.word.next = self.header.word.val();
        self.control.job_id.next = self.header.job_id.val();
        self.control.a2.next = self.header.a2.val();
        self.control.plane_groups.next = self.header.plane_groups.val();
        self.control.base.next = self.header.base.val();
        self.control.row_groups.next = self.header.row_groups.val();
        self.control.col_beats.next = self.header.col_beats.val();
        self.control.digest.next = self.header.digest.val();
        // Bytes for the stores.
        self.store_byte.next = self.read_data.val();
        self.tile_byte_enable.next = self.control.tile_byte_enable.val();
        self.tile_write_enable.next = self.control.tile_write_enable.val();
        self.act_byte_enable.next = self.control.act_byte_enable.val();
        self.act_write_enable.next = self.control.act_write_enable.val();
        self.write_address.next = self.control.word_address.val();
        // Seals: a page is sealed with what was found there, which is what the host said.
        self.seals.seal.next = self.control.page_seal.val();
        self.seals.clear.next = self.control.page_clear.val();
        self.seals.page.next = self.control.page.val();
        self.seals.crc.next = self.header.word.val();
        self.seals.query.next = self.control.page_query.val();
        self.control.is_sealed.next = self.seals.is_sealed.val();
        self.tile_read_enable.next = self.control.tile_read_enable.val();
        self.tile_read_address.next = self.control.word_address.val();
        self.seal_bytes.load.next = self.control.word_load.val();
        self.seal_bytes.shift.next = self.control.word_shift.val();
        self.seal_bytes.word.next = self.tile_read_data.val();
        if self.control.word_is_page_crc.val() {
            self.seal_bytes.word.next = bit_cast::<W, 32>(self.seals.page_crc.val());
        }
        self.seal_crc.clear.next = self.control.crc_clear.val();
        self.seal_crc.enable.next = self.control.word_shift.val();
        self.seal_crc.data.next = self.seal_bytes.byte_data.val();
        self.control.crc.next = self.seal_crc.crc.val();
        // The job.
        self.start.next = self.control.start.val();
        self.base.next = self.header.base.val().get_bits::<16>(0);
        self.row_groups.next = self.header.row_groups.val();
        self.col_beats.next = self.header.col_beats.val();
        self.plane_groups.next = self.header.plane_groups.val();
        self.ternary.next = self.header.ternary.val();
        self.a2.next = self.header.a2.val();
        self.init.next = self.header.init.val();
        self.run_cycle.next = self.control.run_cycle.val();
        self.control.result_valid.next = self.result_valid.val();
        self.result_write_address.next = self.control.result_write_address.val();
        // The response.
        self.result_read_address.next = self.control.word_address.val().get_bits::<12>(0);
        self.control.result_read_data.next = self.result_read_data.val();
        self.page_address.next = self.control.word_address.val().get_bits::<4>(0);
        self.control.identity_data.next = self.identity_data.val();
        self.control.counter_data.next = self.counter_data.val();
        self.answer.load.next = self.control.answer_load.val();
        self.answer.word.next = self.control.answer_word.val();
        self.answer.shift.next = self.control.answer_shift.val();
        self.out_valid.next = self.control.out_valid.val();
        self.out_data.next = self.answer.byte_data.val();
        self.out_last.next = self.control.out_last.val();
        self.control.out_ready.next = self.out_ready.val();
    }
}
