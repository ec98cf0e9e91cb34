//! Token selection: argmax or a sample, in one pass over the logits.
//!
//! Function: the largest `logit` (greedy), or the largest of
//! `round_shift(narrow(round_shift(logit, 2)) * inverse_temperature, 8)` plus the token's noise; the first of several. Tokens
//! `i`, `i + 8`, ... share a lane and its generator.
//!
//! Handshake: every pulse is taken. `start` comes before a token's first logits, with `seed` and `position`, which stay until
//! `ready`, 201 cycles later ([`seeds::CYCLES`]): then logits may come. `is_greedy` and `inverse_temperature` stay until the token is selected.
//! Then beats of `logit_valid` with eight logits, any gaps; `logit_keep` says which lanes are tokens, lanes from 0 on, and
//! `logit_last` ends them. Latency: `made_valid` comes 9 cycles behind the last beat ([`CYCLES`]), with `made_token`.
//!
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 3,010 LUT4, 2,217 FF, 8 MULT18X18D, 4 DP16KD.
//! Golden model: `nda_spec::token`, `Chooser` and `Noise`.

pub mod best;
pub mod lanes;
pub mod seeds;

use crate::netlist::{Module, Netlist};
use nda_spec::token::LANES;
use std::sync::Arc;

/// Bits of a logit.
pub const LOGIT_BITS: usize = 24;
/// Bits of what lanes are compared by, signed: 27 of a product without its 8 lowest, noise on top.
pub const SCORE_BITS: usize = 28;
/// Bits of a token's number.
pub const TOKEN_BITS: usize = 16;
/// Bits of an inverse temperature.
pub const INVERSE_BITS: usize = 17;
/// Cycles from the last logits to the token.
pub const CYCLES: usize = lanes::STAGES + best::STAGES;

/// The core.
pub fn chooser(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let start = m.input("start", 1);
    let (seed, position) = (m.input("seed", 64), m.input("position", 32));
    let (is_greedy, inverse) = (m.input("is_greedy", 1), m.input("inverse_temperature", INVERSE_BITS));
    let [valid, last] = m.flags(["logit_valid", "logit_last"]);
    let (logits, keep) = (m.input("logits", LANES * LOGIT_BITS), m.input("logit_keep", LANES));

    let ports = [("start", start), ("seed", seed), ("position", position)];
    let seeds = m.part("seeds", &seeds::seeds(&format!("{name}_seeds")), &ports);
    let core = lanes::lanes(&format!("{name}_lanes"));
    let scores = |pair: usize| {
        let ports = [
            ("seed", seeds.get("lane_seed")),
            ("seed_0", seeds.get("lane_valid").bit(2 * pair)),
            ("seed_1", seeds.get("lane_valid").bit(2 * pair + 1)),
            ("is_greedy", is_greedy),
            ("inverse_temperature", inverse),
            ("valid", valid),
            ("logits", logits.slice(2 * pair * LOGIT_BITS, 2 * LOGIT_BITS)),
        ];
        m.part(&format!("lanes_{pair}"), &core, &ports).get("scores")
    };
    let scores: Vec<_> = (0..LANES / 2).rev().map(scores).collect();

    let late = |name: &str, flag| m.delayed(name, flag, lanes::STAGES);
    let (keep, valid, last) = (late("keep", keep), late("valid", valid), late("last", last));
    let ports = [("start", start), ("valid", valid), ("last", last), ("keep", keep), ("scores", m.concat(&scores))];
    let best = m.part("best", &best::best(&format!("{name}_best")), &ports);
    m.output("ready", seeds.get("ready"));
    m.output("made_valid", best.get("made_valid"));
    m.output("made_token", best.get("made_token"));
    m.finish()
}
