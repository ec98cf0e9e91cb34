//! A dot product to its score, or anything else that is multiplied, shifted, rounded and kept to 16 bits.
//!
//! Function: `clamp(round_shift(dot * factor, shift), -32767, 32767)`; halves go up. The shift leaves one bit more than the
//! result has, which is the half: `floor(x / 2^s + 1/2)` is `floor(x / 2^s)` plus the bit below.
//! Streams: `valid` with a dot. Latency: `score` stands 4 cycles later. `factor` and `shift`, 0 to 47, stay through a run.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 186 LUT4, 1 MULT18X18D for dots of 16 bits.
//! Golden model: `Attention::score`, `round_shift`.

use super::{NARROW_BITS, SCORE_BITS, SHIFT_BITS, Sizes};
use crate::netlist::{Module, Netlist, Value};
use std::sync::Arc;

/// Cycles from a dot to its score.
pub const STAGES: usize = 4;
/// Low bits of a shift, which are the second stage's.
const FINE_BITS: usize = 3;
/// Bits of the result with the half below it.
const HALVED_BITS: usize = SCORE_BITS + 1;
/// Bits that the first stage leaves: those and what the second one may shift out.
const COARSE_BITS: usize = HALVED_BITS + (1 << FINE_BITS) - 1;

/// The core.
pub fn scale(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let valid = m.input("valid", 1);
    let dot = m.input("dot", sizes.dot_bits()).signed();
    let (factor, shift) = (m.input("factor", NARROW_BITS).signed(), m.input("shift", SHIFT_BITS));
    let valids = m.delay_line("valids", valid, 1, STAGES - 1);
    let product = m.stage("product", valid).register("product", dot.times(factor));

    let doubled = m.concat(&[product, m.constant(0, 1)]).named("doubled").signed();
    let mut coarse = doubled;
    for level in FINE_BITS..SHIFT_BITS {
        coarse = shift.bit(level).mux(coarse.shifted_down(1 << level), coarse);
    }
    let coarse = coarse.named("coarse");
    let stage = m.stage("shifted by eights", valids.at(1));
    let kept = stage.register("kept", coarse.slice(0, COARSE_BITS));
    let sign = stage.register("sign", product.bit(product.bits - 1));
    let lost = coarse.slice(COARSE_BITS, coarse.bits - COARSE_BITS);
    let is_over = stage.register("is_over", (lost ^ product.bit(product.bits - 1).repeat(lost.bits)).any());

    let fine = m.concat(&[sign, kept]).named("with_sign").signed().shifted_right(shift.slice(0, FINE_BITS)).named("fine");
    let stage = m.stage("shifted by units", valids.at(2));
    let halved = stage.register("halved", fine.slice(0, HALVED_BITS));
    let over = fine.slice(HALVED_BITS - 1, fine.bits - HALVED_BITS + 1);
    let is_over = stage.register("is_beyond", is_over | (over ^ sign.repeat(over.bits)).any());
    let sign = stage.register("sign_late", sign);

    let score = rounded(&m, halved, is_over, sign);
    m.output("score", m.stage("rounded", valids.at(3)).register("score", score));
    m.finish()
}

/// Half up, within 16 bits and without the least.
fn rounded<'m>(m: &'m Module, halved: Value<'m>, is_over: Value<'m>, sign: Value<'m>) -> Value<'m> {
    let whole = halved.slice(1, SCORE_BITS).signed();
    let half = m.concat(&[m.constant(0, 1), halved.bit(0)]).signed();
    let sum = (whole + half).low(SCORE_BITS + 1).named("rounded_sum");
    // 32,768 and -32,768.
    let is_power = sum.bit(SCORE_BITS - 1) & !sum.slice(0, SCORE_BITS - 1).any();
    let is_negative = is_over.mux(sign, sum.bit(SCORE_BITS)).named("is_negative");
    let most = m.concat(&[is_negative, (!is_negative).repeat(SCORE_BITS - 2), m.constant(1, 1)]);
    (is_over | is_power).mux(most, sum.slice(0, SCORE_BITS))
}
