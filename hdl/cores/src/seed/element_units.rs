//! The element cores as tops of their own, at widths that tests, proofs and the table of costs take.

use crate::emit::EmitError;
use crate::emit::units::unit;
use crate::seed::growing_add::GrowingAdd;
use crate::seed::seed_add::SeedAdd;
use crate::seed::seed_aligned_add::SeedAlignedAdd;
use crate::seed::seed_compare::SeedCompare;
use crate::seed::seed_quantize::{FloatFormat, SeedQuantize};
use crate::seed::seed_rms_norm::SeedRmsNorm;
use crate::seed::seed_silu::SeedSilu;
use crate::seed::seed_swiglu::SeedSwiglu;
use crate::seed::seed_table::SeedTable;
use crate::seed::seed_truthy::SeedTruthy;
use crate::store::packed_store::MemoryStyle;

/// eps of the norm units: `2^-shift` by unit.
pub const NORM_EPS: [(&str, u32); 2] = [("seed_rms_norm_8", 10), ("seed_rms_norm_32", 14)];

/// The quantizer unit whose floats are small enough for a proof of its whole arithmetic: four bits of exponent, five of
/// mantissa. Its smallest magnitude is that of an exponent whose threshold is still normal.
pub const SMALL_FLOAT: FloatFormat = FloatFormat { exponent: 4, mantissa: 5, least: 3 << 4 };

/// An element unit: its name, the elements that it takes in a cycle, and whether the table of costs has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementUnit {
    /// The unit's name, its top module's too.
    pub name: &'static str,
    /// Elements a beat.
    pub lanes: usize,
    /// What it computes, for a person; none for a unit that is there for tests alone.
    pub costed: Option<&'static str>,
}

const fn tested(name: &'static str, lanes: usize) -> ElementUnit {
    ElementUnit { name, lanes, costed: None }
}

const fn costed(name: &'static str, lanes: usize, what: &'static str) -> ElementUnit {
    ElementUnit { name, lanes, costed: Some(what) }
}

/// All of them.
pub const ELEMENT_UNITS: [ElementUnit; 21] = [
    costed("seed_aligned_add_32", 32, "add, equal scales, Boolean"),
    costed("seed_table", 4, "add or SwiGLU, table of 65,536 bytes in block RAM"),
    costed("seed_table_single", 4, "the same in single-port RAM"),
    costed("seed_add_32", 32, "add, any scales, Boolean"),
    costed("seed_swiglu_32", 32, "SwiGLU with its SiLU, Boolean"),
    costed("seed_silu_32", 32, "byte SiLU"),
    costed("seed_compare_32", 32, "compare"),
    costed("seed_truthy_32", 32, "truthy"),
    costed("seed_rms_norm_32", 32, "rms_norm, popcount"),
    costed("seed_quantize_1", 1, "quantize, one float per cycle"),
    costed("growing_add_4x8", 4, "growing add, A8 (default mode)"),
    costed("growing_add_2x16", 2, "growing add, 16 bits: two parts of A8"),
    tested("seed_aligned_add_8", 8),
    tested("seed_add_8", 8),
    tested("seed_swiglu_8", 8),
    tested("seed_compare_8", 8),
    tested("seed_truthy_8", 8),
    tested("seed_rms_norm_8", 8),
    tested("seed_quantize_3", 3),
    tested("seed_quantize_small", 1),
    tested("growing_add_3x4", 3),
];

/// Every element unit's name and Verilog, in the order of [`ELEMENT_UNITS`].
///
/// # Errors
/// [`EmitError`] says what is refused and where.
pub fn element_units() -> Result<Vec<(&'static str, String)>, EmitError> {
    let eps = |at: usize| NORM_EPS[at].1;
    Ok(vec![
        unit("seed_aligned_add_32", &SeedAlignedAdd::<32>::default())?,
        unit("seed_table", &SeedTable::new(MemoryStyle::Block))?,
        unit("seed_table_single", &SeedTable::new(MemoryStyle::SinglePort))?,
        unit("seed_add_32", &SeedAdd::<32>::default())?,
        unit("seed_swiglu_32", &SeedSwiglu::<32>::default())?,
        unit("seed_silu_32", &SeedSilu::<32>::default())?,
        unit("seed_compare_32", &SeedCompare::<32>::default())?,
        unit("seed_truthy_32", &SeedTruthy::<32>::default())?,
        unit("seed_rms_norm_32", &SeedRmsNorm::<32>::new(eps(1)))?,
        unit("seed_quantize_1", &SeedQuantize::<1, 32, 32>::new(FloatFormat::binary32()))?,
        unit("growing_add_4x8", &GrowingAdd::<4, 32>::default())?,
        unit("growing_add_2x16", &GrowingAdd::<2, 32>::default())?,
        unit("seed_aligned_add_8", &SeedAlignedAdd::<8>::default())?,
        unit("seed_add_8", &SeedAdd::<8>::default())?,
        unit("seed_swiglu_8", &SeedSwiglu::<8>::default())?,
        unit("seed_compare_8", &SeedCompare::<8>::default())?,
        unit("seed_truthy_8", &SeedTruthy::<8>::default())?,
        unit("seed_rms_norm_8", &SeedRmsNorm::<8>::new(eps(0)))?,
        unit("seed_quantize_3", &SeedQuantize::<3, 96, 32>::new(FloatFormat::binary32()))?,
        unit("seed_quantize_small", &SeedQuantize::<1, 9, 9>::new(SMALL_FLOAT))?,
        unit("growing_add_3x4", &GrowingAdd::<3, 12>::default())?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_and_the_texts_are_in_one_order() {
        let texts = element_units().unwrap();
        assert!(texts.iter().map(|t| t.0).eq(ELEMENT_UNITS.iter().map(|u| u.name)));
        for (name, text) in texts {
            assert!(text.contains(&format!("module {name}(")), "{name}");
        }
    }
}
