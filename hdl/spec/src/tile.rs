//! The layout of a weight matrix in memory and in files: kernels read it, the driver streams it.
//!
//! A tile is [`TILE_ROWS`] rows; within a tile, words of [`WORD_COLS`] columns follow one another;
//! within a word stand four sub-blocks of eight rows, each as eight `u64` of plane 0 and then, if the code has
//! two planes, eight of plane 1. So a 512-bit register holds one plane of eight rows, a tile is one sequential stream,
//! and no horizontal sum is needed. Bit `c % 64` of a word belongs to column `c`. Rows and columns
//! beyond the matrix are zero bits in all planes, which the plane identity sums to nothing.

use crate::WeightCode;
use crate::code::ArrayPlane;

/// Rows of a tile.
pub const TILE_ROWS: usize = 32;
/// Columns of a word.
pub const WORD_COLS: usize = 64;
/// Rows of a sub-block: one 512-bit register of one plane.
pub const BLOCK_ROWS: usize = 8;

/// `u64` of one word of a tile: 32 rows, all planes of the code.
pub const fn word_u64(code: WeightCode) -> usize {
    TILE_ROWS * code.planes()
}

/// What is wrong with a tile matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The shape does not fit in memory.
    #[error("{rows} x {cols} weights need more memory than can be addressed")]
    TooLarge {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// The words do not match the shape.
    #[error("{rows} x {cols} weights are {expected} words of 64 bits, but there are {found}")]
    Length {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
        /// Words that the shape needs.
        expected: usize,
        /// Words that were given.
        found: usize,
    },
    /// A bit beyond the last row or column is set: the file is not canonical.
    #[error("padding bit at row {row}, column {col} of plane {plane} is set; padding must be zero")]
    Padding {
        /// Row of the bit.
        row: usize,
        /// Column of the bit.
        col: usize,
        /// Plane of the bit.
        plane: usize,
    },
    /// A weight's second bit is set without the first, and the code has no value for that.
    #[error("weight at row {row}, column {col} is positive but not active, which {code} has no value for", code = code.name())]
    Contradiction {
        /// The code.
        code: WeightCode,
        /// Row of the weight.
        row: usize,
        /// Column of the weight.
        col: usize,
    },
    /// A value that the code does not have.
    #[error("{value} at row {row}, column {col} is not a {code} weight")]
    NoSuchWeight {
        /// The value.
        value: i8,
        /// Row of the weight.
        row: usize,
        /// Column of the weight.
        col: usize,
        /// Name of the code.
        code: &'static str,
    },
}

/// Words of [`WORD_COLS`] columns that `cols` columns take.
pub const fn col_words(cols: usize) -> usize {
    cols.div_ceil(WORD_COLS)
}

/// `u64` that a matrix takes, or an error if that is more than `isize::MAX` bytes.
#[inline]
pub fn matrix_u64(rows: usize, cols: usize, code: WeightCode) -> Result<usize, TileError> {
    rows.div_ceil(TILE_ROWS)
        .checked_mul(col_words(cols))
        .and_then(|words| words.checked_mul(word_u64(code)))
        .filter(|&words| words <= isize::MAX as usize / 8)
        .ok_or(TileError::TooLarge { rows, cols })
}

/// Index of the `u64` that holds `plane` of `row` at columns `64 * col_word ..`.
pub const fn u64_index(code: WeightCode, row: usize, col_word: usize, plane: usize, col_words: usize) -> usize {
    let word = (row / TILE_ROWS) * col_words + col_word;
    let block = (row % TILE_ROWS) / BLOCK_ROWS;
    (word * (TILE_ROWS / BLOCK_ROWS) + block) * code.planes() * BLOCK_ROWS + plane * BLOCK_ROWS + row % BLOCK_ROWS
}

/// A weight matrix in the tile layout, borrowed (from a mapped file, usually).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileMatrix<'a> {
    rows: usize,
    cols: usize,
    code: WeightCode,
    words: &'a [u64],
}

impl<'a> TileMatrix<'a> {
    /// A view of `words`; checks the length and nothing else, so it costs nanoseconds.
    /// Call [`Self::check`] once on words that come from outside.
    #[inline]
    pub fn new(rows: usize, cols: usize, code: WeightCode, words: &'a [u64]) -> Result<Self, TileError> {
        let expected = matrix_u64(rows, cols, code)?;
        if words.len() != expected {
            return Err(TileError::Length { rows, cols, expected, found: words.len() });
        }
        Ok(TileMatrix { rows, cols, code, words })
    }

    /// Reads every word that can be wrong: padding must be zero and no bits may spell what the code has no weight for.
    ///
    /// # Errors
    /// [`TileError::Padding`] or [`TileError::Contradiction`]: the first by rows.
    pub fn check(&self) -> Result<(), TileError> {
        if self.is_canonical() { Ok(()) } else { self.find_fault() }
    }

