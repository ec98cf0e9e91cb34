//! The articles' `rms_norm`: integers throughout, and what its inverse root comes to.

use super::{Scaled, code, encode};

/// 1.0 of the mean of squares: 14 fractional bits.
pub const MEAN_ONE: u32 = 1 << 14;
/// Bits that the product of a code and the inverse root is divided by. The root of a number of 14 fractional bits has 7.
pub const NORMALISED_SHIFT: u32 = 7;
/// Shifts above it give the same eps: one unit of the mean.
pub const MAX_EPS_SHIFT: u32 = 14;

/// `2^14 / sqrt(v)` as the articles' three Newton steps give it: from `2^(14 - bits/2)`, `x (3 - v x^2) / 2` in 14 fractional
/// bits, every product cut off; at most `2^14`. For `v` of a mean of squares (16,385 to 81,920) it is 57 to 127.
pub fn inverse_root_q14(v: u64) -> u32 {
    if v == 0 {
        return MEAN_ONE;
    }
    let half_bits = (u64::BITS - v.leading_zeros()) / 2;
    let mut x = 1_u64 << 14_u32.saturating_sub(half_bits);
    for _ in 0..3 {
        let square = v.saturating_mul(x * x) >> 14;
        let rest = (3_u64 << 14).saturating_sub(square);
        x = x.saturating_mul(rest) >> 15;
    }
    x.min(u64::from(MEAN_ONE)) as u32
}

/// Sum of the squares of codes: their count, and three more for every large one.
pub fn sum_of_squares(codes: &[i8]) -> u64 {
    codes.iter().map(|&v| u64::from(v.unsigned_abs()).pow(2)).sum()
}

/// The 16 results, index `x_code << 2 | w_code` with a code as `sign << 1 | extra`: the code by the inverse root, divided by
/// `2^7` and truncated toward zero, by the weight's code, [`encode`]d.
pub fn norm_table(inverse_root: u32) -> [i8; 16] {
    let value = |bits: usize| i32::from(code((bits >> 1 & 1 == 1, bits & 1 == 1)));
    std::array::from_fn(|index| {
        let normalised = value(index >> 2) * inverse_root as i32 / (1 << NORMALISED_SHIFT);
        encode((normalised * value(index & 3)).clamp(-4, 4))
    })
}

/// `x / rms(x) * weight` as the articles compute it; eps is `2^-eps_shift`, and the result has the weight's scale.
///
/// # Panics
/// If the lengths differ.
pub fn rms_norm(x: &[i8], weight: &Scaled, eps_shift: u32) -> Scaled {
    assert_eq!(x.len(), weight.codes.len(), "rms_norm needs equal lengths");
    if x.is_empty() {
        return weight.clone();
    }
    let mean = (sum_of_squares(x) << 14) / x.len() as u64 + eps(eps_shift);
    let table = norm_table(inverse_root_q14(mean));
    let index = |v: i8| if v < 0 { (v + 2) as usize } else { (v + 1) as usize };
    let codes = x.iter().zip(&weight.codes).map(|(&v, &w)| table[index(v) << 2 | index(w)]).collect();
    Scaled { codes, log2_scale: weight.log2_scale }
}

/// `2^-eps_shift` in units of the mean.
fn eps(eps_shift: u32) -> u64 {
    1 << MAX_EPS_SHIFT.saturating_sub(eps_shift)
}

/// Largest `v` whose inverse root is at least 64, half of 1.0; smaller `v` of a mean all are, larger ones none.
const HALF_ROOT: u64 = 65_539;

/// All that [`rms_norm`] takes from the sum of squares: +-2 stays +-1 if `(3 * large << 14) / n` is at most this, and becomes 0
/// like +-1 if it is above. `large` counts the codes +-2 among `n`.
pub fn norm_limit(eps_shift: u32) -> u32 {
    (HALF_ROOT - u64::from(MEAN_ONE) - eps(eps_shift)) as u32
}

/// [`norm_limit`]'s comparison without its division: what a large code and what every code adds to a sum that is negative
/// exactly if +-2 stays +-1. `(3 * large << 14) / n <= limit` is `(3 << 14) * large - (limit + 1) * n < 0`.
pub fn norm_weights(eps_shift: u32) -> (i32, i32) {
    (3 << 14, -(norm_limit(eps_shift) as i32 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_root_of_every_mean_is_below_one_and_half_up_to_the_limit() {
        for v in 16_385..=81_920_u64 {
            let root = inverse_root_q14(v);
            assert!((57..=127).contains(&root), "{v} gives {root}");
            assert_eq!(root >= 64, v <= HALF_ROOT, "{v} gives {root}");
            // What the articles meant: 2^14 / sqrt(v), here within a tenth.
            let exact = 16_384.0 / (v as f64).sqrt();
            assert!((f64::from(root) / exact - 1.0).abs() < 0.1, "{v} gives {root} for {exact}");
        }
        assert_eq!([inverse_root_q14(0), inverse_root_q14(1), inverse_root_q14(u64::MAX)], [1 << 14, 1 << 14, 0]);
    }

    #[test]
    fn the_table_depends_on_one_bit_of_the_root() {
        for root in 57..=127 {
            let kept = root >= 64;
            for (index, &value) in norm_table(root).iter().enumerate() {
                let [x, w] = [index >> 2, index & 3].map(|bits| [-2_i8, -1, 1, 2][bits]);
                let expected = if kept && x.abs() == 2 { encode(i32::from(x / 2) * i32::from(w)) } else { 1 };
                assert_eq!(value, expected, "root {root}, x {x}, w {w}");
            }
        }
    }

    #[test]
    fn the_norm_equals_its_limit_and_its_weights_for_every_small_count() {
        for eps_shift in [0, 1, 5, 10, 12, 13, 14, 20, u32::MAX] {
            let (per_large, per_code) = norm_weights(eps_shift);
            for n in 1..=70_usize {
                for large in 0..=n {
                    let x: Vec<i8> = (0..n).map(|i| if i < large { -2 } else { 1 }).collect();
                    let weight = Scaled { codes: vec![2; n], log2_scale: -3 };
                    let got = rms_norm(&x, &weight, eps_shift);
                    let kept = ((3 * large) << 14) / n <= norm_limit(eps_shift) as usize;
                    let expected: Vec<i8> = x.iter().map(|&v| if kept && v == -2 { -2 } else { 1 }).collect();
                    assert_eq!(got, Scaled { codes: expected, log2_scale: -3 }, "{large} of {n}, eps {eps_shift}");
                    let sum = i64::from(per_large) * large as i64 + i64::from(per_code) * n as i64;
                    assert_eq!(sum < 0, kept, "{large} of {n}, eps {eps_shift}");
                }
            }
        }
        assert_eq!(rms_norm(&[], &Scaled { codes: vec![], log2_scale: 5 }, 10).log2_scale, 5);
    }

    #[test]
    fn signs_of_small_codes_are_erased_as_in_the_articles() {
        let weight = Scaled { codes: vec![1; 4], log2_scale: 0 };
        assert_eq!(rms_norm(&[-1, 1, -1, 1], &weight, 10).codes, [1, 1, 1, 1]);
        assert_eq!(rms_norm(&[-2, 2, -1, 1], &weight, 10).codes, [-1, 1, 1, 1]);
        // All large: 1/2 is just missed.
        assert_eq!(rms_norm(&[-2, 2, -2, -2], &weight, 10).codes, [1, 1, 1, 1]);
    }
}
