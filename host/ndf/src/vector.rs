//! A vector frame: float values in one or two dimensions, used in place.

use crate::chain::Depth;
use crate::fields::Stretch;
use crate::layout::{VectorLayout, vector as at};
use crate::matrix::expect_count;
use crate::metadata::count_field;
use crate::{Fault, NdfError, VectorShape};

/// A vector or table of a document, in place.
#[derive(Debug, Clone, Copy)]
pub struct VectorFrame<'a> {
    index: u32,
    name: &'a [u8],
    shape: VectorShape,
    values: &'a [f32],
}

impl<'a> VectorFrame<'a> {
    /// The frame's place in the chain.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The frame's name.
    pub const fn name(&self) -> &'a str {
        crate::document::name(self.name)
    }

    /// The shape; no dimension is 0.
    pub const fn shape(&self) -> VectorShape {
        self.shape
    }

    /// All values in place, row by row.
    pub const fn values(&self) -> &'a [f32] {
        self.values
    }

    /// One row of a table, or `None` if there is no such row. A vector is one row.
    pub fn row(&self, row: usize) -> Option<&'a [f32]> {
        let (_, cols) = self.shape.rows_cols();
        let start = row.checked_mul(cols)?;
        self.values.get(start..start.checked_add(cols)?)
    }
}

/// A vector or table to write: what [`crate::DocumentWriter::add_vector`] takes.
#[derive(Debug, Clone, Copy)]
pub struct VectorContent<'a> {
    /// Name of the frame: 1 to [`crate::MAX_NAME_BYTES`] bytes, in the document only once.
    pub name: &'a str,
    /// The shape; no dimension is 0.
    pub shape: VectorShape,
    /// Finite values, row by row.
    pub values: &'a [f32],
}

/// Reads a vector payload as deep as asked.
pub(crate) fn parse(payload: Stretch<'_>, depth: Depth) -> Result<VectorLayout, NdfError> {
    let dimensions = payload.u32(at::DIMENSIONS)?;
    let (rows, cols) = (payload.count(at::ROWS, "rows")?, payload.count(at::COLS, "cols")?);
    let shape = match (dimensions, rows) {
        (1, 1) => VectorShape::Vector(cols),
        (2, _) => VectorShape::Table { rows, cols },
        (1, _) => {
            let fault = Fault::Field { field: "rows", found: rows as u64, allowed: "1 in a vector of one dimension" };
            return Err(payload.fault(at::ROWS, fault));
        }
        _ => {
            let fault = Fault::Field { field: "dimensions", found: dimensions.into(), allowed: "1 or 2" };
            return Err(payload.fault(at::DIMENSIONS, fault));
        }
    };
    payload.zeros(at::RESERVED)?;
    let layout = VectorLayout::new(shape).map_err(|fault| payload.fault(0, fault))?;
    payload.exactly(layout.values.end)?;
    if depth == Depth::Full {
        payload.finite(layout.values.clone(), "value")?;
    }
    Ok(layout)
}

impl VectorLayout {
    /// The frame over a payload that this layout was read from; `None` over another.
    #[inline]
    pub fn frame<'a>(&self, index: u32, name: &'a [u8], payload: Stretch<'a>) -> Option<VectorFrame<'a>> {
        Some(VectorFrame { index, name, shape: self.shape, values: payload.placed(&self.values)? })
    }
}

impl VectorContent<'_> {
    pub(crate) fn layout(&self) -> Result<VectorLayout, Fault> {
        let layout = VectorLayout::new(self.shape)?;
        expect_count("values", layout.values.len() / 4, self.values.len())?;
        Ok(layout)
    }

    /// Fills a zeroed payload of `layout.values.end` bytes.
    pub(crate) fn fill(&self, layout: &VectorLayout, payload: &mut [u8]) -> Result<(), Fault> {
        let (rows, cols) = self.shape.rows_cols();
        payload[at::DIMENSIONS..at::DIMENSIONS + 4].copy_from_slice(&self.shape.dimensions().to_le_bytes());
        payload[at::ROWS..at::ROWS + 4].copy_from_slice(&count_field("rows", rows)?);
        payload[at::COLS..at::COLS + 4].copy_from_slice(&count_field("cols", cols)?);
        payload[layout.values.clone()].copy_from_slice(bytemuck::cast_slice(self.values));
        Ok(())
    }
}
