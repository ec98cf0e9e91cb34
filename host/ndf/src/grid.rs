//! A grid frame: stacked bit planes that share one binary16 scale a group of columns, used in place.

use std::ops::Range;

use nda_spec::grid::{GridError, MAX_STACKS, scale_count};
use nda_spec::tile::{TileMatrix, matrix_u64};
use nda_spec::{GridMatrix, GroupCols, WeightCode};

use crate::chain::Depth;
use crate::fields::Stretch;
use crate::layout::{CODE_NUMBERS, align_up, code_from_number, grid as at};
use crate::matrix::{common_shape, expect_count};
use crate::metadata::count_field;
use crate::{Fault, NdfError};

/// A grid of a document, in place.
#[derive(Debug, Clone, Copy)]
pub struct GridFrame<'a> {
    index: u32,
    name: &'a [u8],
    matrix: GridMatrix<'a>,
}

impl<'a> GridFrame<'a> {
    /// The frame's place in the chain.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The frame's name.
    pub const fn name(&self) -> &'a str {
        crate::document::name(self.name)
    }

    /// Shape, coefficients, scales and planes.
    pub const fn matrix(&self) -> GridMatrix<'a> {
        self.matrix
    }
}

/// A grid to write: what [`crate::DocumentWriter::add_grid`] takes.
#[derive(Debug, Clone, Copy)]
pub struct GridContent<'a> {
    /// Name of the frame: 1 to [`crate::MAX_NAME_BYTES`] bytes, in the document only once.
    pub name: &'a str,
    /// Columns that share a scale.
    pub group: GroupCols,
    /// One small integer a stack.
    pub coefficients: &'a [i8],
    /// Binary16 bits, in the order of [`nda_spec::grid::scale_index`], zero where there is no row or group.
    pub scales: &'a [u16],
    /// One to four stacks of one shape and code.
    pub stacks: &'a [TileMatrix<'a>],
}

/// Where the sections of a grid frame stand, from the start of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GridLayout {
    pub rows: usize,
    pub cols: usize,
    pub code: WeightCode,
    pub group: GroupCols,
    pub coefficients: Vec<i8>,
    /// `u16`.
    pub scales: Range<usize>,
    /// `u64`, all stacks.
    pub tiles: Range<usize>,
}

impl GridLayout {
    fn new((rows, cols): (usize, usize), code: WeightCode, group: GroupCols, coefficients: &[i8]) -> Result<Self, Fault> {
        let too_large = || Fault::TooLarge { what: "planes and scales", rows: rows as u64, cols: cols as u64 };
        let scales = scale_count(rows, cols, group).map_err(|_| too_large())?;
        let words = matrix_u64(rows, cols, code).ok().and_then(|words| words.checked_mul(coefficients.len()));
        let start = at::BYTES;
        let end = scales.checked_mul(2).and_then(|bytes| bytes.checked_add(start)).ok_or_else(too_large)?;
        let first = align_up(end).ok_or_else(too_large)?;
        let last = words.and_then(|words| words.checked_mul(8)).and_then(|bytes| bytes.checked_add(first)).ok_or_else(too_large)?;
        Ok(GridLayout { rows, cols, code, group, coefficients: coefficients.to_vec(), scales: start..end, tiles: first..last })
    }

    #[inline]
    fn matrix<'a>(&self, payload: Stretch<'a>) -> Result<GridMatrix<'a>, NdfError> {
        let (scales, words) = (payload.elements(self.scales.clone())?, payload.elements(self.tiles.clone())?);
        let matrix = GridMatrix::new((self.rows, self.cols), self.code, self.group, &self.coefficients, scales, words);
        matrix.map_err(|source| payload.fault(at::COEFFICIENTS.start, Fault::Grid { source }))
    }

    /// The frame over a payload that this layout was read from; `None` over another.
    #[inline]
    pub fn frame<'a>(&self, index: u32, name: &'a [u8], payload: Stretch<'a>) -> Option<GridFrame<'a>> {
        Some(GridFrame { index, name, matrix: self.matrix(payload).ok()? })
    }

    /// The place of a fault that [`GridMatrix::check`] found.
    fn fault(&self, payload: Stretch<'_>, source: GridError) -> NdfError {
        let offset = match source {
            GridError::NotFinite { index } | GridError::Padding { index } => self.scales.start + 2 * index,
            GridError::Tile(_) => self.tiles.start,
            _ => 0,
        };
        payload.fault(offset, Fault::Grid { source })
    }
}

