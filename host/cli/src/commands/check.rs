//! `nda check`: every byte of a file, or where the first wrong one is.

use crate::failure::{Exit, Failure, Outcome};
use crate::files::{self, Kind};
use crate::output;
use serde_json::json;
use std::path::PathBuf;

/// Checks every byte of a document or of a matrix file of the articles.
///
/// A changed, missing or trailing byte is refused, and the message says in which frame and at which offset.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file.
    file: PathBuf,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let path = &arguments.file;
    let (kind, what, bytes) = match files::kind(path)? {
        Kind::Document => {
            let file = files::open_document(path)?;
            let document = file.document();
            (
                "document",
                format!("{} frames, hash {}", document.frames().count(), super::info::hex(&document.hash())),
                document.bytes().len(),
            )
        }
        Kind::Legacy => {
            let matrix = files::open_legacy(path)?;
            let shape = format!("{} x {} {} weights", matrix.rows(), matrix.cols(), matrix.code().name());
            ("matrix file of the articles", shape, files::read(path)?.len())
        }
        Kind::Safetensors | Kind::Gguf | Kind::Folder | Kind::Unknown => {
            let error = "this is neither an .ndf document nor a matrix file of the articles";
            return Err(Failure::new(
                Exit::BadFile,
                error,
                format_args!("{}, byte 0", path.display()),
                "give a file that 'nda convert' wrote",
            )
            .into());
        }
    };
    if arguments.json {
        return output::json(&json!({ "file": path, "kind": kind, "good": true, "bytes": bytes, "content": what }));
    }
    output::line(format_args!("good: {}: {kind}, {bytes} bytes, {what}", path.display()))
}
