//! Products of some columns of a matrix.

use crate::cost::Cost;
use crate::error::GemvError;
use crate::shape::{Activations, MatrixId};
use std::ops::Range;

/// Multiplies a part of a matrix's columns where they lie. Other back ends are given such parts as matrices of their own.
pub trait Columns {
    /// `y = W[.., cols] x` of some columns of every row: `x.values` has `cols.len()` values.
    ///
    /// # Errors
    /// As [`crate::Gemv::run`]; columns that the matrix does not have.
    fn run_columns(&mut self, id: MatrixId, cols: Range<usize>, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError>;
}
