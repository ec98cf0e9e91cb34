//! `nda kv`: saved conversations, looked at, checked and computed again.

use crate::failure::{Exit, Failure, Outcome};
use crate::speak::{loaded, session};
use crate::threads::ThreadsArgument;
use crate::{backend, files, output};
use nda_engine::CacheForm;
use nda_engine::saved::{FileError, Header, Saved, read, read_header};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Looks at conversations that 'nda chat --save' wrote.
///
/// Every byte of such a file stands under a hash, and every frame of 64 positions is bound to the one before, to the model, its program and
/// the form of the cache. Because all back ends compute the same bits, 'nda kv verify --recompute' proves that a file is what this model says.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Says what a file is: model, form, positions.
    Info {
        /// The file.
        file: PathBuf,
        /// Print a JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Checks every byte of a file, or says where the first wrong one is.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Checks that a file is of this model, and with '--recompute' that the model computes the same from its tokens.
    Verify {
        /// The file.
        file: PathBuf,
        /// The model, an .ndf document.
        #[arg(long)]
        model: PathBuf,
        /// Take all tokens again and compare every frame.
        #[arg(long)]
        recompute: bool,
        /// Who multiplies; see 'nda --help'.
        #[arg(long, default_value = "cpu")]
        backend: String,
        #[command(flatten)]
        threads: ThreadsArgument,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    match &arguments.action {
        Action::Info { file, json } => {
            let header = read_header(&files::read(file)?).map_err(|e| wrong(file, &e))?;
            if *json {
                return output::json(&json!({
                    "file": file, "model": header.model, "kv": header.form().name, "genesis": header.genesis.to_string(), "blocks": header.blocks(),
                    "frames": header.frames, "positions": header.positions(),
                }));
            }
            output::line(describe(&header))
        }
        Action::Check { file } => {
            let Saved { header, frames, .. } = read(&files::read(file)?).map_err(|e| wrong(file, &e))?;
            let seal = frames.closed().last().map_or(header.genesis, |frame| frame.seal());
            output::line(format_args!("good: {}: {}, seal {seal}", file.display(), describe(&header)))
        }
        Action::Verify { file, model, recompute, backend, threads } => {
            threads.grant()?;
            let saved = read(&files::read(file)?).map_err(|e| wrong(file, &e))?;
            let recompute = recompute.then(|| saved.clone());
            verify(file, model, backend, saved, recompute)
        }
    }
}

fn describe(header: &Header) -> String {
    let (frames, positions, blocks) = (header.frames, header.positions(), header.blocks());
    format!("{positions} positions of '{}' with --kv {}, {frames} closed frames of {blocks} blocks", header.model, header.form().name)
}

fn wrong(path: &Path, error: &FileError) -> Failure {
    let help = match error {
        FileError::Foreign { .. } => "verify it with the model that saved it",
        FileError::Magic => "give a file that 'nda chat --save' wrote",
        _ => "restore the file from where it came",
    };
    Failure::new(Exit::BadFile, error, path.display(), help)
}

fn verify(file: &Path, model: &Path, backend: &str, saved: Saved, recompute: Option<Saved>) -> Outcome {
    let name = backend::parse(backend)?;
    let mapped = files::open_document(model)?;
    let weights = files::weights(model, &mapped.document())?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let prepared = loaded(&weights, &mut backend, model)?;
    let mut session = session(&prepared, &mut backend, CacheForm::Frames(saved.header.form()));
    let (tokens, _) = session.restore(saved).map_err(|e| wrong(file, &e))?;
    let Some(saved) = recompute else {
        return output::line(format_args!("good: {} is of {}: {} tokens", file.display(), model.display(), tokens.len()));
    };
    match session.recompute(&saved.frames).map_err(|e| files::in_file(model, e.into()))? {
        None => output::line(format_args!(
            "proved: {} computes {} from its {} tokens, every bit",
            model.display(),
            file.display(),
            tokens.len()
        )),
        Some(place) => {
            let error = format_args!("the model computes something else from these tokens, first in {place}");
            Err(Failure::new(Exit::Failed, error, file.display(), "the file was not made by this model, whatever it says of itself").into())
        }
    }
}