/// Reads a grid payload as deep as asked.
pub(crate) fn parse(payload: Stretch<'_>, depth: Depth) -> Result<GridLayout, NdfError> {
    let (rows, cols) = (payload.count(at::ROWS, "rows")?, payload.count(at::COLS, "cols")?);
    let refuse = |offset, field, found: u32, allowed| payload.fault(offset, Fault::Field { field, found: found.into(), allowed });
    let code = payload.u32(at::CODE)?;
    let code = code_from_number(code).ok_or_else(|| refuse(at::CODE, "code", code, CODE_NUMBERS))?;
    let stacks = payload.count(at::STACKS, "stacks")?;
    if stacks > MAX_STACKS {
        return Err(refuse(at::STACKS, "stacks", stacks as u32, "1, 2, 3 or 4"));
    }
    let group = payload.u32(at::GROUP)?;
    let group = GroupCols::from_cols(group as usize).ok_or_else(|| refuse(at::GROUP, "group", group, "32, 64, 128 or 256 (columns)"))?;
    let coefficients: Vec<i8> = payload.range(at::COEFFICIENTS)?.iter().map(|byte| byte.cast_signed()).collect();
    payload.zeros(at::COEFFICIENTS.start + stacks..at::BYTES)?;
    let layout = GridLayout::new((rows, cols), code, group, &coefficients[..stacks]).map_err(|fault| payload.fault(0, fault))?;
    payload.exactly(layout.tiles.end)?;
    payload.zeros(layout.scales.end..layout.tiles.start)?;
    let matrix = layout.matrix(payload)?;
    matrix.check_scales().map_err(|source| layout.fault(payload, source))?;
    if depth == Depth::Full {
        matrix.check().map_err(|source| layout.fault(payload, source))?;
    }
    Ok(layout)
}

impl GridContent<'_> {
    pub(crate) fn layout(&self) -> Result<GridLayout, Fault> {
        let (shape, code) = common_shape(self.stacks)?;
        expect_count("coefficients", self.stacks.len(), self.coefficients.len())?;
        let layout = GridLayout::new(shape, code, self.group, self.coefficients)?;
        expect_count("scales", layout.scales.len() / 2, self.scales.len())?;
        Ok(layout)
    }

    /// Fills a zeroed payload of `layout.tiles.end` bytes.
    pub(crate) fn fill(&self, layout: &GridLayout, payload: &mut [u8]) -> Result<(), Fault> {
        let numbers = [
            (at::ROWS, "rows", layout.rows),
            (at::COLS, "cols", layout.cols),
            (at::CODE, "code", layout.code.row().number as usize),
            (at::STACKS, "stacks", layout.coefficients.len()),
            (at::GROUP, "group", layout.group.cols()),
        ];
        for (offset, what, number) in numbers {
            payload[offset..offset + 4].copy_from_slice(&count_field(what, number)?);
        }
        let coefficients = &mut payload[at::COEFFICIENTS];
        coefficients.iter_mut().zip(self.coefficients).for_each(|(byte, c)| *byte = c.cast_unsigned());
        payload[layout.scales.clone()].copy_from_slice(bytemuck::cast_slice(self.scales));
        let stack_bytes = layout.tiles.len() / self.stacks.len();
        for (stack, matrix) in self.stacks.iter().enumerate() {
            payload[layout.tiles.start + stack * stack_bytes..][..stack_bytes].copy_from_slice(bytemuck::cast_slice(matrix.words()));
        }
        Ok(())
    }
}
