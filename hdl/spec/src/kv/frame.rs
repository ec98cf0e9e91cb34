//! Where the bits of a closed frame lie, and the golden model of its products.
//!
//! Of each stack a frame has one tile matrix of two planes ([`crate::tile`]) for keys, 64 positions by the head's channels, and one
//! for values, the head's channels by 64 positions; stacks follow one another.

use super::{FRAME_POSITIONS, LevelCode};
use crate::WeightCode;
use crate::tile::{TILE_ROWS, WORD_COLS, col_words, u64_index, word_u64};

/// The code that has the layout of two planes; what the bits stand for says the [`LevelCode`].
const LAYOUT: WeightCode = WeightCode::Quaternary;

/// `u64` of one stack of a matrix.
pub const fn stack_u64(rows: usize, cols: usize) -> usize {
    rows.div_ceil(TILE_ROWS) * col_words(cols) * word_u64(LAYOUT)
}

/// Which of a head's two matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rows are positions, columns the head's channels.
    Keys,
    /// Rows are the head's channels, columns positions.
    Values,
}

impl Part {
    /// Rows and columns of a head's matrix.
    pub const fn shape(self, head_dim: usize) -> (usize, usize) {
        match self {
            Part::Keys => (FRAME_POSITIONS, head_dim),
            Part::Values => (head_dim, FRAME_POSITIONS),
        }
    }

    /// `u64` of a head's matrix, all stacks.
    pub const fn u64s(self, code: &LevelCode, head_dim: usize) -> usize {
        let (rows, cols) = self.shape(head_dim);
        stack_u64(rows, cols) * code.stacks.len()
    }

    /// Writes the bits of a position, one byte per channel, into words that are zero there.
    pub fn write(self, code: &LevelCode, position: usize, bits: &[u8], words: &mut [u64]) {
        let (rows, cols) = self.shape(bits.len());
        let stack_words = stack_u64(rows, cols);
        for (channel, &bits) in bits.iter().enumerate() {
            let (row, col) = if self == Part::Keys { (position, channel) } else { (channel, position) };
            for stack in 0..code.stacks.len() {
                for plane in 0..2 {
                    let bit = u64::from(bits >> (2 * stack + 1 - plane) & 1);
                    words[stack * stack_words + u64_index(LAYOUT, row, col / WORD_COLS, plane, col_words(cols))] |=
                        bit << (col % WORD_COLS);
                }
            }
        }
    }
}

/// The level at a row and column of a matrix of `rows` rows and `cols` columns.
pub fn level(code: &LevelCode, words: &[u64], (rows, cols): (usize, usize), row: usize, col: usize) -> i8 {
    let stack_words = stack_u64(rows, cols);
    let bit = |stack: usize, plane: usize| {
        (words[stack * stack_words + u64_index(LAYOUT, row, col / WORD_COLS, plane, col_words(cols))] >> (col % WORD_COLS) & 1) as u8
    };
    let bits = (0..code.stacks.len()).fold(0, |bits, stack| bits | (bit(stack, 0) << 1 | bit(stack, 1)) << (2 * stack));
    code.level(bits)
}

/// The golden product: `y[row] = sum_col level(row, col) * x[col]`. Scores are that of keys by a query's codes, a mix is that of values
/// by the codes of its weights.
///
/// # Panics
/// If a length does not fit.
pub fn product(code: &LevelCode, words: &[u64], x: &[i8], y: &mut [i32]) {
    let shape = (y.len(), x.len());
    for (row, y) in y.iter_mut().enumerate() {
        *y = x.iter().enumerate().map(|(col, &x)| i32::from(level(code, words, shape, row, col)) * i32::from(x)).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FOUR_BITS, TWO_BITS};
    use super::*;

    #[test]
    fn what_is_written_is_read_in_keys_and_values_of_every_head_length() {
        for code in [FOUR_BITS, TWO_BITS] {
            for head_dim in [8, 20, 64, 80, 128] {
                for part in [Part::Keys, Part::Values] {
                    let mut words = vec![0; part.u64s(&code, head_dim)];
                    let bits = |position: usize| -> Vec<u8> {
                        (0..head_dim).map(|c| ((c * 7919 + position * 104_729) >> 3) as u8 % (1 << code.bits())).collect()
                    };
                    (0..FRAME_POSITIONS).for_each(|position| part.write(&code, position, &bits(position), &mut words));
                    for position in 0..FRAME_POSITIONS {
                        for (channel, bits) in bits(position).into_iter().enumerate() {
                            let (row, col) = if part == Part::Keys { (position, channel) } else { (channel, position) };
                            assert_eq!(level(&code, &words, part.shape(head_dim), row, col), code.level(bits), "{part:?} {head_dim}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_product_of_ones_sums_the_levels() {
        let mut words = vec![0; Part::Keys.u64s(&TWO_BITS, 64)];
        Part::Keys.write(&TWO_BITS, 3, &[3; 64], &mut words);
        let mut y = [0; FRAME_POSITIONS];
        product(&TWO_BITS, &words, &[1; 64], &mut y);
        assert_eq!((y[3], y[0]), (192, -192));
    }
}
