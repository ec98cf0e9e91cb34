//! What a request asks for, and the answer to what cannot be: PROTOCOL.md's checks in their order.

use super::Layout;
use super::answer::Held;
use super::head::Fields;
use super::maker::Maker;
use super::reply;
use crate::netlist::{Module, Value};
use nda_spec::token::MAX_STOPS;
use nda_spec::wire::{GENERATE_BYTES, IDENT_BYTES, Making, Op, READ_BYTES, SEAL_BYTES, Status, TOKEN_CYCLES_BITS, TOKENS_BYTES};

/// What the commands know.
pub(super) struct Known<'k, 'm> {
    pub held: &'k Held<'m>,
    pub maker: &'k Maker<'m>,
}

/// What is to be done, in `DECIDE`: nothing of these is the command processor's.
pub(super) struct Asked<'m> {
    pub is_sync: Value<'m>,
    /// A `GENERATE` or `STEP` that begins a sequence.
    pub is_new: Value<'m>,
    /// At once, with the status that follows.
    pub answers: Value<'m>,
    /// Its pages are to be looked at.
    pub walks: Value<'m>,
    /// For tokens.
    pub waits: Value<'m>,
    pub writes: Value<'m>,
    pub seals: Value<'m>,
    pub status: Value<'m>,
    pub aux: Value<'m>,
    pub kind: Value<'m>,
    pub length: Value<'m>,
    /// First word of a row.
    pub first_word: Value<'m>,
    /// Bytes of a row that comes with the answer.
    pub inline_bytes: Value<'m>,
}

/// Refusals and answers: of several the first said counts.
struct Verdicts<'m> {
    m: &'m Module,
    open: Value<'m>,
    status: Value<'m>,
    aux: Value<'m>,
    answers: Value<'m>,
    /// Verdicts so far.
    count: usize,
}

impl<'m> Verdicts<'m> {
    fn new(m: &'m Module) -> Verdicts<'m> {
        let zero = |bits| m.constant(0, bits);
        Verdicts { m, open: m.constant(1, 1), status: zero(8), aux: zero(32), answers: zero(1), count: 0 }
    }

    fn say(&mut self, flag: Value<'m>, status: Status, aux: Option<Value<'m>>) -> Value<'m> {
        let says = self.rest(flag);
        let aux = aux.map_or(self.m.constant(0, 32), |aux| aux.extend(32));
        self.status = says.mux(self.m.constant(status as u64, 8), self.status);
        self.aux = says.mux(aux, self.aux);
        self.answers = self.answers | says;
        says
    }

