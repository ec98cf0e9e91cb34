//! The `.ndf` document and the articles' matrix files: checked readers and writers.
//!
//! A document is one file and one model: a chain of hashed frames (metadata, tokenizer, program,
//! matrices, vectors) that is mapped and used in place. FORMAT.md describes every byte of it.
//! [`MappedDocument::open`] and [`Document::open`] check everything; [`DocumentWriter`] writes the
//! canonical bytes, [`DocumentStream`] the same for what does not fit into memory. [`LegacyMatrix`] reads and writes the articles' matrix files byte for byte.
//!
//! # Example
//!
//! ```
//! use nda_ndf::{AlignedBytes, Document, DocumentWriter};
//!
//! let mut writer = DocumentWriter::new();
//! writer.metadata().set("name", "example");
//! let bytes = AlignedBytes::from(writer.finish()?.as_slice());
//! let document = Document::open(&bytes)?;
//! assert_eq!(document.metadata().get("name"), Some("example"));
//! # Ok::<(), nda_ndf::NdfError>(())
//! ```

#![forbid(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("documents are little endian and used in place; this crate has no big-endian reader");

mod buffer;
mod chain;
mod document;
mod error;
mod fields;
mod grid;
mod hash;
mod kv;
mod layout;
mod legacy;
mod mapped;
mod matrix;
mod metadata;
mod sniff;
mod stream;
mod tiles;
mod tokenizer;
mod vector;
mod writer;

pub use buffer::AlignedBytes;
pub use document::{Document, FrameInfo, Views};
pub use error::{Fault, FrameLabel, NdfError, Place};
pub use grid::{GridContent, GridFrame};
pub use kv::{Kv, KvLayer};
pub use layout::{
    FRAME_ALIGN, FRAME_HEADER_BYTES, FrameKind, Granularity, HEADER_BYTES, MAGIC, MAX_NAME_BYTES, MAX_STACKS, MAX_TOKEN_BYTES, VERSION,
    VectorShape,
};
pub use legacy::{LEGACY_HEADER_BYTES, LEGACY_MAGIC, LegacyError, LegacyMatrix};
pub use mapped::MappedDocument;
pub use matrix::{MatrixContent, MatrixFrame, Outlier, Outliers};
pub use metadata::Metadata;
pub use sniff::{FileKind, sniff};
pub use stream::{DocumentStream, SealedDocument};
pub use tiles::TileBuffer;
pub use tokenizer::{BytePairs, Merge, Tokenizer};
pub use vector::{VectorContent, VectorFrame};
pub use writer::DocumentWriter;
