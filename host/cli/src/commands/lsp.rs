//! `nda lsp`: the language in editors.

use crate::failure::{Exit, Failure, Outcome};
use crate::own::Own;
use nda_lsp::{Connection, Costs, Options, serve};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Serves an editor that speaks the Language Server Protocol on standard input and output.
///
/// It shows all faults of an .nda program while it is written, types and shapes, definitions, renames, formatting, and beside each
/// product its cycles, bytes and limiting term, as 'nda plan' says them for the model that belongs to the program: the one named here or
/// by the editor (initializationOptions: model), the document of its name beside it, or the only one in its folder.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model whose tensors the programs name.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let own = Own::running().map_err(|e| Failure::io("find", Path::new("nda"), &e))?;
    let (connection, threads) = Connection::stdio();
    let served = serve(&connection, Options { model: arguments.model.clone(), costs: Arc::new(Planned(own)) });
    // The writer ends when nobody can send any more.
    drop(connection);
    let ended = |e: &dyn std::fmt::Display| Failure::new(Exit::Failed, e, "standard input", "start it from an editor: docs/studio.md");
    served.map_err(|e| ended(&e))?;
    threads.join().map_err(|e| ended(&e).into())
}

/// Costs by `nda plan`.
struct Planned(Own);

impl Planned {
    fn ask(&self, model: &Path, program: &str, more: &[&str]) -> Result<Value, String> {
        let model = model.to_str().ok_or("the model's path is not UTF-8")?;
        let arguments = [&["plan", model, "--program", "-", "--json"], more].concat();
        let text = self.0.ask(&arguments, program.as_bytes())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }
}

impl Costs for Planned {
    fn plan(&self, model: &Path, program: &str) -> Result<Value, String> {
        self.ask(model, program, &[])
    }

    fn graph(&self, model: &Path, program: &str) -> Result<Value, String> {
        self.ask(model, program, &["--graph"])
    }
}
