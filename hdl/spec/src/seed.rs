//! The articles' element operations, exactly: the mode called `seed`.
//!
//! A vector is codes -2, -1, +1, +2 (quaternary, no zero) times `2^log2_scale`. Every operation here is defined by a loop over
//! elements that a reader checks by hand; kernels and cores equal it bit for bit. What these operations do badly stands
//! in NUMBERS.md; they are called by this name only, and never in the default mode.
//!
//! Source: the two tables and the norm of the articles' published program (`ADD_LUT_Q16`, `SWIGLU_LUT_Q16`, `rms_norm_nda`),
//! read as definitions. Padding is zero in both planes after every operation.

mod call;
mod norm;
mod quantize;

pub use call::{Answer, Call, DEVICE_EPS_SHIFT, Operand, Operation, exponent_of, scale_of};
pub use norm::{
    MAX_EPS_SHIFT, MEAN_ONE, NORMALISED_SHIFT, inverse_root_q14, norm_limit, norm_table, norm_weights, rms_norm, sum_of_squares,
};
pub use quantize::{LARGE_Q, MIN_AMAX, Quantized, large_from, quantize};

use crate::WeightCode;

/// Elements that one look-up of a table serves.
pub const TABLE_LANES: usize = 4;
/// Entries of `ADD_LUT_Q16` and of `SWIGLU_LUT_Q16`; a byte each.
pub const TABLE_ENTRIES: usize = 1 << (4 * TABLE_LANES);

/// A vector's codes with the exponent of its scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaled {
    /// -2, -1, +1 or +2 each.
    pub codes: Vec<i8>,
    /// The vector is `codes * 2^log2_scale`.
    pub log2_scale: i8,
}

/// The nearest code of a sum or product: -2 to 2 saturated, and zero, which there is none of, becomes +1.
pub const fn encode(value: i32) -> i8 {
    match value {
        i32::MIN..=-2 => -2,
        -1 => -1,
        0 | 1 => 1,
        2..=i32::MAX => 2,
    }
}

/// `value / 2^shift`, truncated toward zero.
pub const fn divide(value: i32, shift: u32) -> i32 {
    if shift >= 31 { 0 } else { value / (1 << shift) }
}

/// A code's sign and extra bit.
///
/// # Panics
/// If `code` is none of -2, -1, +1, +2.
pub fn bits(code: i8) -> (bool, bool) {
    WeightCode::Quaternary.encode(code).unwrap_or_else(|| panic!("{code} is not a quaternary code"))
}