    /// [`Self::check`] without a place, in the order of the memory: as fast as that can be read, and for matrices of whole
    /// tiles, if all bits of the code are weights, without reading at all.
    fn is_canonical(&self) -> bool {
        let (col_words, last_rows) = (col_words(self.cols), self.rows % TILE_ROWS);
        let (planes, word_u64) = (self.code.planes(), word_u64(self.code));
        if self.can_contradict() {
            // A fold without a way out runs on many words at a time.
            let contradictions = self.words.chunks_exact(BLOCK_ROWS * planes).fold([0; BLOCK_ROWS], |mut all, block| {
                let (active, positive) = block.split_at(BLOCK_ROWS);
                all.iter_mut().zip(active.iter().zip(positive)).for_each(|(all, (active, positive))| *all |= positive & !active);
                all
            });
            if contradictions != [0; BLOCK_ROWS] {
                return false;
            }
        }
        let words = self.words.chunks_exact(word_u64);
        if !self.cols.is_multiple_of(WORD_COLS) {
            let invalid = !valid_mask(self.cols, col_words - 1);
            let last = words.clone().skip(col_words - 1).step_by(col_words);
            if last.flatten().fold(0, |all, bits| all | (bits & invalid)) != 0 {
                return false;
            }
        }
        if last_rows != 0 {
            // In the last tile all planes of the rows beyond the matrix.
            let beyond = |at: &usize| at / (BLOCK_ROWS * planes) * BLOCK_ROWS + at % BLOCK_ROWS >= last_rows;
            let last = words.skip(self.words.len() / word_u64 - col_words);
            let bits = last.fold(0, |all, word| all | (0..word_u64).filter(beyond).fold(0, |bits, at| bits | word[at]));
            return bits == 0;
        }
        true
    }

    /// Whether there are bits that spell no weight.
    const fn can_contradict(&self) -> bool {
        self.code.planes() > 1 && self.code.row().excludes_second_alone
    }

