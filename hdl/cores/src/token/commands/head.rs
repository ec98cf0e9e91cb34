//! A frame's first bytes as fields, and its payload's bytes one after another.

use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::wire::{CRC_BYTES, GENERATE_BYTES, HEADER_BYTES};

/// Bytes that are read of every frame.
pub(super) const HEAD_BYTES: usize = HEADER_BYTES + GENERATE_BYTES;

/// The fields of a request, as `nda_spec::wire` has them.
#[derive(Clone, Copy)]
pub(super) struct Fields<'m> {
    pub op: Value<'m>,
    pub arg: Value<'m>,
    pub seq: Value<'m>,
    pub addr: Value<'m>,
    /// First four bytes of the payload.
    pub word: Value<'m>,
    pub id: Value<'m>,
    pub after: Value<'m>,
    pub first_page: Value<'m>,
    pub pages: Value<'m>,
    pub prompt: Value<'m>,
    pub stops: Value<'m>,
    pub most_tokens: Value<'m>,
    pub digest: Value<'m>,
    pub token_cycles: Value<'m>,
    pub inverse_temperature: Value<'m>,
    pub seed: Value<'m>,
}

/// What reads frames.
pub(super) struct Reader<'m> {
    pub fields: Fields<'m>,
    /// The next byte of the frame.
    pub position: Kept<'m>,
    /// Bytes of the payload.
    pub payload: Value<'m>,
    /// A byte is asked for in this cycle.
    pub asks: Value<'m>,
    /// A byte stands.
    pub fetched: Value<'m>,
    /// The payload's last byte was taken.
    pub is_over: Value<'m>,
}

/// A reader; `state` says what its bytes are for.
pub(super) fn reader<'m>(m: &'m Module, state: Value<'m>, frame_bytes: Value<'m>, read_data: Value<'m>) -> Reader<'m> {
    let always = m.always("reader");
    let position = Kept::new(m, "position", 13);
    let less = |by: usize| (frame_bytes - m.constant(by as u64, 13)).low(13).unsigned();
    let end = always.register("payload_end", less(CRC_BYTES));
    let payload = always.register("payload", less(HEADER_BYTES + CRC_BYTES));
    let more = !position.q.equals(end);
    let in_head = (state.is(s::HEAD) & position.q.less(m.constant(HEAD_BYTES as u64, 13))).named("in_head");
    let in_payload = ((state.is(s::STREAM) | state.is(s::WRITE)) & more).named("in_payload");
    let asks = (in_head | in_payload).named("asks");
    let fetched = always.register("fetched", asks);
    let in_frame = always.register("in_frame", position.q.less(end));
    position.count(asks);
    position.when(state.is(s::IDLE), m.constant(0, 13));
    // Bytes beyond a short frame's payload are zeros.
    let byte = in_frame.mux(read_data, m.constant(0, 8)).named("head_byte");
    let shift = m.stage("head", (state.is(s::HEAD) & fetched).named("takes_head"));
    let head = shift.feedback("head", HEAD_BYTES * 8, |head| m.concat(&[byte, head.slice(8, HEAD_BYTES * 8 - 8)]));
    let field = |at: usize, bytes: usize| head.slice(8 * at, 8 * bytes);
    let own = |at: usize, bytes: usize| field(HEADER_BYTES + at, bytes);
    let fields = Fields {
        op: field(0, 1),
        arg: field(1, 1),
        seq: field(2, 2),
        addr: field(4, 4),
        word: own(0, 4),
        id: own(0, 2),
        after: own(2, 2),
        first_page: own(4, 2),
        pages: own(6, 2),
        prompt: own(8, 2),
        stops: own(10, 1),
        most_tokens: own(12, 4),
        digest: own(16, 4),
        token_cycles: own(20, 4),
        inverse_temperature: own(24, 4),
        seed: own(28, 8),
    };
    Reader { fields, position, payload, asks, fetched, is_over: (!more & !fetched).named("payload_is_over") }
}
