//! The attention unit: the KV cache, scores, softmax, the weighted sum of values (mix).
//!
//! Function, bit for bit: `nda_spec::token`, steps `Pass` into keys or values, `Scores`, `Mix`, and what a `Pass` of
//! `Source::Mixed` with `Factor::Sums` reads.
//!
//! Scores: two positions per cycle, or one ([`Sizes::positions`]), go through the tables of the query's codes; their dot products are kept as they are, and
//! of each head the one that scores most. Mix: that one and then a position per cycle are multiplied, shifted, compared with
//! the largest, looked up, and weigh the values, which are read eight cycles behind. So four multipliers scale the dots of
//! four heads, not eight, and no score is scaled before it is wanted.
//!
//! Handshake: every pulse is taken, nothing waits; the order is the sequencer's duty.
//! - `append_valid`: eight values of the present position's keys or values; `kv_heads * head_dim / 8` beats are a row.
//! - `codes_valid`: codes of the query, `heads * head_dim / makers` beats. `ready` stands when scores may start.
//! - `scale_valid`: the scale of a head's codes, head by head, before the scores start.
//! - `score_start`: behind the last beat of the keys. `layer`, `window` (0: the ring), `constant` and `shift` stand from then
//!   until `mix_done`. `score_done` comes with the cycle in which `mix_start` may.
//! - `mix_start`: `mix_done` comes three cycles before the first in which `mixed_read` may.
//! - `mixed_read`: a word of eight narrow values three cycles later, the factor of its head one cycle later. Words are read in
//!   their order, or later than `heads + 3` cycles behind `mix_done`. They stay until the next `mix_start`.
//! - `clear`: the sequence is forgotten, and what was cut off of a row, a query or a walk. `advance`: the next position. Both four
//!   cycles before an append or a start.
//!
//! Latency, in cycles, of a window of `n` positions: `score_start` to `score_done` `ceil(n / positions) + 8 + levels`, `mix_start` to `mix_done`
//! `n + 14`, where `levels` is log2 of a head's tables ([`score_cycles`], [`mix_cycles`]).
//!
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs) at four heads of 32 channels on two of the cache, 102 positions in five
//! layers: 20,415
//! LUT4 (a CCU2C counted as 2, a TRELLIS_DPR16X4 as 6), 53 MULT18X18D, 18 DP16KD.

use super::dots::{self, dots};
use super::extreme::extreme;
use super::inverse_sum::{COARSE_BITS, inverse_sum, is_coarse};
use super::kv_store::kv_store;
use super::mix_head::{self, mix_head};
use super::query_tables::query_tables;
use super::scale::{self, scale};
use super::scale_factors::scale_factors;
use super::softmax::{self, softmax};
use super::span::span;
use super::*;
use crate::netlist::{DelayLine, Memory, Module, Netlist, Outputs, Style, Value};
use nda_spec::token::WORD;
use std::sync::Arc;

/// Cycles from a walk of the ring to its rows.
const ROW_STAGES: usize = 3;
/// Cycles from a position's address in the memory of dots to its weights: word, choice, score, weight.
const WEIGHT_STAGES: usize = 2 + scale::STAGES + softmax::STAGES;
/// Cycles by which the values are read later than the dots.
const VALUE_DELAY: usize = WEIGHT_STAGES - ROW_STAGES;
/// Cycles from a start to its first address.
const WALK: usize = 2;
/// Cycles behind a clear or an advance before anything may start.
pub const MOVE_CYCLES: usize = 4;
/// Cycles from the address of a mixed word to its values.
pub const READ_CYCLES: usize = 3;
/// Cycles from the address of a mixed word to its head's factor.
pub const FACTOR_CYCLES: usize = 1;
/// Cycles behind `mix_done` until the first word may be read: the first head's factor is there then.
pub const READ_AFTER: usize = 3;
/// Most words of dots that stand in LUT RAM.
const DISTRIBUTED_WORDS: usize = 64;

/// Cycles from `score_start` to `score_done` for a window of that many positions.
pub const fn score_cycles(sizes: &Sizes, positions: usize) -> usize {
    WALK + positions.div_ceil(sizes.positions) - 1 + ROW_STAGES + dots::stages(sizes)
}

/// Cycles from `mix_start` to `mix_done`.
pub const fn mix_cycles(positions: usize) -> usize {
    WALK + positions - 1 + WEIGHT_STAGES + mix_head::STAGES - 1
}

