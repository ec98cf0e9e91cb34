//! Grids on AVX2, FMA and F16C. A level is the sum of one look-up a stack, so a weight meets one multiplication
//! whatever the number of stacks; several vectors share the look-ups.

use std::arch::x86_64::*;

use nda_spec::GridMatrix;
use nda_spec::grid::MAX_STACKS;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, WORD_COLS, WORD_U64, col_words};

use super::{HALF_ROWS, HALVES, broadcast, load_table, plane};
use crate::grid::GridInput;
use crate::pairs;

/// Proof that the machine has AVX2, FMA and F16C, and the look-ups of one grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2Grid {
    tables: Tables,
    /// Whether two pairs of products fit 16 bits.
    is_narrow: bool,
}

/// Largest sum of coefficients at which two unsigned products of bytes, twice, fit 16 bits: `2 * 2 * 127 * 4 * 16 = 32,512`.
const NARROW_SUM: i32 = 16;

/// What the look-ups of a grid need: a table for the pairs at bit 0 and one for those at bit 2, a stack.
type Tables = [[[i8; 16]; 2]; MAX_STACKS];

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
        let sum: i32 = grid.coefficients().iter().map(|&c| i32::from(c)).sum();
        let mut tables = [[[0; 16]; 2]; MAX_STACKS];
        for (tables, &c) in tables.iter_mut().zip(grid.coefficients()) {
            *tables = [pairs::table(grid.code(), 0), pairs::table(grid.code(), 2)].map(|table: [i8; 16]| table.map(|w| w * c));
        }
        Ok(Avx2Grid { tables, is_narrow: sum <= NARROW_SUM })
    }

    /// Rows of one tile of that grid by every vector: `y[vector * TILE_ROWS + row]`. `totals` is scratch.
    pub fn tile(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        assert!(x.cols() == grid.cols() && tile < grid.rows().div_ceil(TILE_ROWS) && y.len() == TILE_ROWS * x.vectors(), "lengths fit");
        totals.clear();
        totals.resize(HALVES * x.vectors(), [0.0; 8]);
        let tables = &self.tables;
        // SAFETY: a value of this type exists only after new() has found the features.
        unsafe {
            match (grid.stacks(), self.is_narrow) {
                (1, true) => words::<1, true>(grid, tile, tables, x, totals),
                (2, true) => words::<2, true>(grid, tile, tables, x, totals),
                (3, true) => words::<3, true>(grid, tile, tables, x, totals),
                (4, true) => words::<4, true>(grid, tile, tables, x, totals),
                (1, false) => words::<1, false>(grid, tile, tables, x, totals),
                (2, false) => words::<2, false>(grid, tile, tables, x, totals),
                (3, false) => words::<3, false>(grid, tile, tables, x, totals),
                (_, _) => words::<4, false>(grid, tile, tables, x, totals),
            }
        }
        for (half, totals) in totals.chunks_exact(x.vectors()).enumerate() {
            for (total, y) in totals.iter().zip(y.chunks_exact_mut(TILE_ROWS)) {
                for (row, y) in y[half * HALF_ROWS..][..HALF_ROWS].iter_mut().enumerate() {
                    *y = total[2 * row] + total[2 * row + 1];
                }
            }
        }
    }
}

