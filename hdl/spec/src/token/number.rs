//! Widths, rounding and saturation: the only operations that the rest is made of.

/// Largest magnitude of a narrow value: 18 bits, symmetric, what a multiplier takes.
pub const NARROW_MAX: i32 = (1 << 17) - 1;
/// Largest magnitude of a wide value: 24 bits, symmetric, what a residual is kept in.
pub const WIDE_MAX: i32 = (1 << 23) - 1;
/// Bits behind the point of a residual.
pub const WIDE_POINT: i32 = 12;
/// Bits by which a constant times a scale is brought back to 18 bits.
pub const FACTOR_BITS: i32 = 17;
/// Largest shift of a product of 36 bits; nothing of it is left beyond.
pub const MAX_SHIFT: i32 = 47;

/// `value / 2^shift`, halves rounded up: one adder in front of the shifter. The shift is clamped to 0..=`MAX_SHIFT`.
#[inline]
pub const fn round_shift(value: i64, shift: i32) -> i64 {
    let shift = if shift < 0 {
        0
    } else if shift > MAX_SHIFT {
        MAX_SHIFT
    } else {
        shift
    };
    // Twice the half, cut in half again, so that a shift of 0 needs no case of its own.
    (value + ((1_i64 << shift) >> 1)) >> shift
}

/// The narrow value next to `value`.
#[inline]
pub const fn narrow(value: i64) -> i32 {
    clamp(value, NARROW_MAX)
}

/// The wide value next to `value`.
#[inline]
pub const fn widen(value: i64) -> i32 {
    clamp(value, WIDE_MAX)
}

#[inline]
const fn clamp(value: i64, most: i32) -> i32 {
    let most = most as i64;
    let low = if value > most { most } else { value };
    (if low < -most { -most } else { low }) as i32
}

/// A positive number found while a token is made: `mantissa / 2^exponent`, the mantissa narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scale {
    /// 2^16 to 2^17 - 1, or less for [`Scale::ONE`]'s like.
    pub mantissa: i32,
    /// Bits behind its point.
    pub exponent: i32,
}

impl Scale {
    /// A half, twice: exactly one, as far as a factor is concerned.
    pub const ONE: Scale = Scale { mantissa: 1 << 16, exponent: 16 };

    /// The number it stands for.
    pub fn value(&self) -> f64 {
        f64::from(self.mantissa) * 2_f64.powi(-self.exponent)
    }

    /// `constant * scale` as the pipe multiplies by it: the factor, narrow, and what the step's shift grows by.
    #[inline]
    pub const fn times(&self, constant: i32) -> i32 {
        narrow(round_shift(constant as i64 * self.mantissa as i64, FACTOR_BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_shift_is_the_floor_of_the_value_plus_a_half(value in -(1_i64 << 36)..1 << 36, shift in 0..=MAX_SHIFT) {
            let exact = (value as f64 / 2_f64.powi(shift) + 0.5).floor();
            prop_assert_eq!(round_shift(value, shift) as f64, exact);
        }
    }

    #[test]
    fn rounding_and_saturation_at_both_extremes() {
        assert_eq!([round_shift(1, 1), round_shift(-1, 1), round_shift(-3, 1), round_shift(7, -4)], [1, 0, -1, 7]);
        assert_eq!([round_shift(1 << 36, 99), round_shift(-(1 << 36), 99)], [0, 0]);
        assert_eq!([narrow(i64::MAX), narrow(i64::MIN), narrow(-5)], [NARROW_MAX, -NARROW_MAX, -5]);
        assert_eq!([widen(i64::MAX), widen(i64::MIN)], [WIDE_MAX, -WIDE_MAX]);
    }

    #[test]
    fn a_factor_never_leaves_18_bits_and_one_halves_nothing() {
        let largest = Scale { mantissa: NARROW_MAX, exponent: 0 };
        assert_eq!([largest.times(NARROW_MAX), largest.times(-NARROW_MAX)], [NARROW_MAX - 1, 1 - NARROW_MAX]);
        assert_eq!(Scale::ONE.value(), 1.0);
        assert_eq!(Scale::ONE.times(1 << 16), 1 << 15);
    }
}
