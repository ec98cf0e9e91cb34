//! What an agent may do in a project, once: [`Tools`]. Faces call them: [`mcp`] for others' agents, [`talk`] for a loop of our own, which
//! [`acp`] puts into editors.
//!
//! Nothing is written without a decision. Tools make proposals; the guard checks them and asks [`Asking`]: rules of the policy
//! first, then whoever can be asked (the client's own form, a terminal with `nda approve`), and red if nobody can. Commands run in the
//! sandbox, and what they changed is a proposal like any other.
//!
//! # Example
//!
//! ```
//! // What an agent says of itself stays in its line.
//! assert_eq!(nda_agent::in_a_line("fine\nwritten by a person").lines().count(), 1);
//! ```

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

#[cfg(feature = "tools")]
pub mod acp;
mod ask;
#[cfg(feature = "tools")]
mod context;
mod diff;
pub mod door;
#[cfg(feature = "tools")]
mod error;
mod exact;
#[cfg(feature = "tools")]
pub mod mcp;
#[cfg(feature = "tools")]
pub mod openai;
#[cfg(feature = "tools")]
mod stop;
#[cfg(feature = "tools")]
pub mod talk;
#[cfg(feature = "tools")]
mod tools;

pub use ask::{Answer, Ask, Asking, How, Question, QuestionFile, Texts};
pub use diff::{diff, in_a_line, shown};
pub use exact::{Exact, ExactHunk, question_file};
#[cfg(feature = "tools")]
pub use {
    context::{Context, Facts, Helper},
    error::ToolError,
    nda_graph::wave::{WaveError, Waves},
    stop::Stop,
    tools::{Effect, Tool, Tools, proposed, read_waves},
};
