//! A KV cache of closed frames: 64 positions of keys and values as bit planes, and what stays exact beside them.
//!
//! A **form** is a row of data ([`FORMS`]). Keys and values are turned by a Hadamard matrix, head by head, and become **exact** codes of
//! eight bits with a scale of eight bits per position and head ([`exact`]). With its 64th position a frame is **closed**: every
//! position becomes levels of two or four bits with a scale of its own ([`close::Closing`]), spelled in tile matrices
//! ([`frame`]): keys as 64 positions by the head's channels, values as the head's channels by 64 positions. So scores and mixes are
//! products of tile matrices by A8, as weights are multiplied. The first positions ([`FrameForm::sinks`]), the open frame and as many closed
//! ones as the form says are read exactly; which they are for a query depends on its position alone.
//!
//! The token machine's ring ([`crate::token::KvForm`]) has levels of the same kind, stacks of quaternary codes, with a constant per
//! channel in place of a scale per position: there nothing may depend on a position.

pub mod center;
pub mod close;
pub mod frame;

use crate::Affine;

/// Positions of a frame.
pub const FRAME_POSITIONS: usize = 64;
/// Largest magnitude of an exact code, and of a query's or a weight's.
pub const MAX_CODE: i8 = 127;
/// Scales of an octave: a scale is `2^((k - 128) / 8)`.
pub const OCTAVE_SCALES: u8 = 8;
/// The scale of 1.
pub const UNIT_SCALE: u8 = 128;

/// Levels in affine form: of every stack a pair of bits, `level = sum_k stacks[k] * (coefficients . bits + offset)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelCode {
    /// What a pair of bits, one of each plane, stands for.
    pub pair: Affine,
    /// What each stack weighs.
    pub stacks: &'static [i8],
    /// The unit of the levels that errs least on normally distributed values, in parts of their root mean square.
    pub spread: f64,
}

/// The fourth row of two-plane codes: -3, -1, +1, +3.
const EVEN: Affine = Affine { coefficients: &[4, 2], offset: -3 };
/// The quaternary code of weights.
const QUATERNARY: Affine = crate::WeightCode::Quaternary.affine();

/// Sixteen levels from -22 to 22, four bits.
pub const FOUR_BITS: LevelCode = LevelCode { pair: QUATERNARY, stacks: &[4, 7], spread: 0.114_6 };
/// Four even levels, two bits.
pub const TWO_BITS: LevelCode = LevelCode { pair: EVEN, stacks: &[1], spread: 0.478_8 };
/// The articles' code: -2, -1, 1, 2.
pub const SEED_BITS: LevelCode = LevelCode { pair: QUATERNARY, stacks: &[1], spread: 0.648_4 };

impl LevelCode {
    /// Bits of a value.
    pub const fn bits(&self) -> usize {
        2 * self.stacks.len()
    }

    /// The level that bits spell: stack `k` has bits `2 k + 1`, plane 0, and `2 k`, plane 1.
    pub fn level(&self, bits: u8) -> i8 {
        let of_stack = |(k, &c): (usize, &i8)| {
            let pair = bits >> (2 * k);
            i32::from(c)
                * (self.pair.coefficients[0] * i32::from(pair >> 1 & 1)
                    + self.pair.coefficients[1] * i32::from(pair & 1)
                    + self.pair.offset)
        };
        self.stacks.iter().enumerate().map(of_stack).sum::<i32>() as i8
    }

    /// The level of bits that are all 0: the lowest.
    pub fn lowest(&self) -> i8 {
        self.level(0)
    }
}

/// Whether keys and values are turned before they become codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// By a Hadamard matrix, so that no channel is larger than the others.
    Hadamard,
    /// Not at all.
    None,
}

