//! What an agent may do in a project, once: [`Tools`]. Faces call them: [`mcp`] for others' agents, [`talk`] for a loop of our own.
//!
//! Nothing is written without a decision. Tools make proposals; the guard checks them and asks [`Asking`]: rules of the policy
//! first, then whoever can be asked (the client's own form, a terminal with `nda approve`), and red if nobody can. Commands run in the
//! sandbox, and what they changed is a proposal like any other.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

mod ask;
mod context;
mod diff;
pub mod door;
mod error;
pub mod mcp;
pub mod openai;
pub mod talk;
mod tools;

pub use ask::{Answer, Ask, Asking, Question, QuestionFile};
pub use context::{Context, Facts, Helper};
pub use error::ToolError;
pub use tools::{Effect, Tool, Tools, proposed};
