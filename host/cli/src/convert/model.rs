//! Models of others: GGUF files and Hugging Face folders become documents.

use crate::convert::program;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::ByteProgress;
use nda_convert::{ConvertError, Folder, Gguf, Options, Source, Step, Weights};
use std::path::Path;

/// What becomes of the matrices.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum WeightsChoice {
    /// Floats of 32 bits: the model unquantized.
    #[default]
    F32,
}

impl From<WeightsChoice> for Weights {
    fn from(choice: WeightsChoice) -> Weights {
        match choice {
            WeightsChoice::F32 => Weights::F32,
        }
    }
}

/// Writes the document of a GGUF file.
pub fn of_gguf(input: &Path, output: &Path, weights: WeightsChoice, program: Option<&Path>) -> Outcome {
    let mut source = Gguf::open(input).map_err(|e| failure(input, output, &e))?;
    to_document(&mut source, input, output, weights, program)
}

/// Writes the document of a folder.
pub fn of_folder(input: &Path, output: &Path, weights: WeightsChoice, program: Option<&Path>) -> Outcome {
    let mut source = Folder::open(input).map_err(|e| failure(input, output, &e))?;
    to_document(&mut source, input, output, weights, program)
}

fn to_document(source: &mut dyn Source, input: &Path, output: &Path, weights: WeightsChoice, program: Option<&Path>) -> Outcome {
    let program = program.map(|path| program::source(Some(path))).transpose()?;
    let options = Options { weights: weights.into(), program };
    let mut bar = ByteProgress::new();
    let show = |step: Step<'_>| {
        let what = step.tensor.map_or("checking", |tensor| tensor.name.as_str());
        bar.set(what, step.done_bytes, step.total_bytes);
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