/// The code of a sign and an extra bit.
pub const fn code(sign_and_extra: (bool, bool)) -> i8 {
    match sign_and_extra {
        (false, false) => -2,
        (false, true) => -1,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// Bit planes of codes, 64 elements a word, element `i` at bit `i % 64`: sign and extra. Padding is zero.
///
/// # Panics
/// As [`bits`].
pub fn planes(codes: &[i8]) -> (Vec<u64>, Vec<u64>) {
    let mut planes = (vec![0; codes.len().div_ceil(64)], vec![0; codes.len().div_ceil(64)]);
    for (i, &v) in codes.iter().enumerate() {
        let (sign, extra) = bits(v);
        planes.0[i / 64] |= u64::from(sign) << (i % 64);
        planes.1[i / 64] |= u64::from(extra) << (i % 64);
    }
    planes
}

/// The first `count` codes of two bit planes.
///
/// # Panics
/// If the planes hold fewer.
pub fn codes(sign: &[u64], extra: &[u64], count: usize) -> Vec<i8> {
    (0..count).map(|i| code((sign[i / 64] >> (i % 64) & 1 == 1, extra[i / 64] >> (i % 64) & 1 == 1))).collect()
}

/// `x + d`, element by element: the operand of the smaller scale is divided by the power of two between the scales, truncated
/// toward zero; the sum is [`encode`]d at the larger scale.
///
/// # Panics
/// If the lengths differ.
pub fn add(x: &Scaled, d: &Scaled) -> Scaled {
    assert_eq!(x.codes.len(), d.codes.len(), "add needs equal lengths");
    let log2_scale = x.log2_scale.max(d.log2_scale);
    let shift = |of: i8| (i32::from(log2_scale) - i32::from(of)).unsigned_abs();
    let (x_shift, d_shift) = (shift(x.log2_scale), shift(d.log2_scale));
    let sum = |(x, d): (&i8, &i8)| encode(divide(i32::from(*x), x_shift) + divide(i32::from(*d), d_shift));
    Scaled { codes: x.codes.iter().zip(&d.codes).map(sum).collect(), log2_scale }
}

/// The byte SiLU, which sets `extra` where `sign` is clear: -2 becomes -1, all else stays, whatever the scale.
pub const fn silu(code: i8) -> i8 {
    if code == -2 { -1 } else { code }
}

/// `silu(gate) * up`, element by element, [`encode`]d; the exponents of the scales are added, saturating at an i8's ends.
///
/// # Panics
/// If the lengths differ.
pub fn swiglu(gate: &Scaled, up: &Scaled) -> Scaled {
    assert_eq!(gate.codes.len(), up.codes.len(), "swiglu needs equal lengths");
    let product = |(g, u): (&i8, &i8)| encode(i32::from(silu(*g)) * i32::from(*u));
    Scaled { codes: gate.codes.iter().zip(&up.codes).map(product).collect(), log2_scale: gate.log2_scale.saturating_add(up.log2_scale) }
}

/// `ADD_LUT_Q16`: entry `xs | xe << 4 | ds << 8 | de << 12` holds the signs of four sums at bits 0..4 and their extra bits at
/// 4..8. For operands of equal scale.
pub fn add_lut_q16() -> Vec<u8> {
    table(|x, d| encode(i32::from(x) + i32::from(d)))
}

/// `SWIGLU_LUT_Q16`, laid out as [`add_lut_q16`]: the products of gate and up. [`silu`] was applied to the gate before.
pub fn swiglu_lut_q16() -> Vec<u8> {
    table(|g, u| encode(i32::from(g) * i32::from(u)))
}

fn table(of: impl Fn(i8, i8) -> i8) -> Vec<u8> {
    let entry = |index: usize| {
        let bit = |plane: usize, lane: usize| index >> (4 * plane + lane) & 1 == 1;
        let operand = |plane: usize, lane: usize| code((bit(plane, lane), bit(plane + 1, lane)));
        (0..TABLE_LANES).fold(0, |entry, lane| {
            let (sign, extra) = bits(of(operand(0, lane), operand(2, lane)));
            entry | u8::from(sign) << lane | u8::from(extra) << (TABLE_LANES + lane)
        })
    };
    (0..TABLE_ENTRIES).map(entry).collect()
}

/// [`add_lut_q16`] without the table, for words of any width: same signs stay and become large; of different signs the
/// positive one wins unless the negative one alone is large, and the sum is small.
pub const fn add_planes(x_sign: u64, x_extra: u64, d_sign: u64, d_extra: u64) -> (u64, u64) {
    let differ = x_sign ^ d_sign;
    // Of different signs: a positive operand's extra bit says that it is large, a negative one's that it is small.
    let sign = (x_sign & d_sign) | (differ & (x_extra | d_extra));
    (sign, sign ^ differ)
}

/// [`swiglu`] for words of any width, the gate's SiLU included.
pub const fn swiglu_planes(gate_sign: u64, gate_extra: u64, up_sign: u64, up_extra: u64) -> (u64, u64) {
    let sign = !(gate_sign ^ up_sign);
    // Behind the SiLU only +2 is large.
    let is_large = (gate_sign & gate_extra) | !(up_sign ^ up_extra);
    (sign, !(sign ^ is_large))
}

/// How two codes are compared. As a number: bit 0 less, bit 1 greater, bit 2 inverts; no bit of the first two is equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `a == b`.
    Equal,
    /// `a < b`.
    Less,
    /// `a > b`.
    Greater,
    /// `a != b`.
    NotEqual,
    /// `a >= b`.
    NotLess,
    /// `a <= b`.
    NotGreater,
}

impl Comparison {
    /// All of them, for tests.
    pub const ALL: [Comparison; 6] =
        [Comparison::Equal, Comparison::Less, Comparison::Greater, Comparison::NotEqual, Comparison::NotLess, Comparison::NotGreater];

    /// What the fabric calls it, three bits.
    pub const fn number(self) -> u8 {
        match self {
            Comparison::Equal => 0,
            Comparison::Less => 1,
            Comparison::Greater => 2,
            Comparison::NotEqual => 4,
            Comparison::NotLess => 5,
            Comparison::NotGreater => 6,
        }
    }

    /// The comparison of a number.
    pub fn from_number(number: u8) -> Option<Comparison> {
        Comparison::ALL.into_iter().find(|by| by.number() == number)
    }

    /// How programs spell it.
    pub const fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::Less => "<",
            Comparison::Greater => ">",
            Comparison::NotEqual => "!=",
            Comparison::NotLess => ">=",
            Comparison::NotGreater => "<=",
        }
    }

    /// The comparison that is spelled so.
    pub fn from_sign(sign: &str) -> Option<Comparison> {
        Comparison::ALL.into_iter().find(|by| by.sign() == sign)
    }

    /// Whether it holds of two codes.
    pub const fn holds(self, a: i8, b: i8) -> bool {
        match self {
            Comparison::Equal => a == b,
            Comparison::Less => a < b,
            Comparison::Greater => a > b,
            Comparison::NotEqual => a != b,
            Comparison::NotLess => a >= b,
            Comparison::NotGreater => a <= b,
        }
    }
}

