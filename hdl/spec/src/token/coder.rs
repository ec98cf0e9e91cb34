//! Codes of a vector: A8, by a reciprocal from a table and one multiplication per value.

use super::number::{Scale, round_shift};
use super::table::{RECIPROCAL_BITS, ROOT_BITS, reciprocal, root_entry};

/// Largest magnitude of a code; -128 is never made.
pub const CODE_MAX: i32 = 127;
/// Bits of a rounded `largest`.
const MANTISSA_BITS: i32 = 9;

/// What makes codes of a vector whose largest magnitude is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coder {
    /// The largest magnitude, rounded up to 9 bits: 256 to 511.
    pub mantissa: u32,
    /// By how many bits it was shifted right; below 0 for a largest of fewer than 9 bits.
    pub exponent: i32,
}

impl Coder {
    /// The coder of a vector; `largest` is a narrow magnitude, 0 counts as 1.
    pub const fn new(largest: u32) -> Coder {
        let largest = if largest == 0 { 1 } else { largest };
        let exponent = 32 - largest.leading_zeros() as i32 - MANTISSA_BITS;
        if exponent <= 0 {
            return Coder { mantissa: largest << -exponent, exponent };
        }
        // Up, so that no code passes 127.
        let mantissa = (largest + (1 << exponent) - 1) >> exponent;
        if mantissa == 1 << MANTISSA_BITS {
            Coder { mantissa: mantissa >> 1, exponent: exponent + 1 }
        } else {
            Coder { mantissa, exponent }
        }
    }

    /// The code of a narrow value that is no larger than the largest: `value * 127 / largest`, halves up.
    #[inline]
    pub fn code(&self, value: i32) -> i8 {
        round_shift(i64::from(value) * i64::from(reciprocal(self.mantissa)), RECIPROCAL_BITS + self.exponent) as i8
    }

    /// Codes of all of them.
    pub fn codes(&self, values: &[i32], out: &mut [i8]) {
        let (by, shift) = (i64::from(reciprocal(self.mantissa)), RECIPROCAL_BITS + self.exponent);
        for (code, &value) in out.iter_mut().zip(values) {
            *code = round_shift(i64::from(value) * by, shift) as i8;
        }
    }

    /// What code 127 stands for, in the vector's units.
    pub const fn scale(&self) -> Scale {
        Scale { mantissa: (self.mantissa as i32) << 8, exponent: 8 - self.exponent }
    }

    /// That, times an inverse root: the scale of normalised codes. The last of 18 bits is cut off.
    pub const fn scale_by(&self, root: Scale) -> Scale {
        let product = self.mantissa as i64 * root.mantissa as i64;
        // 9 by 17 bits have 25 or 26.
        let lift = if product >= 1 << 25 { 9 } else { 8 };
        Scale { mantissa: (product >> lift) as i32, exponent: root.exponent - self.exponent - lift }
    }
}

/// `1 / sqrt(squares)`, within 5e-4; 0 counts as 1.
pub fn inverse_root(squares: u64) -> Scale {
    let squares = squares.max(1);
    let top = 63 - squares.leading_zeros() as i32;
    // The nine bits behind the leading one, zeros from below where there are fewer.
    let behind = if top >= 9 { squares >> (top - 9) } else { squares << (9 - top) } as usize & 511;
    let odd = top & 1;
    let mantissa = root_entry((odd as usize) << 9 | behind);
    Scale { mantissa, exponent: ROOT_BITS + (top - odd) / 2 }
}

/// `127 / sum`, the sum rounded to 9 bits: within 0.2 %. 0 counts as 1.
pub fn inverse_sum(sum: u32) -> Scale {
    let sum = sum.max(1);
    let exponent = 32 - sum.leading_zeros() as i32 - MANTISSA_BITS;
    let mantissa = if exponent <= 0 { sum << -exponent } else { round_shift(i64::from(sum), exponent) as u32 };
    // Rounding can carry into a tenth bit.
    let carry = mantissa >> MANTISSA_BITS;
    Scale { mantissa: reciprocal(mantissa >> carry), exponent: RECIPROCAL_BITS + exponent + carry as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::NARROW_MAX;

    /// Every largest there is, at both ends and in the middle.
    #[test]
    fn codes_reach_127_at_the_largest_alone_and_never_pass_it() {
        for largest in 1..=NARROW_MAX {
            let coder = Coder::new(largest as u32);
            assert!((256..512).contains(&coder.mantissa), "{largest}: {coder:?}");
            let held = f64::from(coder.mantissa) * 2_f64.powi(coder.exponent);
            assert!(held >= f64::from(largest) && held < f64::from(largest) * (1.0 + 1.0 / 256.0), "{largest}: {coder:?}");
            assert!((coder.scale().value() / held - 1.0).abs() < 1e-12);
            for value in [largest, -largest, largest / 2, 1, 0, -1] {
                let exact = f64::from(value) * 127.0 / held;
                let code = f64::from(coder.code(value));
                assert!((code - exact).abs() <= 0.502 && code.abs() <= 127.0, "{value} of {largest}: {code} for {exact}");
            }
        }
        assert_eq!(Coder::new(0), Coder::new(1));
        let mut out = [0; 3];
        Coder::new(1000).codes(&[1000, -1000, 4], &mut out);
        assert_eq!(out, [127, -127, 1]);
    }

    /// Every entry of the table at both ends of its step, at every exponent.
    #[test]
    fn inverse_roots_are_within_a_two_thousandth_of_every_sum_of_squares() {
        for top in 0..48 {
            for step in 0..512_u64 {
                for squares in [(512 + step) << 39 >> (48 - top), ((513 + step) << 39 >> (48 - top)).saturating_sub(1)] {
                    let squares = squares.max(1);
                    let exact = 1.0 / (squares as f64).sqrt();
                    let found = inverse_root(squares);
                    let error = (found.value() / exact - 1.0).abs();
                    assert!(error < 5e-4, "{squares}: {error:.1e}");
                    assert!((1 << 16..1 << 17).contains(&found.mantissa), "{squares}: {found:?}");
                }
            }
        }
        assert_eq!(inverse_root(0), inverse_root(1));
    }

    #[test]
    fn inverse_sums_are_within_a_five_hundredth_of_every_sum() {
        for sum in (1..1 << 20).chain([u32::MAX]) {
            let found = inverse_sum(sum);
            assert!((found.value() * f64::from(sum) / 127.0 - 1.0).abs() < 0.002, "{sum}: {found:?}");
            assert!(found.mantissa <= NARROW_MAX);
        }
        assert_eq!(inverse_sum(0), inverse_sum(1));
    }

    #[test]
    fn a_scale_times_a_root_has_17_bits_whatever_they_are() {
        for largest in [1, 255, 256, 257, 511, 512, 70_000, 131_071] {
            for squares in [1, 2, 3, 255, 1 << 20, 1 << 47, (1 << 48) - 1] {
                let (coder, root) = (Coder::new(largest), inverse_root(squares));
                let scale = coder.scale_by(root);
                assert!((1 << 16..1 << 17).contains(&scale.mantissa), "{largest} {squares}: {scale:?}");
                let exact = coder.scale().value() * root.value();
                assert!((scale.value() / exact - 1.0).abs() < 2e-5, "{largest} {squares}");
            }
        }
    }
}
