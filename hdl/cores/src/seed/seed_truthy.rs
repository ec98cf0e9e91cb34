//! Truthy: whether the sum of a vector's codes is above zero.
//!
//! Function: `nda_spec::seed::truthy`. A code is `3 sign + extra - 2`, so a beat is three popcounts.
//! Shapes: sign and extra planes of `N` codes; `keep` has the lanes that exist. At most 4,194,303 codes per vector.
//! Handshake: ready/valid on both sides; `in_last` with a vector's last beat, one answer per vector. Latency 1, interval 1.
//! Cost: docs/elements.md. Source: NUMBERS.md, section 1.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist};
use crate::seed::seed_passes::Standing;
use nda_spec::width::ACC_BITS;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// `N` elements a beat.
#[derive(LogicBlock)]
pub struct SeedTruthy<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the vector's last.
    pub in_last: Signal<In, Bit>,
    /// Signs.
    pub x_sign: Signal<In, Bits<N>>,
    /// Extra bits.
    pub x_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// An answer stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// The answer.
    pub is_true: Signal<Out, Bit>,
    _circuit: Circuit,
}

impl<const N: usize> Default for SeedTruthy<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_last: Default::default(),
            x_sign: Default::default(),
            x_extra: Default::default(),
            keep: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            is_true: Default::default(),
            _circuit: Circuit::new(netlist(N)),
        }
    }
}

impl<const N: usize> Logic for SeedTruthy<N> {
    fn update(&mut self) {
        evaluate!(self, self.clock.pos_edge(), { in_valid, in_last, x_sign, x_extra, keep, out_ready } { in_ready, out_valid, is_true });
    }

    fn connect(&mut self) {
        self.in_ready.connect();
        self.out_valid.connect();
        self.is_true.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("seed_truthy")
    }
}

/// The core of the given number of elements per beat.
pub fn netlist(lanes: usize) -> Arc<Netlist> {
    let m = Module::new("core");
    let last = m.input("in_last", 1);
    let [sign, extra, keep] = ["x_sign", "x_extra", "keep"].map(|name| m.input(name, lanes));
    let standing = Standing::new(&m);
    let take = standing.take(standing.is_free());
    let (signs, extras, kept) = ((sign & keep).popcount("signs"), (extra & keep).popcount("extras"), keep.popcount("lanes"));
    // No code is beyond 2, so the sum of a beat has two bits more than a count, with its sign.
    let bits = kept.bits + 2;
    let [twice_signs, twice_kept] = [signs, kept].map(|count| m.concat(&[count, m.constant(0, 1)]).extend(bits));
    let positive = ((twice_signs + signs.extend(bits)).low(bits) + extras.extend(bits)).low(bits);
    let beat = (positive - twice_kept).low(bits).named("beat");
    let adds = m.stage("the sum", take);
    let sum = adds.declare("sum", ACC_BITS, 0).signed();
    let total = (sum + beat.extend(ACC_BITS)).low(ACC_BITS).named("total");
    adds.take(sum, last.mux(m.constant(0, ACC_BITS).signed(), total));
    let ends = (take & last).named("ends");
    let is_positive = (!total.bit(ACC_BITS - 1) & total.any()).named("is_positive");
    m.output("is_true", m.stage("the answer", ends).register("is_true", is_positive));
    standing.close(ends);
    m.finish()
}
