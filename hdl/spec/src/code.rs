//! Codes in affine form: the value of a code is a weighted sum of its bits plus an offset.
//!
//! From this one fact every dot product is a weighted sum of AND-popcounts of planes plus
//! constants that are summed once per row and once per vector (NUMBERS.md, section 2).

/// A code's affine form: `value = sum_k coefficient[k] * bit[k] + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affine {
    /// What each plane weighs, plane 0 first.
    pub coefficients: &'static [i32],
    /// What is added for every element, whatever its bits.
    pub offset: i32,
}

/// How a weight is spelled in two bit planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightCode {
    /// Planes `active`, `positive`; values -1, 0, +1. `positive` without `active` is malformed.
    Ternary,
    /// Planes `sign`, `extra`; values -2, -1, +1, +2. There is no zero.
    Quaternary,
}

impl WeightCode {
    /// Planes of every weight code.
    pub const PLANES: usize = 2;

    /// Both codes, for tests and tables that go through all of them.
    pub const ALL: [WeightCode; 2] = [WeightCode::Ternary, WeightCode::Quaternary];

    /// The affine form: ternary `2p - a`, quaternary `3s + e - 2`.
    pub const fn affine(self) -> Affine {
        match self {
            WeightCode::Ternary => Affine { coefficients: &[-1, 2], offset: 0 },
            WeightCode::Quaternary => Affine { coefficients: &[3, 1], offset: -2 },
        }
    }

    /// The weight that the two bits spell, or `None` for the malformed ternary pair `(0, 1)`.
    pub const fn decode(self, plane0: bool, plane1: bool) -> Option<i8> {
        match (self, plane0, plane1) {
            (WeightCode::Ternary, false, false) => Some(0),
            (WeightCode::Ternary, false, true) => None,
            (WeightCode::Ternary, true, false) => Some(-1),
            (WeightCode::Ternary, true, true) => Some(1),
            (WeightCode::Quaternary, false, false) => Some(-2),
            (WeightCode::Quaternary, false, true) => Some(-1),
            (WeightCode::Quaternary, true, false) => Some(1),
            (WeightCode::Quaternary, true, true) => Some(2),
        }
    }

    /// The two bits of a weight, or `None` if the code has no such value.
    pub const fn encode(self, value: i8) -> Option<(bool, bool)> {
        match (self, value) {
            (WeightCode::Ternary, 0) => Some((false, false)),
            (WeightCode::Ternary, -1) => Some((true, false)),
            (WeightCode::Ternary, 1) => Some((true, true)),
            (WeightCode::Quaternary, -2) => Some((false, false)),
            (WeightCode::Quaternary, -1) => Some((false, true)),
            (WeightCode::Quaternary, 1) => Some((true, false)),
            (WeightCode::Quaternary, 2) => Some((true, true)),
            _ => None,
        }
    }

    /// Every value of the code, ascending.
    pub const fn values(self) -> &'static [i8] {
        match self {
            WeightCode::Ternary => &[-1, 0, 1],
            WeightCode::Quaternary => &[-2, -1, 1, 2],
        }
    }

    /// Largest absolute value.
    pub const fn max_abs(self) -> i32 {
        match self {
            WeightCode::Ternary => 1,
            WeightCode::Quaternary => 2,
        }
    }

    /// The name used in files' listings, options and messages.
    pub const fn name(self) -> &'static str {
        match self {
            WeightCode::Ternary => "ternary",
            WeightCode::Quaternary => "quaternary",
        }
    }
}

/// How an activation is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivationCode {
    /// Eight bits, two's complement: the default precision.
    A8,
    /// Four bits, two's complement: the speed mode.
    A4,
    /// The articles' quaternary code: -2, -1, +1, +2.
    A2,
}

impl ActivationCode {
    /// All codes, for tests and tables that go through all of them.
    pub const ALL: [ActivationCode; 3] = [ActivationCode::A8, ActivationCode::A4, ActivationCode::A2];

    /// The affine form. A2's planes stand as `(extra, sign)`, lightest first, as the others' do.
    pub const fn affine(self) -> Affine {
        match self {
            ActivationCode::A8 => Affine { coefficients: &[1, 2, 4, 8, 16, 32, 64, -128], offset: 0 },
            ActivationCode::A4 => Affine { coefficients: &[1, 2, 4, -8], offset: 0 },
            ActivationCode::A2 => Affine { coefficients: &[1, 3], offset: -2 },
        }
    }

    /// Number of bit planes.
    pub const fn planes(self) -> usize {
        self.affine().coefficients.len()
    }

    /// Bit of `plane` in the code of `value`. Call only with values that [`Self::contains`] holds of.
    pub const fn bit(self, value: i8, plane: usize) -> bool {
        match self {
            ActivationCode::A8 | ActivationCode::A4 => (value >> plane) & 1 == 1,
            // extra is set for -1 and +2, sign for the positive ones.
            ActivationCode::A2 => {
                if plane == 0 {
                    value == -1 || value == 2
                } else {
                    value > 0
                }
            }
        }
    }

    /// Whether the code has this value.
    pub const fn contains(self, value: i8) -> bool {
        match self {
            ActivationCode::A8 => true,
            ActivationCode::A4 => value >= -8 && value <= 7,
            ActivationCode::A2 => matches!(value, -2 | -1 | 1 | 2),
        }
    }

    /// Smallest and largest value.
    pub const fn range(self) -> (i8, i8) {
        match self {
            ActivationCode::A8 => (i8::MIN, i8::MAX),
            ActivationCode::A4 => (-8, 7),
            ActivationCode::A2 => (-2, 2),
        }
    }

    /// The name used in files' metadata, options and messages.
    pub const fn name(self) -> &'static str {
        match self {
            ActivationCode::A8 => "A8",
            ActivationCode::A4 => "A4",
            ActivationCode::A2 => "A2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_code_is_affine_in_its_bits() {
        for code in WeightCode::ALL {
            let form = code.affine();
            for &value in code.values() {
                let (bit0, bit1) = code.encode(value).expect("a value of the code");
                assert_eq!(code.decode(bit0, bit1), Some(value));
                let sum = form.coefficients[0] * i32::from(bit0) + form.coefficients[1] * i32::from(bit1) + form.offset;
                assert_eq!(sum, i32::from(value), "{code:?} {value}");
            }
        }
        assert_eq!(WeightCode::Ternary.decode(false, true), None);
        assert_eq!(WeightCode::Quaternary.encode(0), None);
        assert_eq!(WeightCode::Ternary.encode(2), None);
    }

    #[test]
    fn every_activation_code_is_affine_in_its_bits() {
        for code in ActivationCode::ALL {
            let form = code.affine();
            for value in i8::MIN..=i8::MAX {
                if !code.contains(value) {
                    continue;
                }
                let sum: i32 = form.coefficients.iter().enumerate().map(|(plane, c)| c * i32::from(code.bit(value, plane))).sum();
                assert_eq!(sum + form.offset, i32::from(value), "{code:?} {value}");
            }
        }
    }
}
