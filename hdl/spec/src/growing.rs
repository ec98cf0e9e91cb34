//! Addition in the default mode: a vector whose sum would saturate moves to the next scale instead.
//!
//! A vector is two's complement codes (A8, A4) times `2^log2_scale`. The exact sum stands in units of the finer scale, and is
//! rounded once, half away from zero: at the coarser of the two scales, or at the next one above it if any element's sum
//! would not fit its code there. One scale up always fits. Only at the largest scale there is does the sum saturate.

/// Codes with the exponent of their scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The codes.
    pub codes: Vec<i8>,
    /// The vector is `codes * 2^log2_scale`.
    pub log2_scale: i8,
}

/// Gap between two scales from which on the finer operand rounds away, for codes of `bits` bits: `2^(bits-1) / 2^gap < 1/2`.
pub const fn gap_limit(bits: u32) -> u32 {
    bits + 1
}

/// `value / 2^shift`, rounded half away from zero. For shifts from 0 to 30.
pub const fn shift_round(value: i32, shift: u32) -> i32 {
    let half = (1 << shift) >> 1;
    let magnitude = (value.unsigned_abs() as i64 + half) >> shift;
    if value < 0 { -(magnitude as i32) } else { magnitude as i32 }
}

/// One element's exact sum in units of the finer of two scales that are `gap` apart.
pub const fn wide_sum(coarse: i8, fine: i8, gap: u32) -> i32 {
    ((coarse as i32) << gap) + fine as i32
}

/// `x + d` as the module says, in codes of `bits` bits.
///
/// # Panics
/// If `bits` is not in `2..=8`, the lengths differ, or a code does not fit `bits` bits.
pub fn growing_add(bits: u32, x: &Grown, d: &Grown) -> Grown {
    assert!((2..=8).contains(&bits), "a code has 2 to 8 bits, not {bits}");
    assert_eq!(x.codes.len(), d.codes.len(), "growing_add needs equal lengths");
    let (max, min) = ((1 << (bits - 1)) - 1, -(1 << (bits - 1)));
    assert!(x.codes.iter().chain(&d.codes).all(|&v| (min..=max).contains(&i32::from(v))), "a code does not fit {bits} bits");
    let (coarse, fine) = if x.log2_scale >= d.log2_scale { (x, d) } else { (d, x) };
    let gap = (i32::from(coarse.log2_scale) - i32::from(fine.log2_scale)).unsigned_abs().min(gap_limit(bits));
    let sums: Vec<i32> = coarse.codes.iter().zip(&fine.codes).map(|(&c, &f)| wide_sum(c, f, gap)).collect();
    let fits = |shift: u32| sums.iter().all(|&sum| (min..=max).contains(&shift_round(sum, shift)));
    let grows = !fits(gap) && coarse.log2_scale < i8::MAX;
    let codes = sums.iter().map(|&sum| shift_round(sum, gap + u32::from(grows)).clamp(min, max) as i8).collect();
    Grown { codes, log2_scale: coarse.log2_scale + i8::from(grows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(bits: u32, x: (i8, i8), d: (i8, i8)) -> (i8, i8) {
        let one = |(code, log2_scale)| Grown { codes: vec![code], log2_scale };
        let sum = growing_add(bits, &one(x), &one(d));
        (sum.codes[0], sum.log2_scale)
    }

    #[test]
    fn every_pair_at_every_gap_is_within_half_a_step_and_never_saturates() {
        for (bits, max) in [(8, 127_i32), (4, 7)] {
            for x in -max - 1..=max {
                for d in -max - 1..=max {
                    for gap in 0..12_i8 {
                        let (code, scale) = add(bits, (x as i8, 5 + gap), (d as i8, 5));
                        let exact = f64::from(x) * 2_f64.powi(i32::from(gap)) + f64::from(d);
                        let step = 2_f64.powi(i32::from(scale) - 5);
                        assert!((f64::from(code) * step - exact).abs() <= step / 2.0, "{bits} bits: {x} + {d} at {gap}");
                        // It grows only where it has to.
                        let at_coarse = shift_round(wide_sum(x as i8, d as i8, u32::from(gap as u8)), u32::from(gap as u8));
                        assert_eq!(scale > 5 + gap, at_coarse > max || at_coarse < -max - 1, "{bits} bits: {x} + {d} at {gap}");
                        assert_eq!(add(bits, (d as i8, 5), (x as i8, 5 + gap)), (code, scale), "operands may be exchanged");
                    }
                }
            }
        }
    }

    #[test]
    fn rounding_is_once_half_away_from_zero_and_one_element_moves_all() {
        assert_eq!(add(8, (127, 0), (126, 0)), (127, 1));
        assert_eq!(add(8, (-128, 0), (-127, 0)), (-128, 1));
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
