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

/// How a weight is spelled in bit planes. What a code is stands in one row of data, [`CodeRow`]; nothing else in the project
/// decides by a code's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightCode {
    /// Planes `active`, `positive`; values -1, 0, +1. `positive` without `active` is malformed.
    Ternary,
    /// Planes `sign`, `extra`; values -2, -1, +1, +2. There is no zero.
    Quaternary,
    /// Planes `active`, `positive` as ternary has them, and `positive` alone is the fourth value: -1, 0, +1, +2.
    Asymmetric,
    /// One plane, `positive`; values -1, +1.
    Binary,
}

/// Everything that defines a weight code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRow {
    /// The name used in files' listings, options and messages.
    pub name: &'static str,
    /// Every value, ascending.
    pub values: &'static [i8],
    /// The number in files; the articles' files use 1 and 2.
    pub number: u32,
    /// What the bits of each plane weigh, and what is added.
    pub affine: Affine,
    /// Whether the bits `(0, 1)` spell no weight.
    pub excludes_second_alone: bool,
    /// How the array takes it.
    pub array: ArrayRow,
}

/// How the array computes with a code: which of its two pairs of plane coefficients, and what its planes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayRow {
    /// The coefficients that a job's flag chooses.
    pub coefficients: ArrayCoefficients,
    /// What stands in each of the array's two planes.
    pub planes: [ArrayPlane; ARRAY_PLANES],
}

/// The two pairs of coefficients that the array has for its weight planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayCoefficients {
    /// `2 p1 - p0`.
    Ternary,
    /// `3 p0 + p1 - 2`.
    Quaternary,
}

/// Weight planes of the array, whatever the code.
pub const ARRAY_PLANES: usize = 2;

/// What a plane of the array holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayPlane {
    /// That plane of the code.
    Of(usize),
    /// A one for every column of the matrix.
    Ones,
}

impl ArrayCoefficients {
    /// The affine form that the array computes.
    pub const fn affine(self) -> Affine {
        match self {
            ArrayCoefficients::Ternary => Affine { coefficients: &[-1, 2], offset: 0 },
            ArrayCoefficients::Quaternary => Affine { coefficients: &[3, 1], offset: -2 },
        }
    }
}

const TWO_PLANES: [ArrayPlane; ARRAY_PLANES] = [ArrayPlane::Of(0), ArrayPlane::Of(1)];

const ROWS: [CodeRow; WeightCode::ALL.len()] = [
    CodeRow {
        name: "ternary",
        values: &[-1, 0, 1],
        number: 1,
        affine: Affine { coefficients: &[-1, 2], offset: 0 },
        excludes_second_alone: true,
        array: ArrayRow { coefficients: ArrayCoefficients::Ternary, planes: TWO_PLANES },
    },
    CodeRow {
        name: "quaternary",
        values: &[-2, -1, 1, 2],
        number: 2,
        affine: Affine { coefficients: &[3, 1], offset: -2 },
        excludes_second_alone: false,
        array: ArrayRow { coefficients: ArrayCoefficients::Quaternary, planes: TWO_PLANES },
    },
    CodeRow {
        name: "asymmetric",
        values: &[-1, 0, 1, 2],
        number: 3,
        affine: Affine { coefficients: &[-1, 2], offset: 0 },
        excludes_second_alone: false,
        array: ArrayRow { coefficients: ArrayCoefficients::Ternary, planes: TWO_PLANES },
    },
    CodeRow {
        name: "binary",
        values: &[-1, 1],
        number: 4,
        affine: Affine { coefficients: &[2], offset: -1 },
        excludes_second_alone: true,
        array: ArrayRow { coefficients: ArrayCoefficients::Ternary, planes: [ArrayPlane::Ones, ArrayPlane::Of(0)] },
    },
];

impl WeightCode {
    /// Most planes that a weight code has.
    pub const MAX_PLANES: usize = 2;

    /// All codes, for tests and tables that go through all of them.
    pub const ALL: [WeightCode; 4] = [WeightCode::Ternary, WeightCode::Quaternary, WeightCode::Asymmetric, WeightCode::Binary];

