//! Closing: exact codes of a position become levels with a scale of their own.
//!
//! Both scales are powers of `2^(1/8)`, so the levels of a position depend on its codes and on the **step** between the scales alone,
//! and every step is a table of 256 codes. Five steps around the one that errs least on normally distributed values are tried; the
//! least sum of squared errors wins, of equal ones the smallest step. All of it is integers.

use super::{LevelCode, UNIT_SCALE, scale};

/// The smallest step: a level of 1 is `2^(step / 8)` exact codes.
const LOWEST_STEP: i32 = -16;
/// Steps that there are.
const STEPS: usize = 80;
/// Steps that are tried on either side of the likeliest.
const TRIED: i32 = 2;
/// Parts of an exact code that errors are counted in.
const PARTS: i32 = 16;

/// What every exact code becomes at one step.
#[derive(Debug, Clone)]
struct Step {
    /// The bits of the nearest level, by the code's byte; of two as near the lower.
    bits: [u8; 256],
    /// The square of what is lost, in 1/16 of a code.
    errors: [u32; 256],
    /// The least mean square of codes for which this is the likeliest step.
    least: f64,
}

impl Step {
    fn new(code: &LevelCode, step: i32) -> Step {
        let unit = f64::from(scale((i32::from(UNIT_SCALE) + step) as u8));
        let mut levels: Vec<(i8, u8)> = (0..1_u8 << code.bits()).map(|bits| (code.level(bits), bits)).collect();
        levels.sort_unstable();
        let (mut all, mut errors) = ([0; 256], [0; 256]);
        for byte in 0..=u8::MAX {
            let error = |level: i8| {
                let lost = i64::from(i32::from(byte.cast_signed()) * PARTS) - (f64::from(PARTS) * f64::from(level) * unit).round() as i64;
                u32::try_from(lost * lost).unwrap_or(u32::MAX)
            };
            let nearest = levels.iter().min_by_key(|(level, _)| error(*level)).expect("a code has levels");
            (all[usize::from(byte)], errors[usize::from(byte)]) = (nearest.1, error(nearest.0));
        }
        // Half a step below, squared: step = 8 log2(spread * rms).
        let below = f64::from(scale((i32::from(UNIT_SCALE) + step) as u8)) / HALF_STEP / code.spread;
        Step { bits: all, errors, least: below * below }
    }
}

/// `2^(1/16)`.
const HALF_STEP: f64 = 1.044_273_782_427_413_8;

/// How positions of one code are closed.
#[derive(Debug, Clone)]
pub struct Closing {
    steps: Vec<Step>,
}

impl Closing {
    /// The tables of a code.
    pub fn new(code: &LevelCode) -> Closing {
        Closing { steps: (0..STEPS as i32).map(|at| Step::new(code, LOWEST_STEP + at)).collect() }
    }