    /// What is left of a flag: nothing that was said before.
    fn rest(&mut self, flag: Value<'m>) -> Value<'m> {
        // Each with a name: else every verdict's text would hold the texts of all those before it.
        let rest = (self.open & flag).named(&format!("verdict_{}", self.count));
        self.open = (self.open & !flag).named(&format!("open_{}", self.count));
        self.count += 1;
        rest
    }
}

/// `value` times a constant, by shifts and sums.
fn times<'m>(m: &'m Module, value: Value<'m>, by: usize, bits: usize) -> Value<'m> {
    let parts = (0..usize::BITS as usize).filter(|bit| by >> bit & 1 == 1).map(|bit| value.extend(bits) << bit);
    parts.reduce(|a, b| (a + b).low(bits).unsigned()).unwrap_or_else(|| m.constant(0, bits))
}

/// The verdict over a request; it stands in `DECIDE`, three cycles behind the fields. Whether tokens are made is as old: only a
/// request begins that, and one whose making has just ended is told so a cycle later.
pub(super) fn update<'m>(
    m: &'m Module,
    layout: &Layout,
    fields: &Fields<'m>,
    payload: Value<'m>,
    first_token: Value<'m>,
    known: &Known<'_, 'm>,
) -> Asked<'m> {
    let Known { held, maker } = known;
    let [sequence_id, last_id, row_id, run_id] = [&held.sequence_id, &held.last_id, &held.row_id, &held.run_id].map(|kept| kept.q);
    let [has_sequence, has_id, has_row] = [&held.has_sequence, &held.has_id, &held.has_row].map(|kept| kept.q);
    let always = m.always("request_flags");
    let flag = |name: &str, value: Value<'m>| always.register(name, value);
    let op = |of: Op| flag(&format!("is_{of:?}").to_lowercase(), fields.op.is(of as u64));
    let number = |value: usize, bits: usize| m.constant(value as u64, bits);
    // Sums.
    let tokens = (fields.prompt + fields.stops.extend(16)).unsigned();
    let width = layout.sizes.token_bytes.min(2);
    let token_bytes = if width == 1 { tokens.extend(19) } else { tokens.extend(19) << 1 };
    let wanted = always.register("wanted", (token_bytes + number(GENERATE_BYTES, 19)).low(19).unsigned());
    let age = always.register("age", (fields.id - last_id).low(16).unsigned());
    let log2 = |n: usize| n.trailing_zeros() as usize;
    let words = (payload >> log2(layout.word_bytes)).extend(33);
    let write_end = always.register("write_end", (fields.addr.extend(33) + words).low(33).unsigned());
    let pages_end = always.register("pages_end", fields.first_page + fields.pages);
    let read_end = always.register("read_end", fields.addr.low(16).unsigned() + fields.word.low(16).unsigned());
    let offset = always.register("offset", (first_token - maker.base).low(32).unsigned());
    let kept = always.register("kept_tokens", (maker.made - maker.base).low(32).unsigned());
    // Comparisons.
    let has = |name: &str, bytes: usize| flag(name, payload.is(bytes as u64));
    let no_payload = has("no_payload", 0);
    let has_four = has("has_four", SEAL_BYTES);
    const { assert!(SEAL_BYTES == READ_BYTES && SEAL_BYTES == TOKENS_BYTES) };
    let tail = payload.low(log2(layout.word_bytes)).any();
    let no_words = flag("no_words", tail | !payload.any());
    let all_words = number(layout.tile_words + layout.program_words, 33);
    let write_over = flag("write_over", all_words.less(write_end));
    let own_word = flag("own_word", !fields.addr.less(number(layout.tile_words, 32)));
    let own_page = flag("own_page", !fields.addr.less(number(layout.tile_pages, 32)));
    let page_over = flag("page_over", !fields.addr.less(number(layout.all_pages(), 32)));
    let row_over = flag("row_over", fields.word.slice(16, 16).any() | maker.rows.extend(17).less(read_end));
    let inline_over = flag("inline_over", fields.addr.slice(16, 16).any() | maker.rows.extend(16).less(fields.addr.low(16).unsigned()));
    let length_wrong = payload.less(number(GENERATE_BYTES, 13)) | !payload.extend(19).equals(wanted);
    let length_wrong = flag("length_wrong", length_wrong);
    let too_many_stops = flag("too_many_stops", number(MAX_STOPS, 8).less(fields.stops));
    let one_token = flag("one_token", fields.prompt.is(1));
    let is_same_age = flag("is_same_age", has_id & !age.any());
    let is_old = flag("is_old", has_id & (!age.any() | age.bit(15)));
    let is_new = flag("is_new", fields.after.equals(fields.id));
    let of_sequence = flag("of_sequence", has_sequence & sequence_id.equals(fields.id));
    let behind_sequence = flag("behind_sequence", has_sequence & sequence_id.equals(fields.after));
    let asks_sequence = flag("asks_sequence", has_sequence & sequence_id.equals(fields.addr.slice(16, 16)));
    let out_of_queue = flag("out_of_queue", kept.less(offset));
    let row_stands = held.row_stands.q;
    let of_row = flag("of_row", has_row & row_stands & row_id.equals(fields.id));
    let asks_row = flag("asks_row", row_stands & row_id.equals(fields.addr.slice(16, 16)));
    let of_run = flag("of_run", has_row & held.has_run.q & run_id.equals(fields.id));
    let over = pages_end_over(m, layout, fields, pages_end);
    let out_of_range = flag("out_of_range", over);
    let failed = flag("has_failed", maker.making.is(Making::Failed as u64));
    let is_on = flag("is_making", maker.is_on);
    let [sync, ident, write, seal, run, read] = [Op::Sync, Op::Ident, Op::Write, Op::Seal, Op::Run, Op::Read].map(op);
    let [generate, asks_tokens, step] = [Op::Generate, Op::Tokens, Op::Step].map(op);

    let mut say = Verdicts::new(m);
    let said_id = has_id.mux(last_id, number(0, 16));
    let page = say.say(ident & no_payload & fields.addr.bit(0), Status::Ok, None);
    say.say(asks_tokens & !has_four, Status::BadLen, None);
    say.say(asks_tokens & !asks_sequence, Status::StaleJob, Some(said_id));
    say.say(asks_tokens & out_of_queue, Status::Range, None);
    let waits = say.rest(asks_tokens);
    let row = say.say(read & has_row & has_four & asks_row & !row_over, Status::Ok, Some(fields.addr));
    say.say(read & has_row & !has_four, Status::BadLen, None);
    say.say(read & has_row & !asks_row, Status::StaleJob, Some(row_id));
    say.say(read & has_row, Status::Range, None);
    say.say(is_on & (write | seal | run | step), Status::Busy, None);
    say.say(run & of_run, Status::StaleJob, Some(run_id));
    say.say(write & own_word & no_words, Status::BadLen, None);
    say.say(write & own_word & write_over, Status::Range, None);
    let writes = say.rest(write & own_word);
    say.say(seal & own_page & !has_four, Status::BadLen, None);
    say.say(seal & own_page & page_over, Status::Range, None);
    let seals = say.rest(seal & own_page);
    let either = generate | step;
    say.say(either & length_wrong, Status::BadLen, None);
    say.say(either & too_many_stops, Status::Range, None);
    say.say(step & !one_token, Status::BadLen, None);
    say.say(generate & is_same_age & of_sequence, Status::Dup, None);
    say.say(step & is_same_age & of_row & inline_over, Status::Range, None);
    let again = say.say(step & is_same_age & of_row, Status::Dup, Some(maker.cycles));
    say.say(either & is_old, Status::StaleJob, Some(said_id));
    say.say(either & !is_new & (!behind_sequence | failed), Status::StaleJob, Some(said_id));
    say.say(either & !is_new & is_on, Status::Busy, None);
    say.say(either & out_of_range, Status::Range, None);
    let walks = say.rest(either);

    let bytes = |words: Value<'m>| times(m, words.low(12).unsigned(), layout.row_bytes(), reply::LENGTH_BITS);
    let inline_bytes = always.register("inline_bytes", bytes(fields.addr));
    let read_bytes = always.register("read_bytes", bytes(fields.word));
    let kind = |of: u64| m.constant(of, 2);
    let no_length = number(0, reply::LENGTH_BITS);
    let length = page.mux(number(IDENT_BYTES, reply::LENGTH_BITS), row.mux(read_bytes, again.mux(inline_bytes, no_length)));
    let of_kind = page.mux(kind(reply::PAGE), waits.mux(kind(reply::TOKENS), (row | again).mux(kind(reply::ROW), kind(reply::NOTHING))));
    let aux = (waits | writes).mux(fields.addr, say.aux);
    // Thirty verdicts in a row take a cycle.
    let verdict = m.always("the verdict");
    let stands = |name: &str, value: Value<'m>| verdict.register(&format!("verdict_{name}"), value);
    Asked {
        is_sync: stands("is_sync", sync & no_payload),
        is_new,
        answers: stands("answers", say.answers),
        walks: stands("walks", walks),
        waits: stands("waits", waits),
        writes: stands("writes", writes),
        seals: stands("seals", seals),
        status: stands("status", say.status),
        aux: stands("aux", aux),
        kind: stands("kind", of_kind),
        length: stands("length", length),
        first_word: read.mux(fields.addr.low(16).unsigned(), number(0, 16)),
        inline_bytes,
    }
}

/// Whether a request's pages, its prompt or its cycles are out of range.
fn pages_end_over<'m>(m: &'m Module, layout: &Layout, fields: &Fields<'m>, pages_end: Value<'m>) -> Value<'m> {
    let number = |value: usize, bits: usize| m.constant(value as u64, bits);
    let pages_over = number(layout.tile_pages, pages_end.bits).less(pages_end) | !fields.pages.any();
    let endless = fields.token_cycles.slice(TOKEN_CYCLES_BITS, 32 - TOKEN_CYCLES_BITS).any();
    pages_over | endless | !fields.prompt.any() | number(layout.sizes.prompt_tokens, 16).less(fields.prompt)
}
