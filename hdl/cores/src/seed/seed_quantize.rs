//! The articles' quantizer: floats in, quaternary codes and half of the largest magnitude out.
//!
//! Function: `nda_spec::seed::quantize` by integers, as `nda_spec::seed::large_from` says. A vector passes twice. While
//! `is_measuring` only the largest magnitude is kept (NaN is none); then a serial divider finds the threshold from which a
//! magnitude is large; then the same beats give one beat of codes each. `scale` stands from the
//! second pass on until its last beat is taken.
//! Shapes: `x` is `N` floats, the first lightest; `keep` has the lanes that exist, all others give zero bits.
//! Handshake: ready/valid on both sides; `in_last` with a pass's last beat, `out_last` with a vector's. Latency 1, interval 1;
//! between the passes `2 * mantissa + 5` cycles, 53 for f32.
//! Cost: docs/elements.md; no multiplier. Source: the articles' quantizer.

mod divider;

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Value};
use crate::seed::seed_passes::Standing;
use divider::{Division, State};
use nda_spec::seed::{LARGE_Q, MIN_AMAX};
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// A binary float, sign first: IEEE's, with this many bits of exponent and mantissa.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloatFormat {
    /// Bits of the exponent.
    pub exponent: usize,
    /// Bits of the mantissa, the hidden one too.
    pub mantissa: usize,
    /// Magnitudes below this one, as bits, have the scale 1.
    pub least: u64,
}

impl FloatFormat {
    /// IEEE's binary32 with the articles' smallest magnitude.
    pub fn binary32() -> FloatFormat {
        FloatFormat { exponent: 8, mantissa: 24, least: u64::from(MIN_AMAX.to_bits()) }
    }

    /// Bits of a number.
    pub const fn bits(self) -> usize {
        self.exponent + self.mantissa
    }

    /// Numerator of a threshold's mantissa, as [`LARGE_Q`] for binary32: `3 * 2^(mantissa - 1) - 1`.
    pub const fn large_q(self) -> u64 {
        (3 << (self.mantissa - 1)) - 1
    }

    /// Bits of a magnitude: all but the sign.
    const fn magnitude(self) -> usize {
        self.bits() - 1
    }

    /// An infinity's magnitude.
    const fn infinity(self) -> u64 {
        ((1 << self.exponent) - 1) << (self.mantissa - 1)
    }

    /// The number 1.
    const fn one(self) -> u64 {
        ((1 << (self.exponent - 1)) - 1) << (self.mantissa - 1)
    }
}

/// `N` floats of together `X` bits a beat.
#[derive(LogicBlock)]
pub struct SeedQuantize<const N: usize, const X: usize, const S: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the pass's last.
    pub in_last: Signal<In, Bit>,
    /// The floats.
    pub x: Signal<In, Bits<X>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// The first pass is taken.
    pub is_measuring: Signal<Out, Bit>,
    /// The vector's scale, a float; stands with every beat of codes.
    pub scale: Signal<Out, Bits<S>>,
    /// A beat of codes stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// It is the vector's last.
    pub out_last: Signal<Out, Bit>,
    /// Signs of the codes.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    _circuit: Circuit,
}

impl<const N: usize, const X: usize, const S: usize> SeedQuantize<N, X, S> {
    /// A quantizer of floats of that format, whose bits are `S` and `X / N`.
    pub fn new(format: FloatFormat) -> Self {
        assert!(format.bits() == S && N * S == X, "{N} floats of {} bits are no {X} bits", format.bits());
        assert!(format != FloatFormat::binary32() || format.large_q() == u64::from(LARGE_Q), "the contract's numerator");
        Self {
            clock: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_last: Default::default(),
            x: Default::default(),
            keep: Default::default(),
            is_measuring: Default::default(),
            scale: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_last: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            _circuit: Circuit::new(netlist(N, format)),
        }
    }
}

