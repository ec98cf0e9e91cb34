//! A matrix frame: stacked bit planes, their scales and outliers, used in place.

use nda_spec::WeightCode;
use nda_spec::tile::{TileError, TileMatrix, WORD_COLS, col_words, u64_index};

use crate::chain::Depth;
use crate::fields::Stretch;
use crate::layout::{CODE_NUMBERS, MatrixLayout, code_from_number, matrix as at};
use crate::{FRAME_ALIGN, Fault, Granularity, MAX_STACKS, NdfError};

/// A matrix of a document, in place: `W = sum_k scale_k * code_k + outliers`.
#[derive(Debug, Clone, Copy)]
pub struct MatrixFrame<'a> {
    index: u32,
    name: &'a [u8],
    granularity: Granularity,
    stacks: usize,
    scales: &'a [f32],
    words: &'a [u64],
    /// The first stack: with most matrices all there is.
    first: TileMatrix<'a>,
    outliers: Outliers<'a>,
}

impl<'a> MatrixFrame<'a> {
    /// The frame's place in the chain.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The frame's name.
    pub const fn name(&self) -> &'a str {
        crate::document::name(self.name)
    }

    /// Rows of W: the length of y. At least 1.
    pub const fn rows(&self) -> usize {
        self.first.rows()
    }

    /// Columns of W: the length of x. At least 1.
    pub const fn cols(&self) -> usize {
        self.first.cols()
    }

    /// Code of every stack.
    pub const fn code(&self) -> WeightCode {
        self.first.code()
    }

    /// Stacks: 1 to [`MAX_STACKS`].
    pub const fn stacks(&self) -> usize {
        self.stacks
    }

    /// How many weights share a scale.
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// All scales in place: stack by stack, in a stack row by row, in a row group by group.
    pub const fn scales(&self) -> &'a [f32] {
        self.scales
    }

    /// The scales of one stack.
    ///
    /// # Panics
    /// If there is no such stack.
    pub fn stack_scales(&self, stack: usize) -> &'a [f32] {
        assert!(stack < self.stacks, "stack {stack} of '{}', which has {}", self.name(), self.stacks);
        let count = self.scales.len() / self.stacks;
        &self.scales[stack * count..(stack + 1) * count]
    }

    /// The planes of one stack in place.
    ///
    /// # Panics
    /// If there is no such stack.
    #[inline]
    pub fn stack(&self, stack: usize) -> TileMatrix<'a> {
        assert!(stack < self.stacks, "stack {stack} of '{}', which has {}", self.name(), self.stacks);
        if stack == 0 {
            return self.first;
        }
        let count = self.first.words().len();
        TileMatrix::new(self.rows(), self.cols(), self.code(), &self.words[stack * count..(stack + 1) * count])
            .expect("the words were cut by the shape when the document was opened")
    }

    /// What is added to single weights; often empty.
    pub const fn outliers(&self) -> Outliers<'a> {
        self.outliers
    }

    /// One weight as a float, summed over the stacks in order and then its outlier. Slow; for listings and tests.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    pub fn weight(&self, row: usize, col: usize) -> f32 {
        let scale = self.granularity.scale_index(self.cols(), row, col);
        let planes: f32 = (0..self.stacks).map(|k| self.stack_scales(k)[scale] * f32::from(self.stack(k).get(row, col))).sum();
        let outlier = self.outliers.iter().find(|outlier| (outlier.row, outlier.col) == (row, col));
        planes + outlier.map_or(0.0, |outlier| outlier.value)
    }
}

/// Floats that are added to single weights, ascending by row and then column.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outliers<'a> {
    /// Row of each outlier.
    pub rows: &'a [u32],
    /// Column of each outlier.
    pub cols: &'a [u32],
    /// What is added to the weight that the stacks give.
    pub values: &'a [f32],
}

/// One outlier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub col: usize,
    /// What is added to the weight that the stacks give.
    pub value: f32,
}

impl<'a> Outliers<'a> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All of them, ascending by row and then column.
    pub fn iter(&self) -> impl Iterator<Item = Outlier> + use<'a> {
        let places = self.rows.iter().zip(self.cols);
        places.zip(self.values).map(|((row, col), value)| Outlier { row: *row as usize, col: *col as usize, value: *value })
    }
}

