//! Why a back end refuses a product or fails.

use crate::grids::{GridId, GridInputError};
use crate::shape::{MatrixId, Shape};
use crate::tokens::TokensId;

/// Why a product was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum GemvError {
    /// The back end cannot do this shape or code; the reason names the limit and its value.
    #[error("{backend} cannot multiply {rows} x {cols} {code} weights: {reason}", rows = shape.rows, cols = shape.cols, code = shape.code.name())]
    Unsupported {
        /// The back end.
        backend: String,
        /// The shape that was asked for.
        shape: Shape,
        /// The limit.
        reason: String,
    },
    /// The id is not one of this back end's.
    #[error("matrix {} was not prepared by this back end", id.0)]
    UnknownMatrix {
        /// The id.
        id: MatrixId,
    },
    /// The id is not one of this back end's.
    #[error("grid {} was not prepared by this back end", id.0)]
    UnknownGrid {
        /// The id.
        id: GridId,
    },
    /// The id is not one of this back end's.
    #[error("token program {} was not prepared by this back end", id.0)]
    UnknownTokens {
        /// The id.
        id: TokensId,
    },
    /// A text that the token machine does not hold, or that a step names twice.
    #[error("text {text} cannot take part in a step: {reason}")]
    Text {
        /// Its number.
        text: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A vector's length does not fit the matrix.
    #[error("{what} has {found} values, but the matrix is {rows} x {cols}", rows = shape.rows, cols = shape.cols)]
    Length {
        /// Which vector: "x" or "y".
        what: &'static str,
        /// Its length.
        found: usize,
        /// The prepared matrix.
        shape: Shape,
    },
    /// Columns that a matrix does not have.
    #[error("columns {first} to {end} are not all in the matrix, which is {rows} x {cols}", rows = shape.rows, cols = shape.cols)]
    Columns {
        /// The first column.
        first: usize,
        /// The column after the last.
        end: usize,
        /// The prepared matrix.
        shape: Shape,
    },
    /// A value that the activations' code does not have.
    #[error("x[{index}] = {value} is not an {code} activation")]
    Value {
        /// Where in x.
        index: usize,
        /// The value.
        value: i8,
        /// Name of the code.
        code: &'static str,
    },
    /// Vectors that no grid is multiplied by.
    #[error(transparent)]
    GridInput(#[from] GridInputError),
    /// The device or its link failed.
    #[error("{0}")]
    Device(#[from] Box<dyn std::error::Error + Send + Sync>),
}
