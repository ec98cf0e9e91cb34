//! The loop: tokens of the prompt go into the machine, those that it makes are looked at, kept, and go in again.

use super::Layout;
use super::head::Fields;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Style, Value};
use nda_spec::token::MAX_STOPS;
use nda_spec::width::index_bits;
use nda_spec::wire::Making;

const REST: u64 = 0;
const FETCH: u64 = 1;
const FETCHED: u64 = 2;
const ISSUE: u64 = 3;
const MADE: u64 = 4;
const LOOK: u64 = 5;
const ROW: u64 = 6;

/// What the machine says.
pub(super) struct Machine<'m> {
    pub token_ready: Value<'m>,
    pub busy: Value<'m>,
    pub made_valid: Value<'m>,
    pub made_token: Value<'m>,
    pub row_valid: Value<'m>,
    pub row_last: Value<'m>,
}

/// What requests do with the loop.
pub(super) struct Orders<'m> {
    /// The request becomes the sequence's: to make tokens, or a row.
    pub commit: Value<'m>,
    pub is_step: Value<'m>,
    /// Everything ends, and no sequence is held.
    pub forget: Value<'m>,
    /// The making ends behind the present token.
    pub cancel: Value<'m>,
    /// The host has the tokens before this index.
    pub release: Value<'m>,
    pub released: Value<'m>,
    /// Stops and prompt begin; a token of them comes.
    pub begin: Value<'m>,
    pub token: Value<'m>,
    pub takes_stop: Value<'m>,
    pub takes_prompt: Value<'m>,
    pub prompt_index: Value<'m>,
    /// Index of a token that is to be read.
    pub read_index: Value<'m>,
}

/// What the loop says.
pub(super) struct Maker<'m> {
    /// [`Making`].
    pub making: Value<'m>,
    pub is_on: Value<'m>,
    /// Tokens made, and the index of the first that is kept.
    pub made: Value<'m>,
    pub base: Value<'m>,
    /// A row is still being made.
    pub stepping: Value<'m>,
    /// Cycles of the present token.
    pub cycles: Value<'m>,
    /// Words of the row.
    pub rows: Value<'m>,
    /// The token that was read, two cycles later.
    pub read_token: Value<'m>,
    pub token_valid: Value<'m>,
    pub pending: Value<'m>,
    pub want: Value<'m>,
    /// A token was given up.
    pub gives_up: Value<'m>,
}

