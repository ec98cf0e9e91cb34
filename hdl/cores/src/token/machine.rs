//! The machine whole, but for the array and its weights, the attention and the token selection, which stand beside it.
//!
//! Function: the steps of a token program, in their order, each as soon as what it reads is there; golden model:
//! `nda_spec::token::Machine`. Handshake: `token_valid` waits for `token_ready`; `token_done` ends a token. Latency, in cycles:
//! `nda_spec::token::cycles`. Cost (yosys, firmware/sizes/token1024.json, `alone`): 23,447 LUT sites, 15,434 FF, 31 DP16KD,
//! 78 MULT18X18D.

use super::control::{Ended, Go, Run, Seen, State};
use super::decoded::Decoded;
use super::feeder::{self, Feed};
use super::field;
use super::job::{self, Start};
use super::lane::NARROW;
use super::maker::{Made, Wanted, makers};
use super::memories::Memories;
use super::root::EXPONENT;
use super::stream::{Sources, Streamed, Vectors, joined, stream};
use super::tables::{self, tables};
use super::walker::{self, walker};
use crate::netlist::{Bus, Module, Netlist, Value};
use nda_spec::token::{Map, Sizes, WORD, wired as w, word_beats};
use nda_spec::width::index_bits;
use std::sync::Arc;

/// Cycles after an abort until nothing of the token is left: at most 45 from a beat of the array to the group's largest, 8 to a row
/// of the cache, 10 from there to a token.
const FLUSH_CYCLES: u64 = 96;
const FLUSH_BITS: usize = index_bits(FLUSH_CYCLES as usize + 1);
/// From the issue of a beat to the cycle in which the array takes what its sums begin with: two before the result stands.
const INIT: usize = 13;
/// Bits of a sum of the array.
const SUM: usize = 24;

/// Answers of what stands beside the machine.
struct Beside<'m> {
    sums: Value<'m>,
    mixed: Value<'m>,
    mixed_mantissa: Value<'m>,
    mixed_exponent: Value<'m>,
    query_ready: Value<'m>,
    kv_ready: Value<'m>,
    score_done: Value<'m>,
    mix_done: Value<'m>,
    made_valid: Value<'m>,
}

