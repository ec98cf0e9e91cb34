//! Tile kernels for NEON (AArch64). A register of 128 bits holds one plane of two rows, so a lane is a row.

use std::arch::aarch64::*;

use nda_spec::WeightCode;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS};

use crate::a2::A2Identity;
use crate::activations::{A2Word, PreparedX, Vectors};
use crate::word::{TileWord, TwoPlanes, for_planes};
use crate::{pairs, portable};

pub(crate) mod grid;

/// Rows of a register.
const PAIR_ROWS: usize = 2;
/// Registers of a plane's rows in a tile.
const PAIRS: usize = TILE_ROWS / PAIR_ROWS;

/// Proof that the machine has NEON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// The kernels, or the feature that is missing.
    pub fn detect() -> Result<Self, &'static str> {
        if std::arch::is_aarch64_feature_detected!("neon") { Ok(Neon(())) } else { Err("neon") }
    }

    /// The 32 sums of one tile by A2 activations. Reads [`crate::activations::Form::A2`].
    pub fn a2(self, code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        // SAFETY: a value of this type exists only after detect() has found NEON.
        match A2Identity::of(code) {
            A2Identity::SignExtra => unsafe { a2_quaternary(tile, &x.a2, x.cols, sums) },
            A2Identity::ActivePositive => unsafe { a2_ternary(tile, &x.a2, sums) },
            A2Identity::None => portable::a2_affine(code, tile, x, sums),
        }
    }

    /// The 32 sums of one tile by A8 or A4 activations. Reads [`crate::activations::Form::Bytes`].
    pub fn bytes(self, code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        // SAFETY: a value of this type exists only after detect() has found NEON.
        for_planes!(code, Word => unsafe { bytes::<Word>(code, tile, x, sums) })
    }

    /// The 32 sums of one tile by every vector of bytes, `sums[vector * TILE_ROWS + row]`. `scratch` is used again.
    pub fn vectors(self, code: WeightCode, tile: &[u64], x: &Vectors, scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        scratch.clear();
        scratch.resize(PAIRS * x.count, [0; 8]);
        // SAFETY: a value of this type exists only after detect() has found NEON.
        for_planes!(code, Word => unsafe { vectors::<Word>(code, tile, x, scratch) });
        for (pair, totals) in scratch.chunks_exact(x.count.max(1)).enumerate() {
            for (total, y) in totals.iter().zip(sums.chunks_exact_mut(TILE_ROWS)) {
                for (y, four) in y[pair * PAIR_ROWS..].iter_mut().zip(total.as_chunks::<4>().0) {
                    // Each of the four is a share of a sum that 32 bits hold, and wraps as their sum does.
                    *y = four.iter().fold(0, |sum: i32, &share| sum.wrapping_add(share));
                }
            }
        }
    }
}

/// One plane's two rows.
#[inline]
#[target_feature(enable = "neon")]
fn plane<W: TileWord>(word: &W, pair: usize, plane: usize) -> uint8x16_t {
    const PAIRS_OF_BLOCK: usize = BLOCK_ROWS / PAIR_ROWS;
    let two = &word.plane(pair / PAIRS_OF_BLOCK, plane)[pair % PAIRS_OF_BLOCK * PAIR_ROWS..][..PAIR_ROWS];
    // SAFETY: `two` is 16 readable bytes, and this load asks for no more than a byte's alignment.
    unsafe { vld1q_u8(two.as_ptr().cast()) }
}

/// Eight bytes for both rows.
#[inline]
#[target_feature(enable = "neon")]
fn broadcast(lane: u64) -> uint8x16_t {
    vreinterpretq_u8_u64(vdupq_n_u64(lane))
}

/// Adds the eight bytes of each row to the row's total.
#[inline]
#[target_feature(enable = "neon")]
fn add_bytes(total: uint64x2_t, bytes: uint8x16_t) -> uint64x2_t {
    vaddq_u64(total, vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(bytes))))
}

/// Both rows' totals.
#[inline]
#[target_feature(enable = "neon")]
fn rows(total: uint64x2_t) -> [i64; PAIR_ROWS] {
    [vgetq_lane_u64::<0>(total).cast_signed(), vgetq_lane_u64::<1>(total).cast_signed()]
}

/// Words after which byte counters are emptied: a word adds two population counts of a byte, at most 16, and 15 words 240.
const COUNTED_WORDS: usize = 15;

