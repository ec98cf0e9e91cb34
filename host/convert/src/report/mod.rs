//! What a choice of weights costs and loses: bits, errors and perplexity of a model in several forms, side by side.

mod plot;
mod text;

pub use text::FILES;

use crate::calibrate::Moments;
use crate::convert::{Job, Options, Stage, Step, TensorError, floats_of, moments_of, tried, written};
use crate::encode::Weights;
use crate::error::ConvertError;
use crate::source::Source;
use nda_engine::{Evaluation, Model, Session, evaluate};
use nda_files::Target;
use nda_fit::FitError;
use nda_gemv::Gemv;
use nda_kernels::CpuGemv;
use nda_ndf::{FrameKind, MappedDocument, SealedDocument};
use std::path::Path;

/// What the source's own numbers are called.
pub const SOURCE: &str = "f32";

/// A form that weights can take, and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its name in the report.
    pub name: String,
    /// The form.
    pub weights: Weights,
}

/// What is compared, on what.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What the form of the document itself is called, that of [`Options::weights`].
    pub name: String,
    /// Other forms.
    pub others: Vec<Choice>,
    /// A text that nothing was fitted to.
    pub text: String,
    /// Tokens of a window.
    pub window: usize,
}

impl Comparison {
    /// No other forms, on the text that comes with this crate: the first 24,000 bytes of `alice29.txt` of the Canterbury corpus
    /// (Lewis Carroll, 1865), whose lines end in CR and LF. The usual windows of 512 tokens.
    pub fn of(name: impl Into<String>) -> Comparison {
        let text = include_str!("../../heldout.txt").replace('\n', "\r\n");
        Comparison { name: name.into(), others: Vec::new(), text, window: 512 }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// One line that says what the source is.
    pub source: String,
    /// The model's name, if it has one.
    pub model: Option<String>,
    /// Who multiplied.
    pub back_end: String,
    /// Tokens that fitted weights were fitted to; 0 for none.
    pub calibration_tokens: usize,
    /// Tokens of a window.
    pub window: usize,
    /// The source's own floats first.
    pub rows: Vec<Row>,
}

/// One form of the model.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Bits that the document spends on matrices for each of their weights, scales and outliers included.
    pub bits_per_weight: f64,
    /// Bytes of the document, tokenizer and norms included.
    pub document_bytes: u64,
    /// How far its fitted matrices are from the source; none if there is none.
    pub errors: Option<Errors>,
    /// How well it predicts the text.
    pub evaluation: Evaluation,
}

/// Errors of fitted matrices, each a root of the mean square over matrices of their relative errors.
#[derive(Debug, Clone)]
pub struct Errors {
    /// Fitted matrices.
    pub matrices: usize,
    /// Of the weights.
    pub weights: f64,
    /// Of what layers give, on the inputs that they see of the text with the source's own weights.
    pub outputs: f64,
    /// The matrix whose outputs are furthest off.
    pub worst: TensorError,
}

