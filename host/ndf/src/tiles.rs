//! An owned weight matrix in the tile layout.

use nda_spec::WeightCode;
use nda_spec::tile::{self, TileError, TileMatrix};

/// Owned weights in the tile layout; what [`TileMatrix`] borrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileBuffer {
    rows: usize,
    cols: usize,
    code: WeightCode,
    words: Vec<u64>,
}

impl TileBuffer {
    /// Takes words in layout order.
    ///
    /// # Errors
    /// A length that the shape does not call for, padding bits that are set, contradicting planes.
    pub fn from_words(rows: usize, cols: usize, code: WeightCode, words: Vec<u64>) -> Result<Self, TileError> {
        let matrix = TileMatrix::new(rows, cols, code, &words)?;
        // A matrix without words has nothing to check, however many rows it claims.
        if !words.is_empty() {
            matrix.check()?;
        }
        Ok(TileBuffer { rows, cols, code, words })
    }

    /// Packs `rows * cols` values, row by row.
    ///
    /// # Errors
    /// A value that the code does not have, or a shape that memory cannot hold.
    ///
    /// # Panics
    /// If `values` is not `rows * cols` long.
    pub fn from_values(rows: usize, cols: usize, code: WeightCode, values: &[i8]) -> Result<Self, TileError> {
        Ok(TileBuffer { rows, cols, code, words: tile::pack(rows, cols, code, values)? })
    }

    /// The weights, as kernels and writers take them.
    pub fn matrix(&self) -> TileMatrix<'_> {
        TileMatrix::new(self.rows, self.cols, self.code, &self.words).expect("both constructors checked the length")
    }

    /// Rows of the matrix: the length of y.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the matrix: the length of x.
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// The weights' code.
    pub const fn code(&self) -> WeightCode {
        self.code
    }

    /// All words, in layout order.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Gives the words away.
    pub fn into_words(self) -> Vec<u64> {
        self.words
    }
}
