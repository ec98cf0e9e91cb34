//! Scores of two heads to weights: 2 to what they lie below the largest.
//!
//! Function: `entry = 255 * 2^7 * 2^(-(below & 255) / 256)` out of a table, one block RAM for both heads; of it
//! `exponential = round_shift(entry, 3 + below / 256)` for the sum and `weight = round_shift(entry, 7 + below / 256)` for the
//! values. One shift serves both: the rounding of each is the bit below it.
//! Streams: the score that is marked `is_most` is kept and comes first. Latency: `weight` and `exponential` of a
//! score stand 5 cycles later (`STAGES`). Nothing waits.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 168 LUT4, 1 DP16KD for two heads.
//! Golden model: `Attention::mix`, `exp2_entry`.

use super::{EXP_BITS, SCORE_BITS, WEIGHT_BITS};
use crate::netlist::{Memory, Module, Netlist, Style, Value};
use nda_spec::token::exp2_entry;
use std::sync::Arc;

/// Cycles from a score to its weight: difference, table, its register, shift, rounding.
pub const STAGES: usize = 5;
/// Bits of an entry.
const ENTRY_BITS: usize = 15;
/// Bits behind the point of a score: the table's address.
const POINT: usize = 8;
/// Bits of a shift that leaves anything.
const DOWN_BITS: usize = 4;

/// The core: `heads` is 1 or 2.
pub fn softmax(name: &str, heads: usize) -> Arc<Netlist> {
    let m = Module::new(name);
    let [valid, is_most] = m.flags(["valid", "is_most"]);
    let scores: Vec<_> = (0..heads).map(|head| m.input(&format!("score_{head}"), SCORE_BITS).signed()).collect();
    let words: Vec<u64> = (0..1 << POINT).map(|i| exp2_entry(i) as u64).collect();
    let exp2 = m.table("exp2", Style::Block, ENTRY_BITS, &words);
    let valids = m.delay_line("valids", valid, 1, STAGES - 1);
    for (head, score) in scores.into_iter().enumerate() {
        let at = |name: &str| format!("{name}_{head}");
        let most = m.stage("the largest", is_most).register(&at("most"), score);
        let (down, entry) = looked_up(&m, exp2, [valid, valids.at(1), valids.at(2)], (most - score).low(SCORE_BITS), &at);
        let is_far = down.slice(DOWN_BITS, down.bits - DOWN_BITS).any();
        let moved = is_far.mux(m.constant(0, ENTRY_BITS), entry.shifted_right(down.slice(0, DOWN_BITS)));
        let shifted = m.stage("shifted", valids.at(3)).register(&at("shifted"), moved);
        let rounded = |bits: usize| {
            let low = ENTRY_BITS - bits;
            (shifted.slice(low, bits) + shifted.bit(low - 1)).low(bits)
        };
        let last = m.stage("rounded", valids.at(4));
        m.output(&at("exponential"), last.register(&at("exponential"), rounded(EXP_BITS)));
        m.output(&at("weight"), last.register(&at("weight"), rounded(WEIGHT_BITS)));
    }
    m.finish()
}

/// By how much an entry is shifted, and the entry.
fn looked_up<'m>(
    m: &'m Module,
    exp2: Memory<'m>,
    valids: [Value<'m>; 3],
    below: Value<'m>,
    at: &impl Fn(&str) -> String,
) -> (Value<'m>, Value<'m>) {
    let below = m.stage("below the largest", valids[0]).register(&at("below"), below.unsigned());
    let table = m.stage("table", valids[1]);
    let read = table.register(&at("read"), exp2.at(below.slice(0, POINT)));
    let down = table.register(&at("down"), below.slice(POINT, SCORE_BITS - POINT));
    // Without a register behind it an ECP5 block RAM alone takes 5.8 ns.
    let behind = m.stage("behind the table", valids[2]);
    let entry = behind.register(&at("entry"), read);
    (behind.register(&at("down_late"), down), entry)
}
