//! Activations become codes of eight or four bits: the loops of `nda_lang`'s `quantize`, for wide registers.

use crate::float::{LANES, for_wide};

for_wide! {
    /// The largest magnitude, and at least `least`; NaN counts as 0.
    pub fn absmax(x: &[f32], least: f32) -> f32 {
        absmax_here(x, least)
    }
}

#[inline(always)]
fn absmax_here(x: &[f32], least: f32) -> f32 {
    let mut most = [least; LANES];
    let (chunks, tail) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let magnitude = chunk[lane].abs();
            most[lane] = if magnitude > most[lane] { magnitude } else { most[lane] };
        }
    }
    for (lane, v) in tail.iter().enumerate() {
        most[lane] = if v.abs() > most[lane] { v.abs() } else { most[lane] };
    }
    let mut max = least;
    for v in most {
        max = if v > max { v } else { max };
    }
    max
}

for_wide! {
    /// `codes[i] = round(x[i] / scale)`, held within `-most` and `most`; half away from zero, NaN is 0.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn codes_of(x: &[f32], scale: f32, most: f32, codes: &mut [i8]) {
        codes_here(x, scale, most, codes);
    }
}

#[inline(always)]
fn codes_here(x: &[f32], scale: f32, most: f32, codes: &mut [i8]) {
    assert_eq!(x.len(), codes.len(), "codes must be as many as activations");
    for (code, v) in codes.iter_mut().zip(x) {
        *code = round((v / scale).clamp(-most, most)) as i8;
    }
}

for_wide! {
    /// [`codes_of`] of every `group` values, each with the scale `absmax / most` in `scales`.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn groups(x: &[f32], group: usize, least: f32, most: f32, codes: &mut [i8], scales: &mut [f32]) {
        assert_eq!(scales.len(), x.len().div_ceil(group), "a scale for every group");
        for ((x, codes), scale) in x.chunks(group).zip(codes.chunks_mut(group)).zip(scales) {
            *scale = absmax_here(x, least) / most;
            codes_here(x, *scale, most, codes);
        }
    }
}

for_wide! {
    /// The index of the first value that is not a number, or infinite.
    pub fn first_not_finite(x: &[f32]) -> Option<usize> {
        // A product with zero is zero of every finite number, and NaN of all others; a sum of zeros and NaN needs no order.
        let mut sums = [0.0_f32; LANES];
        let (chunks, tail) = x.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                sums[lane] += chunk[lane] * 0.0;
            }
        }
        for v in tail {
            sums[0] += v * 0.0;
        }
        let mut sum = 0.0;
        for v in sums {
            sum += v;
        }
        if sum == 0.0 {
            return None;
        }
        for (index, v) in x.iter().enumerate() {
            if !v.is_finite() {
                return Some(index);
            }
        }
        None
    }
}

/// `f32::round` of a number that fits an i32, half away from zero; NaN is 0. The cast and the exact rest vectorise,
/// a call of the mathematics library for every activation does not.
#[inline(always)]
pub fn round(value: f32) -> i32 {
    let whole = value as i32;
    let rest = value - whole as f32;
    whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_the_library_around_every_half() {
        for code in -128..=128 {
            let middle = f32::from(i16::try_from(code).unwrap()) / 2.0;
            for value in [middle.next_down(), middle, middle.next_up(), middle + 0.3] {
                assert_eq!(round(value), value.round() as i32, "{value}");
            }
        }
        assert_eq!((round(0.499_999_97), round(f32::NAN), round(-0.0)), (0, 0, 0));
    }

    #[test]
    fn the_largest_magnitude_and_what_is_not_finite_are_found_at_every_place() {
        for count in [1, 7, 8, 9, 31, 64, 100] {
            for at in 0..count {
                let mut x = vec![0.25_f32; count];
                x[at] = -3.0;
                assert_eq!((absmax(&x, 1e-8), first_not_finite(&x)), (3.0, None));
                for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    x[at] = wrong;
                    assert_eq!(first_not_finite(&x), Some(at), "{wrong} at {at} of {count}");
                }
                x[at] = f32::NAN;
                assert_eq!(absmax(&x, 1e-8), if count == 1 { 1e-8 } else { 0.25 });
            }
        }
    }

    #[test]
    fn codes_are_those_of_a_plain_loop_at_every_tail_length() {
        for count in 0..70 {
            let x: Vec<f32> = (0..count).map(|i| ((i * 7919 + 5) % 513) as f32 / 2.0 - 128.0).collect();
            let mut codes = vec![0; count];
            codes_of(&x, 1.0, 127.0, &mut codes);
            assert!(x.iter().zip(&codes).all(|(v, &code)| v.clamp(-127.0, 127.0).round() as i8 == code), "{count}");
        }
    }
}
