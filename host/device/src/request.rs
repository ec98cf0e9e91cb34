//! What a driver runs, and what came of it.

use nda_spec::job::Job;
use nda_spec::wire::JobFlags;

/// A job without its id, which the driver gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRequest {
    /// Codes of weights and activations.
    pub flags: JobFlags,
    /// Groups of activation planes.
    pub plane_groups: u8,
    /// First word of the weights in the tile store.
    pub base: u32,
    /// Groups of rows, at least 1.
    pub row_groups: u16,
    /// Beats of a row, at least 1.
    pub col_beats: u16,
    /// Initial value of every accumulator, 24 bits.
    pub init: i32,
    /// What the pages of its weights must hold: their digest.
    pub digest: u32,
}

impl JobRequest {
    /// The job that these numbers describe under an id.
    pub(crate) fn with_id(&self, id: u16) -> Job {
        let JobRequest { flags, plane_groups, base, row_groups, col_beats, init, digest } = *self;
        Job { id, flags, plane_groups, base, row_groups, col_beats, init, digest }
    }
}

/// What a job gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Result words in row order: [`nda_spec::width::RESULT_BYTES`] bytes a row, little endian.
    pub results: Vec<u8>,
    /// Cycles of the run phase, as the device counted them.
    pub run_cycles: u32,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// It ran.
    Done(RunResult),
    /// It did not: a page of its weights is not sealed, or they are sealed with other contents.
    Pages,
}