/// Writes the document of a source as [`crate::convert()`] does, to the bit, and measures it, the source's own floats and other
/// forms on a text. Every other form is fitted, measured and forgotten, one at a time; memory is that of a conversion and once
/// more the second moments of all layers' inputs. `progress` hears the name of the form that is worked on.
///
/// # Errors
/// As [`crate::convert()`], or a text of fewer than two tokens.
pub fn convert_and_compare(
    source: &mut dyn Source,
    output: &Path,
    options: &Options,
    comparison: &Comparison,
    mut progress: impl FnMut(&str, Step<'_>),
) -> Result<Report, ConvertError> {
    Target::judge(output, &source.paths())?;
    let floats = floats_of(source, output, options, &mut |step| progress(SOURCE, step))?;
    tried(&floats.path())?;
    let own = Choice { name: comparison.name.clone(), weights: options.weights };
    let choices: Vec<&Choice> = std::iter::once(&own).chain(&comparison.others).filter(|choice| is_fitted(choice.weights)).collect();
    let moments = match &options.calibration {
        Some(calibration) if !choices.is_empty() => Some(moments_of(&floats, calibration, &mut |step| progress(SOURCE, step))?),
        _ => None,
    };
    let mut observed = Moments::default();
    let listener = (!choices.is_empty()).then_some(&mut observed);
    let mut rows = vec![row(SOURCE, &floats, comparison, &[], listener, &mut |step| progress(SOURCE, step))?];
    for choice in choices {
        let options = Options { weights: choice.weights, ..options.clone() };
        let job = Job { options: &options, stage: Stage::Writing, moments: moments.as_ref(), observed: Some(&observed) };
        let (sealed, errors) = written(source, output, job, &mut |step| progress(&choice.name, step))?;
        tried(&sealed.path())?;
        rows.push(row(&choice.name, &sealed, comparison, &errors, None, &mut |step| progress(&choice.name, step))?);
        if std::ptr::eq(choice, &own) {
            sealed.publish()?;
        }
    }
    if !is_fitted(own.weights) {
        floats.publish()?;
    }
    Ok(Report {
        source: source.identity()?,
        model: source.description().metadata.get("name").cloned(),
        back_end: CpuGemv::new().name(),
        calibration_tokens: moments.and(options.calibration.as_ref()).map_or(0, |calibration| calibration.max_tokens),
        window: comparison.window,
        rows,
    })
}

/// Whether a form is another than the source's own, which a report has first.
fn is_fitted(weights: Weights) -> bool {
    matches!(weights, Weights::Fitted(_))
}

/// Measures a document. Its layers' inputs go to `listener`.
fn row(
    name: &str,
    sealed: &SealedDocument,
    comparison: &Comparison,
    errors: &[TensorError],
    listener: Option<&mut Moments>,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Row, ConvertError> {
    // Its frames' hashes were made a moment ago.
    let mapped = MappedDocument::open_structure(sealed.path())?;
    let document = mapped.document();
    let evaluation = evaluated(&mapped, comparison, listener, progress)?;
    let shapes = document.vectors().map(|vector| (vector.name(), vector.shape().rows_cols()));
    let shapes = shapes.chain(document.matrices().map(|matrix| (matrix.name(), (matrix.rows(), matrix.cols()))));
    let shapes = shapes.chain(document.grids().map(|grid| (grid.name(), (grid.matrix().rows(), grid.matrix().cols()))));
    let matrices: std::collections::BTreeMap<&str, usize> =
        shapes.filter(|(_, (rows, _))| *rows > 1).map(|(name, (rows, cols))| (name, rows * cols)).collect();
    let holds_values = |kind| matches!(kind, FrameKind::Matrix | FrameKind::Grid | FrameKind::Vector);
    let frames = document.frames().filter(|frame| holds_values(frame.kind) && matrices.contains_key(frame.name));
    let bits = 8 * frames.map(|frame| frame.payload_bytes).sum::<u64>();
    Ok(Row {
        name: name.into(),
        bits_per_weight: bits as f64 / matrices.values().sum::<usize>().max(1) as f64,
        document_bytes: document.bytes().len() as u64,
        errors: Errors::of(errors),
        evaluation,
    })
}

fn evaluated(
    mapped: &MappedDocument,
    comparison: &Comparison,
    mut listener: Option<&mut Moments>,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Evaluation, ConvertError> {
    let weights = nda_engine::Weights::new(&mapped.document())?;
    let mut gemv = CpuGemv::new();
    let pool = gemv.pool().clone();
    let model = Model::prepare(&weights, &mut gemv)?;
    let tokens = model.tokenizer().encode(comparison.text.as_bytes())?;
    let mut failed: Option<FitError> = None;
    let found = {
        let mut session = Session::new(&model, &mut gemv);
        session.use_threads(pool.clone());
        session.on_input(|names, cols, x| {
            if let Some(Err(error)) = listener.as_mut().map(|moments| moments.add(names, cols, x)) {
                failed.get_or_insert(error);
            }
        });
        let tell = |done: usize, total: usize| {
            progress(Step { stage: Stage::Evaluating, tensor: None, done: done as u64, total: total as u64 });
        };
        evaluate(&mut session, &tokens, comparison.window, tell)?
    };
    failed.map_or(Ok(found), |error| Err(error.into()))
}

impl Errors {
    fn of(tensors: &[TensorError]) -> Option<Errors> {
        let root = |squares: Vec<f64>| (squares.iter().map(|e| e * e).sum::<f64>() / squares.len().max(1) as f64).sqrt();
        let outputs = |tensor: &TensorError| tensor.outputs.unwrap_or(0.0);
        Some(Errors {
            matrices: tensors.len(),
            weights: root(tensors.iter().map(|tensor| tensor.weights).collect()),
            outputs: root(tensors.iter().filter_map(|tensor| tensor.outputs).collect()),
            worst: tensors.iter().max_by(|a, b| outputs(a).total_cmp(&outputs(b)))?.clone(),
        })
    }
}

impl Report {
    /// Perplexity of the source's own floats.
    pub fn source_perplexity(&self) -> f64 {
        self.rows.first().map_or(f64::NAN, |row| row.evaluation.perplexity())
    }
}
