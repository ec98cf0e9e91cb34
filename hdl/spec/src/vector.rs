//! The vector unit's arithmetic, default mode: what happens to a vector between two products, in integers.
//!
//! Every back end does exactly this, so a chain of steps gives the same bits in software and in fabric. Three kinds of
//! numbers: **sums** of a product (24 bits), **wide** values (24 bits, fixed point, the step that writes them says how many
//! bits stand behind the point), and **codes** (A8 with one scale a vector, found on the device). There is one operation
//! on wide values, [`multiply`]: a product of two 24-bit numbers, shifted right, rounded half away from zero, saturated.
//! All else is once a vector: a normalisation, a division, a square root.
//!
//! [`Program`] is what a device runs, [`Machine`] what it means, [`cycles`] what it takes.

pub mod cycles;
mod machine;
mod program;

pub use machine::{Fault, Machine};
pub use program::{MOST_LARGEST, Op, PROGRAM_JOBS, Placed, Program, STEP_BYTES, Step, StepWord, part};

use std::sync::LazyLock;

/// Largest magnitude of a wide value: saturation is symmetric, so a sign can be turned without a new case.
pub const WIDE_MAX: i32 = (1 << 23) - 1;
/// Bytes of a wide value on the wire and of a constant of a program.
pub const WIDE_BYTES: usize = 3;
/// Bytes of a scale on the wire: 3 of [`Scale::largest`], 1 of [`Scale::exponent`].
pub const SCALE_BYTES: usize = 4;
/// Largest code; -128 is never made.
pub const CODE_MAX: i32 = 127;
/// Largest shift of a [`multiply`].
pub const MAX_SHIFT: i32 = 47;
/// Bits behind the point of what [`silu`] takes.
pub const SILU_BITS: u32 = 12;
/// Bits behind the point of a [`sigmoid`].
pub const SIGMOID_BITS: u32 = 16;
/// Entries of the sigmoid's table; one covers a sixteenth, all together 0 to 16.
pub const SIGMOID_ENTRIES: usize = 256;
/// Bits of the place between two entries.
pub const SIGMOID_FRACTION: u32 = 8;

/// What one code of a vector stands for: code 127 is `largest / 2^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scale {
    /// At most 23 bits, the highest of them set unless a root was multiplied in (then one of the two highest).
    pub largest: u32,
    /// Bits behind its point.
    pub exponent: i32,
}

impl Scale {
    /// The scale of a vector of floats: its largest magnitude, to 23 bits.
    ///
    /// All zero, or beyond what an exponent of 8 bits holds, is the smallest or the largest scale there is.
    pub fn of(x: &[f32]) -> Scale {
        let largest = x.iter().fold(0.0_f64, |max, v| max.max(f64::from(v.abs())));
        if !largest.is_finite() || largest >= 2_f64.powi(22 + 128) {
            return Scale { largest: (1 << 23) - 1, exponent: -128 };
        }
        // f64 holds every f32's magnitude with room to spare, so this is exact but for the one rounding.
        let mut exponent = 22 - if largest > 0.0 { largest.log2().floor() as i32 } else { -200 };
        exponent = exponent.min(127);
        let mut value = (largest * 2_f64.powi(exponent)).round();
        while value >= 8_388_608.0 {
            exponent -= 1;
            value = (largest * 2_f64.powi(exponent)).round();
        }
        Scale { largest: (value as u32).max(1), exponent }
    }

    /// What code 1 stands for.
    pub fn step(&self) -> f64 {
        f64::from(self.largest) * 2_f64.powi(-self.exponent) / f64::from(CODE_MAX)
    }

    /// The bytes on the wire.
    pub fn to_bytes(self) -> [u8; SCALE_BYTES] {
        let [a, b, c, _] = self.largest.to_le_bytes();
        [a, b, c, self.exponent as i8 as u8]
    }

    /// The scale of those bytes.
    pub fn from_bytes([a, b, c, exponent]: [u8; SCALE_BYTES]) -> Scale {
        Scale { largest: u32::from_le_bytes([a, b, c, 0]), exponent: i32::from(exponent as i8) }
    }
}

