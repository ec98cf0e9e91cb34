//! Jobs of the table array: loads of its tables, then a beat for every row group, column beat after column beat.
//!
//! Function: as [`crate::array::gemv_sequencer`] on an array of tables, but a vector of one beat of columns is loaded once, behind its
//! codes, and its products are beats alone. Handshake: a job starts in a cycle in which `accepts` stands, and its first issue is
//! the next cycle's. Interval 1: a job can follow in the cycle behind the last issue. Latency: a word
//! is announced to the feeder 11 cycles behind the issue of its last beat (`ANNOUNCE`): where the array has fewer than eight rows, a word is several
//! row groups. Cost: it is a part of the machine's netlist
//! and counted there
//! ([`super::machine`]).

use super::decoded::{Decoded, group_bits};
use super::field;
use crate::netlist::{Module, Stage, Value};
use nda_spec::cycles::TABLE_WORDS;
use nda_spec::token::wired as w;

/// From the issue of a beat to the cycle in which the feeder is told its result.
const ANNOUNCE: usize = 11;

/// A job to start.
pub(super) struct Start<'m> {
    /// A product's, with its step.
    pub product: Value<'m>,
    pub step: Value<'m>,
    pub decoded: Decoded<'m>,
    /// Loads alone.
    pub load: Value<'m>,
    pub flush: Value<'m>,
}

/// What the array and its stores are told.
pub(super) struct Job<'m> {
    pub busy: Value<'m>,
    pub is_load: Value<'m>,
    pub is_first: Value<'m>,
    pub is_last: Value<'m>,
    pub ternary: Value<'m>,
    pub tile: Value<'m>,
    /// Two cycles in front of the word that the tables are loaded from.
    pub reads: Value<'m>,
    pub beat: Value<'m>,
    pub announced: Value<'m>,
}

/// The job's registers.
pub(super) struct State<'m> {
    m: &'m Module,
    pace: usize,
    stage: Stage<'m>,
    busy: Value<'m>,
    loading: Value<'m>,
    alone: Value<'m>,
    step: Value<'m>,
    beat: Value<'m>,
    left: Value<'m>,
    tile: Value<'m>,
    row_base: Value<'m>,
    last_beat: Value<'m>,
    /// A load's last step is issued: in a register, as the next two.
    at_last_step: Value<'m>,
    /// One row group is left.
    is_one: Value<'m>,
    /// A job that runs ends in this cycle: whatever is issued waits for it.
    ends: Value<'m>,
    /// A job can start now, if no load does.
    pub accepts: Value<'m>,
    /// Nothing is issued.
    pub idle: Value<'m>,
}

impl<'m> State<'m> {
    /// `load` says that a load starts in this cycle; the array sums a word in `pace` beats.
    pub(super) fn new(m: &'m Module, load: Value<'m>, pace: usize) -> State<'m> {
        let groups = group_bits(pace);
        let stage = m.always("the job");
        let (busy, loading, alone) =
            (stage.declare("array_busy", 1, 0), stage.declare("loading", 1, 0), stage.declare("loads_alone", 1, 0));
        let (step, beat, left) =
            (stage.declare("load_step", 4, 0), stage.declare("column_beat", 2, 0), stage.declare("groups_left", groups, 0));
        let (tile, row_base) = (stage.declare("tile", 12, 0), stage.declare("row_base", 12, 0));
        let last_beat = stage.declare("last_beat", 2, 0);
        let at_last_step = stage.declare("at_last_load", 1, 0);
        let is_one = stage.declare("one_group_left", 1, 0);
        let ends = stage.declare("job_ends", 1, 0);
        let accepts = ((!busy | ends) & !load).named("array_accepts");
        State {
            m,
            pace,
            stage,
            busy,
            loading,
            alone,
            step,
            beat,
            left,
            tile,
            row_base,
            last_beat,
            at_last_step,
            is_one,
            ends,
            accepts,
            idle: !busy & !load,
        }
    }

    /// What the registers become, and what the array is told.
    pub(super) fn advance(&self, start: &Start<'m>) -> Job<'m> {
        let (m, s) = (self.m, self.stage);
        let State { busy, loading, step, beat, left, tile, row_base, last_beat, .. } = *self;
        let get = |f: w::Field| field(start.step, f);
        let is_start = start.product | start.load;
        let taken = m.stage("the job's numbers", start.product);
        let Decoded { groups: wanted, is_one_group, has_beats, .. } = start.decoded;
        let groups = taken.register("groups", wanted);
        let halves = self.pace.ilog2() as usize;
        let ends_word = (0..halves).fold(m.constant(1, 1), |ends, bit| if bit == 0 { left.bit(0) } else { ends & !left.bit(bit) });
        let ternary = taken.register("job_ternary", get(w::TERNARY));
        let at_last_beat = beat.equals(last_beat);
        let next_columns = (busy & !loading & self.is_one & !at_last_beat).named("next_columns");
        s.take(last_beat, start.product.mux(get(w::BEATS), start.load.mux(m.constant(0, 2), last_beat)));
        // The array counts loads itself, so an abort does not cut them off: they are over long before the flush is.
        let loads_on = busy & loading & !self.at_last_step;
        s.take(busy, (!start.flush & (is_start | (busy & !self.ends))) | loads_on);
        let goes_on = next_columns | (loading & !self.at_last_step);
        s.take(loading, start.load | (start.product & has_beats) | (!is_start & goes_on));
        s.take(self.alone, start.load | (self.alone & !start.product));
        s.take(step, (is_start | !loading).mux(m.constant(0, 4), step.next()));
        s.take(self.at_last_step, !is_start & loading & step.is(TABLE_WORDS as u64 - 2));
        s.take(beat, is_start.mux(m.constant(0, 2), next_columns.mux(beat.next(), beat)));
        let issues = (busy & !loading).named("issues_a_beat");
        let fewer = (left - m.constant(1, left.bits)).low(left.bits).unsigned();
        s.take(left, start.product.mux(wanted, issues.mux(next_columns.mux(groups, fewer), left)));
        let issued_one = next_columns.mux(groups.is(1), left.is(2));
        s.take(self.is_one, start.product.mux(is_one_group, issues.mux(issued_one, self.is_one)));
        // What the next cycle issues is the job's last: of a load alone its last step, else the last beat's last group.
        let behind_load = self.at_last_step.mux(!self.alone & self.is_one & at_last_beat, self.alone & step.is(TABLE_WORDS as u64 - 2));
        let ends_soon = loading.mux(behind_load, left.is(2) & at_last_beat);
        s.take(self.ends, start.product.mux(is_one_group & !has_beats, !start.load & ends_soon));
        let stride = (last_beat.extend(12) + m.constant(1, 1)).low(12);
        let moved = next_columns.mux(row_base.next(), (tile + stride).low(12));
        s.take(tile, start.product.mux(get(w::TILE), issues.mux(moved, tile)));
        s.take(row_base, start.product.mux(get(w::TILE), next_columns.mux(row_base.next(), row_base)));
        Job {
            busy,
            is_load: loading,
            is_first: beat.is(0),
            is_last: at_last_beat,
            ternary,
            tile,
            reads: (busy & loading & step.is(0)).named("reads_columns"),
            beat,
            announced: m.delayed("announced", (issues & at_last_beat & ends_word).named("result_comes"), ANNOUNCE),
        }
    }
}
