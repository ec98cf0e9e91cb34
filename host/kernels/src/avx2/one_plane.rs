//! Products of codes of one plane on AVX2: four bits of a row look up the sum of the activations at set bits, 32 rows at a time, where a
//! multiplication takes a byte per weight (T-MAC: Wei et al., 2024, does the same with sums rounded to bytes; these are exact).

use std::arch::x86_64::*;

use nda_spec::WeightCode;
use nda_spec::tile::TILE_ROWS;

use super::{Avx2, HALF_ROWS, ask_for_line};
use crate::subsets::{self, LOOKUPS, LOW_BITS, SubsetSums, Subsets};
use crate::word::{OnePlane, TileWord};

/// Words after which the 16-bit sums are emptied: a word adds 16 look-ups of at most 63 to a lower one, and 64 words 64,512.
const WORDS: usize = 64;

/// Sums of 32 rows in 16 bits, two in each 32: of the lower bits and of the bits above, those of even bytes and of odd bytes.
type Totals = [[i32; 8]; 4];

/// Which row stands at a byte of [`lookups`]'s registers.
const ROWS: [usize; TILE_ROWS] = {
    let mut rows = [0; TILE_ROWS];
    let mut byte = 0;
    while byte < TILE_ROWS {
        // A register of four rows has two of them in each half; the bytes of a half are those of eight registers, twice.
        rows[byte] = HALF_ROWS * (byte % 8) + 2 * (byte / 16) + byte % 16 / 8;
        byte += 1;
    }
    rows
};

impl Avx2 {
    /// The 32 sums of some tiles that share a word's look-ups, each of as many words as every vector has, by every vector:
    /// `sums[(tile * vectors + vector) * TILE_ROWS + row]`. `x_sums` are the vectors' own sums. `scratch` is used again.
    pub fn one_plane(
        self,
        code: WeightCode,
        tiles: &[&[u64]],
        x: &SubsetSums,
        x_sums: &[i32],
        scratch: &mut Vec<[i32; 8]>,
        sums: &mut [i32],
    ) {
        assert!(code.planes() == 1 && sums.len() == TILE_ROWS * tiles.len() * x_sums.len(), "lengths fit");
        scratch.clear();
        scratch.resize(size_of::<Totals>() / size_of::<[i32; 8]>() * tiles.len() * x_sums.len(), [0; 8]);
        sums.fill(0);
        // SAFETY: a value of this type exists only after detect() has found AVX2.
        unsafe { add_lookups(tiles, x, scratch.as_chunks_mut().0, sums) };
        subsets::products(code, x, x_sums, sums);
    }
}

#[target_feature(enable = "avx2")]
fn add_lookups(tiles: &[&[u64]], x: &SubsetSums, totals: &mut [Totals], sums: &mut [i32]) {
    let vectors = x.lowest.len();
    for (chunk, subsets) in x.words.chunks(WORDS * vectors).enumerate() {
        for (word, subsets) in subsets.chunks_exact(vectors).enumerate() {
            for (tile, totals) in tiles.iter().zip(totals.chunks_exact_mut(vectors)) {
                let word = &OnePlane::of(tile)[chunk * WORDS + word];
                let indices = lookups(word);
                for (total, subsets) in totals.iter_mut().zip(subsets) {
                    add(total, &indices, subsets);
                }
            }
        }
        for (total, sums) in totals.iter_mut().zip(sums.chunks_exact_mut(TILE_ROWS)) {
            empty(total, sums);
        }
    }
}

