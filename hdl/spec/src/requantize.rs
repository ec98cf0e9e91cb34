//! `requantize`: the one place where an accumulator becomes a code again.

/// A positive real multiplier as the fabric applies it: `value = multiplier / 2^shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplier {
    /// At most 31 bits; 0 only for the factor 0.
    pub multiplier: u32,
    /// How many bits the product is shifted right, at most 62.
    pub shift: u32,
}

/// Largest shift of a [`Multiplier`]; a smaller factor is the factor 0.
pub const MAX_SHIFT: u32 = 62;

impl Multiplier {
    /// The nearest multiplier of 31 bits to `factor`, or `None` unless `0 <= factor < 2^31` and finite.
    pub fn from_factor(factor: f64) -> Option<Multiplier> {
        if !(0.0..2_147_483_648.0).contains(&factor) {
            return None;
        }
        if factor == 0.0 {
            return Some(Multiplier { multiplier: 0, shift: 0 });
        }
        // The largest shift that keeps the rounded product within 31 bits.
        let mut shift = MAX_SHIFT;
        while shift > 0 && (factor * 2_f64.powi(shift as i32)).round() >= 2_147_483_648.0 {
            shift -= 1;
        }
        Some(Multiplier { multiplier: (factor * 2_f64.powi(shift as i32)).round() as u32, shift })
    }
}

/// `acc * multiplier / 2^shift`, rounded half away from zero and saturated to `bits` bits
/// two's complement: what software and fabric compute, bit for bit.
///
/// # Panics
/// If `bits` is not in `2..=8` or the shift is above [`MAX_SHIFT`].
pub fn requantize(acc: i32, by: Multiplier, bits: u32) -> i8 {
    assert!((2..=8).contains(&bits), "a code has 2 to 8 bits, not {bits}");
    assert!(by.shift <= MAX_SHIFT, "shift {} is above {MAX_SHIFT}", by.shift);
    let product = i64::from(acc).unsigned_abs() * u64::from(by.multiplier);
    // Rounding the magnitude half up is rounding the value half away from zero.
    let magnitude = if by.shift == 0 { product } else { (product + (1_u64 << (by.shift - 1))) >> by.shift };
    let max = (1_i64 << (bits - 1)) - 1;
    let min = -max - 1;
    let signed = i64::try_from(magnitude).unwrap_or(i64::MAX);
    let signed = if acc < 0 { -signed } else { signed };
    signed.clamp(min, max) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero_and_saturates() {
        let half = Multiplier::from_factor(0.5).unwrap();
        for (acc, expected) in [(1, 1), (-1, -1), (2, 1), (3, 2), (-3, -2), (0, 0), (253, 127), (254, 127), (-256, -128), (-300, -128)] {
            assert_eq!(requantize(acc, half, 8), expected, "acc {acc}");
        }
        let one = Multiplier::from_factor(1.0).unwrap();
        for extreme in [i32::MIN, i32::MAX] {
            assert_eq!(requantize(extreme, one, 8), if extreme < 0 { -128 } else { 127 });
            assert_eq!(requantize(extreme, one, 4), if extreme < 0 { -8 } else { 7 });
            assert_eq!(requantize(extreme, Multiplier { multiplier: 0, shift: 0 }, 8), 0);
        }
    }

    #[test]
    fn multiplier_keeps_31_significant_bits() {
        for factor in [1e-9, 0.001, 0.3, 1.0, 1.5, 100.0, 2_147_483_647.0] {
            let m = Multiplier::from_factor(factor).unwrap();
            let back = f64::from(m.multiplier) / 2_f64.powi(m.shift as i32);
            assert!((back / factor - 1.0).abs() < 1e-9, "{factor} became {back}");
        }
        for bad in [f64::NAN, f64::INFINITY, -1.0, 2_147_483_648.0] {
            assert_eq!(Multiplier::from_factor(bad), None);
        }
    }
}
