//! GGUF files (versions 2 and 3, little endian): header, keys, tensors, vocabulary.
//!
//! Source: the GGUF specification and the Python package `gguf`, whose numbers the tests compare with bit by bit.

mod blocks;
mod fault;
mod file;
mod hyper;
mod kind;
mod known;
mod model;
mod parts;
mod split;
mod value;
mod vocabulary;

pub use fault::GgufFault;
pub use file::{GgufFile, StoredTensor};
pub use kind::Kind;
pub use model::Gguf;
pub use value::{Keys, Value};
pub(crate) use vocabulary::tokens;

/// The text of the `tokenizer.json` that a file's vocabulary is; none of a file without one.
///
/// # Errors
/// A vocabulary that contradicts itself, or of a kind that is not read.
pub fn tokenizer_json(keys: &Keys) -> Result<Option<String>, crate::ConvertError> {
    Ok(vocabulary::tokens(keys, None)?.map(|tokens| tokens.json))
}

/// The first bytes of a GGUF file.
pub const MAGIC: [u8; 4] = *b"GGUF";
