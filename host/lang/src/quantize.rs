//! Activations become codes: one scale a vector, found from its largest magnitude.
//!
//! This is what training does in front of every quantized linear layer, operation for operation in
//! f32, so a model runs here as it was trained.

use nda_kernels::quantize::{absmax, codes_of, groups};
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
    let absmax = absmax(x, MIN_ABSMAX);
    match code {
        ActivationCode::A8 => linear(absmax, 127.0, x, codes),
        ActivationCode::A4 => linear(absmax, 7.0, x, codes),
        ActivationCode::A2 => quaternary(absmax, x, codes),
    }
}

/// [`quantize`] of every `group` values, each with a scale of its own in `scales`.
///
/// # Panics
/// If the lengths do not fit.
pub fn quantize_groups(code: ActivationCode, group: usize, x: &[f32], codes: &mut [i8], scales: &mut [f32]) {
    match code {
        ActivationCode::A8 => groups(x, group, MIN_ABSMAX, 127.0, codes, scales),
        _ => {
            assert_eq!(scales.len(), x.len().div_ceil(group), "a scale for every group");
            let each = x.chunks(group).zip(codes.chunks_mut(group)).zip(scales);
            each.for_each(|((x, codes), scale)| *scale = quantize(code, x, codes));
        }
    }
}

fn linear(absmax: f32, max_code: f32, x: &[f32], codes: &mut [i8]) -> f32 {
    let scale = absmax / max_code;
    codes_of(x, scale, max_code, codes);
    scale
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
