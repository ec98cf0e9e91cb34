//! A lane of the elementwise pipeline: a value times a constant times a factor, rounded to a wide value.
//!
//! Function: `value * narrow(constant * mantissa / 2^17) / 2^shift`, rounded and saturated: [`nda_spec::token::Scale::times`] and
//! `round_shift`. The value is the array's sum, a wide value rounded to 18 bits, a weighted sum of values, or a code of the embedding, whose
//! scale is the factor itself. Handshake: a value enters in every cycle while `active`
//! stands, from a value's first cycle to its last. Stages are counted from the read of the memories: `take` stands in stage 0,
//! `wide` and `mantissa` stand in stage 1, everything else that is read in stage 2, `value` in stage 8. Latency: 8 cycles,
//! a value per cycle. Cost: 2 DSP.

use crate::netlist::{Module, Netlist, Value};
use std::sync::Arc;

/// Bits of a narrow value.
pub(super) const NARROW: usize = 18;
/// Bits of a wide value.
pub(super) const WIDE: usize = 24;
/// Largest shift: nothing is left of a product of 36 bits beyond.
pub(super) const SHIFT_MAX: u64 = 35;
/// Bits of a shift.
pub(super) const SHIFT: usize = 6;

/// `2^shift / 2`, as one of 36 bits: what is added before `shift` bits are cut off.
pub(super) fn half<'m>(m: &'m Module, shift: Value<'m>, bits: usize) -> Value<'m> {
    let flags: Vec<Value> = (1..=bits as u64).map(|k| if k < 1 << shift.bits { shift.is(k) } else { m.constant(0, 1) }).collect();
    m.concat(&flags.into_iter().rev().collect::<Vec<_>>())
}

/// Bits of half of what is cut off by a take of 0 to 7.
const TAKE_HALF: usize = 7;

/// Half of what a take cuts off.
pub(super) fn take_half<'m>(m: &'m Module, take: Value<'m>) -> Value<'m> {
    half(m, take, TAKE_HALF)
}

/// A value and half of what is cut off; one bit more.
fn with_half<'m>(value: Value<'m>, half: Value<'m>) -> Value<'m> {
    let bits = value.bits + 1;
    (value.signed().extend(bits) + half.extend(bits).signed()).low(bits).signed()
}

/// A product of two narrow values, `bits` cut off, narrow.
pub(super) fn scaled_down<'m>(m: &'m Module, product: Value<'m>, bits: usize) -> Value<'m> {
    let sum = (product.signed() + m.constant(1 << (bits - 1), bits + 1).signed()).low(product.bits + 1);
    sum.slice(bits, product.bits + 1 - bits).signed().saturated(NARROW)
}

/// The lane.
pub(super) fn lane() -> Arc<Netlist> {
    let m = Module::new("lane");
    m.comment("verilator no_inline_module");
    let (wide, take) = (m.input("wide", WIDE), m.input("take", 3));
    let (sum, mixed, code) = (m.input("sum", NARROW), m.input("mixed", NARROW), m.input("code", 4));
    let (is_wide, is_mixed, is_embed) = (m.input("is_wide", 1), m.input("is_mixed", 1), m.input("is_embed", 1));
    let (constant, mantissa) = (m.input("constant", NARROW), m.input("mantissa", NARROW));
    let (scale, uses_scale) = (m.input("scale", NARROW), m.input("uses_scale", 1));
    let on = m.input("active", 1);
    let (halves, shift, narrow) = (m.input("half", 36), m.input("shift", SHIFT), m.input("narrow", 1));

    let one = m.always("1: half of what is cut off");
    let (take, take_half) = (one.register("take_1", take), one.register("take_half", take_half(&m, take)));
    // It comes from far, and every lane's multiplier has its own copy beside it.
    let mantissa_2 = m.stage("2: the factor", on).register("mantissa_2", mantissa);
    let two = m.stage("2: shorter", on);
    let shorter = two.register("shorter", with_half(wide, take_half).shifted_right(take));
    let three = m.stage("3: the value, the constant times the scale", on);
    let other = is_mixed.mux(mixed, is_embed.mux(code.signed().extend(NARROW).unsigned(), sum));
    let value_3 = three.register("value_3", is_wide.mux(shorter.signed().saturated(NARROW).unsigned(), other));
    let scaled = three.register("scaled", constant.signed().times(mantissa_2.signed()));
    let four = m.stage("4: the factor", on);
    let value_4 = four.register("value_4", value_3);
    let factor = four.register("factor", uses_scale.mux(scale, scaled_down(&m, scaled, 17).unsigned()));
    let product = m.stage("5: the product", on).register("product", value_4.signed().times(factor.signed()));
    // Of products below 2^34, because narrow values are symmetric.
    let sum = (product.signed() + m.concat(&[m.constant(0, 1), halves]).signed()).low(37);
    let rounded = m.stage("6: the half", on).register("rounded", sum).signed();
    let shifted = m.stage("7: the shift", on).register("shifted", rounded.shifted_right(shift)).signed();
    // As the shift below: every lane has its own copy, because a pass's flags come from far.
    let narrow = m.always("7: how wide").register("narrow_7", narrow);
    let result = narrow.mux(shifted.saturated(NARROW).extend(WIDE), shifted.saturated(WIDE));
    m.output("value", m.stage("8: what fits", on).register("value", result.unsigned()));
    m.finish()
}

/// Behind the pipe: a value as `work` has it, and what is summed of it. `value` stands in stage 10, `weight` in 12.
pub(super) fn reduce_lane() -> Arc<Netlist> {
    let m = Module::new("reduce_lane");
    m.comment("verilator no_inline_module");
    let (value, take, take_half) = (m.input("value", WIDE), m.input("take", 3), m.input("take_half", TAKE_HALF));
    let (weight, is_weighted) = (m.input("weight", NARROW), m.input("is_weighted", 1));
    let on = m.input("active", 1);
    let eleven = m.stage("11: half of what is cut off", on);
    let (sum, take) = (eleven.register("sum", with_half(value, take_half)).signed(), eleven.register("take_11", take));
    let short = m.stage("12: shorter", on).register("short", sum.shifted_right(take).saturated(NARROW));
    let thirteen = m.stage("13: weighted, squared", on);
    let weighted = thirteen.register("weighted", short.times(weight.signed()));
    let square = thirteen.register("square", short.times(short).unsigned().low(34));
    let plain = thirteen.register("plain", short.unsigned());
    let fourteen = m.stage("14: work", on);
    let work = fourteen.register("work", is_weighted.mux(scaled_down(&m, weighted, 17).unsigned(), plain));
    let magnitude = m.stage("15: its magnitude", on).register("magnitude", work.magnitude().low(NARROW - 1));
    m.output("work_value", work);
    m.output("square_value", square);
    m.output("magnitude_value", magnitude);
    m.finish()
}