/// What goes on, cycle by cycle.
struct Walk<'m> {
    /// One or two positions are scored.
    pair: Value<'m>,
    /// First, a second position counts, last.
    first: Value<'m>,
    second: Value<'m>,
    last_pair: Value<'m>,
    /// A position's dots are read.
    now: Value<'m>,
    /// The same, later; the last.
    mix: DelayLine<'m>,
    last_mix: DelayLine<'m>,
    /// Starts of a mix.
    starts: DelayLine<'m>,
    /// Number of the position that is mixed.
    index: Value<'m>,
}

/// The core.
pub fn unit(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    sizes.check();
    let m = Module::new(name);
    let [clear, advance, score_start, mix_start] = m.flags(["clear", "advance", "score_start", "mix_start"]);
    let (ring, window) = (m.input("ring", sizes.count_bits()), m.input("window", sizes.count_bits()));
    let layer = m.input("layer", LAYER_BITS);
    let (constant, shift) = (m.input("constant", NARROW_BITS), m.input("shift", EXPONENT_BITS));

    let ports = [("clear", clear), ("advance", advance), ("ring", ring), ("window", window)];
    let span = m.part("span", &span(&format!("{name}_span"), sizes), &ports);
    let modes = m.always("scores or values");
    let is_mixing = modes.declare("is_mixing", 1, 0);
    modes.take(is_mixing, mix_start | (is_mixing & !score_start));
    let walk = walk(&m, sizes, [clear, score_start, mix_start, is_mixing], span.get("count"));

    let values_load = walk.starts.at(VALUE_DELAY + 1);
    let store = kv_store(&format!("{name}_store"), sizes);
    let ports = [
        ("clear", clear),
        ("append_valid", m.input("append_valid", 1)),
        ("append_values", m.input("append_values", WORD * 24)),
        ("append_is_value", m.input("append_is_value", 1)),
        ("append_layer", m.input("append_layer", LAYER_BITS)),
        ("append_slot", span.get("slot")),
        ("load", m.delayed("score_started", score_start, 1) | values_load),
        ("walk", walk.pair | walk.mix.at(VALUE_DELAY)),
        ("pair", if sizes.positions == 2 { !is_mixing } else { m.constant(0, 1) }),
        ("is_value", is_mixing & !score_start),
        ("first", span.get("first")),
        ("layer", layer),
        ("ring", ring),
        ("ring_end", span.get("ring_end")),
    ];
    let store = m.part("store", &store, &ports);
    let rows = [store.get("row_a"), store.get("row_b")];

    let is_negative = constant.bit(NARROW_BITS - 1);
    let scores = scores(&m, name, sizes, &walk, rows, [clear, is_negative]);
    let factors = factors(&m, name, sizes, score_start, constant, shift);
    let weights = weights(&m, name, sizes, &walk, &scores, factors);
    mixed(&m, name, sizes, &walk, rows[0], &weights);
    m.finish()
}

fn walk<'m>(m: &'m Module, sizes: &Sizes, [clear, score_start, mix_start, is_mixing]: [Value<'m>; 4], count: Value<'m>) -> Walk<'m> {
    let bits = count.bits;
    let score_starts = m.delay_line("score_starts", score_start, 1, WALK);
    let starts = m.delay_line("mix_starts", mix_start, 1, VALUE_DELAY + 1);
    let load = (score_starts.at(1) | starts.at(1)).named("load");
    let steps = m.always("positions left");
    let (busy, left) = (steps.declare("busy", 1, 0), steps.declare("left", bits, 0));
    let is_one = left.is(1).named("is_one");
    let is_last = if sizes.positions == 2 { is_one | (!is_mixing & left.is(2)) } else { is_one }.named("is_last");
    let step = is_mixing.mux(m.constant(1, 2), m.constant(sizes.positions as u64, 2));
    steps.take(busy, !clear & (load | (busy & !is_last)));
    steps.take(left, load.mux(count, (left - step).low(bits).unsigned()));
    let index = steps.declare("index", bits, 0);
    steps.take(index, load.mux(m.constant(0, bits), index.next()));

    let (pair, mix) = ((busy & !is_mixing).named("pair"), (busy & is_mixing).named("mix"));
    let stages = ROW_STAGES + dots::stages(sizes);
    let late = |name: &str, flag| m.delay_line(name, flag, 1, stages).at(stages);
    Walk {
        pair,
        now: mix,
        first: late("firsts", score_starts.at(WALK)),
        second: if sizes.positions == 2 { late("seconds", !is_one) } else { m.constant(0, 1) },
        last_pair: late("last_pairs", pair & is_last),
        mix: m.delay_line("mixes", mix, 1, WEIGHT_STAGES + mix_head::STAGES),
        last_mix: m.delay_line("last_mixes", mix & is_last, 1, WEIGHT_STAGES + mix_head::STAGES - 1),
        starts,
        index,
    }
}