impl<const N: usize, const X: usize, const S: usize> Logic for SeedQuantize<N, X, S> {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { in_valid, in_last, x, keep, out_ready }
            { in_ready, is_measuring, scale, out_valid, out_last, sign, extra }
        );
    }

    fn connect(&mut self) {
        self.in_ready.connect();
        self.is_measuring.connect();
        self.scale.connect();
        self.out_valid.connect();
        self.out_last.connect();
        self.sign.connect();
        self.extra.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("seed_quantize")
    }
}

/// The core of `count` floats of a format per beat.
pub fn netlist(lanes: usize, format: FloatFormat) -> Arc<Netlist> {
    let m = Module::new("core");
    let magnitude = format.magnitude();
    let (last, x, keep) = (m.input("in_last", 1), m.input("x", lanes * format.bits()), m.input("keep", lanes));
    let standing = Standing::new(&m);
    let state = State::new(&m);
    let take = standing.take((state.is_measuring | state.is_passing) & standing.is_free());
    let (measured, passed) = ((take & state.is_measuring).named("measured"), (take & state.is_passing).named("passed"));
    // The last vector's magnitude stands until its last beat is taken.
    let is_fresh = m.stage("the first beat", measured | (passed & last)).feedback_from("is_fresh", 1, 1, |_| passed);
    let measures = m.stage("the largest magnitude", measured);
    let amax = measures.declare("amax", magnitude, 0);
    let so_far = is_fresh.mux(m.constant(0, magnitude), amax).named("so_far");
    let division = Division::new(&m, format, &state, measured, amax);
    let (mut largest, mut signs, mut extras) = (so_far, Vec::new(), Vec::new());
    for lane in 0..lanes {
        let float = Lane::new(&m, format, lane, x, keep.bit(lane));
        largest = float.largest(&m, largest);
        let (sign, extra) = float.code(division.threshold);
        signs.insert(0, sign);
        extras.insert(0, extra);
    }
    measures.take(amax, largest);
    state.close(measured & last, passed & last, &division);
    let gives = m.stage("the codes", passed);
    m.output("sign", gives.register("sign", m.concat(&signs)));
    m.output("extra", gives.register("extra", m.concat(&extras)));
    m.output("out_last", gives.register("out_last", last));
    m.output("is_measuring", state.is_measuring);
    m.output("scale", division.scale);
    standing.close(passed);
    m.finish()
}

/// A float of a beat.
struct Lane<'m> {
    lane: usize,
    magnitude: Value<'m>,
    is_minus: Value<'m>,
    is_nan: Value<'m>,
    is_kept: Value<'m>,
}

impl<'m> Lane<'m> {
    fn new(m: &'m Module, format: FloatFormat, lane: usize, x: Value<'m>, is_kept: Value<'m>) -> Lane<'m> {
        let bits = format.magnitude();
        let magnitude = x.slice(lane * format.bits(), bits).named(&format!("magnitude_{lane}"));
        let is_nan = m.constant(format.infinity(), bits).less(magnitude).named(&format!("is_nan_{lane}"));
        Lane { lane, magnitude, is_minus: x.bit(lane * format.bits() + bits), is_nan, is_kept }
    }

    /// The larger one of the largest magnitude so far and this one's; NaN is none.
    fn largest(&self, m: &'m Module, so_far: Value<'m>) -> Value<'m> {
        let Lane { lane, magnitude, is_nan, is_kept, .. } = *self;
        let measured = (is_kept & !is_nan).mux(magnitude, m.constant(0, magnitude.bits)).named(&format!("measured_{lane}"));
        so_far.less(measured).mux(measured, so_far).named(&format!("max_{lane}"))
    }

    /// Sign and extra bit of its code.
    fn code(&self, threshold: Value<'m>) -> (Value<'m>, Value<'m>) {
        let Lane { lane, magnitude, is_minus, is_nan, is_kept } = *self;
        let is_large = (!is_nan & !magnitude.less(threshold)).named(&format!("is_large_{lane}"));
        let is_plus = ((!is_minus & !is_nan) | magnitude.is(0)).named(&format!("is_plus_{lane}"));
        (is_plus & is_kept, !(is_plus ^ is_large) & is_kept)
    }
}
