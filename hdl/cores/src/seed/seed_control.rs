//! `SEED`: reads an operation's operands from the frame, leads them through an element core, and answers with what comes out.
//!
//! Function: stands between the frame buffer and the command processor. Frames that are not `SEED` it hands on as they are,
//! and their responses back. Of a `SEED` it takes beat after beat from the payload (a byte of each plane; of `quantize` a float),
//! offers it to the core of its operation, and sends the core's results; where the core wants a vector twice it reads the
//! payload twice. Golden model: `nda_spec::wire::SeedHead::golden`.
//! Shapes: 8 lanes, a float of `quantize`; `keep` has the lanes that exist, and lanes beyond are zero in both planes.
//! Handshake: `*_offer` waits for the core's `*_ready`; `take` is every core's `out_ready`, for only the one that was offered
//! something has anything. `out_valid` stands until `out_ready`.
//! Latency: 15 cycles for a frame before it is looked at; a beat takes its bytes and 3, and 1 more for its results besides their two
//! bytes on the way out; the quantizer's divider takes 53 between its passes. Nothing else waits but for the link, so a request
//! is over in at most 5 cycles per payload byte and the time that the link takes for its answer.
//! Cost (yosys, `synth_ecp5`, in seed64; held by firmware/tests/parts.rs): 544 LUT4, 236 FF.

mod answer;
mod asked;
mod core;
mod walk;

use crate::netlist::{Module, Netlist, Value};
use nda_spec::seed::Operation;
use std::sync::Arc;

const STATE_BITS: usize = 4;
const IDLE: u64 = 0;
/// Waits for the frame's length.
const SETTLE: u64 = 1;
/// Reads the header.
const HEAD: u64 = 2;
/// Waits for the sums over the header's fields, then for their comparisons.
const CHECK: u64 = 3;
const CHECKED: u64 = 4;
const DECIDE: u64 = 5;
/// The frame is the command processor's.
const PASS: u64 = 6;
/// Reads a beat.
const FETCH: u64 = 7;
const OFFER: u64 = 8;
/// Waits for its results.
const RESULT: u64 = 9;
const SEND_HEAD: u64 = 10;
const SEND: u64 = 11;
const DONE: u64 = 12;

/// The core. Its ports beside the element cores' are those of the frame buffer's reader, of the command processor
/// (`command_*`) and of the encoder (`out_*`).
pub fn seed_control(name: &str) -> Arc<Netlist> {
    let module = Module::new(name);
    update(&module);
    module.finish()
}

/// What a register takes: the value of the last rule that holds, and its own where none does.
fn ruled<'m>(q: Value<'m>, rules: &[(Value<'m>, Value<'m>)]) -> Value<'m> {
    rules.iter().fold(q, |next, (flag, value)| flag.mux(value.unsigned(), next))
}

fn update(m: &Module) {
    let [frame_valid, out_ready, command_done, command_read] = m.flags(["frame_valid", "out_ready", "command_done", "command_read"]);
    let [command_valid, command_last] = m.flags(["command_valid", "command_last"]);
    let (frame_bytes, read_data) = (m.input("frame_bytes", 13), m.input("read_data", 8));
    let (command_address, command_data) = (m.input("command_address", 13), m.input("command_data", 8));
    let control = m.always("control");
    let state = control.declare("state", STATE_BITS, IDLE);
    let is = |number: u64| state.is(number);
    let fetched = m.always("walk").declare("fetched", 1, 0);
    let head = m.stage("head", is(HEAD) & fetched).feedback("head", 64, |head| m.concat(&[read_data, head.slice(8, 56)]));
    let beat = m.stage("beat", is(FETCH) & fetched).feedback("beat", 32, |beat| m.concat(&[read_data, beat.slice(8, 24)]));
    let asked = asked::asked(m, head, frame_bytes);
    let core = core::core(m, &asked);
    let walk = walk::walk(m, state, fetched, &asked, &core);
    let is_quantize = asked.of(Operation::Quantize);
    let (result, scale) = core::results(m, &core, is_quantize, is(RESULT), is(DECIDE));
    let answer = answer::answer(m, state, out_ready, &asked, (&result, scale), walk.is_over);
    let given = (is(RESULT) & core.valid).named("given");
    let is_beat_full = (!is_quantize | result.is_full | walk.is_over).named("is_beat_full");

    let to = |number: u64| m.constant(number, STATE_BITS);
    let rules = [
        (is(IDLE) & frame_valid, to(SETTLE)),
        (is(SETTLE), to(HEAD)),
        (is(HEAD) & walk.is_whole, to(CHECK)),
        (is(CHECK), to(CHECKED)),
        (is(CHECKED), to(DECIDE)),
        (is(DECIDE), to(FETCH)),
        (is(DECIDE) & asked.refusal.any(), to(SEND_HEAD)),
        (is(DECIDE) & !asked.is_seed, to(PASS)),
        (is(PASS) & command_done, to(IDLE)),
        (is(FETCH) & walk.is_whole, to(OFFER)),
        (walk.offered, to(FETCH)),
        (walk.offered & walk.gives, to(RESULT)),
        (given, to(FETCH)),
        (given & is_beat_full, answer.has_head.mux(to(SEND), to(SEND_HEAD))),
        (answer.head_ends, answer.is_bare.mux(to(DONE), to(SEND))),
        (answer.beat_ends, walk.is_over.mux(to(DONE), to(FETCH))),
        (is(DONE), to(IDLE)),
    ];
    control.take(state, ruled(state, &rules));

    let passes = is(PASS).named("passes");
    m.output("frame_done", (passes & command_done) | is(DONE));
    m.output("read_enable", walk.asks | (passes & command_read));
    m.output("read_address", passes.mux(command_address, walk.position));
    m.output("command_frame", passes);
    m.output("command_ready", passes & out_ready);
    m.output("out_valid", passes.mux(command_valid, answer.valid));
    m.output("out_data", passes.mux(command_data, answer.data));
    m.output("out_last", passes.mux(command_last, answer.last));
    core::offers(m, &asked, is(OFFER), beat, walk.keep);
    m.output("last", walk.is_last);
    m.output("take", is(RESULT));
}
