//! The GEMV array on AXI-Stream.
//!
//! Function: `y = W x`, exact: int8 activations, ternary or quaternary weights, sums of 24 bits.
//! Shapes: `s_axis_x` takes a vector, `cols` values a beat, value `c` in byte `c`; `tlast` ends it; at most 256 beats. `s_axis_w` takes
//! weights, row group by row group, as tile words: plane 0 of all rows and then plane 1, `cols` bits each. `tlast` ends the matrix, in
//! the last beat of a row group. `m_axis_y` gives a beat per row group: row `r` in bits `32 r`, sign-extended; `tlast` with the last one.
//! `ternary` stands from a vector's first beat until its last result.
//! Handshake: AXI-Stream's; no `ready` waits for its own `valid`. A vector is taken before its weights, and the next one once the last
//! weight is through. Weights pause while 16 results wait. Interval: a weight beat per cycle. Latency: from a row group's last beat to its
//! result `cycles::drain_cycles`, 12 for 32 columns; from a vector's last beat to its first weight the levels of an adder tree of
//! `cols` values and 3.
//! Faults: a vector of more than 256 beats, or a matrix that ends within a row group, sets `error` until a reset; then streams are
//! drained and no result comes. `aresetn` must be low for `drain_cycles + 2` cycles, so that nothing of before comes out of the array.
//! Cost: that of the array, a memory of 256 words, an adder tree of `cols` bytes, 16 words of LUT RAM.

use super::{RESULTS, VECTOR_BEATS};
use crate::array::gemv_array;
use crate::netlist::{Memory, Module, Netlist, Style, Value};
use nda_spec::config::Geometry;
use nda_spec::cycles::drain_cycles;
use nda_spec::width::{ACC_BITS, index_bits};
use std::sync::Arc;

/// Bits of a result on the bus.
const RESULT_BITS: usize = 32;
/// Bits of a count of results that wait.
const COUNT_BITS: usize = 5;

/// What the core does, as a number of two bits.
enum State {
    /// Takes a vector.
    Load = 0,
    /// Its values are still being added up.
    Settle = 1,
    /// Takes weights.
    Run = 2,
    /// The last of them are on their way.
    Drain = 3,
}

/// A stream's signals.
struct Port<'m> {
    valid: Value<'m>,
    data: Value<'m>,
    last: Value<'m>,
}

impl<'m> Port<'m> {
    fn input(m: &'m Module, name: &str, bits: usize) -> Port<'m> {
        let input = |signal: &str, bits: usize| m.input(&format!("{name}_{signal}"), bits);
        Port { valid: input("tvalid", 1), data: input("tdata", bits), last: input("tlast", 1) }
    }
}

/// A vector while it comes in: it is counted, kept and added up.
struct Vector<'m> {
    /// Its last beat comes in.
    ends: Value<'m>,
    /// It has a beat more than there is room for.
    too_long: Value<'m>,
    /// The last beat's number.
    last_beat: Value<'m>,
    memory: Memory<'m>,
    total: Value<'m>,
    /// Levels of the sum's tree.
    levels: usize,
}

fn vector<'m>(m: &'m Module, x: &Port<'m>, fire: Value<'m>, reset: Value<'m>, cols: usize) -> Vector<'m> {
    let beats = m.always("beats of the vector, and the last one's number");
    let beat = beats.declare("x_beat", index_bits(VECTOR_BEATS), 0);
    let zero = m.constant(0, beat.bits);
    let is_full = beat.is(VECTOR_BEATS as u64 - 1);
    let too_long = (fire & is_full & !x.last).named("too_long");
    let one_more = x.last.mux(zero, beat.next());
    beats.take(beat, reset.mux(zero, fire.mux(one_more, beat)));
    let last_beat = m.stage("its last beat", fire & x.last).register("last_beat", beat);
    let memory = m.memory("vector", Style::Block, VECTOR_BEATS, 8 * cols);
    m.stage("a beat is kept", fire).write(memory, beat, planes(m, x.data));
    let (total, levels) = sum(m, x, fire, cols);
    Vector { ends: (fire & x.last).named("x_ends"), too_long, last_beat, memory, total, levels }
}

/// Weights, one issue each, if its result has room.
struct Weights<'m> {
    beat: Value<'m>,
    is_first: Value<'m>,
    is_last: Value<'m>,
    /// Results on their way and waiting.
    waiting: Value<'m>,
    has_room: Value<'m>,
    fire: Value<'m>,
    /// The matrix ends within a row group.
    cut: Value<'m>,
    ends: Value<'m>,
}

