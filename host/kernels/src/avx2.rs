//! Tile kernels for AVX2. A register holds one plane of four rows, half a block, so a lane is a row and no sum crosses lanes.

use std::arch::x86_64::*;

use nda_spec::WeightCode;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS};

use crate::a2::A2Identity;
use crate::activations::{A2Word, PreparedX, Vectors};
use crate::word::{OnePlane, TileWord, TwoPlanes, for_planes};
use crate::{pairs, portable};

pub(crate) mod frame;
pub(crate) mod grid;
pub(crate) mod one_plane;

/// Rows of a register.
const HALF_ROWS: usize = BLOCK_ROWS / 2;
/// Half blocks in a tile.
const HALVES: usize = TILE_ROWS / HALF_ROWS;

/// Proof that the machine has AVX2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The kernels, or the feature that is missing.
    pub fn detect() -> Result<Self, &'static str> {
        if is_x86_feature_detected!("avx2") { Ok(Avx2(())) } else { Err("avx2") }
    }

    /// The 32 sums of one tile by A2 activations. Reads [`crate::activations::Form::A2`].
    pub fn a2(self, code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        // SAFETY: a value of this type exists only after detect() has found AVX2.
        match A2Identity::of(code) {
            A2Identity::SignExtra => unsafe { a2_quaternary(tile, &x.a2, x.cols, sums) },
            A2Identity::ActivePositive => unsafe { a2_ternary(tile, &x.a2, sums) },
            A2Identity::None => portable::a2_affine(code, tile, x, sums),
        }
    }

    /// The 32 sums of one tile by A8 or A4 activations. Reads [`crate::activations::Form::Bytes`].
    pub fn bytes(self, code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        // SAFETY: a value of this type exists only after detect() has found AVX2.
        for_planes!(code, Word => unsafe { bytes::<Word>(code, tile, x, sums) })
    }
}

impl Avx2 {
    /// The 32 sums of one tile by every vector of bytes, `sums[vector * TILE_ROWS + row]`. `scratch` is used again.
    pub fn vectors(self, code: WeightCode, tile: &[u64], x: &Vectors, scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        scratch.clear();
        scratch.resize(HALVES * x.count, [0; 8]);
        // SAFETY: a value of this type exists only after detect() has found AVX2.
        for_planes!(code, Word => unsafe { vectors::<Word>(code, tile, x, scratch) });
        let lowest = i64::from(code.lowest());
        for (half, totals) in scratch.chunks_exact(x.count.max(1)).enumerate() {
            for ((total, sum), y) in totals.iter().zip(&x.sums).zip(sums.chunks_exact_mut(TILE_ROWS)) {
                for (row, y) in y[half * HALF_ROWS..][..HALF_ROWS].iter_mut().enumerate() {
                    // Both wrap, and so does the sum: right modulo 2^32, and MAX_COLS makes it one that 32 bits hold.
                    *y = (i64::from(total[2 * row]) + i64::from(total[2 * row + 1]) + lowest * i64::from(*sum)) as i32;
                }
            }
        }
    }
}

/// One plane's four rows of a half block.
#[inline]
#[target_feature(enable = "avx2")]
fn plane<W: TileWord>(word: &W, half: usize, plane: usize) -> __m256i {
    let four = &word.plane(half / 2, plane)[half % 2 * HALF_ROWS..][..HALF_ROWS];
    // SAFETY: `four` is 32 readable bytes, and this load asks for no alignment.
    unsafe { _mm256_loadu_si256(four.as_ptr().cast()) }
}

/// Words of a tile that are asked for before they are needed: 8 KB, some hundred nanoseconds of work. The processor's own
/// prefetch stops at every page, and without this one the kernel and the memory wait for each other in turn.
const AHEAD_WORDS: usize = 16;

/// Bytes from a word to what is asked for with it. Tiles of one plane are read several in turn, each word in half the time, so they
/// ask twice as far ahead as the others: 14 % faster in L3 and as much out of memory than with 8 KB (measured).
const fn ahead_bytes<W: TileWord>() -> usize {
    const ONE: usize = size_of::<OnePlane>();
    AHEAD_WORDS * if size_of::<W>() == ONE { 4 * ONE } else { size_of::<W>() }
}

