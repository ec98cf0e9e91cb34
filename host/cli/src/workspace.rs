//! Workspaces as commands see them: opened, and their errors said.

use crate::failure::{Exit, Failure, Outcome};
use crate::output;
use nda_guard::{GuardError, Settings, Workspace};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Opens a folder; what an interrupted change left is told.
pub fn open(root: &Path, settings: Settings) -> Outcome<Workspace> {
    let workspace = Workspace::open(root, settings).map_err(|error| failure(&error))?;
    for left in workspace.left() {
        output::note(format_args!(
            "{left}: an interrupted change was ended, but somebody wrote this file meanwhile; it is as they left it"
        ));
    }
    Ok(workspace)
}

/// The program that enters the sandbox: this one.
pub fn helper() -> Vec<OsString> {
    vec!["/proc/self/exe".into()]
}

/// Enters the sandbox if this process was started to: [`helper`] and the sandbox's own arguments.
pub fn entered() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let is_helper = arguments.next()? == nda_sandbox::ENTER;
    let stage = arguments.next()?;
    is_helper.then(|| nda_sandbox::enter(&stage.to_string_lossy()))
}

/// An error of the guard with its next step.
pub fn failure(error: &GuardError) -> Failure {
    let (exit, help) = match error {
        GuardError::Ambiguous { .. } => (Exit::Usage, "give more of the name; nothing was written"),
        GuardError::Settings { .. } => (Exit::BadFile, "correct the file; docs/workspace.md says what it may have"),
        GuardError::BadPath { .. } | GuardError::NoCheckpoint(_) => (Exit::Usage, "nothing was written"),
        GuardError::Io { .. } | GuardError::Damaged { .. } | GuardError::NotAFile { .. } => {
            (Exit::BadFile, "check the file and the disk it is on")
        }
        GuardError::Git { .. } => (Exit::Failed, "try the same with git itself in this folder"),
        GuardError::Unfinished { .. } => (Exit::Failed, "'nda checkpoint list' shows the checkpoint made before"),
        _ => (Exit::Failed, "nothing was written"),
    };
    // What a gate's command printed is in it.
    Failure::new(exit, nda_agent::shown(&error.to_string()), "the workspace", help)
}
