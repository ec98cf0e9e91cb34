//! What can be wrong with a GGUF file.

use super::kind::{self, Kind};

/// What is wrong with a GGUF file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GgufFault {
    /// The file does not begin as a GGUF file does.
    #[error("not a GGUF file: it begins with {found:02x?}")]
    Magic {
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// A version that this reader does not know.
    #[error("GGUF version {} is neither 2 nor 3 in little endian", endian(*.found))]
    Version {
        /// The version.
        found: u32,
    },
    /// The file ends within something.
    #[error("{what} takes {needed} bytes, but the file has {left} left")]
    Truncated {
        /// What was read.
        what: &'static str,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that are left.
        left: u64,
    },
    /// A count that no model has.
    #[error("{found} {what}, more than the {most} that this program takes")]
    Count {
        /// What was counted.
        what: &'static str,
        /// The count.
        found: u64,
        /// Most that are read.
        most: u64,
    },
    /// Text that is not UTF-8.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// What the text is.
        what: &'static str,
    },
    /// A number that stands for no type of value.
    #[error("unknown value type {found}")]
    ValueType {
        /// The number.
        found: u32,
    },
    /// Arrays of arrays of arrays.
    #[error("arrays are nested more than {} deep", super::file::MAX_DEPTH)]
    Depth,
    /// A flag that is neither 0 nor 1.
    #[error("a flag is {found}, neither 0 nor 1")]
    Flag {
        /// The byte.
        found: u8,
    },
    /// A key or a tensor that is there twice.
    #[error("{what} '{}' appears twice", .name.escape_debug())]
    Twice {
        /// Key or tensor.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// An alignment that is none.
    #[error("the alignment is {found}, not a power of two from 8 to 65536")]
    Alignment {
        /// The alignment.
        found: u64,
    },
    /// A tensor type that is not read.
    #[error("tensor '{}': type {number}{} is not read; {} are", .name.escape_debug(), type_name(*.number), Kind::names())]
    Kind {
        /// The tensor.
        name: String,
        /// The type's number.
        number: u32,
    },
    /// A tensor whose shape is none, or does not fit its type.
    #[error("tensor '{}' has the dimensions {dimensions:?}, which its type {kind} cannot have", .name.escape_debug())]
    Dimensions {
        /// The tensor.
        name: String,
        /// Its dimensions, columns first.
        dimensions: Vec<u64>,
        /// The type's name.
        kind: &'static str,
    },
    /// Two tensors that have bytes in common.
    #[error("tensors '{}' and '{}' overlap", .first.escape_debug(), .second.escape_debug())]
    Overlap {
        /// The one that begins first.
        first: String,
        /// The other.
        second: String,
    },
    /// A tensor that does not lie within the file, or not where the alignment allows.
    #[error("tensor '{}' would lie at {start} and take {bytes} bytes, but the file has {length}", .name.escape_debug())]
    Range {
        /// The tensor.
        name: String,
        /// Where it would begin.
        start: u64,
        /// Bytes that it takes.
        bytes: u64,
        /// Length of the file.
        length: u64,
    },
}

impl GgufFault {
    /// The next step for a person, one line.
    pub fn help(&self) -> &'static str {
        match self {
            GgufFault::Magic { .. } => "give a GGUF file, a model's folder or another file that README.md lists",
            GgufFault::Version { .. } => "give a file of version 2 or 3 in little endian: the package gguf writes such",
            GgufFault::Truncated { .. } | GgufFault::Range { .. } => "the file ends before what it says it holds: give the whole file",
            GgufFault::Kind { .. } => "give a file of this model in one of these types",
            _ => "the file contradicts its format: give another file of this model",
        }
    }
}

/// A version, and the order of its bytes if they are turned.
fn endian(version: u32) -> String {
    let turned = version.swap_bytes();
    if turned < version { format!("{turned} in big endian") } else { version.to_string() }
}

/// The name of a type that is not read, in brackets; empty if it is not known.
fn type_name(number: u32) -> String {
    kind::unread(number).map(|name| format!(" ({name})")).unwrap_or_default()
}
