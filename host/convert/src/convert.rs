//! From a source to a document that the engine has tried.

use crate::calibrate::Moments;
use crate::encode::{Encoded, Weights, encode};
use crate::error::ConvertError;
use crate::source::{Source, TensorInfo};
use nda_engine::{CacheForm, EMBEDDING, HEAD, KV_FORM};
use nda_files::Target;
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
    /// How keys and values are to be kept unless somebody asks otherwise.
    pub kv_form: Option<CacheForm>,
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
    /// Runs the model over the held-out text of a report; the counts are tokens.
    Evaluating,
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
    Target::judge(output, &source.paths())?;
    let moments = match (&options.calibration, options.weights) {
        (Some(calibration), Weights::Fitted(_)) => {
            let floats = floats_of(source, output, options, &mut progress)?;
            Some(moments_of(&floats, calibration, &mut progress)?)
        }
        _ => None,
    };
    let job = Job { options, stage: Stage::Writing, moments: moments.as_ref(), observed: None };
    let (sealed, _) = written(source, output, job, &mut progress)?;
    tried(&sealed.path())?;
    Ok(sealed.publish()?)
}

/// How one document is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'j> {
    pub options: &'j Options,
    pub stage: Stage,
    /// What fitted weights are fitted to.
    pub moments: Option<&'j Moments>,
    /// What the errors of outputs are measured on; none to measure nothing.
    pub observed: Option<&'j Moments>,
}

/// How far a fitted matrix is from its source.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorError {
    /// The tensor.
    pub name: String,
    /// Length of the weights' difference over the length of the weights.
    pub weights: f64,
    /// The same of what the layer gives for the inputs that were observed; none of a tensor that nothing is multiplied by.
    pub outputs: Option<f64>,
}

/// The document of a source, not in its place yet, and the errors of its fitted matrices if they are asked for.
pub(crate) fn written(
    source: &mut dyn Source,
    output: &Path,
    job: Job<'_>,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<(SealedDocument, Vec<TensorError>), ConvertError> {
    let Job { options, stage, moments, observed } = job;
    let mut stream = head(source, options)?.stream_to(output)?;
    let tensors = source.description().tensors.clone();
    let total = tensors.iter().map(|info| info.stored_bytes).sum();
    let (mut done, mut errors) = (0, Vec::new());
    for info in &tensors {
        progress(Step { stage, tensor: Some(info), done, total });
        let content = source.read(&info.name)?;
        let seen_as = seen_by(&info.name, &tensors);
        let original = observed.and(content.floats()).map(<[f32]>::to_vec);
        let encoded = encode(info, content, options.weights, moments.and_then(|moments| moments.get(seen_as)))?;
        if let (Encoded::Fitted(fitted), Some(original)) = (&encoded, original) {
            let outputs =
                observed.and_then(|observed| observed.get(seen_as)).map(|observed| fitted.relative_output_error(&original, observed));
            errors.push(TensorError { name: info.name.clone(), weights: fitted.relative_error(&original), outputs });
        }
        encoded.write(info, &mut stream)?;
        done += info.stored_bytes;
    }
    progress(Step { stage, tensor: None, done, total });
    Ok((stream.seal()?, errors))
}

/// The name under which a tensor's inputs are known: a tied head is the embedding, and what the head sees is what counts.
fn seen_by<'n>(name: &'n str, tensors: &[TensorInfo]) -> &'n str {
    let is_tied = !tensors.iter().any(|info| info.name == HEAD);
    if is_tied && name == EMBEDDING { HEAD } else { name }
}

/// The source's own weights as a document that has no name: it is gone when it is dropped. Codes are floats if all shall be.
pub(crate) fn floats_of(
    source: &mut dyn Source,
    output: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<SealedDocument, ConvertError> {
    let weights = if options.weights == Weights::F32 { Weights::F32 } else { Weights::Kept };
    let floats = Options { weights, program: options.program.clone(), calibration: None, kv_form: None };
    Ok(written(source, output, Job { options: &floats, stage: Stage::Copying, moments: None, observed: None }, progress)?.0)
}

/// What every layer sees of a text.
pub(crate) fn moments_of(
    floats: &SealedDocument,
    calibration: &Calibration,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Moments, ConvertError> {
    let tell =
        |done: usize, total: usize| progress(Step { stage: Stage::Calibrating, tensor: None, done: done as u64, total: total as u64 });
    Moments::of_text(&floats.path(), &calibration.text, calibration.max_tokens, tell)
}

/// Metadata, tokenizer and program.
fn head(source: &mut dyn Source, options: &Options) -> Result<DocumentWriter, ConvertError> {
    let identity = source.identity()?;
    let description = source.description();
    let program = match options.program.as_deref() {
        Some(program) => program.into(),
        None => description.architecture.program(&description.features),
    };
    let mut writer = DocumentWriter::new();
    for (key, value) in &description.metadata {
        writer.metadata().set(key.as_str(), value);
    }
    writer.metadata().set("source", identity);
    if let Weights::Fitted(recipe) = options.weights {
        let calibrated = options.calibration.as_ref().map_or(0, |calibration| calibration.max_tokens);
        writer.metadata().set("fitted", format!("{recipe:?}, calibrated on {calibrated} tokens"));
    }
    if let Some(form) = options.kv_form {
        writer.metadata().set(KV_FORM, form.name());
    }
    if let Some(json) = &description.tokenizer {
        writer.set_tokenizer(Tokenizer::Json(json.clone()))?;
    }
    writer.set_program(program);
    Ok(writer)
}

/// Opens the document and takes one token on zeros. Its numbers were checked when their frames were made, so they are
/// not read again: that would bring the whole model into memory.
pub(crate) fn tried(path: &Path) -> Result<(), ConvertError> {
    let mapped = MappedDocument::open_structure(path)?;
    nda_engine::Weights::new(&mapped.document())?;
    Ok(())
}
