//! Sequencer of the GEMV array: which tile word meets which activation words, one pair per cycle.
//!
//! Function, on an array of planes: for every row group, for every plane group (heaviest first), for every beat of columns, one issue:
//! `tile_address = base + row_group * col_beats + beat`, `act_address = plane_group * col_beats + beat`.
//! The planes come heaviest first so that the accumulator shifts by a constant instead of by a barrel shifter.
//! On an array of tables: for every beat of columns, 16 loads of the tables from the activation word `beat`, which the
//! first of them reads, and then for every row group one issue with the same `tile_address`. A job there has one plane group.
//! Handshake: `start` for one cycle with the job's numbers standing until `running` falls. Latency 1, interval 1, no gaps: a job
//! takes `row_groups * plane_groups * col_beats` cycles and those of the loads (`cycles::load_cycles`), the first of them
//! the cycle after `start`.
//! Cost (yosys, `synth_ecp5`, in seed64; held by firmware/tests/parts.rs): 343 LUT4, 119 FF.

use nda_spec::config::ArrayKind;
use nda_spec::cycles::TABLE_WORDS;
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
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
    /// It is a load of tables.
    pub is_load: Signal<Out, Bit>,
    /// It is a beat: its tile word is wanted.
    pub is_beat: Signal<Out, Bit>,
    /// Its activation word is wanted.
    pub act_read: Signal<Out, Bit>,
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
    loading: DFF<Bit>,
    step: DFF<Bits<5>>,
    rows_left: DFF<Bits<16>>,
    beat: DFF<Bits<16>>,
    group: DFF<Bits<8>>,
    row_base: DFF<Bits<16>>,
    tile: DFF<Bits<16>>,
    act: DFF<Bits<16>>,
    // Of the job's numbers, which stand long before its first issue.
    last_beat: DFF<Bits<16>>,
    last_group: DFF<Bits<8>>,
    at_last_beat: Signal<Local, Bit>,
    at_last_group: Signal<Local, Bit>,
    at_first_beat: Signal<Local, Bit>,
    at_first_group: Signal<Local, Bit>,
    next_tile: Signal<Local, Bits<16>>,
    next_row: Signal<Local, Bits<16>>,
    next_base: Signal<Local, Bits<16>>,
    at_first_step: Signal<Local, Bit>,
    tables: Constant<Bit>,
    last_step: Constant<Bits<5>>,
}

impl GemvSequencer {
    /// The sequencer of such an array.
    pub fn new(array: ArrayKind) -> Self {
        Self {
            clock: Default::default(),
            start: Default::default(),
            base: Default::default(),
            row_groups: Default::default(),
            col_beats: Default::default(),
            plane_groups: Default::default(),
            running: Default::default(),
            is_load: Default::default(),
            is_beat: Default::default(),
            act_read: Default::default(),
            tile_address: Default::default(),
            act_address: Default::default(),
            is_first: Default::default(),
            is_shift: Default::default(),
            is_heavy: Default::default(),
            is_last: Default::default(),
            busy: Default::default(),
            loading: Default::default(),
            step: Default::default(),
            rows_left: Default::default(),
            beat: Default::default(),
            group: Default::default(),
            row_base: Default::default(),
            tile: Default::default(),
            act: Default::default(),
            last_beat: Default::default(),
            last_group: Default::default(),
            at_last_beat: Default::default(),
            at_last_group: Default::default(),
            at_first_beat: Default::default(),
            at_first_group: Default::default(),
            next_tile: Default::default(),
            next_row: Default::default(),
            next_base: Default::default(),
            at_first_step: Default::default(),
            tables: Constant::new(array == ArrayKind::Tables),
            last_step: Constant::new((TABLE_WORDS as u64 - 1).into()),
        }
    }
}

impl Logic for GemvSequencer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, loading, step, rows_left, beat, group, row_base, tile, act, last_beat, last_group);
        self.running.next = self.busy.q.val();
        self.is_load.next = self.loading.q.val();
        self.is_beat.next = self.busy.q.val() & !self.loading.q.val();
        // An array of tables keeps its activation word for all loads.
        self.at_first_step.next = self.loading.q.val() & (self.step.q.val() == 0);
        self.act_read.next = self.busy.q.val() & (!self.tables.val() | self.at_first_step.val());
        self.tile_address.next = self.tile.q.val();
        self.act_address.next = self.act.q.val();
        self.last_beat.d.next = self.col_beats.val() - 1;
        self.last_group.d.next = self.plane_groups.val() - 1;
        self.at_last_beat.next = self.beat.q.val() == self.last_beat.q.val();
        self.at_last_group.next = self.group.q.val() == self.last_group.q.val();
        self.at_first_beat.next = self.beat.q.val() == 0;
        self.at_first_group.next = self.group.q.val() == 0;
        self.next_tile.next = self.tile.q.val() + 1;
        self.next_row.next = self.tile.q.val() + self.col_beats.val();
        self.next_base.next = self.row_base.q.val() + 1;
        self.is_first.next = self.at_first_beat.val() & self.at_first_group.val();
        self.is_shift.next = self.at_first_beat.val() & !self.at_first_group.val();
        self.is_heavy.next = self.at_first_group.val();
        self.is_last.next = self.at_last_beat.val() & self.at_last_group.val();
        if self.start.val() {
            self.busy.d.next = true;
            self.loading.d.next = self.tables.val();
            self.step.d.next = 0.into();
            self.rows_left.d.next = self.row_groups.val();
            self.beat.d.next = 0.into();
            self.group.d.next = 0.into();
            self.row_base.d.next = self.base.val();
            self.tile.d.next = self.base.val();
            self.act.d.next = 0.into();
        }
        if self.busy.q.val() & self.loading.q.val() {
            self.step.d.next = self.step.q.val() + 1;
            if self.step.q.val() == self.last_step.val() {
                self.step.d.next = 0.into();
                self.loading.d.next = false;
            }
        }
        if self.busy.q.val() & self.tables.val() & !self.loading.q.val() {
            // The same columns of the next rows; behind the last of them the next columns of the first.
            self.tile.d.next = self.next_row.val();
            self.rows_left.d.next = self.rows_left.q.val() - 1;
            if self.rows_left.q.val() == 1 {
                self.rows_left.d.next = self.row_groups.val();
                self.row_base.d.next = self.next_base.val();
                self.tile.d.next = self.next_base.val();
                self.act.d.next = self.act.q.val() + 1;
                self.beat.d.next = self.beat.q.val() + 1;
                self.loading.d.next = true;
                if self.at_last_beat.val() {
                    self.loading.d.next = false;
                    self.busy.d.next = false;
                }
            }
        }
        if self.busy.q.val() & !self.tables.val() {
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
