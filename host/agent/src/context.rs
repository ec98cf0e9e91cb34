//! What the tools work on: a workspace, the sandbox's helper, and what the command knows.

use crate::ask::{Answer, Asking, Question};
use crate::stop::Stop;
use nda_guard::{GuardError, Origin, Settings, Workspace};
use nda_sandbox::Wish;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the command's other parts know: plans, boards. The tools themselves know no back end.
pub trait Facts: Send + Sync {
    /// The output of the command with these arguments, and with these bytes as its standard input.
    ///
    /// # Errors
    /// What it says when it fails.
    fn ask(&self, arguments: &[&str], input: &[u8]) -> Result<String, String>;
}

/// How the sandbox is entered, and what may be read in it beside the system.
#[derive(Debug, Clone)]
pub struct Helper {
    /// The program that enters the box, and its first arguments.
    pub command: Vec<OsString>,
    /// Which level.
    pub wish: Wish,
    /// Paths that commands may read.
    pub reads: Vec<PathBuf>,
}

/// Everything that a tool needs.
pub struct Context {
    /// The guarded folder.
    pub workspace: Workspace,
    /// Who decides.
    pub asking: Asking,
    /// The sandbox.
    pub helper: Helper,
    /// What else the command knows.
    pub facts: Box<dyn Facts>,
    /// Ends the work.
    pub stop: Stop,
    /// What calls, emits and shows what.
    pub(crate) graph: crate::tools::graph::Known,
    /// Who calls.
    who: std::sync::Mutex<String>,
    calls: AtomicU64,
}

impl Context {
    /// Opens a folder for tools: `settings` has the gates; who decides is `asking`.
    ///
    /// # Errors
    /// A folder or repository that cannot be read.
    pub fn open(root: &Path, settings: Settings, asking: Asking, helper: Helper, facts: Box<dyn Facts>) -> Result<Context, GuardError> {
        let workspace = Workspace::open(root, settings.decider(asking.clone()))?;
        Ok(Context {
            workspace,
            asking,
            helper,
            facts,
            stop: Stop::default(),
            who: std::sync::Mutex::new("an agent".into()),
            calls: AtomicU64::new(1),
            graph: Default::default(),
        })
    }

    /// Names whoever calls from now on, as the client names itself.
    pub fn set_who(&self, name: &str) {
        *self.who.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = name.to_owned();
    }

    /// Who calls.
    pub fn who(&self) -> String {
        self.who.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The origin of a proposal that a tool makes now.
    pub fn origin(&self, tool: &str, what: &str) -> Origin {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = if what.is_empty() { format!("call {call}") } else { format!("call {call}: {what}") };
        Origin { who: self.who(), tool: tool.into(), call }
    }

    /// Asks a person about something that is not a proposal: a restore.
    pub fn ask(&self, question: &Question) -> Answer {
        self.asking.people(question)
    }
}