/// A matrix to write: what [`crate::DocumentWriter::add_matrix`] takes.
#[derive(Debug, Clone, Copy)]
pub struct MatrixContent<'a> {
    /// Name of the frame: 1 to [`crate::MAX_NAME_BYTES`] bytes, in the document only once.
    pub name: &'a str,
    /// How many weights share a scale.
    pub granularity: Granularity,
    /// Scales: stack by stack, in a stack row by row, in a row group by group.
    pub scales: &'a [f32],
    /// One to [`MAX_STACKS`] stacks of one shape and code.
    pub stacks: &'a [TileMatrix<'a>],
    /// What is added to single weights; [`Outliers::default`] is none.
    pub outliers: Outliers<'a>,
}

impl MatrixLayout {
    /// Reads the descriptor and checks all that costs no pass over planes and outliers.
    pub fn parse(payload: Stretch<'_>) -> Result<Self, NdfError> {
        let (rows, cols) = (payload.count(at::ROWS, "rows")?, payload.count(at::COLS, "cols")?);
        let field = |offset, field, allowed| {
            let found = payload.u32(offset)?;
            Ok::<_, NdfError>((found, payload.fault(offset, Fault::Field { field, found: found.into(), allowed })))
        };
        let (code, refused) = field(at::CODE, "code", CODE_NUMBERS)?;
        let code = code_from_number(code).ok_or(refused)?;
        let (stacks, refused) = field(at::STACKS, "stacks", "1, 2, 3 or 4")?;
        let stacks = Some(stacks as usize).filter(|stacks| (1..=MAX_STACKS).contains(stacks)).ok_or(refused)?;
        let (granularity, refused) = field(at::GRANULARITY, "granularity", "0 (matrix), 1 (row), 2 (32 columns) or 3 (64 columns)")?;
        let granularity = Granularity::from_number(granularity).ok_or(refused)?;
        let outliers = payload.u32(at::OUTLIERS)? as usize;
        payload.zeros(at::RESERVED)?;
        let layout = MatrixLayout::new((rows, cols), code, stacks, granularity, outliers).map_err(|fault| payload.fault(0, fault))?;
        payload.exactly(layout.payload_bytes)?;
        payload.zeros(layout.scales.end..layout.tiles.start)?;
        payload.zeros(layout.outlier_rows.end..layout.outlier_cols.start)?;
        payload.zeros(layout.outlier_cols.end..layout.outlier_values.start)?;
        payload.finite(layout.scales.clone(), "scale")?;
        Ok(layout)
    }

    /// Reads every plane and outlier.
    pub fn check(&self, payload: Stretch<'_>) -> Result<(), NdfError> {
        let words = payload.elements::<u64>(self.tiles.clone())?;
        // The stacks divide the words without rest: the section is `stacks` times one stack's words.
        for (stack, words) in words.chunks_exact((words.len() / self.stacks).max(1)).enumerate() {
            let checked = TileMatrix::new(self.rows, self.cols, self.code, words).and_then(|matrix| matrix.check());
            checked.map_err(|source| {
                let offset = self.tiles.start + 8 * (stack * words.len() + word_of(&source, self.code, self.cols));
                payload.fault(offset, Fault::Tile { stack, source })
            })?;
        }
        self.check_outliers(payload)
    }

    fn check_outliers(&self, payload: Stretch<'_>) -> Result<(), NdfError> {
        payload.finite(self.outlier_values.clone(), "outlier")?;
        let rows = payload.elements::<u32>(self.outlier_rows.clone())?;
        let cols = payload.elements::<u32>(self.outlier_cols.clone())?;
        let mut last = None;
        for (index, place) in rows.iter().copied().zip(cols.iter().copied()).enumerate() {
            let (row, col) = place;
            let inside = (row as usize) < self.rows && (col as usize) < self.cols;
            if !inside || last.is_some_and(|last| last >= place) {
                let fault = Fault::Outlier { index, row, col, rows: self.rows, cols: self.cols };
                return Err(payload.fault(self.outlier_rows.start + 4 * index, fault));
            }
            last = Some(place);
        }
        Ok(())
    }

    #[cold]
    fn outliers_of<'a>(&self, payload: Stretch<'a>) -> Option<Outliers<'a>> {
        Some(Outliers {
            rows: payload.placed(&self.outlier_rows)?,
            cols: payload.placed(&self.outlier_cols)?,
            values: payload.placed(&self.outlier_values)?,
        })
    }

    /// The frame over a payload that this layout was read from; `None` over another.
    #[inline(always)]
    pub fn frame<'a>(&self, index: u32, name: &'a [u8], payload: Stretch<'a>) -> Option<MatrixFrame<'a>> {
        let words: &[u64] = payload.placed(&self.tiles)?;
        // A division takes as long as all the rest.
        let count = if self.stacks == 1 { words.len() } else { words.len() / self.stacks };
        Some(MatrixFrame {
            index,
            name,
            first: TileMatrix::new(self.rows, self.cols, self.code, words.get(..count)?).ok()?,
            granularity: self.granularity,
            stacks: self.stacks,
            scales: payload.placed(&self.scales)?,
            words,
            // Most matrices have none, and three empty sections cost as much to cut as three full ones.
            outliers: if self.outliers == 0 { Outliers::default() } else { self.outliers_of(payload)? },
        })
    }
}

