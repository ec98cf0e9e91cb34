//! Where everything stands in a document: the numbers of FORMAT.md, once.

use std::ops::Range;

use nda_spec::WeightCode;
use nda_spec::tile;

use crate::Fault;

/// First bytes of a document. A transfer that rewrites line ends or drops bit 7 breaks them.
pub const MAGIC: [u8; 8] = *b"\x89NDF\r\n\x1a\n";
/// The format version that this crate reads and writes.
pub const VERSION: u32 = 1;
/// Bytes of the document's header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of a frame's header; its payload follows.
pub const FRAME_HEADER_BYTES: usize = 192;
/// Every frame, every payload and every section of a payload begins at a multiple of this.
pub const FRAME_ALIGN: usize = 64;
/// Longest name of a frame.
pub const MAX_NAME_BYTES: usize = 96;
/// Longest token of a byte-pair vocabulary; it bounds the work of checking a merge.
pub const MAX_TOKEN_BYTES: usize = 1024;
/// Most stacks of a matrix.
pub const MAX_STACKS: usize = nda_spec::grid::MAX_STACKS;

/// Bytes of a BLAKE3 hash.
pub(crate) const HASH_BYTES: usize = 32;

/// Offsets in the document's header.
pub(crate) mod header {
    use std::ops::Range;

    pub const VERSION: usize = 8;
    pub const FRAME_COUNT: usize = 12;
    pub const FILE_BYTES: usize = 16;
    pub const RESERVED: Range<usize> = 24..32;
    /// What the hash covers.
    pub const HASHED: Range<usize> = 0..32;
    pub const HASH: Range<usize> = 32..64;
}

/// Offsets in a frame's header.
pub(crate) mod frame {
    use std::ops::Range;

    pub const HASH: Range<usize> = 0..32;
    /// The hash covers the frame from here to its end, padding included.
    pub const HASHED_FROM: usize = 32;
    pub const PREVIOUS: Range<usize> = 32..64;
    pub const KIND: usize = 64;
    pub const INDEX: usize = 68;
    pub const PAYLOAD_BYTES: usize = 72;
    pub const NAME_BYTES: usize = 80;
    pub const RESERVED: Range<usize> = 84..96;
    pub const NAME: Range<usize> = 96..192;
}

/// Offsets in a matrix frame's descriptor, from the start of the payload.
pub(crate) mod matrix {
    use std::ops::Range;

    pub const ROWS: usize = 0;
    pub const COLS: usize = 4;
    pub const CODE: usize = 8;
    pub const STACKS: usize = 12;
    pub const GRANULARITY: usize = 16;
    pub const OUTLIERS: usize = 20;
    pub const RESERVED: Range<usize> = 24..64;
    pub const BYTES: usize = 64;
}

/// Offsets in a grid frame's descriptor, from the start of the payload.
pub(crate) mod grid {
    use std::ops::Range;

    pub const ROWS: usize = 0;
    pub const COLS: usize = 4;
    pub const CODE: usize = 8;
    pub const STACKS: usize = 12;
    pub const GROUP: usize = 16;
    /// One signed byte a stack; those of absent stacks are zero, like all bytes after them.
    pub const COEFFICIENTS: Range<usize> = 20..24;
    pub const BYTES: usize = 64;
}

/// Offsets in a vector frame's descriptor, from the start of the payload.
pub(crate) mod vector {
    use std::ops::Range;

    pub const DIMENSIONS: usize = 0;
    pub const ROWS: usize = 4;
    pub const COLS: usize = 8;
    pub const RESERVED: Range<usize> = 12..64;
    pub const BYTES: usize = 64;
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrameKind {
    /// Text values by key; always frame 0.
    Metadata,
    /// How text becomes tokens.
    Tokenizer,
    /// The forward pass as NDA source.
    Program,
    /// The form of the cache of keys and values.
    Kv,
    /// Weights in bit planes.
    Matrix,
    /// Float values: norms, tables.
    Vector,
    /// Weights in bit planes that share one scale a group of columns.
    Grid,
}

impl FrameKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [FrameKind; 7] = [
        FrameKind::Metadata,
        FrameKind::Tokenizer,
        FrameKind::Program,
        FrameKind::Kv,
        FrameKind::Matrix,
        FrameKind::Vector,
        FrameKind::Grid,
    ];

