//! What a token costs on the fabric, step by step: predicted before it starts, to the cycle.
//!
//! Steps are issued in their order, each as soon as what it reads is there and what it writes is free, so neighbours
//! overlap: the products of k and v run behind those of q, q's codes are made meanwhile. A step's time is its length over
//! the lanes of its unit plus that unit's stages; nothing depends on a value. Cycle 0 is the first in which the machine has its
//! token; a step's cycle is the one in which it is issued. The rules are those of the control in `hdl/cores`, which a test holds
//! to this model.

use super::program::{Program, WORD, word_beats};
use super::step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};
use crate::cycles::{TABLE_COLS, TABLE_WORDS, tree_levels};

/// From a token to its first step: the memory of steps and its register.
pub const FIRST_CYCLES: u64 = 2;
/// From a step's issue to the next one's: the same.
pub const FETCH_CYCLES: u64 = 3;
/// Passes in flight.
pub const PASSES: usize = 4;
/// By how much a word's turn comes before its result.
const RESULT_STAGES: u64 = 4;
/// From a pass's issue to its first word, if it is not a product.
const FEED_STAGES: u64 = 2;
/// From a word's turn to where it goes: memories, constant times factor, times value, shift, saturation, addition.
pub const PIPE_STAGES: u64 = 11;
/// A register, a cosine and a sine, four products, two sums; on top of it comes the time from the first word of a pair to the second.
const TURN_STAGES: u64 = 4;
/// A gate's table, its line, two products.
pub const GATE_STAGES: u64 = 17;
/// Behind the pipe: half of what is cut off, shorter, weighted and squared, largest and sum.
pub const REDUCE_STAGES: u64 = 6;
/// The roots of all groups, before a pass that is multiplied by them.
pub const ROOT_CYCLES: u64 = 24;
/// From the issue of codes until its words have been read, its length not counted.
const READ_STAGES: u64 = 5;
/// From the issue of codes until the array's first beat of columns can be loaded: eight makings and the makers' stages.
pub const CODE_STAGES: u64 = 14;
/// From the issue of codes until the last of a query's stands, its length not counted.
const QUERY_STAGES: u64 = 7;
/// Query codes to their tables.
pub const TABLE_CYCLES: u64 = 18;
/// From the issue of scores to the last, its length and the tree of a head's tables not counted.
pub const SCORE_STAGES: u64 = 9;
/// From the issue of a mix to its end, its length not counted.
pub const MIX_STAGES: u64 = 16;
/// From the last logits' turn to the choice.
pub const CHOICE_STAGES: u64 = 10;
/// From the walk of a token's phases to their places, its length not counted.
const WALK_STAGES: u64 = 7;
/// The token goes out, is compared with the stops, comes in again.
pub const LOOP_CYCLES: u64 = 8;

/// Positions that are scored per cycle beside an array of the given number of rows: where the array is cut, the scores' tables are too.
pub const fn positions_per_cycle(array_rows: usize) -> usize {
    if array_rows == WORD { 2 } else { 1 }
}

/// The sizes of a machine on the fabric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fabric {
    /// Rows of the array of tables, 1, 2, 4 or 8: sums per beat.
    pub rows: usize,
    /// Columns of the array.
    pub cols: usize,
    /// Codes made per cycle.
    pub makers: usize,
}

impl Fabric {
    /// What fits an ECP5-85F.
    pub const TOKEN_1024: Fabric = Fabric { rows: 8, cols: 128, makers: 16 };

    /// Cycles from a word of a product to the next one.
    const fn pace(&self) -> usize {
        word_beats(self.rows)
    }

    /// Cycles of the issues of a matrix, loads of further columns included, and from an issue to its result.
    fn array(&self, rows: usize, cols: usize) -> (u64, u64) {
        let (groups, beats) = (rows.div_ceil(WORD) * self.pace(), cols.div_ceil(self.cols));
        let loads = if beats > 1 { beats * TABLE_WORDS } else { 0 };
        ((loads + groups * beats) as u64, 10 + tree_levels(self.cols / TABLE_COLS) as u64)
    }

    /// Cycles of makers for that many values.
    fn makings(&self, len: usize, to: CodesTo) -> u64 {
        // The array's codes are whole beats of columns.
        let len = if to == CodesTo::Array { len.next_multiple_of(self.cols) } else { len };
        len.div_ceil(self.makers) as u64
    }
}

