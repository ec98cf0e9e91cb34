//! Registers that more than one step of a frame writes.

use super::reply::Source;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::wire::Status;

/// The state, and what it works on.
pub(super) struct Held<'m> {
    m: &'m Module,
    state: Kept<'m>,
    /// The frame's next byte.
    pub position: Kept<'m>,
    /// A word of a store or of the result store, a page, or a word of the response.
    pub word_at: Kept<'m>,
    /// Words of a page that are not sealed yet; the last page of a job.
    pub words_left: Kept<'m>,
    status: Kept<'m>,
    /// The response's `aux`.
    pub aux: Kept<'m>,
    /// Where the response's words come from.
    pub source: Kept<'m>,
    /// Words of the response that are left.
    pub send_words: Kept<'m>,
    /// The last job that was started, whose results stand.
    pub has_job: Kept<'m>,
    pub job_id: Kept<'m>,
    pub job_rows: Kept<'m>,
    /// Cycles that it took.
    pub job_cycles: Kept<'m>,
}

impl<'m> Held<'m> {
    pub fn new(m: &'m Module) -> Held<'m> {
        let kept = |name: &str, bits: usize| Kept::new(m, name, bits);
        Held {
            m,
            state: kept("state", s::BITS),
            position: kept("position", 13),
            word_at: kept("word_at", 16),
            words_left: kept("words_left", 16),
            status: kept("status", 8),
            aux: kept("aux", 32),
            source: kept("source", Source::BITS),
            send_words: kept("send_words", 16),
            has_job: kept("has_job", 1),
            job_id: kept("held_id", 16),
            job_rows: kept("job_rows", 16),
            job_cycles: kept("job_cycles", 32),
        }
    }

    /// Whether the frame is in this state.
    pub fn is(&self, state: u64) -> Value<'m> {
        self.state.q.is(state)
    }

    /// The next state when a flag stands.
    pub fn go(&self, flag: Value<'m>, state: u64) {
        self.state.when(flag, self.m.constant(state, s::BITS));
    }

    /// What the response says when a flag stands.
    pub fn say(&self, flag: Value<'m>, status: Status) {
        self.status.when(flag, self.m.constant(status as u64, 8));
    }

    /// The response's status.
    pub fn status(&self) -> Value<'m> {
        self.status.q
    }

    /// The response's words when a flag stands.
    pub fn send(&self, flag: Value<'m>, source: Source, words: Value<'m>) {
        self.source.when(flag, self.m.constant(source as u64, Source::BITS));
        self.send_words.when(flag, words);
    }

    /// Takes all rules.
    pub fn close(self) {
        let Held { state, position, word_at, words_left, status, aux, source, send_words, has_job, job_id, job_rows, job_cycles, .. } =
            self;
        let all = [state, position, word_at, words_left, status, aux, source, send_words, has_job, job_id, job_rows, job_cycles];
        all.into_iter().for_each(Kept::close);
    }
}
