//! `nda mcp`: the tools for others' agents.

use crate::asking::{self, Level};
use crate::failure::{Exit, Failure, Outcome};
use nda_agent::Ask;
use nda_agent::mcp::{Elicit, serve};
use std::path::PathBuf;
use std::sync::Arc;

/// Serves this folder's tools to an agent that speaks the Model Context Protocol.
///
/// The protocol goes over standard input and output.
///
/// Reading is free; whatever would be written is a proposal. It is decided by the rules in .nda/policy.toml, by the client's user if the client
/// can ask (elicitation), by 'nda approve' in a terminal, and else it is refused. Commands run in the sandbox.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// The sandbox's level; by default the best there is.
    #[arg(long, value_enum)]
    level: Option<Level>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let root = asking::folder(arguments.root.as_deref())?;
    let elicit = Arc::new(Elicit::default());
    let askers: Vec<Arc<dyn Ask>> = vec![elicit.clone(), asking::door(&root)?];
    let tools = asking::tools(&root, askers, asking::helper(arguments.level)?)?;
    serve(tools, elicit).map_err(|e| Failure::new(Exit::Failed, e, "standard input", "start it from a client of the protocol").into())
}
