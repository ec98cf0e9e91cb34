//! Rotary embedding (RoPE) in the pipeline: pairs of channels, half a head apart, rotated by a phase.
//!
//! Function: a lane takes the first value of a pair and, `pace` cycles later, the second: `x cos - y sin`, then `y cos + x sin`. The
//! pace is that in which the array sums words: 1 cycle of 8 rows.
//! Latency: 4 cycles and the pace for each; values that are not rotated pass with the same delay. When nothing comes out of the lane, its output is what
//! enters: `comes` says so a cycle before, and every lane keeps it for itself, because all bits of all lanes wait for it.
//! [`walker`] looks the cosines and sines of a token's phases up while its first steps run. Nothing moves but while `active` stands,
//! from a word's first cycle
//! to its last. Golden: `turn` in `nda_spec::token`'s machine. Cost: 2 DSP per lane.

use super::lane::{NARROW, WIDE, scaled_down};
use crate::netlist::{Module, Netlist, Style, Value};
use nda_spec::token::{WORD, limits};
use std::sync::Arc;

/// Cycles that a turn takes, of words that come every `pace` cycles.
pub(super) const fn stages(pace: usize) -> usize {
    4 + pace
}
/// Words of cosines that a lane keeps: of all sets together.
pub(super) const WORDS: usize = limits::PHASES / WORD;
/// Bits behind the point of a cosine.
const TURN_BITS: usize = 16;

/// A lane, of words that come every `pace` cycles.
pub(super) fn turn_lane(pace: usize) -> Arc<Netlist> {
    let m = Module::new("turn_lane");
    m.comment("verilator no_inline_module");
    let (value, is_second, is_turned, word) =
        (m.input("value", WIDE), m.input("is_second", 1), m.input("is_turned", 1), m.input("word", 4));
    let (set_cos, set_sin, set_word, cosine_in) =
        (m.input("set_cosine", 1), m.input("set_sine", 1), m.input("set_word", 4), m.input("table_data", NARROW));
    let (on, comes) = (m.input("active", 1), m.input("comes", 1));
    let cosines = m.memory("cosines", Style::Distributed, WORDS, NARROW);
    let sines = m.memory("sines", Style::Distributed, WORDS, NARROW);
    m.stage("a cosine comes", set_cos).write(cosines, set_word, cosine_in);
    m.stage("a sine comes", set_sin).write(sines, set_word, cosine_in);
    // The lane's value comes from far.
    let zero = m.stage("0: in front of the multipliers", on);
    let [value_0, word, is_second, is_turned] = [("value", value), ("word", word), ("is_second", is_second), ("is_turned", is_turned)]
        .map(|(name, of)| zero.register(&format!("{name}_0"), of));
    // A word waits for the other one of its pair.
    let [waited, word, is_second, is_turned] = [("value", value_0), ("word", word), ("is_second", is_second), ("is_turned", is_turned)]
        .map(|(name, of)| waits(&m, on, name, of, pace));
    let one = m.stage("1: the pair", on);
    let cos = one.register("cos", cosines.at(word));
    let sin = one.register("sin", sines.at(word));
    let old = one.register("old", waited);
    let older = m.stage("2: the value before", on).register("older", waits(&m, on, "old", old, pace));
    let second = one.register("second", is_second);
    // The first is in `old` when the second comes in; both are one stage further when the second's turn is.
    let first_of = second.mux(older, value_0);
    let two = m.stage("2: products", on);
    let (a, b) = (old.slice(0, NARROW).signed(), first_of.slice(0, NARROW).signed());
    let direct = two.register("direct", a.times(cos.signed()));
    let crossed = two.register("crossed", b.times(sin.signed()));
    let three = m.stage("3: their sum", on);
    let minus = m.delayed("second_2", second, 1);
    let (wide_direct, wide_crossed) = (direct.extend(37), crossed.extend(37));
    let both = minus.mux((wide_direct + wide_crossed).low(37), (wide_direct - wide_crossed).low(37));
    let sum = three.register("sum", both);
    let plain = m.delayed("plain", old, 2);
    let turned = m.delayed("turned", is_turned, 3);
    let result = turned.mux(scaled_down(&m, sum, TURN_BITS).extend(WIDE).unsigned(), plain);
    let result = m.stage("4: what fits", on).register("result", result);
    let is_out = m.always("4: a turned value").register("is_out", comes);
    m.output("turned_value", is_out.mux(result, value));
    m.finish()
}

/// A value as many cycles later as a pair's words are more than one apart.
fn waits<'m>(m: &'m Module, on: Value<'m>, name: &str, of: Value<'m>, pace: usize) -> Value<'m> {
    (1..pace).fold(of, |value, k| m.stage(&format!("{name} waits"), on).register(&format!("{name}_{k}_later"), value))
}