    /// The row of data that defines this code.
    pub const fn row(self) -> &'static CodeRow {
        &ROWS[self.index()]
    }

    /// This code's place in [`Self::ALL`], for tables of one entry per code.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The affine form: ternary and asymmetric `2p - a`, quaternary `3s + e - 2`, binary `2p - 1`.
    pub const fn affine(self) -> Affine {
        self.row().affine
    }

    /// Bit planes: 1 or 2.
    pub const fn planes(self) -> usize {
        self.row().affine.coefficients.len()
    }

    /// The weight that the bits of planes 0 and 1 spell, or `None` for bits that no weight of the code has: `(0, 1)` of ternary, and the
    /// second bit of a code of one plane.
    pub const fn decode(self, bits: (bool, bool)) -> Option<i8> {
        let (plane0, plane1) = bits;
        let Affine { coefficients, offset } = self.affine();
        if plane1 && (coefficients.len() < 2 || (!plane0 && self.row().excludes_second_alone)) {
            return None;
        }
        let first = if plane0 { coefficients[0] } else { 0 };
        let second = if plane1 { coefficients[1] } else { 0 };
        Some((first + second + offset) as i8)
    }

    /// The two bits of a weight, or `None` if the code has no such value. The second bit of a code of one plane is 0.
    pub const fn encode(self, value: i8) -> Option<(bool, bool)> {
        let mut pair = 0;
        while pair < 4 {
            let bits = (pair & 1 == 1, pair & 2 == 2);
            match self.decode(bits) {
                Some(found) if found == value => return Some(bits),
                _ => pair += 1,
            }
        }
        None
    }

    /// Every value of the code, ascending.
    pub const fn values(self) -> &'static [i8] {
        self.row().values
    }

    /// Smallest value.
    pub const fn lowest(self) -> i8 {
        self.values()[0]
    }

    /// Largest value, which no value exceeds in magnitude.
    pub const fn highest(self) -> i8 {
        self.values()[self.values().len() - 1]
    }

    /// Largest magnitude.
    pub const fn max_abs(self) -> i32 {
        self.highest() as i32
    }

    /// The name used in files' listings, options and messages.
    pub const fn name(self) -> &'static str {
        self.row().name
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
                let bits = code.encode(value).expect("a value of the code");
                assert_eq!(code.decode(bits), Some(value));
                let sum: i32 = form.coefficients.iter().zip(<[bool; 2]>::from(bits)).map(|(c, bit)| c * i32::from(bit)).sum();
                assert_eq!(sum + form.offset, i32::from(value), "{code:?} {value}");
            }
            let pairs = [(false, false), (true, false), (false, true), (true, true)];
            let mut spelled: Vec<i8> = pairs.into_iter().filter_map(|bits| code.decode(bits)).collect();
            spelled.sort();
            assert_eq!(spelled, code.values(), "{code:?}");
            assert!(code.values().is_sorted() && i32::from(code.lowest()).abs() <= i32::from(code.highest()), "{code:?}");
            assert_eq!(WeightCode::ALL[code.index()], code);
        }
        assert_eq!(WeightCode::Ternary.decode((false, true)), None);
        assert_eq!(WeightCode::Asymmetric.decode((false, true)), Some(2));
        assert_eq!((WeightCode::Binary.decode((true, true)), WeightCode::Binary.encode(0)), (None, None));
        assert_eq!(WeightCode::Quaternary.encode(0), None);
        assert_eq!(WeightCode::Ternary.encode(2), None);
    }

    #[test]
    fn the_array_gives_every_weight_of_every_code_its_value() {
        for code in WeightCode::ALL {
            let ArrayRow { coefficients, planes } = code.row().array;
            let form = coefficients.affine();
            for &value in code.values() {
                let (bit0, bit1) = code.encode(value).unwrap();
                let bit = |plane| match plane {
                    ArrayPlane::Of(plane) => [bit0, bit1][plane],
                    ArrayPlane::Ones => true,
                };
                let sum: i32 = form.coefficients.iter().zip(planes).map(|(c, plane)| c * i32::from(bit(plane))).sum();
                assert_eq!(sum + form.offset, i32::from(value), "{code:?} {value}");
            }
        }
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