    /// The levels of exact codes with scale `k`: their bits, one byte per value, and their scale.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn close(&self, codes: &[i8], k: u8, bits: &mut [u8]) -> u8 {
        assert_eq!(codes.len(), bits.len(), "bits for every code");
        let square: u32 = codes.iter().map(|&c| i32::from(c).unsigned_abs().pow(2)).sum();
        let mean = f64::from(square) / codes.len().max(1) as f64;
        let likeliest = self.steps.partition_point(|step| step.least <= mean).saturating_sub(1) as i32;
        // Scales are bytes too.
        let lowest = (-i32::from(k) - LOWEST_STEP).max(0);
        let highest = (i32::from(u8::MAX - k) - LOWEST_STEP).min(STEPS as i32 - 1);
        let tried = (likeliest - TRIED).clamp(lowest, highest)..=(likeliest + TRIED).clamp(lowest, highest);
        let error = |&at: &i32| {
            let errors = &self.steps[at as usize].errors;
            codes.iter().map(|&code| u64::from(errors[usize::from(code.cast_unsigned())])).sum::<u64>()
        };
        let best = tried.min_by_key(error).expect("one step is tried");
        let table = &self.steps[best as usize].bits;
        bits.iter_mut().zip(codes).for_each(|(bits, code)| *bits = table[usize::from(code.cast_unsigned())]);
        (i32::from(k) + LOWEST_STEP + best) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FOUR_BITS, SEED_BITS, TWO_BITS, exact};
    use super::*;
    use crate::random::Random;

    /// Normally distributed, nearly: the sum of twelve.
    fn normal(count: usize) -> Vec<f32> {
        let mut random = Random::new(1);
        (0..count).map(|_| (0..12).map(|_| random.unit()).sum::<f64>() as f32 - 6.0).collect()
    }

    #[test]
    fn closing_loses_what_the_code_loses_at_every_size() {
        for (code, most) in [(FOUR_BITS, 0.014), (TWO_BITS, 0.122), (SEED_BITS, 0.165)] {
            let closing = Closing::new(&code);
            for size in [1e-3, 1.0, 40.0] {
                let (mut lost, mut all) = (0.0, 0.0);
                for x in normal(64 * 200).chunks(64) {
                    let x: Vec<f32> = x.iter().map(|v| v * size).collect();
                    let (mut codes, mut bits) = ([0; 64], [0; 64]);
                    let k = exact(&x, &mut codes);
                    let k = closing.close(&codes, k, &mut bits);
                    for (v, bits) in x.iter().zip(bits) {
                        lost += f64::from(v - f32::from(code.level(bits)) * scale(k)).powi(2);
                        all += f64::from(*v).powi(2);
                    }
                }
                assert!(lost / all < most, "{:?} at {size}: {}", code.stacks, lost / all);
            }
        }
    }

    #[test]
    fn a_level_is_the_nearest_at_the_step_that_errs_least() {
        for code in [FOUR_BITS, TWO_BITS] {
            let closing = Closing::new(&code);
            for x in normal(64 * 50).chunks(64) {
                let codes: Vec<i8> = x.iter().map(|v| (v * 35.0) as i8).collect();
                let mut bits = vec![0; 64];
                let k = closing.close(&codes, 100, &mut bits);
                let error = |k: u8, bits: &dyn Fn(usize) -> i8| -> f64 {
                    codes
                        .iter()
                        .enumerate()
                        .map(|(i, c)| (f64::from(*c) - f64::from(bits(i)) * f64::from(scale(k) / scale(100))).powi(2))
                        .sum()
                };
                let found = error(k, &|i| code.level(bits[i]));
                let rms = (codes.iter().map(|&c| f64::from(c).powi(2)).sum::<f64>() / 64.0).sqrt();
                let likeliest = 100 + (8.0 * (code.spread * rms).log2()).round() as u8;
                assert!(k.abs_diff(likeliest) <= 2, "scale {k} is none that is tried around {likeliest}");
                for other in likeliest - 2..=likeliest + 2 {
                    let nearest = |i: usize| {
                        let near =
                            |bits: &u8| (f64::from(codes[i]) * f64::from(scale(100) / scale(other)) - f64::from(code.level(*bits))).abs();
                        code.level((0..1 << code.bits()).min_by(|a, b| near(a).total_cmp(&near(b))).unwrap())
                    };
                    assert!(found <= error(other, &nearest) * 1.02 + 1.0, "{codes:?}: scale {k} against {other}");
                }
            }
        }
    }

    #[test]
    fn zeros_spikes_and_both_ends_of_the_scales_are_closed() {
        let closing = Closing::new(&FOUR_BITS);
        let mut bits = [0; 64];
        assert_eq!(closing.close(&[0; 64], 0, &mut bits), 0);
        let mut spike = [0; 64];
        spike[5] = 127;
        for k in [0, 1, 128, 254, 255] {
            closing.close(&spike, k, &mut bits);
            closing.close(&[127; 64], k, &mut bits);
            closing.close(&[-127; 64], k, &mut bits);
        }
        assert!(bits.iter().all(|&b| FOUR_BITS.level(b) < -10), "{bits:?}");
    }
}
