//! The phases of a token's rotary embedding: every set's cosines and sines go to the lanes while the token's first steps run.
//!
//! Function: `phase += step` in 2^-32 of a full rotation per token, its nearest tenth-bit phase looked up twice, for the cosine and a quarter
//! back for the sine. Interval: two cycles per pair of channels. Latency: `stands` comes
//! `2 n + 7` cycles behind `start` for `n` pairs; a look-up reaches its lane 3 behind its address. Cost: LUT RAM for the phases.

use super::memories::Memories;
use super::tables::PHASE;
use crate::netlist::{Module, Style, Value};

/// Bits of a pair's number, of all sets together.
const PAIR: usize = 7;
/// Cycles from the last look-up to its place in a lane.
const DRAIN: u64 = 6;

/// What the lanes take.
pub(super) struct Walked<'m> {
    pub set_cosine: Value<'m>,
    pub set_sine: Value<'m>,
    pub set_lane: Value<'m>,
    pub set_word: Value<'m>,
    /// The phase whose cosine is looked up: it is to be there in the third cycle.
    pub phase: Value<'m>,
    /// All of them stand.
    pub stands: Value<'m>,
}

/// `start` begins a token; with `is_fresh` all phases are 0.
pub(super) fn walker<'m>(m: &'m Module, memories: &Memories<'m>, start: Value<'m>, is_fresh: Value<'m>, flush: Value<'m>) -> Walked<'m> {
    let numbers = &memories.numbers;
    let sets = numbers.sets;
    let half = (numbers.half_head.extend(PAIR + 1) << 3).named("pairs_of_a_set");
    let pairs = sets.bit(1).mux(half << 1, sets.bit(0).mux(half, m.constant(0, PAIR + 1))).named("pairs");
    let state = m.always("the pair");
    let (walks, pair, is_sine, drain) = (
        state.declare("turns", 1, 0),
        state.declare("turn_pair_at", PAIR + 1, 0),
        state.declare("is_sine", 1, 0),
        state.declare("drain", 3, 0),
    );
    let ends = is_sine & pair.next().equals(pairs);
    let goes = (walks & pair.less(pairs)).named("walks_a_pair");
    state.take(walks, !flush & (start | (walks & !(goes & ends) & pair.less(pairs))));
    state.take(is_sine, !start & goes & !is_sine);
    state.take(pair, start.mux(m.constant(0, PAIR + 1), (goes & is_sine).mux(pair.next(), pair)));
    let drained = drain.is(0);
    let less = (drain - m.constant(1, 3)).low(3).unsigned();
    state.take(drain, (start | walks).mux(m.constant(DRAIN, 3), drained.mux(drain, less)));

    // A unit has the steps of two phases.
    let bits = (memories.phase_steps.address + 1).min(PAIR);
    let phases = m.memory("phases", Style::Distributed, 1 << bits, 32);
    let at = pair.slice(0, PAIR);
    let phase_at = at.slice(0, bits);
    let steps = memories.phase_steps.now((at >> 1).fit(memories.phase_steps.address));
    let step = at.bit(0).mux(steps.slice(32, 32), steps.slice(0, 32));
    let phase = is_fresh.mux(m.constant(0, 32), phases.at(phase_at)).named("phase");
    m.stage("the phase of the next token", goes & is_sine).write(phases, phase_at, (phase + step).low(32));
    let rounded = (phase.slice(32 - PHASE, PHASE) + phase.bit(31 - PHASE)).low(PHASE);
    let quarter = 1 << (PHASE - 2);
    let address = is_sine.mux((rounded - m.constant(quarter, PHASE)).low(PHASE).unsigned(), rounded);
    let address = m.always("its place in the table").register("turn_address", address);
    let late = |name: &str, value: Value<'m>| m.delayed(name, value, 3);
    let word = at.slice(3, 4).named("pair_word");
    Walked {
        set_cosine: late("sets_cosine", goes & !is_sine),
        set_sine: late("sets_sine", goes & is_sine),
        set_lane: late("sets_lane", at.slice(0, 3)),
        set_word: late("sets_word", word),
        phase: address,
        stands: !walks & drained,
    }
}