/// When a step has worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepCycles {
    /// The cycle in which it is issued.
    pub begin: u64,
    /// The cycle in which what waits for all of it can be issued.
    pub end: u64,
}

/// Passes that do not overtake one another: product or not, as slow as a turned one, gated.
type Class = (bool, bool, bool);

/// The cycles from which on memories can be read and units are free.
#[derive(Debug, Clone, Default)]
struct Ready {
    issue: u64,
    /// The ends of all passes so far.
    passes: Vec<u64>,
    class: Class,
    /// The last word of the last pass has been fed.
    fed: u64,
    array: u64,
    array_idle: u64,
    codes: u64,
    codes_read: u64,
    query: u64,
    tables: u64,
    work: u64,
    wide: u64,
    keys: u64,
    values: u64,
    mixed_read: u64,
    roots: u64,
    turns: u64,
    scores: u64,
    attention: u64,
    mixed: u64,
    chosen: u64,
    settles: bool,
}

/// The cycles of a token whose predecessors number `position`, step by step, and all together with the loop's.
pub fn token(program: &Program, fabric: &Fabric, position: u64) -> (Vec<StepCycles>, u64) {
    let pairs: usize = program.turns.iter().map(Vec::len).sum();
    let turns = if pairs > 0 { 2 * pairs as u64 + WALK_STAGES } else { 0 };
    let mut ready = Ready { issue: FIRST_CYCLES, turns, ..Ready::default() };
    let steps = program.steps().map(|step| ready.step(program, fabric, step, position)).collect();
    (steps, ready.end() + 1 + LOOP_CYCLES)
}

/// The cycles of the slowest token there is: one with a full ring.
pub fn most(program: &Program, fabric: &Fabric) -> u64 {
    token(program, fabric, program.kv.ring as u64).1
}

impl Ready {
    fn step(&mut self, program: &Program, fabric: &Fabric, step: &Step, position: u64) -> StepCycles {
        let seen = |window: u16| program.window(window).min(usize::try_from(position).unwrap_or(usize::MAX).saturating_add(1)) as u64;
        let cycles = match *step {
            Step::Embed { .. } => {
                let pass = Pass {
                    source: Source::Wide { at: 0, take: 0 },
                    count: (program.embedding.width / WORD) as u16,
                    constants: 0,
                    factor: Factor::One,
                    shift: 0,
                    turn: None,
                    gate: None,
                    into: Into::Wide(0),
                    reduce: Some(Reduce::PLAIN),
                };
                self.pass(program, fabric, &pass)
            }
            Step::Pass(pass) => self.pass(program, fabric, &pass),
            Step::Codes { count, to, .. } => self.codes(fabric, usize::from(count) * WORD, to),
            Step::Scores { window, .. } => {
                let begin = self.issue.max(self.query).max(self.tables).max(self.keys).max(self.attention);
                let levels = u64::from((program.kv.head_dim / TABLE_COLS).ilog2());
                self.scores = begin + seen(window).div_ceil(positions_per_cycle(fabric.rows) as u64) + SCORE_STAGES + levels;
                StepCycles { begin, end: self.scores }
            }
            Step::Mix { window, .. } => {
                let begin = self.issue.max(self.scores).max(self.values).max(self.mixed_read);
                self.mixed = begin + seen(window) + MIX_STAGES;
                self.attention = self.mixed + 1;
                StepCycles { begin, end: self.mixed }
            }
        };
        self.issue = cycles.begin + FETCH_CYCLES;
        cycles
    }

    /// No pass is in flight from there on.
    fn settled(&self) -> u64 {
        self.passes.iter().copied().max().unwrap_or(0)
    }

    /// Everything has come to its end, and the last step was issued two cycles before.
    fn end(&self) -> u64 {
        let last = self.issue - FETCH_CYCLES + 2;
        [last, self.settled(), self.work, self.codes_read, self.attention, self.chosen].into_iter().fold(0, u64::max)
    }