/// `may` says that weights are taken, `anew` that the next one is a row group's first.
fn weights<'m>(m: &'m Module, w: &Port<'m>, last_beat: Value<'m>, may: Value<'m>, anew: Value<'m>) -> Weights<'m> {
    let beat = m.always("beat of the row group").declare("w_beat", last_beat.bits, 0);
    let (is_first, is_last) = (beat.is(0).named("is_first"), beat.equals(last_beat).named("is_last"));
    let waiting = m.always("results on their way and waiting").declare("waiting", COUNT_BITS, 0);
    let has_room = (!is_last | waiting.less(m.constant(RESULTS as u64, COUNT_BITS))).named("has_room");
    let fire = (w.valid & may & has_room).named("w_fire");
    let cut = (fire & w.last & !is_last).named("cut");
    let ends = (fire & w.last).named("w_ends");
    let zero = m.constant(0, beat.bits);
    let next = is_last.mux(zero, beat.next());
    m.always("beat of the row group, next").take(beat, anew.mux(zero, fire.mux(next, beat)));
    Weights { beat, is_first, is_last, waiting, has_room, fire, cut, ends }
}

/// The state's next value: `x_ends` settles, weights' end drains, and both are over when a count is.
fn next_state<'m>(m: &'m Module, state: Value<'m>, x: &Vector<'m>, w_ends: Value<'m>, drain_cycles: usize) -> Value<'m> {
    let count = m.always("cycles of settling and draining").declare("count", 8, 0);
    let is_over = count.is(0).named("is_over");
    let cycles = |number: usize| m.constant(number as u64 + 2, 8);
    let counted = is_over.mux(count, (count - m.constant(1, 8)).unsigned().low(8).unsigned());
    m.always("count, next").take(count, x.ends.mux(cycles(x.levels), w_ends.mux(cycles(drain_cycles), counted)));
    let to = |of: State| m.constant(of as u64, 2);
    let from_settle = is_over.mux(to(State::Run), to(State::Settle));
    let from_drain = is_over.mux(to(State::Load), to(State::Drain));
    let is = |of: State| state.is(of as u64);
    let waits = is(State::Settle).mux(from_settle, is(State::Drain).mux(from_drain, state));
    x.ends.mux(to(State::Settle), w_ends.mux(to(State::Drain), waits))
}

/// The module's name is `gemv_stream`: a top is called what `emit` calls it.
pub fn gemv_axis(g: &Geometry) -> Arc<Netlist> {
    let m = Module::new("gemv_stream");
    let [aresetn, ternary] = m.flags(["aresetn", "ternary"]);
    let x = Port::input(&m, "s_axis_x", 8 * g.array_cols);
    let w = Port::input(&m, "s_axis_w", 2 * g.lanes());
    let y_ready = m.input("m_axis_y_tready", 1);
    let reset = (!aresetn).named("reset");

    let states = m.always("state: 0 takes a vector, 1 adds it up, 2 takes weights, 3 drains");
    let state = states.declare("state", 2, 0);
    let error = states.declare("error_stands", 1, 0);
    let is_load = state.is(State::Load as u64).named("is_load");
    let is_run = state.is(State::Run as u64).named("is_run");
    let x_fire = (x.valid & is_load & aresetn & !error).named("x_fire");
    let vector = vector(&m, &x, x_fire, reset, g.array_cols);
    let weights = weights(&m, &w, vector.last_beat, is_run & aresetn & !error, reset | is_load);
    let next = next_state(&m, state, &vector, weights.ends, drain_cycles(g));
    states.take(state, reset.mux(m.constant(State::Load as u64, 2), next));
    states.take(error, !reset & (error | vector.too_long | weights.cut));

    let offset = ternary.mux(m.constant(0, ACC_BITS), twice_negative(&m, vector.total));
    let init = m.always("what every sum begins with").register("init", offset);
    let kept = m.always("the vector's beat").register("x_read", vector.memory.at(weights.beat));
    let [low, high] = [m.constant(0, 1), m.constant(1, 1)];
    let inputs = [
        ("issue", weights.fire),
        ("is_first", weights.is_first),
        ("is_shift", low),
        ("is_heavy", high),
        ("is_last", weights.is_last),
        ("ternary", ternary),
        ("a2", low),
        ("init", init),
        ("w", m.delayed("w_word", w.data, 2)),
        ("x", m.always("the same, with its weights").register("x_word", kept)),
    ];
    let array = m.part("array", &gemv_array::netlist(g), &inputs);

    let is_issued = (weights.fire & weights.is_last).named("is_issued");
    let results = Results { reset, is_issued, is_final: w.last, waiting: weights.waiting, y_ready, error };
    let (y_valid, y_data, y_last) = results.queue(&m, array.get("result_valid"), array.get("result"), g.array_rows);
    m.output("s_axis_x_tready", (is_load | error) & aresetn);
    m.output("s_axis_w_tready", ((is_run & weights.has_room) | error) & aresetn);
    m.output("m_axis_y_tvalid", y_valid);
    m.output("m_axis_y_tdata", y_data);
    m.output("m_axis_y_tlast", y_last);
    m.output("error", error);
    m.finish()
}

