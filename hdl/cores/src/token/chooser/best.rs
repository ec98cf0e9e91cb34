//! The best of all scores, and whose it is.
//!
//! Function: the number of the first of the largest scores: eight lanes go through a tree of comparisons in which the lower
//! lane wins a tie, its winner through one with the best so far, which wins a tie. Lanes count from 0 on, so the
//! upper of two counts only where the lower one does.
//! Streams: beats of `valid`, the first one behind `start`. Latency: `made_valid` with `made_token` 4 cycles behind `last` ([`STAGES`]).
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 451 LUT4.
//! Golden model: `Chooser::offer`, `Chooser::token`.

use super::{SCORE_BITS, TOKEN_BITS};
use crate::netlist::{Module, Netlist, Stage, Value};
use nda_spec::token::LANES;
use std::sync::Arc;

/// Levels of the tree.
const LEVELS: usize = LANES.ilog2() as usize;
/// Cycles from a beat to the best so far.
pub const STAGES: usize = LEVELS + 1;

/// Who is in the lead among some lanes.
#[derive(Clone, Copy)]
struct Leader<'m> {
    counts: Value<'m>,
    score: Value<'m>,
    /// Its lane within them, none of one lane.
    lane: Option<Value<'m>>,
}

/// The core.
pub fn best(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let [start, valid, last] = m.flags(["start", "valid", "last"]);
    let (keep, scores) = (m.input("keep", LANES), m.input("scores", LANES * SCORE_BITS));
    let valids = m.delay_line("valids", valid, 1, LEVELS);
    let lasts = m.delay_line("lasts", (valid & last).named("ends"), 1, STAGES);
    let lane = |lane: usize| Leader { counts: keep.bit(lane), score: scores.slice(lane * SCORE_BITS, SCORE_BITS).signed(), lane: None };
    let mut leaders: Vec<_> = (0..LANES).map(lane).collect();
    for level in 0..LEVELS {
        let stage = m.stage("winners", if level == 0 { valid } else { valids.at(level) });
        leaders = leaders.chunks(2).enumerate().map(|(i, pair)| winner(&m, stage, [pair[0], pair[1]], &format!("{level}_{i}"))).collect();
    }
    let winner = leaders[0];
    let state = m.always("first beat");
    let is_first = state.declare("is_first", 1, 1);
    let arrives = valids.at(LEVELS);
    state.take(is_first, start | (is_first & !arrives));
    let beat_bits = TOKEN_BITS - LEVELS;
    let beats = m.stage("beats", (start | arrives).named("counts_beats"));
    let beat = beats.feedback("beat", beat_bits, |beat| start.mux(m.constant(0, beat_bits), beat.next()));

    let best = m.stage("the best so far", arrives);
    let (score, token) = (best.declare("score", SCORE_BITS, 0), best.declare("made_token", TOKEN_BITS, 0));
    let is_better = (is_first | score.signed().less(winner.score)).named("is_better");
    best.take(score, is_better.mux(winner.score.unsigned(), score));
    best.take(token, is_better.mux(m.concat(&[beat, winner.lane.expect("a tree of lanes")]), token));
    m.output("made_valid", lasts.at(STAGES));
    m.output("made_token", token);
    m.finish()
}

/// The better of two, one cycle later.
fn winner<'m>(m: &'m Module, stage: Stage<'m>, [a, b]: [Leader<'m>; 2], place: &str) -> Leader<'m> {
    let at = |name: &str| format!("{name}_{place}");
    let is_upper = (b.counts & a.score.less(b.score)).named(&at("is_upper"));
    let inner = a.lane.zip(b.lane).map(|(a, b)| is_upper.mux(b, a));
    let lane = inner.map_or(is_upper, |inner| m.concat(&[is_upper, inner]));
    Leader {
        counts: stage.register(&at("counts"), a.counts),
        score: stage.register(&at("score"), is_upper.mux(b.score, a.score)),
        lane: Some(stage.register(&at("lane"), lane)),
    }
}
