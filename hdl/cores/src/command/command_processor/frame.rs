//! The frame's bytes: the first 28 for the header register, the payload's for the stores.

use super::held::Held;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::config::Geometry;
use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, JOB_BYTES};

/// Bytes of the header register, and where a job's activations begin.
pub(super) const HEAD_BYTES: u64 = (HEADER_BYTES + JOB_BYTES) as u64;

/// What reads frames.
pub(super) struct Frame<'m> {
    /// Bytes of the payload.
    pub payload: Value<'m>,
    /// Bytes of the payload behind a job's descriptor.
    pub act_bytes: Value<'m>,
    /// A byte is asked for.
    pub asks: Value<'m>,
    /// A byte stands.
    pub fetched: Value<'m>,
    /// The byte for the header register.
    pub head_byte: Value<'m>,
    /// The payload's last byte was taken.
    pub is_over: Value<'m>,
}

/// The reader: a byte is asked for in one cycle and there in the next.
pub(super) fn reader<'m>(
    m: &'m Module,
    held: &Held<'m>,
    frame_valid: Value<'m>,
    frame_bytes: Value<'m>,
    read_data: Value<'m>,
) -> Frame<'m> {
    let always = m.always("the frame's ends");
    let without = |bytes: usize| (frame_bytes - m.constant(bytes as u64, 13)).low(13).unsigned();
    let end = always.register("payload_end", without(CRC_BYTES));
    let payload = always.register("payload", without(HEADER_BYTES + CRC_BYTES));
    let act_bytes = always.register("act_bytes", without(HEADER_BYTES + JOB_BYTES + CRC_BYTES));
    let position = held.position.q;
    let more = (!position.equals(end)).named("more");
    let in_head = held.is(s::HEADER) & position.less(m.constant(HEAD_BYTES, 13));
    let asks = (in_head | ((held.is(s::WRITE) | held.is(s::RUN_ACTS)) & more)).named("asks");
    let fetched = always.register("fetched", asks);
    // Bytes beyond a short frame's payload are taken as zero.
    let in_frame = always.register("in_frame", position.less(end));
    held.position.when(held.is(s::IDLE), m.constant(0, 13));
    held.position.count(asks);
    held.go(held.is(s::IDLE) & frame_valid, s::SETTLE);
    held.go(held.is(s::SETTLE), s::HEADER);
    held.go(held.is(s::HEADER) & fetched & position.is(HEAD_BYTES), s::SUMS);
    held.go(held.is(s::SUMS), s::FLAGS);
    let head_byte = in_frame.mux(read_data, m.constant(0, 8));
    Frame { payload, act_bytes, asks, fetched, head_byte, is_over: (!more & !fetched).named("payload_is_over") }
}

/// Bytes that move: from the frame into the stores, and out of words into the CRC.
pub(super) struct Bytes<'m> {
    /// A byte for a store.
    pub stored: Value<'m>,
    /// A byte for the CRC.
    pub summed: Value<'m>,
    /// It is the last of its word.
    pub ends: Value<'m>,
}

/// Counts bytes into words: of the tile store, of the activation store, of a page's CRC-32.
pub(super) fn bytes<'m>(m: &'m Module, g: &Geometry, held: &Held<'m>, fetched: Value<'m>) -> Bytes<'m> {
    let index = Kept::new(m, "byte_index", 8);
    let stored = (fetched & (held.is(s::WRITE) | held.is(s::RUN_ACTS))).named("stored");
    let summed = (held.is(s::SEAL_BYTES) | held.is(s::RUN_DIGEST)).named("summed");
    let moves = stored | summed;
    let last_of = |bytes: usize| m.constant(bytes as u64 - 1, 8);
    let of_store = held.is(s::RUN_ACTS).mux(last_of(g.act_word_bytes()), last_of(g.tile_word_bytes()));
    let last = held.is(s::RUN_DIGEST).mux(last_of(CRC_BYTES), of_store);
    let ends = (moves & index.q.equals(last)).named("word_ends");
    index.when(held.is(s::IDLE), m.constant(0, 8));
    index.when(moves, ends.mux(m.constant(0, 8), index.q.next()));
    index.close();
    // The last word of a page stays: its page is sealed next.
    held.word_at.count(ends & !(held.is(s::SEAL_BYTES) & held.words_left.q.is(1)));
    Bytes { stored, summed, ends }
}