/// The loop.
pub(super) fn update<'m>(m: &'m Module, layout: &Layout, fields: &Fields<'m>, machine: &Machine<'m>, orders: &Orders<'m>) -> Maker<'m> {
    let sizes = &layout.sizes;
    let width = 8 * sizes.token_bytes.min(2);
    let state = Kept::new(m, "maker", 3);
    let is = |number: u64| state.q.is(number);
    let go = |flag: Value<'m>, number: u64| state.when(flag, m.constant(number, 3));
    // Nothing is made at power-up.
    let making = Kept::from(m, "making", 3, Making::Failed as u64);
    let become_ = |flag: Value<'m>, to: Making| making.when(flag, m.constant(to as u64, 3));
    let [made, base, most, limit] = ["made", "base", "most", "token_cycles"].map(|name| Kept::new(m, name, 32));
    let (count, index) = (Kept::new(m, "prompt_count", 16), Kept::new(m, "prompt_index", 16));
    let pending = Kept::new(m, "pending", width);
    let (cancelled, stepping) = (Kept::new(m, "cancelled", 1), Kept::new(m, "stepping", 1));
    let [zero, one] = [0, 1].map(|bit| m.constant(bit, 1));
    // Stops and prompt.
    let stops = m.stage("stops", orders.takes_stop);
    let held = stops.feedback("stop_tokens", MAX_STOPS * width, |held| m.concat(&[held.low((MAX_STOPS - 1) * width), orders.token]));
    let valid = Kept::new(m, "stop_valid", MAX_STOPS);
    valid.when(orders.takes_stop, m.concat(&[valid.q.low(MAX_STOPS - 1), one]));
    valid.when(orders.begin, m.constant(0, MAX_STOPS));
    // Tokens made, and behind them those of the prompt, in one memory: what comes in frames has a port, the loop the other.
    let half = index_bits(sizes.queue_tokens.max(sizes.prompt_tokens.next_power_of_two()));
    let tokens = m.memory("tokens", Style::Block, 2 << half, width);
    let (in_queue, in_prompt) = (|at: Value<'m>| m.concat(&[zero, at.low(half)]), |at: Value<'m>| m.concat(&[one, at.low(half)]));
    let at_queue = |at: Value<'m>| in_queue(at.low(index_bits(sizes.queue_tokens)).unsigned().fit(half));
    let at_prompt = |at: Value<'m>| in_prompt(at.low(index_bits(sizes.prompt_tokens.max(2))).unsigned().fit(half));
    let frames_at = orders.takes_prompt.mux(at_prompt(orders.prompt_index), at_queue(orders.read_index)).named("frames_at");
    m.stage("prompt", orders.takes_prompt).write(tokens, frames_at, orders.token);
    let read_token = m.always("queue_read").register("read_token", tokens.at(frames_at));
    let looks = is(LOOK);
    let loop_at = looks.mux(at_queue(made.q), at_prompt(index.q)).named("loop_at");
    let from_prompt = m.always("prompt_read").register("from_prompt", tokens.at(loop_at));
    let kept = (made.q - base.q).low(32).unsigned();
    let depth = sizes.queue_tokens.trailing_zeros() as usize;
    let is_full = kept.slice(depth, 32 - depth).any().named("is_full");
    // One token: where it comes from, what is wanted of it.
    let has_prompt = index.q.less(count.q).named("has_prompt");
    let is_last = index.q.next().equals(count.q).named("is_last");
    let wants_none = !most.q.any();
    let is_on = making.q.is(Making::On as u64).named("is_on");
    let rests = (is(REST) & is_on).named("rests");
    let ends = (cancelled.q & !stepping.q).named("ends");
    let is_over = has_prompt & is_last & wants_none & !stepping.q;
    let may = (rests & !ends & !is_over & (stepping.q | !is_full)).named("may");
    become_(rests & ends, Making::Cancelled);
    become_(rests & !ends & is_over, Making::Length);
    go(may, FETCH);
    go(may & !has_prompt, ISSUE);
    go(is(FETCH), FETCHED);
    go(is(FETCHED), ISSUE);
    pending.when(is(FETCHED), from_prompt);
    index.count(is(FETCHED));
    // Behind FETCHED the index is that of the token behind.
    let choose = !has_prompt & !stepping.q;
    let issued = (is(ISSUE) & machine.token_ready).named("issued");
    go(issued, REST);
    go(issued & choose, MADE);
    go(issued & stepping.q, ROW);
    go(is(MADE) & machine.made_valid, LOOK);
    let made_token = machine.made_token.low(width).unsigned();
    pending.when(is(MADE) & machine.made_valid, made_token);
    // Compared as it comes: what is pending in LOOK was made a cycle before.
    let stop = |k: usize| valid.q.bit(k) & held.slice(k * width, width).equals(made_token);
    let stops_made = m.concat(&(0..MAX_STOPS).map(stop).collect::<Vec<_>>());
    let is_stop = m.always("the stops that the token is").register("stops_made", stops_made).any().named("is_stop");
    let pushes = (looks & !is_stop).named("pushes");
    go(looks, REST);
    become_(looks & is_stop, Making::Stop);
    m.stage("queue", pushes).write(tokens, loop_at, pending.q);
    made.count(pushes);
    become_(pushes & made.q.next().equals(most.q), Making::Length);
    // A row.
    let rows = Kept::new(m, "rows", 12);
    rows.count(is(ROW) & machine.row_valid);
    rows.when(issued, m.constant(0, 12));
    // A cycle behind the row's last word, which comes from the other end of the machine; by then the row may be forgotten.
    let row_ends = m.always("the row's end").register("row_ended", is(ROW) & machine.row_valid & machine.row_last);
    let has_row = (is(ROW) & row_ends).named("row_is_there");
    go(has_row, REST);
    stepping.when(has_row, zero);
    become_(has_row, Making::Length);
    // A token has its time.
    let cycles = Kept::new(m, "cycles", 32);
    cycles.count(machine.busy);
    cycles.when(issued, m.constant(0, 32));
    let is_late = m.always("late").register("is_late", machine.busy & limit.q.less(cycles.q));
    let gives_up = (is_late & (is_on | stepping.q) & machine.busy).named("gives_up");
    go(gives_up, REST);
    become_(gives_up, Making::Failed);
    stepping.when(gives_up, zero);
    // Requests.
    cancelled.when(orders.cancel, one);
    base.when(orders.release, orders.released);
    for register in [&made, &base] {
        register.when(orders.commit, m.constant(0, 32));
    }
    most.when(orders.commit, fields.most_tokens);
    limit.when(orders.commit, fields.token_cycles);
    count.when(orders.commit, fields.prompt);
    index.when(orders.commit, m.constant(0, 16));
    cancelled.when(orders.commit, zero);
    stepping.when(orders.commit, orders.is_step);
    become_(orders.commit, Making::On);
    go(orders.commit | orders.forget, REST);
    stepping.when(orders.forget, zero);
    become_(orders.forget, Making::Failed);
    let of = Maker {
        making: making.q,
        is_on,
        made: made.q,
        base: base.q,
        stepping: stepping.q,
        cycles: cycles.q,
        rows: rows.q,
        read_token,
        token_valid: is(ISSUE),
        pending: pending.q,
        want: m.concat(&[stepping.q, choose]),
        gives_up,
    };
    let all = [state, making, made, base, most, limit, count, index, pending, cancelled, stepping, valid, rows, cycles];
    all.into_iter().for_each(Kept::close);
    of
}
