//! What commands that ask share: the folder, who is asked, the sandbox, the tools.

use crate::failure::{Exit, Failure, Outcome};
use crate::own::Own;
use crate::{output, workspace};
use nda_agent::door::{self, Door};
use nda_agent::{Answer, Ask, Asking, Context, Facts, Helper, Question, Tools, in_a_line, proposed};
use nda_guard::{Gate, Origin, Policy, Proposal, Settings};
use nda_sandbox::{SandboxError, Wish};
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The sandbox's level on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Namespaces, Landlock and seccomp.
    Full,
    /// Landlock and seccomp.
    Landlock,
}

/// The folder that is worked in: the one that is named, or this one.
pub fn folder(named: Option<&Path>) -> Outcome<PathBuf> {
    let folder = named.unwrap_or(Path::new("."));
    folder.canonicalize().map_err(|e| Failure::io("find", folder, &e).into())
}

/// How the sandbox is entered: by this program.
pub fn helper(level: Option<Level>) -> Outcome<Helper> {
    let own = std::env::current_exe().map_err(|e| Failure::io("find", Path::new("nda"), &e))?;
    let wish = match level {
        None => Wish::Best,
        Some(Level::Full) => Wish::Only(nda_sandbox::Level::Full),
        Some(Level::Landlock) => Wish::Only(nda_sandbox::Level::Landlock),
    };
    Ok(Helper { command: vec![own.into()], wish, reads: Vec::new() })
}

/// Where this folder's approver listens.
pub fn place(root: &Path) -> Outcome<PathBuf> {
    let help = "remove the folder, or set XDG_RUNTIME_DIR to one that is yours alone";
    door::place(root).map_err(|e| Failure::new(Exit::Failed, e, "the approver's socket", help).into())
}

/// Asks whoever listens for this folder.
pub fn door(root: &Path) -> Outcome<Arc<dyn Ask>> {
    Ok(Arc::new(Door::new(place(root)?)))
}

/// The rest of this command, as others' programs see it.
struct Rest(Own);

impl Facts for Rest {
    fn ask(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        self.0.ask(arguments, input)
    }
}

/// The tools on a folder.
pub fn tools(root: &Path, askers: Vec<Arc<dyn Ask>>, helper: Helper) -> Outcome<Tools> {
    let asking = asking(root, askers)?;
    let own = Rest(Own::at(helper.command[0].clone()));
    let settings = Settings::default().gates(gates(root, &helper.command)?);
    let context = Context::open(root, settings, asking, helper, Box::new(own)).map_err(|e| workspace::failure(&e))?;
    Ok(Tools::new(context))
}

fn gates(root: &Path, command: &[OsString]) -> Outcome<Vec<Box<dyn Gate>>> {
    nda_checks::gates(root, command.to_vec()).map_err(|e| workspace::failure(&e).into())
}

fn asking(root: &Path, askers: Vec<Arc<dyn Ask>>) -> Outcome<Asking> {
    let policy = Policy::of_folder(root).map_err(|e| workspace::failure(&e))?;
    Ok(Asking::new(root, policy, askers))
}

/// What the sandbox said, for a person.
pub fn sandbox_failed(error: &SandboxError) -> Failure {
    let exit = if matches!(error, SandboxError::Refused(_)) { Exit::Unavailable } else { Exit::Failed };
    Failure::new(exit, error, "the sandbox", error.help())
}

/// A person at this terminal, if this is one.
pub fn terminal() -> Arc<dyn Ask> {
    Arc::new(Terminal)
}

struct Terminal;

impl Ask for Terminal {
    fn ask(&self, question: &Question) -> Answer {
        if !io::stdin().is_terminal() {
            return Answer::Absent;
        }
        ask_terminal(question).unwrap_or_else(|_| Answer::Red("the terminal is gone".into()))
    }
}

/// Shows a question in full and reads the answer: y is green.
pub fn ask_terminal(question: &Question) -> Outcome<Answer> {
    output::write(question.text(usize::MAX))?;
    output::write("write this? [y/N] ")?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    Ok(if read.is_ok() && is_yes(&line) {
        Answer::Green("a person at the terminal".into())
    } else {
        Answer::Red("a person at the terminal said no".into())
    })
}

/// Whether what was typed at `[y/N]` is a yes.
pub fn is_yes(line: &str) -> bool {
    ["y", "yes"].iter().any(|yes| line.trim().eq_ignore_ascii_case(yes))
}

/// Asks about what a command changed in the sandbox, and writes it if that is green.
pub fn propose(root: &Path, outcome: &nda_sandbox::Outcome, command: &[OsString]) -> Outcome {
    let (files, others) = proposed(outcome);
    others.iter().for_each(|other| output::note(format_args!("not proposed: {}", in_a_line(other))));
    if files.is_empty() {
        return Ok(());
    }
    let settings = Settings::default().gates(gates(root, &helper(None)?.command)?).decider(asking(root, vec![terminal(), door(root)?])?);
    let folder = workspace::open(root, settings)?;
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let origin = Origin { who: "a command".into(), tool: "run".into(), call: words.join(" ") };
    let change = folder.submit(Proposal::new(origin, files)).map_err(|e| workspace::failure(&e))?;
    output::remark(format_args!("written; 'nda checkpoint restore {}' takes it back", change.checkpoint));
    Ok(())
}
