//! One head's values, weighted and summed.
//!
//! `sum_d += weight * (level_d + 6)`: without signs, so that two channels share one multiplication of 8 by 16 bits and their
//! sums never touch. `6 * sum of weights` comes off where the sums are read (see [`super::unit`]).
//! A level plus 6 is `6 s + 2 e + 3 s' + e'`: four bits, each a function of the four planes.
//! Streams: `valid` with weight and planes of a position; it is in the sums three cycles later. `clear` empties them.
//! Golden model: `Attention::mix`.

use super::{PLANES, Sizes, WEIGHT_BITS};
use crate::netlist::{Module, Netlist, Value};
use std::sync::Arc;

/// Cycles from a weight to the sums.
pub const STAGES: usize = 3;
/// Bits of a level plus 6.
const LEVEL_BITS: usize = 4;
/// Bits of a weight times that: 255 * 12.
const PRODUCT_BITS: usize = WEIGHT_BITS + LEVEL_BITS;

/// The core.
pub fn mix_head(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    m.comment("verilator no_inline_module");
    let (dim, bits) = (sizes.head_dim, sizes.mixed_bits());
    let [clear, valid] = m.flags(["clear", "valid"]);
    let weight = m.input("weight", WEIGHT_BITS);
    let planes = m.input("planes", PLANES * dim);
    let valids = m.delay_line("valids", valid, 1, STAGES - 1);
    let first = m.stage("levels", valid);
    let weight = first.register("weight_here", weight);
    let levels: Vec<_> = (0..dim).map(|d| first.register(&format!("level_{d}"), raised(&m, planes, dim, d))).collect();
    let gap = m.constant(0, PRODUCT_BITS - LEVEL_BITS);
    let second = m.stage("products", valids.at(1));
    let product = |(pair, two): (usize, &[Value<'_>])| {
        let packed = m.concat(&[two[1], gap, two[0]]).named(&format!("packed_{pair}"));
        second.register(&format!("product_{pair}"), packed.times(weight))
    };
    let products: Vec<_> = levels.chunks(2).enumerate().map(product).collect();
    let third = m.stage("sums", (clear | valids.at(2)).named("changes"));
    let sum = |d: usize| {
        let product = products[d / 2].slice(d % 2 * PRODUCT_BITS, PRODUCT_BITS);
        third.feedback(&format!("sum_{d}"), bits, |sum| clear.mux(m.constant(0, bits), (sum + product).low(bits)))
    };
    let sums: Vec<_> = (0..dim).map(sum).collect();
    m.output("sums", m.concat(&sums.iter().rev().copied().collect::<Vec<_>>()));
    m.finish()
}

/// The level of a channel plus 6.
fn raised<'m>(m: &'m Module, planes: Value<'m>, dim: usize, d: usize) -> Value<'m> {
    let bits: Vec<_> = (0..PLANES).map(|plane| planes.bit(plane * dim + d)).collect();
    let worth = |code: usize| [6, 2, 3, 1].iter().enumerate().map(|(k, by)| by * (code >> k & 1) as u64).sum();
    let values: Vec<_> = (0..1 << PLANES).map(|code| m.constant(worth(code), LEVEL_BITS)).collect();
    m.select(m.concat(&[bits[3], bits[2], bits[1], bits[0]]).named(&format!("code_{d}")), &values)
}