    /// The number in the file.
    pub const fn number(self) -> u32 {
        match self {
            FrameKind::Metadata => 1,
            FrameKind::Tokenizer => 2,
            FrameKind::Program => 3,
            FrameKind::Kv => 4,
            FrameKind::Matrix => 16,
            FrameKind::Vector => 17,
            FrameKind::Grid => 18,
        }
    }

    /// The kind of a number, if it has one.
    pub fn from_number(number: u32) -> Option<Self> {
        FrameKind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name used in listings and messages.
    pub const fn name(self) -> &'static str {
        match self {
            FrameKind::Metadata => "metadata",
            FrameKind::Tokenizer => "tokenizer",
            FrameKind::Program => "program",
            FrameKind::Kv => "kv",
            FrameKind::Matrix => "matrix",
            FrameKind::Vector => "vector",
            FrameKind::Grid => "grid",
        }
    }

    /// Whether frames of this kind have a name, and a document any number of them.
    pub const fn is_named(self) -> bool {
        matches!(self, FrameKind::Matrix | FrameKind::Vector | FrameKind::Grid)
    }
}

/// How many weights share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// One scale for the matrix.
    Matrix,
    /// One scale a row.
    Row,
    /// One scale for 32 columns of a row; the last group of a row may be shorter.
    Group32,
    /// One scale for 64 columns of a row; the last group of a row may be shorter.
    Group64,
}

impl Granularity {
    /// All granularities, in the order of their numbers.
    pub const ALL: [Granularity; 4] = [Granularity::Matrix, Granularity::Row, Granularity::Group32, Granularity::Group64];

    /// The number in the file.
    pub const fn number(self) -> u32 {
        match self {
            Granularity::Matrix => 0,
            Granularity::Row => 1,
            Granularity::Group32 => 2,
            Granularity::Group64 => 3,
        }
    }

    /// The granularity of a number, if it has one.
    pub fn from_number(number: u32) -> Option<Self> {
        Granularity::ALL.into_iter().find(|granularity| granularity.number() == number)
    }

    /// The name used in listings and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Granularity::Matrix => "matrix",
            Granularity::Row => "row",
            Granularity::Group32 => "group of 32",
            Granularity::Group64 => "group of 64",
        }
    }

    /// Columns that share a scale within a row of `cols` columns.
    pub const fn group_cols(self, cols: usize) -> usize {
        match self {
            Granularity::Matrix | Granularity::Row => cols,
            Granularity::Group32 => 32,
            Granularity::Group64 => 64,
        }
    }

    /// Scales of one stack, or `None` if they are more than memory holds.
    pub fn scale_count(self, rows: usize, cols: usize) -> Option<usize> {
        match self {
            Granularity::Matrix => Some(1),
            Granularity::Row => Some(rows),
            Granularity::Group32 | Granularity::Group64 => rows.checked_mul(cols.div_ceil(self.group_cols(cols))),
        }
    }

    /// Index of the scale of a weight among the scales of its stack.
    pub const fn scale_index(self, cols: usize, row: usize, col: usize) -> usize {
        match self {
            Granularity::Matrix => 0,
            Granularity::Row => row,
            Granularity::Group32 | Granularity::Group64 => {
                let group = self.group_cols(cols);
                row * cols.div_ceil(group) + col / group
            }
        }
    }
}

/// Shape of a vector frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorShape {
    /// This many values.
    Vector(usize),
    /// A table, row by row: an embedding, usually.
    Table {
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
    },
}

impl VectorShape {
    /// Rows and columns; a vector is one row.
    pub const fn rows_cols(self) -> (usize, usize) {
        match self {
            VectorShape::Vector(cols) => (1, cols),
            VectorShape::Table { rows, cols } => (rows, cols),
        }
    }

