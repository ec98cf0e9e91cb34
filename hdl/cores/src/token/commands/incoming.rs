//! What comes in behind a head: the program memory's bytes, stops and prompt.

use super::head::Reader;
use super::pages::PAGE_BITS;
use super::states as s;
use super::{Layout, UNIT_BITS};
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};

/// A unit for the program memory.
pub(super) struct Load<'m> {
    pub valid: Value<'m>,
    pub address: Value<'m>,
    pub data: Value<'m>,
    /// The page that it lies on.
    pub page: Value<'m>,
}

/// The bytes of a `WRITE` as units.
pub(super) fn load<'m>(m: &'m Module, layout: &Layout, state: Value<'m>, frame: &Reader<'m>, byte: Value<'m>) -> Load<'m> {
    let decide = state.is(s::DECIDE);
    let writes = (state.is(s::WRITE) & frame.fetched).named("writes");
    let at_byte = Kept::new(m, "write_byte", 3);
    at_byte.when(decide, m.constant(0, 3));
    at_byte.count(writes);
    let data = m.stage("load_bytes", writes).feedback("load_data", 64, |held| m.concat(&[byte, held.slice(8, 56)]));
    let completes = (writes & at_byte.q.is(7)).named("completes");
    let address = Kept::new(m, "load_unit", UNIT_BITS);
    let word_units = (layout.word_bytes / 8).trailing_zeros() as usize;
    let own_word = (frame.fields.addr - m.constant(layout.tile_words as u64, 32)).low(UNIT_BITS).unsigned();
    address.when(decide, own_word << word_units);
    let valid = m.always("load").register("load_valid", completes);
    address.count(valid);
    let own_page = address.q.slice(layout.page_units().trailing_zeros() as usize, PAGE_BITS);
    let page = (own_page + m.constant(layout.tile_pages as u64, PAGE_BITS)).low(PAGE_BITS).unsigned();
    let load = Load { valid, address: address.q, data, page };
    [at_byte, address].into_iter().for_each(Kept::close);
    load
}

/// A token of a request.
pub(super) struct Incoming<'m> {
    pub token: Value<'m>,
    pub takes_stop: Value<'m>,
    pub takes_prompt: Value<'m>,
    /// Its number in the prompt.
    pub prompt_index: Value<'m>,
    /// The program does not have one of them.
    pub bad: Value<'m>,
}

/// The stops and the prompt of a request.
pub(super) fn prompt<'m>(
    m: &'m Module,
    layout: &Layout,
    state: Value<'m>,
    frame: &Reader<'m>,
    byte: Value<'m>,
    last_token: Value<'m>,
) -> Incoming<'m> {
    let decide = state.is(s::DECIDE);
    let width = layout.sizes.token_bytes.min(2);
    let streams = (state.is(s::STREAM) & frame.fetched).named("streams");
    let low_byte = m.stage("low_byte", streams).register("low_byte", byte);
    let half = Kept::new(m, "token_half", 1);
    half.when(streams, if width == 1 { m.constant(0, 1) } else { !half.q });
    half.when(decide, m.constant(0, 1));
    let takes = if width == 1 { streams } else { (streams & half.q).named("takes_token") };
    let token = if width == 1 { byte } else { m.concat(&[byte, low_byte]) };
    let number = Kept::new(m, "token_number", 16);
    number.when(decide, m.constant(0, 16));
    number.count(takes);
    let stop_count = frame.fields.stops.extend(16);
    let is_stop = number.q.less(stop_count).named("token_is_stop");
    let bad = Kept::new(m, "bad_token", 1);
    bad.when(decide, m.constant(0, 1));
    // The byte comes out of a block RAM: no comparison in its cycle.
    let taken = m.always("a token of the prompt");
    let (is_taken, number_taken) = (taken.register("prompt_taken", takes & !is_stop), taken.register("token_taken", token.extend(16)));
    bad.when(is_taken & last_token.less(number_taken), m.constant(1, 1));
    let incoming = Incoming {
        token: token.low(8 * width).unsigned(),
        takes_stop: takes & is_stop,
        takes_prompt: takes & !is_stop,
        prompt_index: (number.q - stop_count).low(16).unsigned(),
        bad: bad.q,
    };
    [half, number, bad].into_iter().for_each(Kept::close);
    incoming
}
