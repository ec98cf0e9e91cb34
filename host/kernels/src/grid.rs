//! Products of grids: several vectors of 8-bit codes at once, floats out, to the bit what `nda_spec::grid::gemv` says.

use nda_gemv::GroupedVectors;
use nda_spec::GridMatrix;
use nda_spec::grid::{HALF_COLS, half_to_f32, scale_index};
use nda_spec::tile::{TILE_ROWS, WORD_COLS, col_words};

use crate::ThreadPool;
use crate::activations::{LANES, columns, transpose};
#[cfg(target_arch = "x86_64")]
use crate::subsets::{self, Subsets};
#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;
use std::sync::{Mutex, PoisonError};

/// Codes from which on threads share their packing: some microseconds' worth.
const SHARED_COLS: usize = 1 << 13;

/// 64 columns of one vector.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the portable kernel multiplies signed levels and needs no sums"))]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GridWord {
    /// Byte `b` of lane `c` is the code of column `8 * b + c`; zero beyond the vector.
    pub bytes: [u64; LANES],
    /// The sums of both half words' codes, as two `i32`, the first in the low half.
    pub sums: u64,
    /// The scales of both half words, as the bits of two `f32`, the first in the low half.
    pub scales: u64,
}

/// Vectors of equal length in the form that the kernels read. Its memory is used again.
#[derive(Debug, Clone, Default)]
pub struct GridInput {
    cols: usize,
    vectors: usize,
    /// Word by word, in a word vector by vector.
    words: Vec<GridWord>,
    /// [`GridSubsets`] of each of `words`, once a kernel has asked for them.
    #[cfg(target_arch = "x86_64")]
    subsets: OnceLock<Vec<GridSubsets>>,
}

/// The sums of the subsets of 64 columns of one vector, and the sum of what those of each half word are less.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone)]
pub(crate) struct GridSubsets {
    pub sums: Subsets,
    pub less: [i32; 2],
}

impl GridInput {
    /// Takes over vectors in place of those it has, on a pool's threads if they are many.
    pub fn set(&mut self, pool: &ThreadPool, x: &GroupedVectors<'_>) {
        (self.cols, self.vectors) = (x.cols(), x.vectors());
        self.words.resize(col_words(self.cols) * self.vectors, GridWord::default());
        let all: Vec<(&[i8], &[f32])> = x.iter().collect();
        let words: Vec<_> = self.words.chunks_exact_mut(self.vectors.max(1)).map(Mutex::new).collect();
        let work = |word: usize| {
            // Nobody else takes this word.
            let mut places = words[word].lock().unwrap_or_else(PoisonError::into_inner);
            for (place, (codes, scales)) in places.iter_mut().zip(&all) {
                let codes = &codes[word * WORD_COLS..];
                *place = grid_word(&codes[..codes.len().min(WORD_COLS)], &scales[2 * word..scales.len().min(2 * word + 2)]);
            }
        };
        pool.share_large(self.cols * self.vectors, SHARED_COLS, words.len(), work);
        #[cfg(target_arch = "x86_64")]
        self.subsets.take();
    }

    /// Columns of a vector.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// How many vectors.
    pub fn vectors(&self) -> usize {
        self.vectors
    }

    /// One word of every vector.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the portable kernel reads words one by one"))]
    pub(crate) fn word(&self, word: usize) -> &[GridWord] {
        &self.words[word * self.vectors..][..self.vectors]
    }
}

#[cfg(target_arch = "x86_64")]
impl GridInput {
    /// The subset sums of every word, made at the first call.
    pub(crate) fn subsets(&self) -> &[GridSubsets] {
        let of_word = |word: &GridWord| {
            let mut sums = subsets::NONE;
            let less = subsets::fill(&codes(word), &mut sums);
            GridSubsets { sums, less }
        };
        self.subsets.get_or_init(|| self.words.iter().map(of_word).collect())
    }
}

fn grid_word(codes: &[i8], scales: &[f32]) -> GridWord {
    let sum = |codes: &[i8]| codes.iter().map(|&code| i32::from(code)).sum::<i32>();
    let (first, second) = codes.split_at(codes.len().min(HALF_COLS));
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let scale = |half: usize| scales.get(half).copied().unwrap_or(0.0).to_bits();
    GridWord {
        bytes: transpose(columns(codes)),
        sums: pair(sum(first).cast_unsigned(), sum(second).cast_unsigned()),
        scales: pair(scale(0), scale(1)),
    }
}

/// The codes of a word in the order of its columns.
fn codes(word: &GridWord) -> [i8; WORD_COLS] {
    std::array::from_fn(|col| word.bytes[col % LANES].to_le_bytes()[col / LANES].cast_signed())
}

/// One tile on any machine: levels are unpacked once a row and word, and meet every vector.
pub(crate) fn tile(grid: &GridMatrix<'_>, tile: usize, x: &GridInput, y: &mut [f32]) {
    let stacks: Vec<_> = (0..grid.stacks()).map(|k| grid.stack(k)).collect();
    let rows = TILE_ROWS.min(grid.rows() - tile * TILE_ROWS);
    let mut totals = vec![[0.0_f32; 2]; TILE_ROWS * x.vectors()];
    for word in 0..col_words(grid.cols()) {
        let vectors: Vec<[i8; WORD_COLS]> = x.word(word).iter().map(codes).collect();
        for row in 0..rows {
            let levels = levels(grid, &stacks, tile * TILE_ROWS + row, word);
            for half in (0..2).filter(|half| word * WORD_COLS + half * HALF_COLS < grid.cols()) {
                let columns = half * HALF_COLS..(half + 1) * HALF_COLS;
                let at = scale_index(tile * TILE_ROWS + row, word * WORD_COLS + columns.start, grid.cols(), grid.group());
                let scale = half_to_f32(grid.scales()[at]);
                for (vector, (codes, place)) in vectors.iter().zip(x.word(word)).enumerate() {
                    let products = levels[columns.clone()].iter().zip(&codes[columns.clone()]);
                    let sum: i32 = products.map(|(&level, &code)| i32::from(level) * i32::from(code)).sum();
                    let x_scale = f32::from_bits((place.scales >> (32 * half)) as u32);
                    let total = &mut totals[vector * TILE_ROWS + row][half];
                    *total = (sum as f32).mul_add(scale * x_scale, *total);
                }
            }
        }
    }
    y.iter_mut().zip(&totals).for_each(|(y, total)| *y = total[0] + total[1]);
}

/// The levels of 64 columns of a row; beyond the matrix whatever zero bits stand for, which meets codes of zero.
fn levels(grid: &GridMatrix<'_>, stacks: &[nda_spec::TileMatrix<'_>], row: usize, word: usize) -> [i8; WORD_COLS] {
    let mut levels = [0; WORD_COLS];
    for (stack, coefficient) in stacks.iter().zip(grid.coefficients()) {
        let [plane0, plane1] = stack.planes_at(row, word);
        for (col, level) in levels.iter_mut().enumerate() {
            let weight = grid.code().decode((plane0 >> col & 1 == 1, plane1 >> col & 1 == 1)).unwrap_or(0);
            *level += coefficient * weight;
        }
    }
    levels
}
