//! Grids on NEON. A level is the sum of one look-up for every two stacks, signed, so no sum has to be corrected; several vectors
//! share the look-ups.

use std::arch::aarch64::*;

use nda_spec::GridMatrix;
use nda_spec::grid::{MAX_COEFFICIENT_SUM, MAX_STACKS, half_to_f32};
use nda_spec::tile::{TILE_ROWS, col_words, word_u64};

use super::{Neon, PAIR_ROWS, PAIRS, exchange, load_table, multiply, nibbles, plane, tables, weights};
use crate::grid::GridInput;
use crate::pairs;
use crate::word::{TileWord, for_planes};

/// Products that are added in 16 bits before they are widened: a level is at most `2 * MAX_COEFFICIENT_SUM`, a code 127.
const TOGETHER: usize = 4;
const _: () = assert!(TOGETHER as u32 * 2 * MAX_COEFFICIENT_SUM * 127 <= i16::MAX as u32);

/// Proof that the machine has NEON, and the look-ups of one grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NeonGrid {
    tables: Tables,
}

/// Two tables for every two stacks, as those of AVX2: of two stacks a nibble holds the bits of one column, of a stack that is left
/// over those of two columns.
type Tables = [[[i8; 16]; 2]; MAX_STACKS.div_ceil(2)];

impl NeonGrid {
    /// The kernel of a grid.
    pub fn new(_: Neon, grid: &GridMatrix<'_>) -> NeonGrid {
        let mut all = [[[0; 16]; 2]; MAX_STACKS.div_ceil(2)];
        for (all, coefficients) in all.iter_mut().zip(grid.coefficients().chunks(2)) {
            *all = match *coefficients {
                [first, second] => [pairs::level_table(tables(grid.code()), first, second), [0; 16]],
                _ => tables(grid.code()).map(|table| table.map(|w| w * coefficients[0])),
            };
        }
        NeonGrid { tables: all }
    }

    /// Rows of one tile of that grid by every vector: `y[vector * TILE_ROWS + row]`. `totals` is scratch.
    pub fn tile(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        assert!(x.cols() == grid.cols() && tile < grid.rows().div_ceil(TILE_ROWS) && y.len() == TILE_ROWS * x.vectors(), "lengths fit");
        totals.clear();
        totals.resize(PAIRS / 2 * x.vectors(), [0.0; 8]);
        for_planes!(grid.code(), Word => self.words::<Word>(grid, tile, x, totals));
        for (pair, totals) in totals.as_flattened().as_chunks::<4>().0.chunks_exact(x.vectors()).enumerate() {
            for (total, y) in totals.iter().zip(y.chunks_exact_mut(TILE_ROWS)) {
                for (y, halves) in y[pair * PAIR_ROWS..].iter_mut().zip(total.as_chunks::<2>().0) {
                    *y = halves[0] + halves[1];
                }
            }
        }
    }

    /// [`words`] by the number of stacks.
    fn words<W: TileWord>(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut [[f32; 8]]) {
        // SAFETY: a value of this type exists only with the proof that the machine has NEON.
        unsafe {
            match grid.stacks() {
                1 => words::<W, 1>(grid, tile, &self.tables, x, totals),
                2 => words::<W, 2>(grid, tile, &self.tables, x, totals),
                3 => words::<W, 3>(grid, tile, &self.tables, x, totals),
                _ => words::<W, 4>(grid, tile, &self.tables, x, totals),
            }
        }
    }
}

/// The 64 columns of two rows as levels: byte `b` of register `c` is column `8 * b + c`.
#[inline]
#[target_feature(enable = "neon")]
fn levels<W: TileWord, const STACKS: usize>(tables: &[[int8x16_t; 2]; 2], stacks: [&W; STACKS], pair: usize) -> [int8x16_t; 8] {
    let planes = |k: usize| [plane(stacks[k], pair, 0), plane(stacks[k], pair, 1)];
    let mut levels = [vdupq_n_s8(0); 8];
    for k in (0..STACKS).step_by(2) {
        let [p0, p1] = planes(k);
        let own = if k + 1 < STACKS { two_stacks(tables[k / 2][0], [p0, p1], planes(k + 1)) } else { weights(tables[k / 2], p0, p1) };
        for (level, own) in levels.iter_mut().zip(own) {
            *level = vaddq_s8(*level, own);
        }
    }
    levels
}

