//! Codes of a job.

use crate::code::ArrayCoefficients;
use crate::{ActivationCode, WeightCode};

/// Codes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobFlags {
    /// The array's weight planes have ternary's coefficients (bit 0); else quaternary's.
    pub ternary: bool,
    /// Activations are A2 (bit 1); else two's complement.
    pub a2: bool,
}

impl JobFlags {
    /// The flags of a pair of codes.
    pub const fn new(code: WeightCode, x_code: ActivationCode) -> JobFlags {
        JobFlags { ternary: matches!(code.row().array.coefficients, ArrayCoefficients::Ternary), a2: matches!(x_code, ActivationCode::A2) }
    }

    /// What the array's weight planes weigh.
    pub const fn coefficients(self) -> ArrayCoefficients {
        if self.ternary { ArrayCoefficients::Ternary } else { ArrayCoefficients::Quaternary }
    }

    /// The flags' byte.
    pub const fn to_byte(self) -> u8 {
        self.ternary as u8 | (self.a2 as u8) << 1
    }

    /// The flags of a byte; other bits are ignored, as the device does.
    pub const fn from_byte(byte: u8) -> JobFlags {
        JobFlags { ternary: byte & 1 != 0, a2: byte & 2 != 0 }
    }
}
