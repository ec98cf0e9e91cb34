//! Addition in the default mode: a vector whose sum would saturate moves to the next scale instead.
//!
//! A vector is two's complement codes (A8, A4, or 16 bits: two parts of A8) times `2^log2_scale`. The exact sum stands in units of the finer scale, and is
//! rounded once, half away from zero: at the coarser of the two scales, or at the next one above it if any element's sum
//! would not fit its code there. One scale up always fits. Only at the largest scale there is does the sum saturate.

/// Codes with the exponent of their scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The codes.
    pub codes: Vec<i16>,
    /// The vector is `codes * 2^log2_scale`.
    pub log2_scale: i8,
}

/// Gap between two scales from which on the finer operand rounds away, for codes of `bits` bits: `2^(bits-1) / 2^gap < 1/2`.
pub const fn gap_limit(bits: u32) -> u32 {
    bits + 1
}

/// Bits of the widest code.
pub const MAX_BITS: u32 = 16;

/// `value / 2^shift`, rounded half away from zero. For magnitudes below `2^62` and shifts from 0 to 61.
pub const fn shift_round(value: i64, shift: u32) -> i64 {
    let half = (1 << shift) >> 1;
    let magnitude = (value.abs() + half) >> shift;
    if value < 0 { -magnitude } else { magnitude }
}

/// One element's exact sum in units of the finer of two scales that are `gap` apart; at most 35 bits for gaps that matter.
pub const fn wide_sum(coarse: i16, fine: i16, gap: u32) -> i64 {
    ((coarse as i64) << gap) + fine as i64
}

/// `x + d` as the module says, in codes of `bits` bits.
///
/// # Panics
/// If `bits` is not in `2..=16`, the lengths differ, or a code does not fit `bits` bits.
pub fn growing_add(bits: u32, x: &Grown, d: &Grown) -> Grown {
    assert!((2..=MAX_BITS).contains(&bits), "a code has 2 to {MAX_BITS} bits, not {bits}");
    assert_eq!(x.codes.len(), d.codes.len(), "growing_add needs equal lengths");
    let (max, min) = ((1_i64 << (bits - 1)) - 1, -(1_i64 << (bits - 1)));
    assert!(x.codes.iter().chain(&d.codes).all(|&v| (min..=max).contains(&i64::from(v))), "a code does not fit {bits} bits");
    let (coarse, fine) = if x.log2_scale >= d.log2_scale { (x, d) } else { (d, x) };
    let gap = (i32::from(coarse.log2_scale) - i32::from(fine.log2_scale)).unsigned_abs().min(gap_limit(bits));
    let sums: Vec<i64> = coarse.codes.iter().zip(&fine.codes).map(|(&c, &f)| wide_sum(c, f, gap)).collect();
    let fits = |shift: u32| sums.iter().all(|&sum| (min..=max).contains(&shift_round(sum, shift)));
    let grows = !fits(gap) && coarse.log2_scale < i8::MAX;
    let codes = sums.iter().map(|&sum| shift_round(sum, gap + u32::from(grows)).clamp(min, max) as i16).collect();
    Grown { codes, log2_scale: coarse.log2_scale + i8::from(grows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(bits: u32, x: (i16, i8), d: (i16, i8)) -> (i16, i8) {
        let one = |(code, log2_scale)| Grown { codes: vec![code], log2_scale };
        let sum = growing_add(bits, &one(x), &one(d));
        (sum.codes[0], sum.log2_scale)
    }

    #[test]
    fn every_pair_at_every_gap_is_within_half_a_step_and_never_saturates() {
        // Codes of 4 and 8 bits all; of 16 bits the ends, the smallest, and some at uneven distances in between.
        let all = |max: i32| (-max - 1..=max).collect::<Vec<i32>>();
        let ends = (-32_768..=-32_760).chain(-9..=9).chain(32_760..=32_767);
        let some = ends.chain((-32_767..32_767).step_by(1_237)).collect();
        for (bits, max, codes) in [(4, 7, all(7)), (8, 127, all(127)), (16, 32_767, some)] {
            for &x in &codes {
                for &d in &codes {
                    for gap in 0..=gap_limit(bits) + 2 {
                        let (x, d, fine) = (x as i16, d as i16, 5);
                        let (code, scale) = add(bits, (x, fine + gap as i8), (d, fine));
                        let exact = f64::from(x) * 2_f64.powi(gap as i32) + f64::from(d);
                        let step = 2_f64.powi(i32::from(scale - fine));
                        assert!((f64::from(code) * step - exact).abs() <= step / 2.0, "{bits} bits: {x} + {d} at {gap}");
                        // It grows only where it has to.
                        let at_coarse = shift_round(wide_sum(x, d, gap), gap);
                        assert_eq!(scale > fine + gap as i8, at_coarse > max || at_coarse < -max - 1, "{bits} bits: {x} + {d} at {gap}");
                        assert_eq!(add(bits, (d, fine), (x, fine + gap as i8)), (code, scale), "operands may be exchanged");
                    }
                }
            }
        }
    }

    #[test]
    fn rounding_is_once_half_away_from_zero_and_one_element_moves_all() {
        assert_eq!(add(8, (127, 0), (126, 0)), (127, 1));
        assert_eq!(add(8, (-128, 0), (-127, 0)), (-128, 1));
        assert_eq!(add(16, (32_767, 0), (32_766, 0)), (32_767, 1));
        assert_eq!(add(16, (32_767, 17), (-1, 0)), (32_767, 17));
        assert_eq!(add(16, (-32_768, 16), (-32_768, 0)), (-16_384, 17));
        assert_eq!(add(8, (3, 1), (1, 0)), (4, 1));
        assert_eq!(add(8, (-3, 1), (-1, 0)), (-4, 1));
        let x = Grown { codes: vec![100, 1, -3], log2_scale: -4 };
        let sum = growing_add(8, &x, &Grown { codes: vec![100, 0, 0], log2_scale: -4 });
        assert_eq!(sum, Grown { codes: vec![100, 1, -2], log2_scale: -3 });
    }

    #[test]
    fn at_the_largest_scale_it_saturates() {
        assert_eq!(add(8, (127, 127), (127, 127)), (127, 127));
        assert_eq!(add(4, (-8, 127), (-8, 127)), (-8, 127));
        assert_eq!(add(8, (127, 126), (127, 126)), (127, 127));
        assert_eq!(add(8, (5, 127), (-128, -128)), (5, 127));
        assert_eq!(growing_add(8, &Grown { codes: vec![], log2_scale: 1 }, &Grown { codes: vec![], log2_scale: 2 }).log2_scale, 2);
    }
}
