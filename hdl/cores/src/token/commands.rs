//! What a host asks of the token machine: `GENERATE`, `TOKENS`, `STEP`, the program memory, and the loop from token to token.
//!
//! Function: stands between the frame buffer and the command processor. Frames that are not its own it hands on as they
//! are, and their responses back; it answers `GENERATE`, `TOKENS`, `STEP`, `IDENT` at odd addresses, `WRITE` and `SEAL`
//! behind the tile store, and `READ` of a row, as PROTOCOL.md says. It keeps the CRC-32 of every sealed page, so that a
//! request's digest can be compared: those of the tile store it learns from the command processor's answers.
//! Beside that runs the loop: tokens of the prompt go into the machine, those that it makes are compared with the stops,
//! kept for the host, and go in again; a queue of `Sizes::queue_tokens` holds those that nobody has fetched yet.
//! Handshake: `token_valid` waits for `token_ready`; `made_valid` and `row_valid` are always taken. `abort` and `clear` are
//! pulses; `clear` comes only while the machine is not busy. `peek_valid` and `peek_address` stand for 6 cycles, and
//! `peek_data` at the end of them. `want`: 0 nothing, 1 a successor, 2 the row.
//! Latency: 54 cycles for a frame before its operation is looked at; 7 per page of a digest; from `made_valid` to the next
//! `token_valid` 3. Golden model: `nda_spec::wire`, `nda_spec::token::generate`.
//! Cost (yosys, `synth_ecp5`, in token1024; held by firmware/tests/parts.rs): 3,280 LUT4, 1,814 FF, 1 DP16KD.

mod answer;
mod flow;
mod head;
mod incoming;
mod maker;
mod pages;
mod reply;
mod requests;
mod states;

use crate::netlist::kept::Kept;
use crate::netlist::{Module, Netlist};
use answer::Held;
use flow::Parts;
use head::reader;
use incoming::{load, prompt};
use maker::{Machine, Orders};
use nda_spec::Config;
use nda_spec::token::Sizes;
use nda_spec::width::RESULT_BYTES;
use nda_spec::wire::{Op, Status};
use pages::Touched;
use requests::Known;
use states as s;
use std::sync::Arc;

/// Units of the program memory that an address reaches.
pub const UNIT_BITS: usize = 20;

/// What of a configuration the commands are made for.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The machine's memories.
    pub sizes: Sizes,
    /// Words of the tile store.
    pub tile_words: usize,
    /// Bytes of one.
    pub word_bytes: usize,
    /// Words of a page.
    pub page_words: usize,
    /// Pages of the tile store.
    pub tile_pages: usize,
    /// Words of the program memory.
    pub program_words: usize,
    /// Rows of the array: values of a word of the row.
    pub array_rows: usize,
}

impl Layout {
    /// That of a configuration, if it has a token machine.
    pub fn of(config: &Config) -> Option<Layout> {
        let g = &config.geometry;
        let sizes = config.token?;
        Some(Layout {
            sizes,
            tile_words: g.tile_words,
            word_bytes: g.tile_word_bytes(),
            page_words: g.page_words,
            tile_pages: g.pages(),
            program_words: config.program_words(),
            array_rows: g.array_rows,
        })
    }

    /// Pages of both.
    pub const fn all_pages(&self) -> usize {
        self.tile_pages + self.program_words / self.page_words
    }

    /// Units of a page of the program memory.
    pub const fn page_units(&self) -> usize {
        self.page_words * self.word_bytes / 8
    }

    /// Bytes of a word of the row.
    pub const fn row_bytes(&self) -> usize {
        self.array_rows * RESULT_BYTES
    }
}

/// The core. Its ports are those of the frame buffer's reader, of the command processor (`command_*`), of the encoder
/// (`out_*`), of the tile store's writes, of the machine and of the row's memory.
pub fn commands(name: &str, layout: &Layout) -> Arc<Netlist> {
    let module = Module::new(name);
    update(&module, layout);
    module.finish()
}

