//! The articles' quantizer: floats to quaternary codes, and the same by integers alone, as the fabric does it.

/// Below it a vector's scale is 1.
pub const MIN_AMAX: f32 = 1e-8;

/// Numerator of a threshold's mantissa: a product rounds to 1.5 from `1.5 - 2^-24` on, which is `(3 * 2^23 - 1) / 2^24`.
pub const LARGE_Q: u32 = (3 << 23) - 1;

/// Codes with a float's scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantized {
    /// -2, -1, +1 or +2 each; a value is `code * scale`.
    pub codes: Vec<i8>,
    /// Half of the largest magnitude, or 1 for a vector of next to nothing.
    pub scale: f32,
}

/// The articles' rule: `scale` is half of the largest magnitude (NaN ignored), or 1 if that is below [`MIN_AMAX`]; a code is large
/// if `|v * (1 / scale)| >= 1.5` in f32, and positive if `v >= 0`, so -0.0 is +1 and NaN is -1.
pub fn quantize(x: &[f32]) -> Quantized {
    // Not f32::max: AArch64's gives a signaling NaN back, and the largest so far would be lost.
    let amax = x.iter().fold(0.0_f32, |max, v| if v.abs() > max { v.abs() } else { max });
    let scale = if amax < MIN_AMAX { 1.0 } else { amax / 2.0 };
    let inverse = 1.0 / scale;
    let code = |&v: &f32| {
        let magnitude = if (v * inverse).abs() >= 1.5 { 2 } else { 1 };
        if v >= 0.0 { magnitude } else { -magnitude }
    };
    Quantized { codes: x.iter().map(code).collect(), scale }
}

/// The smallest magnitude that is large beside `amax`, both as the bits of an f32 without its sign: [`quantize`]'s rounded
/// reciprocal and rounded product by integers. Above every number if nothing is large, which is so beside an infinity.
///
/// With `M` the 24 bits of amax's mantissa and `R` the 24 of its reciprocal, rounded to nearest (23, if the reciprocal is
/// subnormal), the threshold's mantissa is `(3 * 2^23 - 1) * 2^23 / R`, rounded up.
///
/// # Panics
/// If `amax` is NaN's bits or has bit 31.
pub fn large_from(amax: u32) -> u32 {
    assert!(amax <= f32::INFINITY.to_bits(), "{amax:#010x} is not a magnitude");
    if amax < MIN_AMAX.to_bits() {
        return 1.5_f32.to_bits();
    }
    if amax == f32::INFINITY.to_bits() {
        return amax + 1;
    }
    let (exponent, mantissa) = (amax >> 23, u64::from(amax & 0x7f_ffff | 0x80_0000));
    let is_subnormal = exponent == 254;
    let numerator = if is_subnormal { 1_u64 << 46 } else { 1 << 47 };
    let (quotient, rest) = (numerator / mantissa, numerator % mantissa);
    // Never a tie: the numerator would need the odd divisor 2 * quotient + 1, and it is a power of two.
    let up = 2 * rest > mantissa;
    let reciprocal = (quotient + u64::from(up)) << u32::from(is_subnormal);
    let threshold = (u64::from(LARGE_Q) << 23).div_ceil(reciprocal) as u32;
    // From 2^24 on it is one bit too wide: the threshold has amax's exponent, and else the one below.
    let (exponent, mantissa) = if threshold >= 1 << 24 { (exponent, threshold.div_ceil(2)) } else { (exponent - 1, threshold) };
    (exponent << 23) + mantissa - (1 << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The threshold by the float rule alone: bisection over magnitudes, which the rule is monotone in.
    fn by_floats(amax: f32) -> u32 {
        let inverse = 1.0 / if amax < MIN_AMAX { 1.0 } else { amax / 2.0 };
        let (mut low, mut high) = (0_u32, f32::INFINITY.to_bits() + 1);
        while low < high {
            let middle = (low + high) / 2;
            if (f32::from_bits(middle) * inverse).abs() >= 1.5 { high = middle } else { low = middle + 1 }
        }
        low
    }

    fn check(amax: u32) {
        let threshold = large_from(amax);
        let value = f32::from_bits(amax);
        let scale = if value < MIN_AMAX { 1.0 } else { value / 2.0 };
        let is_large = |bits: u32| (f32::from_bits(bits) * (1.0 / scale)).abs() >= 1.5;
        assert!(is_large(threshold) && !is_large(threshold - 1), "{amax:#010x}: {threshold:#010x}");
    }

    #[test]
    fn the_integer_threshold_is_the_float_rules_for_every_mantissa() {
        for mantissa in 0..1 << 23 {
            check(127 << 23 | mantissa);
        }
        // Every eleventh mantissa where the reciprocal is subnormal, and a few of every other exponent.
        for mantissa in (0..1 << 23).step_by(11) {
            check(254 << 23 | mantissa);
        }
        for exponent in 101..=253 {
            for mantissa in [0, 1, 2, 0x2a_aaaa, 0x3f_ffff, 0x40_0000, 0x55_5555, 0x7f_fffe, 0x7f_ffff] {
                check(exponent << 23 | mantissa);
            }
        }
    }

    #[test]
    fn thresholds_at_the_ends() {
        for amax in [0.0, 1e-30, MIN_AMAX.next_down(), MIN_AMAX, MIN_AMAX.next_up(), 1.0, f32::MAX] {
            assert_eq!(large_from(amax.to_bits()), by_floats(amax), "{amax:e}");
        }
        assert!(large_from(f32::INFINITY.to_bits()) > f32::INFINITY.to_bits());
    }

    #[test]
    fn codes_are_the_articles_at_zeros_ties_nan_and_infinity() {
        let got = quantize(&[2.0, -2.0, 0.0, -0.0, 1.5, -1.499_999, f32::NAN]);
        assert_eq!(got, Quantized { codes: vec![2, -2, 1, 1, 2, -1, -1], scale: 1.0 });
        assert_eq!(quantize(&[f32::INFINITY, 1.0, -3.0]), Quantized { codes: vec![1, 1, -1], scale: f32::INFINITY });
        assert_eq!(quantize(&[1e-9, -1e-9]), Quantized { codes: vec![1, -1], scale: 1.0 });
        assert_eq!(quantize(&[f32::NAN]), Quantized { codes: vec![-1], scale: 1.0 });
        let signaling = f32::from_bits(0x7f80_0001);
        assert_eq!(quantize(&[8.0, signaling, 2.0]), Quantized { codes: vec![2, -1, 1], scale: 4.0 });
        assert_eq!(quantize(&[]), Quantized { codes: vec![], scale: 1.0 });
    }
}
