//! Trace once, compile for whom it is for.
//!
//! [`trace()`] runs a model's NDA program with its tokens, its position and all data unknown, and gives the
//! [`nda_ir::Graph`] of a token, or the reason and the place in the source why there is none ([`Untraceable`]): then
//! the program runs on the CPU's tiers alone. Passes rewrite the graph ([`fuse()`]), and what a back end runs is
//! lowered from it: [`token::lower_token`] makes a program of whole tokens.
//!
//! # Example
//!
//! ```no_run
//! use nda_lang::{Document, Links, Program};
//!
//! fn graph(program: &Program, links: &Links, document: &dyn Document) -> Result<nda_ir::Graph, nda_compile::Untraceable> {
//!     Ok(nda_compile::fuse(&nda_compile::trace(program, links, document)?))
//! }
//! ```

#![forbid(unsafe_code)]

mod fuse;
pub mod token;
mod trace;

pub use fuse::fuse;
pub use trace::{Untraceable, trace};
