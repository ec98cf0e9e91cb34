//! The dot product of a head that scores most.
//!
//! Function: over a run of pairs of dots, the largest, or the smallest where `is_negative` stands, which it does for a
//! negative constant: a score grows with its dot or falls with it. The second of a pair counts where `second` stands;
//! `first` begins a run. Latency: `most` stands 2 cycles after its last pair.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 99 LUT4.
//! Golden model: the maximum in `Attention::mix`.

use super::Sizes;
use crate::netlist::{Module, Netlist};
use std::sync::Arc;

/// The core.
pub fn extreme(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let bits = sizes.dot_bits();
    let [valid, first, second, is_negative] = m.flags(["valid", "first", "second", "is_negative"]);
    let (a, b) = (m.input("a", bits), m.input("b", bits));
    // Inverted bits order the other way round.
    let flip = is_negative.repeat(bits);
    let (a, b) = ((a ^ flip).named("ordered_a").signed(), (b ^ flip).named("ordered_b").signed());
    let is_second = (second & a.less(b)).named("is_second");
    let pair = m.stage("the better of a pair", valid).register("pair", is_second.mux(b, a));
    let flags = m.always("with it");
    let (pair_valid, pair_first) = (flags.register("pair_valid", valid), flags.register("pair_first", first));
    let best = m.stage("the best so far", pair_valid).feedback("best", bits, |best| {
        let is_better = pair_first | best.signed().less(pair);
        is_better.mux(pair.unsigned(), best)
    });
    m.output("most", best ^ flip);
    m.finish()
}
