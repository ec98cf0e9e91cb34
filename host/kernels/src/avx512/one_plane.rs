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

/// Which of the 16 rows of two blocks stands at each place of [`look_up`]'s registers: two of the first block and two of the second in turn.
pub static ROWS: [i32; 2 * BLOCK_ROWS] = {
    let mut rows = [0; 2 * BLOCK_ROWS];
    let mut at = 0;
    while at < 2 * BLOCK_ROWS {
        rows[at] = (at / 2 % 2 * BLOCK_ROWS + 2 * (at / 4) + at % 2) as i32;
        at += 1;
    }
    rows
};

/// Pairs of blocks in a tile.
pub const PAIRS: usize = BLOCKS / 2;

/// Defines the kernel. The intrinsics come from where it is called, and so does the attribute of functions that need AVX-512 F, BW, VBMI
/// and VNNI.
macro_rules! one_plane {
    ($vnni:meta) => {
        use crate::avx512::one_plane::{BYTE_PLACES, PAIRS, ROWS};
        use crate::subsets::{LOW_BITS, Subsets, Tables};
        use crate::word::OnePlane;

        /// The looked-up sums of some tiles by a vector, 32 of each tile. `totals` are zeros, 16 for each pair of blocks.
        #[$vnni]
        pub fn add_lookups(tiles: &[&[u64]], x: &[Subsets], totals: &mut [[i32; 2 * BLOCK_ROWS]], sums: &mut [i32]) {
            for (at, subsets) in x.iter().enumerate() {
                let tables = [load_tables(&subsets.low), load_tables(&subsets.high)];
                for (tile, totals) in tiles.iter().zip(totals.as_chunks_mut::<PAIRS>().0) {
                    let word = &OnePlane::of(tile)[at];
                    for (pair, total) in totals.iter_mut().enumerate() {
                        // At most 4 * 63 and 4 * 8 per byte.
                        let [low, high] = look_up(word, pair, &tables).map(|[first, second]| _mm512_add_epi8(first, second));
                        // SAFETY: a total is 64 readable and writable bytes, and these ask for no alignment.
                        unsafe {
                            let next = add_bytes(_mm512_loadu_si512(total.as_ptr().cast()), low, high);
                            _mm512_storeu_si512(total.as_mut_ptr().cast(), next);
                        }
                    }
                }
            }
            for (total, sums) in totals.iter().zip(sums.chunks_exact_mut(2 * BLOCK_ROWS)) {
                ROWS.iter().zip(total).for_each(|(&row, total)| sums[row as usize] = *total);
            }
        }

        /// [`grid`] of one stack of a code of one plane by one vector: 32 rows.
        #[$vnni]
        pub fn one_plane_grid(grid: &GridMatrix<'_>, tile: usize, x: &GridInput, y: &mut [f32]) {
            let (group, words) = (grid.group(), col_words(grid.cols()));
            let tile_u64 = words * word_u64(grid.code());
            let (tile_words, tile_scales) = (OnePlane::of(&grid.words()[tile * tile_u64..][..tile_u64]), grid.tile_scales(tile));
            let (coefficient, code) = (i32::from(grid.coefficients()[0]), grid.code());
            let (lowest, step) =
                (coefficient * i32::from(code.lowest()), coefficient * (i32::from(code.highest()) - i32::from(code.lowest())));
            let mut totals = [[_mm512_setzero_ps(); 2]; PAIRS];
            for ((at, word), subsets) in tile_words.iter().enumerate().zip(x.subsets()) {
                let place = &x.word(at)[0];
                let tables = [load_tables(&subsets.sums.low), load_tables(&subsets.sums.high)];
                let halves = [place.sums as u32, (place.sums >> 32) as u32];
                let of_half = |half: usize| {
                    let offset = lowest * halves[half].cast_signed() + step * subsets.less[half];
                    (_mm512_set1_epi32(offset), _mm512_set1_ps(f32::from_bits((place.scales >> (32 * half)) as u32)))
                };
                let constants = [of_half(0), of_half(1)];
                let scales = group.word_scales(tile_scales, at).chunks_exact(2 * BLOCK_ROWS * group.in_word());
                for (pair, (scales, totals)) in scales.zip(&mut totals).enumerate() {
                    ask_for_scales(scales, group.in_word());
                    let [low, high] = look_up(word, pair, &tables);
                    let scales = half_scales(scales);
                    for half in 0..2 {
                        let (offset, x_scale) = constants[half];
                        let looked_up = add_bytes(_mm512_setzero_si512(), low[half], high[half]);
                        let sum = _mm512_add_epi32(_mm512_mullo_epi32(looked_up, _mm512_set1_epi32(step)), offset);
                        let factor = _mm512_mul_ps(scales[half], x_scale);
                        totals[half] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, totals[half]);
                    }
                }
            }
            for ([first, second], y) in totals.into_iter().zip(y.chunks_exact_mut(2 * BLOCK_ROWS)) {
                let mut rows = [0.0; 2 * BLOCK_ROWS];
                // SAFETY: `rows` is 64 writable bytes, and this store asks for no alignment.
                unsafe { _mm512_storeu_ps(rows.as_mut_ptr(), _mm512_add_ps(first, second)) }
                ROWS.iter().zip(rows).for_each(|(&row, sum)| y[row as usize] = sum);
            }
        }

        /// The scales of the half words of 16 rows, in the order of [`ROWS`].
        #[inline]
        #[$vnni]
        fn half_scales(scales: &[u16]) -> [__m512; 2] {
            // SAFETY: it is 64 readable bytes, and this load asks for no alignment.
            let order = unsafe { _mm512_loadu_si512(ROWS.as_ptr().cast()) };
            let in_order = |rows: &[u16; 2 * BLOCK_ROWS]| {
                // SAFETY: `rows` is 32 readable bytes, and this load asks for no alignment.
                _mm512_permutexvar_ps(order, _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(rows.as_ptr().cast()) }))
            };
            match scales.try_into() {
                Ok(rows) => [in_order(rows); 2],
                // Every half word has its own.
                Err(_) => [0, 1].map(|half| in_order(&std::array::from_fn(|row| scales[2 * row + half]))),
            }
        }

        /// Sums of lower bits, four bytes each, and 64 times as many sums of the bits above, added to 16 sums.
        #[inline]
        #[$vnni]
        fn add_bytes(sums: __m512i, low: __m512i, high: __m512i) -> __m512i {
            _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums, low, _mm512_set1_epi8(1)), high, _mm512_set1_epi8(1 << LOW_BITS))
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

        /// What 16 rows of a word look up, in the order of [`ROWS`]: the lower bits of bytes 0 to 3 and of 4 to 7, at most 2 * 63 each, and the bits above, at most
        /// 2 * 8.
        #[inline]
        #[$vnni]
        fn look_up(word: &OnePlane, pair: usize, tables: &[[[__m512i; 2]; 2]; 2]) -> [[__m512i; 2]; 2] {
            let (places, four_bits) = (load_table(&BYTE_PLACES), _mm512_set1_epi8(0x0f));
            ask_for_line(word, 2 * pair);
            let [first, second] = [2 * pair, 2 * pair + 1].map(|block| _mm512_castsi512_ps(plane(word, block, 0)));
            let bytes = [_mm512_shuffle_ps::<0x88>(first, second), _mm512_shuffle_ps::<0xdd>(first, second)];
            let indices = bytes.map(|bytes| {
                let bits = _mm512_castps_si512(bytes);
                // The 16-bit shift carries bits between bytes only into places that the choice leaves out.
                [choose(four_bits, bits, places), choose(four_bits, _mm512_srli_epi16::<4>(bits), places)]
            });
            ask_for_line(word, 2 * pair + 1);
            tables.map(|[lower, upper]| {
                let of_bytes = |four: usize| {
                    let [low, high] = indices[four];
                    _mm512_add_epi8(_mm512_permutexvar_epi8(low, lower[four]), _mm512_permutexvar_epi8(high, upper[four]))
                };
                [of_bytes(0), of_bytes(1)]
            })
        }
    };
}
pub(super) use one_plane;