/// Bytes as planes, lightest first: bit `k` of every byte.
fn planes<'m>(m: &'m Module, bytes: Value<'m>) -> Value<'m> {
    let cols = bytes.bits / 8;
    let bits: Vec<Value> = (0..8).flat_map(|k| (0..cols).map(move |c| (k, c))).rev().map(|(k, c)| bytes.bit(8 * c + k)).collect();
    m.concat(&bits)
}

/// The sum of a vector's values, 24 bits, and the levels of its tree: a register behind each.
fn sum<'m>(m: &'m Module, x: &Port<'m>, fire: Value<'m>, cols: usize) -> (Value<'m>, usize) {
    let mut values: Vec<Value> = (0..cols).map(|c| x.data.slice(8 * c, 8).signed()).collect();
    let mut level = 0;
    while values.len() > 1 {
        level += 1;
        let stage = m.always(&format!("sums of {} values", 1 << level));
        let pairs = values.chunks(2).enumerate().map(|(k, pair)| {
            let sum = if let [a, b] = pair { *a + *b } else { pair[0].extend(pair[0].bits + 1) };
            stage.register(&format!("sum_{level}_{k}"), sum)
        });
        values = pairs.collect();
    }
    // A vector's first beat begins its sum anew.
    let begins = m.always("whether the next beat is a vector's first").feedback_from("begins", 1, 1, |q| fire.mux(x.last, q));
    let comes = m.delayed("sum_comes", fire, level);
    let anew = m.delayed("sum_anew", begins, level);
    let of_beat = values[0].extend(ACC_BITS).unsigned();
    let total =
        m.stage("sum of the vector", comes).feedback("total", ACC_BITS, |q| (anew.mux(m.constant(0, ACC_BITS), q) + of_beat).low(ACC_BITS));
    (total, level)
}

/// `-2 total`, in as many bits.
fn twice_negative<'m>(m: &'m Module, total: Value<'m>) -> Value<'m> {
    (m.constant(0, ACC_BITS) - (total << 1)).unsigned().low(ACC_BITS).unsigned()
}

/// Results between the array, which waits for nobody, and whoever takes them.
struct Results<'m> {
    reset: Value<'m>,
    /// A row group's last weight is issued: a place is taken.
    is_issued: Value<'m>,
    /// It is the matrix's last.
    is_final: Value<'m>,
    waiting: Value<'m>,
    y_ready: Value<'m>,
    error: Value<'m>,
}

impl<'m> Results<'m> {
    fn queue(&self, m: &'m Module, comes: Value<'m>, result: Value<'m>, rows: usize) -> (Value<'m>, Value<'m>, Value<'m>) {
        let zero = m.constant(0, COUNT_BITS);
        let pointer =
            |name: &str, moves: Value<'m>| m.always(name).feedback(name, COUNT_BITS, |q| self.reset.mux(zero, moves.mux(q.next(), q)));
        let place = |pointer: Value<'m>| pointer.low(COUNT_BITS - 1);
        // Whether a result is the last one is known when its weights are issued, and results keep their order.
        let finals = m.memory("finals", Style::Distributed, RESULTS, 1);
        let issued = pointer("issued_at", self.is_issued);
        m.stage("which result is the last", self.is_issued).write(finals, place(issued), self.is_final);
        let words = m.memory("results", Style::Distributed, RESULTS, result.bits);
        let written = pointer("written_at", comes);
        m.stage("a result", comes).write(words, place(written), result);
        let taken = m.always("taken_at").declare("taken_at", COUNT_BITS, 0);
        let valid = (!taken.equals(written) & !self.error).named("y_stands");
        let fire = (valid & self.y_ready).named("y_fire");
        m.always("taken_at, next").take(taken, self.reset.mux(zero, fire.mux(taken.next(), taken)));
        let more = (self.is_issued & !fire).mux(self.waiting.next(), self.waiting);
        let less = (fire & !self.is_issued).mux((self.waiting - m.constant(1, COUNT_BITS)).unsigned().low(COUNT_BITS).unsigned(), more);
        m.always("waiting, next").take(self.waiting, self.reset.mux(zero, less));
        let word = words.at(place(taken)).named("y_word");
        let row = |r: usize| word.slice(ACC_BITS * r, ACC_BITS).signed().extend(RESULT_BITS).unsigned();
        let data: Vec<Value> = (0..rows).rev().map(row).collect();
        (valid, m.concat(&data), finals.at(place(taken)))
    }
}
