//! The program that a document carries.

use crate::convert::cache;
use crate::failure::Outcome;
use crate::{files, language};
use nda_engine::{CacheForm, Feature, KV_FORM, LLAMA, decoder};
use nda_lang::{Tier, format, parse};
use nda_ndf::{AlignedBytes, Document, DocumentWriter, FrameKind, GridContent, MatrixContent, NdfError, VectorContent};
use std::path::Path;

/// A program as documents carry it: formatted, so that equal programs are equal bytes.
pub fn source(path: &Path) -> Outcome<String> {
    let source = language::read(path)?;
    language::compile(&source, Tier::default())?;
    Ok(format(&parse(&source.text).0))
}

/// The program in a file, or else, and under the name `llama`, that of a Llama whose metadata have this `sliding_window`.
pub fn source_or_llama(path: Option<&Path>, sliding_window: Option<&str>) -> Outcome<String> {
    match (path.filter(|path| !language::is_llama(path)), sliding_window) {
        (Some(path), _) => source(path),
        (None, Some(_)) => Ok(decoder(&[Feature::Window])),
        (None, None) => Ok(LLAMA.into()),
    }
}

/// Writes a document that is the same but for its program or the form that it recommends for a cache. The result is checked before
/// anything is written.
pub fn into_document(input: &Path, output: &Path, program: Option<&Path>, kv_form: Option<CacheForm>) -> Outcome {
    let mapped = files::open_document(input)?;
    let document = mapped.document();
    let program = match document.program().filter(|_| program.is_none()) {
        Some(own) => own.to_owned(),
        None => source_or_llama(program, document.metadata().get("sliding_window"))?,
    };
    let refuse = |e: NdfError| files::ndf_failure(input, &e);
    let bytes = rewritten(&document, &program).and_then(DocumentWriter::finish).map_err(refuse)?;
    let aligned = AlignedBytes::from(bytes.as_slice());
    // Another program keeps other keys and values, so their form is found anew.
    let cache = cache::form(&Document::open(&aligned).map_err(refuse)?)?;
    let mut writer = rewritten(&document, &program).map_err(refuse)?;
    kv_form.into_iter().for_each(|form| writer.metadata().set(KV_FORM, form.name()));
    if let Some(kv) = cache {
        writer.set_kv(kv).map_err(refuse)?;
    }
    writer.write_to(output).map_err(|e| files::ndf_failure(output, &e).into())
}

/// Every frame of a document in its order, and a program.
fn rewritten(document: &Document<'_>, program: &str) -> Result<DocumentWriter, NdfError> {
    let mut writer = DocumentWriter::new();
    for (key, value) in document.metadata().iter() {
        writer.metadata().set(key, value);
    }
    if let Some(tokenizer) = document.tokenizer() {
        writer.set_tokenizer(tokenizer.clone())?;
    }
    writer.set_program(program);
    for frame in document.frames() {
        match frame.kind {
            FrameKind::Matrix => {
                let matrix = document.matrix(frame.name)?;
                let stacks: Vec<_> = (0..matrix.stacks()).map(|stack| matrix.stack(stack)).collect();
                let (name, granularity, scales, outliers) = (frame.name, matrix.granularity(), matrix.scales(), matrix.outliers());
                writer.add_matrix(&MatrixContent { name, granularity, scales, stacks: &stacks, outliers })?;
            }
            FrameKind::Vector => {
                let vector = document.vector(frame.name)?;
                writer.add_vector(&VectorContent { name: frame.name, shape: vector.shape(), values: vector.values() })?;
            }
            FrameKind::Grid => {
                let matrix = document.grid(frame.name)?.matrix();
                let stacks: Vec<_> = (0..matrix.stacks()).map(|stack| matrix.stack(stack)).collect();
                let (group, coefficients, scales) = (matrix.group(), matrix.coefficients(), matrix.scales());
                writer.add_grid(&GridContent { name: frame.name, group, coefficients, scales, stacks: &stacks })?;
            }
            FrameKind::Metadata | FrameKind::Tokenizer | FrameKind::Program | FrameKind::Kv => {}
        }
    }
    Ok(writer)
}
