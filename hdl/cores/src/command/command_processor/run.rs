//! `RUN`: how many words a job has, whether it may run, its start and its results.

use super::checks::JobFlags;
use super::control::Fields;
use super::frame::{Frame, HEAD_BYTES};
use super::held::Held;
use super::reply::Source;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Value};
use nda_spec::config::Geometry;
use nda_spec::wire::Status;

/// The multiplier of a job's words, a bit per cycle.
pub(super) struct Multiplier<'m> {
    factor: Kept<'m>,
    multiplier: Kept<'m>,
    product: Kept<'m>,
}

impl<'m> Multiplier<'m> {
    pub fn new(m: &'m Module) -> Multiplier<'m> {
        let kept = |name: &str, bits: usize| Kept::new(m, name, bits);
        Multiplier { factor: kept("factor", 32), multiplier: kept("multiplier", 16), product: kept("product", 32) }
    }

    /// The product, once it is whole.
    pub fn product(&self) -> Value<'m> {
        self.product.q
    }

    /// Multiplies beats by plane groups, then by row groups; what both begin with is loaded whatever comes next.
    pub fn update(self, m: &'m Module, held: &Held<'m>, fields: &Fields<'m>) {
        let Multiplier { factor, multiplier, product } = self;
        let (first, second) = (held.is(s::FLAGS), held.is(s::RUN_IDENTIFY));
        let begins = (first | second).named("begins_product");
        let multiplies = held.is(s::RUN_ACT_WORDS) | held.is(s::RUN_TILE_WORDS);
        let is_more = multiplier.q.any();
        let steps = (multiplies & is_more).named("multiplies");
        product.when(steps & multiplier.q.bit(0), (product.q + factor.q).low(32).unsigned());
        factor.when(steps, factor.q << 1);
        multiplier.when(steps, multiplier.q >> 1);
        product.when(begins, m.constant(0, 32));
        factor.when(begins, fields.col_beats.extend(32));
        multiplier.when(begins, second.mux(fields.row_groups, fields.plane_groups.extend(16)));
        held.go(held.is(s::RUN_ACT_WORDS) & !is_more, s::RUN_IDENTIFY);
        held.go(held.is(s::RUN_TILE_WORDS) & !is_more, s::RUN_END);
        [factor, multiplier, product].into_iter().for_each(Kept::close);
    }
}

/// Whether a job may run, but for its pages.
pub(super) fn admit<'m>(m: &'m Module, g: &Geometry, held: &Held<'m>, fields: &Fields<'m>, job: &JobFlags<'m>, high_address: Value<'m>) {
    let identifies = (held.is(s::RUN_IDENTIFY)).named("identifies");
    let addr_low = fields.addr.low(16).unsigned();
    held.go(identifies, s::ANSWER);
    held.say(identifies & job.acts_wrong, Status::BadLen);
    let is_whole = (identifies & !job.acts_wrong).named("has_all_acts");
    // The same job again: its answer was lost. It is answered with what is stored.
    let again = (is_whole & held.has_job.q & job.same_job).named("again");
    let again_over = high_address | job.again_over;
    held.say(again, Status::Dup);
    held.say(again & again_over, Status::Range);
    let answers = (again & !again_over).named("answers_again");
    held.aux.when(answers, held.job_cycles.q);
    held.send(answers, Source::Results, addr_low);
    let is_other = (is_whole & !(held.has_job.q & job.same_job)).named("is_other_job");
    let is_old = (is_other & held.has_job.q & job.old_job).named("is_old_job");
    held.say(is_old, Status::StaleJob);
    held.aux.when(is_old, held.job_id.q.extend(32));
    let is_new = (is_other & !(held.has_job.q & job.old_job)).named("is_new_job");
    held.say(is_new & job.acts_over, Status::Range);
    held.go(is_new & !job.acts_over, s::RUN_TILE_WORDS);
    held.go(held.is(s::RUN_END), s::RUN_OVER);
    held.go(held.is(s::RUN_OVER), s::RUN_RANGE);
    let ranges = held.is(s::RUN_RANGE);
    let page_shift = g.page_words.trailing_zeros() as usize;
    held.word_at.when(ranges, fields.base.low(16).unsigned() >> page_shift);
    held.words_left.when(ranges, job.last_word >> page_shift);
    held.say(ranges & job.range_bad, Status::Range);
    held.go(ranges, s::RUN_PAGES);
    held.go(ranges & job.range_bad, s::ANSWER);
    held.position.when(held.is(s::RUN_SAME), m.constant(HEAD_BYTES, 13));
}

/// The activations' end, the start, and the results; their number so far comes back.
pub(super) fn launch<'m>(m: &'m Module, held: &Held<'m>, fields: &Fields<'m>, frame: &Frame<'m>, result_valid: Value<'m>) -> Value<'m> {
    held.go(held.is(s::RUN_ACTS) & frame.is_over, s::RUN_START);
    let starts = held.is(s::RUN_START);
    let zero = |bits: usize| m.constant(0, bits);
    held.has_job.when(starts, m.constant(1, 1));
    held.job_id.when(starts, fields.job_id);
    held.job_rows.when(starts, fields.row_groups);
    held.word_at.when(starts, zero(16));
    held.send(starts, Source::Results, fields.addr.low(16).unsigned());
    held.go(starts, s::RUN_WAIT);
    let runs = held.is(s::RUN_WAIT);
    let cycles = held.job_cycles.q.next();
    let comes = (runs & result_valid).named("result_comes");
    held.job_cycles.when(starts, zero(32));
    held.job_cycles.when(runs, cycles);
    held.aux.when(comes, cycles);
    let results = Kept::new(m, "results", 16);
    results.when(starts, zero(16));
    results.count(comes);
    // Of the count as it will be in the next cycle: results may come cycle by cycle.
    let always = m.always("the last result");
    let less = |value: Value<'m>| (value - m.constant(1, 16)).low(16).unsigned();
    let last = always.register("last_result", less(fields.row_groups));
    let before_last = always.register("before_last", less(last));
    let at_last = always.register("at_last", results.q.equals(result_valid.mux(before_last, last)));
    held.go(comes & at_last, s::ANSWER);
    let count = results.q;
    results.close();
    count
}