/// Asks for the line [`ahead_bytes`] behind a line of this word: of this tile or of the next, which follows it. A word of two planes has as
/// many lines as half blocks, of one plane half as many; one at a time between products, for several together wait for one another. `HINT` says into which cache:
/// L2 for the kernels of one plane pair, which are short, and L1 for grids (measured both ways).
#[inline]
#[target_feature(enable = "avx2")]
fn ask_for_line<const HINT: i32, W: TileWord>(word: &W, line: usize) {
    ask::<HINT>(std::ptr::from_ref(word).wrapping_byte_add(ahead_bytes::<W>() + line * size_of::<W>() / HALVES).cast());
}

/// Asks for the line at an address. A prefetch reads nothing that a program sees and faults at no address, so the last tile may ask
/// for what is not there.
#[inline]
#[target_feature(enable = "avx2")]
fn ask<const HINT: i32>(at: *const i8) {
    _mm_prefetch::<HINT>(at);
}

#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(lane: u64) -> __m256i {
    _mm256_set1_epi64x(lane.cast_signed())
}

/// A table of 16 bytes for VPSHUFB, in both halves of the register.
#[inline]
#[target_feature(enable = "avx2")]
fn load_table(table: &[i8; 16]) -> __m256i {
    // SAFETY: the table is 16 readable bytes, and this load asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}

/// The four lanes as numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn lanes(register: __m256i) -> [i64; HALF_ROWS] {
    let mut four = [0; HALF_ROWS];
    // SAFETY: `four` is 32 writable bytes, and this store asks for no alignment.
    unsafe { _mm256_storeu_si256(four.as_mut_ptr().cast(), register) };
    four
}

/// The popcounts of the 16 nibbles, times `factor`, plus `bias`.
const fn popcounts(factor: i8, bias: i8) -> [i8; 16] {
    let mut table = [0; 16];
    let mut nibble = 0_usize;
    while nibble < table.len() {
        table[nibble] = factor * nibble.count_ones() as i8 + bias;
        nibble += 1;
    }
    table
}

/// What a table says of both nibbles of every byte, added up (Mula's popcount by VPSHUFB, 2008).
#[inline]
#[target_feature(enable = "avx2")]
fn nibble_sums(table: __m256i, bits: __m256i) -> __m256i {
    let low = _mm256_set1_epi8(0x0f);
    let high_nibbles = _mm256_and_si256(_mm256_srli_epi16::<4>(bits), low);
    _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(bits, low)), _mm256_shuffle_epi8(table, high_nibbles))
}

/// Adds the eight bytes of each lane to the lane's total.
#[inline]
#[target_feature(enable = "avx2")]
fn add_bytes(total: __m256i, bytes: __m256i) -> __m256i {
    _mm256_add_epi64(total, _mm256_sad_epu8(bytes, _mm256_setzero_si256()))
}

/// Words after which the byte counters of [`a2_quaternary`] are emptied: a word adds at most
/// `(3 + 3 + 2) * 8 = 64` to a byte, and three of them 192.
const QUATERNARY_WORDS: usize = 3;

/// `4n - 3 (pc(s^s') + pc(s' ^ (small' ? e : s))) - 2 pc(e^e')` (NUMBERS.md, the 3-popcount identity).
/// Padding is 00 on both sides and counts nothing, so n is the true number of columns.
#[target_feature(enable = "avx2")]
fn a2_quaternary(tile: &[u64], x: &[A2Word], cols: usize, sums: &mut [i32; TILE_ROWS]) {
    let (three, two) = (load_table(&const { popcounts(3, 0) }), load_table(&const { popcounts(2, 0) }));
    let mut totals = [_mm256_setzero_si256(); HALVES];
    let words = TwoPlanes::of(tile);
    for (words, x) in words.chunks(QUATERNARY_WORDS).zip(x.chunks(QUATERNARY_WORDS)) {
        for (half, total) in totals.iter_mut().enumerate() {
            let mut bytes = _mm256_setzero_si256();
            for (word, x) in words.iter().zip(x) {
                ask_for_line::<_MM_HINT_T1, _>(word, half);
                let (sign, extra, x_sign) = (plane(word, half, 0), plane(word, half, 1), broadcast(x.sign));
                let signs = _mm256_xor_si256(sign, x_sign);
                // s' ^ (small' ? e : s), written with the one xor that is there already.
                let chosens = _mm256_xor_si256(signs, _mm256_and_si256(_mm256_xor_si256(sign, extra), broadcast(x.small)));
                let extras = _mm256_xor_si256(extra, broadcast(x.extra));
                let threes = _mm256_add_epi8(nibble_sums(three, signs), nibble_sums(three, chosens));
                bytes = _mm256_add_epi8(bytes, _mm256_add_epi8(threes, nibble_sums(two, extras)));
            }
            *total = add_bytes(*total, bytes);
        }
    }
    for (sums, total) in sums.chunks_exact_mut(HALF_ROWS).zip(totals) {
        for (sum, minus) in sums.iter_mut().zip(lanes(total)) {
            // At most 4 * MAX_COLS in magnitude.
            *sum = (4 * cols as i64 - minus) as i32;
        }
    }
}

