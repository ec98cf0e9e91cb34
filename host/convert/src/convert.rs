//! From a source to a document that the engine has tried.

use crate::encode::{Weights, encode};
use crate::error::ConvertError;
use crate::source::{Source, TensorInfo};
use nda_ndf::{DocumentWriter, MappedDocument, Tokenizer};
use std::path::Path;

/// What is asked of a conversion.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What becomes of the matrices.
    pub weights: Weights,
    /// The program that the document carries; the architecture's own if none is given.
    pub program: Option<String>,
}

/// How far a conversion has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'s> {
    /// The tensor that is worked on; none when all are written.
    pub tensor: Option<&'s TensorInfo>,
    /// Bytes of the source that are done.
    pub done_bytes: u64,
    /// Bytes of all its tensors.
    pub total_bytes: u64,
}

/// Writes the document of a source, tries it as the engine will, and puts it in its place. Memory is that of one
/// tensor; whatever happens before the end, there is no new file.
///
/// # Errors
/// What the source or the disk says, or what the engine says against the model.
pub fn convert(source: &mut dyn Source, output: &Path, options: &Options, mut progress: impl FnMut(Step<'_>)) -> Result<(), ConvertError> {
    let mut stream = head(source, options)?.stream_to(output)?;
    let tensors = source.description().tensors.clone();
    let total_bytes = tensors.iter().map(|info| info.stored_bytes).sum();
    let mut done_bytes = 0;
    for info in &tensors {
        progress(Step { tensor: Some(info), done_bytes, total_bytes });
        let content = source.read(&info.name)?;
        encode(info, content, options.weights).write(info, &mut stream)?;
        done_bytes += info.stored_bytes;
    }
    progress(Step { tensor: None, done_bytes, total_bytes });
    let sealed = stream.seal()?;
    tried(&sealed.path())?;
    Ok(sealed.publish()?)
}

/// Metadata, tokenizer and program.
fn head(source: &mut dyn Source, options: &Options) -> Result<DocumentWriter, ConvertError> {
    let identity = source.identity()?;
    let description = source.description();
    let own = description.architecture.program();
    let program = options.program.as_deref().or(own).ok_or_else(|| ConvertError::Unsupported {
        what: format!("the architecture '{}' without a program", description.architecture.name()),
        instead: "'--program FILE' gives the document one",
    })?;
    let mut writer = DocumentWriter::new();
    for (key, value) in &description.metadata {
        writer.metadata().set(key.as_str(), value);
    }
    writer.metadata().set("source", identity);
    if let Some(json) = &description.tokenizer {
        writer.set_tokenizer(Tokenizer::Json(json.clone()))?;
    }
    writer.set_program(program);
    Ok(writer)
}

/// Opens the document and takes one token on zeros. Its numbers were checked when their frames were made, so they are
/// not read again: that would bring the whole model into memory.
fn tried(path: &Path) -> Result<(), ConvertError> {
    let mapped = MappedDocument::open_structure(path)?;
    nda_engine::Weights::new(&mapped.document())?;
    Ok(())
}
