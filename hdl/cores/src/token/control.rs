//! Which step is issued when: the step that was fetched waits until what it reads is there and what it writes is free.
//!
//! A step is fetched three cycles after the one before was issued. What is in flight is counted: a pass is pending from its issue to
//! its last word, and so is what it writes. The rules are those of [`nda_spec::token::cycles`].

use super::decoded::Decoded;
use super::field;
use crate::netlist::{Module, Stage, Value};
use nda_spec::token::wired as w;

/// Passes in flight, at most.
pub(super) const PASSES: u64 = 4;
/// Bits of a count of passes.
const PENDING: usize = 3;

/// Registers of the control.
pub(super) struct State<'m> {
    m: &'m Module,
    stage: Stage<'m>,
    pub running: Value<'m>,
    pub token: Value<'m>,
    pub want: Value<'m>,
    pub pc: Value<'m>,
    fetching: [Value<'m>; 2],
    pub step_valid: Value<'m>,
    issued_all: Value<'m>,
    passes: Value<'m>,
    work: Value<'m>,
    wide: Value<'m>,
    /// As many passes are in flight as can be.
    is_full: Value<'m>,
    no_pass: Value<'m>,
    no_work: Value<'m>,
    no_wide: Value<'m>,
    keys: Value<'m>,
    values: Value<'m>,
    mixed: Value<'m>,
    rooted: Value<'m>,
    pub class: Value<'m>,
    codes: Value<'m>,
    makes: Value<'m>,
    query: Value<'m>,
    pub load: Value<'m>,
    attends: Value<'m>,
    scored: Value<'m>,
    is_mixed: Value<'m>,
    chosen: Value<'m>,
}

/// What the control looks at in the cycle in which it decides.
pub(super) struct Seen<'m> {
    pub flush: Value<'m>,
    pub array_accepts: Value<'m>,
    pub array_idle: Value<'m>,
    pub turns_stand: Value<'m>,
    pub query_ready: Value<'m>,
    pub kv_ready: Value<'m>,
    pub score_done: Value<'m>,
    /// A cycle before the mixed values may be asked for.
    pub mix_done: Value<'m>,
}

/// What is issued.
pub(super) struct Go<'m> {
    pub pass: Value<'m>,
    pub product: Value<'m>,
    pub codes: Value<'m>,
    pub scores: Value<'m>,
    pub mix: Value<'m>,
    pub any: Value<'m>,
}

/// What ended.
pub(super) struct Ended<'m> {
    pub pass: Value<'m>,
    pub work: Value<'m>,
    pub wide: Value<'m>,
    pub keys: Value<'m>,
    pub values: Value<'m>,
    pub mixed: Value<'m>,
    pub roots: Value<'m>,
    pub first_codes: Value<'m>,
    pub is_single: Value<'m>,
    pub query_codes: Value<'m>,
    /// A job of codes has read its last words.
    pub codes_read: Value<'m>,
    pub chosen: Value<'m>,
}