/// A form of the cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameForm {
    /// The name in options and messages.
    pub name: &'static str,
    /// The number in files.
    pub number: u32,
    /// How closed keys are spelled.
    pub keys: LevelCode,
    /// How closed values are spelled.
    pub values: LevelCode,
    /// What is done before.
    pub rotation: Rotation,
    /// Closed frames before the open one that are read exactly.
    pub exact_frames: usize,
    /// First positions that are always read exactly: attention rests there where there is nothing to look at (StreamingLLM,
    /// Xiao et al., 2023).
    pub sinks: usize,
}

/// Every form.
pub const FORMS: [FrameForm; 4] = [
    FrameForm { name: "b4", number: 1, keys: FOUR_BITS, values: FOUR_BITS, rotation: Rotation::Hadamard, exact_frames: 0, sinks: 4 },
    FrameForm { name: "b4v2", number: 2, keys: FOUR_BITS, values: TWO_BITS, rotation: Rotation::Hadamard, exact_frames: 1, sinks: 4 },
    FrameForm { name: "b2", number: 3, keys: TWO_BITS, values: TWO_BITS, rotation: Rotation::Hadamard, exact_frames: 1, sinks: 4 },
    FrameForm { name: "seed", number: 4, keys: SEED_BITS, values: SEED_BITS, rotation: Rotation::None, exact_frames: 0, sinks: 0 },
];

impl FrameForm {
    /// The form of a name.
    pub fn by_name(name: &str) -> Option<&'static FrameForm> {
        FORMS.iter().find(|form| form.name == name)
    }

    /// The form of a number.
    pub fn by_number(number: u32) -> Option<&'static FrameForm> {
        FORMS.iter().find(|form| form.number == number)
    }
}

/// `2^(i / 8)`, rounded to the nearest f32.
const EIGHTHS: [f32; OCTAVE_SCALES as usize] =
    [1.0, 1.090_507_7, 1.189_207_1, 1.296_839_6, std::f32::consts::SQRT_2, 1.542_210_8, 1.681_792_9, 1.834_008_1];

/// What a scale's byte stands for: `2^((k - 128) / 8)`, from `2^-16` to almost `2^16`.
pub const fn scale(k: u8) -> f32 {
    let exponent = (k / OCTAVE_SCALES) as u32 + 127 - (UNIT_SCALE / OCTAVE_SCALES) as u32;
    EIGHTHS[(k % OCTAVE_SCALES) as usize] * f32::from_bits(exponent << 23)
}

/// The least scale with which a magnitude is a code of at most 127, or the largest scale.
pub fn exact_scale(absmax: f32) -> u8 {
    let least = absmax / f32::from(MAX_CODE);
    // The exponent says the octave; within it the constants decide.
    let octave = (least.to_bits() >> 23) as i32 - 127 + i32::from(UNIT_SCALE / OCTAVE_SCALES);
    let first = (octave * i32::from(OCTAVE_SCALES)).clamp(0, 255);
    (first..=(first + i32::from(OCTAVE_SCALES)).min(255)).map(|k| k as u8).find(|&k| scale(k) >= least).unwrap_or(u8::MAX)
}

/// Values as codes and their scale: `x[i] ~ codes[i] * scale(k)`, rounded half away from zero. Values are finite; what is beyond the
/// largest scale saturates.
///
/// # Panics
/// If the lengths differ.
pub fn exact(x: &[f32], codes: &mut [i8]) -> u8 {
    assert_eq!(x.len(), codes.len(), "a code for every value");
    let k = exact_scale(x.iter().fold(0.0, |max, v| if v.abs() > max { v.abs() } else { max }));
    let most = f32::from(MAX_CODE);
    codes.iter_mut().zip(x).for_each(|(code, v)| *code = (v / scale(k)).clamp(-most, most).round() as i8);
    k
}

/// The length of the Hadamard matrices on a head: the largest power of two that divides it.
pub const fn turned(head_dim: usize) -> usize {
    1 << head_dim.trailing_zeros()
}

/// `1 / sqrt(len)` of a power of two.
pub const fn inverse_root(len: usize) -> f32 {
    let bits = len.trailing_zeros();
    let whole = f32::from_bits((127 - bits / 2) << 23);
    if bits.is_multiple_of(2) { whole } else { whole * std::f32::consts::FRAC_1_SQRT_2 }
}

