//! Codes of `work`: which words go to the makers, and where the codes go.
//!
//! A job of codes reads two words of `work` per cycle. Array codes are gathered in beats of 128 columns, whole beats whatever the
//! vector's length: what is beyond it is 0. Stages are counted from the register that names a group.

use super::code_store::{FromMakers, codes_kept};
use super::codes::{coder, maker};
use super::feeder::GROUP_NUMBER;
use super::field;
use super::lane::NARROW;
use super::memories::Memories;
use super::root::{self, inverse_roots};
use super::stream::{VECTOR_WORD, Vectors};
use crate::netlist::{Bus, Module, Value};
use nda_spec::token::{WORD, wired as w};

/// Codes per cycle.
pub(super) const MAKERS: usize = 16;
/// Columns of the array.
pub(super) const COLS: usize = 128;
/// Cycles of makers in a beat of columns.
const BEAT: usize = COLS / MAKERS;

/// What the makers need.
pub(super) struct Wanted<'m> {
    /// A job of codes is issued: its step.
    pub start: Value<'m>,
    pub step: Value<'m>,
    /// Roots that a pass asks for.
    pub root: Value<'m>,
    pub root_group: Value<'m>,
    pub root_floor: Value<'m>,
    /// The beat of columns that the array loads next, to stand two cycles later.
    pub beat: Value<'m>,
    pub reads: Value<'m>,
    /// The reciprocal of [`Made::inverted`].
    pub reciprocal: Value<'m>,
    pub flush: Value<'m>,
}

/// What they give.
pub(super) struct Made<'m> {
    /// A job has read its last words of `work`.
    pub read: Value<'m>,
    /// The array's first beat of columns can be loaded from the next cycle but one on.
    pub first_beat: Value<'m>,
    /// The job has one beat of columns.
    pub is_single: Value<'m>,
    /// Minus twice the sum of the codes: what quaternary planes are too much.
    pub init: Value<'m>,
    /// Codes of 128 columns, by bit.
    pub x: Value<'m>,
    pub mantissa: Value<'m>,
    pub exponent: Value<'m>,
    pub query_valid: Value<'m>,
    /// The last codes of a query stand.
    pub query_read: Value<'m>,
    pub codes: Value<'m>,
    pub scale_valid: Value<'m>,
    pub scale_mantissa: Value<'m>,
    pub scale_exponent: Value<'m>,
    /// Whose reciprocal is wanted two cycles later.
    pub inverted: Value<'m>,
    pub root_found: Value<'m>,
    pub root_group: Value<'m>,
    pub root: Value<'m>,
    pub root_exponent: Value<'m>,
}

/// The job: a register behind its step's issue.
fn job<'m>(m: &'m Module, wanted: &Wanted<'m>) -> (Bus<'m>, Value<'m>) {
    let step = m.stage("the codes to make", wanted.start).register("codes_step", wanted.step);
    let get = |f: w::Field| field(step, f);
    let state = m.always("two words");
    let (busy, at, left) =
        (state.declare("makes_codes", 1, 0), state.declare("codes_at", VECTOR_WORD, 0), state.declare("group_rest", 7, 0));
    let (group, fresh) = (state.declare("codes_group", GROUP_NUMBER, 0), state.declare("codes_fresh", 1, 0));
    let to_query = get(w::TO).named("codes_to_query");
    let pair = (at << 1).named("codes_word");
    let is_there = (pair.extend(w::COUNT.bits)).less(get(w::COUNT)).named("codes_there");
    let next_pair = at.next();
    let beyond = !(next_pair.extend(w::COUNT.bits + 1) << 1).less(get(w::COUNT).extend(w::COUNT.bits + 1));
    let ends_beat = at.slice(0, BEAT.ilog2() as usize).all();
    let is_last = (beyond & (to_query | ends_beat)).named("codes_end");
    state.take(busy, !wanted.flush & (wanted.start | (busy & !is_last)));
    state.take(at, wanted.start.mux(m.constant(0, VECTOR_WORD), next_pair));
    let rest = (left - m.constant(2, 7)).low(7).unsigned();
    let ends_group = rest.is(0).named("codes_group_ends");
    let whole = field(wanted.step, w::WORDS);
    state.take(left, wanted.start.mux(whole, ends_group.mux(get(w::WORDS), rest)));
    state.take(group, wanted.start.mux(m.constant(0, GROUP_NUMBER), ends_group.mux(group.next(), group)));
    state.take(fresh, wanted.start | ends_group);
    let beats = at.slice(BEAT.ilog2() as usize, 2);
    let fields = [
        ("valid", busy),
        ("there", is_there),
        ("at", at),
        ("group", group),
        ("fresh", fresh & is_there),
        ("last", is_last),
        ("query", to_query),
        ("normed", get(w::NORM).any()),
        ("segment", at.slice(0, BEAT.ilog2() as usize)),
        ("beat", beats),
        ("ends_first", ends_beat & beats.is(0)),
    ];
    let is_single = get(w::COUNT).less(m.constant((COLS / WORD + 1) as u64, w::COUNT.bits));
    (Bus::of(m, "codes_now", &fields), is_single)
}

