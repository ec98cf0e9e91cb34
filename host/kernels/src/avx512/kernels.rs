//! The kernels' text, which is compiled over the machine's intrinsics, and in the tests over emulated ones as well:
//! so they are tested on machines without AVX-512, too.

use nda_spec::grid::MAX_STACKS;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, WORD_COLS};
use nda_spec::{GridMatrix, WeightCode};

use crate::pairs;

/// Blocks of eight rows in a tile.
pub const BLOCKS: usize = TILE_ROWS / BLOCK_ROWS;

/// The unsigned weights of every code for the pairs of bits at 0, 2 and 4 of an index: VPERMB looks at six bits.
pub static TABLES: [[[i8; 64]; 3]; WeightCode::ALL.len()] = pairs::tables([0, 2, 4]);

/// Where byte `b` of lane `c` comes from, at `8 * c + b`: column `8 * b + c` of a word.
pub static BYTE_ORDER: [i8; WORD_COLS] = {
    let mut order = [0; WORD_COLS];
    let mut at = 0;
    while at < WORD_COLS {
        order[at] = (8 * (at % 8) + at / 8) as i8;
        at += 1;
    }
    order
};

/// The four fields of two bits in a byte.
pub const FIELDS: [u8; 4] = [0x03, 0x0c, 0x30, 0xc0];

/// Words of columns after which the sums of fields are scaled down: a word adds to each of 32 bits two VPDPBUSD of four
/// products of at most `2 * 64 * 128` in magnitude, so 2^13 words stay below 2^30.
pub const FIELD_WORDS: usize = 1 << 13;

/// The look-ups of a grid: those of its code times its coefficient, per stack.
pub type GridTables = [[[i8; 64]; 3]; MAX_STACKS];

/// The look-ups of one grid. The sum of all stacks' is at most 4 * 31, which a byte holds.
pub fn grid_tables(grid: &GridMatrix<'_>) -> GridTables {
    let mut all = [[[0; 64]; 3]; MAX_STACKS];
    for (own, &c) in all.iter_mut().zip(grid.coefficients()) {
        *own = TABLES[grid.code().index()].map(|table| table.map(|w| w * c));
    }
    all
}