impl<'m> Beside<'m> {
    fn new(m: &'m Module, rows: usize) -> Beside<'m> {
        Beside {
            sums: word_of(m, m.input("result", rows * SUM), word_beats(rows)),
            mixed: m.input("mixed", WORD * NARROW),
            mixed_mantissa: m.input("mixed_mantissa", NARROW),
            mixed_exponent: m.input("mixed_exponent", EXPONENT),
            query_ready: m.input("query_ready", 1),
            kv_ready: m.input("kv_ready", 1),
            score_done: m.input("score_done", 1),
            mix_done: m.input("mix_done", 1),
            made_valid: m.input("made_valid", 1),
        }
    }
}

/// A word of sums, of which the array gives a part per cycle: the last with those before it.
fn word_of<'m>(m: &'m Module, part: Value<'m>, beats: usize) -> Value<'m> {
    let mut parts = vec![part];
    for k in 1..beats {
        parts.push(m.always(&format!("the part of a word {k} before")).register(&format!("part_of_word_{k}"), parts[k - 1]));
    }
    m.concat(&parts)
}

/// The machine of these sizes, beside an array of the given number of rows; `map` says where in a program what lies.
pub fn machine(sizes: &Sizes, map: &Map, rows: usize) -> Arc<Netlist> {
    let m = Module::new("machine");
    update(&m, sizes, map, rows);
    m.finish()
}

fn update(m: &Module, sizes: &Sizes, map: &Map, rows: usize) {
    let pace = word_beats(rows);
    let memories = Memories::new(m, sizes, map);
    let beside = Beside::new(m, rows);
    let (clear, abort) = (m.input("clear", 1), m.input("abort", 1));
    let (token_valid, token, want) = (m.input("token_valid", 1), m.input("token", 16), m.input("token_want", 2));
    let state = State::new(m);
    let (flush, flushes_on) = flushing(m, abort);
    let start = (token_valid & !state.running & !flush & !abort).named("token_taken");
    let fresh = m.always("before the first token").feedback_from("is_fresh", 1, 1, |q| clear | (q & !start));
    let was_fresh = m.stage("the token is the first", start).register("was_fresh", fresh);
    let begins = m.always("the token begins").register("token_begins", start);
    let walked = walker(m, &memories, begins, was_fresh, flush);
    let halves = memories.steps.each_ref().map(|half| half.fetch(&memories.load, state.pc.fit(half.address)));
    let step = m.concat(&[halves[1].word, halves[0].word]).named("step");
    let decoded = Decoded::new(m, m.concat(&[halves[1].early, halves[0].early]), state.class, pace);

    let vectors = Vectors::new(m, sizes);
    let array = job::State::new(m, state.load, pace);
    let seen = Seen {
        flush,
        array_accepts: array.accepts,
        array_idle: array.idle,
        turns_stand: walked.stands,
        query_ready: beside.query_ready,
        kv_ready: beside.kv_ready,
        score_done: beside.score_done,
        mix_done: beside.mix_done,
    };
    let go = state.decide(step, &decoded, &seen);
    let job = array.advance(&Start { product: go.product, step, decoded, load: state.load, flush });
    let fed =
        feeder::update(m, &Feed { pace, push: go.pass, step, announced: job.announced, half_head: memories.numbers.half_head, flush });
    let inverted = m.forward("inverted", tables::MANTISSA);
    let tables = m.part("tables", &tables(), &[("phase", walked.phase), ("mantissa", inverted)]);
    let made = makers(
        m,
        &memories,
        &vectors,
        &Wanted {
            start: go.codes,
            step,
            root: fed.root,
            root_group: fed.root_group,
            root_floor: fed.root_floor,
            beat: job.beat,
            reads: job.reads,
            reciprocal: tables.get("reciprocal"),
            flush,
        },
    );
    m.connect(inverted, made.inverted);
    let row = row_of(m, &memories, state.token);
    let sources = sources(pace, &beside, &made, &walked, tables.get("cosine"), row);
    let streamed = stream(m, &memories, &vectors, &fed.beat, &sources);

    let ended = ended(&streamed, &made, &beside);
    let numbers = &memories.numbers;
    let steps = state.want.is(0).mux(numbers.body, (numbers.body + numbers.head).low(8));
    let done = state.is_done(beside.made_valid);
    state.advance(step, &decoded, &go, &ended, &seen, &Run { start, token, want, steps, done });
    // In a register: what stands around the machine waits for it, far away.
    let works_on = flushes_on | (!flush & (start | (state.running & !done)));
    let busy = m.always("whether the machine works").register("works", works_on);
    m.output("token_ready", !busy & !abort);
    m.output("token_done", m.always("the token's end").register("was_done", done));
    m.output("token_starts", begins);
    m.output("ring", numbers.ring);
    m.output("row_wanted", state.want.is(2));
    m.output("busy", busy);
    m.output("flushes", flush);
    array_ports(m, &job, &made);
    attention_ports(m, step, &go, &fed.beat, &streamed, &made);
    choice_ports(m, &streamed, numbers.tokens);
    m.output("peek_data", memories.load.peeked());
}

/// What ends in this cycle.
fn ended<'m>(streamed: &Streamed<'m>, made: &Made<'m>, beside: &Beside<'m>) -> Ended<'m> {
    let out = &streamed.out;
    let last = (out.get("valid") & out.get("last")).named("last_word_out");
    let into = |number: u64| last & out.get("into").is(number);
    let reduced = &streamed.reduced;
    Ended {
        pass: last,
        work: reduced.get("valid") & reduced.get("last") & reduced.get("reduces"),
        wide: into(1) | into(2),
        keys: into(3),
        values: into(4),
        mixed: last & out.get("source").is(2),
        roots: last & out.get("factor").is(2),
        first_codes: made.first_beat,
        is_single: made.is_single,
        query_codes: made.query_read,
        codes_read: made.read,
        chosen: beside.made_valid,
    }
}

/// First word of the token's row in the embedding.
fn row_of<'m>(m: &'m Module, memories: &Memories<'m>, token: Value<'m>) -> Value<'m> {
    let bits = memories.codes.address + 1;
    let product = token.slice(0, bits.min(16)).times(memories.numbers.width_words);
    let product = m.always("the token's row").register("row_product", product);
    product.fit(bits)
}

