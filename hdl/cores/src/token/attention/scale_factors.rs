//! What every head's dots are multiplied by: one constant times the scale of its codes.
//!
//! Function: `factor = round_shift(constant * mantissa, 17)`, `shift = clamp(step's shift + exponent, 0, 47)`, per head.
//! The scales are shifted in, head by head, before `start`; then the heads go through one multiplier, one per cycle.
//! `constant` and `step_shift` stay until the factors stand. Latency: `heads + 3` cycles behind `start`.
//! A factor never leaves 18 bits: both operands have 17 and a sign.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 76 LUT4, 257 FF, 1 MULT18X18D for four heads.
//! Golden model: `Scale::times`, `round_shift`.

use super::{EXPONENT_BITS, NARROW_BITS, SHIFT_BITS, Sizes, shifted_in};
use crate::netlist::{Module, Netlist};
use nda_spec::width::index_bits;
use std::sync::Arc;

/// Bits by which a constant times a scale is brought back to 18 bits.
const FACTOR_BITS: usize = 17;
/// Largest shift.
const MAX_SHIFT: u64 = 47;

/// The core.
pub fn scale_factors(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let heads = sizes.heads;
    let scale_valid = m.input("scale_valid", 1);
    let (mantissa, exponent) = (m.input("scale_mantissa", NARROW_BITS), m.input("scale_exponent", EXPONENT_BITS));
    let start = m.input("start", 1);
    let (constant, step_shift) = (m.input("constant", NARROW_BITS).signed(), m.input("step_shift", EXPONENT_BITS).signed());

    let steps = m.always("heads");
    let busy = steps.declare("busy", 1, 0);
    let bits = index_bits(heads);
    let head = steps.declare("head", bits, 0);
    steps.take(busy, start | (busy & !head.is((heads - 1) as u64)));
    steps.take(head, busy.mux(head.next(), m.constant(0, bits)));
    let turns = (scale_valid | busy).named("turns");
    // Head 0 lowest; while the heads are multiplied the register goes round once.
    let turn = m.stage("scales", turns);
    let held = [("mantissas", mantissa), ("exponents", exponent)];
    let [mantissas, exponents] =
        held.map(|(name, new)| shifted_in(&m, turn, name, heads, |held| busy.mux(held.slice(0, new.bits), new), new.bits));

    let flags = m.delay_line("flags", busy, 1, 2);
    let multiply = m.stage("product", busy);
    let product = multiply.register("product", constant.times(mantissas.slice(0, NARROW_BITS).signed()));
    let sum = multiply.register("shift_sum", step_shift + exponents.slice(0, EXPONENT_BITS).signed());
    let round = m.stage("rounded", flags.at(1));
    let half = m.constant(1 << (FACTOR_BITS - 1), FACTOR_BITS + 1).signed();
    let rounded = (product + half).low(product.bits).named("rounded_product");
    let factor = round.register("factor", rounded.slice(FACTOR_BITS, NARROW_BITS));
    let is_negative = sum.bit(sum.bits - 1);
    let is_most = !sum.unsigned().less(m.constant(MAX_SHIFT, sum.bits));
    let least = m.constant(0, SHIFT_BITS);
    let shift = is_negative.mux(least, is_most.mux(m.constant(MAX_SHIFT, SHIFT_BITS), sum.slice(0, SHIFT_BITS)));
    let shift = round.register("shift", shift);
    let keep = m.stage("kept", flags.at(2));
    for (name, new) in [("factors", factor), ("shifts", shift)] {
        m.output(name, shifted_in(&m, keep, name, heads, |_| new, new.bits));
    }
    m.finish()
}
