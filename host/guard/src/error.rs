//! What can go wrong at the guard's border.

use crate::path::RelPath;
use std::io;
use std::path::PathBuf;

/// Why nothing was written, or what could not be read. After every error the workspace is as it was, unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// A path that cannot lie beneath the root.
    #[error("'{path}' is not a path in a workspace: {why}")]
    BadPath {
        /// The path, escaped.
        path: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A path leads through a symbolic link, or out of the root.
    #[error("'{0}' leads through a symbolic link or out of the workspace; name the real file")]
    Link(RelPath),
    /// Something that is not a plain file stands there.
    #[error("'{path}' is {found}, not a plain file")]
    NotAFile {
        /// The path.
        path: RelPath,
        /// What stands there.
        found: &'static str,
    },
    /// A file is not as the proposal read it.
    #[error("'{0}' has changed since it was read; read it again and make the change anew")]
    Changed(RelPath),
    /// A patch that does not fit.
    #[error("'{path}': {error}")]
    Patch {
        /// The file.
        path: RelPath,
        /// Why, and what is near.
        error: Box<nda_text::patch::PatchError>,
    },
    /// The patch itself cannot be read.
    #[error("{0}")]
    PatchForm(Box<nda_text::patch::PatchError>),
    /// A file that is not UTF-8 text.
    #[error("'{0}' is not UTF-8 text; write the whole file instead")]
    NotText(RelPath),
    /// The decision was red.
    #[error("refused: {0}")]
    Red(String),
    /// A grant that is not valid here or not any more.
    #[error("the grant is not valid: {0}")]
    Grant(&'static str),
    /// A gate said no; everything was put back.
    #[error("gate '{gate}' failed, every file was put back:\n{report}")]
    Gate {
        /// The gate's name.
        gate: String,
        /// What it says.
        report: String,
    },
    /// The system refused something.
    #[error("cannot {action} '{path}': {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// git refused something.
    #[error("git {command} failed: {report}")]
    Git {
        /// The command.
        command: String,
        /// What git says.
        report: String,
    },
    /// What a checkpoint or restore cannot do without losing something.
    #[error("the restore is refused, nothing was written: {0}")]
    Blocked(String),
    /// A checkpoint that is not there.
    #[error("there is no checkpoint '{0}'; 'nda checkpoint list' shows those there are")]
    NoCheckpoint(String),
    /// A checkpoint's name that several begin with.
    #[error("several checkpoints begin with '{id}': {}", all.join(", "))]
    Ambiguous {
        /// How the name begins.
        id: String,
        /// The names of those that begin so.
        all: Vec<String>,
    },
    /// A settings file that a person wrote, and that says something wrong.
    #[error("'{path}' has a mistake: {why}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file of the guard's own is damaged.
    #[error("'{path}' is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A rollback could not put everything back.
    #[error("{cause}; these files could not be put back and are kept as they are: {left}")]
    Unfinished {
        /// What began the rollback.
        cause: String,
        /// The files.
        left: String,
    },
}

impl GuardError {
    /// The system's answer, with what was tried.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> GuardError {
        let path = path.into();
        move |source| GuardError::Io { action, path, source }
    }
}
