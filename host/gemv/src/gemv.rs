//! The trait that carries everything: integers in, integers out, so every back end is bit-equal.

use crate::columns::Columns;
use crate::cost::Cost;
use crate::error::GemvError;
use crate::grids::Grids;
use crate::seeds::Seeds;
use crate::shape::{Activations, MatrixId, Shape};
use crate::tokens::Tokens;
use crate::vectors::Vectors;
use nda_spec::TileMatrix;

/// A back end that multiplies 2-bit matrices by vectors of codes, exactly.
///
/// `'m` is the life of the weights: they are used in place (mapped), never copied as a whole.
pub trait Gemv<'m> {
    /// What a person calls this back end, with the variant chosen: "cpu (AVX-512 VNNI)", "sim (wide256, parallel)".
    fn name(&self) -> String;

    /// Whether this back end can multiply such a matrix; the error's reason names the limit.
    fn supports(&self, shape: Shape) -> Result<(), GemvError>;

    /// Makes matrices of equal `cols` and code ready, stacked by rows: one `run` multiplies all of them by
    /// one vector (q, k and v, say) and y holds their rows one after another.
    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError>;

    /// `y = W x`. `x.values` has `cols` values, `y` as many as the parts' rows together.
    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError>;

    /// Several vectors at once, if this back end gains by it.
    fn vectors(&mut self) -> Option<&mut dyn Vectors> {
        None
    }

    /// Some columns of a matrix in place, if this back end can.
    fn columns(&mut self) -> Option<&mut dyn Columns> {
        None
    }

    /// Group-quantized matrices, if this back end multiplies them whole.
    fn grids(&mut self) -> Option<&mut dyn Grids<'m>> {
        None
    }

    /// Whole tokens, if this back end has a token machine.
    fn tokens(&mut self) -> Option<&mut dyn Tokens> {
        None
    }

    /// The element operations of the articles, if this back end does them; a caller does them itself by `nda_spec::seed` where not.
    fn seeds(&mut self) -> Option<&mut dyn Seeds> {
        None
    }
}
