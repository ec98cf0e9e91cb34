//! Int8 quantizers (code makers): two words of `work` become 16 codes per cycle, and a vector's largest magnitude its scale.
//!
//! Function: [`nda_spec::token::Coder`]: `value * 127 / largest`, the reciprocal out of [`super::tables`], and the coder's scale or
//! that times an inverse root. Stages are counted from the register that names a group: its largest stands in 1, the
//! reciprocal and the words of `work` in 5, codes in 7, a group's scale in 8. Latency: 7 cycles
//! to codes, 16 codes per cycle. Cost: 1 DSP per quantizer and 1.

use super::lane::NARROW;
use super::root::EXPONENT;
use super::tables::MANTISSA;
use crate::netlist::{Module, Netlist};
use std::sync::Arc;

/// Bits of a largest magnitude.
pub(super) const LARGEST: usize = NARROW - 1;
/// Bits of a shift: 9 to 26.
const CODE_SHIFT: usize = 5;

/// One maker: the value stands in stage 5, its code in 7.
pub(super) fn maker() -> Arc<Netlist> {
    let m = Module::new("code_maker");
    m.comment("verilator no_inline_module");
    let (value, reciprocal, is_there) = (m.input("value", NARROW), m.input("reciprocal", NARROW), m.input("is_there", 1));
    let to_half = m.input("to_half", CODE_SHIFT);
    let six = m.always("6: the product");
    let product = six.register("product", value.signed().times(reciprocal.signed()));
    // Sixteen quantizers wait for it: each has it in a register of its own.
    let to_half = six.register("to_half_6", to_half);
    // Half of what is cut off, added before, is the highest bit that is cut off, added behind: eight bits of carry instead of 37.
    let halves = product.signed().shifted_right(to_half);
    let code = (halves.slice(1, 8) + halves.slice(0, 1)).low(8) & is_there.repeat(8);
    m.output("code", m.always("7: the code").register("code_7", code));
    m.finish()
}

/// What all makers share: `largest` stands in stage 1, `root` in 6.
pub(super) fn coder() -> Arc<Netlist> {
    let m = Module::new("coder");
    let largest = m.input("largest", LARGEST);
    let (root, root_exponent, is_normed) = (m.input("root", NARROW), m.input("root_exponent", EXPONENT), m.input("is_normed", 1));
    let one = largest | m.concat(&[m.constant(0, LARGEST - 1), !largest.any()]);
    let (normal, count) = one.normalised(5);
    let two = m.always("2: the leading one at the top");
    let (normal, count) = (two.register("normal", normal), two.register("count", count));
    // Up, so that no code passes 127.
    let mantissa = (normal.slice(8, 9) + normal.slice(0, 8).any()).named("rounded_up");
    let carry = mantissa.bit(9);
    let three = m.always("3: nine bits of it, rounded up");
    let mantissa = three.register("mantissa", m.concat(&[mantissa.bit(8) | carry, mantissa.slice(0, 8)]));
    let exponent = (m.constant(8, EXPONENT) - count.extend(EXPONENT)).low(EXPONENT).unsigned();
    let exponent = three.register("exponent", (exponent + carry).low(EXPONENT));
    // Its reciprocal stands in stage 5.
    m.output("mantissa_3", mantissa.slice(0, MANTISSA));
    // A code is the product shifted by 18 and the exponent; one bit less leaves the bit that rounds.
    let to_half = (exponent + m.constant(17, EXPONENT)).low(EXPONENT).slice(0, CODE_SHIFT);
    m.output("to_half", m.delayed("to_half", to_half, 2));

    let (mantissa, exponent) = (m.delayed("mantissa_later", mantissa, 3), m.delayed("exponent_later", exponent, 3));
    let seven = m.always("7: times the root");
    let product = seven.register("times_root", mantissa.times(root));
    let root_exponent = seven.register("root_exponent_7", root_exponent);
    let (mantissa, exponent) = (seven.register("mantissa_7", mantissa), seven.register("exponent_7", exponent));
    let is_large = product.bit(25);
    let cut = is_large.mux(product.slice(9, 17), product.slice(8, 17));
    let lift = is_large.mux(m.constant(9, EXPONENT), m.constant(8, EXPONENT));
    let exponent_by = ((root_exponent - exponent).low(EXPONENT).unsigned() - lift).low(EXPONENT).unsigned();
    let exponent_alone = (m.constant(8, EXPONENT) - exponent).low(EXPONENT).unsigned();
    let eight = m.always("8: the scale");
    let alone = m.concat(&[mantissa, m.constant(0, 8)]);
    m.output("scale_mantissa", eight.register("scale", is_normed.mux(cut, alone)).extend(NARROW));
    m.output("scale_exponent", eight.register("scale_point", is_normed.mux(exponent_by, exponent_alone)));
    m.finish()
}
