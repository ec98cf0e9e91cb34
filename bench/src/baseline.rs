//! The articles' loop: what everything here is a multiple of.
//!
//! Quaternary weights by A2 activations, both as flat planes, one byte of each at a time, with the eight masked popcounts
//! that the articles derive from the products' signs and magnitudes. It stays as it was written, for comparison alone.

/// One row by one vector: `sum w * x` of codes -2, -1, +1, +2. Slices of equal length, one byte eight columns.
///
/// # Panics
/// If the lengths differ.
pub fn row(sign: &[u8], extra: &[u8], x_sign: &[u8], x_extra: &[u8]) -> i32 {
    assert!(sign.len() == extra.len() && sign.len() == x_sign.len() && sign.len() == x_extra.len(), "planes of equal length");
    let mut total = 0;
    for i in 0..sign.len() {
        let (large, x_large) = (!(sign[i] ^ extra[i]), !(x_sign[i] ^ x_extra[i]));
        let same = !(sign[i] ^ x_sign[i]);
        let different = !same;
        let (one, two_x, two_w, four) = (!large & !x_large, !large & x_large, large & !x_large, large & x_large);
        let count = |bits: u8| bits.count_ones() as i32;
        total += count(same & one) + 2 * (count(same & two_x) + count(same & two_w)) + 4 * count(same & four);
        total -= count(different & one) + 2 * (count(different & two_x) + count(different & two_w)) + 4 * count(different & four);
    }
    total
}

/// `y = W x` row by row; planes of `y.len()` rows of `x_sign.len()` bytes.
///
/// # Panics
/// If the lengths contradict each other.
pub fn gemv(sign: &[u8], extra: &[u8], x_sign: &[u8], x_extra: &[u8], y: &mut [i32]) {
    let bytes = x_sign.len();
    assert!(sign.len() == bytes * y.len() && extra.len() == sign.len(), "planes must be rows of the vector's length");
    for (row_index, y) in y.iter_mut().enumerate() {
        let own = row_index * bytes..(row_index + 1) * bytes;
        *y = row(&sign[own.clone()], &extra[own], x_sign, x_extra);
    }
}

/// The two planes of values of the quaternary code, flat, bit `i % 8` of byte `i / 8`.
///
/// # Panics
/// If a value is none of the code, or their number no multiple of 8.
pub fn planes(values: &[i8]) -> [Vec<u8>; 2] {
    assert_eq!(values.len() % 8, 0, "whole bytes");
    let plane = |positive: fn(i8) -> bool| {
        let byte = |eight: &[i8]| eight.iter().enumerate().fold(0, |byte, (bit, &v)| byte | u8::from(positive(v)) << bit);
        values.chunks_exact(8).map(byte).collect()
    };
    assert!(values.iter().all(|v| [-2, -1, 1, 2].contains(v)), "values of the quaternary code");
    [plane(|v| v > 0), plane(|v| v == -1 || v == 2)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::golden;

    #[test]
    fn the_articles_loop_equals_golden_for_every_pair_of_codes() {
        let values = [-2, -1, 1, 2];
        let (rows, cols) = (5, 64);
        let weights: Vec<i8> = (0..rows * cols).map(|i| values[(i * 7 + i / 5) % 4]).collect();
        let x: Vec<i8> = (0..cols).map(|i| values[(i / 4 + i) % 4]).collect();
        let ([sign, extra], [x_sign, x_extra]) = (planes(&weights), planes(&x));
        let mut y = vec![0; rows];
        gemv(&sign, &extra, &x_sign, &x_extra, &mut y);
        assert_eq!(y, golden::gemv(rows, cols, &weights, &x));
    }
}
