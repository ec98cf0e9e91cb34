//! What the states ask about a frame's fields: sums, a cycle behind the fields, then comparisons, a cycle behind those.
//!
//! All of them are free-running, so a state that decides is reached when what it reads stands.

use super::control::Fields;
use super::frame::Frame;
use super::held::Held;
use crate::netlist::{Module, Value};
use nda_spec::config::Geometry;
use nda_spec::job::{most_plane_groups, plane_groups_of_a2};
use nda_spec::wire::{JOB_BYTES, Op, PROTOCOL_VERSION, READ_BYTES, SEAL_BYTES};

/// Bits of a sum of two addresses: one more than a store has at most.
const SUM: usize = 17;

/// What is known of a request.
pub(super) struct Known<'k, 'm> {
    pub fields: &'k Fields<'m>,
    pub frame: &'k Frame<'m>,
    pub held: &'k Held<'m>,
    /// Activation words, later tile words.
    pub product: Value<'m>,
    /// The CRC-32 or the digest that was found.
    pub crc_found: Value<'m>,
}

/// Flags over what every request has.
pub(super) struct Flags<'m> {
    pub is_sync: Value<'m>,
    pub is_ident: Value<'m>,
    pub is_stat: Value<'m>,
    pub is_write: Value<'m>,
    pub is_seal: Value<'m>,
    pub is_run: Value<'m>,
    pub is_read: Value<'m>,
    pub is_version: Value<'m>,
    pub has_payload: Value<'m>,
    pub has_word: Value<'m>,
    pub has_descriptor: Value<'m>,
    /// The payload ends within a tile word.
    pub has_tail: Value<'m>,
    pub high_address: Value<'m>,
    pub write_over: Value<'m>,
    pub page_over: Value<'m>,
    pub read_over: Value<'m>,
    /// A `READ` is of another job than the one that is held.
    pub other_job: Value<'m>,
}

/// Flags over a request: length, address, operation.
pub(super) fn flags<'m>(m: &'m Module, g: &Geometry, known: &Known<'_, 'm>) -> Flags<'m> {
    let Known { fields, frame, held, .. } = known;
    let always = m.always("checks of a request");
    let flag = |name: &str, value: Value<'m>| always.register(name, value);
    let number = |value: usize, bits: usize| m.constant(value as u64, bits);
    let log2 = |n: usize| n.trailing_zeros() as usize;
    let (payload, word_bytes) = (frame.payload, g.tile_word_bytes());
    let [addr_low, addr_high] = [fields.addr.low(16).unsigned(), fields.addr.slice(16, 16)];
    let [count_low, count_high] = [fields.word.low(16).unsigned(), fields.word.slice(16, 16)];
    let words = (payload >> log2(word_bytes)).extend(16);
    let write_end = always.register("write_end", addr_low + words);
    let read_end = always.register("read_end", addr_low + count_low);
    let op = |name: &str, of: Op| flag(name, fields.op.is(of as u64));
    const { assert!(SEAL_BYTES == READ_BYTES) };
    Flags {
        is_sync: op("is_sync", Op::Sync),
        is_ident: op("is_ident", Op::Ident),
        is_stat: op("is_stat", Op::Stat),
        is_write: op("is_write", Op::Write),
        is_seal: op("is_seal", Op::Seal),
        is_run: op("is_run", Op::Run),
        is_read: op("is_read", Op::Read),
        is_version: flag("is_version", fields.arg.is(u64::from(PROTOCOL_VERSION))),
        has_payload: flag("has_payload", payload.any()),
        has_word: flag("has_word", payload.is(SEAL_BYTES as u64)),
        has_descriptor: flag("has_descriptor", !payload.less(number(JOB_BYTES, 13))),
        has_tail: flag("has_tail", payload.low(log2(word_bytes)).any()),
        high_address: flag("high_address", addr_high.any()),
        write_over: flag("write_over", number(g.tile_words, SUM).less(write_end)),
        page_over: flag("page_over", !addr_low.less(number(g.pages(), 16))),
        read_over: flag("read_over", count_high.any() | held.job_rows.q.extend(SUM).less(read_end)),
        other_job: flag("other_job", !addr_high.equals(held.job_id.q)),
    }
}

/// Flags over a job, and over what was found of pages.
pub(super) struct JobFlags<'m> {
    /// The CRC-32 of a page is the one that was said.
    pub crc_same: Value<'m>,
    /// So is the digest of the job's pages.
    pub digest_same: Value<'m>,
    /// The page that is looked at is the job's last.
    pub at_last_page: Value<'m>,
    /// The last page's last word.
    pub last_word: Value<'m>,
    /// The job is the one that was started last.
    pub same_job: Value<'m>,
    /// It is older.
    pub old_job: Value<'m>,
    /// The length is not that of a job's activations.
    pub acts_wrong: Value<'m>,
    pub acts_over: Value<'m>,
    /// Of the job that was started last, more results are asked for than it has.
    pub again_over: Value<'m>,
    pub range_bad: Value<'m>,
}

/// Flags over a job: its shape, its place, its pages.
pub(super) fn job_flags<'m>(m: &'m Module, g: &Geometry, known: &Known<'_, 'm>, high_address: Value<'m>) -> JobFlags<'m> {
    let Known { fields, frame, held, product, crc_found } = *known;
    let always = m.always("checks of a job");
    let flag = |name: &str, value: Value<'m>| always.register(name, value);
    let number = |value: usize, bits: usize| m.constant(value as u64, bits);
    let addr_low = fields.addr.low(16).unsigned();
    // Of more than 2^16 words the sum is wrong, but `counts_bad` is set.
    let tile_end = always.register("tile_end", fields.base.low(16).unsigned() + product.low(16).unsigned());
    let tile_over = flag("tile_over", number(g.tile_words, SUM).less(tile_end));
    let last_word = always.register("last_word", (tile_end.low(16).unsigned() - m.constant(1, 16)).low(16).unsigned());
    let age = always.register("age", (fields.job_id - held.job_id.q).low(16).unsigned());
    let act_bytes = product << g.act_word_bytes().trailing_zeros() as usize;
    let too_many_groups = number(most_plane_groups(g), 8).less(fields.plane_groups);
    let not_a2 = fields.a2 & !fields.plane_groups.is(plane_groups_of_a2(g.planes) as u64);
    let rows_over = number(g.result_words, 16).less(fields.row_groups);
    let wants_more = fields.row_groups.less(addr_low);
    let shape_bad = flag("shape_bad", !fields.plane_groups.any() | too_many_groups | not_a2 | rows_over | wants_more);
    let is_far = fields.base.slice(16, 16).any() | product.slice(16, 16).any();
    let counts_bad = flag("counts_bad", is_far | !fields.row_groups.any() | !fields.col_beats.any());
    JobFlags {
        crc_same: flag("crc_same", crc_found.equals(fields.word)),
        digest_same: flag("digest_same", crc_found.equals(fields.digest)),
        at_last_page: flag("at_last_page", held.word_at.q.equals(held.words_left.q)),
        last_word,
        same_job: flag("same_job", !age.any()),
        old_job: age.bit(15),
        acts_wrong: flag("acts_wrong", !act_bytes.equals(frame.act_bytes.extend(32))),
        acts_over: flag("acts_over", number(g.act_words, 32).less(product)),
        again_over: flag("again_over", held.job_rows.q.less(addr_low)),
        range_bad: flag("range_bad", shape_bad | counts_bad | tile_over | high_address),
    }
}
