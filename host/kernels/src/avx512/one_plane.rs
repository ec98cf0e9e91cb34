//! Products of codes of one plane: every half byte of a row looks up the sum of the activations at its set bits, where a product of
//! bytes takes a byte per weight. Compiled over the machine's intrinsics and over emulated ones, as `kernels`.

use nda_spec::tile::{BLOCK_ROWS, WORD_COLS};

use super::kernels::BLOCKS;

/// What tells a byte's tables from those of the other three of its half row, in the two bits above the four that it looks up.
pub static BYTE_PLACES: [i8; WORD_COLS] = {
    let mut places = [0; WORD_COLS];
    let mut at = 0;
    while at < WORD_COLS {
        places[at] = (at as i8 % 4) << 4;
        at += 1;
    }
    places
};

/// Sums of the 16 rows of two blocks, two of the first and two of the second in turn.
pub type RowTotals = [[i32; BLOCK_ROWS]; 2];

/// Pairs of blocks in a tile.
pub const PAIRS: usize = BLOCKS / 2;

/// The row of its pair of blocks that stands at `at`.
pub const fn row_at(at: usize) -> usize {
    at / 2 % 2 * BLOCK_ROWS + 2 * (at / 4) + at % 2
}

/// Defines the kernel. The intrinsics come from where it is called, and so does the attribute of functions that need AVX-512 F, BW, VBMI
/// and VNNI.
macro_rules! one_plane {
    ($vnni:meta) => {
        use crate::avx512::one_plane::{BYTE_PLACES, PAIRS, RowTotals, row_at};
        use crate::subsets::{LOW_BITS, Subsets, Tables};
        use crate::word::OnePlane;

        /// The looked-up sums of some tiles by a vector, 32 of each tile. `totals` are zeros, as many of these as there are pairs of
        /// blocks.
        #[$vnni]
        pub fn add_lookups(tiles: &[&[u64]], x: &[Subsets], totals: &mut [RowTotals], sums: &mut [i32]) {
            for (at, subsets) in x.iter().enumerate() {
                let tables = [load_tables(&subsets.low), load_tables(&subsets.high)];
                for (tile, totals) in tiles.iter().zip(totals.as_chunks_mut::<PAIRS>().0) {
                    add_word(&OnePlane::of(tile)[at], &tables, totals);
                }
            }
            for (total, sums) in totals.iter().zip(sums.chunks_exact_mut(2 * BLOCK_ROWS)) {
                total.as_flattened().iter().enumerate().for_each(|(at, total)| sums[row_at(at)] = *total);
            }
        }

        /// The tables of the lower halves of bytes 0 to 3 and 4 to 7, then those of the upper halves.
        #[inline]
        #[$vnni]
        fn load_tables(tables: &Tables) -> [[__m512i; 2]; 2] {
            tables.each_ref().map(|half| {
                let [low, high] = half.as_chunks::<4>().0 else { unreachable!("eight tables") };
                // SAFETY: each is 64 readable bytes, and these loads ask for no alignment.
                unsafe { [_mm512_loadu_si512(low.as_ptr().cast()), _mm512_loadu_si512(high.as_ptr().cast())] }
            })
        }

        /// Bytes 0 to 3 of the rows of two blocks, and bytes 4 to 7.
        #[inline]
        #[$vnni]
        fn halves(word: &OnePlane, pair: usize) -> [__m512i; 2] {
            let [first, second] = [2 * pair, 2 * pair + 1].map(|block| _mm512_castsi512_ps(plane(word, block, 0)));
            [_mm512_castps_si512(_mm512_shuffle_ps::<0x88>(first, second)), _mm512_castps_si512(_mm512_shuffle_ps::<0xdd>(first, second))]
        }

        /// Adds what the rows of a word look up to their totals.
        #[inline]
        #[$vnni]
        fn add_word(word: &OnePlane, tables: &[[[__m512i; 2]; 2]; 2], totals: &mut [RowTotals; PAIRS]) {
            let (places, four_bits) = (load_table(&BYTE_PLACES), _mm512_set1_epi8(0x0f));
            let (ones, highs) = (_mm512_set1_epi8(1), _mm512_set1_epi8(1 << LOW_BITS));
            for (pair, total) in totals.iter_mut().enumerate() {
                ask_for_line(word, 2 * pair);
                let indices = halves(word, pair).map(|bits| {
                    // The 16-bit shift carries bits between bytes only into places that the choice leaves out.
                    let upper = _mm512_srli_epi16::<4>(bits);
                    [choose(four_bits, bits, places), choose(four_bits, upper, places)]
                });
                ask_for_line(word, 2 * pair + 1);
                // At most 4 * 63 and 4 * 8 per byte.
                let [low, high] = tables.map(|halves| {
                    let look_up = |half: usize, four: usize| _mm512_permutexvar_epi8(indices[four][half], halves[half][four]);
                    _mm512_add_epi8(_mm512_add_epi8(look_up(0, 0), look_up(1, 0)), _mm512_add_epi8(look_up(0, 1), look_up(1, 1)))
                });
                // SAFETY: a total is 64 readable and writable bytes, and these ask for no alignment.
                unsafe {
                    let sums = _mm512_dpbusd_epi32(_mm512_loadu_si512(total.as_ptr().cast()), low, ones);
                    _mm512_storeu_si512(total.as_mut_ptr().cast(), _mm512_dpbusd_epi32(sums, high, highs));
                }
            }
        }
    };
}
pub(super) use one_plane;
