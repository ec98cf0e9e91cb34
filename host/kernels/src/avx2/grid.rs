//! Grids on AVX2, FMA and F16C. A level is the sum of one look-up a stack, so a weight meets one multiplication
//! whatever the number of stacks; several vectors share the look-ups.

use std::arch::x86_64::*;

use nda_spec::GridMatrix;
use nda_spec::grid::MAX_STACKS;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, WORD_COLS, col_words, word_u64};

use super::{AHEAD_WORDS, HALF_ROWS, HALVES, ask, ask_for_line, broadcast, exchange, load_table, nibbles, plane, weights};
use crate::grid::GridInput;
use crate::pairs;
use crate::word::{TileWord, for_planes};

/// Proof that the machine has AVX2, FMA and F16C, and the look-ups of one grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2Grid {
    tables: Tables,
    /// How many products of pairs of bytes 16 bits hold.
    together: usize,
}

/// What the look-ups of a grid need: two tables for every two stacks.
///
/// Of two stacks a nibble holds the bits of one column, and the first table says its level. Of a stack that is left over a nibble
/// holds two columns; the first table is for the lower pair of bits, the second for the higher.
type Tables = [[[i8; 16]; 2]; MAX_STACKS.div_ceil(2)];

impl Avx2Grid {
    /// The kernel of a grid, or the feature that is missing.
    pub fn new(grid: &GridMatrix<'_>) -> Result<Self, &'static str> {
        let has = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("f16c", is_x86_feature_detected!("f16c")),
        ];
        if let Some((name, _)) = has.iter().find(|(_, found)| !found) {
            return Err(name);
        }
        let mut tables = [[[0; 16]; 2]; MAX_STACKS.div_ceil(2)];
        for (tables, coefficients) in tables.iter_mut().zip(grid.coefficients().chunks(2)) {
            *tables = match *coefficients {
                [first, second] => {
                    let tables = [0, 2].map(|shift| pairs::table(grid.code(), shift));
                    [pairs::level_table(tables, first, second), [0; 16]]
                }
                _ => [0, 2].map(|shift| pairs::table(grid.code(), shift).map(|w: i8| w * coefficients[0])),
            };
        }
        // Two unsigned products of bytes: the largest level is four times the sum, the largest code 127.
        let sum: i32 = grid.coefficients().iter().map(|&c| i32::from(c)).sum();
        let together = [8, 4, 2, 1].into_iter().find(|&n| n * 2 * 127 * 4 * sum <= i32::from(i16::MAX));
        Ok(Avx2Grid { tables, together: together.unwrap_or(1) as usize })
    }

    /// Rows of one tile of that grid by every vector: `y[vector * TILE_ROWS + row]`. `totals` is scratch.
    pub fn tile(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        assert!(x.cols() == grid.cols() && tile < grid.rows().div_ceil(TILE_ROWS) && y.len() == TILE_ROWS * x.vectors(), "lengths fit");
        totals.clear();
        totals.resize(HALVES * x.vectors(), [0.0; 8]);
        for_planes!(grid.code(), Word => self.words::<Word>(grid, tile, x, totals));
        for (half, totals) in totals.chunks_exact(x.vectors()).enumerate() {
            for (total, y) in totals.iter().zip(y.chunks_exact_mut(TILE_ROWS)) {
                for (row, y) in y[half * HALF_ROWS..][..HALF_ROWS].iter_mut().enumerate() {
                    *y = total[2 * row] + total[2 * row + 1];
                }
            }
        }
    }

    /// [`words`] by the number of stacks and of products that fit.
    fn words<W: TileWord>(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut [[f32; 8]]) {
        let tables = &self.tables;
        // SAFETY: a value of this type exists only after new() has found the features.
        unsafe {
            // Few products fit where the stacks are many, so not every pair is one that occurs; those that do not are still right.
            match (grid.stacks(), self.together) {
                (1, 8) => words::<W, 1, 8>(grid, tile, tables, x, totals),
                (1, 4) => words::<W, 1, 4>(grid, tile, tables, x, totals),
                (1, 2) => words::<W, 1, 2>(grid, tile, tables, x, totals),
                (1, _) => words::<W, 1, 1>(grid, tile, tables, x, totals),
                (2, 8 | 4) => words::<W, 2, 4>(grid, tile, tables, x, totals),
                (2, 2) => words::<W, 2, 2>(grid, tile, tables, x, totals),
                (2, _) => words::<W, 2, 1>(grid, tile, tables, x, totals),
                (3, 8 | 4 | 2) => words::<W, 3, 2>(grid, tile, tables, x, totals),
                (3, _) => words::<W, 3, 1>(grid, tile, tables, x, totals),
                (_, 8 | 4 | 2) => words::<W, 4, 2>(grid, tile, tables, x, totals),
                (_, _) => words::<W, 4, 1>(grid, tile, tables, x, totals),
            }
        }
    }
}

/// The 64 columns of four rows as unsigned levels: bytes `c` of the eight registers are the columns `8 * byte + c`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn levels<W: TileWord, const STACKS: usize>(tables: &[[__m256i; 2]; 2], stacks: [&W; STACKS], half: usize) -> [__m256i; 8] {
    let planes = |k: usize| [plane(stacks[k], half, 0), plane(stacks[k], half, 1)];
    let mut levels = [_mm256_setzero_si256(); 8];
    for k in (0..STACKS).step_by(2) {
        let [p0, p1] = planes(k);
        let own = if k + 1 < STACKS { two_stacks(tables[k / 2][0], [p0, p1], planes(k + 1)) } else { weights(tables[k / 2], p0, p1) };
        for (level, own) in levels.iter_mut().zip(own) {
            *level = if k == 0 { own } else { _mm256_add_epi8(*level, own) };
        }
    }
    levels
}

