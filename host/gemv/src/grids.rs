//! Products of group-quantized matrices, whose stacks share a scale per row and group of columns.

use crate::cost::Cost;
use crate::error::GemvError;
use nda_spec::grid::HALF_COLS;
use nda_spec::plan::Layer;
use nda_spec::{GridMatrix, WeightCode};

/// A prepared grid; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GridId(pub usize);

/// Why vectors of codes were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GridInputError {
    /// Lengths that do not fit each other.
    #[error("{codes} codes and {scales} scales do not make vectors of {cols} columns with a scale for each 32 of them")]
    Length {
        /// Codes that were given.
        codes: usize,
        /// Scales that were given.
        scales: usize,
        /// Columns of a vector.
        cols: usize,
    },
    /// -128, which has no opposite: the kernels' 16-bit sums count on 127 as the largest magnitude.
    #[error("code {index} is -128; codes of a grid's vectors go from -127 to 127")]
    Code {
        /// Which one.
        index: usize,
    },
}

/// Vectors of A8 codes with a scale for each half word of 32 columns. Lengths and codes are checked once, here.
#[derive(Debug, Clone, Copy)]
pub struct GroupedVectors<'x> {
    cols: usize,
    codes: &'x [i8],
    scales: &'x [f32],
}

impl<'x> GroupedVectors<'x> {
    /// Vectors of `cols` codes each, one after another, and of each the scales of its half words.
    ///
    /// # Errors
    /// Lengths that do not fit; the code -128.
    pub fn new(cols: usize, codes: &'x [i8], scales: &'x [f32]) -> Result<GroupedVectors<'x>, GridInputError> {
        let vectors = codes.len().checked_div(cols).unwrap_or(0);
        if vectors == 0 || codes.len() != vectors * cols || scales.len() != vectors * cols.div_ceil(HALF_COLS) {
            return Err(GridInputError::Length { codes: codes.len(), scales: scales.len(), cols });
        }
        // Without a way out of the loop it runs on many values at a time; the place is looked for only after that.
        if codes.iter().fold(false, |any, &code| any | (code == i8::MIN)) {
            let index = codes.iter().position(|&code| code == i8::MIN).unwrap_or(0);
            return Err(GridInputError::Code { index });
        }
        Ok(GroupedVectors { cols, codes, scales })
    }

    /// Columns of a vector.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// How many vectors; at least one.
    pub fn vectors(&self) -> usize {
        self.codes.len() / self.cols
    }

    /// Each vector's codes and scales.
    pub fn iter(&self) -> impl Iterator<Item = (&'x [i8], &'x [f32])> {
        self.codes.chunks_exact(self.cols).zip(self.scales.chunks_exact(self.cols.div_ceil(HALF_COLS)))
    }
}

/// Multiplies group-quantized matrices whole, to the bit as `nda_spec::grid::gemv` says.
pub trait Grids<'m> {
    /// Makes grids of equal `cols` ready, stacked by rows. `None` if these are better multiplied here as matrices of integers, half
    /// word by half word: they stay on a device, say.
    ///
    /// # Errors
    /// Parts that cannot be stacked.
    fn prepare_grid(&mut self, parts: &[GridMatrix<'m>]) -> Result<Option<GridId>, GemvError>;

    /// `y = W x` of every vector: all rows of the first vector, then those of the next.
    ///
    /// # Errors
    /// A grid that was not prepared here, a length that does not fit.
    fn run_grid(&mut self, id: GridId, x: &GroupedVectors<'_>, y: &mut [f32]) -> Result<Cost, GemvError>;
}

/// The products that stacked grids are on a back end of integers: half word by half word, those of one code together.
pub fn integer_layers(parts: &[GridMatrix<'_>]) -> Vec<Layer> {
    let cols = parts.first().map_or(0, GridMatrix::cols);
    let mut layers = Vec::new();
    for first in (0..cols).step_by(HALF_COLS) {
        for code in WeightCode::ALL {
            let own = parts.iter().filter(|part| part.code() == code);
            let rows: Vec<usize> = own.flat_map(|part| std::iter::repeat_n(part.rows(), part.stacks())).collect();
            if !rows.is_empty() {
                layers.push(Layer { parts: rows, cols: HALF_COLS.min(cols - first) });
            }
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_wrong_lengths_or_codes_are_refused_with_their_place() {
        let refused = |cols, codes: &[i8], scales: &[f32]| GroupedVectors::new(cols, codes, scales).unwrap_err();
        assert_eq!(refused(40, &[0; 40], &[1.0]), GridInputError::Length { codes: 40, scales: 1, cols: 40 });
        assert!(matches!(refused(0, &[], &[]), GridInputError::Length { .. }));
        let mut codes = [0; 80];
        codes[50] = i8::MIN;
        assert_eq!(refused(40, &codes, &[1.0; 4]), GridInputError::Code { index: 50 });
        codes[50] = 127;
        let x = GroupedVectors::new(40, &codes, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let second = x.iter().nth(1).unwrap();
        assert_eq!((x.vectors(), second.0[10], second.1), (2, 127, &[3.0, 4.0][..]));
    }
}
