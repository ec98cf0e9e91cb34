//! The response: its header, then words of the identification, the counters or the results, byte by byte.

use super::control::Fields;
use super::held::Held;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::config::Geometry;
use nda_spec::wire::{HEADER_BYTES, RESPONSE_BIT};

/// Where a response's words come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Nothing = 0,
    Identity = 1,
    Counters = 2,
    Results = 3,
}

impl Source {
    /// Bits of its number.
    pub const BITS: usize = 2;
}

/// Bytes of a word of a page.
const PAGE_WORD_BYTES: u64 = 4;

/// What the word of the response is, and what is done with it.
pub(super) struct Reply<'m> {
    pub word: Value<'m>,
    pub load: Value<'m>,
    pub shift: Value<'m>,
    pub valid: Value<'m>,
    pub last: Value<'m>,
}

/// Inputs of the response.
pub(super) struct Words<'m> {
    pub identity: Value<'m>,
    pub counter: Value<'m>,
    pub result: Value<'m>,
    pub out_ready: Value<'m>,
}

/// The response, in words of `bits` bits.
pub(super) fn reply<'m>(m: &'m Module, g: &Geometry, held: &Held<'m>, fields: &Fields<'m>, words: &Words<'m>, bits: usize) -> Reply<'m> {
    let from = |source: Source| held.source.q.is(source as u64);
    let of_page = from(Source::Counters).mux(words.counter, words.identity);
    let next = from(Source::Results).mux(words.result.extend(bits), of_page.extend(bits));
    // Registered: a word is asked for three bytes before it is loaded, and a result word has three at least.
    let next = m.always("the next word").register("next_word", next);
    let answers = held.is(s::ANSWER);
    let op = fields.op | m.constant(u64::from(RESPONSE_BIT), 8);
    let head = m.concat(&[held.aux.q, fields.seq, held.status(), op]);
    let left = Kept::new(m, "bytes_left", 8);
    let sends = held.is(s::SEND);
    let shift = (sends & words.out_ready).named("sends_byte");
    let has_more = held.send_words.q.any();
    let is_last_byte = left.q.is(1);
    let ends = (shift & is_last_byte).named("sent_word");
    let loads = (ends & has_more).named("loads_next");
    let word_bytes = from(Source::Results).mux(m.constant(g.result_word_bytes() as u64, 8), m.constant(PAGE_WORD_BYTES, 8));
    left.when(shift, (left.q - m.constant(1, 8)).low(8).unsigned());
    left.when(loads, word_bytes);
    left.when(answers, m.constant(HEADER_BYTES as u64, 8));
    left.close();
    held.send_words.when(loads, (held.send_words.q - m.constant(1, 16)).low(16).unsigned());
    held.word_at.count(loads);
    held.go(answers, s::SEND);
    held.go(ends & !has_more, s::DONE);
    held.go(held.is(s::DONE), s::IDLE);
    Reply { word: answers.mux(head.extend(bits), next), load: answers | loads, shift, valid: sends, last: sends & is_last_byte & !has_more }
}
