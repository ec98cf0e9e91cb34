//! `nda approve`: red or green, in a terminal.

use crate::failure::{Exit, Failure, Outcome};
use crate::{asking, output};
use nda_agent::door::Approver;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// Shows what agents want to change in this folder, and asks.
///
/// y writes it, anything else refuses it.
///
/// It listens on a socket that only your own processes reach, until Ctrl-C. Proposals that come while nobody listens are refused.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("a decision needs a person at a terminal", "nda approve", "run it in a terminal, not in a pipe").into());
    }
    let root = asking::folder(arguments.root.as_deref())?;
    let place = asking::place(&root)?;
    let failed = |e: io::Error| Failure::new(Exit::Failed, e, place.display(), "end the other approver, or see who holds the socket");
    let approver = Approver::listen(&place).map_err(failed)?;
    output::remark(format_args!("waiting for proposals in {}; Ctrl-C ends it", root.display()));
    loop {
        let pending = approver.next().map_err(failed)?;
        let answer = asking::ask_terminal(&pending.question)?;
        if pending.answer(&answer, "a person at the terminal").is_err() {
            output::note("whoever asked has gone; nothing is written");
        }
    }
}