    /// The first fault by rows, which [`Self::is_canonical`] says there is.
    fn find_fault(&self) -> Result<(), TileError> {
        let col_words = col_words(self.cols);
        for row in 0..self.rows.next_multiple_of(TILE_ROWS) {
            for col_word in 0..col_words {
                let [plane0, plane1] = self.planes_at(row, col_word);
                let valid = if row < self.rows { valid_mask(self.cols, col_word) } else { 0 };
                for (plane, bits) in [plane0, plane1].into_iter().enumerate() {
                    if bits & !valid != 0 {
                        let col = col_word * WORD_COLS + (bits & !valid).trailing_zeros() as usize;
                        return Err(TileError::Padding { row, col, plane });
                    }
                }
                let contradiction = plane1 & !plane0;
                if self.can_contradict() && contradiction != 0 {
                    return Err(TileError::Contradiction {
                        code: self.code,
                        row,
                        col: col_word * WORD_COLS + contradiction.trailing_zeros() as usize,
                    });
                }
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

    /// The weights' code.
    pub const fn code(&self) -> WeightCode {
        self.code
    }

    /// All words, in layout order.
    pub const fn words(&self) -> &'a [u64] {
        self.words
    }

    /// Some of the rows as a matrix of their own, in place.
    ///
    /// # Panics
    /// If the rows are not in the matrix, do not start with a tile, or end within one that goes on.
    pub fn rows_at(&self, rows: std::ops::Range<usize>) -> TileMatrix<'a> {
        let whole = rows.start.is_multiple_of(TILE_ROWS) && (rows.end.is_multiple_of(TILE_ROWS) || rows.end == self.rows);
        assert!(whole && rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {} are not whole tiles", self.rows);
        let tile = col_words(self.cols) * word_u64(self.code);
        let words = &self.words[rows.start / TILE_ROWS * tile..rows.end.div_ceil(TILE_ROWS) * tile];
        TileMatrix { rows: rows.len(), cols: self.cols, code: self.code, words }
    }

    /// The planes of 64 columns of one row (or of a padding row of the last tile); a plane that the code lacks is zero.
    pub fn planes_at(&self, row: usize, col_word: usize) -> [u64; WeightCode::MAX_PLANES] {
        let col_words = col_words(self.cols);
        let mut planes = [0; WeightCode::MAX_PLANES];
        for (plane, bits) in planes.iter_mut().enumerate().take(self.code.planes()) {
            *bits = self.words[u64_index(self.code, row, col_word, plane, col_words)];
        }
        planes
    }

    /// The array's two planes of 64 columns of one row, see [`crate::code::ArrayRow`].
    pub fn array_planes_at(&self, row: usize, col_word: usize) -> [u64; 2] {
        let planes = self.planes_at(row, col_word);
        self.code.row().array.planes.map(|plane| match plane {
            ArrayPlane::Of(plane) => planes[plane],
            ArrayPlane::Ones => valid_mask(self.cols, col_word),
        })
    }

    /// One weight.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    pub fn get(&self, row: usize, col: usize) -> i8 {
        assert!(row < self.rows && col < self.cols, "({row}, {col}) is outside {} x {}", self.rows, self.cols);
        let [plane0, plane1] = self.planes_at(row, col / WORD_COLS);
        let bit = col % WORD_COLS;
        // A contradiction that check() would refuse reads as 0 here; it never gives another value.
        self.code.decode((plane0 >> bit & 1 == 1, plane1 >> bit & 1 == 1)).unwrap_or(0)
    }

    /// All weights, row by row: `rows * cols` values for the golden model.
    pub fn to_values(&self) -> Vec<i8> {
        (0..self.rows).flat_map(|row| (0..self.cols).map(move |col| self.get(row, col))).collect()
    }
}

/// The columns of a word that exist, as a mask.
pub const fn valid_mask(cols: usize, col_word: usize) -> u64 {
    let left = cols - col_word * WORD_COLS;
    if left >= WORD_COLS { u64::MAX } else { (1 << left) - 1 }
}

/// Packs `rows * cols` values, row by row, into the tile layout.
///
/// # Errors
/// A value that the code does not have, or a shape that memory cannot hold.
///
/// # Panics
/// If `values` is not `rows * cols` long.
pub fn pack(rows: usize, cols: usize, code: WeightCode, values: &[i8]) -> Result<Vec<u64>, TileError> {
    let mut words = vec![0_u64; matrix_u64(rows, cols, code)?];
    assert_eq!(Some(values.len()), rows.checked_mul(cols), "values must be rows * cols");
    let col_words = col_words(cols);
    for row in 0..rows {
        for col in 0..cols {
            let value = values[row * cols + col];
            let (bit0, bit1) = code.encode(value).ok_or(TileError::NoSuchWeight { value, row, col, code: code.name() })?;
            for (plane, bit) in [bit0, bit1].into_iter().enumerate().take(code.planes()) {
                words[u64_index(code, row, col / WORD_COLS, plane, col_words)] |= u64::from(bit) << (col % WORD_COLS);
            }
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_place_and_no_place_is_left() {
        let (rows, cols) = (96, 200);
        for code in WeightCode::ALL {
            let mut seen = vec![false; matrix_u64(rows, cols, code).unwrap()];
            for row in 0..rows {
                for col_word in 0..col_words(cols) {
                    for plane in 0..code.planes() {
                        let place = &mut seen[u64_index(code, row, col_word, plane, col_words(cols))];
                        assert!(!*place);
                        *place = true;
                    }
                }
            }
            assert!(seen.into_iter().all(|s| s));
        }
    }

    #[test]
    fn pack_then_get_returns_every_value_at_every_tail() {
        for code in WeightCode::ALL {
            for (rows, cols) in [(0, 0), (1, 1), (31, 63), (32, 64), (33, 65), (5, 130)] {
                let values: Vec<i8> = (0..rows * cols).map(|i| code.values()[(i * 7 + i / 5) % code.values().len()]).collect();
                let words = pack(rows, cols, code, &values).unwrap();
                let matrix = TileMatrix::new(rows, cols, code, &words).unwrap();
                matrix.check().unwrap();
                assert_eq!(matrix.to_values(), values);
            }
        }
    }

    #[test]
    fn every_single_bit_is_judged_as_by_a_look_at_every_place() {
        for code in WeightCode::ALL {
            for (rows, cols) in [(1, 1), (3, 70), (32, 64), (33, 64), (31, 65), (40, 128)] {
                let values = vec![code.values()[0]; rows * cols];
                let words = pack(rows, cols, code, &values).unwrap();
                TileMatrix::new(rows, cols, code, &words).unwrap().check().unwrap();
                for bit in 0..words.len() * 64 {
                    let mut words = words.clone();
                    words[bit / 64] ^= 1 << (bit % 64);
                    let matrix = TileMatrix::new(rows, cols, code, &words).unwrap();
                    assert_eq!(matrix.check(), matrix.find_fault(), "{code:?} {rows} x {cols}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn set_padding_and_contradictions_are_found_where_they_are() {
        let words = pack(3, 70, WeightCode::Ternary, &[0; 210]).unwrap();
        let broken = |row, col_word: usize, plane, bit: u32| {
            let mut words = words.clone();
            words[u64_index(WeightCode::Ternary, row, col_word, plane, 2)] |= 1 << bit;
            TileMatrix::new(3, 70, WeightCode::Ternary, &words).unwrap().check()
        };
        assert_eq!(broken(2, 1, 0, 6), Err(TileError::Padding { row: 2, col: 70, plane: 0 }));
        assert_eq!(broken(3, 0, 1, 0), Err(TileError::Padding { row: 3, col: 0, plane: 1 }));
        assert_eq!(broken(1, 1, 1, 2), Err(TileError::Contradiction { code: WeightCode::Ternary, row: 1, col: 66 }));
        assert!(matches!(TileMatrix::new(3, 70, WeightCode::Ternary, &words[1..]), Err(TileError::Length { .. })));
        assert!(matches!(matrix_u64(usize::MAX, usize::MAX, WeightCode::Binary), Err(TileError::TooLarge { .. })));
        assert!(matches!(pack(1, 1, WeightCode::Quaternary, &[0]), Err(TileError::NoSuchWeight { .. })));
    }
}
