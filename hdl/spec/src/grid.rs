//! Grids: stacked planes that share one scale a group of columns, so that a weight is a small integer times a scale.
//!
//! `W[row][col] = scale(row, col) * level(row, col)`, `level = sum over stacks k of coefficient_k * code_k(row, col)`.
//! The coefficients are one small integer a stack, so the sum of a group's products is an integer whatever the number of
//! stacks: `sum_k coefficient_k * gemv(stack k)`. That is what a back end without floats computes, and what a back end that
//! looks levels up computes at once.
//!
//! Scales are IEEE 754 binary16 and stand as the tiles do: word by word of a tile (or of as many words as a group has), in a word row by
//! row, in a row group by group. So a kernel that walks a tile reads them from front to back.

use crate::WeightCode;
use crate::group::places;
pub use crate::group::{GroupCols, scale_count, scale_index};
use crate::tile::{TILE_ROWS, TileError, TileMatrix, WORD_COLS, matrix_u64};

/// Most stacks of a grid.
pub const MAX_STACKS: usize = 4;
/// Largest sum of coefficients: twice it is the largest level, and twice that times 127 times 2, the sum of two unsigned
/// products of bytes, is 31,496, which 16 bits hold.
pub const MAX_COEFFICIENT_SUM: u32 = 31;
/// Columns of a half word: the longest run of columns that is summed in integers before a scale is applied.
pub const HALF_COLS: usize = WORD_COLS / 2;

/// Why a grid was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// Its planes.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// Coefficients that no kernel takes.
    #[error("the coefficients {coefficients:?} must be 1 to 4 positive integers with a sum of at most 31")]
    Coefficients {
        /// What was given.
        coefficients: Vec<i8>,
    },
    /// Scales do not match the shape.
    #[error("{rows} x {cols} weights have {expected} scales in groups of {group} columns, but there are {found}")]
    Scales {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
        /// Columns that share a scale.
        group: usize,
        /// Scales that the shape needs.
        expected: usize,
        /// Scales that were given.
        found: usize,
    },
    /// A scale that is infinite or no number.
    #[error("scale {index} is not finite")]
    NotFinite {
        /// Which one.
        index: usize,
    },
    /// A scale of a row or group beyond the matrix is not zero.
    #[error("scale {index} is that of no group and must be zero")]
    Padding {
        /// Which one.
        index: usize,
    },
}

/// A grid in place, borrowed (from a mapped file, usually).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridMatrix<'a> {
    rows: usize,
    cols: usize,
    code: WeightCode,
    group: GroupCols,
    stacks: usize,
    coefficients: [i8; MAX_STACKS],
    scales: &'a [u16],
    words: &'a [u64],
}

impl<'a> GridMatrix<'a> {
    /// A view; checks lengths and coefficients and nothing else. Call [`Self::check`] once on what comes from outside.
    ///
    /// # Errors
    /// Lengths that do not match the shape, coefficients that are not 1 to 4 positive integers of a small sum.
    pub fn new(
        (rows, cols): (usize, usize),
        code: WeightCode,
        group: GroupCols,
        coefficients: &[i8],
        scales: &'a [u16],
        words: &'a [u64],
    ) -> Result<Self, GridError> {
        let refused = || GridError::Coefficients { coefficients: coefficients.to_vec() };
        let sum = coefficients.iter().try_fold(0, |sum: u32, &c| u32::try_from(c).ok().filter(|&c| c > 0).map(|c| sum + c));
        let stacks = coefficients.len();
        if !(1..=MAX_STACKS).contains(&stacks) || sum.is_none_or(|sum| sum > MAX_COEFFICIENT_SUM) {
            return Err(refused());
        }
        let mut fixed = [0; MAX_STACKS];
        fixed[..stacks].copy_from_slice(coefficients);
        let of_stack = matrix_u64(rows, cols, code)?;
        let expected = of_stack.checked_mul(stacks).ok_or(TileError::TooLarge { rows, cols })?;
        if words.len() != expected {
            return Err(TileError::Length { rows, cols, expected, found: words.len() }.into());
        }
        let expected = scale_count(rows, cols, group)?;
        if scales.len() != expected {
            return Err(GridError::Scales { rows, cols, group: group.cols(), expected, found: scales.len() });
        }
        Ok(GridMatrix { rows, cols, code, group, stacks, coefficients: fixed, scales, words })
    }

    /// Reads everything: canonical planes, finite scales, zero padding.
    ///
    /// # Errors
    /// The first fault: of the scales, then of the planes.
    pub fn check(&self) -> Result<(), GridError> {
        self.check_scales()?;
        (0..self.stacks).try_for_each(|k| self.stack(k).check()).map_err(GridError::from)
    }

