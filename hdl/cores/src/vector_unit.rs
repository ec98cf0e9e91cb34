//! Vector unit: runs programs of steps between products, so that a block of layers is one request.
//!
//! Function: stands between the frame buffer and the command processor. A frame of another operation than `PROGRAM` is the command
//! processor's, and so is its response. A program's request it answers itself, as `nda_spec::vector::Machine` does: it reads
//! the program from sealed tile words, and for a product it gives the command processor a `RUN` frame of its own
//! making (`run_frame`), whose results it takes as they come. So weights are checked for their seals, and job ids for
//! their order, where they always are; and the device without this unit is the same to the last gate.
//! Handshake: both sides are those of the frame buffer and the frame encoder (ready/valid).
//! Timing: an element takes three cycles in every step, because three bytes are what a result, a constant and a wide
//! value have; `nda_spec::vector::cycles` has the sum of it all, to the cycle. Cost of
//! `wide256`'s on an ECP5 (yosys): 3,101 LUT4, 493 CCU2C, 2,498 registers, 6 block RAMs, 5 multipliers; 512 of the registers are a tile word.

use crate::block_ram::BlockRam;
use crate::code_cutter::CodeCutter;
use crate::constant_reader::ConstantReader;
use crate::fixed_multiplier::FixedMultiplier;
use crate::run_frame::RunFrame;
use crate::scalar_unit::ScalarUnit;
use crate::sigmoid_table::SigmoidTable;
use crate::step_register::StepRegister;
use nda_spec::ActivationCode;
use nda_spec::config::Geometry;
use nda_spec::job::plane_groups;
use nda_spec::vector;
use nda_spec::wire::{self, Op, Status};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// Bytes of a `RUN` frame without its activations: header, descriptor, CRC.
const RUN_HEAD_BYTES: usize = wire::HEADER_BYTES + wire::JOB_BYTES + wire::CRC_BYTES;

/// What the unit does next.
#[derive(LogicState, Debug, Copy, Clone, PartialEq)]
pub enum VectorState {
    /// Waits for a frame.
    Idle,
    /// Reads its operation.
    Peek,
    /// Looks at it.
    Look,
    /// The command processor has the frame.
    Pass,
    /// Reads 12 bytes of a program's request.
    Head,
    /// Waits for comparisons of them.
    Check,
    /// Looks at those.
    Judge,
    /// Begins a run of the command processor's.
    RunLoad,
    /// Takes the header of its response.
    RunAnswer,
    /// Looks at its status.
    RunJudge,
    /// Reads a step.
    Fetch,
    /// Waits for its operation's flags.
    Decode,
    /// Begins it.
    Choose,
    /// Reads the constant of a sum of squares.
    Floor,
    /// Adds the scale's exponent to a shift.
    Amount,
    /// Keeps it within the shifter.
    Clamp,
    /// Starts a quantizer.
    Quantize,
    /// Waits for it.
    QuantizeWait,
    /// Multiplies the scale by the root.
    RootProduct,
    /// Waits for that.
    RootProductWait,
    /// Keeps the new scale.
    Scale,
    /// Answers it.
    PutScale,
    /// Reads the next byte of the request.
    Prime,
    /// Takes a scale of it.
    TakeScale,
    /// Goes through the elements, three cycles each.
    Elements,
    /// Waits for the last of them.
    Rest,
    /// Starts a root.
    RootStart,
    /// Waits for it.
    RootWait,
    /// Begins a search for the largest.
    Round,
    /// Answers what it found.
    RoundPut,
    /// The program has ended.
    Finish,
    /// Waits for the command processor.
    Drain,
    /// Makes the response's header.
    Reply,
    /// Sends it.
    Send,
    /// Reads a byte of the answer.
    Load,
    /// Sends it.
    Byte,
    /// Gives the frame's slot back.
    Done,
}

