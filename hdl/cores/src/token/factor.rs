//! The factor of a word: what its constants are multiplied by, and how far its product is shifted.
//!
//! Function: of a factor's four kinds none, the scale of the array's codes, the inverse root of the word's group, or the inverse
//! sum of the softmax, behind a weighted sum of values; the step's shift plus the factor's exponent, 0 to 35. Latency: from the feeder's register to the
//! mantissa 2 cycles (stage 1 of the pipe), to the shift 5 (stage 4); a word enters in every cycle. Cost: 16 words of LUT RAM.

use super::feeder::GROUPS;
use super::lane::{NARROW, SHIFT, SHIFT_MAX};
use super::memories::Numbers;
use super::root::EXPONENT;
use super::stream::Sources;
use crate::netlist::{Bus, Module, Style, Value};

/// The mantissa that a word's constants are multiplied by, in stage 1, and its shift in stage 4.
pub(super) fn factor<'m>(
    m: &'m Module,
    entered: &Bus<'m>,
    t: &[Bus<'m>],
    s: &Sources<'m>,
    numbers: &Numbers<'m>,
) -> (Value<'m>, Value<'m>) {
    let roots = m.memory("roots", Style::Distributed, GROUPS, NARROW + EXPONENT);
    m.stage("a root comes", s.root_found).write(roots, s.root_group, m.concat(&[s.root_exponent, s.root]));
    let root = m.always("0: the group's root").register("root_read", roots.at(entered.get("factor_group")));
    let kind = t[0].get("factor");
    let one = m.always("1: the factor");
    let mantissas = [m.constant(1 << 16, NARROW), s.codes_mantissa, root.slice(0, NARROW), s.mixed_mantissa];
    let mantissa = one.register("mantissa_1", m.select(kind, &mantissas));
    let exponents = [m.constant(16, EXPONENT), s.codes_exponent, root.slice(NARROW, EXPONENT), s.mixed_exponent];
    let exponent = one.register("exponent_1", m.select(kind, &exponents));
    let exponent = m.always("2: its exponent").register("exponent_2", exponent);
    let shift = t[2].get("shift").signed() + exponent.signed();
    // The embedding's shift is the step's own; its scale is the factor.
    let is_embed = t[2].get("source").is(3);
    let plain = numbers.shift.extend(shift.bits).signed();
    let sum = m.always("3: how far").register("shift_sum", is_embed.mux(plain, shift)).signed();
    let is_negative = sum.bit(sum.bits - 1);
    let is_large = !is_negative & !sum.less(m.constant(SHIFT_MAX, sum.bits).signed());
    let fit = is_negative.mux(m.constant(0, SHIFT), is_large.mux(m.constant(SHIFT_MAX, SHIFT), sum.slice(0, SHIFT)));
    (mantissa, m.always("4: how far").register("shift_4", fit))
}
