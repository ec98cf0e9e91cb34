//! Status, aux and payload of the answer, its sending, and what is remembered of a request.

use super::Layout;
use super::flow::{Events, Parts};
use super::head::Fields;
use super::reply::{self, Content, Reply};
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::wire::{Making, RESPONSE_BIT, Status};

/// What is remembered of requests.
pub(super) struct Held<'m> {
    pub sequence_id: Kept<'m>,
    pub last_id: Kept<'m>,
    pub row_id: Kept<'m>,
    pub run_id: Kept<'m>,
    pub has_sequence: Kept<'m>,
    pub has_id: Kept<'m>,
    pub has_row: Kept<'m>,
    /// The row is whole: results of products took the place of what was there before.
    pub row_stands: Kept<'m>,
    /// There was a `RUN` in the session.
    pub has_run: Kept<'m>,
}

impl<'m> Held<'m> {
    pub fn new(m: &'m Module) -> Held<'m> {
        let [sequence_id, last_id, row_id, run_id] = ["sequence_id", "last_id", "row_id", "run_id"].map(|name| Kept::new(m, name, 16));
        let [has_sequence, has_id, has_row, row_stands, has_run] =
            ["has_sequence", "has_id", "has_row", "row_stands", "has_run"].map(|name| Kept::new(m, name, 1));
        Held { sequence_id, last_id, row_id, run_id, has_sequence, has_id, has_row, row_stands, has_run }
    }

    /// `ran`: the command processor has done a `RUN`.
    pub fn update(self, m: &'m Module, state: &Kept<'m>, fields: &Fields<'m>, parts: &Parts<'m>, events: &Events<'m>, ran: Value<'m>) {
        let [one, zero] = [1, 0].map(|bit| m.constant(bit, 1));
        let commit = state.q.is(s::COMMIT);
        let has_new_row = events.row_ends & !parts.of_maker.making.is(Making::Failed as u64);
        self.has_sequence.when(state.q.is(s::QUIET) & parts.asked.is_new, zero);
        self.has_sequence.when(commit, one);
        self.sequence_id.when(commit, fields.id);
        self.last_id.when(commit, fields.id);
        self.has_id.when(commit, one);
        self.has_row.when(ran, zero);
        self.run_id.when(ran, fields.id);
        self.has_run.when(ran, one);
        self.has_row.when(commit, one);
        self.row_id.when(commit, fields.id);
        self.row_stands.when(commit, zero);
        self.row_stands.when(has_new_row, one);
        for register in [&self.has_sequence, &self.has_id, &self.has_row, &self.has_run] {
            register.when(state.q.is(s::DECIDE) & parts.asked.is_sync, zero);
        }
        let Held { sequence_id, last_id, row_id, run_id, has_sequence, has_id, has_row, row_stands, has_run } = self;
        let ids = [sequence_id, last_id, row_id, run_id];
        ids.into_iter().chain([has_sequence, has_id, has_row, row_stands, has_run]).for_each(Kept::close);
    }
}

/// The answer and its way out; `out` is the encoder's ready and the row's word.
pub(super) fn update<'m>(
    m: &'m Module,
    layout: &Layout,
    state: &Kept<'m>,
    fields: &Fields<'m>,
    parts: &Parts<'m>,
    events: &Events<'m>,
    out: (Value<'m>, Value<'m>),
) -> Reply<'m> {
    let Parts { asked, of_pages, of_maker, .. } = parts;
    let Events { row_ends, told, .. } = *events;
    let (out_ready, row_data) = out;
    let is = |number: u64| state.q.is(number);
    let go = |flag: Value<'m>, number: u64| state.when(flag, m.constant(number, s::BITS));
    let decide = is(s::DECIDE);
    let (status, aux) = (Kept::new(m, "status", 8), Kept::new(m, "aux", 32));
    let (kind, length) = (Kept::new(m, "kind", 2), Kept::new(m, "length", reply::LENGTH_BITS));
    let says = |flag: Value<'m>, code: Status| status.when(flag, m.constant(code as u64, 8));
    status.when(decide, asked.status);
    aux.when(decide, asked.aux);
    kind.when(decide, asked.kind);
    length.when(decide, asked.length);
    says(events.is_dirty, Status::TileDirty);
    aux.when(events.is_dirty, of_pages.page.extend(32));
    says(events.is_other, Status::OtherPages);
    aux.when(events.is_other | is(s::SEAL_END), of_pages.found);
    says(events.is_bad, Status::Range);
    says(is(s::SEAL_END) & !of_pages.is_same, Status::CrcMismatch);
    let is_failed = of_maker.making.is(Making::Failed as u64);
    let row_over = of_maker.rows.extend(16).less(fields.addr.low(16).unsigned()) | fields.addr.slice(16, 16).any();
    let gives_row = row_ends & !is_failed & !row_over;
    says(row_ends & row_over, Status::Range);
    says(row_ends & is_failed, Status::BadProgram);
    aux.when(gives_row, of_maker.cycles);
    kind.when(gives_row, m.constant(reply::ROW, 2));
    length.when(gives_row, asked.inline_bytes);
    let sent = events.sent.extend(reply::LENGTH_BITS);
    let sent_bytes = if layout.sizes.token_bytes.min(2) == 1 { sent } else { sent << 1 };
    length.when(told, sent_bytes.next());
    let told_making = Kept::new(m, "told_making", 3);
    told_making.when(told, events.is_all.mux(events.making, m.constant(Making::On as u64, 3)));

    let op = fields.op | m.constant(RESPONSE_BIT.into(), 8);
    let content = Content {
        header: m.concat(&[aux.q, fields.seq, status.q, op]),
        kind: kind.q,
        length: length.q,
        first_word: asked.first_word,
        first_token: of_maker.base,
        making: told_making.q,
        read_token: of_maker.read_token,
        row_data,
    };
    let of_reply = reply::update(m, layout, state.q, out_ready, &content);
    go(is(s::REPLY), s::SEND_HEAD);
    let head_ends = is(s::SEND_HEAD) & out_ready & of_reply.is_head_end;
    go(head_ends, s::DONE);
    go(head_ends & of_reply.has_more, s::FETCH);
    // A byte's way: its place, the memory behind it, the register in front.
    let late = Kept::new(m, "fetch_late", 2);
    late.when(!is(s::FETCH), m.constant(0, 2));
    late.count(is(s::FETCH));
    go(is(s::FETCH) & late.q.is(3), s::FETCHED);
    go(is(s::FETCHED), s::SEND);
    go(is(s::SEND) & out_ready, s::FETCH);
    go(is(s::SEND) & out_ready & of_reply.last, s::DONE);
    go(is(s::DONE), s::IDLE);
    [status, aux, kind, length, told_making, late].into_iter().for_each(Kept::close);
    of_reply
}