/// `W`: bits of a tile word.
#[derive(LogicBlock)]
pub struct VectorUnit<const W: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A checked frame is there.
    pub frame_valid: Signal<In, Bit>,
    /// Its bytes.
    pub frame_bytes: Signal<In, Bits<13>>,
    /// The byte of it that was asked for, a cycle later.
    pub read_data: Signal<In, Bits<8>>,
    /// The command processor is done with its frame.
    pub command_frame_done: Signal<In, Bit>,
    /// It reads a byte.
    pub command_read_enable: Signal<In, Bit>,
    /// Which.
    pub command_read_address: Signal<In, Bits<13>>,
    /// A byte of its response stands.
    pub command_valid: Signal<In, Bit>,
    /// The byte.
    pub command_data: Signal<In, Bits<8>>,
    /// It is the last.
    pub command_last: Signal<In, Bit>,
    /// The response's byte is taken.
    pub out_ready: Signal<In, Bit>,
    /// The tile word, two cycles later.
    pub tile_read_data: Signal<In, Bits<W>>,
    /// The frame is done with.
    pub frame_done: Signal<Out, Bit>,
    /// Read a byte of it.
    pub read_enable: Signal<Out, Bit>,
    /// Which.
    pub read_address: Signal<Out, Bits<13>>,
    /// A frame is there for the command processor.
    pub command_frame_valid: Signal<Out, Bit>,
    /// Its bytes.
    pub command_frame_bytes: Signal<Out, Bits<13>>,
    /// The byte that it asked for, a cycle later.
    pub command_read_data: Signal<Out, Bits<8>>,
    /// The byte of its response is taken.
    pub command_ready: Signal<Out, Bit>,
    /// A byte of the response stands.
    pub out_valid: Signal<Out, Bit>,
    /// The byte.
    pub out_data: Signal<Out, Bits<8>>,
    /// It is the last.
    pub out_last: Signal<Out, Bit>,
    /// Read a tile word.
    pub tile_read_enable: Signal<Out, Bit>,
    /// Which.
    pub tile_read_address: Signal<Out, Bits<16>>,

    constants: ConstantReader<W>,
    step: StepRegister,
    frame: RunFrame,
    multiplier: FixedMultiplier,
    cutter: CodeCutter,
    scalar: ScalarUnit,
    sigmoid: SigmoidTable,
    wide: BlockRam<24, 12>,
    answer: BlockRam<8, 13>,

    state: DFF<VectorState>,
    position: DFF<Bits<13>>,
    fetched: DFF<Bit>,
    head: DFF<Bits<96>>,
    status: DFF<Bits<8>>,
    aux: DFF<Bits<32>>,
    cycles: DFF<Bits<32>>,
    chain_cycles: DFF<Bits<32>>,
    chain_id: DFF<Bits<16>>,
    has_chain: DFF<Bit>,
    run_id: DFF<Bits<16>>,
    run_bytes: DFF<Bits<13>>,
    running: DFF<Bit>,
    probing: DFF<Bit>,
    begun: DFF<Bit>,
    response: DFF<Bits<64>>,
    counter: DFF<Bits<5>>,
    in_bytes: DFF<Bits<16>>,
    out_bytes: DFF<Bits<16>>,
    out_count: DFF<Bits<16>>,
    out_at: DFF<Bits<16>>,
    send_left: DFF<Bits<16>>,
    put: DFF<Bits<40>>,
    put_left: DFF<Bits<3>>,
    a_at: DFF<Bits<16>>,
    b_at: DFF<Bits<16>>,
    w_at: DFF<Bits<16>>,
    left: DFF<Bits<16>>,
    phase: DFF<Bits<2>>,
    ea: DFF<Bits<24>>,
    eb: DFF<Bits<24>>,
    addend: DFF<Bits<24>>,
    issue: DFF<Bit>,
    amount: DFF<Bits<6>>,
    shift_sum: DFF<Bits<10>>,
    largest: DFF<Bits<24>>,
    squares: DFF<Bits<64>>,
    sum: DFF<Bits<24>>,
    code_first: DFF<Bit>,
    scale_largest: DFF<Bits<24>>,
    scale_exponent: DFF<Bits<10>>,
    new_largest: DFF<Bits<24>>,
    new_exponent: DFF<Bits<10>>,
    rooting: DFF<Bit>,
    order: DFF<Bits<16>>,
    rounds: DFF<Bits<16>>,
    first_round: DFF<Bit>,
    found: DFF<Bit>,
    best: DFF<Bits<24>>,
    best_order: DFF<Bits<16>>,
    prior: DFF<Bits<24>>,
    prior_order: DFF<Bits<16>>,
    is_short: DFF<Bit>,
    same_chain: DFF<Bit>,
    begins: DFF<Bit>,
    follows: DFF<Bit>,
    bad_step: DFF<Bit>,
    in_wrong: DFF<Bit>,
    out_wrong: DFF<Bit>,
    out_over: DFF<Bit>,
    took_wrong: DFF<Bit>,
    is_last: DFF<Bit>,
    f_end: DFF<Bit>,
    f_begin: DFF<Bit>,
    f_take_wide: DFF<Bit>,
    f_take_codes: DFF<Bit>,
    f_product: DFF<Bit>,
    f_scale: DFF<Bit>,
    f_weight: DFF<Bit>,
    f_squares: DFF<Bit>,
    f_codes: DFF<Bit>,
    f_send_codes: DFF<Bit>,
    f_silu: DFF<Bit>,
    f_multiply: DFF<Bit>,
    f_send_wide: DFF<Bit>,
    f_send_largest: DFF<Bit>,

    go: Signal<Local, Bit>,
    in_elements: Signal<Local, Bit>,
    needs_constant: Signal<Local, Bit>,
    takes_input: Signal<Local, Bit>,
    reads: Signal<Local, Bit>,
    writes: Signal<Local, Bit>,
    makes_codes: Signal<Local, Bit>,
    id: Signal<Local, Bits<16>>,
    after: Signal<Local, Bits<16>>,
    base: Signal<Local, Bits<16>>,
    words: Signal<Local, Bits<16>>,
    run_base: Signal<Local, Bits<16>>,
    run_groups: Signal<Local, Bits<16>>,
    run_beats: Signal<Local, Bits<16>>,
    run_inline: Signal<Local, Bits<16>>,
    run_planes: Signal<Local, Bits<8>>,
    run_flags: Signal<Local, Bits<8>>,
    negated: Signal<Local, Bits<24>>,
    init: Signal<Local, Bits<24>>,
    act_bytes: Signal<Local, Bits<13>>,
    payload: Signal<Local, Bits<13>>,
    took: Signal<Local, Bits<13>>,
    next_position: Signal<Local, Bits<13>>,
    magnitude: Signal<Local, Bits<24>>,
    is_upper: Signal<Local, Bit>,
    is_lower: Signal<Local, Bit>,
    bias_wide: Signal<Local, Bits<10>>,
    input_wide: Signal<Local, Bits<24>>,
    key: Signal<Local, Bits<24>>,
    best_key: Signal<Local, Bits<24>>,
    prior_key: Signal<Local, Bits<24>>,
    is_above: Signal<Local, Bit>,
    is_below: Signal<Local, Bit>,
    candidate: Signal<Local, Bit>,
    quantum: Signal<Local, Bits<6>>,
    no_count: Signal<Local, Bit>,
    ragged: Signal<Local, Bit>,
    many: Signal<Local, Bit>,
    op_answer: Signal<Local, Bits<8>>,
    judged: Signal<Local, Bits<8>>,
    exponent_byte: Signal<Local, Bits<8>>,
    put_wide: Signal<Local, Bits<40>>,
    put_order: Signal<Local, Bits<40>>,
    put_best: Signal<Local, Bits<40>>,
    answer_data: Signal<Local, Bits<8>>,
    answer_write: Signal<Local, Bit>,
    shifted_ea: Signal<Local, Bits<24>>,
    shifted_eb: Signal<Local, Bits<24>>,
    lift_wide: Signal<Local, Bits<10>>,
    root_wide: Signal<Local, Bits<10>>,
    lifted: Signal<Local, Bits<10>>,

    op_program: Constant<Bits<8>>,
    op_run: Constant<Bits<8>>,
    op_sync: Constant<Bits<8>>,
    response_bit: Constant<Bits<8>>,
    st_ok: Constant<Bits<8>>,
    st_dup: Constant<Bits<8>>,
    st_bad_len: Constant<Bits<8>>,
    st_stale: Constant<Bits<8>>,
    st_program: Constant<Bits<8>>,
    planes: Constant<Bits<8>>,
    one_plane: Constant<Bits<8>>,
    one_beat: Constant<Bits<16>>,
    cols_shift: Constant<Bits<4>>,
    probe_bytes: Constant<Bits<13>>,
    run_head: Constant<Bits<13>>,
    most_out: Constant<Bits<16>>,
    one: Constant<Bits<24>>,
    zero: Constant<Bits<24>>,
    reciprocal_bits: Constant<Bits<6>>,
    part_reciprocal_bits: Constant<Bits<6>>,
    sigmoid_bits: Constant<Bits<6>>,
    root_bits: Constant<Bits<6>>,
    most_shift: Constant<Bits<6>>,
    most_shift_wide: Constant<Bits<10>>,
    high_ones: Constant<Bits<24>>,
    high_bias: Constant<Bits<10>>,
    sign_bit: Constant<Bits<24>>,
    no_order: Constant<Bits<16>>,
    k_end: Constant<Bits<8>>,
    k_begin: Constant<Bits<8>>,
    k_take_wide: Constant<Bits<8>>,
    k_take_codes: Constant<Bits<8>>,
    k_product: Constant<Bits<8>>,
    k_scale: Constant<Bits<8>>,
    k_weight: Constant<Bits<8>>,
    k_squares: Constant<Bits<8>>,
    k_codes: Constant<Bits<8>>,
    k_send_codes: Constant<Bits<8>>,
    k_silu: Constant<Bits<8>>,
    k_multiply: Constant<Bits<8>>,
    k_send_wide: Constant<Bits<8>>,
    k_send_largest: Constant<Bits<8>>,
}

