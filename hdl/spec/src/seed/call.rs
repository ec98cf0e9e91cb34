//! Any of the element operations as data: what a language calls, a request carries and a device does.

use super::{Comparison, Scaled, add, compare, quantize, rms_norm, silu, swiglu, truthy};

/// Shifts from this one on are the same eps, one unit of the mean: the one that a device's norm is built for.
pub const DEVICE_EPS_SHIFT: u8 = super::MAX_EPS_SHIFT as u8;

/// The exponent of a scale that is a power of two, -128 to 127.
pub const fn exponent_of(scale: f32) -> Option<i8> {
    let bits = scale.to_bits();
    match bits {
        SUBNORMAL_128 => Some(-128),
        SUBNORMAL_127 => Some(-127),
        // No mantissa, no sign, neither zero nor an infinity.
        _ if bits & 0x807f_ffff == 0 && bits != 0 && bits >> 23 != 255 => Some(((bits >> 23) as i32 - 127) as i8),
        _ => None,
    }
}

/// `2^log2_scale`.
pub const fn scale_of(log2_scale: i8) -> f32 {
    match log2_scale {
        -128 => f32::from_bits(SUBNORMAL_128),
        -127 => f32::from_bits(SUBNORMAL_127),
        _ => f32::from_bits(((log2_scale as i32 + 127) as u32) << 23),
    }
}

/// The two powers of two below the normal numbers that an exponent reaches.
const SUBNORMAL_128: u32 = 1 << 21;
const SUBNORMAL_127: u32 = 1 << 22;

/// Which operation, without its operands. As a number: what a request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Operation {
    /// [`add`] at any two scales.
    Add = 1,
    /// [`add`] at one scale.
    AlignedAdd = 2,
    /// [`swiglu`].
    Swiglu = 3,
    /// [`silu`] of every code.
    Silu = 4,
    /// [`rms_norm`].
    RmsNorm = 5,
    /// [`compare`].
    Compare = 6,
    /// [`truthy`].
    Truthy = 7,
    /// [`quantize`].
    Quantize = 8,
}

impl Operation {
    /// Every operation, in the order of their numbers.
    pub const ALL: [Operation; 8] = [
        Operation::Add,
        Operation::AlignedAdd,
        Operation::Swiglu,
        Operation::Silu,
        Operation::RmsNorm,
        Operation::Compare,
        Operation::Truthy,
        Operation::Quantize,
    ];

    /// The operation of a number.
    pub fn from_number(number: u8) -> Option<Operation> {
        Operation::ALL.into_iter().find(|&operation| operation as u8 == number)
    }

    /// What it is called in programs and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Add => "seed_add",
            Operation::AlignedAdd => "seed_aligned_add",
            Operation::Swiglu => "seed_swiglu",
            Operation::Silu => "seed_silu",
            Operation::RmsNorm => "seed_rms_norm",
            Operation::Compare => "seed_compare",
            Operation::Truthy => "seed_truthy",
            Operation::Quantize => "seed_quantize",
        }
    }

    /// Whether it takes two vectors of codes.
    pub const fn is_of_two(self) -> bool {
        matches!(self, Operation::Add | Operation::AlignedAdd | Operation::Swiglu | Operation::RmsNorm | Operation::Compare)
    }

    /// Whether every result depends on the whole vector, so that no part of it can be done alone.
    pub const fn is_of_whole(self) -> bool {
        matches!(self, Operation::RmsNorm | Operation::Truthy | Operation::Quantize)
    }
}

/// A vector of codes with the exponent of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand<'x> {
    /// -2, -1, +1 or +2 each.
    pub codes: &'x [i8],
    /// The vector is `codes * 2^log2_scale`.
    pub log2_scale: i8,
}

impl Operand<'_> {
    fn scaled(self) -> Scaled {
        Scaled { codes: self.codes.to_vec(), log2_scale: self.log2_scale }
    }
}

