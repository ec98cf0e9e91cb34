//! The seeds of the noise's generators: a hash of seed, position and lane.
//!
//! Function: `hash = mix(mix(mix(seed low) ^ seed high) + position)`, lane `i`'s seed `mix(hash + (i + 1) * 0x9e3779b9)`, 1 for 0,
//! where `mix` folds its number and multiplies it by two constants. A token's whole time is there for it, so one adder
//! multiplies, four bits of a number per cycle, their product with the constant out of a few LUTs.
//! Latency: `seed` and `position` stay from `start` until `ready`, 201 cycles later ([`CYCLES`]); a lane's seed stands with its bit of
//! `lane_valid`. A start begins anew.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 387 LUT4.
//! Golden model: `Noise::new`.

use crate::netlist::{Module, Netlist, Value};
use nda_spec::token::LANES;
use std::sync::Arc;

/// Bits of everything here.
const BITS: usize = 32;
/// The constants of a mix, and its shifts: before, between and behind the multiplications.
const FACTORS: [u32; 2] = [0x7feb_352d, 0x846c_a68b];
const FOLDS: [usize; 3] = [16, 15, 16];
/// What a lane's number is multiplied by.
const LANE: u64 = 0x9e37_79b9;
/// Bits that are multiplied per cycle.
const DIGIT: usize = 4;
/// Cycles of a multiplication, the fold in front of it among them.
const HALF: usize = 1 + BITS / DIGIT;
/// Mixes before the first lane's.
const HASHES: usize = 3;
/// Cycles from a start to `ready`.
pub const CYCLES: usize = 2 * HALF * (HASHES + LANES) + 3;

/// The core.
pub fn seeds(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let start = m.input("start", 1);
    let (seed, position) = (m.input("seed", 2 * BITS), m.input("position", BITS));
    let steps = m.always("steps");
    let (busy, ready) = (steps.declare("busy", 1, 0), steps.declare("mixed_all", 1, 0));
    let (cycle, mix) = (steps.declare("cycle", 5, 0), steps.declare("mix", 4, 0));
    let is_last = cycle.is((2 * HALF - 1) as u64).named("is_last");
    // The mix behind the last one is there for its first cycle: it hands the last seed on.
    let is_end = mix.is((HASHES + LANES) as u64).named("is_end");
    steps.take(busy, start | (busy & !is_end));
    steps.take(ready, (ready | (busy & is_end)) & !start);
    steps.take(cycle, (start | is_last).mux(m.constant(0, 5), cycle.next()));
    steps.take(mix, start.mux(m.constant(0, 4), is_last.mux(mix.next(), mix)));
    // Of the mix behind the present one, for its first cycle.
    let is_hashed = steps.register("next_is_hashed", mix.is(1) | mix.is(2));
    let step = steps.register("next_step", mix.is(1).mux(position, m.constant(LANE, BITS)));

    let work = m.stage("a digit", busy);
    let (number, sum) = (work.declare("number", BITS, 0), work.declare("sum", BITS, 0));
    let mixed = folded(sum, FOLDS[2]).named("mixed");
    let lane_base = work.declare("lane_base", BITS, 0);
    let is_first_cycle = cycle.is(0).named("is_first_cycle");
    let next_base = (is_hashed.mux(mixed, lane_base) + step).low(BITS).named("next_base");
    work.take(lane_base, is_first_cycle.mux(next_base, lane_base));
    let begins = mix.is(0).mux(seed.slice(0, BITS), mix.is(1).mux(mixed ^ seed.slice(BITS, BITS), next_base)).named("begins");

    let is_second = cycle.is(HALF as u64).named("is_second");
    let is_fold = (is_first_cycle | is_second).named("is_fold");
    let shifted = number << DIGIT;
    work.take(number, is_first_cycle.mux(folded(begins, FOLDS[0]), is_second.mux(folded(sum, FOLDS[1]), shifted)));
    let digit = number.slice(BITS - DIGIT, DIGIT);
    let is_late = !cycle.less(m.constant(HALF as u64, 5));
    let product = is_late.mux(times(&m, digit, FACTORS[1]), times(&m, digit, FACTORS[0])).named("digit_product");
    let more = ((sum << DIGIT) + product).low(BITS);
    work.take(sum, is_fold.mux(m.constant(0, BITS), more));

    let is_lane = |lane: usize| busy & is_first_cycle & mix.is((HASHES + 1 + lane) as u64);
    let lanes: Vec<_> = (0..LANES).rev().map(is_lane).collect();
    let is_zero = !mixed.any();
    // The lanes are far apart: a register behind the sums, and `ready` behind it.
    let seed = m.concat(&[mixed.slice(1, BITS - 1), mixed.bit(0) | is_zero]);
    let on = m.always("on the way to the lanes");
    m.output("lane_valid", on.register("lane_comes", m.concat(&lanes)));
    m.output("lane_seed", on.register("seed_comes", seed));
    m.output("ready", steps.register("seeds_stand", ready & !start));
    m.finish()
}

/// `x ^ x >> by`.
fn folded(x: Value<'_>, by: usize) -> Value<'_> {
    x ^ (x >> by)
}

/// A digit's product with a constant, modulo 2^32.
fn times<'m>(m: &'m Module, digit: Value<'m>, factor: u32) -> Value<'m> {
    let products: Vec<_> = (0..1 << DIGIT).map(|d: u32| m.constant(u64::from(factor.wrapping_mul(d)), BITS)).collect();
    m.select(digit, &products)
}