/// `4n - 3 (pc(s^s') + pc(s' ^ (small' ? e : s))) - 2 pc(e^e')` (NUMBERS.md, the 3-popcount identity).
/// Padding is 00 on both sides and counts nothing, so n is the true number of columns.
#[target_feature(enable = "neon")]
fn a2_quaternary(tile: &[u64], x: &[A2Word], cols: usize, sums: &mut [i32; TILE_ROWS]) {
    let zero = || [vdupq_n_u64(0); PAIRS];
    let (mut threes, mut twos) = (zero(), zero());
    for (words, x) in TwoPlanes::of(tile).chunks(COUNTED_WORDS).zip(x.chunks(COUNTED_WORDS)) {
        for pair in 0..PAIRS {
            let (mut three, mut two) = (vdupq_n_u8(0), vdupq_n_u8(0));
            for (word, x) in words.iter().zip(x) {
                let (sign, extra) = (plane(word, pair, 0), plane(word, pair, 1));
                let signs = veorq_u8(sign, broadcast(x.sign));
                let chosens = veorq_u8(signs, vandq_u8(veorq_u8(sign, extra), broadcast(x.small)));
                three = vaddq_u8(three, vaddq_u8(vcntq_u8(signs), vcntq_u8(chosens)));
                two = vaddq_u8(two, vcntq_u8(veorq_u8(extra, broadcast(x.extra))));
            }
            threes[pair] = add_bytes(threes[pair], three);
            twos[pair] = add_bytes(twos[pair], two);
        }
    }
    for (sums, (three, two)) in sums.chunks_exact_mut(PAIR_ROWS).zip(threes.into_iter().zip(twos)) {
        for (sum, (three, two)) in sums.iter_mut().zip(rows(three).into_iter().zip(rows(two))) {
            // At most 4 * MAX_COLS in magnitude.
            *sum = (4 * cols as i64 - 3 * three - 2 * two) as i32;
        }
    }
}

/// `pc(a & !(n & large')) + pc(a & !n & large') - 2 pc(n)` with `n = a & (p ^ s')`, the negative products. What is not
/// active, padding too, counts nothing.
#[target_feature(enable = "neon")]
fn a2_ternary(tile: &[u64], x: &[A2Word], sums: &mut [i32; TILE_ROWS]) {
    let zero = || [vdupq_n_u64(0); PAIRS];
    let (mut ones, mut negatives) = (zero(), zero());
    for (words, x) in TwoPlanes::of(tile).chunks(COUNTED_WORDS).zip(x.chunks(COUNTED_WORDS)) {
        for pair in 0..PAIRS {
            let (mut one, mut minus) = (vdupq_n_u8(0), vdupq_n_u8(0));
            for (word, x) in words.iter().zip(x) {
                let (active, positive, small) = (plane(word, pair, 0), plane(word, pair, 1), broadcast(x.small));
                let negative = vandq_u8(active, veorq_u8(positive, broadcast(x.sign)));
                // vbic(a, b) is a & !b.
                let low = vbicq_u8(active, vbicq_u8(negative, small));
                let high = vbicq_u8(active, vorrq_u8(negative, small));
                one = vaddq_u8(one, vaddq_u8(vcntq_u8(low), vcntq_u8(high)));
                minus = vaddq_u8(minus, vcntq_u8(negative));
            }
            ones[pair] = add_bytes(ones[pair], one);
            negatives[pair] = add_bytes(negatives[pair], minus);
        }
    }
    for (sums, (one, minus)) in sums.chunks_exact_mut(PAIR_ROWS).zip(ones.into_iter().zip(negatives)) {
        for (sum, (one, minus)) in sums.iter_mut().zip(rows(one).into_iter().zip(rows(minus))) {
            // At most 2 * MAX_COLS in magnitude.
            *sum = (one - 2 * minus) as i32;
        }
    }
}

/// For every nibble the weight of the pair of its bits at 0 or at 2, signed.
const fn tables(code: WeightCode) -> [[i8; 16]; 2] {
    let mut tables = pairs::tables([0, 2])[code.index()];
    let mut index = 0;
    while index < 16 {
        tables[0][index] += code.lowest();
        tables[1][index] += code.lowest();
        index += 1;
    }
    tables
}

/// [`tables`] of every code.
static TABLES: [[[i8; 16]; 2]; WeightCode::ALL.len()] = {
    let mut all = [[[0; 16]; 2]; WeightCode::ALL.len()];
    let mut code = 0;
    while code < all.len() {
        all[code] = tables(WeightCode::ALL[code]);
        code += 1;
    }
    all
};

/// Words after which the 16-bit sums of [`bytes`] are emptied: a word adds eight products of at most `2 * 128`, and 15 words
/// reach 30,720.
const BYTES_WORDS: usize = 15;

/// `sum w * x` with signed weights by table: the two planes are interleaved to pairs of bits, even columns in one register,
/// odd columns in the other, and column `c` of every byte meets lane `c` of the activations.
#[target_feature(enable = "neon")]
fn bytes<W: TileWord>(code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
    let tables = TABLES[code.index()].each_ref().map(|table| load_table(table));
    let mut totals = [[vdupq_n_s32(0); PAIR_ROWS]; PAIRS];
    let words = W::of(tile);
    for (words, x) in words.chunks(BYTES_WORDS).zip(x.bytes.chunks(BYTES_WORDS)) {
        for (pair, totals) in totals.iter_mut().enumerate() {
            let mut narrow = [vdupq_n_s16(0); PAIR_ROWS];
            for (word, x) in words.iter().zip(x) {
                narrow = add_products(narrow, tables, plane(word, pair, 0), plane(word, pair, 1), x);
            }
            for (total, narrow) in totals.iter_mut().zip(narrow) {
                *total = vpadalq_s16(*total, narrow);
            }
        }
    }
    for (sums, totals) in sums.chunks_exact_mut(PAIR_ROWS).zip(totals) {
        for (sum, total) in sums.iter_mut().zip(totals) {
            // At most 2 * 128 * MAX_COLS in magnitude, which 32 bits hold; every lane's share is less.
            *sum = vaddvq_s32(total);
        }
    }
}

