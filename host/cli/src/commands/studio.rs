//! `nda studio`: starts the studio, which is a program of its own.

use crate::failure::{Exit, Failure, Outcome};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Opens a folder in the studio, in a window or in this terminal.
///
/// Programs, documents, waves, boards and agents are in one small window.
///
/// The studio is a program of its own beside this command, nda-studio, which links neither the engine nor a compiler nor the simulator. docs/studio.md
/// describes it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The project's folder; this folder unless given.
    folder: Option<PathBuf>,
    /// Files to open.
    files: Vec<PathBuf>,
    /// Show it in this terminal.
    #[arg(long)]
    terminal: bool,
}

/// The studio's program: the one beside this command, or the one on the PATH.
fn program(own: &Path) -> OsString {
    let beside = own.with_file_name("nda-studio");
    if beside.is_file() { beside.into_os_string() } else { "nda-studio".into() }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let own = std::env::current_exe().map_err(|e| Failure::io("find", Path::new("nda"), &e))?;
    let mut command = Command::new(program(&own));
    command.env("NDA", &own);
    if arguments.terminal {
        command.arg("--terminal");
    }
    command.args(arguments.folder.iter()).args(&arguments.files);
    let help = "build it with 'cargo build --release -p nda-studio', or put nda-studio beside nda or on the PATH";
    let status = command.status().map_err(|e| Failure::new(Exit::Unavailable, e, "nda-studio", help))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "the studio has failed", "nda-studio", "what it says above").into())
}
