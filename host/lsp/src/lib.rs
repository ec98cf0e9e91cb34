//! A server of the Language Server Protocol for `.nda` programs, over [`nda_analysis`].
//!
//! All faults of a file at every change, hover with types and shapes, definitions, references, renames, formatting, and beside each
//! product what it costs on a board, as inlay hints and as code lenses. What a product costs and which shapes values have is asked of
//! [`nda_analysis::Costs`] in the background, for the model that belongs to the program; until it is known, there is none.
//!
//! # Example
//!
//! ```no_run
//! use nda_lsp::{Connection, Costs, Options, serve};
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! /// Knows no costs.
//! struct Nobody;
//!
//! impl Costs for Nobody {
//!     fn plan(&self, _: &Path, _: &str) -> Result<serde_json::Value, String> {
//!         Err("there is no board".into())
//!     }
//!     fn graph(&self, _: &Path, _: &str) -> Result<serde_json::Value, String> {
//!         Err("there is no graph".into())
//!     }
//! }
//!
//! let (connection, threads) = Connection::stdio();
//! serve(&connection, Options { model: None, costs: Arc::new(Nobody) })?;
//! # drop(connection);
//! threads.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod document;
mod place;
mod requests;
mod server;

pub use lsp_server::Connection;
pub use nda_analysis::Costs;
pub use server::{Options, ServeError, serve};