    /// The part of [`Self::check`] that reads scales.
    ///
    /// # Errors
    /// [`GridError::NotFinite`] or [`GridError::Padding`].
    pub fn check_scales(&self) -> Result<(), GridError> {
        const EXPONENT: u16 = 0x7c00;
        if let Some(index) = self.scales.iter().position(|bits| bits & EXPONENT == EXPONENT) {
            return Err(GridError::NotFinite { index });
        }
        let (in_word, places) = (self.group.in_word(), places(self.cols, self.group));
        for (index, _) in self.scales.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let (scale, group) = (index / in_word, index % in_word);
            let (place, row) = (scale / TILE_ROWS, scale % TILE_ROWS);
            let (first, place) = (place / places * TILE_ROWS, place % places * self.group.words());
            let (row, col) = (first + row, place * WORD_COLS + group * self.group.cols());
            if row >= self.rows || col >= self.cols {
                return Err(GridError::Padding { index });
            }
        }
        Ok(())
    }

    /// Rows of the matrix: the length of y.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the matrix: the length of x.
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Code of every stack.
    pub const fn code(&self) -> WeightCode {
        self.code
    }

    /// Columns that share a scale.
    pub const fn group(&self) -> GroupCols {
        self.group
    }

    /// One coefficient a stack.
    pub fn coefficients(&self) -> &[i8] {
        &self.coefficients[..self.stacks]
    }

    /// Stacks: 1 to [`MAX_STACKS`].
    pub const fn stacks(&self) -> usize {
        self.stacks
    }

    /// All scales in place, as binary16 bits.
    pub const fn scales(&self) -> &'a [u16] {
        self.scales
    }

    /// The scales of a tile, as [`GroupCols::word_scales`] takes them.
    ///
    /// # Panics
    /// If there is no such tile.
    pub fn tile_scales(&self, tile: usize) -> &'a [u16] {
        let count = places(self.cols, self.group) * TILE_ROWS * self.group.in_word();
        &self.scales[tile * count..][..count]
    }

    /// All words in place: stack by stack.
    pub const fn words(&self) -> &'a [u64] {
        self.words
    }

    /// The planes of one stack.
    ///
    /// # Panics
    /// If there is no such stack.
    pub fn stack(&self, stack: usize) -> TileMatrix<'a> {
        assert!(stack < self.stacks, "stack {stack} of {}", self.stacks);
        let count = self.words.len() / self.stacks;
        TileMatrix::new(self.rows, self.cols, self.code, &self.words[stack * count..(stack + 1) * count])
            .expect("new has seen to the length")
    }

    /// The level of one weight: at most 62 in magnitude.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    pub fn level(&self, row: usize, col: usize) -> i8 {
        (0..self.stacks).map(|k| self.coefficients[k] * self.stack(k).get(row, col)).sum()
    }

    /// The scale of one weight.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    pub fn scale(&self, row: usize, col: usize) -> f32 {
        assert!(row < self.rows && col < self.cols, "({row}, {col}) is outside {} x {}", self.rows, self.cols);
        half_to_f32(self.scales[scale_index(row, col, self.cols, self.group)])
    }

    /// One weight as a float.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    pub fn weight(&self, row: usize, col: usize) -> f32 {
        f32::from(self.level(row, col)) * self.scale(row, col)
    }
}