/// The levels of two stacks together: four planes are transposed to nibbles, one a column, and VPSHUFB looks each up once.
#[inline]
#[target_feature(enable = "avx2")]
fn two_stacks(table: __m256i, [a0, a1]: [__m256i; 2], [b0, b1]: [__m256i; 2]) -> [__m256i; 8] {
    let ([a_even, a_odd], [b_even, b_odd]) = (exchange::<1>(a1, a0, 0x55), exchange::<1>(b1, b0, 0x55));
    // Columns 0 and 4, 2 and 6; 1 and 5, 3 and 7.
    let ([even0, even2], [odd1, odd3]) = (exchange::<2>(a_even, b_even, 0x33), exchange::<2>(a_odd, b_odd, 0x33));
    let mut levels = [table; 8];
    for (column, bits) in [(0, even0), (1, odd1), (2, even2), (3, odd3)] {
        let [low, high] = nibbles(bits);
        (levels[column], levels[column + 4]) = (_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
    }
    levels
}

/// Eight scales of four rows, half word by half word.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn scales(scales: &[u16]) -> __m256 {
    let mut eight = [0_u16; 8];
    if scales.len() == eight.len() {
        eight.copy_from_slice(scales);
    } else {
        // One scale a row: both half words have it.
        eight.iter_mut().enumerate().for_each(|(i, scale)| *scale = scales[i / 2]);
    }
    // SAFETY: `eight` is 16 readable bytes, and this load asks for no alignment.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(eight.as_ptr().cast()) })
}

/// The sums of both half words of four rows, in 32 bits; this many products at a time are added in 16.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sums<const TOGETHER: usize>(levels: &[__m256i; 8], x: &[u64; 8]) -> __m256i {
    let ones = _mm256_set1_epi16(1);
    let mut sum = _mm256_setzero_si256();
    for first in (0..8).step_by(TOGETHER) {
        let mut narrow = _mm256_maddubs_epi16(levels[first], broadcast(x[first]));
        for c in first + 1..first + TOGETHER {
            narrow = _mm256_add_epi16(narrow, _mm256_maddubs_epi16(levels[c], broadcast(x[c])));
        }
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(narrow, ones));
    }
    sum
}

/// All words of a tile: `totals[half * vectors + vector]` holds for four rows the total of first and of second half words.
#[target_feature(enable = "avx2,fma,f16c")]
fn words<W: TileWord, const STACKS: usize, const TOGETHER: usize>(
    grid: &GridMatrix<'_>,
    tile: usize,
    tables: &Tables,
    x: &GridInput,
    totals: &mut [[f32; 8]],
) {
    let tables = [0, 1].map(|k: usize| [load_table(&tables[k][0]), load_table(&tables[k][1])]);
    let (words, vectors, in_word) = (col_words(grid.cols()), x.vectors(), grid.group().in_word());
    let stack_words = grid.words().len() / STACKS;
    let tile_u64 = words * word_u64(grid.code());
    let of_tile = |k: usize| W::of(&grid.words()[k * stack_words + tile * tile_u64..][..tile_u64]);
    let stacks: [&[W]; STACKS] = std::array::from_fn(of_tile);
    let tile_scales = grid.tile_scales(tile);
    let lowest = i32::from(grid.code().lowest()) * grid.coefficients().iter().map(|&c| i32::from(c)).sum::<i32>();
    let lowest = _mm256_set1_epi32(lowest);
    for word in 0..words {
        let (places, word_scales) = (x.word(word), grid.group().word_scales(tile_scales, word));
        let halves = word_scales.chunks_exact(HALF_ROWS * in_word).zip(totals.chunks_exact_mut(vectors));
        for (half, (half_scales, totals)) in halves.enumerate() {
            stacks.iter().for_each(|stack| ask_for_line::<_MM_HINT_T0, _>(&stack[word], half));
            // A line of scales serves four half blocks or eight.
            if half % 4 == 0 {
                ask::<_MM_HINT_T0>(half_scales.as_ptr().wrapping_add(AHEAD_WORDS * TILE_ROWS * in_word).cast());
            }
            let levels = levels::<W, STACKS>(&tables, std::array::from_fn(|k| &stacks[k][word]), half);
            let scale = scales(half_scales);
            for (x, total) in places.iter().zip(totals) {
                // Levels are unsigned: `sum (level - lowest) * x + lowest * sum(x)`.
                let offset = _mm256_mullo_epi32(lowest, broadcast(x.sums));
                let sum = _mm256_cvtepi32_ps(_mm256_add_epi32(sums::<TOGETHER>(&levels, &x.bytes), offset));
                let factor = _mm256_mul_ps(scale, _mm256_castsi256_ps(broadcast(x.scales)));
                // SAFETY: a total is 32 readable and writable bytes, and these ask for no alignment.
                unsafe {
                    let next = _mm256_fmadd_ps(sum, factor, _mm256_loadu_ps(total.as_ptr()));
                    _mm256_storeu_ps(total.as_mut_ptr(), next);
                }
            }
        }
    }
}

const _: () = assert!(HALVES * HALF_ROWS == TILE_ROWS && 2 * HALF_ROWS == BLOCK_ROWS && WORD_COLS == 64);