/// Defines the kernels by bytes and what all kernels share. The intrinsics come from where it is called, and so do the attributes: those of
/// functions that need AVX-512 F, and of those that need F, BW, VBMI and VNNI.
macro_rules! kernels {
    ($foundation:meta, $vnni:meta) => {
        use nda_spec::WeightCode;
        use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS};

        use nda_spec::GridMatrix;
        use nda_spec::tile::{WORD_COLS, col_words, valid_mask, word_u64};

        use crate::activations::{A2Word, LANES, PreparedX, Vectors};
        use crate::avx512::kernels::{BLOCKS, BYTE_ORDER, FIELD_WORDS, FIELDS, GridTables, TABLES};
        use crate::grid::GridInput;
        use crate::word::{TileWord, TwoPlanes};

        /// One plane's eight rows of a block.
        #[inline]
        #[$foundation]
        fn plane<W: TileWord>(word: &W, block: usize, plane: usize) -> __m512i {
            let eight = word.plane(block, plane);
            // SAFETY: `eight` is 64 readable bytes, and this load asks for no alignment.
            unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) }
        }

        #[inline]
        #[$foundation]
        fn broadcast(lane: u64) -> __m512i {
            _mm512_set1_epi64(lane.cast_signed())
        }

        /// `mask ? ones : zeros`, bit by bit. An operation's number is its truth table, the first operand's bit highest.
        #[inline]
        #[$foundation]
        fn choose(mask: __m512i, ones: __m512i, zeros: __m512i) -> __m512i {
            _mm512_ternarylogic_epi64::<0xca>(mask, ones, zeros)
        }

        /// `mask ? !ones : zeros`, bit by bit.
        #[inline]
        #[$foundation]
        fn choose_not(mask: __m512i, ones: __m512i, zeros: __m512i) -> __m512i {
            _mm512_ternarylogic_epi64::<0x3a>(mask, ones, zeros)
        }

        /// Writes the low 32 bits of the eight lanes.
        #[inline]
        #[$foundation]
        fn store_low(lanes: __m512i, sums: &mut [i32]) {
            let eight = &mut sums[..BLOCK_ROWS];
            // SAFETY: `eight` is 32 writable bytes, and this store asks for no alignment.
            unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(lanes)) }
        }

        #[inline]
        #[$foundation]
        fn load_table(table: &[i8; 64]) -> __m512i {
            // SAFETY: the table is 64 readable bytes, and this load asks for no alignment.
            unsafe { _mm512_loadu_si512(table.as_ptr().cast()) }
        }

        /// The columns' pairs of bits, in a byte those of the even columns 0, 2, 4, 6 and of the odd ones, the lowest first;
        /// plane 0 gives the higher bit.
        #[inline]
        #[$vnni]
        fn pairs(p0: __m512i, p1: __m512i) -> [__m512i; 2] {
            let even_bits = _mm512_set1_epi8(0x55);
            // The 16-bit shift carries bits between bytes only into places that the choice leaves out.
            [choose(even_bits, p1, _mm512_add_epi8(p0, p0)), choose(even_bits, _mm512_srli_epi16::<1>(p1), p0)]
        }

        /// [`PreparedX::bytes`] of values, and their sum.
        #[$vnni]
        pub fn fill_bytes(values: &[i8], bytes: &mut Vec<[u64; LANES]>) -> i32 {
            let (order, ones) = (load_table(&BYTE_ORDER), _mm512_set1_epi8(1));
            let mut sums = _mm512_setzero_si512();
            bytes.clear();
            bytes.resize(col_words(values.len()), [0; LANES]);
            for (word, to) in values.chunks(WORD_COLS).zip(bytes) {
                let columns = load_columns(word);
                // At most 2^21 in magnitude for each 2^13 columns, so 32 bits hold what MAX_COLS allows.
                sums = _mm512_dpbusd_epi32(sums, ones, columns);
                // SAFETY: `to` is 64 writable bytes, and this store asks for no alignment.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_permutexvar_epi8(order, columns)) }
            }
            let mut eight = [0_i32; 2 * BLOCK_ROWS];
            // SAFETY: `eight` is 64 writable bytes, and this store asks for no alignment.
            unsafe { _mm512_storeu_si512(eight.as_mut_ptr().cast(), sums) }
            eight.iter().sum()
        }

        /// [`PreparedX::a2`] of values.
        #[$vnni]
        pub fn fill_a2(values: &[i8], words: &mut Vec<A2Word>) {
            words.clear();
            for (col_word, word) in values.chunks(WORD_COLS).enumerate() {
                let columns = load_columns(word);
                let bits = |bit: i8| _mm512_test_epi8_mask(columns, _mm512_set1_epi8(bit));
                words.push(A2Word::of_bits([bits(1), bits(2), bits(i8::MIN)], valid_mask(values.len(), col_word)));
            }
        }

        /// Up to 64 values, zero beyond the last.
        #[inline]
        #[$foundation]
        fn load_columns(word: &[i8]) -> __m512i {
            match word.try_into() {
                Ok(all) => load_table(all),
                Err(_) => {
                    let mut padded = [0; WORD_COLS];
                    padded[..word.len()].copy_from_slice(word);
                    load_table(&padded)
                }
            }
        }

        /// The row's two sums of 32 bits, added up, and `offset`: eight rows.
        #[inline]
        #[$foundation]
        fn store_rows(halves: __m512i, offset: i32, sums: &mut [i32]) {
            let sum = _mm512_add_epi32(halves, _mm512_srli_epi64::<32>(halves));
            store_low(_mm512_add_epi32(sum, _mm512_set1_epi32(offset)), sums);
        }

        /// `sum (w - lowest) * x + lowest * sum(x)`: VPDPBUSD takes unsigned bytes on one side.
        ///
        /// VPERMB looks up the weight of each pair of bits in turn, and column `c` of every byte meets lane `c` of the activations.
        /// The sums of the unsigned weights can leave 32 bits above 4,194,303 columns; VPDPBUSD and the adds wrap, so
        /// the result is right modulo 2^32, and `width::MAX_COLS` makes it one that 32 bits hold.
        #[$vnni]
        pub fn bytes_by_table<W: TileWord>(code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
            let [t0, t2, t4] = TABLES[code.index()].each_ref().map(|table| load_table(table));
            // Two accumulators a block: a chain of eight dependent VPDPBUSD would wait for its latency.
            let mut evens = [_mm512_setzero_si512(); BLOCKS];
            let mut odds = [_mm512_setzero_si512(); BLOCKS];
            for (word, x) in W::of(tile).iter().zip(&x.bytes) {
                for block in 0..BLOCKS {
                    ask_for_line(word, 2 * block);
                    let [even, odd] = pairs(plane(word, block, 0), plane(word, block, 1));
                    // Look-ups and products in groups of four: Zen 4 spreads them better over its pipes than in turns.
                    let low = |index, table| _mm512_permutexvar_epi8(index, table);
                    let weights = [low(even, t0), low(odd, t0), low(even, t2), low(odd, t2)];
                    for c in 0..4 {
                        let sums = if c % 2 == 0 { &mut evens[block] } else { &mut odds[block] };
                        *sums = _mm512_dpbusd_epi32(*sums, weights[c], broadcast(x[c]));
                    }
                    ask_for_line(word, 2 * block + 1);
                    // VPERMB looks at six bits: the highest pair comes down first.
                    let (even6, odd6) = (_mm512_srli_epi16::<2>(even), _mm512_srli_epi16::<2>(odd));
                    let weights = [low(even, t4), low(odd, t4), low(even6, t4), low(odd6, t4)];
                    for c in 0..4 {
                        let sums = if c % 2 == 0 { &mut evens[block] } else { &mut odds[block] };
                        *sums = _mm512_dpbusd_epi32(*sums, weights[c], broadcast(x[c + 4]));
                    }
                }
            }
            let offset = i32::from(code.lowest()) * x.sum;
            for block in 0..BLOCKS {
                store_rows(_mm512_add_epi32(evens[block], odds[block]), offset, &mut sums[block * BLOCK_ROWS..]);
            }
        }

        /// As [`bytes_by_table`] without look-ups, for the codes whose affine form is `2p - a`: `w + 1 = 2p + !a` is a field of two
        /// bits, which a mask cuts out at its place. So the four fields of a byte count 1, 4, 16 and 64 times, each in a sum of its own.
        #[$vnni]
        pub fn bytes_by_fields(code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
            let mut totals = [_mm512_setzero_si512(); BLOCKS];
            // A contradictory weight, positive but not active, is 0 where the code has none.
            let lone = broadcast(if code.row().excludes_second_alone { 0 } else { u64::MAX });
            for (words, x) in TwoPlanes::of(tile).chunks(FIELD_WORDS).zip(x.bytes.chunks(FIELD_WORDS)) {
                for (total, sum) in totals.iter_mut().zip(fields(words, lone, x)) {
                    *total = _mm512_add_epi32(*total, sum);
                }
            }
            for block in 0..BLOCKS {
                store_rows(totals[block], i32::from(code.lowest()) * x.sum, &mut sums[block * BLOCK_ROWS..]);
            }
        }

        /// [`bytes_by_fields`] of at most [`FIELD_WORDS`] words; `lone` is set where `p` alone is a weight.
        #[inline]
        #[$vnni]
        fn fields(words: &[TwoPlanes], lone: __m512i, x: &[[u64; LANES]]) -> [__m512i; BLOCKS] {
            let even_bits = _mm512_set1_epi8(0x55);
            let masks = FIELDS.map(|mask| _mm512_set1_epi8(mask.cast_signed()));
            let mut sums = [[_mm512_setzero_si512(); FIELDS.len()]; BLOCKS];
            for (word, x) in words.iter().zip(x) {
                for block in 0..BLOCKS {
                    ask_for_line(word, 2 * block);
                    let active = plane(word, block, 0);
                    // positive & (active | lone), in one operation.
                    let positive = _mm512_ternarylogic_epi64::<0xe0>(plane(word, block, 1), active, lone);
                    let even = choose_not(even_bits, active, _mm512_add_epi8(positive, positive));
                    let odd = choose_not(even_bits, _mm512_srli_epi16::<1>(active), positive);
                    for (field, mask) in masks.into_iter().enumerate() {
                        if field == FIELDS.len() / 2 {
                            ask_for_line(word, 2 * block + 1);
                        }
                        let sum = &mut sums[block][field];
                        *sum = _mm512_dpbusd_epi32(*sum, _mm512_and_si512(even, mask), broadcast(x[2 * field]));
                        *sum = _mm512_dpbusd_epi32(*sum, _mm512_and_si512(odd, mask), broadcast(x[2 * field + 1]));
                    }
                }
            }
            // Every sum is a multiple of its field's weight.
            sums.map(|[ones, fours, sixteens, sixty_fours]| {
                let low = _mm512_add_epi32(ones, _mm512_srai_epi32::<2>(fours));
                let high = _mm512_add_epi32(_mm512_srai_epi32::<4>(sixteens), _mm512_srai_epi32::<6>(sixty_fours));
                _mm512_add_epi32(low, high)
            })
        }

        /// Eight rows of a tile by `VECTORS` vectors from `first` on, `sums[vector * TILE_ROWS + row]` from the first of them on. All
        /// sums stay in registers, `CHAINS` for each vector, and every weight that is looked up meets every vector.
        #[$vnni]
        pub fn vectors<W: TileWord, const VECTORS: usize, const CHAINS: usize>(
            code: WeightCode,
            tile: &[u64],
            block: usize,
            x: &Vectors,
            first: usize,
            sums: &mut [i32],
        ) {
            let [t0, t2, t4] = TABLES[code.index()].each_ref().map(|table| load_table(table));
            let mut totals = [[_mm512_setzero_si512(); CHAINS]; VECTORS];
            for (word, x) in W::of(tile).iter().zip(x.bytes.chunks_exact(x.count)) {
                let (x, _) = x[first..].as_chunks::<VECTORS>();
                let [even, odd] = pairs(plane(word, block, 0), plane(word, block, 1));
                let (even6, odd6) = (_mm512_srli_epi16::<2>(even), _mm512_srli_epi16::<2>(odd));
                let places = [(even, t0), (odd, t0), (even, t2), (odd, t2), (even, t4), (odd, t4), (even6, t4), (odd6, t4)];
                for (c, (index, table)) in places.into_iter().enumerate() {
                    let weights = _mm512_permutexvar_epi8(index, table);
                    for (total, x) in totals.iter_mut().zip(&x[0]) {
                        let total = &mut total[c % CHAINS];
                        *total = _mm512_dpbusd_epi32(*total, weights, broadcast(x[c]));
                    }
                }
            }
            for (vector, total) in totals.into_iter().enumerate() {
                let total = total.into_iter().reduce(|a, b| _mm512_add_epi32(a, b)).unwrap_or(_mm512_setzero_si512());
                let offset = i32::from(code.lowest()).wrapping_mul(x.sums[first + vector]);
                store_rows(total, offset, &mut sums[vector * TILE_ROWS + block * BLOCK_ROWS..]);
            }
        }

        /// The 64 columns of eight rows as unsigned levels: bytes `c` of the eight registers are the columns `8 * byte + c`.
        #[inline]
        #[$vnni]
        fn levels<W: TileWord, const STACKS: usize>(tables: &[[__m512i; 3]; STACKS], stacks: [&W; STACKS], block: usize) -> [__m512i; 8] {
            let even_bits = _mm512_set1_epi8(0x55);
            let mut levels = [_mm512_setzero_si512(); 8];
            for k in 0..STACKS {
                ask_for_line(stacks[k], 2 * block);
                let (p0, p1, [t0, t2, t4]) = (plane(stacks[k], block, 0), plane(stacks[k], block, 1), tables[k]);
                let even = choose(even_bits, p1, _mm512_add_epi8(p0, p0));
                let odd = choose(even_bits, _mm512_srli_epi16::<1>(p1), p0);
                let (even6, odd6) = (_mm512_srli_epi16::<2>(even), _mm512_srli_epi16::<2>(odd));
                let own = [(even, t0), (odd, t0), (even, t2), (odd, t2), (even, t4), (odd, t4), (even6, t4), (odd6, t4)];
                ask_for_line(stacks[k], 2 * block + 1);
                for (level, (index, table)) in levels.iter_mut().zip(own) {
                    let weights = _mm512_permutexvar_epi8(index, table);
                    *level = if k == 0 { weights } else { _mm512_add_epi8(*level, weights) };
                }
            }
            levels
        }

        /// Scales of eight rows, half word by half word.
        #[inline]
        #[$foundation]
        fn scales(scales: &[u16]) -> __m512 {
            let mut all = [0_u16; 2 * BLOCK_ROWS];
            if scales.len() == all.len() {
                all.copy_from_slice(scales);
            } else {
                // One scale a row: both half words have it.
                all.iter_mut().enumerate().for_each(|(i, scale)| *scale = scales[i / 2]);
            }
            // SAFETY: `all` is 32 readable bytes, and this load asks for no alignment.
            _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(all.as_ptr().cast()) })
        }

        /// All words of a tile: 16 floats from `16 * (block * vectors + vector)` on hold for eight rows the totals of first and of
        /// second half words.
        #[$vnni]
        pub fn grid<W: TileWord, const STACKS: usize>(
            grid: &GridMatrix<'_>,
            tile: usize,
            tables: &GridTables,
            x: &GridInput,
            totals: &mut [f32],
        ) {
            let tables: [[__m512i; 3]; STACKS] =
                std::array::from_fn(|k| [load_table(&tables[k][0]), load_table(&tables[k][1]), load_table(&tables[k][2])]);
            let (words, vectors, in_word) = (col_words(grid.cols()), x.vectors(), grid.group().in_word());
            let stack_words = grid.words().len() / STACKS;
            let tile_u64 = words * word_u64(grid.code());
            let of_tile = |k: usize| W::of(&grid.words()[k * stack_words + tile * tile_u64..][..tile_u64]);
            let stacks: [&[W]; STACKS] = std::array::from_fn(of_tile);
            let tile_scales = grid.tile_scales(tile);
            let lowest = i32::from(grid.code().lowest()) * grid.coefficients().iter().map(|&c| i32::from(c)).sum::<i32>();
            let lowest = _mm512_set1_epi32(lowest);
            let (totals, _) = totals.as_chunks_mut::<{ 2 * BLOCK_ROWS }>();
            for word in 0..words {
                let (places, word_scales) = (x.word(word), grid.group().word_scales(tile_scales, word));
                let blocks = word_scales.chunks_exact(BLOCK_ROWS * in_word).zip(totals.chunks_exact_mut(vectors));
                for (block, (block_scales, totals)) in blocks.enumerate() {
                    let levels = levels::<W, STACKS>(&tables, std::array::from_fn(|k| &stacks[k][word]), block);
                    // A line of scales serves two blocks or four.
                    if block % 2 == 0 {
                        ask_for_scales(block_scales, in_word);
                    }
                    let scale = scales(block_scales);
                    for (x, total) in places.iter().zip(totals) {
                        // Levels are unsigned: `sum (level - lowest) * x + lowest * sum(x)`.
                        let mut sums = [_mm512_mullo_epi32(lowest, broadcast(x.sums)), _mm512_setzero_si512()];
                        for c in 0..8 {
                            sums[c % 2] = _mm512_dpbusd_epi32(sums[c % 2], levels[c], broadcast(x.bytes[c]));
                        }
                        let sum = _mm512_cvtepi32_ps(_mm512_add_epi32(sums[0], sums[1]));
                        let factor = _mm512_mul_ps(scale, _mm512_castsi512_ps(broadcast(x.scales)));
                        // SAFETY: a total is 64 readable and writable bytes, and these ask for no alignment.
                        unsafe {
                            let next = _mm512_fmadd_ps(sum, factor, _mm512_loadu_ps(total.as_ptr()));
                            _mm512_storeu_ps(total.as_mut_ptr(), next);
                        }
                    }
                }
            }
        }
    };
}

pub(super) use kernels;
