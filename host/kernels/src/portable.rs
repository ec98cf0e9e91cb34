//! The loops that a reader checks by hand, for every code and every machine: the reference of this crate's tests.
//!
//! They are plain Rust on `u64`. On x86-64 they are compiled a second time for machines with POPCNT (all since 2008),
//! because without it a population count is a dozen instructions.

use nda_spec::WeightCode;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS};
use nda_spec::{ActivationCode, Affine};

use crate::activations::{A2Word, PreparedX};
use crate::word::{TileWord, TwoPlanes, for_planes};

/// Compiles a function for every machine and for POPCNT, and calls the one that this machine runs best.
macro_rules! for_popcnt {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $of:ty),*) $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name($($arg: $of),*) {
            #[inline(always)]
            fn body($($arg: $of),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "popcnt")]
            fn counting($($arg: $of),*) {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("popcnt") {
                // SAFETY: the machine has POPCNT, as was found just now.
                return unsafe { counting($($arg),*) };
            }
            body($($arg),*)
        }
    };
}

/// Both planes of a row; a plane that the code does not have is zero.
#[inline(always)]
fn row_planes<W: TileWord>(word: &W, row: usize) -> [u64; WeightCode::MAX_PLANES] {
    [0, 1].map(|plane| word.plane(row / BLOCK_ROWS, plane)[row % BLOCK_ROWS])
}

for_popcnt! {
    /// The 32 sums of one tile through AND-popcounts (NUMBERS.md, the plane identity), for any pair of codes.
    ///
    /// Reads [`crate::activations::Form::Planes`]. `tile` is `nda_spec::tile::word_u64(code) * col_words` words.
    fn tile(code: WeightCode, x_code: ActivationCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        let planes = x_code.planes();
        let bits = |word: usize, plane: usize| x.planes[word * planes + plane];
        for_planes!(code, Word => sum_planes(code, x_code.affine(), Word::of(tile), bits, x.sum, sums))
    }
}

for_popcnt! {
    /// The same by A2 activations, for codes that no identity of fewer population counts is known for. Reads
    /// [`crate::activations::Form::A2`].
    fn a2_affine(code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        let bits = |word: usize, plane: usize| [x.a2[word].extra, x.a2[word].sign][plane];
        for_planes!(code, Word => sum_planes(code, ActivationCode::A2.affine(), Word::of(tile), bits, x.sum, sums))
    }
}

/// The plane identity: `bits` gives a plane of the activations of a word of columns, `x_sum` is the sum of all activations.
#[inline(always)]
fn sum_planes<W: TileWord>(
    code: WeightCode,
    x: Affine,
    words: &[W],
    bits: impl Fn(usize, usize) -> u64,
    x_sum: i32,
    sums: &mut [i32; TILE_ROWS],
) {
    let Affine { coefficients: a, offset: w_offset } = code.affine();
    for (row, sum) in sums.iter_mut().enumerate() {
        let (mut products, mut weights) = (0_i64, 0_i64);
        for (at, word) in words.iter().enumerate() {
            for (w_plane, a) in meant(code, row_planes(word, row)).into_iter().zip(a) {
                weights += i64::from(a * w_plane.count_ones() as i32);
                for (plane, b) in x.coefficients.iter().enumerate() {
                    products += i64::from(a * b * (w_plane & bits(at, plane)).count_ones() as i32);
                }
            }
        }
        let total = products + i64::from(x.offset) * weights + i64::from(w_offset) * i64::from(x_sum);
        // At most 2 * 128 * MAX_COLS in magnitude, which 32 bits hold.
        *sum = total as i32;
    }
}

for_popcnt! {
    /// The 32 sums of one tile by A2 activations: `4n - 3 (pc(s^s') + pc(s' ^ (small' ? e : s))) - 2 pc(e^e')`
    /// (NUMBERS.md, the 3-popcount identity). Padding is 00 on both sides and counts nothing, so n is the true number of columns.
    fn a2_quaternary(tile: &[u64], x: &[A2Word], cols: usize, sums: &mut [i32; TILE_ROWS]) {
        // At most 8 a column, and 2^23 columns.
        let mut minus = [0_u32; TILE_ROWS];
        for (word, x) in TwoPlanes::of(tile).iter().zip(x) {
            for (row, minus) in minus.iter_mut().enumerate() {
                let [sign, extra] = row_planes(word, row);
                let signs = sign ^ x.sign;
                let chosens = signs ^ ((sign ^ extra) & x.small);
                let extras = extra ^ x.extra;
                *minus += 3 * (signs.count_ones() + chosens.count_ones()) + 2 * extras.count_ones();
            }
        }
        for (sum, minus) in sums.iter_mut().zip(minus) {
            // At most 4 * MAX_COLS in magnitude.
            *sum = (4 * cols as i64 - i64::from(minus)) as i32;
        }
    }
}

for_popcnt! {
    /// The same of ternary weights: `pc(a & !(n & large')) + pc(a & !n & large') - 2 pc(n)` with `n = a & (p ^ s')`, the
    /// negative products. What is not active, padding too, counts nothing.
    fn a2_ternary(tile: &[u64], x: &[A2Word], sums: &mut [i32; TILE_ROWS]) {
        let (mut ones, mut negatives) = ([0_u32; TILE_ROWS], [0_u32; TILE_ROWS]);
        for (word, x) in TwoPlanes::of(tile).iter().zip(x) {
            for row in 0..TILE_ROWS {
                let [active, positive] = row_planes(word, row);
                let negative = active & (positive ^ x.sign);
                let (low, high) = (active & !(negative & !x.small), active & !(negative | x.small));
                ones[row] += low.count_ones() + high.count_ones();
                negatives[row] += negative.count_ones();
            }
        }
        for (sum, (ones, negatives)) in sums.iter_mut().zip(ones.into_iter().zip(negatives)) {
            // At most 2 * MAX_COLS in magnitude.
            *sum = (i64::from(ones) - 2 * i64::from(negatives)) as i32;
        }
    }
}

/// Both planes, with bits that the code has no weight for (ternary: positive, not active) read as 0, as `TileMatrix::get`
/// reads them.
fn meant(code: WeightCode, [plane0, plane1]: [u64; 2]) -> [u64; 2] {
    if code.row().excludes_second_alone { [plane0, plane1 & plane0] } else { [plane0, plane1] }
}
