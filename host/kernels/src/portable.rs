//! The loop that a reader checks by hand, for every code and every machine: the reference of this crate's tests.

use nda_spec::WeightCode;
use nda_spec::tile::{TILE_ROWS, col_words, u64_index};
use nda_spec::{ActivationCode, Affine};

use crate::activations::PreparedX;

/// The 32 sums of one tile through AND-popcounts (NUMBERS.md, the plane identity), for any pair of codes.
///
/// Reads [`crate::activations::Form::Planes`]. `tile` is `64 * col_words` words.
pub(crate) fn tile(code: WeightCode, x_code: ActivationCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
    let Affine { coefficients: a, offset: w_offset } = code.affine();
    let Affine { coefficients: b, offset: x_offset } = x_code.affine();
    let col_words = col_words(x.cols);
    for (row, sum) in sums.iter_mut().enumerate() {
        let (mut products, mut weights) = (0_i64, 0_i64);
        for (col_word, x_planes) in x.planes.chunks_exact(b.len()).enumerate() {
            let plane = |plane| tile[u64_index(row, col_word, plane, col_words)];
            for (w_plane, a) in planes(code, plane(0), plane(1)).into_iter().zip(a) {
                weights += i64::from(a * w_plane.count_ones() as i32);
                for (x_plane, b) in x_planes.iter().zip(b) {
                    products += i64::from(a * b * (w_plane & x_plane).count_ones() as i32);
                }
            }
        }
        let total = products + i64::from(x_offset) * weights + i64::from(w_offset) * i64::from(x.sum);
        // At most 2 * 128 * MAX_COLS in magnitude, which 32 bits hold.
        *sum = total as i32;
    }
}

/// Both planes, with a contradictory ternary weight (positive, not active) read as 0, as `TileMatrix::get` reads it.
fn planes(code: WeightCode, plane0: u64, plane1: u64) -> [u64; 2] {
    match code {
        WeightCode::Ternary => [plane0, plane1 & plane0],
        WeightCode::Quaternary => [plane0, plane1],
    }
}
