//! The tokenizers of a build without the feature `tokenizers`: a `tokenizer.json` is refused by the feature's name.

use crate::controls::{Controls, Typed};
use crate::error::EngineError;

/// A tokenizer that this build cannot make: there is no value of this type.
#[derive(Debug, Clone)]
pub enum JsonTokenizer {}

impl JsonTokenizer {
    /// Refuses every `tokenizer.json`.
    ///
    /// # Errors
    /// Always [`EngineError::NotBuilt`].
    pub(crate) fn new(_: &str) -> Result<JsonTokenizer, EngineError> {
        Err(EngineError::NotBuilt { what: "reader of tokenizer.json", feature: "tokenizers" })
    }

    pub(crate) fn vocab_size(&self) -> usize {
        match *self {}
    }

    pub(crate) fn encode(&self, _: &str, _: Typed) -> Result<Vec<u32>, EngineError> {
        match *self {}
    }

    pub(crate) fn controls(&self) -> &Controls {
        match *self {}
    }

    pub(crate) fn decode_into(&self, _: u32, _: &mut Vec<u8>) {
        match *self {}
    }
}
