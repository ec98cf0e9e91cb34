//! The response: a header, then a byte of signs and a byte of extra bits for every beat.

use super::asked::Asked;
use super::core::Gathered;
use super::{DECIDE, SEND, SEND_HEAD, ruled};
use crate::netlist::{Module, Value};
use nda_spec::seed::Operation;
use nda_spec::wire::HEADER_BYTES;

/// What goes out, and how far it is.
pub(super) struct Answer<'m> {
    pub valid: Value<'m>,
    pub data: Value<'m>,
    pub last: Value<'m>,
    /// The header went out before.
    pub has_head: Value<'m>,
    /// Its last byte goes out.
    pub head_ends: Value<'m>,
    /// Nothing follows it.
    pub is_bare: Value<'m>,
    /// A beat's last byte goes out.
    pub beat_ends: Value<'m>,
}

/// `is_over`: no beat is left.
pub(super) fn answer<'m>(
    m: &'m Module,
    state: Value<'m>,
    out_ready: Value<'m>,
    asked: &Asked<'m>,
    (result, scale): (&Gathered<'m>, Value<'m>),
    is_over: Value<'m>,
) -> Answer<'m> {
    let always = m.always("answer");
    let is = |number: u64| state.is(number);
    let begins = is(DECIDE);
    let (has_head, head_left) = (always.declare("has_head", 1, 0), always.declare("head_left", 3, 0));
    let is_extra = always.declare("is_extra", 1, 0);
    let status = m.stage("status", begins).register("status", asked.refusal);
    let header = m.concat(&[scale, asked.echo.slice(8, 16), status, asked.echo.low(8)]);
    let bytes: Vec<Value> = (0..HEADER_BYTES).map(|k| header.slice(8 * k, 8)).collect();
    let sent_head = is(SEND_HEAD) & out_ready;
    let sent = is(SEND) & out_ready;
    always.take(head_left, (head_left + sent_head).low(3).unsigned());
    always.take(has_head, ruled(has_head, &[(is(SEND), m.constant(1, 1)), (begins, m.constant(0, 1))]));
    always.take(is_extra, is_extra ^ sent);
    let is_bare = (status.any() | asked.of(Operation::Truthy)).named("is_bare");
    let head_ends = (sent_head & head_left.all()).named("head_ends");
    Answer {
        valid: is(SEND_HEAD) | is(SEND),
        data: is(SEND).mux(is_extra.mux(result.extra, result.sign), m.select(head_left, &bytes)),
        last: (is(SEND_HEAD) & head_left.all() & is_bare) | (is(SEND) & is_extra & is_over),
        has_head,
        head_ends,
        is_bare,
        beat_ends: (sent & is_extra).named("beat_ends"),
    }
}