/// The indices of a word's 16 look-ups, for 32 rows each: the bytes of every row, transposed, then cut.
#[inline]
#[target_feature(enable = "avx2")]
fn lookups(word: &OnePlane) -> [__m256i; LOOKUPS] {
    let zero = _mm256_setzero_si256();
    let mut rows = [zero; 8];
    for (at, rows) in rows.iter_mut().enumerate() {
        let four = &word.as_chunks::<HALF_ROWS>().0[at];
        // SAFETY: `four` is 32 readable bytes, and this load asks for no alignment.
        *rows = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
    }
    (0..4).for_each(|line| ask_for_line::<_MM_HINT_T0, _>(word, 2 * line));
    // The two rows of a half register, each with its neighbour register's: bytes 0 to 7 of two rows.
    let (mut two, mut four, mut eight) = ([[zero; 4]; 2], [[[zero; 2]; 2]; 2], [[zero; 4]; 2]);
    for pair in 0..4 {
        two[0][pair] = _mm256_unpacklo_epi8(rows[2 * pair], rows[2 * pair + 1]);
        two[1][pair] = _mm256_unpackhi_epi8(rows[2 * pair], rows[2 * pair + 1]);
    }
    for side in 0..2 {
        for pair in 0..2 {
            let (a, b) = (two[side][2 * pair], two[side][2 * pair + 1]);
            four[side][0][pair] = _mm256_unpacklo_epi16(a, b);
            four[side][1][pair] = _mm256_unpackhi_epi16(a, b);
        }
        for part in 0..2 {
            let [a, b] = four[side][part];
            eight[side][2 * part] = _mm256_unpacklo_epi32(a, b);
            eight[side][2 * part + 1] = _mm256_unpackhi_epi32(a, b);
        }
    }
    let mut indices = [zero; LOOKUPS];
    for pair in 0..4 {
        let (a, b) = (eight[0][pair], eight[1][pair]);
        for (side, bytes) in [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)].into_iter().enumerate() {
            let [low, high] = super::nibbles(bytes);
            (indices[4 * pair + 2 * side], indices[4 * pair + 2 * side + 1]) = (low, high);
        }
    }
    indices
}

/// Adds a word's look-ups to the totals of 32 rows.
#[inline]
#[target_feature(enable = "avx2")]
fn add(totals: &mut Totals, indices: &[__m256i; LOOKUPS], subsets: &Subsets) {
    let mut sums = [_mm256_setzero_si256(); 4];
    for (sum, total) in sums.iter_mut().zip(&*totals) {
        // SAFETY: a total is 32 readable bytes, and this load asks for no alignment.
        *sum = unsafe { _mm256_loadu_si256(total.as_ptr().cast()) };
    }
    let [even_low, odd_low, even_high, odd_high] = &mut sums;
    // At most 16 * 8 per byte.
    let mut highs = _mm256_setzero_si256();
    for (at, indices) in indices.as_chunks::<4>().0.iter().enumerate() {
        let lows = look_up(&mut highs, indices, [2 * at, 2 * at + 1], subsets);
        add_halves(even_low, odd_low, lows);
    }
    add_halves(even_high, odd_high, highs);
    for (sum, total) in sums.into_iter().zip(totals) {
        // SAFETY: a total is 32 writable bytes, and this store asks for no alignment.
        unsafe { _mm256_storeu_si256(total.as_mut_ptr().cast(), sum) };
    }
}

/// Four look-ups, those of two bytes: the sums of the lower bits, at most 4 * 63 per byte; those of the bits above, at most 8 each, are
/// added to the others.
#[inline]
#[target_feature(enable = "avx2")]
fn look_up(highs: &mut __m256i, indices: &[__m256i; 4], bytes: [usize; 2], subsets: &Subsets) -> __m256i {
    let mut lows = _mm256_setzero_si256();
    for (at, index) in indices.iter().enumerate() {
        let (half, byte) = (at % 2, bytes[at / 2]);
        lows = _mm256_add_epi8(lows, _mm256_shuffle_epi8(table(&subsets.low[half][byte]), *index));
        *highs = _mm256_add_epi8(*highs, _mm256_shuffle_epi8(table(&subsets.high[half][byte]), *index));
    }
    lows
}

/// A table of bytes for VPSHUFB.
#[inline]
#[target_feature(enable = "avx2")]
fn table(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: the table is 16 readable bytes, and this load asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// Adds the even bytes to one sum, the odd ones to the other.
#[inline]
#[target_feature(enable = "avx2")]
fn add_halves(even: &mut __m256i, odd: &mut __m256i, bytes: __m256i) {
    *even = _mm256_add_epi16(*even, _mm256_and_si256(bytes, _mm256_set1_epi16(0x00ff)));
    *odd = _mm256_add_epi16(*odd, _mm256_srli_epi16::<8>(bytes));
}

/// Adds the totals of 32 rows to their sums, and makes them zero.
fn empty(totals: &mut Totals, sums: &mut [i32]) {
    let [even_low, odd_low, even_high, odd_high] = std::mem::take(totals);
    let mut add = |byte: usize, low: i32, high: i32| {
        let (first, second) = (ROWS[byte], ROWS[byte + 2]);
        sums[first] = sums[first].wrapping_add((low & 0xffff) + ((high & 0xffff) << LOW_BITS));
        sums[second] = sums[second].wrapping_add((low >> 16 & 0xffff) + ((high >> 16 & 0xffff) << LOW_BITS));
    };
    for at in 0..8 {
        add(4 * at, even_low[at], even_high[at]);
        add(4 * at + 1, odd_low[at], odd_high[at]);
    }
}
