//! Between the quantizer's passes: the threshold from which a magnitude is large, and the scale.
//!
//! Two restoring divisions, a bit per cycle: the reciprocal of the largest magnitude's mantissa, rounded to nearest, then the
//! least mantissa whose product with it is large (`nda_spec::seed::large_from`).

use super::FloatFormat;
use crate::netlist::{Module, Stage, Value};
use nda_spec::width::index_bits;

const MEASURE: u64 = 0;
const INVERT: u64 = 1;
const LIMIT: u64 = 2;
const PASS: u64 = 3;

/// What the quantizer is at.
pub(super) struct State<'m> {
    m: &'m Module,
    stage: Stage<'m>,
    state: Value<'m>,
    /// It takes the first pass.
    pub(super) is_measuring: Value<'m>,
    /// It takes the second pass.
    pub(super) is_passing: Value<'m>,
    /// It divides.
    is_busy: Value<'m>,
    /// It is at the second division.
    is_limit: Value<'m>,
}

impl<'m> State<'m> {
    pub(super) fn new(m: &'m Module) -> State<'m> {
        let stage = m.always("the state");
        let state = stage.declare("state", 2, MEASURE);
        let is = |of: u64, name: &str| state.is(of).named(name);
        let (is_measuring, is_passing, is_limit) = (is(MEASURE, "is_measuring"), is(PASS, "is_passing"), is(LIMIT, "is_limit"));
        State { m, stage, state, is_measuring, is_passing, is_busy: (!is_measuring & !is_passing).named("is_busy"), is_limit }
    }

    /// What follows: of each pass's end, and of each division's.
    pub(super) fn close(&self, measured: Value<'m>, passed: Value<'m>, division: &Division<'m>) {
        let to = |state: u64| self.m.constant(state, 2);
        let divided = self.is_limit.mux(to(PASS), to(LIMIT));
        let next = (division.begins & division.is_known).mux(to(PASS), division.ends.mux(divided, self.state));
        self.stage.take(self.state, measured.mux(to(INVERT), passed.mux(to(MEASURE), next)));
    }
}

/// The two divisions.
pub(super) struct Division<'m> {
    /// The first is about to begin.
    begins: Value<'m>,
    /// The last digit of either is there.
    ends: Value<'m>,
    /// Too small or infinite: there is nothing to divide.
    is_known: Value<'m>,
    /// Least magnitude that is large.
    pub(super) threshold: Value<'m>,
    /// The vector's scale, a float.
    pub(super) scale: Value<'m>,
}

impl<'m> Division<'m> {
    /// Of the largest magnitude; `measured` says that another is being looked for.
    pub(super) fn new(m: &'m Module, format: FloatFormat, state: &State<'m>, measured: Value<'m>, amax: Value<'m>) -> Division<'m> {
        let (p, e) = (format.mantissa, format.exponent);
        let number = |number: u64| m.constant(number, amax.bits);
        let counts = m.stage("the step", measured | state.is_busy);
        let step = counts.declare("step", index_bits(p + 3), 0);
        let begins = (state.is_busy & step.is(0)).named("begins");
        let ends = (state.is_busy & step.is(p as u64 + 2)).named("ends");
        let divides = (!measured & !begins & !ends).named("divides");
        let first = m.concat(&[m.constant(0, step.bits - 1), !measured]);
        counts.take(step, divides.mux(step.next(), first));

        let (exponent, fraction) = (amax.slice(p - 1, e), amax.low(p - 1));
        let less_1 = (exponent - m.constant(1, 1)).low(e).unsigned().named("less_1");
        let is_least = amax.less(number(format.least)).named("is_least");
        let is_infinite = amax.is(format.infinity()).named("is_infinite");
        let halved = is_infinite.mux(amax, m.concat(&[less_1, fraction]));
        let scale = m.concat(&[m.constant(0, 1), is_least.mux(number(format.one()), halved)]);

