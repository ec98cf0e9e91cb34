//! What an agent may do in a project, once: [`Tools`]. Faces call them: [`mcp`] for others' agents, [`talk`] for a loop of our own, which
//! [`acp`] puts into editors.
//!
//! Nothing is written without a decision. Tools make proposals; the guard checks them and asks [`Asking`]: rules of the policy
//! first, then whoever can be asked (the client's own form, a terminal with `nda approve`), and red if nobody can. Commands run in the
//! sandbox, and what they changed is a proposal like any other.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

pub mod acp;
mod ask;
mod context;
mod diff;
pub mod door;
mod error;
pub mod mcp;
pub mod openai;
mod stop;
pub mod talk;
mod tools;

pub use ask::{Answer, Ask, Asking, How, Question, QuestionFile, Texts};
pub use context::{Context, Facts, Helper};
pub use diff::{diff, in_a_line, shown};
pub use error::ToolError;
pub use nda_graph::wave::{WaveError, Waves};
pub use stop::Stop;
pub use tools::{Effect, Tool, Tools, proposed, read_waves};