/// The value of a binary16; exact, because every binary16 is a binary32.
pub fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        // Subnormal: fraction * 2^-24.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// What a product of a grid is, by definition: `x` codes with one scale a half word of [`HALF_COLS`] columns.
///
/// Every half word of a row is summed in integers. Its sum, which a float holds exactly, meets `scale * x_scale` (rounded
/// once) in one fused multiplication and addition, ascending by columns, in one total for first halves and one for second
/// halves; the two are added at the end. So every back end that sums integers rightly gives the same bits.
///
/// # Panics
/// If lengths contradict the shape.
pub fn gemv(w: &GridMatrix<'_>, x: &[i8], x_scales: &[f32], y: &mut [f32]) {
    assert!(x.len() == w.cols && y.len() == w.rows && x_scales.len() == w.cols.div_ceil(HALF_COLS), "lengths must fit the grid");
    for (row, y) in y.iter_mut().enumerate() {
        let mut totals = [0.0_f32; 2];
        for (half, (x, x_scale)) in x.chunks(HALF_COLS).zip(x_scales).enumerate() {
            let first = half * HALF_COLS;
            let sum: i32 = x.iter().enumerate().map(|(i, &x)| i32::from(x) * i32::from(w.level(row, first + i))).sum();
            totals[half % 2] = (sum as f32).mul_add(w.scale(row, first) * x_scale, totals[half % 2]);
        }
        *y = totals[0] + totals[1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::pack;

    #[test]
    fn every_binary16_becomes_its_value() {
        let known = [(0x0000, 0.0), (0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x0400, 6.103_515_6e-5)];
        known.iter().for_each(|&(bits, value)| assert_eq!(half_to_f32(bits), value, "{bits:04x}"));
        assert_eq!(half_to_f32(0x8000).to_bits(), 0x8000_0000);
        assert!(half_to_f32(0x7c00).is_infinite() && half_to_f32(0x7e00).is_nan());
        // Ascending bits are ascending values.
        (0..0x7bff).for_each(|bits| assert!(half_to_f32(bits) < half_to_f32(bits + 1)));
    }

    fn grid<'a>(coefficients: &[i8], scales: &'a [u16], words: &'a [u64]) -> Result<GridMatrix<'a>, GridError> {
        GridMatrix::new((3, 70), WeightCode::Quaternary, GroupCols::C32, coefficients, scales, words)
    }

    #[test]
    fn lengths_coefficients_and_padding_are_checked() {
        let words = pack(3, 70, WeightCode::Quaternary, &[1; 210]).unwrap();
        let twice = [words.as_slice(), words.as_slice()].concat();
        let mut scales = vec![0; scale_count(3, 70, GroupCols::C32).unwrap()];
        assert_eq!(scales.len(), 128);
        scales[scale_index(2, 69, 70, GroupCols::C32)] = 0x3c00;
        let good = grid(&[4, 7], &scales, &twice).unwrap();
        good.check().unwrap();
        assert_eq!((good.level(2, 69), good.weight(2, 69), good.weight(2, 0)), (11, 11.0, 0.0));
        assert!(matches!(grid(&[4], &scales, &twice), Err(GridError::Tile(TileError::Length { .. }))));
        assert!(matches!(grid(&[4, 7], &scales[1..], &twice), Err(GridError::Scales { .. })));
        for bad in [&[][..], &[0, 1], &[-1, 2], &[16, 16], &[1, 1, 1, 1, 1]] {
            assert!(matches!(grid(bad, &scales, &twice), Err(GridError::Coefficients { .. })), "{bad:?}");
        }
        // Column 96 is not a column, row 3 no row.
        for index in [scale_index(0, 70 + 32, 70, GroupCols::C32), scale_index(3, 0, 70, GroupCols::C32)] {
            let mut scales = scales.clone();
            scales[index] = 1;
            assert_eq!(grid(&[4, 7], &scales, &twice).unwrap().check(), Err(GridError::Padding { index }));
        }
        scales[0] = 0x7c00;
        assert_eq!(grid(&[4, 7], &scales, &twice).unwrap().check(), Err(GridError::NotFinite { index: 0 }));
    }

    #[test]
    fn every_group_of_columns_has_one_scale_of_its_own() {
        for group in GroupCols::ALL {
            assert_eq!(GroupCols::from_cols(group.cols()), Some(group));
            for (rows, cols) in [(1, 1), (33, 64), (2, 65), (40, 128), (3, 200), (1, 256), (35, 300), (2, 513)] {
                let count = scale_count(rows, cols, group).unwrap();
                let mut scales = vec![0; count];
                for (row, first) in (0..rows).flat_map(|row| (0..cols).step_by(group.cols()).map(move |first| (row, first))) {
                    let index = scale_index(row, first, cols, group);
                    assert_eq!(scales[index], 0, "{group:?} {rows} x {cols}: two groups share scale {index}");
                    scales[index] = 1;
                    for col in first..cols.min(first + group.cols()) {
                        assert_eq!(scale_index(row, col, cols, group), index, "{group:?} {rows} x {cols}, column {col}");
                    }
                }
                // What is left is padding, and the check knows it.
                let words = pack(rows, cols, WeightCode::Binary, &vec![1; rows * cols]).unwrap();
                let of = |scales: &[u16]| GridMatrix::new((rows, cols), WeightCode::Binary, group, &[1], scales, &words).map(|g| g.check());
                of(&scales).unwrap().unwrap();
                for index in (0..count).filter(|index| scales[*index] == 0) {
                    let mut wrong = scales.clone();
                    wrong[index] = 1;
                    assert_eq!(of(&wrong).unwrap(), Err(GridError::Padding { index }), "{group:?} {rows} x {cols}");
                }
                // A tile's word finds the same scales.
                let numbered: Vec<u16> = (0..count).map(|index| index as u16).collect();
                let grid = GridMatrix::new((rows, cols), WeightCode::Binary, group, &[1], &numbered, &words).unwrap();
                for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
                    let of_word = group.word_scales(grid.tile_scales(row / TILE_ROWS), col / WORD_COLS);
                    let found = of_word[row % TILE_ROWS * group.in_word() + col % WORD_COLS / group.cols()];
                    assert_eq!(usize::from(found), scale_index(row, col, cols, group), "{group:?} ({row}, {col})");
                }
            }
        }
    }
}
