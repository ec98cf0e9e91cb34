//! Conversations with a model: chat templates, sessions that keep their KV cache, a server of OpenAI's protocol.
//!
//! 1. [`Dialect`] renders messages with a document's template and turns them into tokens, so that nothing a person
//!    writes becomes a control token;
//! 2. [`Speaker`] takes tokens, keeps those that it has taken already, and gives text piece by piece;
//! 3. [`Conversation`] is the two of them over many turns; [`Server`] is the two of them behind HTTP on loopback.
//!
//! Nothing here prints, and nothing here exits.
//!
//! # Example
//!
//! ```
//! use nda_chat::Template;
//!
//! let template = Template::new("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}");
//! assert!(template.is_ok());
//! ```

#![forbid(unsafe_code)]

mod calls;
mod chooser;
mod clock;
mod continued;
mod conversation;
mod dialect;
mod disguise;
mod dumps;
mod error;
#[cfg(feature = "server")]
mod gbnf;
#[cfg(feature = "server")]
mod grammar;
mod guide;
#[cfg(feature = "server")]
mod lane;
#[cfg(feature = "server")]
mod line;
mod python;
mod saved;
mod saying;
mod scanner;
mod scores;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod shared;
#[cfg(feature = "server")]
mod slots;
mod speaker;
mod stops;
mod template;
mod text;

pub use calls::{CallForm, Calling, ToolCall};
pub use chooser::{Repetition, Steering};
pub use conversation::Conversation;
pub use dialect::{Dialect, Ending, Message, Role, Talk};
pub use error::ChatError;
#[cfg(feature = "server")]
pub use grammar::{Form, GrammarGuide, Grammars};
pub use guide::{Free, Guide, Next};
pub use scanner::{Scanner, Spoken};
pub use scores::{Candidate, Scored};
#[cfg(feature = "server")]
pub use server::{Handle, Names, Server, Settings, Shelf};
pub use speaker::{Answer, Event, Finish, Manner, Speaker, Telling};
pub use template::Template;
