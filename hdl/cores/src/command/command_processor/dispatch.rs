//! What becomes of a request once its flags stand: an answer at once, or the first state of its operation.

use super::checks::Flags;
use super::control::Fields;
use super::held::Held;
use super::reply::Source;
use super::states as s;
use crate::netlist::{Module, Value};
use nda_spec::config::Geometry;
use nda_spec::wire::{HEADER_BYTES, IDENT_BYTES, STAT_BYTES, Status};

/// What a request begins with, loaded before it is known which it is: behind the decision it would be the longest path of
/// the board, and a tool would make it a synchronous reset on top.
pub(super) fn begin<'m>(m: &'m Module, g: &Geometry, held: &Held<'m>) {
    let flags = held.is(s::FLAGS);
    held.say(flags, Status::Ok);
    held.aux.when(flags, m.constant(0, 32));
    held.send(flags, Source::Nothing, m.constant(0, 16));
    held.word_at.when(flags, m.constant(0, 16));
    held.words_left.when(flags, m.constant(g.page_words as u64, 16));
    held.go(flags, s::DISPATCH);
}

/// The decision; whether a page is to be sealed comes back. Operations exclude each other.
pub(super) fn decide<'m>(m: &'m Module, g: &Geometry, held: &Held<'m>, flags: &Flags<'m>, fields: &Fields<'m>) -> Value<'m> {
    let f = flags;
    let decides = held.is(s::DISPATCH).named("decides");
    let now = |flag: Value<'m>| decides & flag;
    let addr_low = fields.addr.low(16).unsigned();
    held.go(decides, s::ANSWER);

    // Refusals, each operation's in their order.
    let is_bare = f.is_sync | f.is_ident | f.is_stat;
    let is_whole = f.has_payload & !f.has_tail;
    let writes = (f.is_write & is_whole).named("writes");
    let seals = (f.is_seal & f.has_word).named("seals");
    let reads = (f.is_read & f.has_word).named("reads");
    let stale = (!held.has_job.q | f.other_job).named("stale");
    let wants_word = (f.is_seal | f.is_read) & !f.has_word;
    held.say(now((is_bare & f.has_payload) | (f.is_write & !is_whole) | wants_word | (f.is_run & !f.has_descriptor)), Status::BadLen);
    let write_over = f.high_address | f.write_over;
    let page_over = f.high_address | f.page_over;
    held.say(now((writes & write_over) | (seals & page_over) | (reads & !stale & f.read_over)), Status::Range);
    held.say(now(reads & stale), Status::StaleJob);
    held.aux.when(now(reads & stale & held.has_job.q), held.job_id.q.extend(32));
    held.say(now(!(is_bare | f.is_write | f.is_seal | f.is_run | f.is_read)), Status::BadOp);

    // What is granted.
    let bare = now(!f.has_payload).named("is_bare_request");
    let syncs = (bare & f.is_sync).named("syncs");
    held.say(syncs & !f.is_version, Status::Version);
    held.has_job.when(syncs, m.constant(0, 1));
    held.send(bare & f.is_ident, Source::Identity, m.constant(IDENT_BYTES as u64 / 4, 16));
    held.send(bare & f.is_stat, Source::Counters, m.constant(STAT_BYTES as u64 / 4, 16));
    let writes = now(writes & !write_over).named("begins_write");
    held.position.when(writes, m.constant(HEADER_BYTES as u64, 13));
    held.go(writes, s::WRITE);
    let seals = now(seals & !page_over).named("begins_seal");
    held.word_at.when(seals, addr_low << g.page_words.trailing_zeros() as usize);
    held.go(seals, s::SEAL_READ);
    held.go(now(f.is_run & f.has_descriptor), s::RUN_ACT_WORDS);
    let reads = now(reads & !stale & !f.read_over).named("begins_read");
    held.send(reads, Source::Results, fields.word.low(16).unsigned());
    held.aux.when(syncs | writes | reads, fields.addr);
    held.word_at.when(writes | reads, addr_low);
    seals
}
