//! Products of A2 activations by popcounts of planes. Compiled over the machine's intrinsics and over emulated ones, as `kernels`.

/// Defines the kernels beside those of `kernels`, whose names they use. The attribute is that of functions that need AVX-512 F and VPOPCNTDQ.
macro_rules! a2 {
    ($popcount:meta) => {
        /// `4n - 3 (pc(s^s') + pc(s' ^ (small' ? e : s))) - 2 pc(e^e')` (NUMBERS.md, the 3-popcount identity).
        /// Padding is 00 on both sides and counts nothing, so n is the true number of columns.
        #[$popcount]
        pub fn a2_quaternary(tile: &[u64], x: &[A2Word], cols: usize, sums: &mut [i32; TILE_ROWS]) {
            let mut threes = [_mm512_setzero_si512(); BLOCKS];
            let mut twos = [_mm512_setzero_si512(); BLOCKS];
            for (word, x) in TwoPlanes::of(tile).iter().zip(x) {
                let (x_sign, x_extra, small) = (broadcast(x.sign), broadcast(x.extra), broadcast(x.small));
                for block in 0..BLOCKS {
                    let signs = _mm512_xor_si512(plane(word, block, 0), x_sign);
                    let extras = _mm512_xor_si512(plane(word, block, 1), x_extra);
                    // s' ^ (small' ? e : s): where small' is set, s' is !e', so this takes no further exclusive or.
                    let chosens = choose_not(small, extras, signs);
                    threes[block] = _mm512_add_epi64(threes[block], _mm512_popcnt_epi64(signs));
                    threes[block] = _mm512_add_epi64(threes[block], _mm512_popcnt_epi64(chosens));
                    twos[block] = _mm512_add_epi64(twos[block], _mm512_popcnt_epi64(extras));
                }
            }
            let four_n = _mm512_set1_epi64(4 * cols as i64);
            for block in 0..BLOCKS {
                let (three, two) = (threes[block], twos[block]);
                let minus = _mm512_add_epi64(_mm512_add_epi64(three, _mm512_slli_epi64::<1>(three)), _mm512_slli_epi64::<1>(two));
                store_low(_mm512_sub_epi64(four_n, minus), &mut sums[block * BLOCK_ROWS..]);
            }
        }

        /// `pc(a & !(n & large')) + pc(a & !n & large') - 2 pc(n)` with `n = a & (p ^ s')`, the negative products.
        /// Per element: +2 = 1 + 1, +1 = 1, 0 = 0, -1 = 1 - 2, -2 = -2. What is not active, padding too, counts nothing.
        #[$popcount]
        pub fn a2_ternary(tile: &[u64], x: &[A2Word], sums: &mut [i32; TILE_ROWS]) {
            let mut ones = [_mm512_setzero_si512(); BLOCKS];
            let mut negatives = [_mm512_setzero_si512(); BLOCKS];
            for (word, x) in TwoPlanes::of(tile).iter().zip(x) {
                let (x_sign, small) = (broadcast(x.sign), broadcast(x.small));
                for block in 0..BLOCKS {
                    let (active, positive) = (plane(word, block, 0), plane(word, block, 1));
                    let negative = _mm512_and_si512(active, _mm512_xor_si512(positive, x_sign));
                    let low = _mm512_andnot_si512(_mm512_andnot_si512(small, negative), active);
                    let high = _mm512_andnot_si512(_mm512_or_si512(negative, small), active);
                    ones[block] = _mm512_add_epi64(ones[block], _mm512_add_epi64(_mm512_popcnt_epi64(low), _mm512_popcnt_epi64(high)));
                    negatives[block] = _mm512_add_epi64(negatives[block], _mm512_popcnt_epi64(negative));
                }
            }
            for block in 0..BLOCKS {
                let sum = _mm512_sub_epi64(ones[block], _mm512_slli_epi64::<1>(negatives[block]));
                store_low(sum, &mut sums[block * BLOCK_ROWS..]);
            }
        }

        /// The same for any code: a plane is worth `positive - pc(p ^ s') - pc((p ^ s') & large')` times its coefficient, where
        /// `positive` is the sum of the positive activations: a set bit at one adds it and at a negative one takes it off, and a clear
        /// bit takes off what `positive` has too many or nothing. Padding is 0 on both sides and counts nothing.
        #[$popcount]
        pub fn a2_affine<W: TileWord>(code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
            let lone = broadcast(if code.row().excludes_second_alone { 0 } else { u64::MAX });
            let affine = code.affine();
            let mut counts = [[_mm512_setzero_si512(); 2]; BLOCKS];
            for (word, x) in W::of(tile).iter().zip(&x.a2) {
                let (x_sign, small) = (broadcast(x.sign), broadcast(x.small));
                for (block, counts) in counts.iter_mut().enumerate() {
                    let first = plane(word, block, 0);
                    let planes = [first, _mm512_ternarylogic_epi64::<0xe0>(plane(word, block, 1), first, lone)];
                    for (count, bits) in counts.iter_mut().zip(planes).take(affine.coefficients.len()) {
                        let unlike = _mm512_xor_si512(bits, x_sign);
                        let large = _mm512_andnot_si512(small, unlike);
                        *count = _mm512_add_epi64(*count, _mm512_add_epi64(_mm512_popcnt_epi64(unlike), _mm512_popcnt_epi64(large)));
                    }
                }
            }
            sums.fill(affine.offset.wrapping_mul(x.sum));
            for (counts, sums) in counts.iter().zip(sums.as_chunks_mut::<BLOCK_ROWS>().0) {
                for (count, coefficient) in counts.iter().zip(affine.coefficients) {
                    let mut eight = [0; BLOCK_ROWS];
                    store_low(*count, &mut eight);
                    sums.iter_mut().zip(eight).for_each(|(sum, count)| *sum += coefficient * (x.positive - count));
                }
            }
        }
    };
}

pub(super) use a2;