fn sources<'m>(
    pace: usize,
    beside: &Beside<'m>,
    made: &Made<'m>,
    walked: &walker::Walked<'m>,
    cosine: Value<'m>,
    row: Value<'m>,
) -> Sources<'m> {
    Sources {
        pace,
        sums: beside.sums,
        mixed: beside.mixed,
        mixed_mantissa: beside.mixed_mantissa,
        mixed_exponent: beside.mixed_exponent,
        codes_mantissa: made.mantissa,
        codes_exponent: made.exponent,
        root_found: made.root_found,
        root_group: made.root_group,
        root: made.root,
        root_exponent: made.root_exponent,
        row,
        set_cosine: walked.set_cosine,
        set_sine: walked.set_sine,
        set_lane: walked.set_lane,
        set_word: walked.set_word,
        set_data: cosine,
    }
}

fn array_ports<'m>(m: &'m Module, job: &job::Job<'m>, made: &Made<'m>) {
    m.output("array_issue", job.busy);
    m.output("array_is_load", job.is_load);
    m.output("array_is_first", job.is_first);
    m.output("array_is_last", job.is_last);
    m.output("array_ternary", job.ternary);
    m.output("tile_address", job.tile);
    let code = m.delayed("code_of_sums", job.ternary, INIT);
    m.output("array_init", code.mux(m.constant(0, 24), made.init));
    m.output("x", made.x);
}

/// What the attention is told. A score or a mix starts a cycle behind its issue, with its numbers in registers.
fn attention_ports<'m>(m: &'m Module, step: Value<'m>, go: &Go<'m>, entered: &Bus<'m>, streamed: &Streamed<'m>, made: &Made<'m>) {
    let on = m.always("attention");
    m.output("score_start", on.register("score_starts", go.scores));
    m.output("mix_start", on.register("mix_starts", go.mix));
    let numbers = m.stage("the attention's numbers", go.scores | go.mix);
    for (name, of) in [("layer", w::LAYER), ("window", w::WINDOW), ("constant", w::CONSTANT), ("score_shift", w::SCORE_SHIFT)] {
        m.output(name, numbers.register(&format!("attention_{name}"), field(step, of)));
    }
    let late = &streamed.late;
    let is_value = late.get("into").is(4);
    m.output("append_valid", late.get("valid") & (is_value | late.get("into").is(3)));
    m.output("append_is_value", is_value);
    m.output("append_layer", late.get("into_at").slice(0, w::LAYER.bits));
    m.output("append_word", late.get("out_word"));
    m.output("query_valid", made.query_valid);
    m.output("query_codes", made.codes);
    m.output("scale_valid", made.scale_valid);
    m.output("scale_mantissa", made.scale_mantissa);
    m.output("scale_exponent", made.scale_exponent);
    m.output("mixed_address", entered.get("read_word"));
    m.output("mixed_read", entered.get("valid") & entered.get("source").is(2));
}

/// Values that leave: rows of the cache, and logits with the lanes that are tokens; the last token of the program.
fn choice_ports<'m>(m: &'m Module, streamed: &Streamed<'m>, tokens: Value<'m>) {
    let last = (tokens - m.constant(1, 16)).low(16).unsigned();
    m.output("last_token", m.always("the last of the program's tokens").register("last_token_known", last));
    let late = &streamed.late;
    m.output("values", joined(m, &streamed.values));
    m.output("logit_valid", late.get("valid") & late.get("into").is(5));
    m.output("logit_last", late.get("last"));
    m.output("logit_word", late.get("out_word"));
    let (tail, is_last) = (late.get("tail"), late.get("last"));
    // A tail of eight is none.
    let within = |lane: u64| if lane == 7 { m.constant(0, 1) } else { m.constant(lane, 3).less(tail) };
    let keep = |lane: u64| !is_last | tail.is(0) | within(lane);
    m.output("logit_keep", m.concat(&(0..WORD as u64).rev().map(keep).collect::<Vec<_>>()));
}

/// Whether the machine is flushed, and whether it is in the next cycle.
fn flushing<'m>(m: &'m Module, abort: Value<'m>) -> (Value<'m>, Value<'m>) {
    let stage = m.always("what an abort leaves");
    let left = stage.feedback("flush_left", FLUSH_BITS, |left| {
        let less = (left - m.constant(1, FLUSH_BITS)).low(FLUSH_BITS).unsigned();
        abort.mux(m.constant(FLUSH_CYCLES, FLUSH_BITS), left.any().mux(less, left))
    });
    let on = (abort | (left.any() & !left.is(1))).named("flushes_on");
    // Whether any are left, in a register: half the machine waits for it.
    (stage.register("flushing", on), on)
}
