//! Responses: a header, then a page, tokens or a row.

use super::Layout;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Style, Value};
use nda_spec::wire::{HEADER_BYTES, IDENT_BYTES};

/// What a payload is.
pub(super) const NOTHING: u64 = 0;
/// The token machine's page.
pub(super) const PAGE: u64 = 1;
/// A state and tokens.
pub(super) const TOKENS: u64 = 2;
/// Words of a row.
pub(super) const ROW: u64 = 3;

/// Bits of a payload's length.
pub(super) const LENGTH_BITS: usize = 17;

/// What is to be sent.
pub(super) struct Content<'m> {
    pub header: Value<'m>,
    pub kind: Value<'m>,
    /// Bytes of the payload.
    pub length: Value<'m>,
    /// First word of a row.
    pub first_word: Value<'m>,
    /// Index of the first token.
    pub first_token: Value<'m>,
    pub making: Value<'m>,
    pub read_token: Value<'m>,
    pub row_data: Value<'m>,
}

/// What goes out.
pub(super) struct Reply<'m> {
    pub valid: Value<'m>,
    pub data: Value<'m>,
    pub last: Value<'m>,
    /// In `SEND_HEAD`: the header's last byte.
    pub is_head_end: Value<'m>,
    /// Bytes are left.
    pub has_more: Value<'m>,
    pub token_index: Value<'m>,
    pub row_address: Value<'m>,
}

/// The sender.
pub(super) fn update<'m>(m: &'m Module, layout: &Layout, state: Value<'m>, out_ready: Value<'m>, of: &Content<'m>) -> Reply<'m> {
    let is = |number: u64| state.is(number);
    let width = layout.sizes.token_bytes.min(2);
    let head = Kept::new(m, "response_head", 64);
    let left = Kept::new(m, "bytes_left", LENGTH_BITS);
    let head_left = Kept::new(m, "head_left", 3);
    let sent_head = (is(s::SEND_HEAD) & out_ready).named("sent_head");
    let sent = (is(s::SEND) & out_ready).named("sent");
    head.when(sent_head, head.q >> 8);
    head.when(is(s::REPLY), of.header);
    head_left.count(sent_head);
    head_left.when(is(s::REPLY), m.constant(0, 3));
    left.when(sent, (left.q - m.constant(1, 1)).low(LENGTH_BITS).unsigned());
    left.when(is(s::REPLY), of.length);
    // The next byte's place: in the page, in a token, in a word of the row.
    let (byte, word) = (Kept::new(m, "payload_byte", 6), Kept::new(m, "payload_word", 16));
    let token = Kept::new(m, "payload_token", 32);
    let is_kind = |number: u64| of.kind.is(number);
    let is_state = Kept::new(m, "payload_state", 1);
    let last_of = |bytes: usize| byte.q.is(bytes as u64 - 1);
    let row_bytes = layout.row_bytes();
    let is_word_end = (is_kind(ROW) & last_of(row_bytes)).named("is_word_end");
    let is_token_end = (is_kind(TOKENS) & (last_of(width) | is_state.q)).named("is_token_end");
    byte.count(sent);
    byte.when(sent & (is_word_end | is_token_end), m.constant(0, 6));
    byte.when(is(s::REPLY), m.constant(0, 6));
    word.count(sent & is_word_end);
    word.when(is(s::REPLY), of.first_word);
    token.count(sent & is_token_end & !is_state.q);
    token.when(is(s::REPLY), of.first_token);
    is_state.when(sent, m.constant(0, 1));
    is_state.when(is(s::REPLY), is_kind(TOKENS));
    let page = layout.sizes.to_page().map(u64::from);
    assert_eq!(page.len(), IDENT_BYTES);
    let page = m.table("token_page", Style::Distributed, 8, &page);
    let parts = |value: Value<'m>, count: usize| (0..count).map(|k| value.slice(8 * k, 8)).collect::<Vec<_>>();
    // The row comes out of a block RAM, which takes half a cycle; a byte has five.
    let of_row = m.always("a byte of the row").register("row_byte", m.select(byte.q, &parts(of.row_data, row_bytes)));
    let of_token = m.select(byte.q, &parts(of.read_token.extend(8 * width), width));
    let of_tokens = is_state.q.mux(of.making.extend(8), of_token);
    let found = is_kind(ROW).mux(of_row, is_kind(TOKENS).mux(of_tokens, page.at(byte.q)));
    let data = m.always("payload").register("payload_data", found);
    let is_head_end = head_left.q.is(HEADER_BYTES as u64 - 1);
    let result = Reply {
        valid: is(s::SEND_HEAD) | is(s::SEND),
        data: is(s::SEND).mux(data, head.q.low(8).unsigned()),
        last: (is(s::SEND_HEAD) & is_head_end & !left.q.any()) | (is(s::SEND) & left.q.is(1)),
        is_head_end,
        has_more: left.q.any(),
        token_index: token.q,
        row_address: word.q,
    };
    [head, left, head_left, byte, word, token, is_state].into_iter().for_each(Kept::close);
    result
}