/// Dot products of every head, and which of them scores most.
struct Scores<'m> {
    memory: Memory<'m>,
    most: Vec<Value<'m>>,
}

fn scores<'m>(
    m: &'m Module,
    name: &str,
    sizes: &Sizes,
    walk: &Walk<'m>,
    rows: [Value<'m>; 2],
    [clear, is_negative]: [Value<'m>; 2],
) -> Scores<'m> {
    let codes_valid = m.input("codes_valid", 1);
    let codes = m.input("codes", sizes.makers * 8);
    let tables = query_tables(&format!("{name}_query"), sizes);
    let ports = [("clear", clear), ("codes_valid", codes_valid), ("codes", codes)];
    let query = m.part("query", &tables, &ports);
    m.output("ready", query.get("ready"));

    let beat = m.delay_line("beats", walk.pair, 1, ROW_STAGES).at(ROW_STAGES);
    let (core, extreme) = (dots(&format!("{name}_dots"), sizes), extreme(&format!("{name}_extreme"), sizes));
    let words = sizes.groups() * TABLE_BITS;
    let mut flag = None;
    let mut all = Vec::new();
    let mut most = Vec::new();
    for head in 0..sizes.heads {
        let dots = |position: usize| {
            let ports = [
                ("write_enable", query.get("write_enable")),
                ("write_address", query.get("write_address")),
                ("write_data", query.get("write_data").slice(head * words, words)),
                ("beat", beat),
                ("planes", of_head(m, sizes, rows[position], head)),
            ];
            m.part(&format!("dots_{head}_{position}"), &core, &ports)
        };
        let found: Vec<_> = (0..sizes.positions).map(dots).collect();
        let valid = *flag.get_or_insert(found[0].get("dot_valid"));
        let here: Vec<Value> = found.iter().map(|dots| dots.get("dot")).collect();
        let (a, b) = (here[0], here[sizes.positions - 1]);
        let ports = [("valid", valid), ("first", walk.first), ("second", walk.second), ("is_negative", is_negative), ("a", a), ("b", b)];
        most.push(m.part(&format!("extreme_{head}"), &extreme, &ports).get("most"));
        all.extend(here);
    }
    let valid = flag.expect("a head");
    let (memory, words) = (dots_memory(m, sizes), sizes.dot_words());
    let bits = nda_spec::width::index_bits(words);
    let writes = m.stage("dots", valid);
    let at = writes.declare("write_at", bits, 0);
    let here = walk.first.mux(m.constant(0, bits), at).named("write_here");
    writes.take(at, here.next());
    writes.write(memory, here, m.concat(&all.iter().rev().copied().collect::<Vec<_>>()));
    m.output("score_done", walk.last_pair);
    Scores { memory, most }
}

fn dots_memory<'m>(m: &'m Module, sizes: &Sizes) -> Memory<'m> {
    let words = sizes.dot_words();
    let style = if words <= DISTRIBUTED_WORDS { Style::Distributed } else { Style::Block };
    m.memory("dots", style, words, sizes.positions * sizes.heads * sizes.dot_bits())
}

/// The planes of a query head's channels in a row.
fn of_head<'m>(m: &'m Module, sizes: &Sizes, row: Value<'m>, head: usize) -> Value<'m> {
    let at = head / sizes.shared() * sizes.head_dim;
    let planes: Vec<_> = (0..PLANES).rev().map(|plane| row.slice(plane * sizes.kv_cols() + at, sizes.head_dim)).collect();
    m.concat(&planes)
}