/// Words after which the byte counters of [`a2_ternary`] are emptied: a word adds at most
/// `8 + 8 + 16 = 32` to a byte, and seven of them 224.
const TERNARY_WORDS: usize = 7;

/// `pc(a & !(n & large')) + pc(a & !n & large') - 2 pc(n)` with `n = a & (p ^ s')`, the negative products.
/// Per element: +2 = 1 + 1, +1 = 1, 0 = 0, -1 = 1 - 2, -2 = -2. What is not active, padding too, counts nothing.
#[target_feature(enable = "avx2")]
fn a2_ternary(tile: &[u64], x: &[A2Word], sums: &mut [i32; TILE_ROWS]) {
    // Byte counters are unsigned, so a nibble of negatives counts 8 - 2 pc: the bias is 8 for each of 16 nibbles.
    const WORD_BIAS: usize = 8 * 16;
    let (one, minus_two) = (load_table(&const { popcounts(1, 0) }), load_table(&const { popcounts(-2, 8) }));
    let mut totals = [_mm256_setzero_si256(); HALVES];
    let words = TwoPlanes::of(tile);
    for (words, x) in words.chunks(TERNARY_WORDS).zip(x.chunks(TERNARY_WORDS)) {
        for (half, total) in totals.iter_mut().enumerate() {
            let mut bytes = _mm256_setzero_si256();
            for (word, x) in words.iter().zip(x) {
                ask_for_line::<_MM_HINT_T1, _>(word, half);
                let (active, positive, small) = (plane(word, half, 0), plane(word, half, 1), broadcast(x.small));
                let negative = _mm256_and_si256(active, _mm256_xor_si256(positive, broadcast(x.sign)));
                let low = _mm256_andnot_si256(_mm256_andnot_si256(small, negative), active);
                let high = _mm256_andnot_si256(_mm256_or_si256(negative, small), active);
                let ones = _mm256_add_epi8(nibble_sums(one, low), nibble_sums(one, high));
                bytes = _mm256_add_epi8(bytes, _mm256_add_epi8(ones, nibble_sums(minus_two, negative)));
            }
            *total = add_bytes(*total, bytes);
        }
    }
    let bias = (WORD_BIAS * x.len()) as i64;
    for (sums, total) in sums.chunks_exact_mut(HALF_ROWS).zip(totals) {
        for (sum, biased) in sums.iter_mut().zip(lanes(total)) {
            // At most 2 * MAX_COLS in magnitude.
            *sum = (biased - bias) as i32;
        }
    }
}

/// The tables of every code for the pairs at bits 0 and 2.
static TABLES: [[[i8; 16]; 2]; WeightCode::ALL.len()] = pairs::tables([0, 2]);

/// Words after which the 16-bit sums of [`bytes`] are emptied: a word adds eight VPMADDUBSW results, each two
/// products of at most `4 * -128`, so four words reach -32,768 and not beyond. No step saturates.
const BYTES_WORDS: usize = 4;

