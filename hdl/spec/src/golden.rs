//! Golden models, by loops that a reader checks by hand. Every back end equals them bit for bit.

use crate::{ActivationCode, WeightCode};

/// `y[r] = sum_c weights[r * cols + c] * x[c]`: the one meaning of `gemv`.
///
/// `weights` holds `rows * cols` values row by row, `x` holds `cols` values; returns `rows` sums.
///
/// # Panics
/// If the lengths contradict the shape.
pub fn gemv(rows: usize, cols: usize, weights: &[i8], x: &[i8]) -> Vec<i32> {
    assert_eq!(weights.len(), rows * cols, "weights must be rows * cols");
    assert_eq!(x.len(), cols, "x must be cols");
    let mut y = vec![0_i32; rows];
    for r in 0..rows {
        for c in 0..cols {
            y[r] += i32::from(weights[r * cols + c]) * i32::from(x[c]);
        }
    }
    y
}

/// The same sums through AND-popcounts of bit planes and the affine constants: what the array
/// computes (`products`), what the driver preloads ([`vector_constant`]) and what it adds per
/// row ([`row_constant`]).
///
/// # Panics
/// If the lengths contradict the shape or a value is not in its code.
pub fn gemv_by_planes(code: WeightCode, x_code: ActivationCode, rows: usize, cols: usize, weights: &[i8], x: &[i8]) -> Vec<i32> {
    assert_eq!(weights.len(), rows * cols, "weights must be rows * cols");
    assert_eq!(x.len(), cols, "x must be cols");
    let a = code.affine().coefficients;
    let b = x_code.affine().coefficients;
    let mut y = vec![0_i32; rows];
    for r in 0..rows {
        let row = &weights[r * cols..(r + 1) * cols];
        let mut products = 0;
        for j in 0..a.len() {
            for k in 0..b.len() {
                let mut popcount = 0;
                for c in 0..cols {
                    let bits = code.encode(row[c]).expect("a value of the weight code");
                    let w_bit = if j == 0 { bits.0 } else { bits.1 };
                    popcount += i32::from(w_bit & x_code.bit(x[c], k));
                }
                products += a[j] * b[k] * popcount;
            }
        }
        // What the offsets add: of a weight's for every activation, of an activation's for every weight's bits.
        let (w_offset, x_offset) = (code.affine().offset, x_code.affine().offset);
        let of_weights = w_offset * x.iter().map(|&v| i32::from(v)).sum::<i32>();
        y[r] = products + of_weights + x_offset * row.iter().map(|&w| i32::from(w) - w_offset).sum::<i32>();
    }
    y
}

/// What the offset of the array's form of a code contributes to every row: `offset * sum(x)`. 0 for all codes but quaternary.
pub fn vector_constant(code: WeightCode, x: &[i8]) -> i32 {
    code.row().array.coefficients.affine().offset * x.iter().map(|&v| i32::from(v)).sum::<i32>()
}

/// What the activation code's offset contributes to one row on the array, given that row's weights:
/// `offset_x * sum_j a_j * popcount(W_j)` over the array's planes. 0 for A8 and A4.
pub fn row_constant(code: WeightCode, x_code: ActivationCode, row: &[i8]) -> i32 {
    let offset_w = code.row().array.coefficients.affine().offset;
    // sum_j a_j * popcount(W_j) is the row's sum without the per-element offset.
    x_code.affine().offset * row.iter().map(|&w| i32::from(w) - offset_w).sum::<i32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    fn codes() -> impl Strategy<Value = (WeightCode, ActivationCode)> {
        (prop::sample::select(WeightCode::ALL.to_vec()), prop::sample::select(ActivationCode::ALL.to_vec()))
    }

    proptest! {
        #[test]
        fn plane_sums_equal_the_plain_sum((code, x_code) in codes(), rows in 0_usize..5, cols in 0_usize..70, seed in any::<u64>()) {
            let (weights, x) = random(code, x_code, rows, cols, seed);
            prop_assert_eq!(gemv_by_planes(code, x_code, rows, cols, &weights, &x), gemv(rows, cols, &weights, &x));
        }
    }

    #[test]
    fn plane_sums_equal_the_plain_sum_at_both_extremes() {
        for code in WeightCode::ALL {
            for x_code in ActivationCode::ALL {
                for w in [code.values()[0], *code.values().last().unwrap()] {
                    for v in [x_code.range().0, x_code.range().1] {
                        let (weights, x) = (vec![w; 2 * 300], vec![v; 300]);
                        let expected = 300 * i32::from(w) * i32::from(v);
                        assert_eq!(gemv(2, 300, &weights, &x), [expected; 2]);
                        assert_eq!(gemv_by_planes(code, x_code, 2, 300, &weights, &x), [expected; 2]);
                    }
                }
            }
        }
    }

    fn random(code: WeightCode, x_code: ActivationCode, rows: usize, cols: usize, seed: u64) -> (Vec<i8>, Vec<i8>) {
        let mut random = Random::new(seed);
        let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
        let weights = (0..rows * cols).map(|_| random.one_of(code.values())).collect();
        let x = (0..cols).map(|_| random.one_of(&all)).collect();
        (weights, x)
    }
}