/// The levels of two stacks together: four planes are transposed to nibbles, one a column, and each is looked up once.
#[inline]
#[target_feature(enable = "neon")]
fn two_stacks(table: int8x16_t, [a0, a1]: [uint8x16_t; 2], [b0, b1]: [uint8x16_t; 2]) -> [int8x16_t; 8] {
    let ([a_even, a_odd], [b_even, b_odd]) = (exchange::<1>(a1, a0, 0x55), exchange::<1>(b1, b0, 0x55));
    // Columns 0 and 4, 2 and 6; 1 and 5, 3 and 7.
    let ([even0, even2], [odd1, odd3]) = (exchange::<2>(a_even, b_even, 0x33), exchange::<2>(a_odd, b_odd, 0x33));
    let mut levels = [table; 8];
    for (column, bits) in [(0, even0), (1, odd1), (2, even2), (3, odd3)] {
        let [low, high] = nibbles(bits);
        (levels[column], levels[column + 4]) = (vqtbl1q_s8(table, low), vqtbl1q_s8(table, high));
    }
    levels
}

/// The sums of both half words of two rows: those of the first row, then those of the second.
#[inline]
#[target_feature(enable = "neon")]
fn sums(levels: &[int8x16_t; 8], x: &[u64; 8]) -> int32x4_t {
    let mut wide = [vdupq_n_s32(0); PAIR_ROWS];
    for (levels, x) in levels.as_chunks::<TOGETHER>().0.iter().zip(x.as_chunks::<TOGETHER>().0) {
        let mut narrow = [vdupq_n_s16(0); PAIR_ROWS];
        for (&level, &x) in levels.iter().zip(x) {
            narrow = multiply(narrow, level, x);
        }
        wide = [vpadalq_s16(wide[0], narrow[0]), vpadalq_s16(wide[1], narrow[1])];
    }
    // A row's lanes 0 and 1 are its first 32 columns, 2 and 3 the others.
    vpaddq_s32(wide[0], wide[1])
}

/// All words of a tile. `totals`, four floats a pair of rows and vector, `pair * vectors + vector`: a row's total of first half
/// words, that of second ones, and the same of the next row.
#[target_feature(enable = "neon")]
fn words<W: TileWord, const STACKS: usize>(grid: &GridMatrix<'_>, tile: usize, tables: &Tables, x: &GridInput, totals: &mut [[f32; 8]]) {
    let tables = tables.each_ref().map(|two| two.each_ref().map(|table| load_table(table)));
    let (words, vectors, in_word) = (col_words(grid.cols()), x.vectors(), grid.group().in_word());
    let stack_words = grid.words().len() / STACKS;
    let tile_u64 = words * word_u64(grid.code());
    let of_tile = |k: usize| W::of(&grid.words()[k * stack_words + tile * tile_u64..][..tile_u64]);
    let stacks: [&[W]; STACKS] = std::array::from_fn(of_tile);
    let tile_scales = grid.tile_scales(tile);
    let totals = totals.as_flattened_mut().as_chunks_mut::<4>().0;
    for word in 0..words {
        let word_scales = grid.group().word_scales(tile_scales, word);
        let pairs = word_scales.chunks_exact(PAIR_ROWS * in_word).zip(totals.chunks_exact_mut(vectors));
        for (pair, (scales, totals)) in pairs.enumerate() {
            let levels = levels::<W, STACKS>(&tables, std::array::from_fn(|k| &stacks[k][word]), pair);
            // One scale a row: both half words have it.
            let scales: [f32; 4] = std::array::from_fn(|i| half_to_f32(scales[i * in_word / 2]));
            // SAFETY: `scales` is 16 readable bytes.
            let scale = unsafe { vld1q_f32(scales.as_ptr()) };
            for (x, total) in x.word(word).iter().zip(totals) {
                let factor = vmulq_f32(scale, vreinterpretq_f32_u64(vdupq_n_u64(x.scales)));
                // SAFETY: a total is 16 readable and writable bytes, and these ask for no more than a float's alignment.
                unsafe {
                    let next = vfmaq_f32(vld1q_f32(total.as_ptr()), vcvtq_f32_s32(sums(&levels, &x.bytes)), factor);
                    vst1q_f32(total.as_mut_ptr(), next);
                }
            }
        }
    }
}