        let digits = Digits { m, format, begins, ends, divides, is_limit: state.is_limit };
        // The reciprocal is subnormal: a bit less.
        let is_subnormal = exponent.is((1 << e) - 2).named("is_subnormal");
        let quotients = digits.divide(step, state.is_busy, is_subnormal, fraction);
        let three_halves = number(format.one() + (1 << (p - 2)));
        let known = is_least.mux(three_halves, number(format.infinity() + 1));
        let threshold = begins.mux(known, digits.threshold(exponent, less_1, quotients.ceiling));
        let threshold = m.stage("the threshold", begins | ends).register("threshold", threshold);
        Division { begins, ends, is_known: is_least | is_infinite, threshold, scale }
    }
}

/// A division by digits.
struct Digits<'m> {
    m: &'m Module,
    format: FloatFormat,
    begins: Value<'m>,
    ends: Value<'m>,
    divides: Value<'m>,
    is_limit: Value<'m>,
}

/// What comes of it.
struct Quotient<'m> {
    ceiling: Value<'m>,
}

impl<'m> Digits<'m> {
    /// A restoring division of `mantissa + 1` steps. Both numerators end in `mantissa + 1` zeros, but for two ones of the second:
    /// `2^(2p-1)`, or half of it, and `(3 2^(p-1) - 1) 2^(p-1)`.
    fn divide(&self, step: Value<'m>, is_busy: Value<'m>, is_subnormal: Value<'m>, fraction: Value<'m>) -> Quotient<'m> {
        let (m, p) = (self.m, self.format.mantissa);
        let bits = p + 1;
        let number = |number: u64| m.constant(number, bits);
        let divisors = m.stage("the divisor", self.begins | self.ends);
        let divisor = divisors.declare("divisor", bits, 0);
        let digits = m.stage("the digits", is_busy);
        let (rest, quotient) = (digits.declare("rest", bits, 0), digits.declare("quotient", bits, 0));

        let comes_in = (self.is_limit & step.less(m.constant(3, step.bits))).named("comes_in");
        let shifted = m.concat(&[rest, comes_in]).named("shifted");
        let lessened = (shifted - divisor).low(bits + 1).unsigned().named("lessened");
        let fits = !lessened.bit(bits);
        let left = fits.mux(lessened.low(bits), shifted.low(bits));
        let first = is_subnormal.mux(number(1 << (p - 3)), number(1 << (p - 2)));
        // The first numerator and no digit are zeros for the most part, which a register's reset gives.
        let second = number(self.format.large_q() >> 2);
        digits.take(rest, self.begins.mux(first, self.ends.mux(second, left)));
        digits.take(quotient, self.divides.mux(m.concat(&[quotient.low(bits - 1), fits]), number(0)));

        // Never a tie: the numerator would need the odd divisor 2 quotient + 1, and it is a power of two.
        let rounds_up = divisor.extend(bits + 1).less(m.concat(&[rest, m.constant(0, 1)])).named("rounds_up");
        let rounded = (quotient + rounds_up).low(bits).named("rounded");
        let reciprocal = is_subnormal.mux(rounded << 1, rounded);
        let normalised = m.concat(&[m.constant(1, 2), fraction]);
        divisors.take(divisor, self.begins.mux(normalised, reciprocal));
        Quotient { ceiling: (quotient + rest.any()).low(bits).named("ceiling") }
    }

    /// A mantissa of one or two bits more than it should have, as a magnitude: the hidden bit carries into the exponent.
    fn threshold(&self, exponent: Value<'m>, less_1: Value<'m>, ceiling: Value<'m>) -> Value<'m> {
        let (m, p, e) = (self.m, self.format.mantissa, self.format.exponent);
        let less_2 = (exponent - m.constant(2, 2)).low(e).unsigned();
        let is_long = ceiling.bit(p);
        let mantissa = is_long.mux(ceiling.next().slice(1, p), ceiling.low(p)).named("mantissa");
        let exponent = (is_long.mux(less_1, less_2) + mantissa.bit(p - 1)).low(e);
        m.concat(&[exponent, mantissa.low(p - 1)]).named("found")
    }
}
