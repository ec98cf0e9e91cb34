//! Closed frames of a KV cache on AVX-512 with VNNI: levels are looked up once for eight rows and meet every vector.

use std::arch::x86_64::*;

use super::{Avx512, Vnni};
use crate::kv::{FrameVectors, Unsigned, stride};
use crate::word::{TileWord, TwoPlanes};
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, col_words};

/// Proof that the machine has AVX-512 F, BW, VBMI and VNNI, and the look-ups of one code.
#[derive(Debug, Clone)]
pub(crate) struct Avx512Frame {
    levels: Unsigned,
    /// Of two stacks a table by nibble; of one a table by the lower pair of a nibble and one by the higher.
    tables: [[i8; 16]; 2],
    stacks: usize,
    _vnni: Vnni,
}

impl Avx512Frame {
    /// The kernel of a code, where VNNI is.
    pub fn new(avx512: Avx512, levels: Unsigned, stacks: usize) -> Option<Avx512Frame> {
        let of = |shift: usize| std::array::from_fn(|index| levels.table[index >> shift & if stacks == 1 { 3 } else { 15 }]);
        Some(Avx512Frame { levels, tables: [of(0), of(if stacks == 1 { 2 } else { 0 })], stacks, _vnni: avx512.vnni? })
    }

    /// The product that [`crate::FrameKernel::product`] says, whose lengths were checked there.
    pub fn product(&self, words: &[u64], rows: usize, x: &FrameVectors, y: &mut [i32]) {
        // SAFETY: a value of this type exists only where every feature of the kernel was found.
        unsafe {
            match self.stacks {
                1 => product::<1>(self, [words], rows, x, y),
                _ => product::<2>(self, [&words[..words.len() / 2], &words[words.len() / 2..]], rows, x, y),
            }
        }
    }
}

/// Exchanges bits between two registers, as AVX2's `exchange`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn exchange<const SHIFT: u32>(low: __m512i, high: __m512i, mask: u8) -> [__m512i; 2] {
    let swap = _mm512_and_si512(_mm512_xor_si512(_mm512_srli_epi16::<SHIFT>(low), high), _mm512_set1_epi8(mask.cast_signed()));
    [_mm512_xor_si512(low, _mm512_slli_epi16::<SHIFT>(swap)), _mm512_xor_si512(high, swap)]
}

/// What both nibbles of every byte look up.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn look_up(table: __m512i, bits: __m512i) -> [__m512i; 2] {
    let low = _mm512_set1_epi8(0x0f);
    let [first, second] = [_mm512_and_si512(bits, low), _mm512_and_si512(_mm512_srli_epi16::<4>(bits), low)];
    [_mm512_shuffle_epi8(table, first), _mm512_shuffle_epi8(table, second)]
}

/// One plane of eight rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn plane(word: &TwoPlanes, block: usize, plane: usize) -> __m512i {
    let eight = word.plane(block, plane);
    // SAFETY: `eight` is 64 readable bytes, and this load asks for no alignment.
    unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) }
}

/// The 64 columns of eight rows as unsigned levels: byte `b` of register `c` is column `8 * b + c`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn levels<const STACKS: usize>(tables: [__m512i; 2], words: [&TwoPlanes; STACKS], block: usize) -> [__m512i; 8] {
    let planes = |k: usize| [plane(words[k], block, 0), plane(words[k], block, 1)];
    let [a0, a1] = planes(0);
    let [a_even, a_odd] = exchange::<1>(a1, a0, 0x55);
    if STACKS == 1 {
        let [low, high] = tables;
        let ([e0, e4], [o1, o5]) = (look_up(low, a_even), look_up(low, a_odd));
        let ([e2, e6], [o3, o7]) = (look_up(high, a_even), look_up(high, a_odd));
        return [e0, o1, e2, o3, e4, o5, e6, o7];
    }
    let [b0, b1] = planes(STACKS - 1);
    let [b_even, b_odd] = exchange::<1>(b1, b0, 0x55);
    // Columns 0 and 4, 2 and 6; 1 and 5, 3 and 7.
    let ([even0, even2], [odd1, odd3]) = (exchange::<2>(a_even, b_even, 0x33), exchange::<2>(a_odd, b_odd, 0x33));
    let ([e0, e4], [o1, o5]) = (look_up(tables[0], even0), look_up(tables[0], odd1));
    let ([e2, e6], [o3, o7]) = (look_up(tables[0], even2), look_up(tables[0], odd3));
    [e0, o1, e2, o3, e4, o5, e6, o7]
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni,avx2")]
fn product<const STACKS: usize>(kernel: &Avx512Frame, stacks: [&[u64]; STACKS], rows: usize, x: &FrameVectors, y: &mut [i32]) {
    let load = |table: &[i8; 16]| {
        // SAFETY: the table is 16 readable bytes, and this load asks for no alignment.
        _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
    };
    let tables = [load(&kernel.tables[0]), load(&kernel.tables[1])];
    let stacks = stacks.map(TwoPlanes::of);
    let (words, stride) = (col_words(x.cols), stride(rows));
    let (factor, lowest) = (_mm256_set1_epi32(kernel.levels.factor), kernel.levels.lowest);
    for block in 0..stride / BLOCK_ROWS {
        let (tile, in_tile) = (block / (TILE_ROWS / BLOCK_ROWS), block % (TILE_ROWS / BLOCK_ROWS));
        for word in 0..words {
            let mut at = [&stacks[0][0]; STACKS];
            for k in 0..STACKS {
                at[k] = &stacks[k][tile * words + word];
            }
            let levels = levels::<STACKS>(tables, at, in_tile);
            for vector in 0..x.count {
                let lanes = &x.bytes[vector * words + word];
                let mut sums = [_mm512_setzero_si512(); 2];
                for c in 0..8 {
                    sums[c % 2] = _mm512_dpbusd_epi32(sums[c % 2], levels[c], _mm512_set1_epi64(lanes[c].cast_signed()));
                }
                let sum = _mm512_add_epi32(sums[0], sums[1]);
                // Two sums a row; their total is in the lower half.
                let eight = _mm512_cvtepi64_epi32(_mm512_add_epi32(sum, _mm512_srli_epi64::<32>(sum)));
                let eight = _mm256_mullo_epi32(eight, factor);
                let place = &mut y[vector * stride + block * BLOCK_ROWS..][..BLOCK_ROWS];
                // SAFETY: `place` is 32 readable and writable bytes, and these ask for no alignment.
                unsafe {
                    let before = match word {
                        0 => _mm256_set1_epi32(lowest.wrapping_mul(x.sums[vector])),
                        _ => _mm256_loadu_si256(place.as_ptr().cast()),
                    };
                    _mm256_storeu_si256(place.as_mut_ptr().cast(), _mm256_add_epi32(before, eight));
                }
            }
        }
    }
}