pub(super) fn makers<'m>(m: &'m Module, memories: &Memories<'m>, vectors: &Vectors<'m>, wanted: &Wanted<'m>) -> Made<'m> {
    let (now, is_single) = job(m, wanted);
    let step = m.stage("the codes' floor", wanted.start).register("codes_floor", field(wanted.step, w::NORM));
    let c = now.stages(m, "codes", 8);
    // The register of the job is stage 0. Squares go to the roots beside those that a pass asks for.
    let group = wanted.root.mux(wanted.root_group, now.get("group"));
    let norm = (step - m.constant(1, w::NORM.bits)).low(w::FLOOR.bits).unsigned();
    let floor = wanted.root.mux(wanted.root_floor, norm).fit(memories.floors.address);
    let one = m.always("1: the group's largest and squares");
    let squares = one.register("group_squares", vectors.squares.at(group));
    let floor = one.register("group_floor", memories.floors.now(floor));
    let largest = one.register("group_largest", vectors.largest.at(now.get("group")));
    let roots = m.part("inverse_roots", &inverse_roots(), &[("squares", squares), ("floor", floor)]);
    let (root, root_exponent) = (roots.get("root"), roots.get("exponent"));
    let asked = Bus::of(m, "root_asked", &[("valid", wanted.root), ("group", wanted.root_group)]);
    let found = asked.stages(m, "root_asked", root::STAGES + 1)[root::STAGES + 1].clone();
    let ports = [("largest", largest), ("root", root), ("root_exponent", root_exponent), ("is_normed", c[7].get("normed"))];
    let coder = m.part("coder", &coder(), &ports);
    let words = two_words(m, vectors, &c[4]);
    let unit = maker();
    let codes: Vec<Value> = (0..MAKERS)
        .map(|k| {
            let ports = [
                ("value", words[k / WORD].slice(k % WORD * NARROW, NARROW)),
                ("reciprocal", wanted.reciprocal),
                ("is_there", c[6].get("there")),
                ("to_half", coder.get("to_half")),
            ];
            m.part(&format!("maker_{k}"), &unit, &ports).get("code")
        })
        .collect();
    let (seven, valid) = (&c[7], c[7].get("valid"));
    let to_array = (valid & !seven.get("query")).named("codes_to_array");
    let x = kept(m, to_array, seven, &codes, wanted);
    let scale = (c[8].get("valid") & c[8].get("fresh")).named("scale_stands");
    let [mantissa, exponent] = ["scale_mantissa", "scale_exponent"].map(|port| coder.get(port));
    let of_array = m.stage("the scale of the array's codes", scale & !c[8].get("query"));
    Made {
        read: c[4].get("valid") & c[4].get("last"),
        query_read: c[7].get("valid") & c[7].get("last") & c[7].get("query"),
        first_beat: (c[5].get("valid") & !c[5].get("query") & c[5].get("ends_first")).named("first_codes"),
        is_single,
        init: correction(m, wanted.start & !field(wanted.step, w::TO), to_array, &codes),
        x,
        mantissa: of_array.register("codes_mantissa", mantissa),
        exponent: of_array.register("codes_exponent", exponent),
        query_valid: valid & seven.get("query"),
        codes: m.concat(&codes.iter().rev().copied().collect::<Vec<_>>()),
        scale_valid: scale & c[8].get("query"),
        scale_mantissa: mantissa,
        scale_exponent: exponent,
        inverted: coder.get("mantissa_3"),
        root_found: found.get("valid"),
        root_group: found.get("group"),
        root,
        root_exponent,
    }
}

/// What the array multiplies by: the codes as they come, in their store.
fn kept<'m>(m: &'m Module, to_array: Value<'m>, seven: &Bus<'m>, codes: &[Value<'m>], wanted: &Wanted<'m>) -> Value<'m> {
    let makers = FromMakers {
        valid: to_array,
        beat: seven.get("beat"),
        segment: seven.get("segment"),
        codes: m.concat(&codes.iter().rev().copied().collect::<Vec<_>>()).named("codes_word_of_makers"),
        reads: wanted.reads,
        read_beat: wanted.beat,
    };
    codes_kept(m, &makers)
}

/// The words of `work` that a word in stage 4 names, in stage 5.
fn two_words<'m>(m: &'m Module, vectors: &Vectors<'m>, four: &Bus<'m>) -> [Value<'m>; 2] {
    let five = m.always("5: two words of work");
    let at = four.get("at").slice(0, VECTOR_WORD - 1);
    [0, 1].map(|k: usize| five.register(&format!("codes_from_{k}"), vectors.work[k].at(at)))
}

/// A quaternary weight is `3 s + e - 2`, and the array sums `3 s + e`: minus twice the sum of a vector's codes, five cycles behind them.
fn correction<'m>(m: &'m Module, start: Value<'m>, to_array: Value<'m>, codes: &[Value<'m>]) -> Value<'m> {
    let mut sums: Vec<Value> = codes.iter().map(|code| code.signed()).collect();
    for level in 0..4 {
        let stage = m.always(&format!("sum of codes, level {level}"));
        sums = sums.chunks(2).enumerate().map(|(k, pair)| stage.register(&format!("code_sum_{level}_{k}"), pair[0] + pair[1])).collect();
    }
    let valid = m.delayed("codes_summed", to_array, 4);
    let total = m.always("sum of the vector's codes").feedback("code_total", 23, |q| {
        let more = (q.signed() + sums[0].extend(23)).low(23).unsigned();
        start.mux(m.constant(0, 23), valid.mux(more, q))
    });
    let twice = m.concat(&[total, m.constant(0, 1)]);
    (m.constant(0, 24) - twice).low(24).unsigned()
}