/// Reads a matrix payload as deep as asked.
pub(crate) fn parse(payload: Stretch<'_>, depth: Depth) -> Result<MatrixLayout, NdfError> {
    let layout = MatrixLayout::parse(payload)?;
    if depth == Depth::Full {
        layout.check(payload)?;
    }
    Ok(layout)
}

/// Index of the word that a tile error is about.
fn word_of(error: &TileError, code: WeightCode, cols: usize) -> usize {
    let word = |row: usize, col: usize, plane| u64_index(code, row, col / WORD_COLS, plane, col_words(cols));
    match *error {
        TileError::Padding { row, col, plane } => word(row, col, plane),
        // The positive bit is the one that must not be there.
        TileError::Contradiction { row, col, .. } => word(row, col, 1),
        _ => 0,
    }
}

impl MatrixContent<'_> {
    /// The payload, written as [`MatrixLayout`] says.
    pub(crate) fn layout(&self) -> Result<MatrixLayout, Fault> {
        let (shape, code) = common_shape(self.stacks)?;
        let layout = MatrixLayout::new(shape, code, self.stacks.len(), self.granularity, self.outliers.values.len())?;
        expect_count("scales", layout.scales.len() / 4, self.scales.len())?;
        expect_count("outlier rows", layout.outliers, self.outliers.rows.len())?;
        expect_count("outlier columns", layout.outliers, self.outliers.cols.len())?;
        Ok(layout)
    }

    /// Fills a zeroed payload of `layout.payload_bytes`.
    pub(crate) fn fill(&self, layout: &MatrixLayout, payload: &mut [u8]) -> Result<(), Fault> {
        let numbers = [
            (at::ROWS, "rows", layout.rows),
            (at::COLS, "cols", layout.cols),
            (at::CODE, "code", layout.code.row().number as usize),
            (at::STACKS, "stacks", layout.stacks),
            (at::GRANULARITY, "granularity", layout.granularity.number() as usize),
            (at::OUTLIERS, "outliers", layout.outliers),
        ];
        for (offset, what, number) in numbers {
            payload[offset..offset + 4].copy_from_slice(&crate::metadata::count_field(what, number)?);
        }
        payload[layout.scales.clone()].copy_from_slice(bytemuck::cast_slice(self.scales));
        let stack_bytes = layout.tiles.len() / layout.stacks;
        for (stack, matrix) in self.stacks.iter().enumerate() {
            let start = layout.tiles.start + stack * stack_bytes;
            payload[start..start + stack_bytes].copy_from_slice(bytemuck::cast_slice(matrix.words()));
        }
        payload[layout.outlier_rows.clone()].copy_from_slice(bytemuck::cast_slice(self.outliers.rows));
        payload[layout.outlier_cols.clone()].copy_from_slice(bytemuck::cast_slice(self.outliers.cols));
        payload[layout.outlier_values.clone()].copy_from_slice(bytemuck::cast_slice(self.outliers.values));
        Ok(())
    }
}

/// Rows, columns and code that all stacks have.
pub(crate) fn common_shape(stacks: &[TileMatrix<'_>]) -> Result<((usize, usize), WeightCode), Fault> {
    let first = stacks.first().filter(|_| stacks.len() <= MAX_STACKS);
    let first = first.ok_or(Fault::Field { field: "stacks", found: stacks.len() as u64, allowed: "1, 2, 3 or 4" })?;
    let shape = |matrix: &TileMatrix<'_>| ((matrix.rows(), matrix.cols()), matrix.code());
    match stacks.iter().position(|matrix| shape(matrix) != shape(first)) {
        Some(stack) => Err(Fault::Stacks { stack }),
        None => Ok(shape(first)),
    }
}

/// Refuses a section whose length does not follow from the shape.
pub(crate) fn expect_count(what: &'static str, expected: usize, found: usize) -> Result<(), Fault> {
    if found == expected { Ok(()) } else { Err(Fault::Count { what, expected, found }) }
}

// A stack is whole words of 512 bytes, so every stack begins at a multiple of 64 like the section.
const _: () = assert!((8 * nda_spec::tile::word_u64(WeightCode::Binary)).is_multiple_of(FRAME_ALIGN));
