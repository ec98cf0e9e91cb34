//! What lacks, and what goes wrong.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A part that the box stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// User namespaces for ordinary users, and what they may do inside.
    Namespaces,
    /// Mounts inside of a user namespace.
    Mounts,
    /// Landlock of a late enough version.
    Landlock,
    /// Filters of system calls.
    Seccomp,
    /// Dropping what root may do.
    Capabilities,
    /// Limits of processes.
    Limits,
    /// The command itself.
    Command,
}

/// A part that lacks, and how to get it: the command did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the sandbox lacks {what}: {why}")]
pub struct Refusal {
    /// Which part.
    pub part: Part,
    /// Its name.
    pub what: String,
    /// What the system said.
    pub why: String,
    /// The next step.
    pub help: String,
}

impl Refusal {
    /// A refusal because of a part, with what the system said of it.
    pub fn new(part: Part, why: impl ToString) -> Refusal {
        let (what, help) = match part {
            Part::Namespaces => (
                "user namespaces",
                "set kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces above 0, or use the level landlock",
            ),
            Part::Mounts => ("mounts in a user namespace", "run outside of a container that masks /proc, or use the level landlock"),
            Part::Landlock => (
                "Landlock",
                "boot a kernel with Landlock: 6.7 or later for the level full, 6.12 or later for the level landlock, with landlock in the lsm= list",
            ),
            Part::Seccomp => ("seccomp", "boot a kernel with CONFIG_SECCOMP_FILTER, and leave the container that forbids it"),
            Part::Capabilities => ("a way to drop root's capabilities", "run it as an ordinary user"),
            Part::Limits => ("limits of processes", "raise the hard limits of the shell (ulimit -H), or ask for less"),
            Part::Command => ("the command", "check its name; programs are looked for in PATH, inside of the box"),
        };
        Refusal { part, what: what.into(), why: why.to_string(), help: help.into() }
    }
}

/// Why a run gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A part lacks; the command did not run.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The system's answer to something that the box is made of.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The answer.
        source: std::io::Error,
    },
    /// The system's answer about a file of the project or of the scratch.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The answer.
        source: std::io::Error,
    },
    /// The project does not fit into the scratch.
    #[error("the project's files take {project} bytes, and the scratch holds {scratch}")]
    TooLarge {
        /// Bytes of the files that would be cloned, up to the first that is too much.
        project: u64,
        /// Bytes that the scratch may hold.
        scratch: u64,
    },
    /// The helper said something else than it should, or nothing.
    #[error("the sandbox's helper ended without an answer ({0})")]
    Helper(String),
    /// Processes that could not be ended.
    #[error("{count} processes of the sandbox could not be ended within {deadline_ms} ms")]
    Left {
        /// How many.
        count: usize,
        /// How long it was tried.
        deadline_ms: u64,
    },
}

impl SandboxError {
    /// For `map_err`: the system's answer to `action`.
    pub(crate) fn system<E: Into<std::io::Error>>(action: &'static str) -> impl FnOnce(E) -> SandboxError {
        move |source| SandboxError::System { action, source: source.into() }
    }

    /// For `map_err`: the system's answer about a file.
    pub(crate) fn file<E: Into<std::io::Error>>(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(E) -> SandboxError {
        move |source| SandboxError::File { action, path: path.into(), source: source.into() }
    }

    /// The next step, for a person.
    pub fn help(&self) -> String {
        match self {
            SandboxError::Refused(refusal) => refusal.help.clone(),
            SandboxError::System { .. } | SandboxError::File { .. } => "check the file, its permissions and the disk".into(),
            SandboxError::TooLarge { .. } => "ignore what the command does not need (.gitignore), or give it a larger scratch".into(),
            SandboxError::Helper(_) => "see what the system's log says of it (dmesg); then run it again".into(),
            SandboxError::Left { .. } => "look for processes that wait for a disk or a driver (ps -eo pid,stat,comm)".into(),
        }
    }
}
