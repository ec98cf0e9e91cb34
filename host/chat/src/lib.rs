//! Conversations with a model: chat templates, sessions that keep their KV cache, a server of OpenAI's protocol.
//!
//! 1. [`Dialect`] renders messages with a document's template and turns them into tokens, so that nothing a person
//!    writes becomes a control token;
//! 2. [`Speaker`] takes tokens, keeps those that it has taken already, and gives text piece by piece;
//! 3. [`Conversation`] is the two of them over many turns; [`Server`] is the two of them behind HTTP on loopback.
//!
//! Nothing here prints, and nothing here exits.

#![forbid(unsafe_code)]

mod clock;
mod conversation;
mod dialect;
mod error;
mod saved;
#[cfg(feature = "server")]
mod server;
mod speaker;
mod stops;
mod template;

pub use conversation::Conversation;
pub use dialect::{Dialect, Message, Role};
pub use error::ChatError;
#[cfg(feature = "server")]
pub use server::{Handle, Server, Settings};
pub use speaker::{Answer, Event, Finish, Manner, Speaker};
pub use template::Template;
