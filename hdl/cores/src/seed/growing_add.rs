//! Addition in the default mode: `N` sums of two's complement codes per cycle, at a scale that grows instead of saturating.
//!
//! Function: `nda_spec::growing::growing_add`. A vector passes twice. While `is_measuring` the sums are only looked at: if one of
//! them does not fit its code, the vector's scale is the next one. Then the same beats give one beat of sums each.
//! A sum has `B + 1` fractional bits, which hold the finer operand exactly at every gap between the scales that matters, and is
//! rounded once, half away from zero.
//! Shapes: `x`, `d` and `sum` are `N` codes of `B` bits, the first lightest; `keep` has the lanes that exist, all others give
//! zero bits. The exponents stand for both passes, two's complement.
//! Handshake: ready/valid on both sides; `in_last` with a pass's last beat, `out_last` with a vector's. Latency 1, interval 1.
//! Cost: docs/elements.md; a shifter of `2 B + 1` bits and three adders per lane. Source: NUMBERS.md, section on elements.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Value};
use crate::seed::seed_passes::Passes;
use nda_spec::growing::{MAX_BITS, gap_limit};
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// `N` codes of together `X` bits a beat.
#[derive(LogicBlock)]
pub struct GrowingAdd<const N: usize, const X: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Exponent of the scale of `x`.
    pub x_log2: Signal<In, Bits<8>>,
    /// Exponent of the scale of `d`.
    pub d_log2: Signal<In, Bits<8>>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the pass's last.
    pub in_last: Signal<In, Bit>,
    /// Codes of one operand.
    pub x: Signal<In, Bits<X>>,
    /// Codes of the other.
    pub d: Signal<In, Bits<X>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// The first pass is taken.
    pub is_measuring: Signal<Out, Bit>,
    /// A beat of sums stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// It is the vector's last.
    pub out_last: Signal<Out, Bit>,
    /// The sums.
    pub sum: Signal<Out, Bits<X>>,
    /// Exponent of their scale.
    pub log2: Signal<Out, Bits<8>>,
    _circuit: Circuit,
}

impl<const N: usize, const X: usize> Default for GrowingAdd<N, X> {
    fn default() -> Self {
        assert_eq!(X % N, 0, "{N} codes of together {X} bits");
        Self {
            clock: Default::default(),
            x_log2: Default::default(),
            d_log2: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_last: Default::default(),
            x: Default::default(),
            d: Default::default(),
            keep: Default::default(),
            is_measuring: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_last: Default::default(),
            sum: Default::default(),
            log2: Default::default(),
            _circuit: Circuit::new(netlist(N, X / N)),
        }
    }
}

impl<const N: usize, const X: usize> Logic for GrowingAdd<N, X> {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { x_log2, d_log2, in_valid, in_last, x, d, keep, out_ready }
            { in_ready, is_measuring, out_valid, out_last, sum, log2 }
        );
    }

    fn connect(&mut self) {
        self.in_ready.connect();
        self.is_measuring.connect();
        self.out_valid.connect();
        self.out_last.connect();
        self.sum.connect();
        self.log2.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("growing_add")
    }
}

/// What the lanes have in common.
struct Scales<'m> {
    /// `x` has the smaller scale.
    x_is_fine: Value<'m>,
    /// Places that the finer operand moves down.
    shift: Value<'m>,
    /// The larger exponent.
    coarser: Value<'m>,
    /// The sum is at the next scale.
    grows: Value<'m>,
}