fn update(m: &Module, layout: &Layout) {
    let [frame_valid, out_ready, tile_write] = m.flags(["frame_valid", "out_ready", "tile_write"]);
    let (frame_bytes, read_data) = (m.input("frame_bytes", 13), m.input("read_data", 8));
    let write_address = m.input("write_address", 16);
    let [command_done, command_read, command_valid, command_last] =
        m.flags(["command_done", "command_read", "command_valid", "command_last"]);
    let (command_address, command_data) = (m.input("command_address", 13), m.input("command_data", 8));
    let [token_ready, busy, made_valid, row_valid, row_last] = m.flags(["token_ready", "busy", "made_valid", "row_valid", "row_last"]);
    let (made_token, last_token) = (m.input("made_token", 16), m.input("last_token", 16));
    let (peek_data, row_data) = (m.input("peek_data", 64), m.input("row_data", 8 * layout.row_bytes()));
    let machine = Machine { token_ready, busy, made_valid, made_token, row_valid, row_last };

    let state = Kept::new(m, "state", s::BITS);
    let is = |number: u64| state.q.is(number);
    let frame = reader(m, state.q, frame_bytes, read_data);
    let fields = frame.fields;
    let decide = is(s::DECIDE);
    // The command processor's answers, from which seals and rows are known.
    let passes = is(s::PASS).named("passes");
    let passed = (passes & command_valid & out_ready).named("passed");
    let answer_at = Kept::new(m, "answer_at", 2);
    answer_at.when(passed & !answer_at.q.is(2), answer_at.q.next());
    answer_at.when(!passes, m.constant(0, 2));
    // A cycle behind the byte: it comes through the whole command processor.
    let of_status = m.always("the status that was passed on");
    let status_passes = of_status.register("status_passes", passed & answer_at.q.is(1));
    let status = of_status.register("status_passed", command_data);
    let passed_status = |of: Status| status_passes & status.is(of as u64);
    let op_is = |op: Op| fields.op.is(op as u64);
    let touched = Touched {
        tile_write,
        write_address,
        sealed: passed_status(Status::Ok) & op_is(Op::Seal),
        mismatched: passed_status(Status::CrcMismatch) & op_is(Op::Seal),
    };
    let loads = load(m, layout, state.q, &frame, read_data);
    let of_pages = pages::update(m, layout, state.q, &fields, &touched, (loads.valid, loads.page), peek_data);
    let stream = prompt(m, layout, state.q, &frame, read_data, last_token);

    // The loop.
    let held = Held::new(m);
    let pulse = |name: &str| m.always(name).declare(name, 1, 0);
    let (forget, cancel, lets_go) = (pulse("forget"), pulse("cancel"), pulse("lets_go"));
    let first_token = m.concat(&[fields.word.slice(16, 16), fields.addr.low(16)]).named("first_token");
    let read_index = m.always("read_index").declare("read_index", 32, 0);
    // Stands in the first cycle of `QUIET`, so that a new sequence's `forget` is one pulse.
    let begins_quiet = m.always("begins_quiet").register("begins_quiet", is(s::WALK_END));
    let was_busy = m.forward("was_busy", 1);
    let quiet = (is(s::QUIET) & !begins_quiet & !forget & !was_busy).named("quiet");
    let orders = Orders {
        commit: is(s::COMMIT),
        is_step: op_is(Op::Step),
        forget,
        cancel,
        release: lets_go,
        released: first_token,
        begin: quiet,
        token: stream.token,
        takes_stop: stream.takes_stop,
        takes_prompt: stream.takes_prompt,
        prompt_index: stream.prompt_index,
        read_index,
    };
    let of_maker = maker::update(m, layout, &fields, &machine, &orders);
    let abort = (forget | of_maker.gives_up).named("aborts");
    // The machine is busy from the cycle behind an abort on, and this comes one later.
    m.connect(was_busy, m.always("whether the machine was busy").register("machine_was_busy", busy | abort));
    let known = Known { held: &held, maker: &of_maker };
    let asked = requests::update(m, layout, &fields, frame.payload, first_token, &known);
    m.always("forget").take(forget, (decide & asked.is_sync) | (begins_quiet & is(s::QUIET) & asked.is_new));
    m.always("cancel").take(cancel, decide & asked.waits & fields.arg.is(1));
    m.always("lets_go").take(lets_go, decide & asked.waits);

    let parts = Parts { asked, of_pages, of_maker, frame_valid, command_done, quiet, bad_token: stream.bad, is_step: op_is(Op::Step) };
    let events = flow::update(m, &state, &frame, &parts);
    let of_reply = answer::update(m, layout, &state, &fields, &parts, &events, (out_ready, row_data));
    let ran = passed_status(Status::Ok) & op_is(Op::Run);
    held.update(m, &state, &fields, &parts, &events, ran);
    m.always("read_index").take(read_index, of_reply.token_index);

    m.output("frame_done", (passes & command_done) | events.done | is(s::RELEASE));
    m.output("read_enable", frame.asks | (passes & command_read));
    m.output("read_address", passes.mux(command_address, frame.position.q));
    m.output("command_frame", passes);
    m.output("command_ready", passes & out_ready);
    m.output("out_valid", passes.mux(command_valid, of_reply.valid));
    m.output("out_data", passes.mux(command_data, of_reply.data));
    m.output("out_last", passes.mux(command_last, of_reply.last));
    m.output("load_valid", loads.valid);
    m.output("load_address", loads.address);
    m.output("load_data", loads.data);
    m.output("peek_valid", is(s::SEAL_PEEK));
    m.output("peek_address", parts.of_pages.peek_address);
    // A cycle later, in a register: it goes to the far end of the machine, which has nothing to do yet.
    m.output("clear", m.always("a new sequence").register("clears", quiet & parts.asked.is_new));
    m.output("abort", abort);
    let choice = m.stage("choice", is(s::COMMIT));
    let inverse = choice.register("inverse_temperature", fields.inverse_temperature.low(17).unsigned());
    m.output("greedy", !inverse.any());
    m.output("inverse_temperature", inverse);
    m.output("seed", choice.register("seed", fields.seed));
    m.output("token_valid", parts.of_maker.token_valid);
    m.output("token", parts.of_maker.pending.extend(16));
    m.output("token_want", parts.of_maker.want);
    m.output("row_write_address", parts.of_maker.rows);
    m.output("row_read_address", of_reply.row_address.low(12).unsigned());
    m.output("row_reads", is(s::FETCH) | is(s::FETCHED) | is(s::SEND));
    [state, answer_at, frame.position].into_iter().for_each(Kept::close);
}