/// `sum (w - lowest) * x + lowest * sum(x)`: VPMADDUBSW takes unsigned bytes on one side.
///
/// The sums of the unsigned weights can leave 32 bits above 4,194,303 columns; they wrap, so the result is
/// right modulo 2^32, and `width::MAX_COLS` makes it one that 32 bits hold.
#[target_feature(enable = "avx2")]
fn bytes<W: TileWord>(code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
    let tables = TABLES[code.index()].each_ref().map(|table| load_table(table));
    let mut totals = [_mm256_setzero_si256(); HALVES];
    let words = W::of(tile);
    for (words, x) in words.chunks(BYTES_WORDS).zip(x.bytes.chunks(BYTES_WORDS)) {
        for (half, total) in totals.iter_mut().enumerate() {
            let mut pairs = _mm256_setzero_si256();
            for (word, x) in words.iter().zip(x) {
                ask_for_line::<_MM_HINT_T1, _>(word, half);
                pairs = _mm256_add_epi16(pairs, word_products(tables, plane(word, half, 0), plane(word, half, 1), x));
            }
            *total = _mm256_add_epi32(*total, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
    }
    let offset = i64::from(code.lowest()) * i64::from(x.sum);
    for (sums, total) in sums.chunks_exact_mut(HALF_ROWS).zip(totals) {
        // A row's lane holds two sums of 32 bits; their sum lands in the low one.
        let both = _mm256_add_epi32(total, _mm256_srli_epi64::<32>(total));
        for (sum, lane) in sums.iter_mut().zip(lanes(both)) {
            *sum = (lane + offset) as i32;
        }
    }
}

/// The products of 64 columns of four rows, in 16-bit sums of at most 8 * 1024 in magnitude.
#[inline]
#[target_feature(enable = "avx2")]
fn word_products(tables: [__m256i; 2], p0: __m256i, p1: __m256i, x: &[u64; 8]) -> __m256i {
    products(&weights(tables, p0, p1), x)
}

/// Column `c` of every byte meets lane `c` of the activations; added up in 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn products(weights: &[__m256i; 8], x: &[u64; 8]) -> __m256i {
    let product = |c: usize| _mm256_maddubs_epi16(weights[c], broadcast(x[c]));
    let four = |c: usize| _mm256_add_epi16(_mm256_add_epi16(product(c), product(c + 1)), _mm256_add_epi16(product(c + 2), product(c + 3)));
    _mm256_add_epi16(four(0), four(4))
}

/// Exchanges the bits of `high` at `mask` with those of `low` `shift` places higher: a step of a transposition of bits
/// (Warren, Hacker's Delight, section 7-3). No bit that crosses from byte to byte is in the mask.
#[inline]
#[target_feature(enable = "avx2")]
fn exchange<const SHIFT: i32>(low: __m256i, high: __m256i, mask: u8) -> [__m256i; 2] {
    let swap = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi16::<SHIFT>(low), high), _mm256_set1_epi8(mask.cast_signed()));
    [_mm256_xor_si256(low, _mm256_slli_epi16::<SHIFT>(swap)), _mm256_xor_si256(high, swap)]
}

/// Both nibbles of every byte.
#[inline]
#[target_feature(enable = "avx2")]
fn nibbles(bits: __m256i) -> [__m256i; 2] {
    let low = _mm256_set1_epi8(0x0f);
    [_mm256_and_si256(bits, low), _mm256_and_si256(_mm256_srli_epi16::<4>(bits), low)]
}

/// The 64 columns of four rows as unsigned weights: byte `b` of register `c` is column `8 * b + c`.
///
/// The two planes are interleaved to pairs of bits, even columns in one register, odd columns in the other, and VPSHUFB
/// looks up the weight of each pair in turn.
#[inline]
#[target_feature(enable = "avx2")]
fn weights(tables: [__m256i; 2], p0: __m256i, p1: __m256i) -> [__m256i; 8] {
    let [even, odd] = exchange::<1>(p1, p0, 0x55);
    let ([even_low, even_high], [odd_low, odd_high]) = (nibbles(even), nibbles(odd));
    let of = |table: usize, index: __m256i| _mm256_shuffle_epi8(tables[table], index);
    [of(0, even_low), of(0, odd_low), of(1, even_low), of(1, odd_low), of(0, even_high), of(0, odd_high), of(1, even_high), of(1, odd_high)]
}

/// All words of a tile by several vectors: `totals[half * vectors + vector]` takes two sums a row. Weights are looked up once
/// a word and meet every vector.
#[target_feature(enable = "avx2")]
fn vectors<W: TileWord>(code: WeightCode, tile: &[u64], x: &Vectors, totals: &mut [[i32; 8]]) {
    let (tables, ones) = (TABLES[code.index()].each_ref().map(|table| load_table(table)), _mm256_set1_epi16(1));
    for (word, x_word) in W::of(tile).iter().zip(x.bytes.chunks_exact(x.count.max(1))) {
        for (half, totals) in totals.chunks_exact_mut(x.count.max(1)).enumerate() {
            ask_for_line::<_MM_HINT_T1, _>(word, half);
            let weights = weights(tables, plane(word, half, 0), plane(word, half, 1));
            for (x, total) in x_word.iter().zip(totals) {
                let sums = _mm256_madd_epi16(products(&weights, x), ones);
                // SAFETY: a total is 32 readable and writable bytes, and these ask for no alignment.
                unsafe {
                    let at = total.as_mut_ptr().cast();
                    _mm256_storeu_si256(at, _mm256_add_epi32(_mm256_loadu_si256(at), sums));
                }
            }
        }
    }
}
