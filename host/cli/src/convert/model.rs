//! Models of others: GGUF files and Hugging Face folders become documents.

use crate::convert::program;
use crate::failure::{Exit, Failure, Outcome};
use crate::files;
use crate::output::{ByteProgress, Progress};
use nda_convert::{Calibration, ConvertError, Folder, Gguf, Options, Recipe, Source, Stage, Step, Weights};
use std::path::{Path, PathBuf};

/// What becomes of the matrices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WeightsChoice {
    /// Floats of 32 bits: the model unquantized.
    #[default]
    F32,
    /// Two 2-bit stacks, three in embedding and head, scales for 32 columns: some 5 bits a weight.
    K2,
    /// Three 2-bit stacks, scales for 32 columns: 6.5 bits a weight.
    K3,
    /// Two stacks with scales a row and 0.1 % outliers, which fabric multiplies in whole rows.
    K2Row,
    /// Three stacks with scales a row and 0.1 % outliers.
    K3Row,
}

impl From<WeightsChoice> for Weights {
    fn from(choice: WeightsChoice) -> Weights {
        match choice {
            WeightsChoice::F32 => Weights::F32,
            WeightsChoice::K2 => Weights::Fitted(Recipe::K2),
            WeightsChoice::K3 => Weights::Fitted(Recipe::K3),
            WeightsChoice::K2Row => Weights::Fitted(Recipe::K2_ROW),
            WeightsChoice::K3Row => Weights::Fitted(Recipe::K3_ROW),
        }
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
    /// Another program than the architecture's.
    pub program: Option<&'w Path>,
}

/// Writes the document of a GGUF file.
pub fn of_gguf(input: &Path, output: &Path, wishes: &Wishes<'_>) -> Outcome {
    let mut source = Gguf::open(input).map_err(|e| failure(input, output, &e))?;
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
    let program = wishes.program.map(|path| program::source(Some(path))).transpose()?;
    let options = Options { weights: wishes.weights.into(), program, calibration: calibration(wishes)? };
    let (mut stage, mut bytes, mut tokens) = (Stage::Writing, ByteProgress::new(), Progress::new("calibrating"));
    let show = |step: Step<'_>| {
        if step.stage != stage {
            stage = step.stage;
            (bytes, tokens) = (ByteProgress::new(), Progress::new("calibrating"));
        }
        let name = step.tensor.map_or("checking", |tensor| tensor.name.as_str());
        match step.stage {
            Stage::Copying => bytes.set("reading", step.done, step.total),
            Stage::Calibrating => tokens.set(step.done as usize, step.total as usize),
            Stage::Writing => bytes.set(name, step.done, step.total),
        }
    };
    nda_convert::convert(source, output, &options, show).map_err(|e| failure(input, output, &e).into())
}

fn failure(input: &Path, output: &Path, error: &ConvertError) -> Failure {
    let exit = if matches!(error, ConvertError::Unsupported { .. }) { Exit::Usage } else { Exit::BadFile };
    let place = match (error, error.place()) {
        (ConvertError::Io { .. }, place) => place,
        (ConvertError::Document(_), _) => output.display().to_string(),
        (_, place) if place.is_empty() => input.display().to_string(),
        (_, place) => format!("{}, {place}", input.display()),
    };
    Failure::new(exit, error, place, error.help())
}
