//! The way through a frame: its header, then beat after beat, once or twice.

use super::asked::Asked;
use super::core::Core;
use super::{DECIDE, FETCH, HEAD, IDLE, OFFER, ruled};
use crate::netlist::{Module, Value};
use nda_spec::seed::Operation;
use nda_spec::wire::{HEADER_BYTES, SEED_LANES};

/// The lanes that a beat has, and whether it is a pass's last.
fn lanes<'m>(m: &'m Module, left: Value<'m>, is_quantize: Value<'m>) -> (Value<'m>, Value<'m>) {
    // At most eight, at most one.
    let is_few = !left.slice(4, 12).any() & (!left.bit(3) | !left.slice(0, 3).any());
    let is_last = is_quantize.mux(left.is(1), is_few).named("is_last");
    let kept: Vec<Value> = (0..SEED_LANES as u64).rev().map(|lane| !is_few | m.constant(lane, 4).less(left.low(4).unsigned())).collect();
    (is_quantize.mux(m.constant(1, SEED_LANES), m.concat(&kept)).named("kept_lanes"), is_last)
}

/// Where the way leads.
pub(super) struct Walk<'m> {
    /// A byte is asked for in this cycle, and which.
    pub asks: Value<'m>,
    pub position: Value<'m>,
    /// The header, or the beat, is there.
    pub is_whole: Value<'m>,
    pub keep: Value<'m>,
    pub is_last: Value<'m>,
    /// The core has taken a beat.
    pub offered: Value<'m>,
    /// It gives results for the beat.
    pub gives: Value<'m>,
    /// No beat is left.
    pub is_over: Value<'m>,
}

/// `fetched`: a byte that was asked for stands.
pub(super) fn walk<'m>(m: &'m Module, state: Value<'m>, fetched: Value<'m>, asked: &Asked<'m>, core: &Core<'m>) -> Walk<'m> {
    let always = m.always("walk");
    let is = |number: u64| state.is(number);
    let is_quantize = asked.of(Operation::Quantize);
    let (position, asked_bytes) = (always.declare("position", 13, 0), always.declare("asked_bytes", 3, 0));
    let beat_bytes = (is_quantize | asked.is_two).mux(m.constant(4, 3), m.constant(2, 3));
    let in_head = is(HEAD) & !position.is(HEADER_BYTES as u64);
    let in_beat = is(FETCH) & !asked_bytes.equals(beat_bytes);
    let asks = (in_head | in_beat).named("asks");
    always.take(fetched, asks);
    always.take(asked_bytes, is(FETCH).mux((asked_bytes + in_beat).low(3).unsigned(), m.constant(0, 3)));
    // Elements that are left of this pass, and whether it is the one that gives results.
    let (left, is_giving) = (always.declare("left", 16, 0), always.declare("is_giving", 1, 0));
    let (keep, is_last) = lanes(m, left, is_quantize);
    let offered = (is(OFFER) & core.ready).named("offered");
    let turns = (offered & is_last & !is_giving & asked.is_twice).named("turns");
    let fewer = (left - is_quantize.mux(m.constant(1, 16), m.constant(SEED_LANES as u64, 16))).low(16).unsigned();
    let rest = is_last.mux(m.constant(0, 16), fewer);
    let begins = is(DECIDE);
    always.take(left, ruled(left, &[(begins, asked.count), (offered, rest), (turns, asked.count)]));
    always.take(is_giving, ruled(is_giving, &[(begins, !asked.is_twice), (turns, m.constant(1, 1))]));
    let start = m.constant(HEADER_BYTES as u64, 13);
    always.take(position, ruled(position, &[(asks, position.next()), (turns, start), (is(IDLE), m.constant(0, 13))]));
    let gives = (is_giving & (!asked.of(Operation::Truthy) | is_last)).named("gives");
    Walk { asks, position, is_whole: (!asks & !fetched).named("is_whole"), keep, is_last, offered, gives, is_over: !left.any() }
}