/// Factors and shifts of all heads.
fn factors<'m>(m: &'m Module, name: &str, sizes: &Sizes, start: Value<'m>, constant: Value<'m>, shift: Value<'m>) -> [Value<'m>; 2] {
    let ports = [
        ("scale_valid", m.input("scale_valid", 1)),
        ("scale_mantissa", m.input("scale_mantissa", NARROW_BITS)),
        ("scale_exponent", m.input("scale_exponent", EXPONENT_BITS)),
        ("start", start),
        ("constant", constant),
        ("step_shift", shift),
    ];
    let factors = m.part("factors", &scale_factors(&format!("{name}_factors"), sizes), &ports);
    ["factors", "shifts"].map(|port| factors.get(port))
}

/// Weights for the values and for the sum, of every head.
struct Weights<'m> {
    weight: Vec<Value<'m>>,
    exponential: Vec<Value<'m>>,
}

fn weights<'m>(
    m: &'m Module,
    name: &str,
    sizes: &Sizes,
    walk: &Walk<'m>,
    scores: &Scores<'m>,
    [factors, shifts]: [Value<'m>; 2],
) -> Weights<'m> {
    let (bits, mix) = (sizes.dot_bits(), |k: usize| walk.mix.at(k));
    let (at, mixing) = (walk.index, m.stage("dots of a pair", walk.now));
    let address_bits = nda_spec::width::index_bits(sizes.dot_words());
    let low = sizes.positions - 1;
    let address = if at.bits > low { at.slice(low, at.bits - low) } else { m.constant(0, 1) };
    let address = if address.bits < address_bits { address.extend(address_bits) } else { address.slice(0, address_bits) };
    let word = mixing.register("pair_dots", scores.memory.at(address));
    let half = mixing.register("is_second", at.bit(0));

    // The largest score goes ahead, in the cycle before the first position.
    let is_most = walk.starts.at(2);
    let choice = m.stage("dots of a position", (mix(1) | is_most).named("chooses"));
    let scale = scale(&format!("{name}_scale"), sizes);
    let valid = (mix(2) | walk.starts.at(3)).named("scales");
    let score = |head: usize| {
        let of = |k: usize| word.slice((sizes.positions * head + k) * bits, bits);
        let here = if sizes.positions == 2 { half.mux(of(1), of(0)) } else { of(0) };
        let dot = choice.register(&format!("dot_{head}"), is_most.mux(scores.most[head], here));
        let ports = [
            ("valid", valid),
            ("dot", dot),
            ("factor", factors.slice(head * NARROW_BITS, NARROW_BITS)),
            ("shift", shifts.slice(head * SHIFT_BITS, SHIFT_BITS)),
        ];
        m.part(&format!("scale_{head}"), &scale, &ports).get("score")
    };
    let all: Vec<_> = (0..sizes.heads).map(score).collect();
    let (mut weight, mut exponential) = (Vec::new(), Vec::new());
    for (pair, of_pair) in all.chunks(2).enumerate() {
        let core = softmax(&format!("{name}_softmax_{}", of_pair.len()), of_pair.len());
        let mut ports = vec![("valid", mix(2 + scale::STAGES)), ("is_most", walk.starts.at(3 + scale::STAGES)), ("score_0", of_pair[0])];
        if let Some(second) = of_pair.get(1) {
            ports.push(("score_1", *second));
        }
        let softmax = m.part(&format!("softmax_{pair}"), &core, &ports);
        for head in 0..of_pair.len() {
            exponential.push(softmax.get(&format!("exponential_{head}")));
            weight.push(softmax.get(&format!("weight_{head}")));
        }
    }
    Weights { weight, exponential }
}

