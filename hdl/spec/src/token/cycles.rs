//! What a token costs on the fabric, step by step: predicted before it starts.
//!
//! Steps are issued in their order, each as soon as what it reads is there and what it writes is free, so neighbours
//! overlap: the products of k and v run behind those of q, q's codes are made meanwhile. A step's time is its length over
//! the lanes of its unit plus that unit's stages; nothing depends on a value.

use super::program::{Program, WORD};
use super::step::{CodesTo, Factor, Into, Pass, Source, Step};
use crate::cycles::{TABLE_COLS, TABLE_WORDS, tree_levels};

/// From what a step waits for to its first read: decode is done, addresses go out.
pub const START_CYCLES: u64 = 3;
/// Of the pipe: constant times factor, times value, shift in two stages, round, add, saturate.
pub const PIPE_STAGES: u64 = 9;
/// A cosine and a sine, four products, two sums.
pub const TURN_STAGES: u64 = 4;
/// A gate's table, its line, two products.
pub const GATE_STAGES: u64 = 8;
/// The trees behind the pipe: largest and squares.
pub const REDUCE_STAGES: u64 = 3;
/// Largest to reciprocal.
pub const RECIPROCAL_STAGES: u64 = 4;
/// Value to code, or to level.
pub const CODE_STAGES: u64 = 5;
/// Codes to sums of tables.
pub const LOAD_STAGES: u64 = 5;
/// Query codes' tables to a score, and its maximum.
pub const SCORE_STAGES: u64 = 14;
/// Score to weight, weight to what is mixed.
pub const MIX_STAGES: u64 = 14;
/// Logit to choice.
pub const CHOICE_STAGES: u64 = 6;
/// The token goes out, is compared with the stops, comes in again.
pub const LOOP_CYCLES: u64 = 8;

/// The sizes of a machine on the fabric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fabric {
    /// Rows of the array of tables: sums per beat, a word at most.
    pub rows: usize,
    /// Columns of the array.
    pub cols: usize,
    /// Codes made per cycle.
    pub makers: usize,
    /// Positions scored per cycle.
    pub scored: usize,
    /// Positions mixed per cycle.
    pub mixed: usize,
}

impl Fabric {
    /// What fits an ECP5-85F.
    pub const TOKEN_1024: Fabric = Fabric { rows: 8, cols: 128, makers: 16, scored: 2, mixed: 1 };

    /// Cycles of the beats of a matrix, loads of further columns included, and of the array's stages behind the last.
    fn array(&self, rows: usize, cols: usize) -> (u64, u64) {
        let (groups, beats) = (rows.div_ceil(self.rows), cols.div_ceil(self.cols));
        let loads = if beats > 1 { beats as u64 * TABLE_WORDS as u64 + LOAD_STAGES } else { 0 };
        (loads + (groups * beats) as u64, 10 + tree_levels(self.cols / TABLE_COLS) as u64)
    }
}

/// When a step has worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepCycles {
    /// The cycle of its first read.
    pub begin: u64,
    /// The cycle in which its last result can be read.
    pub end: u64,
}

/// The cycles at which memories can be read and units are free.
#[derive(Debug, Clone, Copy, Default)]
struct Ready {
    issue: u64,
    array_free: u64,
    pipe_free: u64,
    work_free: u64,
    codes: u64,
    query: u64,
    work: u64,
    wide: u64,
    kv: u64,
    scores: u64,
    mixed: u64,
    end: u64,
}

/// The cycles of a token whose predecessors number `position`, step by step, and all together.
pub fn token(program: &Program, fabric: &Fabric, position: u64) -> (Vec<StepCycles>, u64) {
    let mut ready = Ready::default();
    let steps = program.steps().map(|step| ready.step(program, fabric, step, position)).collect();
    (steps, ready.end + LOOP_CYCLES)
}

/// The cycles of the slowest token there is: one with a full ring.
pub fn most(program: &Program, fabric: &Fabric) -> u64 {
    token(program, fabric, program.kv.ring as u64).1
}

fn behind(len: usize, lanes: usize) -> u64 {
    len.div_ceil(lanes.max(1)) as u64
}