fn small<const N: usize>(value: usize) -> Constant<Bits<N>> {
    assert!((value as u64) < 1 << N, "{value} does not fit {N} bits");
    Constant::new((value as u64).into())
}

impl<const W: usize> VectorUnit<W> {
    /// The unit of a device of this geometry, which has wide words.
    pub fn new(g: &Geometry) -> Self {
        assert!(W == g.tile_word_bytes() * 8 && g.vector_words > 0 && g.array_cols.is_power_of_two());
        Self {
            clock: Default::default(),
            frame_valid: Default::default(),
            frame_bytes: Default::default(),
            read_data: Default::default(),
            command_frame_done: Default::default(),
            command_read_enable: Default::default(),
            command_read_address: Default::default(),
            command_valid: Default::default(),
            command_data: Default::default(),
            command_last: Default::default(),
            out_ready: Default::default(),
            tile_read_data: Default::default(),
            frame_done: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            command_frame_valid: Default::default(),
            command_frame_bytes: Default::default(),
            command_read_data: Default::default(),
            command_ready: Default::default(),
            out_valid: Default::default(),
            out_data: Default::default(),
            out_last: Default::default(),
            tile_read_enable: Default::default(),
            tile_read_address: Default::default(),
            constants: Default::default(),
            step: Default::default(),
            frame: RunFrame::new(g),
            multiplier: Default::default(),
            cutter: Default::default(),
            scalar: Default::default(),
            sigmoid: Default::default(),
            wide: BlockRam::new(g.vector_words),
            answer: BlockRam::new(vector::cycles::answer_bytes(g)),
            state: Default::default(),
            position: Default::default(),
            fetched: Default::default(),
            head: Default::default(),
            status: Default::default(),
            aux: Default::default(),
            cycles: Default::default(),
            chain_cycles: Default::default(),
            chain_id: Default::default(),
            has_chain: Default::default(),
            run_id: Default::default(),
            run_bytes: Default::default(),
            running: Default::default(),
            probing: Default::default(),
            begun: Default::default(),
            response: Default::default(),
            counter: Default::default(),
            in_bytes: Default::default(),
            out_bytes: Default::default(),
            out_count: Default::default(),
            out_at: Default::default(),
            send_left: Default::default(),
            put: Default::default(),
            put_left: Default::default(),
            a_at: Default::default(),
            b_at: Default::default(),
            w_at: Default::default(),
            left: Default::default(),
            phase: Default::default(),
            ea: Default::default(),
            eb: Default::default(),
            addend: Default::default(),
            issue: Default::default(),
            amount: Default::default(),
            shift_sum: Default::default(),
            largest: Default::default(),
            squares: Default::default(),
            sum: Default::default(),
            code_first: Default::default(),
            scale_largest: Default::default(),
            scale_exponent: Default::default(),
            new_largest: Default::default(),
            new_exponent: Default::default(),
            rooting: Default::default(),
            order: Default::default(),
            rounds: Default::default(),
            first_round: Default::default(),
            found: Default::default(),
            best: Default::default(),
            best_order: Default::default(),
            prior: Default::default(),
            prior_order: Default::default(),
            is_short: Default::default(),
            same_chain: Default::default(),
            begins: Default::default(),
            follows: Default::default(),
            bad_step: Default::default(),
            in_wrong: Default::default(),
            out_wrong: Default::default(),
            out_over: Default::default(),
            took_wrong: Default::default(),
            is_last: Default::default(),
            f_end: Default::default(),
            f_begin: Default::default(),
            f_take_wide: Default::default(),
            f_take_codes: Default::default(),
            f_product: Default::default(),
            f_scale: Default::default(),
            f_weight: Default::default(),
            f_squares: Default::default(),
            f_codes: Default::default(),
            f_send_codes: Default::default(),
            f_silu: Default::default(),
            f_multiply: Default::default(),
            f_send_wide: Default::default(),
            f_send_largest: Default::default(),
            go: Default::default(),
            in_elements: Default::default(),
            needs_constant: Default::default(),
            takes_input: Default::default(),
            reads: Default::default(),
            writes: Default::default(),
            makes_codes: Default::default(),
            id: Default::default(),
            after: Default::default(),
            base: Default::default(),
            words: Default::default(),
            run_base: Default::default(),
            run_groups: Default::default(),
            run_beats: Default::default(),
            run_inline: Default::default(),
            run_planes: Default::default(),
            run_flags: Default::default(),
            negated: Default::default(),
            init: Default::default(),
            act_bytes: Default::default(),
            payload: Default::default(),
            took: Default::default(),
            next_position: Default::default(),
            magnitude: Default::default(),
            is_upper: Default::default(),
            is_lower: Default::default(),
            bias_wide: Default::default(),
            input_wide: Default::default(),
            key: Default::default(),
            best_key: Default::default(),
            prior_key: Default::default(),
            is_above: Default::default(),
            is_below: Default::default(),
            candidate: Default::default(),
            quantum: Default::default(),
            no_count: Default::default(),
            ragged: Default::default(),
            many: Default::default(),
            op_answer: Default::default(),
            judged: Default::default(),
            exponent_byte: Default::default(),
            put_wide: Default::default(),
            put_order: Default::default(),
            put_best: Default::default(),
            answer_data: Default::default(),
            answer_write: Default::default(),
            shifted_ea: Default::default(),
            shifted_eb: Default::default(),
            lift_wide: Default::default(),
            root_wide: Default::default(),
            lifted: Default::default(),
            op_program: small(Op::Program as usize),
            op_run: small(Op::Run as usize),
            op_sync: small(Op::Sync as usize),
            response_bit: small(wire::RESPONSE_BIT as usize),
            st_ok: small(Status::Ok as usize),
            st_dup: small(Status::Dup as usize),
            st_bad_len: small(Status::BadLen as usize),
            st_stale: small(Status::StaleJob as usize),
            st_program: small(Status::BadProgram as usize),
            planes: small(plane_groups(ActivationCode::A8, g.planes)),
            one_plane: small(1),
            one_beat: small(1),
            cols_shift: small(g.array_cols.trailing_zeros() as usize),
            probe_bytes: small(RUN_HEAD_BYTES + g.act_word_bytes()),
            run_head: small(RUN_HEAD_BYTES),
            most_out: small(vector::cycles::answer_bytes(g)),
            one: small(1),
            zero: small(0),
            reciprocal_bits: small(vector::RECIPROCAL_BITS as usize),
            part_reciprocal_bits: small((vector::RECIPROCAL_BITS - vector::PART_BITS) as usize),
            sigmoid_bits: small(vector::SIGMOID_BITS as usize),
            root_bits: small(23),
            most_shift: small(vector::MAX_SHIFT as usize),
            most_shift_wide: small(vector::MAX_SHIFT as usize),
            high_ones: small(0xff_ff00),
            high_bias: small(0x300),
            sign_bit: small(0x80_0000),
            no_order: small(0xffff),
            k_end: small(0),
            k_begin: small(1),
            k_take_wide: small(2),
            k_take_codes: small(3),
            k_product: small(4),
            k_scale: small(5),
            k_weight: small(6),
            k_squares: small(7),
            k_codes: small(8),
            k_send_codes: small(9),
            k_silu: small(10),
            k_multiply: small(11),
            k_send_wide: small(12),
            k_send_largest: small(13),
        }
    }
}