impl<'m> Scales<'m> {
    fn new(m: &'m Module, code_bits: usize, grows: Value<'m>) -> Scales<'m> {
        let most = u64::from(gap_limit(code_bits as u32));
        let shift_bits = most.ilog2() as usize + 1;
        let (x, d) = (m.input("x_log2", 8), m.input("d_log2", 8));
        // As numbers without a sign, so that a comparison and a difference are one adder.
        let [x_biased, d_biased] = [(x, "x_biased"), (d, "d_biased")].map(|(log2, name)| (log2 ^ m.constant(0x80, 8)).named(name));
        let x_is_fine = x_biased.less(d_biased).named("x_is_fine");
        let differ = |a: Value<'m>, b: Value<'m>| (a - b).low(8).unsigned();
        let gap = x_is_fine.mux(differ(d_biased, x_biased), differ(x_biased, d_biased)).named("gap");
        let most = m.constant(most, 8);
        let shift = most.less(gap).mux(most.low(shift_bits), gap.low(shift_bits)).named("shift");
        Scales { x_is_fine, shift, coarser: x_is_fine.mux(d, x).named("coarser"), grows }
    }

    /// A lane's sum, and whether it does not fit.
    fn lane(&self, m: &'m Module, lane: usize, x: Value<'m>, d: Value<'m>) -> (Value<'m>, Value<'m>) {
        let (b, name) = (x.bits, |what: &str| format!("{what}_{lane}"));
        // Fractional bits of a sum, and a sum's bits.
        let fraction = b + 1;
        let wide = b + fraction + 1;
        let zeros = m.constant(0, fraction);
        let coarse = m.concat(&[self.x_is_fine.mux(d, x), zeros]).signed();
        let fine = m.concat(&[self.x_is_fine.mux(x, d), zeros]).signed().named(&name("fine"));
        // The narrowest step first: it moves no more than the code, behind which are zeros.
        let down = |value: Value<'m>, level: usize| self.shift.bit(level).mux(value.shifted_down(1 << level), value);
        let shifted = (0..self.shift.bits).fold(fine, down).named(&name("shifted"));
        let exact = (coarse + shifted).named(&name("exact"));
        // Half of the last place, less one unit below zero: half away from zero, then cut off.
        let (is_below, grows) = (exact.bit(wide - 1), self.grows);
        let half = m.concat(&[grows & !is_below, !(grows ^ is_below), is_below.repeat(fraction - 1)]).named(&name("half"));
        let nudged = (exact + half.extend(wide).signed()).low(wide).named(&name("nudged"));
        let rounded = nudged.slice(fraction, b + 1).signed().named(&name("rounded"));
        let code = self.grows.mux(rounded.shifted_down(1), rounded).named(&name("code"));
        let unfit = (code.bit(b) ^ code.bit(b - 1)).named(&name("unfit"));
        let nearest = unfit.mux((!code.bit(b)).repeat(b - 1), code.slice(0, b - 1));
        (m.concat(&[code.bit(b), nearest]), unfit)
    }
}

/// The core of the given number of lanes and bits of a code.
///
/// # Panics
/// If a code has not 2 to [`MAX_BITS`] bits.
pub fn netlist(lanes: usize, code_bits: usize) -> Arc<Netlist> {
    assert!((2..=MAX_BITS as usize).contains(&code_bits), "a code has 2 to {MAX_BITS} bits, not {code_bits}");
    let m = Module::new("core");
    let (x, d) = (m.input("x", lanes * code_bits), m.input("d", lanes * code_bits));
    let keep = m.input("keep", lanes);
    let Passes { measured, passed, ended, last, passing } = Passes::new(&m);
    let measures = m.stage("what was measured", measured);
    let over = measures.declare("over", 1, 0);
    let decides = m.stage("the scale", ended);
    let grows = decides.declare("grows", 1, 0);
    let scales = Scales::new(&m, code_bits, grows);
    let (mut sums, mut unfits) = (Vec::new(), Vec::new());
    for lane in (0..lanes).rev() {
        let [x, d] = [x, d].map(|codes| codes.slice(lane * code_bits, code_bits));
        let (sum, unfit) = scales.lane(&m, lane, x, d);
        sums.push(keep.bit(lane).mux(sum, m.constant(0, code_bits)));
        unfits.push(unfit & keep.bit(lane));
    }
    let any_over = (over | m.either(&unfits)).named("any_over");
    measures.take(over, any_over & !last);
    // There is no scale above the largest: there the sums saturate.
    decides.take(grows, !passing & any_over & !scales.coarser.is(i8::MAX as u64));
    let gives = m.stage("the sums", passed);
    m.output("sum", gives.register("sum", m.concat(&sums)));
    m.output("log2", gives.register("log2", (scales.coarser + grows).low(8)));
    m.finish()
}
