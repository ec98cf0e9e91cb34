//! Products of several vectors: a weight is read once for all of them.

use crate::cost::Cost;
use crate::error::GemvError;
use crate::gemv::Gemv;
use crate::shape::{Activations, MatrixId};

/// Multiplies a matrix by several vectors at once.
pub trait Vectors {
    /// `y = W x` of `vectors` vectors: `x.values` holds them one after another, `y` all rows of the first, then those of the next.
    ///
    /// # Errors
    /// As [`Gemv::run`].
    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError>;
}

/// `y = W x` of several vectors on any back end: at once where it can, else one after another.
///
/// # Errors
/// As [`Gemv::run`].
pub fn run_vectors<'m>(
    gemv: &mut dyn Gemv<'m>,
    id: MatrixId,
    vectors: usize,
    x: Activations<'_>,
    y: &mut [i32],
) -> Result<Cost, GemvError> {
    if vectors != 1
        && let Some(several) = gemv.vectors()
    {
        return several.run_vectors(id, vectors, x, y);
    }
    let (cols, rows) = (x.values.len() / vectors.max(1), y.len() / vectors.max(1));
    if vectors <= 1 || cols == 0 || rows == 0 {
        // One run at least, which says what is wrong with the lengths.
        return gemv.run(id, x, y);
    }
    let mut cost = Cost::default();
    for (values, y) in x.values.chunks(cols).zip(y.chunks_mut(rows)) {
        cost += gemv.run(id, Activations { code: x.code, values }, y)?;
    }
    Ok(cost)
}
