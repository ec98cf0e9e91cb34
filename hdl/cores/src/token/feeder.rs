//! The feeder: passes wait in a queue, and a word of the one in front enters the pipe in every cycle that it can.
//!
//! A pass of a product takes the array's results as they come, all others a word per cycle. Words are numbered as the vector
//! has them, whatever the order in which they come: those of a turned pass by pairs half a head apart, those of a gated one
//! each that gates before the one that it gates. Keys and `work` keep the order in which words come, so that a turned query
//! meets turned keys.

use super::field;
use crate::netlist::{Bus, Module, Stage, Style, Value};
use nda_spec::token::{limits, wired as w};
use nda_spec::width::index_bits;

/// Where the head's results go.
const CHOICE: u64 = 5;
/// Passes that wait.
pub(super) const QUEUE: usize = 16;
/// Bits of a word's number.
pub(super) const WORD_NUMBER: usize = 10;
/// Groups of a vector.
pub(super) const GROUPS: usize = limits::GROUPS;
/// Bits of a group's number.
pub(super) const GROUP_NUMBER: usize = 4;
/// Cycles that the roots of all groups take before a pass that is multiplied by them.
pub(super) const ROOT_WALK: usize = 8;

/// What the feeder needs.
pub(super) struct Feed<'m> {
    /// Cycles from a word of the array's to the next.
    pub pace: usize,
    /// A pass is issued: its step.
    pub push: Value<'m>,
    pub step: Value<'m>,
    /// The array's next result will stand in 13 cycles.
    pub announced: Value<'m>,
    /// Words of half a head.
    pub half_head: Value<'m>,
    /// Everything is to be forgotten.
    pub flush: Value<'m>,
}

/// What it gives.
pub(super) struct Fed<'m> {
    /// The word that enters now, as a register: the pipe's first.
    pub beat: Bus<'m>,
    /// A group whose root is to be found, for the floor that comes with it.
    pub root: Value<'m>,
    pub root_group: Value<'m>,
    pub root_floor: Value<'m>,
}

/// The queue and what stands in front of it.
struct Front<'m> {
    active: Value<'m>,
    step: Value<'m>,
}

/// The feeder.
pub(super) fn update<'m>(m: &'m Module, feed: &Feed<'m>) -> Fed<'m> {
    let queue = m.memory("queue", Style::Distributed, QUEUE, 128);
    let state = m.always("the pass in front");
    let (write_at, read_at) = (state.declare("queue_write", 4, 0), state.declare("queue_read", 4, 0));
    let (active, step) = (state.declare("feeds", 1, 0), state.declare("front_step", 128, 0));
    let (left, pair, base, second) = (
        state.declare("left", 11, 0),
        state.declare("pair", WORD_NUMBER, 0),
        state.declare("head_base", WORD_NUMBER, 0),
        state.declare("is_second", 1, 0),
    );
    let (walk, walks) = (state.declare("root_walk", 6, 0), state.declare("walks", 1, 0));
    m.stage("a pass waits", feed.push).write(queue, write_at, feed.step);

    let get = |f: w::Field| field(step, f);
    let is_product = get(w::SOURCE).is(0);
    let (is_gated, is_turned) = (get(w::GATE).any(), get(w::TURN).any());
    let comes = m.forward("comes", 1);
    let own = !walks & !rests(m, comes, feed.pace, is_turned | get(w::INTO).is(CHOICE));
    let beat = (active & is_product.mux(feed.announced, own)).named("feeds_a_word");
    m.connect(comes, beat);
    let is_last = left.is(1).named("feeds_the_last");
    let ends = (beat & is_last).named("pass_ends");
    let waits = !write_at.equals(read_at);
    let loads = (waits & (!active | ends)).named("pass_begins");
    let next = queue.at(read_at).named("next_step");
    let zero = |bits: usize| m.constant(0, bits);

    state.take(write_at, (feed.flush).mux(zero(4), feed.push.mux(write_at.next(), write_at)));
    state.take(read_at, (feed.flush).mux(zero(4), loads.mux(read_at.next(), read_at)));
    state.take(active, !feed.flush & (loads | (active & !ends)));
    state.take(step, loads.mux(next, step));
    // Words: of a gated pass twice as many.
    let count = field(next, w::COUNT).extend(11);
    let words = field(next, w::GATE).any().mux(count << 1, count);
    state.take(left, loads.mux(words, beat.mux((left - m.constant(1, 11)).low(11).unsigned(), left)));
    let paired = (is_gated | is_turned).named("in_pairs");
    state.take(second, !loads & (beat & paired).mux(!second, second));
    let moves = (beat & (!paired | second)).named("next_pair");
    let half = feed.half_head.extend(WORD_NUMBER);
    let ends_half = is_turned & pair.next().equals(half);
    state.take(pair, (loads | (moves & ends_half)).mux(zero(WORD_NUMBER), moves.mux(pair.next(), pair)));
    let next_head = (base + (half << 1)).low(WORD_NUMBER);
    state.take(base, loads.mux(zero(WORD_NUMBER), (moves & ends_half).mux(next_head, base)));

    let comes_out = (beat & (!is_gated | second)).named("comes_out");
    let counted = groups(m, state, step, next, &Moves { loads, beat, comes_out });
    let needs_roots = field(next, w::FACTOR).is(2);
    let walk_ends = walk.is((GROUPS + ROOT_WALK - 1) as u64);
    state.take(walks, !feed.flush & (loads.mux(needs_roots, walks & !walk_ends)));
    state.take(walk, loads.mux(zero(6), walks.mux(walk.next(), walk)));

    // The number of the word that is read, and of the one that comes out.
    let behind = is_turned.mux(half, get(w::COUNT));
    let read_word = (base + pair + (second & paired).mux(behind, zero(WORD_NUMBER))).low(WORD_NUMBER).named("read_word");
    let out_word = is_gated.mux(pair, read_word).named("out_word");
    let front = Front { active: beat, step };
    let words = [("read_word", read_word), ("out_word", out_word), ("order", counted.order), ("second", second), ("turn_pair", pair)];
    let bounds = [
        ("last", is_last),
        ("comes_out", !is_gated | second),
        ("group", counted.group),
        ("ends_group", counted.ends_group | is_last),
        ("factor_group", counted.of_factor),
    ];
    let beat = word_of(m, &front, &[&words[..], &bounds[..], &[("starts_group", counted.fresh)]].concat());
    Fed { beat, root: walks & walk.less(m.constant(GROUPS as u64, 6)), root_group: walk.slice(0, GROUP_NUMBER), root_floor: get(w::FLOOR) }
}

