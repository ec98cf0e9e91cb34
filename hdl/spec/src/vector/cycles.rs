//! What a program takes on a device, to the cycle: from the frame's turn to the first byte of its answer.

use super::program::{Op, STEP_BYTES, StepWord, part};
use crate::config::Geometry;
use crate::cycles::run_cycles;
use crate::job::{Job, plane_groups};
use crate::wire::JobFlags;
use crate::{ActivationCode, WeightCode};

/// Cycles of an element in every step: the bytes of a result, a constant or a wide value.
pub const ELEMENT_CYCLES: usize = 3;
/// Cycles from a multiplier's factors to its result.
pub const MULTIPLIER_STAGES: usize = 5;
/// Cycles that the first byte of a tile word of constants is waited for.
pub const WORD_CYCLES: usize = 3;
/// Cycles after a step's last element until the next step is read.
pub const REST_CYCLES: usize = 10;
/// Iterations of a quantizer's normalisation and of its division.
pub const LIFT_STEPS: usize = 23;
/// See [`LIFT_STEPS`].
pub const QUOTIENT_STEPS: usize = 45;
/// Iterations of a root's normalisation, of the root itself and of its division.
pub const ROOT_LIFT_STEPS: usize = 32;
/// See [`ROOT_LIFT_STEPS`].
pub const ROOT_STEPS: usize = 32;
/// See [`ROOT_LIFT_STEPS`].
pub const INVERSE_STEPS: usize = 55;
/// Cycles from the start of a quantizer until it stands.
pub const QUANTIZER_CYCLES: usize = LIFT_STEPS + QUOTIENT_STEPS + 2;
/// Cycles from the start of a root until it stands.
pub const ROOT_CYCLES: usize = ROOT_LIFT_STEPS + ROOT_STEPS + INVERSE_STEPS + 2;
/// The request's first 12 bytes, and what is asked of them.
const HEAD_CYCLES: usize = 15;
/// A run of the command processor's besides what depends on its numbers: header, checks, the answer's header.
const RUN_CYCLES: usize = 50;
/// A step's bytes and its choice.
const STEP_CYCLES: usize = STEP_BYTES + 2;
/// Cycles of one search for the largest besides its elements.
const ROUND_CYCLES: usize = 7;

/// Bytes of the answer's memory.
pub const fn answer_bytes(geometry: &Geometry) -> usize {
    2 * geometry.vector_words
}

/// What a program costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProgramCost {
    /// Cycles, as the response's `aux` has them.
    pub cycles: u64,
    /// Runs of the array, the one on the program's own pages included.
    pub jobs: u64,
    /// Beats of all runs.
    pub beats: u64,
    /// Cycles of the run phases.
    pub run_cycles: u64,
}

fn bits(value: u16) -> usize {
    (u16::BITS - value.leading_zeros()) as usize
}

impl ProgramCost {
    /// A run of the array: until its answer's header is looked at.
    fn run(&mut self, g: &Geometry, job: &Job) {
        let run = run_cycles(g, job);
        let first = job.base as usize / g.page_words;
        let last = (job.base as usize + job.tile_words()).saturating_sub(1) / g.page_words;
        let acts = job.act_words() * g.act_word_bytes();
        let counters = bits(u16::from(job.plane_groups)) + bits(job.row_groups) + 2 * (last + 1 - first);
        self.cycles += (RUN_CYCLES + counters + acts) as u64 + run;
        self.jobs += 1;
        self.beats += (job.tile_words() * usize::from(job.plane_groups)) as u64;
        self.run_cycles += run;
    }
}

/// The probe of a program's own words: one plane of anything, so that their seals are asked for.
pub fn probe(id: u16, base: u16, words: u16) -> Job {
    let flags = JobFlags::new(WeightCode::Quaternary, ActivationCode::A8);
    Job { id, flags, plane_groups: 1, base: base.into(), row_groups: words, col_beats: 1, init: 0 }
}

/// The job of a product step.
pub fn product(g: &Geometry, id: u16, word: &StepWord, sum: i32) -> Job {
    let flags = JobFlags { ternary: word.flag, a2: false };
    Job {
        id,
        flags,
        plane_groups: plane_groups(ActivationCode::A8, g.planes) as u8,
        base: word.with.into(),
        row_groups: word.groups,
        col_beats: word.beats,
        init: flags.coefficients().affine().offset.wrapping_mul(sum) << 8 >> 8,
    }
}

/// The cost of a program whose bytes begin at tile word `base`; `None` if they are none.
pub fn program_cost(g: &Geometry, base: u16, bytes: &[u8]) -> Option<ProgramCost> {
    let words = bytes.len().div_ceil(g.tile_word_bytes());
    let mut cost = ProgramCost { cycles: HEAD_CYCLES as u64, ..ProgramCost::default() };
    cost.run(g, &probe(0, base, u16::try_from(words).ok()?));
    let mut at = 0;
    loop {
        let word = StepWord::from_bytes(bytes.get(at..at + STEP_BYTES)?.first_chunk()?)?;
        at += STEP_BYTES + word.constant_bytes(g);
        let elements = ELEMENT_CYCLES * usize::from(word.count) + REST_CYCLES;
        let quantizer = 1 + QUANTIZER_CYCLES + 1 + if word.flag { 1 + MULTIPLIER_STAGES } else { 0 };
        cost.cycles += STEP_CYCLES as u64;
        cost.cycles += match word.op {
            Op::End => break,
            Op::Begin => 0,
            Op::TakeWide => 1 + elements,
            Op::TakeCodes => 1 + super::SCALE_BYTES + elements,
            Op::Product => {
                cost.run(g, &product(g, 0, &word, 0));
                ELEMENT_CYCLES * usize::from(word.groups) * g.array_rows + REST_CYCLES
            }
            Op::Scale => 2 + elements,
            Op::Squares => 8 + elements + 1 + ROOT_CYCLES,
            Op::Codes if word.with & part::LOWER != 0 => 1 + elements,
            Op::Codes => quantizer + elements,
            Op::SendCodes => quantizer + super::SCALE_BYTES + elements,
            Op::Weight | Op::Silu | Op::Multiply | Op::SendWide => elements,
            Op::SendLargest => usize::from(word.with) * (ROUND_CYCLES + elements) + 1,
        } as u64;
    }
    // A word is waited for when its first byte is wanted.
    cost.cycles += (WORD_CYCLES * at.div_ceil(g.tile_word_bytes())) as u64;
    Some(cost)
}