impl<const W: usize> Logic for VectorUnit<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, position, fetched, head, status, aux, cycles, chain_cycles, chain_id);
        dff_setup!(self, clock, has_chain, run_id, run_bytes, running, probing, begun, response, counter, in_bytes);
        dff_setup!(self, clock, out_bytes, out_count, out_at, send_left, put, put_left, a_at, b_at, w_at);
        dff_setup!(self, clock, left, phase, ea, eb, addend, issue, amount, shift_sum, largest);
        dff_setup!(self, clock, squares, sum, code_first, scale_largest, scale_exponent, new_largest, new_exponent, rooting, order);
        dff_setup!(self, clock, rounds, first_round, found, best, best_order, prior, prior_order, is_short, same_chain);
        dff_setup!(self, clock, begins, follows, bad_step, in_wrong, out_wrong, out_over, took_wrong, is_last, f_end);
        dff_setup!(self, clock, f_begin, f_take_wide, f_take_codes, f_product, f_scale, f_weight, f_squares, f_codes, f_send_codes);
        dff_setup!(self, clock, f_silu, f_multiply, f_send_wide, f_send_largest);
        clock!(self, clock, constants, step, frame, multiplier, scalar, sigmoid, wide, answer);

        // What goes to the command processor comes from registers alone, without a signal that anything else reads: a tool
        // that orders blocks of statements would see a loop of logic through the processor (see `crc32`).
        self.command_ready.next = (self.state.q.val() == VectorState::RunAnswer)
            | (self.state.q.val() == VectorState::Drain)
            | ((self.state.q.val() == VectorState::Elements) & self.f_product.q.val() & self.constants.valid.val())
            | ((self.state.q.val() == VectorState::Pass) & self.out_ready.val());
        self.command_frame_valid.next = self.running.q.val() | (self.state.q.val() == VectorState::Pass);
        self.command_frame_bytes.next = self.run_bytes.q.val();
        self.command_read_data.next = self.frame.byte_data.val();
        if self.state.q.val() == VectorState::Pass {
            self.command_frame_bytes.next = self.frame_bytes.val();
            self.command_read_data.next = self.read_data.val();
        }

        // Outputs and inputs of cores that are quiet unless a state says otherwise.
        self.frame_done.next = false;
        self.read_enable.next = false;
        self.read_address.next = self.position.q.val();
        self.out_valid.next = false;
        self.out_data.next = self.response.q.val().get_bits::<8>(0);
        self.out_last.next = false;
        self.constants.start.next = false;
        self.constants.want.next = false;
        self.step.enable.next = false;
        self.step.byte_data.next = self.constants.byte_data.val();
        self.frame.start.next = false;
        self.frame.ask.next = self.command_read_enable.val() & self.running.q.val();
        self.frame.code_enable.next = false;
        self.scalar.start.next = false;
        self.scalar.is_root.next = false;
        self.wide.read_enable.next = false;
        self.wide.read_address.next = self.a_at.q.val().get_bits::<12>(0);
        self.sigmoid.enable.next = false;
        self.fetched.d.next = false;
        self.issue.d.next = false;
        self.cycles.d.next = self.cycles.q.val() + 1;

        // The request's fields.
        self.base.next = self.head.q.val().get_bits::<16>(32);
        self.words.next = self.head.q.val().get_bits::<16>(48);
        self.id.next = self.head.q.val().get_bits::<16>(64);
        self.after.next = self.head.q.val().get_bits::<16>(80);
        self.constants.base.next = self.base.val();
        self.constants.words.next = self.words.val();
        self.constants.tile_read_data.next = self.tile_read_data.val();
        self.tile_read_enable.next = self.constants.tile_read_enable.val();
        self.tile_read_address.next = self.constants.tile_read_address.val();
        self.is_short.d.next = self.frame_bytes.val() < 16;
        self.same_chain.d.next = (self.id.val() == self.chain_id.q.val()) & self.has_chain.q.val();
        self.begins.d.next = self.after.val() == self.id.val();
        self.follows.d.next = (self.after.val() == self.chain_id.q.val()) & self.has_chain.q.val();
        self.payload.next = self.frame_bytes.val() - 16;
        self.in_wrong.d.next = bit_cast::<16, 13>(self.payload.val()) != self.step.count.val();
        self.out_over.d.next = self.step.other.val() > self.most_out.val();
        self.took.next = self.position.q.val() - 12;
        self.took_wrong.d.next = bit_cast::<16, 13>(self.took.val()) != self.in_bytes.q.val();
        self.out_wrong.d.next = self.out_count.q.val() != self.out_bytes.q.val();
        self.next_position.next = self.position.q.val() + 1;

        // A run of the command processor's: the probe of the program's own words, or a product.
        self.run_base.next = self.step.other.val();
        self.run_groups.next = self.step.groups.val();
        self.run_beats.next = self.step.beats.val();
        self.run_inline.next = self.step.groups.val();
        self.run_planes.next = self.planes.val();
        self.negated.next = self.zero.val() - self.sum.q.val();
        self.init.next = self.negated.val() << 1;
        self.run_flags.next = 0.into();
        if self.step.flag.val() {
            self.init.next = 0.into();
            self.run_flags.next = 1.into();
        }
        if self.probing.q.val() {
            self.run_base.next = self.base.val();
            self.run_groups.next = self.words.val();
            self.run_beats.next = self.one_beat.val();
            self.run_inline.next = 0.into();
            self.run_planes.next = self.one_plane.val();
            self.run_flags.next = 0.into();
            self.init.next = 0.into();
        }
        self.act_bytes.next = bit_cast::<13, 16>(self.run_beats.val()) << self.cols_shift.val();
        self.frame.beats.next = self.run_beats.val();
        self.frame.header.next = (bit_cast::<192, 24>(self.init.val()) << 160)
            | (bit_cast::<192, 16>(self.run_beats.val()) << 144)
            | (bit_cast::<192, 16>(self.run_groups.val()) << 128)
            | (bit_cast::<192, 16>(self.run_base.val()) << 96)
            | (bit_cast::<192, 8>(self.run_planes.val()) << 88)
            | (bit_cast::<192, 8>(self.run_flags.val()) << 80)
            | (bit_cast::<192, 16>(self.run_id.q.val()) << 64)
            | (bit_cast::<192, 16>(self.run_inline.val()) << 32)
            | bit_cast::<192, 8>(self.op_run.val());
        self.op_answer.next = self.op_program.val() | self.response_bit.val();
        self.judged.next = self.response.q.val().get_bits::<8>(8);
        if self.command_frame_done.val() {
            self.running.d.next = false;
        }

        // What a step needs.
        self.no_count.next = self.step.count.val() == 0;
        self.many.next = self.step.other.val().get_bits::<8>(8) != 0;
        self.ragged.next = self.step.count.val().get_bits::<3>(0) != 0;
        self.in_elements.next = self.state.q.val() == VectorState::Elements;
        self.needs_constant.next = self.f_product.q.val() | self.f_weight.q.val();
        self.takes_input.next = self.f_take_wide.q.val() | self.f_take_codes.q.val();
        self.reads.next = !self.takes_input.val() & !self.f_product.q.val();
        self.writes.next = self.f_take_wide.q.val()
            | self.f_product.q.val()
            | self.f_scale.q.val()
            | self.f_weight.q.val()
            | self.f_silu.q.val()
            | self.f_multiply.q.val();
        self.makes_codes.next = self.f_take_codes.q.val() | self.f_codes.q.val();
        self.go.next = self.in_elements.val()
            & (!self.needs_constant.val() | self.constants.valid.val())
            & (!self.f_product.q.val() | self.command_valid.val());

        // From factors to results.
        self.multiplier.issue.next = self.issue.q.val();
        self.multiplier.a.next = self.ea.q.val();
        self.multiplier.b.next = self.eb.q.val();
        if self.f_squares.q.val() {
            self.multiplier.b.next = self.ea.q.val();
        }
        self.multiplier.shift.next = self.amount.q.val();
        self.multiplier.addend.next = self.addend.q.val();
        if self.multiplier.product_valid.val() & self.f_squares.q.val() {
            self.squares.d.next = self.squares.q.val() + bit_cast::<64, 48>(self.multiplier.product.val());
        }
        self.magnitude.next = self.multiplier.y.val();
        if self.multiplier.y.val().get_bit(23) {
            self.magnitude.next = self.zero.val() - self.multiplier.y.val();
        }
        self.is_upper.next = self.f_codes.q.val() & self.step.other.val().get_bit(0);
        self.is_lower.next = self.f_codes.q.val() & self.step.other.val().get_bit(1);
        self.cutter.y.next = self.multiplier.y.val();
        self.cutter.is_upper.next = self.is_upper.val();
        self.cutter.is_lower.next = self.is_lower.val();
        self.wide.write_enable.next = self.multiplier.y_valid.val() & self.writes.val();
        self.wide.write_address.next = self.w_at.q.val().get_bits::<12>(0);
        self.wide.write_data.next = self.multiplier.y.val();
        self.frame.code.next = self.cutter.code.val();
        self.frame.code_first.next = self.code_first.q.val();

        // Bytes for the answer: three, four or five of a number, or a code.
        self.put_wide.next = bit_cast::<40, 24>(self.multiplier.y.val());
        self.put_order.next = bit_cast::<40, 16>(self.best_order.q.val());
        self.put_best.next = bit_cast::<40, 24>(self.best.q.val());
        self.answer_write.next = self.put_left.q.val() != 0;
        self.answer_data.next = self.put.q.val().get_bits::<8>(0);
        if self.put_left.q.val() != 0 {
            self.put.d.next = self.put.q.val() >> 8;
            self.put_left.d.next = self.put_left.q.val() - 1;
        }
        if self.multiplier.y_valid.val() {
            if self.writes.val() {
                self.w_at.d.next = self.w_at.q.val() + 1;
                if self.magnitude.val() > self.largest.q.val() {
                    self.largest.d.next = self.magnitude.val();
                }
            }
            if self.makes_codes.val() {
                self.frame.code_enable.next = true;
                self.code_first.d.next = false;
                self.sum.d.next = self.sum.q.val() + self.cutter.wide.val();
                if self.code_first.q.val() {
                    self.sum.d.next = self.cutter.wide.val();
                }
            }
            if self.f_send_codes.q.val() {
                self.answer_write.next = true;
                self.answer_data.next = self.cutter.code.val();
            }
            if self.f_send_wide.q.val() {
                self.put.d.next = self.put_wide.val();
                self.put_left.d.next = 3.into();
            }
        }
        self.answer.write_enable.next = self.answer_write.val();
        self.answer.write_address.next = self.out_count.q.val().get_bits::<13>(0);
        self.answer.write_data.next = self.answer_data.val();
        if self.answer_write.val() {
            self.out_count.d.next = self.out_count.q.val() + 1;
        }
        self.answer.read_enable.next = false;
        self.answer.read_address.next = self.out_at.q.val().get_bits::<13>(0);

        // The largest that is behind the one found before: as unsigned numbers, the sign bit turned.
        self.key.next = self.ea.q.val() ^ self.sign_bit.val();
        self.best_key.next = self.best.q.val() ^ self.sign_bit.val();
        self.prior_key.next = self.prior.q.val() ^ self.sign_bit.val();
        self.is_above.next = !self.found.q.val() | (self.key.val() > self.best_key.val());
        self.is_below.next = self.first_round.q.val()
            | (self.key.val() < self.prior_key.val())
            | ((self.key.val() == self.prior_key.val()) & (self.order.q.val() > self.prior_order.q.val()));
        self.candidate.next = self.issue.q.val() & self.f_send_largest.q.val() & self.is_above.val() & self.is_below.val();
        if self.candidate.val() {
            self.found.d.next = true;
            self.best.d.next = self.ea.q.val();
            self.best_order.d.next = self.order.q.val();
        }
        if self.issue.q.val() {
            self.order.d.next = self.order.q.val() + 1;
        }

        // Shifts and exponents.
        self.bias_wide.next = bit_cast::<10, 8>(self.step.bias.val());
        if self.step.bias.val().get_bit(7) {
            self.bias_wide.next = bit_cast::<10, 8>(self.step.bias.val()) | self.high_bias.val();
        }
        self.shift_sum.d.next = self.bias_wide.val() + self.scale_exponent.q.val();
        self.quantum.next = self.reciprocal_bits.val() - self.scalar.lift.val();
        if self.is_upper.val() | self.is_lower.val() {
            self.quantum.next = self.part_reciprocal_bits.val() - self.scalar.lift.val();
        }
        self.lift_wide.next = bit_cast::<10, 6>(self.scalar.lift.val());
        self.root_wide.next = bit_cast::<10, 6>(self.scalar.root_shift.val());
        self.lifted.next = self.bias_wide.val() + self.lift_wide.val();
        self.exponent_byte.next = self.new_exponent.q.val().get_bits::<8>(0);
        self.scalar.largest.next = self.largest.q.val();
        self.scalar.squares.next = self.squares.q.val();

        // Elements: three cycles each. Values come in the first, their partners in the second, bytes in all three.
        self.shifted_ea.next = self.ea.q.val() >> 8;
        self.shifted_eb.next = self.eb.q.val() >> 8;
        self.input_wide.next = bit_cast::<24, 8>(self.read_data.val());
        if self.read_data.val().get_bit(7) {
            self.input_wide.next = bit_cast::<24, 8>(self.read_data.val()) | self.high_ones.val();
        }
        self.is_last.d.next = self.left.q.val() == 1;
        self.sigmoid.x.next = self.wide.read_data.val();
        if self.in_elements.val() {
            self.constants.want.next = self.needs_constant.val() & (!self.f_product.q.val() | self.command_valid.val());
        }
        if self.go.val() {
            self.phase.d.next = self.phase.q.val() + 1;
            if self.needs_constant.val() {
                self.eb.d.next = (bit_cast::<24, 8>(self.constants.byte_data.val()) << 16) | self.shifted_eb.val();
            }
            if self.f_product.q.val() {
                self.ea.d.next = (bit_cast::<24, 8>(self.command_data.val()) << 16) | self.shifted_ea.val();
            }
            if self.f_take_wide.q.val() {
                self.ea.d.next = (bit_cast::<24, 8>(self.read_data.val()) << 16) | self.shifted_ea.val();
                self.read_enable.next = true;
                self.read_address.next = self.next_position.val();
                self.position.d.next = self.next_position.val();
            }
            if self.phase.q.val() == 0 {
                if self.f_take_codes.q.val() {
                    self.ea.d.next = self.input_wide.val();
                    self.read_enable.next = true;
                    self.read_address.next = self.next_position.val();
                    self.position.d.next = self.next_position.val();
                }
                self.wide.read_enable.next = self.reads.val();
            }
            if self.phase.q.val() == 1 {
                if self.reads.val() {
                    self.ea.d.next = self.wide.read_data.val();
                }
                self.wide.read_enable.next = self.reads.val();
                self.wide.read_address.next = self.b_at.q.val().get_bits::<12>(0);
                self.sigmoid.enable.next = true;
            }
            if self.phase.q.val() == 2 {
                self.phase.d.next = 0.into();
                self.issue.d.next = true;
                self.addend.d.next = 0.into();
                if !self.needs_constant.val() {
                    self.eb.d.next = self.one.val();
                }
                if self.f_scale.q.val() {
                    self.eb.d.next = self.scale_largest.q.val();
                    if self.step.flag.val() {
                        self.addend.d.next = self.wide.read_data.val();
                    }
                }
                if self.f_codes.q.val() | self.f_send_codes.q.val() {
                    self.eb.d.next = self.scalar.reciprocal.val();
                }
                if self.f_silu.q.val() {
                    self.eb.d.next = self.sigmoid.s.val();
                }
                if self.f_multiply.q.val() {
                    self.eb.d.next = self.wide.read_data.val();
                }
                self.a_at.d.next = self.a_at.q.val() + 1;
                self.b_at.d.next = self.b_at.q.val() + 1;
                self.left.d.next = self.left.q.val() - 1;
            }
        }

        match self.state.q.val() {
            VectorState::Idle => {
                self.position.d.next = 0.into();
                if self.frame_valid.val() {
                    self.state.d.next = VectorState::Peek;
                }
            }
            VectorState::Peek => {
                self.read_enable.next = true;
                self.state.d.next = VectorState::Look;
            }
            VectorState::Look => {
                self.cycles.d.next = 0.into();
                self.state.d.next = VectorState::Pass;
                if (self.read_data.val() == self.op_run.val()) | (self.read_data.val() == self.op_sync.val()) {
                    // What it leaves behind is not a program's.
                    self.has_chain.d.next = false;
                }
                if self.read_data.val() == self.op_program.val() {
                    self.state.d.next = VectorState::Head;
                }
            }
            VectorState::Pass => {
                self.read_enable.next = self.command_read_enable.val();
                self.read_address.next = self.command_read_address.val();
                self.out_valid.next = self.command_valid.val();
                self.out_data.next = self.command_data.val();
                self.out_last.next = self.command_last.val();
                self.frame_done.next = self.command_frame_done.val();
                if self.command_frame_done.val() {
                    self.state.d.next = VectorState::Idle;
                }
            }
            VectorState::Head => {
                if self.position.q.val() < 12 {
                    self.read_enable.next = true;
                    self.fetched.d.next = true;
                    self.position.d.next = self.next_position.val();
                }
                if self.fetched.q.val() {
                    self.head.d.next = (bit_cast::<96, 8>(self.read_data.val()) << 88) | (self.head.q.val() >> 8);
                    if self.position.q.val() == 12 {
                        self.state.d.next = VectorState::Check;
                    }
                }
            }
            VectorState::Check => {
                self.status.d.next = self.st_ok.val();
                self.aux.d.next = 0.into();
                self.send_left.d.next = 0.into();
                self.out_at.d.next = 0.into();
                self.begun.d.next = false;
                self.run_id.d.next = self.id.val();
                self.state.d.next = VectorState::Judge;
            }
            VectorState::Judge => {
                self.probing.d.next = true;
                self.state.d.next = VectorState::RunLoad;
                if self.is_short.q.val() {
                    self.status.d.next = self.st_bad_len.val();
                    self.state.d.next = VectorState::Reply;
                } else {
                    if self.same_chain.q.val() {
                        self.status.d.next = self.st_dup.val();
                        self.aux.d.next = self.chain_cycles.q.val();
                        self.send_left.d.next = self.out_count.q.val();
                        self.state.d.next = VectorState::Reply;
                    } else {
                        if !self.begins.q.val() & !self.follows.q.val() {
                            self.status.d.next = self.st_stale.val();
                            self.aux.d.next = bit_cast::<32, 16>(self.id.val());
                            self.state.d.next = VectorState::Reply;
                        }
                    }
                }
            }
            VectorState::RunLoad => {
                self.frame.start.next = true;
                self.running.d.next = true;
                self.run_bytes.d.next = self.run_head.val() + self.act_bytes.val();
                if self.probing.q.val() {
                    self.run_bytes.d.next = self.probe_bytes.val();
                }
                self.counter.d.next = 0.into();
                self.state.d.next = VectorState::RunAnswer;
            }
            VectorState::RunAnswer => {
                if self.command_valid.val() {
                    self.response.d.next = (bit_cast::<64, 8>(self.command_data.val()) << 56) | (self.response.q.val() >> 8);
                    self.counter.d.next = self.counter.q.val() + 1;
                    if self.counter.q.val() == 7 {
                        self.state.d.next = VectorState::RunJudge;
                    }
                }
            }
            VectorState::RunJudge => {
                self.counter.d.next = 0.into();
                self.phase.d.next = 0.into();
                if self.judged.val() == self.st_ok.val() {
                    self.run_id.d.next = self.run_id.q.val() + 1;
                    if self.probing.q.val() {
                        self.probing.d.next = false;
                        self.has_chain.d.next = false;
                        self.out_count.d.next = 0.into();
                        self.constants.start.next = true;
                        self.state.d.next = VectorState::Fetch;
                    } else {
                        self.state.d.next = VectorState::Elements;
                    }
                } else {
                    self.status.d.next = self.judged.val();
                    self.aux.d.next = self.response.q.val().get_bits::<32>(32);
                    if self.judged.val() == self.st_dup.val() {
                        // Another job had this id.
                        self.status.d.next = self.st_stale.val();
                        self.aux.d.next = bit_cast::<32, 16>(self.run_id.q.val());
                    }
                    self.state.d.next = VectorState::Drain;
                }
            }
            VectorState::Fetch => {
                self.constants.want.next = true;
                if self.constants.valid.val() {
                    self.step.enable.next = true;
                    self.counter.d.next = self.counter.q.val() + 1;
                    if self.counter.q.val() == 15 {
                        self.state.d.next = VectorState::Decode;
                    }
                }
                if self.constants.exhausted.val() {
                    self.status.d.next = self.st_program.val();
                    self.state.d.next = VectorState::Drain;
                }
            }
            VectorState::Decode => {
                self.f_end.d.next = self.step.op.val() == self.k_end.val();
                self.f_begin.d.next = self.step.op.val() == self.k_begin.val();
                self.f_take_wide.d.next = self.step.op.val() == self.k_take_wide.val();
                self.f_take_codes.d.next = self.step.op.val() == self.k_take_codes.val();
                self.f_product.d.next = self.step.op.val() == self.k_product.val();
                self.f_scale.d.next = self.step.op.val() == self.k_scale.val();
                self.f_weight.d.next = self.step.op.val() == self.k_weight.val();
                self.f_squares.d.next = self.step.op.val() == self.k_squares.val();
                self.f_codes.d.next = self.step.op.val() == self.k_codes.val();
                self.f_send_codes.d.next = self.step.op.val() == self.k_send_codes.val();
                self.f_silu.d.next = self.step.op.val() == self.k_silu.val();
                self.f_multiply.d.next = self.step.op.val() == self.k_multiply.val();
                self.f_send_wide.d.next = self.step.op.val() == self.k_send_wide.val();
                self.f_send_largest.d.next = self.step.op.val() == self.k_send_largest.val();
                self.bad_step.d.next = (self.step.op.val() > self.k_send_largest.val())
                    | (self.no_count.val() & (self.step.op.val() > self.k_begin.val()) & (self.step.op.val() != self.k_product.val()))
                    | (self.many.val() & (self.step.op.val() == self.k_send_largest.val()))
                    | (self.ragged.val() & ((self.step.op.val() == self.k_take_codes.val()) | (self.step.op.val() == self.k_codes.val())));
                self.counter.d.next = 0.into();
                self.phase.d.next = 0.into();
                self.state.d.next = VectorState::Choose;
            }
            VectorState::Choose => {
                self.a_at.d.next = self.step.src.val();
                self.b_at.d.next = self.step.dst.val();
                if self.f_multiply.q.val() {
                    self.b_at.d.next = self.step.other.val();
                }
                self.w_at.d.next = self.step.dst.val();
                self.left.d.next = self.step.count.val();
                self.amount.d.next = self.step.shift.val().get_bits::<6>(0);
                if self.f_silu.q.val() {
                    self.amount.d.next = self.sigmoid_bits.val();
                }
                if self.takes_input.val() | self.f_send_wide.q.val() | self.f_squares.q.val() {
                    self.amount.d.next = 0.into();
                }
                if self.writes.val() {
                    self.largest.d.next = 0.into();
                }
                if self.makes_codes.val() {
                    self.code_first.d.next = true;
                }
                self.rounds.d.next = self.step.other.val();
                self.first_round.d.next = true;
                self.rooting.d.next = self.step.flag.val();
                self.state.d.next = VectorState::Elements;
                if self.f_begin.q.val() {
                    self.in_bytes.d.next = self.step.count.val();
                    self.out_bytes.d.next = self.step.other.val();
                    self.begun.d.next = true;
                    self.state.d.next = VectorState::Fetch;
                    if self.out_over.q.val() {
                        self.status.d.next = self.st_program.val();
                        self.state.d.next = VectorState::Drain;
                    }
                    if self.in_wrong.q.val() {
                        self.status.d.next = self.st_bad_len.val();
                        self.state.d.next = VectorState::Drain;
                    }
                }
                if self.f_end.q.val() {
                    self.state.d.next = VectorState::Finish;
                }
                if self.takes_input.val() {
                    self.state.d.next = VectorState::Prime;
                }
                if self.f_product.q.val() {
                    self.state.d.next = VectorState::RunLoad;
                }
                if self.f_scale.q.val() {
                    self.state.d.next = VectorState::Amount;
                }
                if self.f_squares.q.val() {
                    self.state.d.next = VectorState::Floor;
                }
                if self.f_codes.q.val() | self.f_send_codes.q.val() {
                    self.state.d.next = VectorState::Quantize;
                }
                if self.is_lower.val() {
                    // By the quantizer that stands.
                    self.state.d.next = VectorState::Scale;
                }
                if self.f_send_largest.q.val() {
                    self.state.d.next = VectorState::Round;
                }
                if self.bad_step.q.val() | (self.begun.q.val() == self.f_begin.q.val()) {
                    self.status.d.next = self.st_program.val();
                    self.state.d.next = VectorState::Drain;
                }
            }
            VectorState::Floor => {
                self.constants.want.next = true;
                if self.constants.valid.val() {
                    self.squares.d.next = (bit_cast::<64, 8>(self.constants.byte_data.val()) << 56) | (self.squares.q.val() >> 8);
                    self.counter.d.next = self.counter.q.val() + 1;
                    if self.counter.q.val() == 7 {
                        self.state.d.next = VectorState::Elements;
                    }
                }
                if self.constants.exhausted.val() {
                    self.status.d.next = self.st_program.val();
                    self.state.d.next = VectorState::Drain;
                }
            }
            VectorState::Amount => {
                self.state.d.next = VectorState::Clamp;
            }
            VectorState::Clamp => {
                self.amount.d.next = self.shift_sum.q.val().get_bits::<6>(0);
                if self.shift_sum.q.val() > self.most_shift_wide.val() {
                    self.amount.d.next = self.most_shift.val();
                }
                if self.shift_sum.q.val().get_bit(9) {
                    self.amount.d.next = 0.into();
                }
                self.state.d.next = VectorState::Elements;
            }
            VectorState::Quantize => {
                self.scalar.start.next = true;
                self.state.d.next = VectorState::QuantizeWait;
            }
            VectorState::QuantizeWait => {
                self.new_largest.d.next = self.scalar.normalised.val();
                self.new_exponent.d.next = self.lifted.val();
                self.ea.d.next = self.scalar.normalised.val();
                self.eb.d.next = self.scalar.root.val();
                self.amount.d.next = self.root_bits.val();
                self.addend.d.next = 0.into();
                if self.scalar.done.val() {
                    self.state.d.next = VectorState::Scale;
                    if self.rooting.q.val() {
                        self.new_exponent.d.next = self.lifted.val() - self.root_wide.val();
                        self.state.d.next = VectorState::RootProduct;
                    }
                }
            }
            VectorState::RootProduct => {
                // The result belongs to no element: neither wide values nor codes are written before Scale.
                self.multiplier.issue.next = true;
                self.counter.d.next = 0.into();
                self.state.d.next = VectorState::RootProductWait;
            }
            VectorState::RootProductWait => {
                self.frame.code_enable.next = false;
                self.answer.write_enable.next = false;
                self.out_count.d.next = self.out_count.q.val();
                self.code_first.d.next = true;
                self.sum.d.next = self.sum.q.val();
                if self.multiplier.y_valid.val() {
                    self.new_largest.d.next = self.multiplier.y.val();
                    self.state.d.next = VectorState::Scale;
                }
            }
            VectorState::Scale => {
                self.amount.d.next = self.quantum.val();
                self.counter.d.next = 0.into();
                if self.f_codes.q.val() {
                    if !self.is_lower.val() {
                        self.scale_largest.d.next = self.new_largest.q.val();
                        self.scale_exponent.d.next = self.new_exponent.q.val();
                    }
                    self.state.d.next = VectorState::Elements;
                } else {
                    self.put.d.next = (bit_cast::<40, 8>(self.exponent_byte.val()) << 24) | bit_cast::<40, 24>(self.new_largest.q.val());
                    self.put_left.d.next = 4.into();
                    self.state.d.next = VectorState::PutScale;
                }
            }
            VectorState::PutScale => {
                self.counter.d.next = self.counter.q.val() + 1;
                if self.counter.q.val() == 3 {
                    self.state.d.next = VectorState::Elements;
                }
            }
            VectorState::Prime => {
                self.read_enable.next = true;
                self.state.d.next = VectorState::Elements;
                if self.f_take_codes.q.val() {
                    self.state.d.next = VectorState::TakeScale;
                }
            }
            VectorState::TakeScale => {
                self.read_enable.next = true;
                self.read_address.next = self.next_position.val();
                self.position.d.next = self.next_position.val();
                self.counter.d.next = self.counter.q.val() + 1;
                if self.counter.q.val() == 3 {
                    self.scale_exponent.d.next = self.input_wide.val().get_bits::<10>(0);
                    self.state.d.next = VectorState::Elements;
                } else {
                    self.scale_largest.d.next = (bit_cast::<24, 8>(self.read_data.val()) << 16) | (self.scale_largest.q.val() >> 8);
                }
            }
            VectorState::Elements => {
                self.counter.d.next = 0.into();
                if self.go.val() & (self.phase.q.val() == 2) {
                    if self.f_product.q.val() {
                        if self.command_last.val() {
                            self.state.d.next = VectorState::Rest;
                        }
                    } else {
                        if self.is_last.q.val() {
                            self.state.d.next = VectorState::Rest;
                        }
                    }
                }
                if self.needs_constant.val() & self.constants.exhausted.val() {
                    self.status.d.next = self.st_program.val();
                    self.state.d.next = VectorState::Drain;
                }
            }
            VectorState::Rest => {
                self.counter.d.next = self.counter.q.val() + 1;
                if self.counter.q.val() == 9 {
                    self.counter.d.next = 0.into();
                    self.state.d.next = VectorState::Fetch;
                    if self.f_squares.q.val() {
                        self.state.d.next = VectorState::RootStart;
                    }
                    if self.f_send_largest.q.val() {
                        self.state.d.next = VectorState::RoundPut;
                        self.put.d.next = (self.put_best.val() << 16) | self.put_order.val();
                        if !self.found.q.val() {
                            self.put.d.next = bit_cast::<40, 16>(self.no_order.val());
                        }
                        self.put_left.d.next = 5.into();
                    }
                }
            }
            VectorState::RootStart => {
                self.scalar.start.next = true;
                self.scalar.is_root.next = true;
                self.state.d.next = VectorState::RootWait;
            }
            VectorState::RootWait => {
                self.counter.d.next = 0.into();
                if self.scalar.done.val() {
                    self.state.d.next = VectorState::Fetch;
                }
            }
            VectorState::Round => {
                self.found.d.next = false;
                self.order.d.next = 0.into();
                self.a_at.d.next = self.step.src.val();
                self.left.d.next = self.step.count.val();
                self.phase.d.next = 0.into();
                self.prior.d.next = self.best.q.val();
                self.prior_order.d.next = self.best_order.q.val();
                self.counter.d.next = 0.into();
                self.rounds.d.next = self.rounds.q.val() - 1;
                self.state.d.next = VectorState::Elements;
                if self.rounds.q.val() == 0 {
                    self.state.d.next = VectorState::Fetch;
                }
            }
            VectorState::RoundPut => {
                // Where nothing is left to find, nothing will be found behind the place that no vector has.
                self.first_round.d.next = false;
                self.counter.d.next = self.counter.q.val() + 1;
                if self.counter.q.val() == 5 {
                    self.state.d.next = VectorState::Round;
                }
            }
            VectorState::Finish => {
                if self.took_wrong.q.val() | self.out_wrong.q.val() {
                    self.status.d.next = self.st_program.val();
                } else {
                    self.aux.d.next = self.cycles.q.val();
                    self.chain_cycles.d.next = self.cycles.q.val();
                    self.chain_id.d.next = self.id.val();
                    self.has_chain.d.next = true;
                    self.send_left.d.next = self.out_count.q.val();
                }
                self.state.d.next = VectorState::Reply;
            }
            VectorState::Drain => {
                if !self.running.q.val() {
                    self.state.d.next = VectorState::Reply;
                }
            }
            VectorState::Reply => {
                self.response.d.next = (bit_cast::<64, 32>(self.aux.q.val()) << 32)
                    | (bit_cast::<64, 16>(self.head.q.val().get_bits::<16>(16)) << 16)
                    | (bit_cast::<64, 8>(self.status.q.val()) << 8)
                    | bit_cast::<64, 8>(self.op_answer.val());
                self.counter.d.next = 0.into();
                self.out_at.d.next = 0.into();
                self.state.d.next = VectorState::Send;
            }
            VectorState::Send => {
                self.out_valid.next = true;
                self.out_last.next = (self.counter.q.val() == 7) & (self.send_left.q.val() == 0);
                if self.out_ready.val() {
                    self.response.d.next = self.response.q.val() >> 8;
                    self.counter.d.next = self.counter.q.val() + 1;
                    if self.counter.q.val() == 7 {
                        self.state.d.next = VectorState::Load;
                        if self.send_left.q.val() == 0 {
                            self.state.d.next = VectorState::Done;
                        }
                    }
                }
            }
            VectorState::Load => {
                self.answer.read_enable.next = true;
                self.state.d.next = VectorState::Byte;
            }
            VectorState::Byte => {
                self.out_valid.next = true;
                self.out_data.next = self.answer.read_data.val();
                self.out_last.next = self.send_left.q.val() == 1;
                if self.out_ready.val() {
                    self.out_at.d.next = self.out_at.q.val() + 1;
                    self.send_left.d.next = self.send_left.q.val() - 1;
                    self.state.d.next = VectorState::Load;
                    if self.send_left.q.val() == 1 {
                        self.state.d.next = VectorState::Done;
                    }
                }
            }
            VectorState::Done => {
                self.frame_done.next = true;
                self.state.d.next = VectorState::Idle;
            }
            _ => {
                self.state.d.next = VectorState::Idle;
            }
        }
    }
}