/// Codes of floats at the scale of [`Scale::of`], rounded half away from zero: what a host sends.
pub fn codes_of(x: &[f32]) -> (Scale, Vec<i8>) {
    let scale = Scale::of(x);
    let step = scale.step();
    let code = |v: &f32| ((f64::from(*v) / step).round() as i32).clamp(-CODE_MAX, CODE_MAX) as i8;
    (scale, x.iter().map(code).collect())
}

/// Wide values of floats with `bits` bits behind the point, rounded half away from zero, saturated. NaN is 0.
pub fn wide_of(x: &[f32], bits: u32) -> Vec<i32> {
    let unit = 2_f64.powi(bits as i32);
    x.iter().map(|v| saturate((f64::from(*v) * unit).round() as i64)).collect()
}

/// The floats of wide values with `bits` bits behind the point.
pub fn floats_of(wide: &[i32], bits: u32) -> Vec<f32> {
    let unit = 2_f64.powi(-(bits as i32));
    wide.iter().map(|v| (f64::from(*v) * unit) as f32).collect()
}

/// Constants of a program for positive or negative factors: every one times `2^bits`, rounded half away from zero, with as
/// many bits as let the largest magnitude fill 23. Returns the bits; 0 of nothing but zeros.
pub fn constants_of(factors: &[f64]) -> (Vec<i32>, i32) {
    let largest = factors.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return (vec![0; factors.len()], 0);
    }
    let mut bits = 22 - largest.log2().floor() as i32;
    if (largest * 2_f64.powi(bits)).round() > f64::from(WIDE_MAX) {
        bits -= 1;
    }
    let unit = 2_f64.powi(bits);
    (factors.iter().map(|v| saturate((v * unit).round() as i64)).collect(), bits)
}

/// The wide value next to `value`.
pub fn saturate(value: i64) -> i32 {
    value.clamp(-i64::from(WIDE_MAX), i64::from(WIDE_MAX)) as i32
}

/// `a * b / 2^shift`, rounded half away from zero, saturated: the unit's one operation. The shift is clamped to
/// 0..=[`MAX_SHIFT`]; beyond it nothing of a product is left.
pub fn multiply(a: i32, b: i32, shift: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    let magnitude = product.unsigned_abs();
    // Of the magnitude, so that halves go away from zero; one bit more is kept to round by.
    let rounded = ((magnitude << 1 >> shift.clamp(0, MAX_SHIFT)) + 1) >> 1;
    let magnitude = rounded.min(WIDE_MAX as u64) as i32;
    if product < 0 { -magnitude } else { magnitude }
}

/// What makes codes of wide values whose largest magnitude is `largest` (24 bits; 0 counts as 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantizer {
    /// `largest` shifted up to 23 bits.
    pub normalised: u32,
    /// By how many.
    pub lift: i32,
    /// `127 * 2^38 / normalised`, cut off: 22 or 23 bits.
    pub reciprocal: u32,
}

/// Bits behind the point of [`Quantizer::reciprocal`].
pub const RECIPROCAL_BITS: i32 = 38;
/// Bits of a lower part of a code, see [`Quantizer::upper`].
pub const PART_BITS: i32 = 8;

impl Quantizer {
    /// The quantizer of a vector.
    pub fn new(largest: u32) -> Quantizer {
        let largest = largest.clamp(1, WIDE_MAX as u32);
        let lift = largest.leading_zeros() as i32 - 9;
        let normalised = largest << lift;
        let reciprocal = ((CODE_MAX as u64) << RECIPROCAL_BITS) / u64::from(normalised);
        Quantizer { normalised, lift, reciprocal: reciprocal as u32 }
    }

    /// A value's code: the nearest to `value * 127 / largest`, or in rare cases the one below a half.
    pub fn code(&self, value: i32) -> i8 {
        multiply(value, self.reciprocal as i32, RECIPROCAL_BITS - self.lift).clamp(-CODE_MAX, CODE_MAX) as i8
    }

    /// A value in 256ths of a code.
    fn fine(&self, value: i32) -> i32 {
        multiply(value, self.reciprocal as i32, RECIPROCAL_BITS - self.lift - PART_BITS)
    }

    /// The upper part of a value's code of 16 bits: `value = (upper + lower / 256) * largest / 127`, to a 512th of a step
    /// (three times that where the lower part would be -128).
    pub fn upper(&self, value: i32) -> i8 {
        ((self.fine(value) + (1 << (PART_BITS - 1))) >> PART_BITS).clamp(-CODE_MAX, CODE_MAX) as i8
    }

