//! The query's codes, and the sums that the tables of the score unit hold.
//!
//! Function: for every four columns the 16 sums `T[i] = sum of (bit k of i ? code_k : -code_k)`, in Gray-code order, each its
//! neighbour's plus or minus twice a code; four cycles before the first find `T[0]`, minus all four. Signed bits need no
//! correction behind the trees: a level is half of `2 (3 s + e) + (3 s' + e')` with bits of +1 and -1.
//! Streams: beats of codes, columns in order; the beat that completes the query starts the writes. `write_enable` and
//! `write_address` stand a cycle before the sums that they write, for a register in every head. `ready` says that the tables
//! will stand when a score that starts now reads them.
//! `clear` forgets the beats of a query that was cut off.
//! Latency: the last sum is written 22 cycles behind the last beat.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 1,502 LUT4 for 128 columns, 46 LUT4 of them a generator of four.

use super::{Sizes, TABLE_BITS, TABLE_COLS};
use crate::netlist::{Module, Netlist, Value};
use nda_spec::width::index_bits;
use std::sync::Arc;

/// Bits of a code.
const CODE_BITS: usize = 8;
/// Bits of the counter of steps.
const STEP_BITS: usize = 5;
/// The first step: four that subtract a code each.
const FIRST: u64 = 12;
/// The last of those.
const LAST_OF_START: u64 = 15;
/// From here on a step's low bits count the sums.
const SECOND_SUM: u64 = 17;
/// The last step.
const LAST: u64 = 31;
/// The step before the cycle in which scores may start: they read the tables five cycles later, when the last sum is written.
const READY: u64 = 29;

/// The core.
pub fn query_tables(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let cols = sizes.cols();
    let (clear, valid) = (m.input("clear", 1), m.input("codes_valid", 1));
    let beat_codes = m.input("codes", sizes.makers * CODE_BITS);
    let take = m.stage("codes", valid);
    let bits = index_bits(cols / sizes.makers);
    let beats = m.stage("beats of codes", clear | valid);
    let beat = beats.declare("beat", bits, 0);
    let is_last = beat.is((cols / sizes.makers - 1) as u64);
    beats.take(beat, (clear | is_last).mux(m.constant(0, bits), beat.next()));
    let all = cols * CODE_BITS;
    let codes = take.feedback("held", all, |held| {
        let shift = beat_codes.bits;
        if shift == all { beat_codes } else { m.concat(&[beat_codes, held.slice(shift, all - shift)]) }
    });

    let steps = m.always("steps");
    let busy = steps.declare("busy", 1, 0);
    let step = steps.declare("step", STEP_BITS, FIRST);
    let start = (valid & is_last).named("start");
    steps.take(busy, start | (busy & !step.is(LAST)));
    let next = step.is(LAST_OF_START).mux(m.constant(SECOND_SUM, STEP_BITS), step.next());
    steps.take(step, busy.mux(next, m.constant(FIRST, STEP_BITS)));
    let ready = steps.declare("ready", 1, 0);
    steps.take(ready, (ready | (busy & step.is(READY))) & !valid);

    let control = control(&m, busy, step);
    let generator = generator(&format!("{name}_generator"));
    let sums = |group: usize| {
        let at = group * TABLE_COLS * CODE_BITS;
        let ports = [
            ("which", control.which),
            ("chosen_valid", busy),
            ("term_valid", control.term_valid),
            ("sum_valid", control.sum_valid),
            ("minus", control.minus),
            ("twice", control.twice),
            ("active", control.active),
            ("minus_late", control.minus_late),
            ("codes", codes.slice(at, TABLE_COLS * CODE_BITS)),
        ];
        m.instance(&format!("generator_{group}"), &generator, &ports)[0]
    };
    let sums: Vec<_> = (0..cols / TABLE_COLS).map(sums).collect();
    m.output("ready", ready);
    m.output("write_enable", control.write_enable);
    m.output("write_address", control.write_address);
    m.output("write_data", m.concat(&sums.iter().rev().copied().collect::<Vec<_>>()));
    m.finish()
}

/// What the generators do in every step.
struct Control<'m> {
    /// Which code, in the step.
    which: Value<'m>,
    /// Whether it is subtracted, and doubled, a cycle later.
    minus: Value<'m>,
    twice: Value<'m>,
    /// One cycle later a term is made; two later it is added, and behind the last one the sum is cleared.
    term_valid: Value<'m>,
    active: Value<'m>,
    sum_valid: Value<'m>,
    minus_late: Value<'m>,
    write_enable: Value<'m>,
    write_address: Value<'m>,
}

fn control<'m>(m: &'m Module, busy: Value<'m>, step: Value<'m>) -> Control<'m> {
    let count = step.slice(0, 4);
    let is_sum = step.bit(4);
    let bit = |k: usize| step.bit(k);
    // The bit that changes is the count's lowest one; the neighbour's sum had it set if the bit above it is clear in Gray code.
    let (one, two) = (bit(0), bit(1));
    let low = m.concat(&[!(one | two), !one & (two | !bit(2))]).named("changed");
    let which = is_sum.mux(low, step.slice(0, 2)).named("which");
    let is_cleared = m.select(low, &[two, bit(2), bit(3), m.constant(0, 1)]);
    let gray = (count ^ (count >> 1)).named("gray");
    let first = m.always("with the chosen code");
    let minus = first.register("minus", (!is_sum | is_cleared).named("is_minus"));
    let twice = first.register("twice", is_sum);
    // The sum of no set bit stands behind the fourth step.
    let is_written = (busy & (is_sum | step.is(LAST_OF_START))).named("is_written");
    let written = m.delay_line("written", is_written, 1, 2);
    let address = m.delayed("address", is_sum.mux(gray, m.constant(0, 4)), 2);
    let active = m.delay_line("active", busy, 1, 3);
    let sum_valid = (active.at(2) | active.at(3)).named("sum_valid");
    let minus_late = m.always("with the term").register("minus_late", minus);
    Control {
        which,
        minus,
        twice,
        term_valid: active.at(1),
        active: active.at(2),
        sum_valid,
        minus_late,
        write_enable: written.at(2),
        write_address: address,
    }
}

/// The sums of four codes, one per step: chosen, doubled or negated, added.
fn generator(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let which = m.input("which", 2);
    let [chosen_valid, term_valid, sum_valid] = m.flags(["chosen_valid", "term_valid", "sum_valid"]);
    let [minus, twice, active, minus_late] = m.flags(["minus", "twice", "active", "minus_late"]);
    let codes = m.input("codes", TABLE_COLS * CODE_BITS);
    let code = |k: usize| codes.slice(k * CODE_BITS, CODE_BITS);
    let chosen = m.stage("choice", chosen_valid).register("chosen", m.select(which, &[code(0), code(1), code(2), code(3)]));
    let term_bits = CODE_BITS + 1;
    let once = chosen.signed().extend(term_bits).unsigned();
    let double = m.concat(&[chosen, m.constant(0, 1)]);
    let term = m.stage("sign", term_valid).register("term", twice.mux(double, once) ^ minus.repeat(term_bits));
    let sum = m.stage("sum", sum_valid).feedback("sum", TABLE_BITS, |sum| {
        // The bit below both numbers carries in the 1 that makes the negative number of the inverted one.
        let terms = m.concat(&[term.signed().extend(TABLE_BITS).unsigned(), minus_late]);
        let both = (m.concat(&[sum, m.constant(1, 1)]) + terms).low(TABLE_BITS + 1);
        active.mux(both.slice(1, TABLE_BITS), m.constant(0, TABLE_BITS))
    });
    m.output("sum", sum);
    m.finish()
}
