//! Sequencer of the GEMV array: which tile word meets which activation words, one pair a cycle.
//!
//! Function: for every row group, for every plane group (heaviest first), for every beat of columns, one issue:
//! `tile_address = base + row_group * col_beats + beat`, `act_address = plane_group * col_beats + beat`.
//! The planes come heaviest first so that the accumulator shifts by a constant instead of by a barrel shifter.
//! Handshake: `start` for one cycle with the job's numbers standing until `running` falls. Interval 1, no gaps:
//! a job takes `row_groups * plane_groups * col_beats` cycles, the first of them the cycle after `start`.
//! Cost: some 150 LUT4, 90 FF.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct GemvSequencer {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Begin a job.
    pub start: Signal<In, Bit>,
    /// First word of the weights.
    pub base: Signal<In, Bits<16>>,
    /// Row groups, at least 1.
    pub row_groups: Signal<In, Bits<16>>,
    /// Beats of a row, at least 1.
    pub col_beats: Signal<In, Bits<16>>,
    /// Plane groups, at least 1.
    pub plane_groups: Signal<In, Bits<8>>,
    /// An issue stands.
    pub running: Signal<Out, Bit>,
    /// Its tile word.
    pub tile_address: Signal<Out, Bits<16>>,
    /// Its activation word.
    pub act_address: Signal<Out, Bits<16>>,
    /// It is the first of its rows: the accumulators start anew.
    pub is_first: Signal<Out, Bit>,
    /// It is the first of a lighter plane group: the accumulators shift.
    pub is_shift: Signal<Out, Bit>,
    /// It belongs to the heaviest plane group.
    pub is_heavy: Signal<Out, Bit>,
    /// It is the last of its rows: the sums are complete.
    pub is_last: Signal<Out, Bit>,
    busy: DFF<Bit>,
    rows_left: DFF<Bits<16>>,
    beat: DFF<Bits<16>>,
    group: DFF<Bits<8>>,
    row_base: DFF<Bits<16>>,
    tile: DFF<Bits<16>>,
    act: DFF<Bits<16>>,
    last_beat: Signal<Local, Bits<16>>,
    last_group: Signal<Local, Bits<8>>,
    at_last_beat: Signal<Local, Bit>,
    at_last_group: Signal<Local, Bit>,
    at_first_beat: Signal<Local, Bit>,
    at_first_group: Signal<Local, Bit>,
    next_tile: Signal<Local, Bits<16>>,
}

impl Logic for GemvSequencer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, rows_left, beat, group, row_base, tile, act);
        self.running.next = self.busy.q.val();
        self.tile_address.next = self.tile.q.val();
        self.act_address.next = self.act.q.val();
        self.last_beat.next = self.col_beats.val() - 1;
        self.last_group.next = self.plane_groups.val() - 1;
        self.at_last_beat.next = self.beat.q.val() == self.last_beat.val();
        self.at_last_group.next = self.group.q.val() == self.last_group.val();
        self.at_first_beat.next = self.beat.q.val() == 0;
        self.at_first_group.next = self.group.q.val() == 0;
        self.next_tile.next = self.tile.q.val() + 1;
        self.is_first.next = self.at_first_beat.val() & self.at_first_group.val();
        self.is_shift.next = self.at_first_beat.val() & !self.at_first_group.val();
        self.is_heavy.next = self.at_first_group.val();
        self.is_last.next = self.at_last_beat.val() & self.at_last_group.val();
        if self.start.val() {
            self.busy.d.next = true;
            self.rows_left.d.next = self.row_groups.val();
            self.beat.d.next = 0.into();
            self.group.d.next = 0.into();
            self.row_base.d.next = self.base.val();
            self.tile.d.next = self.base.val();
            self.act.d.next = 0.into();
        }
        if self.busy.q.val() {
            self.tile.d.next = self.next_tile.val();
            self.act.d.next = self.act.q.val() + 1;
            self.beat.d.next = self.beat.q.val() + 1;
            if self.at_last_beat.val() {
                self.beat.d.next = 0.into();
                self.group.d.next = self.group.q.val() + 1;
                if self.at_last_group.val() {
                    self.group.d.next = 0.into();
                    self.act.d.next = 0.into();
                    self.row_base.d.next = self.next_tile.val();
                    self.rows_left.d.next = self.rows_left.q.val() - 1;
                    if self.rows_left.q.val() == 1 {
                        self.busy.d.next = false;
                    }
                } else {
                    self.tile.d.next = self.row_base.q.val();
                }
            }
        }
    }
}
