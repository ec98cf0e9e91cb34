//! The articles' `rms_norm`: popcounts, one comparison, and a table of 16 entries.
//!
//! Function: `nda_spec::seed::rms_norm` at one eps. A vector passes twice. While `is_measuring` its beats are only counted:
//! a large code and a code add `nda_spec::seed::norm_weights` to a sum whose sign says which of two tables of 16 entries the
//! articles' division and Newton steps come to. Then the same beats, with the weight's codes, give one beat of results each.
//! Shapes: sign and extra planes of `N` codes of `x` and of the weight; `keep` has the lanes that exist, all others give
//! zero bits. At most 4,194,303 codes per vector.
//! Handshake: ready/valid on both sides; `in_last` with a pass's last beat, `out_last` with a vector's. Latency 1, interval 1.
//! Cost: docs/elements.md. Source: the articles' norm; `src/seed/norm.rs` shows why one comparison is enough.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Value};
use crate::seed::seed_passes::Passes;
use nda_spec::seed;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// Bits of what a code adds: at most `2^16`, and a sign.
const CODE_BITS: usize = 17;
/// Bits of the sum: of 4,194,303 codes.
const SUM_BITS: usize = 22 + CODE_BITS;

/// `N` elements a beat.
#[derive(LogicBlock)]
pub struct SeedRmsNorm<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the pass's last.
    pub in_last: Signal<In, Bit>,
    /// Signs of `x`.
    pub x_sign: Signal<In, Bits<N>>,
    /// Extra bits of `x`.
    pub x_extra: Signal<In, Bits<N>>,
    /// Signs of the weight; not looked at while measuring.
    pub w_sign: Signal<In, Bits<N>>,
    /// Extra bits of the weight.
    pub w_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// The first pass is taken.
    pub is_measuring: Signal<Out, Bit>,
    /// A beat of results stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// It is the vector's last.
    pub out_last: Signal<Out, Bit>,
    /// Signs of the results.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    _circuit: Circuit,
}

impl<const N: usize> SeedRmsNorm<N> {
    /// A norm whose eps is `2^-eps_shift`.
    pub fn new(eps_shift: u32) -> Self {
        Self {
            clock: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_last: Default::default(),
            x_sign: Default::default(),
            x_extra: Default::default(),
            w_sign: Default::default(),
            w_extra: Default::default(),
            keep: Default::default(),
            is_measuring: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_last: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            _circuit: Circuit::new(netlist(N, eps_shift)),
        }
    }
}

/// The 16 results at an inverse root as 32 bits: two for each index, extra below sign.
fn table_bits(inverse_root: u32) -> u32 {
    seed::norm_table(inverse_root).iter().enumerate().fold(0, |all, (index, &code)| {
        let (sign, extra) = seed::bits(code);
        all | (u32::from(sign) << 1 | u32::from(extra)) << (2 * index)
    })
}

impl<const N: usize> Logic for SeedRmsNorm<N> {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { in_valid, in_last, x_sign, x_extra, w_sign, w_extra, keep, out_ready }
            { in_ready, is_measuring, out_valid, out_last, sign, extra }
        );
    }

    fn connect(&mut self) {
        self.in_ready.connect();
        self.is_measuring.connect();
        self.out_valid.connect();
        self.out_last.connect();
        self.sign.connect();
        self.extra.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("seed_rms_norm")
    }
}

/// The core of the given number of elements per beat, at an eps of `2^-eps_shift`.
pub fn netlist(lanes: usize, eps_shift: u32) -> Arc<Netlist> {
    let m = Module::new("core");
    let [x_sign, x_extra, w_sign, w_extra, keep] = ["x_sign", "x_extra", "w_sign", "w_extra", "keep"].map(|name| m.input(name, lanes));
    let Passes { measured, passed, ended, last, passing } = Passes::new(&m);
    let (per_large, per_code) = seed::norm_weights(eps_shift);
    assert!([per_code, per_code + per_large].iter().all(|by| by.abs() <= 1 << (CODE_BITS - 1)), "weights {per_large} and {per_code}");
    let (larges, codes) = ((!(x_sign ^ x_extra) & keep).popcount("larges"), keep.popcount("lanes"));
    let bits = codes.bits + CODE_BITS;
    let [larges, codes] = [larges, codes].map(|count| count.extend(bits).signed());
    let beat = (larges.times_constant(per_large.into()) + codes.times_constant(per_code.into())).low(bits).named("beat");
    let adds = m.stage("the sum", measured);
    let sum = adds.declare("sum", SUM_BITS, 0).signed();
    let total = (sum + beat.extend(SUM_BITS)).low(SUM_BITS).named("total");
    adds.take(sum, last.mux(m.constant(0, SUM_BITS).signed(), total));
    let is_kept = m.stage("the side of the limit", ended & !passing).register("is_kept", total.bit(SUM_BITS - 1));
    // The roots that stand for the two sides of the limit; `norm.rs` shows that all others give the same tables.
    let table = |root: u32| m.constant(table_bits(root).into(), 32);
    let results = is_kept.mux(table(64), table(63)).named("results");
    let entries: Vec<Value> = (0..16).map(|index| results.slice(2 * index, 2)).collect();
    let (mut signs, mut extras) = (Vec::new(), Vec::new());
    for lane in (0..lanes).rev() {
        let at = m.concat(&[x_sign, x_extra, w_sign, w_extra].map(|plane| plane.bit(lane))).named(&format!("at_{lane}"));
        let result = m.select(at, &entries).named(&format!("result_{lane}"));
        signs.push(result.bit(1) & keep.bit(lane));
        extras.push(result.bit(0) & keep.bit(lane));
    }
    let gives = m.stage("the results", passed);
    m.output("sign", gives.register("sign", m.concat(&signs)));
    m.output("extra", gives.register("extra", m.concat(&extras)));
    m.finish()
}
