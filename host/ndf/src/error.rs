//! What can be wrong with a document, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use nda_spec::TileError;

use crate::FrameKind;

/// A frame as a message names it. Of a damaged frame, kind and name are what its bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLabel {
    /// Position in the chain; the first frame is 0.
    pub index: u32,
    /// The kind, or `None` if the number means no kind.
    pub kind: Option<FrameKind>,
    /// The name; empty for kinds that have none.
    pub name: String,
}

impl fmt::Display for FrameLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("unknown kind", FrameKind::name);
        if self.name.is_empty() {
            write!(f, "frame {} ({kind})", self.index)
        } else {
            write!(f, "frame {} ({kind} '{}')", self.index, self.name.escape_debug())
        }
    }
}

/// Where in a document something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The frame, or `None` for the document's header.
    pub frame: Option<FrameLabel>,
    /// Offset in the file, in bytes.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.frame {
            None => write!(f, "document header, byte {}", self.offset),
            Some(frame) => write!(f, "{frame}, byte {}", self.offset),
        }
    }
}

/// What is wrong at a [`Place`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file does not begin as a document does.
    #[error("not an .ndf document: it begins with {found:02x?}; a document begins with {:02x?}", crate::MAGIC)]
    Magic {
        /// The first bytes of the file, at most eight.
        found: Vec<u8>,
    },
    /// A version that this reader does not know.
    #[error("format version must be {}, got {found}; convert the model again", crate::VERSION)]
    Version {
        /// The version in the header.
        found: u32,
    },
    /// Bytes are missing at the end.
    #[error("the file ends at byte {found}, but needs {expected} bytes; fetch or convert it again")]
    Truncated {
        /// Bytes that header or frame call for.
        expected: u64,
        /// Bytes that the file has.
        found: u64,
    },
    /// Bytes follow the last frame.
    #[error("{extra} bytes follow the end of the last frame; fetch or convert the file again")]
    Trailing {
        /// Bytes after the end.
        extra: u64,
    },
    /// The frames end somewhere else than the header says.
    #[error("the frames end at byte {found}, but the header says {expected}")]
    FileBytes {
        /// End of the document by its header.
        expected: u64,
        /// End of the last frame.
        found: u64,
    },
    /// A hash does not match: a byte that it covers, or the hash itself, was changed.
    #[error("a byte in {start}..{end} was changed: their BLAKE3 hash is not the stored one; fetch or convert the file again")]
    Hash {
        /// First byte of the damaged range.
        start: u64,
        /// End of the damaged range.
        end: u64,
    },
    /// The stored hash of the previous frame is not that frame's hash.
    #[error("the chain is broken: the stored hash of what stands before is another; a frame was changed, moved or replaced")]
    Chain,
    /// A field has a value that the format does not allow.
    #[error("{field} is {found}, but must be {allowed}")]
    Field {
        /// What the field is called in FORMAT.md.
        field: &'static str,
        /// Its value.
        found: u64,
        /// What it may be, in words.
        allowed: &'static str,
    },
    /// A byte that must be zero is not.
    #[error("padding byte is {found:#04x}, but must be zero")]
    Padding {
        /// The byte.
        found: u8,
    },
    /// A frame stands where its kind must not.
    #[error("a {} frame cannot stand here: the order is one metadata frame, at most one tokenizer, at most one program, then matrices and vectors", .kind.name())]
    Order {
        /// The frame's kind.
        kind: FrameKind,
    },
    /// Sizes whose product no memory holds.
    #[error("{what} of {rows} x {cols} need more memory than can be addressed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
    },
    /// The payload is not as long as its content calls for.
    #[error("the payload is {found} bytes, but its content takes {expected}")]
    PayloadBytes {
        /// Bytes that the content takes (at least).
        expected: u64,
        /// Bytes of the payload.
        found: u64,
    },
    /// Text that is not UTF-8.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// What the text is.
        what: &'static str,
    },
    /// A name that a frame cannot have.
    #[error(
        "name of {bytes} bytes is refused: matrices and vectors have 1 to {} bytes without control characters, other frames have no name",
        crate::MAX_NAME_BYTES
    )]
    Name {
        /// Length of the name.
        bytes: usize,
    },
    /// Two frames have one name.
    #[error("the name '{}' is already taken by another frame", .name.escape_debug())]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A metadata key is empty, or keys do not ascend.
    #[error("metadata key '{}' is refused: keys are not empty and strictly ascend, byte by byte", .key.escape_debug())]
    Key {
        /// The key.
        key: String,
    },
    /// A token that is too long.
    #[error("token {index} is {bytes} bytes; a token has at most {}", crate::MAX_TOKEN_BYTES)]
    Token {
        /// The token.
        index: usize,
        /// Its length.
        bytes: usize,
    },
    /// A merge whose result is not its two parts.
    #[error("merge {index} joins tokens {left} and {right}, but token {merged} is not the two, or one of them does not exist")]
    Merge {
        /// Rank of the merge.
        index: usize,
        /// Left token.
        left: u32,
        /// Right token.
        right: u32,
        /// The token that is said to be both.
        merged: u32,
    },
    /// A special token does not exist, or the list does not strictly ascend.
    #[error("special token {token} is refused: special tokens exist in the vocabulary and strictly ascend")]
    Special {
        /// The token.
        token: u32,
    },
    /// NaN or an infinity where a number must stand.
    #[error("{what} {index} is {value}, not a finite number")]
    NotFinite {
        /// What the number is.
        what: &'static str,
        /// Its index in its section.
        index: usize,
        /// The number.
        value: f32,
    },
    /// A number that is divided by, so it must be more than 0.
    #[error("{what} {index} is {value}, not a finite number above 0")]
    NotPositive {
        /// What the number is.
        what: &'static str,
        /// Its index in its section.
        index: usize,
        /// The number.
        value: f32,
    },
    /// A stack's planes contradict, or a padding bit is set.
    #[error("stack {stack}: {source}")]
    Tile {
        /// The stack, from 0.
        stack: usize,
        /// What is wrong with it.
        source: TileError,
    },
    /// A grid's coefficients, scales or planes.
    #[error(transparent)]
    Grid {
        /// What is wrong.
        source: nda_spec::grid::GridError,
    },
    /// Outliers outside the matrix, or not strictly ascending by row and column.
    #[error("outlier {index} at row {row}, column {col} is outside the {rows} x {cols} matrix or not after the one before")]
    Outlier {
        /// Index of the outlier.
        index: usize,
        /// Its row.
        row: u32,
        /// Its column.
        col: u32,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// A writer was given a section whose length does not follow from the shape.
    #[error("{what}: {found} given, but the shape calls for {expected}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// The number that the shape calls for.
        expected: usize,
        /// The number given.
        found: usize,
    },
    /// A writer was given stacks of different shape or code.
    #[error("stack {stack} has another shape or code than stack 0")]
    Stacks {
        /// The stack that differs.
        stack: usize,
    },
}

