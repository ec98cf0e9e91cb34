//! Pages: `SEAL` runs the CRC-32 over a page's words, and a job's pages give the digest of their CRC-32s.

use super::checks::JobFlags;
use super::frame::Bytes;
use super::held::Held;
use super::states as s;
use crate::netlist::{Module, Value};
use nda_spec::config::Geometry;
use nda_spec::wire::Status;

/// What the seal table, the CRC and the register of a word's bytes are told.
pub(super) struct Pages<'m> {
    /// The page of `word_at` becomes sealed.
    pub seal: Value<'m>,
    /// It is sealed no more.
    pub clear: Value<'m>,
    /// `word_at`'s page.
    pub page: Value<'m>,
    /// A word or a page's CRC-32 is loaded.
    pub load: Value<'m>,
    /// It is a page's CRC-32.
    pub is_page_crc: Value<'m>,
    /// The CRC begins, in a state of a job.
    pub clear_crc: Value<'m>,
}

/// `SEAL`, from its first word on.
pub(super) fn seal<'m>(m: &'m Module, held: &Held<'m>, bytes: &Bytes<'m>, crc_same: Value<'m>, crc_found: Value<'m>) -> [Value<'m>; 2] {
    held.go(held.is(s::SEAL_READ), s::SEAL_WAIT);
    held.go(held.is(s::SEAL_WAIT), s::SEAL_LOAD);
    held.go(held.is(s::SEAL_LOAD), s::SEAL_BYTES);
    let ends = (held.is(s::SEAL_BYTES) & bytes.ends).named("seal_word_ends");
    held.words_left.when(ends, (held.words_left.q - m.constant(1, 16)).low(16).unsigned());
    held.go(ends, s::SEAL_READ);
    held.go(ends & held.words_left.q.is(1), s::SEAL_COMPARE);
    held.go(held.is(s::SEAL_COMPARE), s::SEAL_CHECK);
    let checks = held.is(s::SEAL_CHECK).named("checks_seal");
    held.aux.when(checks, crc_found);
    held.say(checks & !crc_same, Status::CrcMismatch);
    held.go(checks, s::ANSWER);
    [checks & crc_same, checks & !crc_same]
}

/// The walk over a job's pages, whose numbers `word_at` counts; what comes of both comes back.
pub(super) fn pages<'m>(
    m: &'m Module,
    g: &Geometry,
    held: &Held<'m>,
    bytes: &Bytes<'m>,
    job: &JobFlags<'m>,
    (is_sealed, crc_found): (Value<'m>, Value<'m>),
) -> Pages<'m> {
    let page_shift = g.page_words.trailing_zeros() as usize;
    let page = (held.word_at.q >> page_shift).low(8).unsigned();
    let [seal, mismatch] = seal(m, held, bytes, job.crc_same, crc_found);
    held.go(held.is(s::RUN_PAGES), s::RUN_SEALED);
    let looks = held.is(s::RUN_SEALED);
    let is_dirty = (looks & !is_sealed).named("is_dirty");
    held.go(looks, s::RUN_DIGEST);
    held.go(is_dirty, s::ANSWER);
    held.say(is_dirty, Status::TileDirty);
    held.aux.when(is_dirty, held.word_at.q.extend(32));
    held.word_at.when(is_dirty, m.constant(0, 16));
    let digests = held.is(s::RUN_DIGEST);
    let page_ends = (digests & bytes.ends).named("page_ends");
    held.go(page_ends, s::RUN_PAGES);
    held.go(page_ends & job.at_last_page, s::RUN_COMPARE);
    held.go(held.is(s::RUN_COMPARE), s::RUN_SAME);
    let compares = held.is(s::RUN_SAME);
    let is_other = (compares & !job.digest_same).named("is_other");
    held.word_at.when(compares, m.constant(0, 16));
    held.go(compares, s::RUN_ACTS);
    held.go(is_other, s::ANSWER);
    held.say(is_other, Status::OtherPages);
    held.aux.when(is_other, crc_found);
    // What a word's register is told comes from registers: with a tile word it is as wide as the die, and each of these states
    // follows the one before it whatever happens.
    let ahead = m.always("what the next state takes");
    let (word_comes, page_comes) = (held.is(s::SEAL_WAIT), held.is(s::RUN_PAGES));
    Pages {
        seal,
        clear: mismatch | (held.is(s::WRITE) & bytes.ends),
        page,
        load: ahead.register("word_load", word_comes | page_comes),
        // Where words are in banks, a word is taken in the cycle behind its load.
        is_page_crc: ahead.register("word_is_page_crc", page_comes | looks),
        clear_crc: held.is(s::RUN_RANGE),
    }
}