impl Ready {
    fn step(&mut self, program: &Program, fabric: &Fabric, step: &Step, position: u64) -> StepCycles {
        let seen = |window: u16| program.window(window).min(usize::try_from(position).unwrap_or(usize::MAX).saturating_add(1));
        let rows_of = |heads: u8| behind(usize::from(heads) * program.kv.head_dim, fabric.cols);
        let cycles = match *step {
            Step::Embed { .. } => {
                let begin = START_CYCLES;
                let end = begin + behind(program.embedding.width, WORD) + PIPE_STAGES + REDUCE_STAGES;
                (self.wide, self.work) = (end, end);
                StepCycles { begin, end }
            }
            Step::Pass(pass) => self.pass(program, fabric, &pass),
            Step::Codes { count, to, .. } => self.codes(fabric, usize::from(count) * WORD, to),
            Step::Scores { heads, window, .. } => {
                let begin = self.query.max(self.kv) + START_CYCLES;
                self.scores = begin + rows_of(heads) * behind(seen(window), fabric.scored) + SCORE_STAGES;
                StepCycles { begin, end: self.scores }
            }
            Step::Mix { heads, window, .. } => {
                let begin = self.scores.max(self.kv) + START_CYCLES;
                self.mixed = begin + rows_of(heads) * behind(seen(window), fabric.mixed) + MIX_STAGES;
                StepCycles { begin, end: self.mixed }
            }
        };
        self.issue = cycles.begin;
        self.end = self.end.max(cycles.end);
        cycles
    }

    fn codes(&mut self, fabric: &Fabric, len: usize, to: CodesTo) -> StepCycles {
        let free = if to == CodesTo::Array { self.array_free } else { 0 };
        let begin = (self.work + START_CYCLES).max(free).max(self.issue + 1);
        self.work_free = begin + RECIPROCAL_STAGES + behind(len, fabric.makers);
        // More columns than the array has are made and loaded while it multiplies by the first ones.
        let wide = to == CodesTo::Array && len > fabric.cols;
        let first = if wide { fabric.cols } else { len };
        let load = if wide { 0 } else { TABLE_WORDS as u64 + LOAD_STAGES };
        let end = begin + RECIPROCAL_STAGES + behind(first, fabric.makers) + CODE_STAGES + load;
        match to {
            CodesTo::Array => self.codes = end,
            CodesTo::Query => self.query = end,
        }
        StepCycles { begin, end }
    }

    fn pass(&mut self, program: &Program, fabric: &Fabric, pass: &Pass) -> StepCycles {
        let gated = usize::from(pass.gate.is_some());
        let values = (usize::from(pass.count) * WORD) << gated;
        let mut begin = self.issue + 1;
        let entered = match pass.source {
            Source::Product { matrix } => {
                let m = program.matrices[usize::from(matrix)];
                let (beats, drain) = fabric.array(m.rows, m.cols);
                begin = begin.max(self.codes + START_CYCLES).max(self.array_free);
                self.array_free = begin + beats;
                begin + beats + drain
            }
            Source::Wide { .. } => {
                begin = begin.max(self.wide + START_CYCLES).max(self.pipe_free);
                begin + behind(values, WORD)
            }
            Source::Mixed => {
                begin = begin.max(self.mixed + START_CYCLES).max(self.pipe_free);
                begin + behind(values, WORD)
            }
        };
        let roots = if matches!(pass.factor, Factor::Root(_)) { RECIPROCAL_STAGES } else { 0 };
        self.pipe_free = entered + roots;
        let mut stages = PIPE_STAGES + roots + GATE_STAGES * gated as u64 + TURN_STAGES * u64::from(pass.turn.is_some());
        stages += match pass.into {
            Into::Keys(_) | Into::Values(_) => CODE_STAGES,
            Into::Choice => CHOICE_STAGES,
            Into::Work | Into::Wide(_) | Into::Add(_) => REDUCE_STAGES,
        };
        let mut end = entered + stages;
        if pass.reduce.is_some() {
            // Not over a vector that codes are still made of.
            end = end.max(self.work_free);
            self.work = end;
        }
        match pass.into {
            Into::Wide(_) | Into::Add(_) => self.wide = end,
            Into::Keys(_) | Into::Values(_) => self.kv = self.kv.max(end),
            Into::Work | Into::Choice => {}
        }
        StepCycles { begin, end }
    }
}