/// What is mixed, and the port that reads it.
fn mixed<'m>(m: &'m Module, name: &str, sizes: &Sizes, walk: &Walk<'m>, row: Value<'m>, weights: &Weights<'m>) {
    let clear = walk.starts.at(3);
    let valid = walk.mix.at(WEIGHT_STAGES);
    let heads = 0..sizes.heads;
    let summed = |name: &str, bits: usize, of: &[Value<'m>]| -> Vec<Value<'m>> {
        let stage = m.stage(name, (clear | valid).named(&format!("changes_{name}")));
        let sum = |(head, value): (usize, &Value<'m>)| {
            stage.feedback(&format!("{name}_{head}"), bits, |sum| clear.mux(m.constant(0, bits), (sum + *value).low(bits)))
        };
        of.iter().enumerate().map(sum).collect()
    };
    let sums = summed("exponentials", sizes.sum_bits(), &weights.exponential);
    let weight_sums = summed("weights", sizes.weights_bits(), &weights.weight);
    let core = mix_head(&format!("{name}_mix"), sizes);
    let mixed: Vec<_> = heads
        .clone()
        .map(|head| {
            let planes = of_head(m, sizes, row, head);
            let ports = [("clear", clear), ("valid", valid), ("weight", weights.weight[head]), ("planes", planes)];
            m.part(&format!("mix_{head}"), &core, &ports).get("sums")
        })
        .collect();
    let names: Vec<String> = heads.map(|head| format!("sum_{head}")).collect();
    let mut ports = vec![("start", walk.last_mix.at(WEIGHT_STAGES))];
    ports.extend(names.iter().map(String::as_str).zip(sums.iter().copied()));
    let factors = m.part("inverse", &inverse_sum(&format!("{name}_inverse"), sizes), &ports);
    // A cycle early: who waits for it is far away and has a register in front.
    m.output("mix_done", walk.last_mix.at(WEIGHT_STAGES + mix_head::STAGES - 1));
    let offsets = m.always("what a raised level is too much");
    let offset = |(head, sum): (usize, &Value<'m>)| {
        offsets.register(&format!("offset_{head}"), (*sum + (sum.extend(sum.bits + 1) << 1)).low(sum.bits + 2))
    };
    let offsets: Vec<_> = weight_sums.iter().enumerate().map(offset).collect();
    let coarse: Vec<_> = sums.iter().map(|sum| if sum.bits > 18 { is_coarse(*sum) } else { m.constant(0, 1) }).collect();
    read_port(m, sizes, &mixed, &offsets, &coarse, &factors);
}

/// A word of eight values, three cycles later, and its head's factor, one cycle later.
fn read_port<'m>(m: &'m Module, sizes: &Sizes, mixed: &[Value<'m>], offsets: &[Value<'m>], coarse: &[Value<'m>], factors: &Outputs<'m>) {
    let words_of_head = sizes.head_dim / WORD;
    let words = sizes.heads * words_of_head;
    let read = m.input("mixed_read", 1);
    let address = m.input("mixed_address", nda_spec::width::index_bits(words));
    let reads = m.delay_line("reads", read, 1, 2);
    let bits = sizes.mixed_bits();
    let head = |address: Value<'m>| {
        let low = words_of_head.ilog2() as usize;
        if address.bits > low { address.slice(low, address.bits - low) } else { m.constant(0, 1) }
    };
    let first = m.stage("a word", read);
    let lane = |lane: usize| {
        let of_word = |word: usize| mixed[word / words_of_head].slice((word % words_of_head * WORD + lane) * bits, bits);
        first.register(&format!("raised_{lane}"), m.select(address, &(0..words).map(of_word).collect::<Vec<_>>()))
    };
    let raised: Vec<_> = (0..WORD).map(lane).collect();
    let offset = first.register("offset", m.select(head(address), offsets));
    let is_coarse = first.register("is_coarse", m.select(head(address), coarse));
    let of_heads =
        |port: &str| m.select(head(address), &(0..sizes.heads).map(|head| factors.get(&format!("{port}_{head}"))).collect::<Vec<_>>());
    for part in ["mantissa", "exponent"] {
        let name = format!("mixed_{part}");
        m.output(&name, first.register(&name, of_heads(part)));
    }

    let second = m.stage("levels as they are", reads.at(1));
    // Six times the weights are three times twice.
    let double = m.concat(&[offset, m.constant(0, 1)]);
    let width = bits.max(double.bits) + 1;
    let exact: Vec<_> =
        raised.iter().enumerate().map(|(lane, v)| second.register(&format!("exact_{lane}"), (*v - double).low(width))).collect();
    let is_coarse = second.register("is_coarse_late", is_coarse);
    let third = m.stage("narrow", reads.at(2));
    let narrow = |(lane, value): (usize, &Value<'m>)| {
        let rest = value.slice(COARSE_BITS, width - COARSE_BITS).signed().extend(NARROW_BITS).unsigned();
        let rounded = (rest + value.bit(COARSE_BITS - 1)).low(NARROW_BITS);
        let plain = if width < NARROW_BITS { value.signed().extend(NARROW_BITS).unsigned() } else { value.slice(0, NARROW_BITS) };
        third.register(&format!("narrow_{lane}"), is_coarse.mux(rounded, plain))
    };
    let narrow: Vec<_> = exact.iter().enumerate().map(narrow).collect();
    m.output("mixed", m.concat(&narrow.iter().rev().copied().collect::<Vec<_>>()));
}
