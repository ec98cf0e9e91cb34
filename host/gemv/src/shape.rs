//! What a product is of: a shape, a prepared matrix, a vector.

use nda_spec::{ActivationCode, GridMatrix, TileMatrix, WeightCode};

/// What a back end has to know of a product before it accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows of W: the length of y.
    pub rows: usize,
    /// Columns of W: the length of x.
    pub cols: usize,
    /// The weights' code.
    pub code: WeightCode,
}

impl Shape {
    /// A matrix's shape.
    pub fn of(matrix: &TileMatrix<'_>) -> Shape {
        Shape { rows: matrix.rows(), cols: matrix.cols(), code: matrix.code() }
    }

    /// A group-quantized matrix's shape.
    pub fn of_grid(grid: &GridMatrix<'_>) -> Shape {
        Shape { rows: grid.rows(), cols: grid.cols(), code: grid.code() }
    }

    /// Weights in it.
    pub fn weights(&self) -> usize {
        self.rows.saturating_mul(self.cols)
    }
}

/// Activations of one vector: `cols` values, each in its code. Scales stay with the caller.
#[derive(Debug, Clone, Copy)]
pub struct Activations<'x> {
    /// The activations' code.
    pub code: ActivationCode,
    /// One value per column.
    pub values: &'x [i8],
}

/// A prepared matrix; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MatrixId(pub usize);