    fn codes(&mut self, fabric: &Fabric, len: usize, to: CodesTo) -> StepCycles {
        let begin = self.issue.max(self.work).max(self.codes_read).max(self.roots);
        let makings = fabric.makings(len, to);
        match to {
            CodesTo::Array => {
                let begin = begin.max(self.array_idle).max(self.codes).max(self.settled());
                self.codes_read = begin + makings + READ_STAGES;
                self.codes = begin + CODE_STAGES;
                // One beat of columns is loaded behind its codes, before the first product; more of them by each product.
                let loads = if len <= fabric.cols { TABLE_WORDS as u64 } else { 0 };
                self.array = self.codes + loads;
                self.array_idle = self.array + u64::from(loads > 0);
                // A pass that is slow because the one before was turned ends here.
                self.settles = false;
                StepCycles { begin, end: self.array }
            }
            CodesTo::Query => {
                let begin = begin.max(self.attention).max(self.query);
                self.codes_read = begin + makings + READ_STAGES;
                self.query = begin + makings + QUERY_STAGES + 1;
                self.tables = begin + makings + QUERY_STAGES + TABLE_CYCLES;
                StepCycles { begin, end: self.tables }
            }
        }
    }

    /// The cycle in which a pass is issued.
    fn issue_of(&self, pass: &Pass, class: Class) -> u64 {
        let none = self.settled();
        let mut begin = self.issue;
        if self.passes.len() >= PASSES {
            begin = begin.max(self.passes[self.passes.len() - PASSES]);
        }
        if class != self.class {
            begin = begin.max(none);
        }
        if pass.reduce.is_some() {
            begin = begin.max(none).max(self.codes_read);
        }
        if matches!(pass.source, Source::Wide { .. }) || matches!(pass.into, Into::Wide(_) | Into::Add(_)) {
            begin = begin.max(self.wide);
        }
        match pass.source {
            Source::Product { .. } => begin = begin.max(self.codes).max(self.array),
            Source::Mixed => begin = begin.max(self.mixed),
            Source::Wide { .. } => {}
        }
        if matches!(pass.factor, Factor::Root(_)) {
            begin = begin.max(self.work).max(self.codes_read).max(none);
        }
        if pass.turn.is_some() { begin.max(self.turns) } else { begin }
    }

    fn pass(&mut self, program: &Program, fabric: &Fabric, pass: &Pass) -> StepCycles {
        let gated = pass.gate.is_some();
        let words = u64::from(pass.count) << u32::from(gated);
        let is_single = matches!(pass.source, Source::Product { matrix } if program.matrices[usize::from(matrix)].cols <= fabric.cols);
        let is_slow = pass.turn.is_some() || (self.settles && is_single && !gated);
        self.settles = is_slow;
        let class = (matches!(pass.source, Source::Product { .. }), is_slow, gated);
        let begin = self.issue_of(pass, class);
        self.class = class;
        // The turn of its last word.
        let fed = match pass.source {
            Source::Product { matrix } => {
                let m = program.matrices[usize::from(matrix)];
                let (issues, drain) = fabric.array(m.rows, m.cols);
                self.array = begin + issues;
                self.array_idle = self.array + 1;
                begin + issues + drain - RESULT_STAGES
            }
            _ => {
                let roots = if matches!(pass.factor, Factor::Root(_)) { ROOT_CYCLES } else { 0 };
                // Pairs, and the memory of a row, take words no faster than a product gives them.
                let pace = if pass.turn.is_some() || pass.into == Into::Choice { fabric.pace() as u64 } else { 1 };
                (begin + FEED_STAGES).max(self.fed + 1) + roots + (words - 1) * pace
            }
        };
        self.fed = fed;
        let section = if gated { GATE_STAGES } else { (TURN_STAGES + fabric.pace() as u64) * u64::from(is_slow) };
        let end = fed + PIPE_STAGES + section + 1;
        self.passes.push(end);
        if pass.reduce.is_some() {
            self.work = end + REDUCE_STAGES;
        }
        if matches!(pass.factor, Factor::Root(_)) {
            self.roots = end;
        }
        if pass.source == Source::Mixed {
            self.mixed_read = end;
        }
        match pass.into {
            Into::Wide(_) | Into::Add(_) => self.wide = end,
            Into::Keys(_) => self.keys = end,
            Into::Values(_) => self.values = end,
            Into::Choice => self.chosen = end - 1 + CHOICE_STAGES,
            Into::Work => {}
        }
        StepCycles { begin, end: if pass.reduce.is_some() { self.work } else { end } }
    }
}