    /// The lower part, -127 to 127: where -128 would be right it is a 256th of a step off.
    pub fn lower(&self, value: i32) -> i8 {
        (self.fine(value) as i8).max(-CODE_MAX as i8)
    }
}

/// An inverse root as the unit has it: `1 / sqrt(squares) = value * 2^(shift - 54)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// At most 23 bits, the highest set.
    pub value: u32,
    /// At most 31.
    pub shift: i32,
}

impl Root {
    /// The inverse root of a sum of squares, whose lowest bit counts as set so that there is one.
    pub fn inverse(squares: u64) -> Root {
        let squares = squares | 1;
        let shift = squares.leading_zeros() / 2;
        let root = squares_root(squares << (2 * shift));
        let value = ((1_u64 << 54) / u64::from(root)).min((1 << 23) - 1);
        Root { value: value as u32, shift: shift as i32 }
    }
}

/// The root of a number of 64 bits, cut off, bit by bit from the highest: what the fabric does in 32 cycles.
fn squares_root(mut squares: u64) -> u32 {
    let (mut rest, mut root) = (0_u64, 0_u64);
    for _ in 0..32 {
        rest = rest << 2 | squares >> 62;
        squares <<= 2;
        let trial = root << 2 | 1;
        root <<= 1;
        if rest >= trial {
            rest -= trial;
            root |= 1;
        }
    }
    root as u32
}

/// `sigmoid(-i / 16)` for every entry, 16 bits behind the point, and behind the last what an entry more would hold.
pub fn sigmoid_table() -> &'static [u32; SIGMOID_ENTRIES + 1] {
    static TABLE: LazyLock<[u32; SIGMOID_ENTRIES + 1]> =
        LazyLock::new(|| std::array::from_fn(|i| (65_536.0 / (1.0 + (i as f64 / 16.0).exp())).round() as u32));
    &TABLE
}

/// `1 / (1 + exp(-x))` of a wide value with [`SILU_BITS`] bits behind the point; 0 to 65,536. Between two entries of
/// the table by a straight line; beyond 16 as at 16.
pub fn sigmoid(x: i32) -> u32 {
    let at = x.unsigned_abs().min((1 << (SIGMOID_FRACTION + 8)) - 1);
    let (entry, fraction) = ((at >> SIGMOID_FRACTION) as usize, at & ((1 << SIGMOID_FRACTION) - 1));
    let table = sigmoid_table();
    let drop = table[entry] - table[entry + 1];
    let tail = table[entry] - ((drop * fraction + (1 << (SIGMOID_FRACTION - 1))) >> SIGMOID_FRACTION);
    if x < 0 { tail } else { (1 << SIGMOID_BITS) - tail }
}

