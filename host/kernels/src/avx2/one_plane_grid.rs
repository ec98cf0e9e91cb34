//! Group-quantized matrices of one stack of one plane on AVX2, FMA and F16C: sums by look-up as in [`super::one_plane`], 32 rows at a
//! time, and one fused multiplication and addition per row and half word.

use std::arch::x86_64::*;
use std::ops::Range;

use nda_spec::GridMatrix;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, col_words, word_u64};

use super::one_plane::{add_halves, look_up, lookups};
use crate::grid::{GridInput, GridWord};
use crate::subsets::{LOOKUPS, LOW_BITS, SubsetSums, Subsets};
use crate::word::{OnePlane, TileWord};

/// Registers of 32 rows' floats.
const FLOATS: usize = TILE_ROWS / 8;
/// Totals of a tile and vector: 32 rows of first half words, then of second ones.
const TOTALS: usize = 2 * FLOATS;

/// Proof that the machine has AVX2, FMA and F16C, and what a set bit and every column add.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnePlaneGrid {
    step: i32,
    lowest: i32,
}

impl OnePlaneGrid {
    /// The kernel of a grid; none for other grids, or without a feature.
    pub fn new(grid: &GridMatrix<'_>) -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        let &[coefficient] = grid.coefficients() else { return None };
        let (coefficient, code) = (i32::from(coefficient), grid.code());
        let (lowest, highest) = (i32::from(code.lowest()), i32::from(code.highest()));
        let fits = has_all && code.planes() == 1;
        fits.then_some(OnePlaneGrid { step: coefficient * (highest - lowest), lowest: coefficient * lowest })
    }

    /// Rows of some tiles of that grid by every vector: `y[(tile * vectors + vector) * TILE_ROWS + row]`. `totals` is scratch.
    pub fn tiles(
        self,
        grid: &GridMatrix<'_>,
        tiles: Range<usize>,
        (x, subsets): (&GridInput, &SubsetSums),
        totals: &mut Vec<[f32; 8]>,
        y: &mut [f32],
    ) {
        let vectors = x.vectors();
        let fit = x.cols() == grid.cols() && tiles.end <= grid.rows().div_ceil(TILE_ROWS) && y.len() == TILE_ROWS * tiles.len() * vectors;
        assert!(fit && subsets.words.len() == col_words(grid.cols()) * vectors, "lengths fit");
        totals.clear();
        totals.resize(TOTALS * tiles.len() * vectors, [0.0; 8]);
        // SAFETY: a value of this type exists only after new() has found the features.
        unsafe { self.words(grid, tiles, (x, subsets), totals.as_chunks_mut().0) };
        for (total, y) in totals.as_chunks::<TOTALS>().0.iter().zip(y.chunks_exact_mut(TILE_ROWS)) {
            for (register, lane) in (0..FLOATS).flat_map(|register| (0..8).map(move |lane| (register, lane))) {
                y[row(register, lane)] = total[register][lane] + total[FLOATS + register][lane];
            }
        }
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    fn words(self, grid: &GridMatrix<'_>, tiles: Range<usize>, (x, subsets): (&GridInput, &SubsetSums), totals: &mut [[[f32; 8]; TOTALS]]) {
        let (vectors, in_word) = (x.vectors(), grid.group().in_word());
        let tile_u64 = col_words(grid.cols()) * word_u64(grid.code());
        for (word, subsets_of_word) in subsets.words.chunks_exact(vectors).enumerate() {
            let lowest = &subsets.halves[word * vectors..][..vectors];
            for (tile, totals) in tiles.clone().zip(totals.chunks_exact_mut(vectors)) {
                let plane = &OnePlane::of(&grid.words()[tile * tile_u64..][..tile_u64])[word];
                let indices = lookups(plane);
                let scales = scales(grid.group().word_scales(grid.tile_scales(tile), word), in_word);
                let of_vectors = x.word(word).iter().zip(subsets_of_word).zip(lowest);
                for (total, ((x, subsets), lowest)) in totals.iter_mut().zip(of_vectors) {
                    self.add(total, (&indices, &scales), (x, subsets, lowest));
                }
            }
        }
    }

    /// Adds both half words of a word to a vector's totals.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn add(
        self,
        totals: &mut [[f32; 8]; TOTALS],
        (indices, scales): (&[__m256i; LOOKUPS], &[[__m256; FLOATS]; 2]),
        (x, subsets, lowest): (&GridWord, &[Subsets; LOOKUPS], &[i32; 2]),
    ) {
        let (zero, step) = (_mm256_setzero_si256(), _mm256_set1_ps(self.step as f32));
        let halves = totals.as_chunks_mut::<FLOATS>().0.iter_mut().zip(scales);
        let looked = indices.as_chunks::<{ LOOKUPS / 2 }>().0.iter().zip(subsets.as_chunks::<{ LOOKUPS / 2 }>().0);
        for (half, ((totals, scales), (indices, subsets))) in halves.zip(looked).enumerate() {
            let [x_sum, x_scale] = [x.sums, x.scales].map(|pair| (pair >> (32 * half)) as u32);
            // Integers that floats hold exactly: at most 32 * 127 times a level.
            let offset = self.step * lowest[half] + self.lowest * x_sum.cast_signed();
            let (offset, x_scale) = (_mm256_set1_ps(offset as f32), _mm256_set1_ps(f32::from_bits(x_scale)));
            let [even, odd] = sums(indices, subsets);
            let sums = [
                _mm256_unpacklo_epi16(even, zero),
                _mm256_unpackhi_epi16(even, zero),
                _mm256_unpacklo_epi16(odd, zero),
                _mm256_unpackhi_epi16(odd, zero),
            ];
            for ((sum, scale), total) in sums.into_iter().zip(scales).zip(totals) {
                let sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), step, offset);
                let factor = _mm256_mul_ps(*scale, x_scale);
                // SAFETY: a total is 32 readable and writable bytes, and these ask for no alignment.
                unsafe {
                    let next = _mm256_fmadd_ps(sum, factor, _mm256_loadu_ps(total.as_ptr()));
                    _mm256_storeu_ps(total.as_mut_ptr(), next);
                }
            }
        }
    }
}

