//! Two lanes of the token selection: a logit over the temperature, and Gumbel noise.
//!
//! Function: `score = greedy ? logit : round_shift(narrow(round_shift(logit, 2)) * inverse_temperature, 8) + noise`, the
//! noise an entry of one table, which both lanes read at a port each. Every valid beat moves the generators on by a
//! step of xorshift; the entry's number is the upper bits of a state plus itself, rotated.
//! Streams: a beat per cycle. Latency: its `scores` stand 5 cycles later ([`STAGES`]). `seed_0` and `seed_1` set a generator to `seed`.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 543 LUT4, 2 MULT18X18D, 1 DP16KD.
//! Golden model: `Chooser::offer`, `Noise`.

use super::{INVERSE_BITS, LOGIT_BITS, SCORE_BITS};
use crate::netlist::{DelayLine, Module, Netlist, Style, Value};
use nda_spec::token::noise_entry;
use nda_spec::width::index_bits;
use std::sync::Arc;

/// Cycles from a logit to its score: short, product, back to 12 bits, the table's register, noise.
pub const STAGES: usize = 5;
/// Entries of the noise, and of either half of its table.
const ENTRIES: usize = 1024;
const HALF: usize = ENTRIES / 2;
/// Bits of an entry, signed.
const NOISE_BITS: usize = 18;
/// Bits of a narrow value.
const NARROW_BITS: usize = 18;
/// Bits of a logit that the multiplication leaves out.
const TAKE: usize = 2;
/// Bits of the product that go.
const PRODUCT_SHIFT: usize = 8;
/// Bits of a generator.
const STATE_BITS: usize = 32;
/// Where in a generator's bits the number of an entry begins, and that of the last step's own entries.
const FIRST: usize = 23;
const SECOND: usize = 14;

/// The core.
pub fn lanes(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let seed = m.input("seed", STATE_BITS);
    let loads = m.flags(["seed_0", "seed_1"]);
    // They stand long before a logit comes, and come from far.
    let choice = m.always("how to choose");
    let is_greedy = choice.register("chooses_greedily", m.input("is_greedy", 1));
    let inverse = choice.register("factor", m.input("inverse_temperature", INVERSE_BITS));
    let valid = m.input("valid", 1);
    let logits = m.input("logits", 2 * LOGIT_BITS);
    let words: Vec<u64> = (0..ENTRIES).map(|i| noise_entry(i) as u64 & ((1 << NOISE_BITS) - 1)).collect();
    let table = m.table("noise", Style::Block, NOISE_BITS, &words);
    let valids = m.delay_line("valids", valid, 1, STAGES - 1);
    let score = |lane: usize| {
        let at = |name: &str| format!("{name}_{lane}");
        let logit = logits.slice(lane * LOGIT_BITS, LOGIT_BITS).signed();
        let scaled = scaled(&m, valid, valids, logit, [is_greedy, inverse], &at);
        let address = entry_number(&m, valid, valids.at(1), loads[lane], seed, &at);
        let read = m.stage("table", valids.at(2)).register(&at("read"), table.at(address));
        // Without a register behind it an ECP5 block RAM alone takes 5.8 ns.
        let noise = is_greedy.mux(m.constant(0, NOISE_BITS), read);
        let noise = m.stage("behind the table", valids.at(3)).register(&at("noise"), noise).signed();
        m.stage("scores", valids.at(4)).register(&at("score"), (scaled + noise).low(SCORE_BITS).unsigned())
    };
    m.output("scores", m.concat(&[score(1), score(0)]));
    m.finish()
}

/// A logit over the temperature, or the logit itself, four cycles later.
fn scaled<'m>(
    m: &'m Module,
    valid: Value<'m>,
    valids: DelayLine<'m>,
    logit: Value<'m>,
    [is_greedy, inverse]: [Value<'m>; 2],
    at: &impl Fn(&str) -> String,
) -> Value<'m> {
    let half = m.concat(&[m.constant(0, 1), logit.bit(TAKE - 1)]).signed();
    let short = (logit.slice(TAKE, LOGIT_BITS - TAKE).signed() + half).named(&at("rounded")).signed().saturated(NARROW_BITS);
    let taken = is_greedy.mux(logit.unsigned(), short.extend(LOGIT_BITS).unsigned());
    let taken = m.stage("short", valid).register(&at("taken"), taken);
    let product = m.stage("product", valids.at(1));
    let factor = m.concat(&[m.constant(0, 1), inverse]).signed();
    let whole = product.register(&at("product"), taken.slice(0, NARROW_BITS).signed().times(factor));
    let same = product.register(&at("same"), taken).signed();
    let kept = whole.slice(PRODUCT_SHIFT, whole.bits - PRODUCT_SHIFT).signed();
    let half = m.concat(&[m.constant(0, 1), whole.bit(PRODUCT_SHIFT - 1)]).signed();
    let scaled = (kept + half).low(SCORE_BITS).named(&at("over_temperature")).signed();
    let scaled = m.stage("scaled", valids.at(2)).register(&at("scaled"), is_greedy.mux(same.extend(SCORE_BITS), scaled));
    m.stage("scaled, later", valids.at(3)).register(&at("scaled_late"), scaled)
}

/// The number of a beat's entry in the table, two cycles later.
fn entry_number<'m>(
    m: &'m Module,
    valid: Value<'m>,
    late: Value<'m>,
    load: Value<'m>,
    seed: Value<'m>,
    at: &impl Fn(&str) -> String,
) -> Value<'m> {
    let state = m.stage("generator", (valid | load).named(&at("moves"))).feedback_from(&at("state"), STATE_BITS, 1, |state| {
        let up = (state ^ (state << 13)).named(&at("up"));
        let down = (up ^ (up >> 17)).named(&at("down"));
        load.mux(seed, down ^ (down << 5))
    });
    let rotated = m.concat(&[state.slice(0, STATE_BITS - 9), state.slice(STATE_BITS - 9, 9)]);
    let bits = (state + rotated).low(STATE_BITS).named(&at("bits"));
    let number_bits = index_bits(HALF);
    let (first, second) = (bits.slice(FIRST, number_bits), bits.slice(SECOND, number_bits));
    let is_last = first.all();
    let number = m.concat(&[is_last, is_last.mux(second, first)]);
    m.stage("entry", late).register(&at("entry"), number)
}
