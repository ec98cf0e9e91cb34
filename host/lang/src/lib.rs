//! The NDA language: what a model's forward pass is written in. LANGUAGE.md describes it.
//!
//! A source is parsed ([`parse`]), checked and compiled ([`Program::compile`]), linked to the tensors of a document
//! ([`Program::link`]) and called ([`Instance::call`]). Three tiers give it one meaning: a tree-walking interpreter
//! is the reference, closures over slots are the default, scalar functions and loops become machine code in the
//! native tier. What a program cannot do itself (tensors, products, attention, printing) its host does:
//! [`Builtins`].
//!
//! # Example
//!
//! ```
//! use nda_lang::{Program, Tier};
//!
//! let source = "fn main() -> int { return 6 * 7; }";
//! let program = Program::compile("answer.nda", source, Tier::Closure).expect("it compiles");
//! assert!(program.entry("main").is_some());
//! ```

#![deny(unsafe_code)]

pub mod ast;
pub mod binary;
mod builtin;
mod check;
mod closure;
mod diagnostic;
mod format;
mod host;
mod inspect;
mod interpreter;
mod known;
mod lexer;
mod link;
mod module;
#[cfg(feature = "native")]
mod native;
#[cfg(not(feature = "native"))]
#[path = "native/absent.rs"]
mod native;
pub mod ops;
mod parser;
mod program;
mod quantize;
mod scalar;
mod signature;
mod state;
mod trap;
mod value;

pub use ast::{MAX_HEIGHT, MAX_NESTING, Type};
pub use builtin::narrow;
pub use check::{Definition, Notes, RETIRED_HINT, Role, Use};
pub use diagnostic::{Diagnostic, Diagnostics, line_and_column};
pub use format::{expression as format_expression, format};
pub use host::{Attention, Builtins, Document, Heads, HostError, Input, NoDocument};
pub use inspect::{Inspection, inspect};
pub use known::Known;
pub use lexer::KEYWORDS;
pub use link::Links;
pub use module::Purpose;
pub use parser::parse;
pub use program::{Argument, Entry, Instance, Program, Tier};
pub use quantize::{MIN_ABSMAX, quantize, quantize_groups};
pub use signature::{Back, Builtin, Param, Signature, builtin_names, find as find_builtin};
pub use state::with_stack;
pub use trap::{Limits, RuntimeError, Trap};
pub use value::{Codes, Object, Value};
