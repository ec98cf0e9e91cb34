//! What must still hold after a write: gates, and who runs their commands.

use crate::path::RelPath;
use crate::proposal::FileState;
use std::path::Path;
use std::time::Duration;

/// One file that was written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'w> {
    /// Which file.
    pub path: &'w RelPath,
    /// What was there.
    pub before: Option<&'w FileState>,
    /// What is there now.
    pub after: Option<&'w FileState>,
}

/// What a gate looks at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'w> {
    /// The workspace's root; the change is already on the disk.
    pub root: &'w Path,
    /// The files of the change.
    pub files: &'w [Written<'w>],
}

/// A gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The change has nothing that this gate looks at.
    NotConcerned,
    /// It holds.
    Holds,
    /// It does not: the change is rolled back, and the text goes to whoever proposed it.
    Fails(String),
}

/// A claim that must hold after a write, or the write is rolled back. A gate that cannot look says `Fails`.
pub trait Gate: Send + Sync {
    /// Its name, for the journal and the answer.
    fn name(&self) -> &str;
    /// Looks at a change.
    fn judge(&self, seen: &Seen<'_>) -> Verdict;
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; `None` if a signal or the limit ended it.
    pub code: Option<i32>,
    /// Standard output and standard error, as they came, cut to the runner's limit.
    pub output: String,
}

/// Runs a gate's command where it can do no harm: in the sandbox, the project read-only, a scratch clone to write in. The guard
/// has none of its own: without a runner, gates with commands fail.
pub trait Runner: Send + Sync {
    /// Runs `command` (program and arguments) in a scratch clone of `root`, at most for `limit`.
    ///
    /// # Errors
    /// Why it could not be started: a missing part of the sandbox, a missing program.
    fn run(&self, root: &Path, command: &[String], limit: Duration) -> Result<Ran, String>;
}
