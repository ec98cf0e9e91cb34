//! Models of others: GGUF files and Hugging Face folders become documents.

use crate::commands::info_model::Summary;
use crate::convert::program;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{ByteProgress, Progress};
use crate::{files, output};
use nda_convert::report::{Choice, Comparison, convert_and_compare};
use nda_convert::{Calibration, ConvertError, Folder, Gguf, Options, Recipe, Source, Stage, Step, Weights};
use nda_engine::CacheForm;
use nda_ndf::NdfError;
use std::path::{Path, PathBuf};

/// What becomes of the matrices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WeightsChoice {
    /// As the source has them: ternary and binary weights as they are, and all others as floats of 32 bits.
    Kept,
    /// Floats of 32 bits, of ternary and binary weights too: what other programs compute, all of it the CPU's work.
    F32,
    /// Two 2-bit stacks, three in embedding and head, scales for 32 columns: some 5 bits per weight.
    #[default]
    K2,
    /// Three 2-bit stacks, scales for 32 columns: 6.5 bits per weight.
    K3,
    /// Two stacks with a scale per row and 0.1 % outliers, which a board multiplies in whole rows.
    K2Row,
    /// Three stacks with a scale per row and 0.1 % outliers.
    K3Row,
}

impl From<WeightsChoice> for Weights {
    fn from(choice: WeightsChoice) -> Weights {
        match choice {
            WeightsChoice::Kept => Weights::Kept,
            WeightsChoice::F32 => Weights::F32,
            WeightsChoice::K2 => Weights::Fitted(Recipe::K2),
            WeightsChoice::K3 => Weights::Fitted(Recipe::K3),
            WeightsChoice::K2Row => Weights::Fitted(Recipe::K2_ROW),
            WeightsChoice::K3Row => Weights::Fitted(Recipe::K3_ROW),
        }
    }
}

impl WeightsChoice {
    /// As it is written on the command line.
    fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// What fitted weights are fitted to.
#[derive(Debug, Clone, Default)]
pub enum CalibrationChoice {
    /// The text that comes with this program.
    #[default]
    BuiltIn,
    /// Another text.
    File(PathBuf),
    /// Nothing: every weight goes to its nearest level.
    None,
}

/// What is asked of a model's conversion.
#[derive(Debug)]
pub struct Wishes<'w> {
    /// What becomes of the matrices.
    pub weights: WeightsChoice,
    /// What they are fitted to.
    pub calibration: CalibrationChoice,
    /// Tokens of it that are looked at.
    pub calibration_tokens: Option<usize>,
    /// How keys and values are to be kept unless somebody asks otherwise.
    pub kv_form: Option<CacheForm>,
    /// Another program than the architecture's.
    pub program: Option<&'w Path>,
    /// The rule that splits text, if it is not to be the file's.
    pub pre: Option<&'w str>,
    /// A report of what that comes to.
    pub report: Option<ReportWishes<'w>>,
}

/// What is asked of a report.
#[derive(Debug)]
pub struct ReportWishes<'w> {
    /// The folder that it goes into.
    pub folder: &'w Path,
    /// What the document is compared with.
    pub compare: &'w [WeightsChoice],
    /// Another text than the program's own.
    pub text: Option<&'w Path>,
}

/// What is compared, on what.
fn comparison(wishes: &ReportWishes<'_>, weights: WeightsChoice) -> Outcome<Comparison> {
    let mut comparison = Comparison::of(weights.name());
    for choice in wishes.compare.iter().filter(|choice| **choice != weights) {
        let choice = Choice { name: choice.name(), weights: (*choice).into() };
        if !comparison.others.contains(&choice) {
            comparison.others.push(choice);
        }
    }
    if let Some(path) = wishes.text {
        comparison.text = String::from_utf8_lossy(&files::read(path)?).into_owned();
    }
    Ok(comparison)
}

/// What a GGUF file or a folder is as a model.
pub fn summary(input: &Path) -> Outcome<Summary> {
    let failed = |e: ConvertError| failure(input, input, &e);
    if input.is_dir() {
        return Ok(Summary::of_source(&Folder::open(input).map_err(failed)?));
    }
    Ok(Summary::of_source(&Gguf::open(input).map_err(failed)?))
}