/// The row at a lane of a register of floats: even bytes first, of [`super::one_plane`]'s order.
const fn row(register: usize, lane: usize) -> usize {
    BLOCK_ROWS * (lane % 4) + 4 * (register / 2) + register % 2 + 2 * (lane / 4)
}

/// The sums of eight look-ups of 32 rows, in 16 bits: of even bytes and of odd ones, at most 8 * 512.
#[inline]
#[target_feature(enable = "avx2")]
fn sums(indices: &[__m256i; LOOKUPS / 2], subsets: &[Subsets; LOOKUPS / 2]) -> [__m256i; 2] {
    let (mut even, mut odd, mut highs) = (_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256());
    for (indices, subsets) in indices.as_chunks::<4>().0.iter().zip(subsets.as_chunks::<4>().0) {
        let lows = look_up(&mut highs, indices, subsets);
        add_halves(&mut even, &mut odd, lows);
    }
    let (mut even_high, mut odd_high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    add_halves(&mut even_high, &mut odd_high, highs);
    let with = |low, high| _mm256_add_epi16(low, _mm256_slli_epi16::<{ LOW_BITS as i32 }>(high));
    [with(even, even_high), with(odd, odd_high)]
}

/// The scales of 32 rows for first and for second half words, in the order of [`row`].
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn scales(word: &[u16], in_word: usize) -> [[__m256; FLOATS]; 2] {
    let mut blocks = [[_mm_setzero_si128(); FLOATS]; 2];
    for (block, scales) in word.chunks_exact(BLOCK_ROWS * in_word).enumerate() {
        // SAFETY: eight scales are 16 readable bytes, and this load asks for no alignment.
        let first = unsafe { _mm_loadu_si128(scales.as_ptr().cast()) };
        if in_word == 1 {
            (blocks[0][block], blocks[1][block]) = (first, first);
            continue;
        }
        // SAFETY: as above; of two scales per row there are sixteen.
        let second = unsafe { _mm_loadu_si128(scales[BLOCK_ROWS..].as_ptr().cast()) };
        // A row's two scales stand side by side: those of first half words in the lower 16 bits of 32.
        let low = |pairs| _mm_and_si128(pairs, _mm_set1_epi32(0xffff));
        blocks[0][block] = _mm_packus_epi32(low(first), low(second));
        blocks[1][block] = _mm_packus_epi32(_mm_srli_epi32::<16>(first), _mm_srli_epi32::<16>(second));
    }
    let first = transposed(blocks[0]);
    [first, if in_word == 1 { first } else { transposed(blocks[1]) }]
}

/// Four blocks of eight rows' scales, in the order of [`row`].
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn transposed([a, b, c, d]: [__m128i; FLOATS]) -> [__m256; FLOATS] {
    // The same row of all blocks side by side: rows 0 and 1, 2 and 3, 4 and 5, 6 and 7.
    let (ab_low, ab_high) = (_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b));
    let (cd_low, cd_high) = (_mm_unpacklo_epi16(c, d), _mm_unpackhi_epi16(c, d));
    let (r01, r23) = (_mm_unpacklo_epi32(ab_low, cd_low), _mm_unpackhi_epi32(ab_low, cd_low));
    let (r45, r67) = (_mm_unpacklo_epi32(ab_high, cd_high), _mm_unpackhi_epi32(ab_high, cd_high));
    [
        _mm256_cvtph_ps(_mm_unpacklo_epi64(r01, r23)),
        _mm256_cvtph_ps(_mm_unpackhi_epi64(r01, r23)),
        _mm256_cvtph_ps(_mm_unpacklo_epi64(r45, r67)),
        _mm256_cvtph_ps(_mm_unpackhi_epi64(r45, r67)),
    ]
}