/// Adds the products of 64 columns of two rows, eight 16-bit lanes a row.
#[inline]
#[target_feature(enable = "neon")]
fn add_products(
    mut narrow: [int16x8_t; PAIR_ROWS],
    tables: [int8x16_t; 2],
    p0: uint8x16_t,
    p1: uint8x16_t,
    x: &[u64; 8],
) -> [int16x8_t; PAIR_ROWS] {
    for (weights, &x) in weights(tables, p0, p1).into_iter().zip(x) {
        narrow = multiply(narrow, weights, x);
    }
    narrow
}

/// Adds the products of 8 bytes of two rows and of the activations that both meet.
#[inline]
#[target_feature(enable = "neon")]
fn multiply(narrow: [int16x8_t; PAIR_ROWS], weights: int8x16_t, x: u64) -> [int16x8_t; PAIR_ROWS] {
    let x = vreinterpretq_s8_u8(broadcast(x));
    [vmlal_s8(narrow[0], vget_low_s8(weights), vget_low_s8(x)), vmlal_high_s8(narrow[1], weights, x)]
}

/// Exchanges the bits of `high` at `mask` with those of `low` `SHIFT` places higher: a step of a transposition of bits
/// (Warren, Hacker's Delight, section 7-3). Shifts are those of bytes: nothing crosses.
#[inline]
#[target_feature(enable = "neon")]
fn exchange<const SHIFT: i32>(low: uint8x16_t, high: uint8x16_t, mask: u8) -> [uint8x16_t; 2] {
    let mask = vdupq_n_u8(mask);
    // vbsl(mask, a, b) takes a where the mask is set.
    [vbslq_u8(mask, low, vshlq_n_u8::<SHIFT>(high)), vbslq_u8(mask, vshrq_n_u8::<SHIFT>(low), high)]
}

/// Both nibbles of every byte.
#[inline]
#[target_feature(enable = "neon")]
fn nibbles(bits: uint8x16_t) -> [uint8x16_t; 2] {
    [vandq_u8(bits, vdupq_n_u8(0x0f)), vshrq_n_u8::<4>(bits)]
}

/// The 64 columns of two rows as weights: byte `b` of register `c` is column `8 * b + c` of the row whose half it is in.
#[inline]
#[target_feature(enable = "neon")]
fn weights(tables: [int8x16_t; 2], p0: uint8x16_t, p1: uint8x16_t) -> [int8x16_t; 8] {
    let [even, odd] = exchange::<1>(p1, p0, 0x55);
    let ([even_low, even_high], [odd_low, odd_high]) = (nibbles(even), nibbles(odd));
    let of = |table: usize, index: uint8x16_t| vqtbl1q_s8(tables[table], index);
    [of(0, even_low), of(0, odd_low), of(1, even_low), of(1, odd_low), of(0, even_high), of(0, odd_high), of(1, even_high), of(1, odd_high)]
}

/// All words of a tile by several vectors: `totals[pair * vectors + vector]` takes four sums a row. Weights are looked up once a
/// word and meet every vector.
#[target_feature(enable = "neon")]
fn vectors<W: TileWord>(code: WeightCode, tile: &[u64], x: &Vectors, totals: &mut [[i32; 8]]) {
    let tables = TABLES[code.index()].each_ref().map(|table| load_table(table));
    let words = W::of(tile);
    for (word, x_word) in words.iter().zip(x.bytes.chunks_exact(x.count.max(1))) {
        for (pair, totals) in totals.chunks_exact_mut(x.count.max(1)).enumerate() {
            let weights = weights(tables, plane(word, pair, 0), plane(word, pair, 1));
            for (x, total) in x_word.iter().zip(totals) {
                let mut narrow = [vdupq_n_s16(0); PAIR_ROWS];
                for (&weights, &x) in weights.iter().zip(x) {
                    narrow = multiply(narrow, weights, x);
                }
                for (total, narrow) in total.as_chunks_mut::<4>().0.iter_mut().zip(narrow) {
                    // SAFETY: `total` is 16 readable and writable bytes, and these ask for no more than an i32's alignment.
                    unsafe { vst1q_s32(total.as_mut_ptr(), vpadalq_s16(vld1q_s32(total.as_ptr()), narrow)) };
                }
            }
        }
    }
}

/// A table of 16 bytes.
#[inline]
#[target_feature(enable = "neon")]
fn load_table(table: &[i8; 16]) -> int8x16_t {
    // SAFETY: the table is 16 readable bytes.
    unsafe { vld1q_s8(table.as_ptr()) }
}