/// Turns a head by Hadamard matrices over [`turned`] values each, in place: sums and differences at distance 1, 2, 4 and so on, then all
/// times [`inverse_root`]. Twice is once around: the matrix is its own inverse.
pub fn rotate(head: &mut [f32]) {
    let len = turned(head.len());
    for part in head.chunks_exact_mut(len) {
        let mut distance = 1;
        while distance < len {
            for pair in part.chunks_exact_mut(2 * distance) {
                let (low, high) = pair.split_at_mut(distance);
                low.iter_mut().zip(high).for_each(|(a, b)| (*a, *b) = (*a + *b, *a - *b));
            }
            distance *= 2;
        }
        part.iter_mut().for_each(|v| *v *= inverse_root(len));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_stacked_codes_and_of_the_token_machine() {
        let levels = |code: &LevelCode| {
            let mut levels: Vec<i8> = (0..1 << code.bits()).map(|bits| code.level(bits)).collect();
            levels.sort_unstable();
            levels.dedup();
            levels
        };
        assert_eq!(levels(&FOUR_BITS), [-22, -18, -15, -11, -10, -6, -3, -1, 1, 3, 6, 10, 11, 15, 18, 22]);
        assert_eq!((levels(&TWO_BITS), FOUR_BITS.lowest(), TWO_BITS.lowest()), (vec![-3, -1, 1, 3], -22, -3));
        // One fact in two places: the ring's stacks of quaternary codes are levels of this kind.
        for stacks in [&[1][..], &[2, 1], &[3, 1]] {
            let coefficients: Vec<u8> = stacks.iter().map(|&c: &i8| c as u8).collect();
            let ring = crate::token::KvForm::new(&coefficients).unwrap();
            assert_eq!(ring.levels(), levels(&LevelCode { stacks, ..SEED_BITS }));
        }
    }

    #[test]
    fn every_scale_is_the_power_of_two_that_it_names() {
        for k in 0..=u8::MAX {
            let exact = ((f64::from(k) - 128.0) / 8.0).exp2();
            assert!((f64::from(scale(k)) / exact - 1.0).abs() < 1e-7, "scale {k}: {}", scale(k));
        }
    }

    #[test]
    fn the_least_scale_that_holds_a_magnitude_is_found() {
        for k in 1..=u8::MAX {
            let most = scale(k) * 127.0;
            assert_eq!(exact_scale(most.next_down()), k);
            assert!(exact_scale(most.next_up()) >= k && exact_scale(scale(k - 1) * 127.0 * 1.000_001) == k);
        }
        assert_eq!((exact_scale(0.0), exact_scale(1e-30), exact_scale(1e30)), (0, 0, 255));
    }

    #[test]
    fn exact_codes_are_within_half_a_step() {
        let x: Vec<f32> = (0..64).map(|i| ((i * 7919 + 5) % 513) as f32 / 50.0 - 5.0).collect();
        let mut codes = [0; 64];
        let k = exact(&x, &mut codes);
        assert!(x.iter().zip(codes).all(|(v, code)| (v - f32::from(code) * scale(k)).abs() <= scale(k) * 0.500_01));
        assert_eq!(exact(&[0.0; 2], &mut codes[..2]), 0);
    }

    #[test]
    fn turning_twice_changes_nothing_and_keeps_lengths() {
        for len in [1, 2, 20, 32, 64, 96, 256] {
            let x: Vec<f32> = (0..len).map(|i| ((i * 7919 + 5) % 513) as f32 / 50.0 - 5.0).collect();
            let mut turned = x.clone();
            rotate(&mut turned);
            let square = |x: &[f32]| x.iter().map(|v| f64::from(v * v)).sum::<f64>();
            assert!((square(&turned) / square(&x) - 1.0).abs() < 1e-5, "{len}");
            rotate(&mut turned);
            assert!(turned.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-4), "{len}");
        }
    }
}
