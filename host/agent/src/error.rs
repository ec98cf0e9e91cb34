//! What a tool answers when it does not do what it was asked.

use nda_guard::GuardError;
use nda_sandbox::SandboxError;

/// Why a tool did nothing. The text is for the model: it says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// No tool has this name.
    #[error("there is no tool '{0}'")]
    Unknown(String),
    /// The arguments are not what the tool's schema says.
    #[error("the arguments of {tool} are wrong: {why}")]
    Arguments {
        /// Which tool.
        tool: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Arguments of the schema that mean nothing: two that exclude each other, an expression that is none.
    #[error("the arguments of {tool} are wrong: {why}")]
    Unfit {
        /// Which tool.
        tool: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The guard said no, or the system did.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The sandbox could not run a command.
    #[error("{0}; {help}", help = .0.help())]
    Sandbox(#[from] SandboxError),
    /// Something that is not there or does not fit, with the next step.
    #[error("{0}")]
    Other(String),
}
