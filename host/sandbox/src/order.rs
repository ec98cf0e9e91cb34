//! What is asked of the box, and where things are inside.

use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How much of the kernel the box stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Namespaces, Landlock and seccomp.
    Full,
    /// Landlock and seccomp.
    Landlock,
}

impl Level {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Level::Full => "full",
            Level::Landlock => "landlock",
        }
    }
}

/// Which level is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Full where the kernel has it, and else Landlock.
    Best,
    /// This one or none.
    Only(Level),
}

/// A command to be run.
#[derive(Debug, Clone)]
pub struct Order {
    /// The project: read-only for the command, cloned into its scratch.
    pub project: PathBuf,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where in the project the command starts, from its root.
    pub folder: PathBuf,
    /// Which level.
    pub wish: Wish,
    /// What it may take.
    pub limits: Limits,
    /// Paths that may be read beside the system's and the tool chains'.
    pub reads: Vec<PathBuf>,
    /// Variables beside the few that every command gets; the caller's own environment stays outside.
    pub variables: Vec<(OsString, OsString)>,
    /// The program that enters the box and its first arguments; [`crate::ENTER`] and a stage follow.
    pub helper: Vec<OsString>,
    /// Once it is true, the command and everything that it started are killed.
    pub stop: Arc<AtomicBool>,
}

impl Order {
    /// A command in the root of a project, with the limits by default.
    pub fn new(project: impl Into<PathBuf>, command: impl IntoIterator<Item = impl Into<OsString>>, helper: Vec<OsString>) -> Order {
        Order {
            project: project.into(),
            command: command.into_iter().map(Into::into).collect(),
            folder: PathBuf::new(),
            wish: Wish::Best,
            limits: Limits::default(),
            reads: Vec::new(),
            variables: Vec::new(),
            helper,
            stop: Arc::default(),
        }
    }
}

/// Where the box writes: three folders of one root, which is a file system of its own at the level full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Places {
    /// The scratch's root.
    pub root: PathBuf,
}

impl Places {
    /// The clone of the project.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// What the command takes for its user's home.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// All folders that must be there before a command starts.
    pub fn all(&self) -> [PathBuf; 3] {
        [self.work(), self.temporary(), self.home()]
    }
}

/// What the helper is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instruction {
    pub level: Level,
    pub project: PathBuf,
    pub command: Vec<OsString>,
    pub folder: PathBuf,
    pub limits: Limits,
    /// Absolute paths that are there, none below another.
    pub reads: Vec<PathBuf>,
    /// Absolute paths, none at or below one of `reads`: folders that are there and empty, where mounts can do that.
    pub empty: Vec<PathBuf>,
    pub variables: Vec<(OsString, OsString)>,
    /// A folder on the disk that is the box's own: the scratch, or where the box's root is mounted.
    pub own: PathBuf,
}

impl Instruction {
    /// Where the command will find its scratch.
    pub fn places(&self) -> Places {
        match self.level {
            Level::Full => Places { root: PathBuf::from(SCRATCH) },
            Level::Landlock => Places { root: self.own.clone() },
        }
    }

    /// The folder in which the command starts.
    pub fn start(&self) -> PathBuf {
        self.places().work().join(&self.folder)
    }
}

/// The scratch's name inside of a box with a mount namespace.
pub(crate) const SCRATCH: &str = "/scratch";

/// Whether `path` is `above` or lies below it.
pub(crate) fn is_below(path: &Path, above: &Path) -> bool {
    path.starts_with(above)
}