/// An operation with its operands. Operands of one call are equally long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Call<'x> {
    /// `x + d`, at any two scales.
    Add(Operand<'x>, Operand<'x>),
    /// `x + d`, at one scale, which the result has too.
    AlignedAdd(&'x [i8], &'x [i8]),
    /// `silu(gate) * up`.
    Swiglu(Operand<'x>, Operand<'x>),
    /// The byte SiLU.
    Silu(&'x [i8]),
    /// The norm of codes, by the codes of a weight, whose scale the result has; eps is `2^-eps_shift`.
    RmsNorm {
        /// What is normalised.
        x: &'x [i8],
        /// The weight.
        weight: &'x [i8],
        /// Of eps.
        eps_shift: u8,
    },
    /// +1 where it holds, else -1.
    Compare(Comparison, &'x [i8], &'x [i8]),
    /// Whether the sum of the codes is above zero.
    Truthy(&'x [i8]),
    /// Codes of floats.
    Quantize(&'x [f32]),
}

/// What an operation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Codes, as many as an operand has; none of [`Call::Truthy`].
    pub codes: Vec<i8>,
    /// Of [`Call::Add`] and [`Call::Swiglu`] the exponent of the scale as a signed number, of [`Call::Truthy`] 1 or 0, of
    /// [`Call::Quantize`] the bits of the scale; else 0.
    pub scale: u32,
}

impl Answer {
    fn scaled(Scaled { codes, log2_scale }: Scaled) -> Answer {
        Answer { codes, scale: i32::from(log2_scale) as u32 }
    }

    const fn codes(codes: Vec<i8>) -> Answer {
        Answer { codes, scale: 0 }
    }

    /// The exponent of the scale, where the operation gives one.
    pub const fn log2_scale(&self) -> i8 {
        self.scale as i8
    }
}

impl<'x> Call<'x> {
    /// Which operation.
    pub const fn operation(&self) -> Operation {
        match self {
            Call::Add(..) => Operation::Add,
            Call::AlignedAdd(..) => Operation::AlignedAdd,
            Call::Swiglu(..) => Operation::Swiglu,
            Call::Silu(_) => Operation::Silu,
            Call::RmsNorm { .. } => Operation::RmsNorm,
            Call::Compare(..) => Operation::Compare,
            Call::Truthy(_) => Operation::Truthy,
            Call::Quantize(_) => Operation::Quantize,
        }
    }

    /// Elements of an operand.
    pub const fn len(&self) -> usize {
        match self {
            Call::Add(x, _) | Call::Swiglu(x, _) => x.codes.len(),
            Call::AlignedAdd(x, _) | Call::Silu(x) | Call::RmsNorm { x, .. } | Call::Compare(_, x, _) | Call::Truthy(x) => x.len(),
            Call::Quantize(x) => x.len(),
        }
    }

    /// Whether the operands have no elements.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same operation on some elements.
    ///
    /// # Panics
    /// If the operands do not have them.
    pub fn part(&self, of: std::ops::Range<usize>) -> Call<'x> {
        let cut = |x: &'x [i8]| &x[of.clone()];
        let part = |x: Operand<'x>| Operand { codes: cut(x.codes), ..x };
        match *self {
            Call::Add(x, d) => Call::Add(part(x), part(d)),
            Call::AlignedAdd(x, d) => Call::AlignedAdd(cut(x), cut(d)),
            Call::Swiglu(gate, up) => Call::Swiglu(part(gate), part(up)),
            Call::Silu(x) => Call::Silu(cut(x)),
            Call::RmsNorm { x, weight, eps_shift } => Call::RmsNorm { x: cut(x), weight: cut(weight), eps_shift },
            Call::Compare(by, a, b) => Call::Compare(by, cut(a), cut(b)),
            Call::Truthy(x) => Call::Truthy(cut(x)),
            Call::Quantize(x) => Call::Quantize(&x[of]),
        }
    }

    /// What the golden model says.
    ///
    /// # Panics
    /// If operands differ in length.
    pub fn golden(&self) -> Answer {
        match *self {
            Call::Add(x, d) => Answer::scaled(add(&x.scaled(), &d.scaled())),
            Call::AlignedAdd(x, d) => {
                let at_one = |codes| Operand { codes, log2_scale: 0 }.scaled();
                Answer::codes(add(&at_one(x), &at_one(d)).codes)
            }
            Call::Swiglu(gate, up) => Answer::scaled(swiglu(&gate.scaled(), &up.scaled())),
            Call::Silu(x) => Answer::codes(x.iter().map(|&code| silu(code)).collect()),
            Call::RmsNorm { x, weight, eps_shift } => {
                let weight = Operand { codes: weight, log2_scale: 0 };
                Answer::codes(rms_norm(x, &weight.scaled(), eps_shift.into()).codes)
            }
            Call::Compare(by, a, b) => Answer::codes(compare(by, a, b)),
            Call::Truthy(x) => Answer { codes: Vec::new(), scale: truthy(x).into() },
            Call::Quantize(x) => {
                let found = quantize(x);
                Answer { codes: found.codes, scale: found.scale.to_bits() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_each_operations_own() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!((operation as usize, Operation::from_number(operation as u8)), (index + 1, Some(operation)));
            assert!(operation.name().starts_with("seed_"));
        }
        assert_eq!([0, 9, 255].map(Operation::from_number), [None; 3]);
    }

    #[test]
    fn every_exponent_is_a_scales_and_nothing_else_has_one() {
        for exponent in i8::MIN..=i8::MAX {
            assert_eq!(f64::from(scale_of(exponent)), 2_f64.powi(exponent.into()));
            assert_eq!(exponent_of(scale_of(exponent)), Some(exponent));
        }
        let others = [0.0, -0.0, -1.0, 3.0, 1.0_f32.next_up(), f32::INFINITY, f32::NAN, f32::MAX, f32::from_bits(1 << 20)];
        assert_eq!(others.map(exponent_of), [None; 9]);
    }

    #[test]
    fn a_part_of_what_goes_element_by_element_is_that_part_of_the_answer() {
        let x: Vec<i8> = (0..37).map(|i| [-2, -1, 1, 2][i * 7 % 4]).collect();
        let y: Vec<i8> = (0..37).map(|i| [-2, -1, 1, 2][i * 5 / 3 % 4]).collect();
        let [at, above] = [(&x, 3), (&y, 4)].map(|(codes, log2_scale)| Operand { codes, log2_scale });
        let calls = [
            Call::Add(at, above),
            Call::AlignedAdd(&x, &y),
            Call::Swiglu(at, above),
            Call::Silu(&x),
            Call::Compare(Comparison::Less, &x, &y),
        ];
        for call in calls {
            assert!(!call.operation().is_of_whole());
            let (whole, part) = (call.golden(), call.part(9..30).golden());
            assert_eq!((&whole.codes[9..30], whole.scale), (&part.codes[..], part.scale), "{call:?}");
        }
        assert_eq!(Call::Add(at, above).golden().log2_scale(), 4);
        assert_eq!(Call::Truthy(&[2, -1]).golden(), Answer { codes: vec![], scale: 1 });
        assert_eq!(Call::Quantize(&[3.0, -1.0]).golden(), Answer { codes: vec![2, -1], scale: 1.5_f32.to_bits() });
    }
}
