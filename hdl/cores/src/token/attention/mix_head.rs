//! One head's values, weighted and summed.
//!
//! Function: `sum_d += weight * (level_d + 6)`: without signs, so that two channels share one multiplication of 8 by 16 bits and their
//! sums never touch. `6 * sum of weights` comes off where the sums are read (see [`super::unit`]).
//! A level plus 6 is `6 s + 2 e + 3 s' + e'`: four bits, each a function of the four planes. Two of eight channels have no
//! multiplier but choose among multiples of the weight, `(2 s + s') * 3 weight + (2 e + e') * weight`.
//! Streams: `valid` with weight and planes of a position. Latency: it is in the sums 3 cycles later. `clear` empties them.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 1,181 LUT4, 1,148 FF, 12 MULT18X18D for 32 channels and a ring of
//! 102; a multiplier less is 100 LUT4 more.
//! Golden model: `Attention::mix`.

use super::{PLANES, Sizes, WEIGHT_BITS};
use crate::netlist::{Module, Netlist, Stage, Value};
use nda_spec::token::WORD;
use std::sync::Arc;

/// Of eight channels, those whose products are made of LUTs: an ECP5-85F has not enough multipliers for all.
const IN_LUTS: usize = 2;
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
    let multiples = Multiples::new(&m, first, weight);
    let second = m.stage("products", valids.at(1));
    let mut products = Vec::new();
    for pair in 0..dim / 2 {
        let two = [2 * pair, 2 * pair + 1];
        products.extend(match 2 * pair % WORD < WORD - IN_LUTS {
            true => multiplied(&m, [first, second], two.map(|d| (d, planes_of(&m, planes, dim, d))), multiples.once),
            false => two.map(|d| multiples.product([first, second], d, planes_of(&m, planes, dim, d))),
        });
    }
    let third = m.stage("sums", (clear | valids.at(2)).named("changes"));
    let sum = |d: usize| {
        let product = products[d];
        third.feedback(&format!("sum_{d}"), bits, |sum| clear.mux(m.constant(0, bits), (sum + product).low(bits)))
    };
    let sums: Vec<_> = (0..dim).map(sum).collect();
    m.output("sums", m.concat(&sums.iter().rev().copied().collect::<Vec<_>>()));
    m.finish()
}

/// The planes of a channel, the first stack's sign highest.
fn planes_of<'m>(m: &'m Module, planes: Value<'m>, dim: usize, d: usize) -> Value<'m> {
    m.concat(&std::array::from_fn::<_, PLANES, _>(|plane| planes.bit(plane * dim + d))).named(&format!("code_{d}"))
}

/// Products of two channels by one multiplication.
fn multiplied<'m>(m: &'m Module, [first, second]: [Stage<'m>; 2], two: [(usize, Value<'m>); 2], weight: Value<'m>) -> [Value<'m>; 2] {
    let level = |(d, code): (usize, Value<'m>)| {
        let worth = |code: usize| [1, 3, 2, 6].iter().enumerate().map(|(k, by)| by * (code >> k & 1) as u64).sum();
        let values: Vec<_> = (0..1 << PLANES).map(|code| m.constant(worth(code), LEVEL_BITS)).collect();
        first.register(&format!("level_{d}"), m.select(code, &values))
    };
    let [low, high] = two.map(level);
    let pair = two[0].0 / 2;
    let packed = m.concat(&[high, m.constant(0, PRODUCT_BITS - LEVEL_BITS), low]).named(&format!("packed_{pair}"));
    let product = second.register(&format!("product_{pair}"), packed.times(weight));
    [0, 1].map(|channel| product.slice(channel * PRODUCT_BITS, PRODUCT_BITS))
}

/// A weight, three of it and nine.
struct Multiples<'m> {
    m: &'m Module,
    once: Value<'m>,
    thrice: Value<'m>,
    nine: Value<'m>,
}

impl<'m> Multiples<'m> {
    fn new(m: &'m Module, stage: Stage<'m>, weight: Value<'m>) -> Multiples<'m> {
        let times = |by: usize| weight.extend(WEIGHT_BITS + by) << by;
        let thrice = (times(1) + weight).low(WEIGHT_BITS + 2);
        let nine = (times(3) + weight).low(PRODUCT_BITS);
        Multiples {
            m,
            once: stage.register("weight_here", weight),
            thrice: stage.register("weight_thrice", thrice),
            nine: stage.register("weight_nine_times", nine),
        }
    }

    /// `(2 s + s') * 3 weight + (2 e + e') * weight`: a choice of four each, and one adder.
    fn product(&self, [first, second]: [Stage<'m>; 2], d: usize, code: Value<'m>) -> Value<'m> {
        let code = first.register(&format!("code_here_{d}"), code);
        let either = |sign: usize| self.m.concat(&[code.bit(sign), code.bit(sign - 2)]);
        let zero = self.m.constant(0, PRODUCT_BITS);
        let wide = |value: Value<'m>, by: usize| value.extend(PRODUCT_BITS) << by;
        let signs = self.m.select(either(3).named(&format!("signs_{d}")), &[zero, wide(self.thrice, 0), wide(self.thrice, 1), self.nine]);
        let extras =
            self.m.select(either(2).named(&format!("extras_{d}")), &[zero, wide(self.once, 0), wide(self.once, 1), wide(self.thrice, 0)]);
        second.register(&format!("product_of_{d}"), (signs + extras).low(PRODUCT_BITS))
    }
}