/// Why a document cannot be opened, asked or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NdfError {
    /// A file that is not opened or not written: it is not a regular file, or the system refuses.
    #[error("'{place}': {0}", place = .0.path().display())]
    File(#[from] nda_files::FilesError),
    /// The file system refused.
    #[error("cannot {action} '{}': {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The bytes cannot be used in place.
    #[error("the document's bytes begin at an address that is not a multiple of 8; copy them with AlignedBytes::from")]
    Misaligned,
    /// The document is not what FORMAT.md calls for.
    #[error("{at}: {fault}")]
    Broken {
        /// Where.
        at: Place,
        /// What.
        fault: Fault,
    },
    /// The content given to a writer is refused; nothing was written.
    #[error("cannot write {} '{}': {fault}", .kind.name(), .name.escape_debug())]
    Unwritable {
        /// Kind of the frame.
        kind: FrameKind,
        /// Name of the frame.
        name: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The document has no such frame.
    #[error("the document has no {} '{}' ({count} of that kind); 'nda info' lists them", .kind.name(), .name.escape_debug())]
    NoSuchFrame {
        /// Kind asked for.
        kind: FrameKind,
        /// Name asked for.
        name: String,
        /// Frames of that kind in the document.
        count: usize,
    },
    /// The metadata has no such key.
    #[error("the metadata (frame 0) has no key '{}'; 'nda info' lists them", .key.escape_debug())]
    NoSuchKey {
        /// Key asked for.
        key: String,
    },
    /// The metadata's value is not of the type asked for.
    #[error("metadata (frame 0): '{}' is '{}', not {expected}", .key.escape_debug(), .value.escape_debug())]
    Value {
        /// Key asked for.
        key: String,
        /// Its value.
        value: String,
        /// What it must be, in words.
        expected: &'static str,
    },
}

impl NdfError {
    /// Where the document is broken, if that is what is wrong.
    pub fn place(&self) -> Option<&Place> {
        match self {
            NdfError::Broken { at, .. } => Some(at),
            _ => None,
        }
    }

    /// What is wrong with the document or content, if that is what is wrong.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            NdfError::Broken { fault, .. } | NdfError::Unwritable { fault, .. } => Some(fault),
            _ => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        NdfError::Io { action, path: path.to_path_buf(), source }
    }
}
