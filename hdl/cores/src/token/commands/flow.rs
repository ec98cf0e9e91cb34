//! The way of a request through its states, up to its answer.

use super::head::{HEAD_BYTES, Reader};
use super::maker::Maker;
use super::pages::Pages;
use super::requests::Asked;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::wire::HEADER_BYTES;

/// What the way depends on.
pub(super) struct Parts<'m> {
    pub asked: Asked<'m>,
    pub of_pages: Pages<'m>,
    pub of_maker: Maker<'m>,
    pub frame_valid: Value<'m>,
    /// The command processor gives its frame back.
    pub command_done: Value<'m>,
    /// In `QUIET`: the machine is idle.
    pub quiet: Value<'m>,
    /// In `STREAM`: a token that the program does not have came.
    pub bad_token: Value<'m>,
    pub is_step: Value<'m>,
}

/// What happens on it.
pub(super) struct Events<'m> {
    /// A page is not sealed; the digest is another; a token is none.
    pub is_dirty: Value<'m>,
    pub is_other: Value<'m>,
    pub is_bad: Value<'m>,
    /// A `STEP` has its row, or has failed.
    pub row_ends: Value<'m>,
    /// A `TOKENS` has waited enough, and how many tokens it gets.
    pub told: Value<'m>,
    pub sent: Value<'m>,
    /// All that are there.
    pub is_all: Value<'m>,
    /// What was being made when they were counted.
    pub making: Value<'m>,
    /// The frame's slot is given back.
    pub done: Value<'m>,
}

/// The transitions.
pub(super) fn update<'m>(m: &'m Module, state: &Kept<'m>, frame: &Reader<'m>, parts: &Parts<'m>) -> Events<'m> {
    let Parts { asked, of_pages, of_maker, .. } = parts;
    let is = |number: u64| state.q.is(number);
    let go = |flag: Value<'m>, number: u64| state.when(flag, m.constant(number, s::BITS));
    let fields = &frame.fields;
    go(is(s::IDLE) & parts.frame_valid, s::SETTLE);
    go(is(s::SETTLE), s::HEAD);
    go(is(s::HEAD) & frame.fetched & frame.position.q.is(HEAD_BYTES as u64), s::SUMS);
    go(is(s::SUMS), s::FLAGS);
    go(is(s::FLAGS), s::VERDICT);
    go(is(s::VERDICT), s::DECIDE);
    let decide = is(s::DECIDE);
    go(decide, s::PASS);
    go(decide & asked.answers, s::REPLY);
    go(decide & asked.walks, s::WALK_READ);
    go(decide & asked.waits, s::RELEASE);
    go(decide & asked.writes, s::WRITE);
    go(decide & asked.seals, s::SEAL_PEEK);
    frame.position.when(decide & asked.writes, m.constant(HEADER_BYTES as u64, 13));
    go(is(s::PASS) & parts.command_done, s::IDLE);
    // Pages.
    go(is(s::WALK_READ), s::WALK_LOOK);
    let is_dirty = (is(s::WALK_LOOK) & !of_pages.is_sealed).named("is_dirty");
    go(is(s::WALK_LOOK), s::WALK_CRC);
    go(is_dirty, s::REPLY);
    let page_ends = is(s::WALK_CRC) & of_pages.is_last_byte;
    go(page_ends, s::WALK_READ);
    go(page_ends & of_pages.is_last_page, s::WALK_COMPARE);
    go(is(s::WALK_COMPARE), s::WALK_END);
    let is_other = (is(s::WALK_END) & !of_pages.is_same).named("is_other");
    go(is(s::WALK_END), s::QUIET);
    go(is_other, s::REPLY);
    // A request for tokens.
    go(parts.quiet, s::STREAM);
    // What is wrong with the last token stands a cycle behind it.
    let is_over = m.always("the prompt's end").register("was_over", is(s::STREAM) & frame.is_over);
    let streamed = (is(s::STREAM) & is_over).named("streamed");
    go(streamed, s::COMMIT);
    let is_bad = (streamed & parts.bad_token).named("is_bad");
    go(is_bad, s::REPLY);
    go(is(s::COMMIT), s::REPLY);
    go(is(s::COMMIT) & parts.is_step, s::STEP);
    let row_ends = (is(s::STEP) & !of_maker.stepping).named("row_ends");
    go(row_ends, s::REPLY);
    // Tokens.
    go(is(s::RELEASE), s::RELEASED);
    go(is(s::RELEASED), s::WAIT);
    let timer = Kept::new(m, "timer", 22);
    timer.when(is(s::WAIT) & timer.q.any(), (timer.q - m.constant(1, 1)).low(22).unsigned());
    timer.when(decide, fields.word.slice(8, 8).extend(22) << 14);
    // Tokens and state of one and the same cycle: the last token and the end of making come together.
    let seen = m.always("what a request for tokens sees");
    let kept = seen.register("kept", (of_maker.made - of_maker.base).low(32).unsigned());
    let is_on = seen.register("is_on_seen", of_maker.is_on);
    let making = seen.register("making_seen", of_maker.making);
    let count = fields.word.slice(0, 8);
    let is_few = kept.less(count.extend(32)).named("is_few");
    let told = (is(s::WAIT) & (!is_few | !is_on | parts.frame_valid | !timer.q.any())).named("told");
    go(told, s::REPLY);
    let sent = is_few.mux(kept.low(8).unsigned(), count).named("tokens_sent");
    // The program memory.
    go(is(s::WRITE) & frame.is_over, s::REPLY);
    go(is(s::SEAL_PEEK) & of_pages.has_unit, s::SEAL_BYTES);
    let unit_ends = is(s::SEAL_BYTES) & of_pages.is_last_byte;
    go(unit_ends, s::SEAL_PEEK);
    go(unit_ends & of_pages.is_last_unit, s::SEAL_COMPARE);
    go(is(s::SEAL_COMPARE), s::SEAL_END);
    go(is(s::SEAL_END), s::REPLY);
    // A frame whose slot is given back before the answer is not given back behind it.
    let holds = Kept::new(m, "holds_frame", 1);
    holds.when(is(s::SETTLE), m.constant(1, 1));
    holds.when(is(s::RELEASE), m.constant(0, 1));
    let done = is(s::DONE) & holds.q;
    let is_all = sent.extend(32).equals(kept);
    [timer, holds].into_iter().for_each(Kept::close);
    Events { is_dirty, is_other, is_bad, row_ends, told, sent, is_all, making, done }
}
