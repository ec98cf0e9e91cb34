//! The kernels: which shader multiplies a code by a code, with its constants.

use crate::adapter::AdapterInfo;
use nda_spec::{ActivationCode, WeightCode};
use std::fmt::Write;

/// Vectors of a workgroup where there are many: they lie in workgroup memory, part by part, while a tile meets them.
pub(crate) const MANY: u32 = 16;

/// A way to multiply planes by a vector. All give the same integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// AND and popcount, plane by plane.
    Popcount,
    /// Weights spread to bytes, four products at a time.
    Dot4,
}

impl Kernel {
    /// Both.
    pub const ALL: [Kernel; 2] = [Kernel::Popcount, Kernel::Dot4];

    /// The word for it in names and listings.
    pub const fn name(self) -> &'static str {
        match self {
            Kernel::Popcount => "popcount",
            Kernel::Dot4 => "dot4",
        }
    }

    const fn wgsl(self) -> &'static str {
        match self {
            Kernel::Popcount => include_str!("shaders/popcount.wgsl"),
            Kernel::Dot4 => include_str!("shaders/dot4.wgsl"),
        }
    }

    /// The part of [`Self::wgsl`] that multiplies half a word of a row by one vector.
    const fn half_wgsl(self) -> &'static str {
        match self {
            Kernel::Popcount => include_str!("shaders/popcount_half.wgsl"),
            Kernel::Dot4 => include_str!("shaders/dot4_half.wgsl"),
        }
    }
}

/// A kernel for two codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub kernel: Kernel,
    weights: WeightCode,
    x: ActivationCode,
    /// What every activation adds to every row times itself, besides what the planes sum.
    weight_offset: i32,
    /// Whether neighbours of a subgroup add up what they have.
    has_subgroups: bool,
}

/// A weight's planes as factors that are not negative: a plane that counts negatively is complemented, and the offset pays for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Positive {
    /// What each plane adds; 0 for one that the code lacks.
    pub factors: [u32; WeightCode::MAX_PLANES],
    /// All ones for a plane that is complemented.
    pub flips: [u32; WeightCode::MAX_PLANES],
    /// What is added for every column.
    pub offset: i32,
}

impl Positive {
    /// The positive form of a code.
    pub fn of(code: WeightCode) -> Positive {
        let affine = code.affine();
        let mut form = Positive { factors: [0; WeightCode::MAX_PLANES], flips: [0; WeightCode::MAX_PLANES], offset: affine.offset };
        for (plane, coefficient) in affine.coefficients.iter().enumerate() {
            form.factors[plane] = coefficient.unsigned_abs();
            if *coefficient < 0 {
                form.flips[plane] = u32::MAX;
                form.offset += coefficient;
            }
        }
        form
    }

    /// The constants as a shader has them.
    pub fn constants(&self, planes: usize) -> String {
        let [f0, f1] = self.factors;
        let [x0, x1] = self.flips;
        format!(
            "const W_PLANES: u32 = {planes}u;\nconst W_FACTORS = array<u32, 2>({f0}u, {f1}u);\nconst W_FLIPS = array<u32, 2>({x0}u, {x1}u);\n"
        )
    }
}

impl Form {
    pub fn new(kernel: Kernel, weights: WeightCode, x: ActivationCode, adapter: &AdapterInfo) -> Form {
        let weight_offset = match kernel {
            Kernel::Popcount => weights.affine().offset,
            Kernel::Dot4 => Positive::of(weights).offset,
        };
        Form { kernel, weights, x, weight_offset, has_subgroups: adapter.has_subgroups }
    }

    /// What the pipelines of two forms have in common if they are the same.
    pub fn key(&self, vectors: u32) -> (Kernel, WeightCode, ActivationCode, u32) {
        (self.kernel, self.weights, self.x, vectors)
    }

    /// The shader, for that many vectors per workgroup.
    pub fn source(&self, vectors: u32) -> String {
        let mut text = String::from("requires packed_4x8_integer_dot_product;\n");
        // Of many vectors an invocation has a quarter.
        let kept = if vectors == MANY { MANY / 4 } else { vectors };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "const VECTORS: u32 = {vectors}u;\nconst KEPT: u32 = {kept}u;");
        let _ = writeln!(text, "const W_OFFSET: i32 = i32({});", self.weight_offset);
        match self.kernel {
            Kernel::Dot4 => text += &Positive::of(self.weights).constants(self.weights.planes()),
            Kernel::Popcount => {
                let (w, x) = (self.weights.affine(), self.x.affine());
                let list = |values: &[i32]| values.iter().map(|v| format!("i32({v})")).collect::<Vec<_>>().join(", ");
                let (planes, x_planes) = (w.coefficients.len(), x.coefficients.len());
                let _ = writeln!(text, "const W_PLANES: u32 = {planes}u;\nconst X_PLANES: u32 = {x_planes}u;");
                let _ = writeln!(text, "const W_COEFFICIENTS = array<i32, {planes}>({});", list(w.coefficients));
                let _ = writeln!(text, "const X_COEFFICIENTS = array<i32, {x_planes}>({});", list(x.coefficients));
                let _ = writeln!(text, "const X_OFFSET: i32 = {};", x.offset);
            }
        }
        text += include_str!("shaders/tile.wgsl");
        text += if self.has_subgroups { include_str!("shaders/keep_subgroups.wgsl") } else { include_str!("shaders/keep.wgsl") };
        if vectors == MANY {
            text + self.kernel.half_wgsl() + include_str!("shaders/many.wgsl")
        } else {
            text + include_str!("shaders/parts.wgsl") + self.kernel.wgsl()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_positive_form_is_the_code() {
        for code in WeightCode::ALL {
            let form = Positive::of(code);
            for bits in 0..1_u32 << code.planes() {
                let (p0, p1) = (bits & 1, bits >> 1);
                let Some(value) = code.decode((p0 == 1, p1 == 1)) else { continue };
                let factor = |plane: usize, bit: u32| form.factors[plane] * ((bit ^ form.flips[plane]) & 1);
                let found = (factor(0, p0) + factor(1, p1)).cast_signed() + form.offset;
                assert_eq!(found, i32::from(value), "{code:?} {bits:02b}");
            }
        }
    }
}