/// `x * sigmoid(x)` of a wide value with [`SILU_BITS`] bits behind the point, and with as many behind the result's.
pub fn silu(x: i32) -> i32 {
    multiply(x, sigmoid(x) as i32, SIGMOID_BITS as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn multiply_is_the_rounded_product(a in -WIDE_MAX..=WIDE_MAX, b in -WIDE_MAX..=WIDE_MAX, shift in 0..=MAX_SHIFT) {
            let exact = i128::from(a) * i128::from(b);
            let half = if shift == 0 { 0 } else { 1_i128 << (shift - 1) };
            let rounded = (exact.abs() + half) >> shift;
            let expected = rounded.min(i128::from(WIDE_MAX)) * exact.signum();
            prop_assert_eq!(i128::from(multiply(a, b, shift)), expected);
        }

        #[test]
        fn codes_are_the_nearest_within_a_hundredth_of_a_step(largest in 1_u32..=WIDE_MAX as u32, part in 0.0..=1.0_f64) {
            let q = Quantizer::new(largest);
            prop_assert_eq!(q.normalised >> 22, 1);
            let value = (f64::from(largest) * part).round() as i32;
            let exact = f64::from(value) * 127.0 / f64::from(largest);
            prop_assert!((f64::from(q.code(value)) - exact).abs() <= 0.5001, "{value} of {largest}: {} for {exact}", q.code(value));
            prop_assert_eq!(q.code(-value), -q.code(value));
            prop_assert_eq!(q.code(largest as i32), 127);
        }

        #[test]
        fn two_parts_are_the_value_within_a_hundredth_of_a_step(largest in 1_u32..=WIDE_MAX as u32, part in -1.0..=1.0_f64) {
            let q = Quantizer::new(largest);
            let value = (f64::from(largest) * part).round() as i32;
            let exact = f64::from(value) * 127.0 / f64::from(largest);
            let found = f64::from(q.upper(value)) + f64::from(q.lower(value)) / 256.0;
            // Half a 256th, and a whole one where the lower part would be -128.
            prop_assert!((found - exact).abs() <= 1.51 / 256.0, "{value} of {largest}: {found} for {exact}");
        }

        #[test]
        fn inverse_roots_have_22_bits(squares in 1_u64.., down in 0_u32..64) {
            let squares = (squares >> down) | 1;
            let root = Root::inverse(squares);
            let exact = 1.0 / (squares as f64).sqrt();
            let found = f64::from(root.value) * 2_f64.powi(root.shift - 54);
            prop_assert!((found / exact - 1.0).abs() < 5e-7, "{squares}: {found} for {exact}");
        }

        #[test]
        fn scales_survive_the_wire_and_hold_their_vector(x in prop::collection::vec(-1e20_f32..1e20, 1..20), down in 0_i32..160) {
            let x: Vec<f32> = x.iter().map(|v| v * 2_f32.powi(-down)).collect();
            let (scale, codes) = codes_of(&x);
            prop_assert_eq!(Scale::from_bytes(scale.to_bytes()), scale);
            for (v, code) in x.iter().zip(codes) {
                let back = f64::from(code) * scale.step();
                prop_assert!((back - f64::from(*v)).abs() <= scale.step() * 0.5001);
            }
        }
    }

    #[test]
    fn multiply_saturates_at_both_extremes_and_rounds_halves_away() {
        assert_eq!([multiply(WIDE_MAX, WIDE_MAX, 0), multiply(WIDE_MAX, -WIDE_MAX, 22)], [WIDE_MAX, -WIDE_MAX]);
        assert_eq!([multiply(1, 1, 1), multiply(-1, 1, 1), multiply(1, 1, 2), multiply(3, 1, 1)], [1, -1, 0, 2]);
        assert_eq!([multiply(WIDE_MAX, WIDE_MAX, 99), multiply(5, 7, -3)], [0, 35]);
        assert_eq!(saturate(i64::MIN), -WIDE_MAX);
    }

    #[test]
    fn scales_of_nothing_and_of_too_much_exist() {
        for x in [&[][..], &[0.0], &[-0.0, 1e-45], &[f32::INFINITY], &[f32::MAX]] {
            let scale = Scale::of(x);
            assert!((1..1 << 23).contains(&scale.largest) && (-128..=127).contains(&scale.exponent), "{x:?}: {scale:?}");
        }
        assert_eq!(codes_of(&[0.0, -0.0]).1, [0, 0]);
        assert_eq!(Quantizer::new(0).code(0), 0);
        assert_eq!(Root::inverse(0), Root::inverse(1));
        assert_eq!(wide_of(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY], 12), [0, WIDE_MAX, -WIDE_MAX]);
    }

    /// Over every value that is not beyond the table, and at the extremes.
    #[test]
    fn sigmoid_and_silu_are_within_a_part_in_ten_thousand_everywhere() {
        let unit = f64::from(1 << SILU_BITS);
        let (mut worst, mut error, mut norm) = (0.0_f64, 0.0_f64, 0.0_f64);
        for x in (-80_000..=80_000).chain([WIDE_MAX, -WIDE_MAX]) {
            let exact = 1.0 / (1.0 + (-f64::from(x) / unit).exp());
            worst = worst.max((f64::from(sigmoid(x)) / 65_536.0 - exact).abs());
            if x.abs() <= 40_000 {
                let value = f64::from(x) / unit * exact;
                error += (f64::from(silu(x)) / unit - value).powi(2);
                norm += value.powi(2);
            }
        }
        assert!(worst < 7e-5, "sigmoid is {worst:.2e} off");
        assert!((error / norm).sqrt() < 1e-4, "silu's relative error is {:.2e}", (error / norm).sqrt());
        assert_eq!((sigmoid(0), sigmoid(WIDE_MAX), sigmoid(-WIDE_MAX)), (32_768, 65_536, 0));
    }
}