/// The 64 columns of four rows as unsigned levels: bytes `c` of the eight registers are the columns `8 * byte + c`.
#[inline]
#[target_feature(enable = "avx2")]
fn levels<const STACKS: usize>(tables: &[[__m256i; 2]; STACKS], stacks: [&[u64; WORD_U64]; STACKS], half: usize) -> [__m256i; 8] {
    let (even_bits, nibble) = (_mm256_set1_epi8(0x55), _mm256_set1_epi8(0x0f));
    let mut levels = [_mm256_setzero_si256(); 8];
    for k in 0..STACKS {
        let (p0, p1) = (plane(stacks[k], half, 0), plane(stacks[k], half, 1));
        // The 16-bit shifts carry bits between bytes only into places that the masks leave out.
        let even = _mm256_or_si256(_mm256_and_si256(even_bits, p1), _mm256_andnot_si256(even_bits, _mm256_add_epi8(p0, p0)));
        let odd = _mm256_or_si256(_mm256_and_si256(even_bits, _mm256_srli_epi16::<1>(p1)), _mm256_andnot_si256(even_bits, p0));
        for (first, pairs) in [(0, even), (1, odd)] {
            let nibbles = [_mm256_and_si256(pairs, nibble), _mm256_and_si256(_mm256_srli_epi16::<4>(pairs), nibble)];
            for (column, index, table) in [(0, nibbles[0], 0), (2, nibbles[0], 1), (4, nibbles[1], 0), (6, nibbles[1], 1)] {
                let weights = _mm256_shuffle_epi8(tables[k][table], index);
                levels[first + column] = if k == 0 { weights } else { _mm256_add_epi8(levels[first + column], weights) };
            }
        }
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

/// The sums of both half words of four rows, in 32 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn sums<const NARROW: bool>(levels: &[__m256i; 8], x: &[u64; 8]) -> __m256i {
    let ones = _mm256_set1_epi16(1);
    let mut sum = _mm256_setzero_si256();
    for c in (0..8).step_by(2) {
        let first = _mm256_maddubs_epi16(levels[c], broadcast(x[c]));
        let second = _mm256_maddubs_epi16(levels[c + 1], broadcast(x[c + 1]));
        if NARROW {
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(first, second), ones));
        } else {
            sum = _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(first, ones), _mm256_madd_epi16(second, ones)));
        }
    }
    sum
}

/// All words of a tile: `totals[half * vectors + vector]` holds for four rows the total of first and of second half words.
#[target_feature(enable = "avx2,fma,f16c")]
fn words<const STACKS: usize, const NARROW: bool>(
    grid: &GridMatrix<'_>,
    tile: usize,
    tables: &Tables,
    x: &GridInput,
    totals: &mut [[f32; 8]],
) {
    let tables: [[__m256i; 2]; STACKS] = std::array::from_fn(|k| [load_table(&tables[k][0]), load_table(&tables[k][1])]);
    let (words, vectors, in_word) = (col_words(grid.cols()), x.vectors(), grid.group().in_word());
    let stack_words = grid.words().len() / STACKS;
    let of_tile = |k: usize| grid.words()[k * stack_words + tile * words * WORD_U64..][..words * WORD_U64].as_chunks::<WORD_U64>().0;
    let stacks: [&[[u64; WORD_U64]]; STACKS] = std::array::from_fn(of_tile);
    let all_scales = &grid.scales()[tile * words * TILE_ROWS * in_word..][..words * TILE_ROWS * in_word];
    let lowest = i32::from(pairs::lowest(grid.code())) * grid.coefficients().iter().map(|&c| i32::from(c)).sum::<i32>();
    let lowest = _mm256_set1_epi32(lowest);
    for (word, word_scales) in all_scales.chunks_exact(TILE_ROWS * in_word).enumerate() {
        let places = x.word(word);
        let halves = word_scales.chunks_exact(HALF_ROWS * in_word).zip(totals.chunks_exact_mut(vectors));
        for (half, (half_scales, totals)) in halves.enumerate() {
            let levels = levels::<STACKS>(&tables, std::array::from_fn(|k| &stacks[k][word]), half);
            let scale = scales(half_scales);
            for (x, total) in places.iter().zip(totals) {
                // Levels are unsigned: `sum (level - lowest) * x + lowest * sum(x)`.
                let offset = _mm256_mullo_epi32(lowest, broadcast(x.sums));
                let sum = _mm256_cvtepi32_ps(_mm256_add_epi32(sums::<NARROW>(&levels, &x.bytes), offset));
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