/// Writes the document of a GGUF file.
pub fn of_gguf(input: &Path, output: &Path, wishes: &Wishes<'_>) -> Outcome {
    let mut source = Gguf::open_splitting(input, wishes.pre).map_err(|e| failure(input, output, &e))?;
    to_document(&mut source, input, output, wishes)
}

/// Writes the document of a folder.
pub fn of_folder(input: &Path, output: &Path, wishes: &Wishes<'_>) -> Outcome {
    let mut source = Folder::open(input).map_err(|e| failure(input, output, &e))?;
    to_document(&mut source, input, output, wishes)
}

fn calibration(wishes: &Wishes<'_>) -> Outcome<Option<Calibration>> {
    let own = Calibration::default();
    let max_tokens = wishes.calibration_tokens.unwrap_or(own.max_tokens);
    let text = match &wishes.calibration {
        CalibrationChoice::None => return Ok(None),
        CalibrationChoice::BuiltIn => own.text,
        CalibrationChoice::File(path) => String::from_utf8_lossy(&files::read(path)?).into_owned(),
    };
    Ok(Some(Calibration { text, max_tokens }))
}

fn to_document(source: &mut dyn Source, input: &Path, output: &Path, wishes: &Wishes<'_>) -> Outcome {
    let program = wishes.program.map(program::source).transpose()?;
    let options = Options { weights: wishes.weights.into(), program, calibration: calibration(wishes)?, kv_form: wishes.kv_form };
    let mut bars = Bars::new();
    let Some(report) = &wishes.report else {
        let converted = nda_convert::convert(source, output, &options, |step| bars.show("", step));
        return converted.map_err(|e| failure(input, output, &e).into());
    };
    let comparison = comparison(report, wishes.weights)?;
    let found = convert_and_compare(source, output, &options, &comparison, |name, step| bars.show(name, step));
    drop(bars);
    let written = found.and_then(|found| found.write_to(report.folder, &[input, output]).map(|()| found));
    let found = written.map_err(|e| failure(input, output, &e))?;
    for row in &found.rows {
        let perplexity = row.evaluation.perplexity();
        output::remark(format_args!("{}: {:.3} bits per weight, perplexity {perplexity:.3}", row.name, row.bits_per_weight));
    }
    output::remark(format_args!("the report is {}", report.folder.join("report.md").display()));
    Ok(())
}

/// The bars of a conversion, one stage after another.
struct Bars {
    stage: Stage,
    bytes: ByteProgress,
    tokens: Progress,
}

impl Bars {
    fn new() -> Bars {
        Bars { stage: Stage::Writing, bytes: ByteProgress::new(), tokens: Progress::new("calibrating") }
    }

    /// `form` is which of several forms is worked on; empty if there is one.
    fn show(&mut self, form: &str, step: Step<'_>) {
        if step.stage != self.stage || step.done == 0 {
            self.stage = step.stage;
            self.bytes = ByteProgress::new();
            self.tokens = Progress::new(if step.stage == Stage::Evaluating { "evaluating" } else { "calibrating" });
        }
        let name = step.tensor.map_or("checking", |tensor| tensor.name.as_str());
        match step.stage {
            Stage::Copying => self.bytes.set("reading", step.done, step.total),
            Stage::Calibrating | Stage::Evaluating => self.tokens.set(step.done as usize, step.total as usize),
            Stage::Writing if form.is_empty() => self.bytes.set(name, step.done, step.total),
            Stage::Writing => self.bytes.set(&format!("{form} {name}"), step.done, step.total),
        }
    }
}

fn failure(input: &Path, output: &Path, error: &ConvertError) -> Failure {
    let exit = if error.is_unsupported() { Exit::Usage } else { Exit::BadFile };
    let place = match (error, error.place()) {
        (
            ConvertError::Io { .. }
            | ConvertError::Parts { .. }
            | ConvertError::InPart { .. }
            | ConvertError::File(_)
            | ConvertError::Document(NdfError::File(_)),
            place,
        ) => place,
        (ConvertError::Document(_), _) => output.display().to_string(),
        (_, place) if place.is_empty() => input.display().to_string(),
        (_, place) => format!("{}, {place}", input.display()),
    };
    Failure::new(exit, error, place, error.help())
}
