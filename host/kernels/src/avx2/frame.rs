//! Closed frames of a KV cache on AVX2: levels are looked up once for eight rows and meet every vector.

use std::arch::x86_64::*;

use super::grid::{levels, sums};
use super::{Avx2, load_table};
use crate::kv::{FrameVectors, Unsigned, stride};
use crate::word::{TileWord, TwoPlanes};
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, col_words};

/// Proof that the machine has AVX2, and the look-ups of one code.
#[derive(Debug, Clone)]
pub(crate) struct Avx2Frame {
    levels: Unsigned,
    /// Of two stacks a table by nibble; of one a table by the lower pair of a nibble and one by the higher.
    tables: [[i8; 16]; 2],
    stacks: usize,
    _avx2: Avx2,
}

impl Avx2Frame {
    pub fn new(avx2: Avx2, levels: Unsigned, stacks: usize) -> Avx2Frame {
        let of = |shift: usize| std::array::from_fn(|index| levels.table[index >> shift & if stacks == 1 { 3 } else { 15 }]);
        Avx2Frame { levels, tables: [of(0), of(if stacks == 1 { 2 } else { 0 })], stacks, _avx2: avx2 }
    }

    /// The product that [`crate::FrameKernel::product`] says, whose lengths were checked there.
    pub fn product(&self, words: &[u64], rows: usize, x: &FrameVectors, y: &mut [i32]) {
        let most = self.levels.table.iter().max().copied().map_or(0, i32::from);
        // SAFETY: a value of this type exists only where AVX2 was found.
        unsafe {
            match self.stacks {
                // Two products of bytes in 16 bits, eight of them: 2 * 127 * 8 * most.
                1 if 2 * 127 * 8 * most <= i32::from(i16::MAX) => product::<1, 8>(self, [words], rows, x, y),
                1 => product::<1, 2>(self, [words], rows, x, y),
                _ => product::<2, 2>(self, [&words[..words.len() / 2], &words[words.len() / 2..]], rows, x, y),
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn product<const STACKS: usize, const TOGETHER: usize>(
    kernel: &Avx2Frame,
    stacks: [&[u64]; STACKS],
    rows: usize,
    x: &FrameVectors,
    y: &mut [i32],
) {
    let [first, second] = [load_table(&kernel.tables[0]), load_table(&kernel.tables[1])];
    let tables = [[first, second]; 2];
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
            let low = levels::<TwoPlanes, STACKS>(&tables, at, 2 * in_tile);
            let high = levels::<TwoPlanes, STACKS>(&tables, at, 2 * in_tile + 1);
            for vector in 0..x.count {
                let lanes = &x.bytes[vector * words + word];
                let [low, high] = [sums::<TOGETHER>(&low, lanes), sums::<TOGETHER>(&high, lanes)];
                // Two sums a row: 0 0 1 1 | 2 2 3 3 and 4 4 5 5 | 6 6 7 7 become 0 1 4 5 | 2 3 6 7, and then rows in order.
                let eight = _mm256_permute4x64_epi64::<0xd8>(_mm256_hadd_epi32(low, high));
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
