//! From a source to a document that the engine has tried.

use crate::calibrate::Moments;
use crate::encode::{Weights, encode};
use crate::error::ConvertError;
use crate::source::{Source, TensorInfo};
use nda_engine::{EMBEDDING, HEAD};
use nda_ndf::{DocumentWriter, MappedDocument, SealedDocument, Tokenizer};
use std::path::Path;

/// What is asked of a conversion.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What becomes of the matrices.
    pub weights: Weights,
    /// The program that the document carries; the architecture's own if none is given.
    pub program: Option<String>,
    /// What fitted weights are fitted to; without it to themselves alone.
    pub calibration: Option<Calibration>,
}

/// A text whose inputs to every layer say what its weights are worth.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// The text.
    pub text: String,
    /// Tokens of it that are looked at.
    pub max_tokens: usize,
}

impl Default for Calibration {
    /// Some pages of public-domain English: novels, speeches, the King James Bible.
    fn default() -> Self {
        Calibration { text: include_str!("../calibration.txt").into(), max_tokens: 4096 }
    }
}

/// What a conversion is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Writes the floats to a file of its own, to be calibrated.
    Copying,
    /// Runs the model over the calibration text; the counts are tokens.
    Calibrating,
    /// Writes the document; the counts are bytes of the source.
    Writing,
}

/// How far a conversion has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'s> {
    /// What it is at.
    pub stage: Stage,
    /// The tensor that is worked on; none when all are written.
    pub tensor: Option<&'s TensorInfo>,
    /// Bytes of the source, or tokens, that are done.
    pub done: u64,
    /// Bytes of all its tensors, or all tokens.
    pub total: u64,
}

/// Writes the document of a source, tries it as the engine will, and puts it in its place; whatever happens before the
/// end, there is no new file. Memory is that of one tensor, and with a calibration that of the second moments of all
/// layers' inputs: 8 bytes for every pair of columns of a layer.
///
/// # Errors
/// What the source or the disk says, or what the engine says against the model.
pub fn convert(source: &mut dyn Source, output: &Path, options: &Options, mut progress: impl FnMut(Step<'_>)) -> Result<(), ConvertError> {
    let moments = match (&options.calibration, options.weights) {
        (Some(calibration), Weights::Fitted(_)) => Some(calibrate(source, output, options, calibration, &mut progress)?),
        _ => None,
    };
    let sealed = written(source, output, options, moments.as_ref(), Stage::Writing, &mut progress)?;
    tried(&sealed.path())?;
    Ok(sealed.publish()?)
}

/// The document of a source, not in its place yet.
fn written(
    source: &mut dyn Source,
    output: &Path,
    options: &Options,
    moments: Option<&Moments>,
    stage: Stage,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<SealedDocument, ConvertError> {
    let mut stream = head(source, options)?.stream_to(output)?;
    let tensors = source.description().tensors.clone();
    let total = tensors.iter().map(|info| info.stored_bytes).sum();
    let mut done = 0;
    for info in &tensors {
        progress(Step { stage, tensor: Some(info), done, total });
        let content = source.read(&info.name)?;
        let hessian = moments.and_then(|moments| moments.get(seen_by(&info.name, &tensors)));
        encode(info, content, options.weights, hessian)?.write(info, &mut stream)?;
        done += info.stored_bytes;
    }
    progress(Step { stage, tensor: None, done, total });
    Ok(stream.seal()?)
}

/// The name under which a tensor's inputs are known: a tied head is the embedding, and what the head sees is what counts.
fn seen_by<'n>(name: &'n str, tensors: &[TensorInfo]) -> &'n str {
    let is_tied = !tensors.iter().any(|info| info.name == HEAD);
    if is_tied && name == EMBEDDING { HEAD } else { name }
}

/// What every layer sees of a text. The floats lie in a file beside the output for as long as that takes.
fn calibrate(
    source: &mut dyn Source,
    output: &Path,
    options: &Options,
    calibration: &Calibration,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Moments, ConvertError> {
    let floats = Options { weights: Weights::F32, program: options.program.clone(), calibration: None };
    let copy = written(source, output, &floats, None, Stage::Copying, progress)?;
    let tell =
        |done: usize, total: usize| progress(Step { stage: Stage::Calibrating, tensor: None, done: done as u64, total: total as u64 });
    Moments::of_text(&copy.path(), &calibration.text, calibration.max_tokens, tell)
}

/// Metadata, tokenizer and program.
fn head(source: &mut dyn Source, options: &Options) -> Result<DocumentWriter, ConvertError> {
    let identity = source.identity()?;
    let description = source.description();
    let program = options.program.as_deref().unwrap_or(description.architecture.program());
    let mut writer = DocumentWriter::new();
    for (key, value) in &description.metadata {
        writer.metadata().set(key.as_str(), value);
    }
    writer.metadata().set("source", identity);
    if let Weights::Fitted(recipe) = options.weights {
        let calibrated = options.calibration.as_ref().map_or(0, |calibration| calibration.max_tokens);
        writer.metadata().set("fitted", format!("{recipe:?}, calibrated on {calibrated} tokens"));
    }
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
