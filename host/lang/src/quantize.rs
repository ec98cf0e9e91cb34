//! Activations become codes: one scale a vector, found from its largest magnitude.
//!
//! This is what training does in front of every quantized linear layer, operation for operation in
//! f32, so a model runs here as it was trained.

use nda_spec::ActivationCode;

/// Smallest magnitude that a scale is taken from: a vector of zeros quantizes to zeros, not to NaN.
pub const MIN_ABSMAX: f32 = 1e-8;

/// Quantizes `x` into `codes` and returns the scale: `x[i] ~ codes[i] * scale`.
///
/// - A8: `scale = max(absmax, 1e-8) / 127`, `code = clamp(round(x / scale), -127, 127)`.
/// - A4: the same with 7.
/// - A2, which has no zero: `scale = max(absmax, 1e-8) / 2`, sign positive iff `x >= 0`, magnitude 2
///   iff `|x / scale| >= 1.5` (the articles' rule with its own minimum).
///
/// Rounding is half away from zero. NaN and infinities are refused before they come here, by the builtin and by the
/// model; NaN would count as 0, and an infinity would give codes of 0 and an infinite scale.
///
/// # Panics
/// If the two slices differ in length.
pub fn quantize(code: ActivationCode, x: &[f32], codes: &mut [i8]) -> f32 {
    assert_eq!(x.len(), codes.len(), "codes must be as many as activations");
    // Not f32::max: AArch64's gives a signaling NaN back, and the largest so far would be lost.
    let absmax = x.iter().fold(MIN_ABSMAX, |max, v| if v.abs() > max { v.abs() } else { max });
    match code {
        ActivationCode::A8 => linear(absmax, 127.0, x, codes),
        ActivationCode::A4 => linear(absmax, 7.0, x, codes),
        ActivationCode::A2 => quaternary(absmax, x, codes),
    }
}

fn linear(absmax: f32, max_code: f32, x: &[f32], codes: &mut [i8]) -> f32 {
    let scale = absmax / max_code;
    for (code, v) in codes.iter_mut().zip(x) {
        *code = round((v / scale).clamp(-max_code, max_code)) as i8;
    }
    scale
}

/// `f32::round` of a number that fits an i32, half away from zero; NaN is 0. The cast and the exact rest vectorise,
/// a call of the mathematics library for every activation does not.
fn round(value: f32) -> i32 {
    let whole = value as i32;
    let rest = value - whole as f32;
    whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)
}

fn quaternary(absmax: f32, x: &[f32], codes: &mut [i8]) -> f32 {
    let scale = absmax / 2.0;
    for (code, v) in codes.iter_mut().zip(x) {
        let magnitude = if (v / scale).abs() >= 1.5 { 2 } else { 1 };
        *code = if *v >= 0.0 { magnitude } else { -magnitude };
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_round_away_from_zero_and_both_ends_are_reached() {
        let mut codes = [0; 6];
        let scale = quantize(ActivationCode::A8, &[127.0, -127.0, 0.5, -0.5, 1.49, 2.5], &mut codes);
        assert_eq!((scale, codes), (1.0, [127, -127, 1, -1, 1, 3]));
        let scale = quantize(ActivationCode::A4, &[7.0, -7.0, 0.5, -2.5, 0.0, 3.4], &mut codes);
        assert_eq!((scale, codes), (1.0, [7, -7, 1, -3, 0, 3]));
        let scale = quantize(ActivationCode::A2, &[2.0, -2.0, 0.0, -0.0, 1.5, -1.4], &mut codes);
        assert_eq!((scale, codes), (1.0, [2, -2, 1, 1, 2, -1]));
    }

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
    fn zeros_and_nan_give_finite_scales() {
        let mut codes = [1; 2];
        assert_eq!(quantize(ActivationCode::A8, &[0.0, f32::NAN], &mut codes), MIN_ABSMAX / 127.0);
        assert_eq!(codes, [0, 0]);
        assert_eq!(quantize(ActivationCode::A8, &[], &mut []), MIN_ABSMAX / 127.0);
    }

    proptest! {
        #[test]
        fn a_code_is_within_half_a_step_of_its_value(x in prop::collection::vec(-1e4_f32..1e4, 1..80)) {
            for code in [ActivationCode::A8, ActivationCode::A4] {
                let mut codes = vec![0; x.len()];
                let scale = quantize(code, &x, &mut codes);
                for (v, q) in x.iter().zip(&codes) {
                    prop_assert!(code.contains(*q));
                    prop_assert!((v - f32::from(*q) * scale).abs() <= scale * 0.5001, "{v} became {q} at scale {scale}");
                }
            }
        }
    }
}
