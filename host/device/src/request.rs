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
}

impl JobRequest {
    /// The job that these numbers describe under an id.
    pub(crate) fn with_id(&self, id: u16) -> Job {
        let JobRequest { flags, plane_groups, base, row_groups, col_beats, init } = *self;
        Job { id, flags, plane_groups, base, row_groups, col_beats, init }
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
    /// It did not: this page of its weights is not sealed.
    TileDirty(usize),
    /// It ran, but the device acted on more than this session's frames since the last audit.
    Doubtful,
}

/// How sure a job's results must be of the pages that it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// The pages held nothing else in this session: their seals are enough.
    Sealed,
    /// They did: an audit between the job and its results shows that no old frame brought it back.
    Audited,
}

/// A program's place and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramRequest {
    /// First tile word.
    pub base: u16,
    /// Tile words.
    pub words: u16,
    /// Job ids that a run takes.
    pub jobs: u16,
    /// Bytes of the answer.
    pub output_bytes: usize,
    /// Cycles that it takes.
    pub cycles: u64,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramOutcome {
    /// It ran.
    Done {
        /// Its answer.
        output: Vec<u8>,
        /// Cycles that it took, as the device counted them.
        cycles: u32,
    },
    /// A page that it needs is not sealed; what wide values the device holds is not known.
    TileDirty(usize),
    /// What it should go on from is gone: a new session, a reset, another job in between. All from the first on must run again.
    Gone,
}