    /// Dimensions: 1 or 2.
    pub const fn dimensions(self) -> u32 {
        match self {
            VectorShape::Vector(_) => 1,
            VectorShape::Table { .. } => 2,
        }
    }
}

/// What a code field may hold.
pub(crate) const CODE_NUMBERS: &str = "1 (ternary), 2 (quaternary), 3 (asymmetric) or 4 (binary)";

/// The weight code of a number, if it has one.
pub(crate) fn code_from_number(number: u32) -> Option<WeightCode> {
    WeightCode::ALL.into_iter().find(|code| code.row().number == number)
}

/// `bytes` rounded up to a multiple of [`FRAME_ALIGN`].
pub(crate) const fn align_up(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(FRAME_ALIGN)
}

/// Where the sections of a matrix frame stand, from the start of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatrixLayout {
    pub rows: usize,
    pub cols: usize,
    pub code: WeightCode,
    pub stacks: usize,
    pub granularity: Granularity,
    pub outliers: usize,
    /// `f32`, all stacks.
    pub scales: Range<usize>,
    /// `u64`, all stacks.
    pub tiles: Range<usize>,
    /// `u32`.
    pub outlier_rows: Range<usize>,
    /// `u32`.
    pub outlier_cols: Range<usize>,
    /// `f32`.
    pub outlier_values: Range<usize>,
    pub payload_bytes: usize,
}

impl MatrixLayout {
    /// The layout, or [`Fault::TooLarge`]: every sum and product is checked.
    pub fn new(
        (rows, cols): (usize, usize),
        code: WeightCode,
        stacks: usize,
        granularity: Granularity,
        outliers: usize,
    ) -> Result<Self, Fault> {
        let too_large = || Fault::TooLarge { what: "planes, scales and outliers", rows: rows as u64, cols: cols as u64 };
        let words = tile::matrix_u64(rows, cols, code).map_err(|_| too_large())?;
        let scale_count = granularity.scale_count(rows, cols);
        let mut end = Some(matrix::BYTES);
        // A section of `count` elements after what stands before it, from the next multiple of 64.
        let mut section = |count: Option<usize>, element_bytes: usize| -> Option<Range<usize>> {
            let start = align_up(end?)?;
            end = start.checked_add(count?.checked_mul(element_bytes)?);
            Some(start..end?)
        };
        let scales = section(scale_count.and_then(|n| n.checked_mul(stacks)), 4).ok_or_else(too_large)?;
        let tiles = section(words.checked_mul(stacks), 8).ok_or_else(too_large)?;
        let outlier_rows = section(Some(outliers), 4).ok_or_else(too_large)?;
        let outlier_cols = section(Some(outliers), 4).ok_or_else(too_large)?;
        let outlier_values = section(Some(outliers), 4).ok_or_else(too_large)?;
        // Without outliers the payload ends where the tiles do, which is a multiple of 64 already.
        let payload_bytes = outlier_values.end;
        Ok(MatrixLayout {
            rows,
            cols,
            code,
            stacks,
            granularity,
            outliers,
            scales,
            tiles,
            outlier_rows,
            outlier_cols,
            outlier_values,
            payload_bytes,
        })
    }
}

/// Where the values of a vector frame stand, from the start of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VectorLayout {
    pub shape: VectorShape,
    /// `f32`.
    pub values: Range<usize>,
}

impl VectorLayout {
    /// The layout, or [`Fault::TooLarge`].
    pub fn new(shape: VectorShape) -> Result<Self, Fault> {
        let (rows, cols) = shape.rows_cols();
        let end = rows.checked_mul(cols).and_then(|n| n.checked_mul(4)).and_then(|n| n.checked_add(vector::BYTES));
        let end = end.ok_or(Fault::TooLarge { what: "values", rows: rows as u64, cols: cols as u64 })?;
        Ok(VectorLayout { shape, values: vector::BYTES..end })
    }
}