impl<'m> State<'m> {
    pub(super) fn new(m: &'m Module) -> State<'m> {
        let stage = m.always("control");
        let flag = |name: &str| stage.declare(name, 1, 0);
        let count = |name: &str| stage.declare(name, PENDING, 0);
        State {
            m,
            running: flag("running"),
            token: stage.declare("token_number", 16, 0),
            want: stage.declare("token_wanted", 2, 0),
            pc: stage.declare("pc", 8, 0),
            fetching: [flag("fetching_0"), flag("fetching_1")],
            step_valid: flag("step_valid"),
            issued_all: flag("issued_all"),
            passes: count("passes_pending"),
            work: count("work_pending"),
            wide: count("wide_pending"),
            is_full: flag("passes_full"),
            no_pass: stage.declare("no_pass", 1, 1),
            no_work: stage.declare("no_work", 1, 1),
            no_wide: stage.declare("no_wide", 1, 1),
            keys: count("keys_pending"),
            values: count("values_pending"),
            mixed: flag("mixed_pending"),
            rooted: flag("roots_pending"),
            class: stage.declare("pass_class", 3, 0),
            codes: flag("codes_pending"),
            makes: flag("makes_codes_still"),
            query: flag("query_pending"),
            load: flag("load_starts"),
            attends: flag("attends"),
            scored: flag("scored"),
            is_mixed: flag("is_mixed"),
            chosen: flag("chosen"),
            stage,
        }
    }

    /// Whether the step that was fetched is issued in this cycle.
    pub(super) fn decide(&self, step: Value<'m>, decoded: &Decoded<'m>, seen: &Seen<'m>) -> Go<'m> {
        let m = self.m;
        let ready = self.running & self.step_valid & !seen.flush;
        let (none, nothing, is_product) = (self.no_pass, self.no_work, decoded.is_product);
        let pass = [
            decoded.is_pass,
            !self.is_full,
            !decoded.waits_for_passes | none,
            !decoded.waits_for_codes | !self.makes,
            !decoded.touches_wide | self.no_wide,
            !is_product | (!self.codes & seen.array_accepts),
            !decoded.from_mixed | self.is_mixed,
            !decoded.from_roots | nothing,
            !decoded.turns | seen.turns_stand,
        ];
        let to_query = field(step, w::TO);
        let free = to_query.mux(!self.attends & !self.query, seen.array_idle & !self.codes & none);
        let codes = [decoded.is_codes, nothing, !self.makes, !self.rooted, free];
        let scores = [decoded.is_scores, !self.query, seen.query_ready, self.keys.is(0), seen.kv_ready, !self.attends];
        let scored = self.scored | seen.score_done;
        let mix = [decoded.is_mix, scored, self.values.is(0), seen.kv_ready, !self.mixed];
        let go = |name: &str, all: &[Value<'m>]| (ready & m.every(all)).named(name);
        let (pass, codes, scores, mix) = (go("go_pass", &pass), go("go_codes", &codes), go("go_scores", &scores), go("go_mix", &mix));
        Go { pass, product: pass & is_product, codes, scores, mix, any: (pass | codes | scores | mix).named("goes") }
    }

    /// What the registers become.
    pub(super) fn advance(&self, step: Value<'m>, decoded: &Decoded<'m>, go: &Go<'m>, ended: &Ended<'m>, seen: &Seen<'m>, run: &Run<'m>) {
        let (m, s) = (self.m, self.stage);
        let keep = |value: Value<'m>| value & !seen.flush;
        s.take(self.running, keep(run.start | (self.running & !run.done)));
        s.take(self.token, run.start.mux(run.token, self.token));
        s.take(self.want, run.start.mux(run.want, self.want));
        s.take(self.pc, run.start.mux(m.constant(0, 8), go.any.mux(self.pc.next(), self.pc)));
        s.take(self.fetching[0], keep(run.start | go.any));
        s.take(self.fetching[1], keep(self.fetching[0]));
        s.take(self.step_valid, keep((self.fetching[1] & !self.issued_all) | (self.step_valid & !go.any)));
        s.take(self.issued_all, keep(!run.start & (self.issued_all | self.pc.equals(run.steps))));
        let count = |register: Value<'m>, more: Value<'m>, less: Value<'m>| {
            let change = m.concat(&[(less & !more).repeat(PENDING - 1), less.odd() ^ more]);
            let next = (register + change).low(PENDING);
            s.take(register, next & (!seen.flush).repeat(PENDING));
        };
        // Whether nothing is pending, in a register beside the count.
        let none = |flag: Value<'m>, register: Value<'m>, more: Value<'m>, less: Value<'m>| {
            s.take(flag, seen.flush | (!more & less.mux(register.is(1), flag)) | (more & less & flag));
        };
        let into_work = go.pass & field(step, w::REDUCES);
        let into_wide = go.pass & decoded.into_wide;
        count(self.passes, go.pass, ended.pass);
        none(self.no_pass, self.passes, go.pass, ended.pass);
        let fills = go.pass & !ended.pass & self.passes.is(PASSES - 1);
        s.take(self.is_full, keep(fills | (self.is_full & (go.pass | !ended.pass))));
        count(self.work, into_work, ended.work);
        none(self.no_work, self.work, into_work, ended.work);
        count(self.wide, into_wide, ended.wide);
        none(self.no_wide, self.wide, into_wide, ended.wide);
        count(self.keys, go.pass & decoded.into_keys, ended.keys);
        count(self.values, go.pass & decoded.into_values, ended.values);
        s.take(self.mixed, keep((go.pass & decoded.from_mixed) | (self.mixed & !ended.mixed)));
        s.take(self.rooted, keep((go.pass & decoded.from_roots) | (self.rooted & !ended.roots)));
        s.take(self.class, go.pass.mux(decoded.class, self.class));
        let to_query = field(step, w::TO);
        s.take(self.codes, keep((go.codes & !to_query) | (self.codes & !ended.first_codes)));
        s.take(self.makes, keep(go.codes | (self.makes & !ended.codes_read)));
        s.take(self.load, keep(ended.first_codes & ended.is_single));
        // The unit says it a cycle early: a pass that takes the mixed values waits for a register.
        let mix_ended = m.always("the mix's end").register("mix_ended", seen.mix_done);
        s.take(self.query, keep((go.codes & to_query) | (self.query & !ended.query_codes)));
        s.take(self.attends, keep(go.scores | go.mix | (self.attends & !mix_ended)));
        s.take(self.scored, keep(!go.scores & !go.mix & (seen.score_done | self.scored)));
        s.take(self.is_mixed, keep(!go.mix & (seen.mix_done | self.is_mixed)));
        s.take(self.chosen, keep(!run.start & (ended.chosen | self.chosen)));
    }

    /// Whether everything of the token has come to its end.
    pub(super) fn is_done(&self, chosen: Value<'m>) -> Value<'m> {
        let settled = self.issued_all & !self.step_valid & self.no_pass & self.no_work & !self.makes;
        let waits_for_choice = self.want.is(1) & !(self.chosen | chosen);
        (self.running & settled & !self.attends & !waits_for_choice).named("token_is_done")
    }
}

/// A token's beginning and end.
pub(super) struct Run<'m> {
    pub start: Value<'m>,
    pub token: Value<'m>,
    pub want: Value<'m>,
    /// Steps of this token.
    pub steps: Value<'m>,
    pub done: Value<'m>,
}