/// Whether the next word has to wait: pairs, and the memory of a row, take words no faster than a product gives them.
fn rests<'m>(m: &'m Module, comes: Value<'m>, pace: usize, is_paced: Value<'m>) -> Value<'m> {
    let bits = index_bits(pace);
    if pace == 1 {
        return m.constant(0, 1);
    }
    let left = m.always("cycles until the next word").feedback("word_rest", bits, |left| {
        let less = (left - m.constant(1, bits)).low(bits).unsigned();
        comes.mux(m.constant(pace as u64 - 1, bits), left.any().mux(less, left))
    });
    left.any() & is_paced
}

/// What the pass in front does in this cycle.
struct Moves<'m> {
    loads: Value<'m>,
    beat: Value<'m>,
    comes_out: Value<'m>,
}

/// Where in its groups the word in front stands.
struct Counted<'m> {
    order: Value<'m>,
    group: Value<'m>,
    ends_group: Value<'m>,
    of_factor: Value<'m>,
    fresh: Value<'m>,
}

fn groups<'m>(m: &'m Module, state: Stage<'m>, step: Value<'m>, next: Value<'m>, moves: &Moves<'m>) -> Counted<'m> {
    let Moves { loads, beat, comes_out } = *moves;
    let zero = |bits: usize| m.constant(0, bits);
    let order = state.declare("order", WORD_NUMBER, 0);
    let (group, group_left) = (state.declare("group", GROUP_NUMBER, 0), state.declare("group_left", 7, 0));
    let (of_factor, factor_left) = (state.declare("factor_group", GROUP_NUMBER, 0), state.declare("factor_left", 7, 0));
    // Groups of what is reduced count what comes out, groups of the factor what goes in.
    let group_words = |step: Value<'m>| field(step, w::GROUP);
    let ends_group = group_left.is(1).named("ends_group");
    let counted = (group_left - m.constant(1, 7)).low(7).unsigned();
    state.take(group_left, loads.mux(group_words(next), comes_out.mux(ends_group.mux(group_words(step), counted), group_left)));
    state.take(order, loads.mux(zero(WORD_NUMBER), comes_out.mux(order.next(), order)));
    state.take(group, loads.mux(zero(GROUP_NUMBER), (comes_out & ends_group).mux(group.next(), group)));
    let ends_factor = factor_left.is(1).named("ends_factor");
    let counted = (factor_left - m.constant(1, 7)).low(7).unsigned();
    state.take(factor_left, loads.mux(field(next, w::WORDS), beat.mux(ends_factor.mux(field(step, w::WORDS), counted), factor_left)));
    state.take(of_factor, loads.mux(zero(GROUP_NUMBER), (beat & ends_factor).mux(of_factor.next(), of_factor)));
    let fresh = m.always("the group's first word").feedback("starts_group", 1, |q| loads | comes_out.mux(ends_group, q));
    Counted { order, group, ends_group, of_factor, fresh }
}

/// The register in which a word enters: everything that the pipe has to know of it.
fn word_of<'m>(m: &'m Module, front: &Front<'m>, own: &[(&str, Value<'m>)]) -> Bus<'m> {
    let get = |f: w::Field| field(front.step, f);
    let steps = [
        ("source", get(w::SOURCE)),
        ("at", get(w::AT)),
        ("take", get(w::TAKE)),
        ("constants", get(w::CONSTANTS)),
        ("shift", get(w::SHIFT)),
        ("factor", get(w::FACTOR)),
        ("turn", get(w::TURN)),
        ("gate", get(w::GATE)),
        ("settles", get(w::SETTLES) & get(w::SOURCE).is(0)),
        ("into", get(w::INTO)),
        ("into_at", get(w::INTO_AT)),
        ("reduces", get(w::REDUCES)),
        ("weights", get(w::WEIGHTS)),
        ("reduce_take", get(w::REDUCE_TAKE)),
        ("tail", get(w::TAIL)),
    ];
    let all = [&[("valid", front.active)][..], own, &steps[..]].concat();
    Bus::of(m, "enters", &all).later(m, "entered")
}
