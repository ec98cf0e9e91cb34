//! The lowering to a token program ([`nda_spec::token`]): a whole token in integers, for the fabric and for the CPU alike.
//!
//! A token machine has one residual, makes codes of the vector that was made last, and attends over a ring of levels. A
//! graph that is a chain of those is lowered node by node; any other has a reason why not, with its line in the program.

mod chain;
mod gates;
mod lower;

use nda_ir::{Graph, NodeId};
use nda_spec::WeightCode;
use nda_spec::token::{KvForm, Program, ProgramError, Range};

/// What a lowering reads of a document.
pub trait Tensors {
    /// The rows of an embedding, one after another.
    fn table(&self, name: &str) -> Option<Vec<f32>>;

    /// A vector.
    fn vector(&self, name: &str) -> Option<Vec<f32>>;

    /// What a matrix is worth besides its codes.
    ///
    /// # Errors
    /// Why it is not one matrix of codes with a scale per row.
    fn matrix(&self, name: &str) -> Result<Scaled, String>;
}

/// A matrix of codes: `weight[r][c] = scales[r] * code[r][c]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaled {
    /// The codes'.
    pub code: WeightCode,
    /// One per row.
    pub scales: Vec<f64>,
}

/// What a text showed of a model's blocks: constants of its cache, and how large its vectors become.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// How keys and values are kept.
    pub form: KvForm,
    /// Positions that are kept.
    pub ring: usize,
    /// Block by block.
    pub layers: Vec<LayerCalibration>,
}

/// What a text showed of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerCalibration {
    /// What level 1 of each channel of the keys stands for, the same for the two channels that are turned together.
    pub keys: Vec<f64>,
    /// What level 1 of each channel of the values stands for.
    pub values: Vec<f64>,
    /// The largest magnitude of a turned query.
    pub query: f64,
    /// The largest magnitudes that its gate gave.
    pub gate: Range,
}

/// A token program, and which tensors its matrices are.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenProgram {
    /// The program.
    pub program: Program,
    /// For each matrix of it the tensors whose rows follow one another.
    pub matrices: Vec<Vec<String>>,
}

/// Why a graph is not a token program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTokenProgram {
    /// The line of the program's source, if one is to blame.
    pub line: Option<usize>,
    /// The reason.
    pub reason: String,
}

impl std::fmt::Display for NoTokenProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the model's program: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for NoTokenProgram {}

impl From<ProgramError> for NoTokenProgram {
    fn from(error: ProgramError) -> NoTokenProgram {
        NoTokenProgram { line: None, reason: error.to_string() }
    }
}

/// A reason that a node gives.
fn because(graph: &Graph, id: NodeId, reason: impl Into<String>) -> NoTokenProgram {
    NoTokenProgram { line: Some(graph.node(id).line), reason: reason.into() }
}

/// A graph as a token program.
///
/// # Errors
/// The first node that the token machine has no step for, a tensor that it cannot hold, a program that its check refuses.
pub fn lower_token(graph: &Graph, tensors: &dyn Tensors, calibration: &Calibration) -> Result<TokenProgram, NoTokenProgram> {
    lower::Lowering::begin(graph, tensors, calibration)?.lower()
}
