//! What a program's host gives it: tensors, products, attention, a place to print.

use crate::value::Codes;
use nda_spec::seed::{Answer, Call};

/// Why a host's builtin failed; it comes back in [`Trap::Host`](crate::Trap::Host).
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// What `gemv` multiplies by.
#[derive(Debug, Clone, Copy)]
pub enum Input<'x> {
    /// Floats; the host quantizes them to the model's precision.
    Floats(&'x [f32]),
    /// What the program quantized itself.
    Codes(&'x Codes),
}

impl Input<'_> {
    /// Elements.
    pub fn len(&self) -> usize {
        match self {
            Input::Floats(values) => values.len(),
            Input::Codes(codes) => codes.values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Heads of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key and value heads, a divisor of `queries`.
    pub keys: usize,
}

/// What one call of an attention does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// Heads of the queries and of the keys and values.
    pub heads: Heads,
    /// Positions that are taken at once, the oldest first; at least 1.
    pub positions: usize,
    /// Positions that a query sees, its own included; `None` is all.
    pub window: Option<usize>,
    /// What scores are multiplied by.
    pub scale: f32,
}

/// What a program reads: the metadata and tensors of its document, which no run changes.
///
/// Layers, rows and tensors are the indexes of [`crate::Links`], so nothing is looked up by name at run time.
pub trait Document {
    /// A whole number of the metadata.
    fn metadata_int(&self, key: &str) -> Option<i64>;

    /// A number of the metadata.
    fn metadata_float(&self, key: &str) -> Option<f64>;

    /// Rows of all matrices of a layer together, and their columns: the lengths of its `y` and `x`.
    ///
    /// # Errors
    /// No such layer.
    fn layer_shape(&self, layer: usize) -> Result<(usize, usize), HostError>;

    /// Rows of each matrix of a layer.
    ///
    /// # Errors
    /// No such layer.
    fn part_rows(&self, layer: usize) -> Result<Vec<usize>, HostError>;

    /// The values of a vector or table.
    ///
    /// # Errors
    /// No such tensor.
    fn tensor(&self, tensor: usize) -> Result<&[f32], HostError>;

    /// Rows and columns of a tensor that [`Self::row`] takes rows of.
    ///
    /// # Errors
    /// No such tensor.
    fn shape(&self, tensor: usize) -> Result<(usize, usize), HostError>;

    /// One row of a matrix or table; every element of `out` is written.
    ///
    /// # Errors
    /// No such row.
    fn row(&self, tensor: usize, row: i64, out: &mut [f32]) -> Result<(), HostError>;
}

/// What a program runs against: its document, a back end that multiplies, a KV cache, a place to print.
pub trait Builtins {
    /// The document.
    fn document(&self) -> &dyn Document;

    /// Takes a printed line, without its end.
    fn print(&mut self, line: &str);

    /// Does `work` of 0 to `tasks`, in any order, by threads if the host has some.
    fn share(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(work);
    }

    /// `y = W x` of a layer; `y` holds its matrices' rows one after another. Several vectors may stand in `x` one after
    /// another; then so do their results. Every element is written, here and wherever else a slice is filled:
    /// it holds anything before.
    ///
    /// # Errors
    /// A length that does not fit, a value that is not finite, a failure of the back end.
    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError>;

    /// Takes the keys and values of one position or several into a block's cache and lets each query look at those up to
    /// its own. `out` is as long as `q`.
    ///
    /// # Errors
    /// Lengths that do not fit the heads or the cache, or a second call for the same block and position.
    fn attend(&mut self, block: i64, qkv: [&[f32]; 3], attention: Attention, out: &mut [f32]) -> Result<(), HostError>;

    /// The positions of a step's rows, each counted from the position that the program was called with, where they belong to several
    /// texts; `None` where they follow one another. Rows that [`Self::attend`] is given belong to the same texts.
    fn row_positions(&self) -> Option<&[usize]> {
        None
    }

    /// An element operation of the articles: what [`Call::golden`] says, wherever it is done. Lengths fit.
    ///
    /// # Errors
    /// A failure of the back end.
    fn seed(&mut self, call: &Call<'_>) -> Result<Answer, HostError> {
        Ok(call.golden())
    }
}

/// The document of a program that reads none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDocument;

fn no_document<T>() -> Result<T, HostError> {
    Err("there is no document".into())
}

impl Document for NoDocument {
    fn metadata_int(&self, _: &str) -> Option<i64> {
        None
    }

    fn metadata_float(&self, _: &str) -> Option<f64> {
        None
    }

    fn layer_shape(&self, _: usize) -> Result<(usize, usize), HostError> {
        no_document()
    }

    fn part_rows(&self, _: usize) -> Result<Vec<usize>, HostError> {
        no_document()
    }

    fn tensor(&self, _: usize) -> Result<&[f32], HostError> {
        no_document()
    }

    fn shape(&self, _: usize) -> Result<(usize, usize), HostError> {
        no_document()
    }

    fn row(&self, _: usize, _: i64, _: &mut [f32]) -> Result<(), HostError> {
        no_document()
    }
}