/// Compares codes element by element, whatever the scales: +1 where it holds, else -1.
///
/// # Panics
/// If the lengths differ.
pub fn compare(by: Comparison, a: &[i8], b: &[i8]) -> Vec<i8> {
    assert_eq!(a.len(), b.len(), "compare needs equal lengths");
    a.iter().zip(b).map(|(&a, &b)| if by.holds(a, b) { 1 } else { -1 }).collect()
}

/// Whether the sum of the codes is above zero.
pub fn truthy(codes: &[i8]) -> bool {
    codes.iter().map(|&v| i64::from(v)).sum::<i64>() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [i8; 4] = [-2, -1, 1, 2];

    #[test]
    fn encode_is_the_articles_table_of_nine() {
        let nine: Vec<i8> = (-4..=4).map(encode).collect();
        assert_eq!(nine, [-2, -2, -2, -1, 1, 1, 2, 2, 2]);
        assert_eq!([encode(i32::MIN), encode(i32::MAX)], [-2, 2]);
    }

    #[test]
    fn every_entry_of_both_tables_is_four_independent_elements() {
        let (add, swiglu) = (add_lut_q16(), swiglu_lut_q16());
        assert_eq!((add.len(), swiglu.len()), (65_536, 65_536));
        for index in 0..TABLE_ENTRIES {
            for lane in 0..TABLE_LANES {
                let bit = |at: usize| index >> at & 1 == 1;
                let (a, b) = (code((bit(lane), bit(4 + lane))), code((bit(8 + lane), bit(12 + lane))));
                let got = |table: &[u8]| code((table[index] >> lane & 1 == 1, table[index] >> (4 + lane) & 1 == 1));
                assert_eq!(got(&add), encode(i32::from(a) + i32::from(b)), "add {index:#06x}");
                assert_eq!(got(&swiglu), encode(i32::from(a) * i32::from(b)), "swiglu {index:#06x}");
            }
        }
        // Three entries by hand: (+1) + (-1) = 0 becomes +1; (+2) + (+2) and (-2) * (+2) saturate. Lanes 1 to 3 are -2 + -2.
        assert_eq!((add[0x1001], add[0x1111] & 0x11, swiglu[0x1100] & 0x11), (0x01, 0x11, 0x00));
    }

    #[test]
    fn the_boolean_forms_are_the_tables() {
        let (add, swiglu) = (add_lut_q16(), swiglu_lut_q16());
        for index in 0..TABLE_ENTRIES {
            let nibble = |at: usize| (index >> at & 15) as u64;
            let (sign, extra) = add_planes(nibble(0), nibble(4), nibble(8), nibble(12));
            assert_eq!((sign | extra << 4) as u8, add[index], "add {index:#06x}");
            // The gate's SiLU stands before the table and inside the planes' form.
            let gate = nibble(4) | (!nibble(0) & 15);
            let behind = swiglu[index & 0xff0f | (gate as usize) << 4];
            let (sign, extra) = swiglu_planes(nibble(0), nibble(4), nibble(8), nibble(12));
            assert_eq!((sign & 15 | (extra & 15) << 4) as u8, behind, "swiglu {index:#06x}");
        }
    }

    #[test]
    fn add_at_every_pair_of_codes_and_every_gap_between_scales() {
        for gap in 0..=255_i32 {
            for x in CODES {
                for d in CODES {
                    let coarse = Scaled { codes: vec![x], log2_scale: 127 };
                    let fine = Scaled { codes: vec![d], log2_scale: (127 - gap) as i8 };
                    // By cases: a gap of one leaves the fine operand's halves, a larger one nothing.
                    let left = match (gap, d) {
                        (0, d) => d,
                        (1, 2) => 1,
                        (1, -2) => -1,
                        _ => 0,
                    };
                    let expected = Scaled { codes: vec![encode(i32::from(x) + i32::from(left))], log2_scale: 127 };
                    assert_eq!(add(&coarse, &fine), expected, "{x} + {d} at a gap of {gap}");
                    assert_eq!(add(&fine, &coarse), expected, "{d} + {x} at a gap of {gap}");
                }
            }
        }
    }

    #[test]
    fn silu_swiglu_and_scales_at_their_ends() {
        assert_eq!(CODES.map(silu), [-1, -1, 1, 2]);
        let scaled = |code: i8, log2_scale: i8| Scaled { codes: vec![code], log2_scale };
        assert_eq!(swiglu(&scaled(-2, 3), &scaled(2, 4)), scaled(-2, 7));
        assert_eq!(swiglu(&scaled(-2, 100), &scaled(-1, 100)), scaled(1, 127));
        assert_eq!(swiglu(&scaled(2, -100), &scaled(2, -100)), scaled(2, -128));
    }

    #[test]
    fn comparisons_invert_each_other_and_truthy_is_a_sum() {
        for a in CODES {
            for b in CODES {
                for by in Comparison::ALL {
                    assert_eq!((Comparison::from_number(by.number()), Comparison::from_sign(by.sign())), (Some(by), Some(by)));
                    let other = Comparison::ALL.into_iter().find(|c| c.number() == by.number() ^ 4).unwrap();
                    assert_eq!(compare(by, &[a], &[b])[0], -compare(other, &[a], &[b])[0]);
                }
            }
        }
        assert_eq!(compare(Comparison::Less, &[-2, 1, 2], &[-1, 1, -2]), [1, -1, -1]);
        assert_eq!([truthy(&[]), truthy(&[1, -1]), truthy(&[2, -1]), truthy(&[-2, 1])], [false, false, true, false]);
    }

    #[test]
    fn planes_and_codes_are_inverse_and_padding_is_zero() {
        for count in [0, 1, 63, 64, 65, 200] {
            let all: Vec<i8> = (0..count).map(|i| CODES[(i * 7 + i / 5) % 4]).collect();
            let (sign, extra) = planes(&all);
            assert_eq!(codes(&sign, &extra, count), all);
            let used = if count % 64 == 0 { u64::MAX } else { (1 << (count % 64)) - 1 };
            assert!(sign.last().is_none_or(|w| w & !used == 0) && extra.last().is_none_or(|w| w & !used == 0));
        }
    }
}
