//! One graph of a project: functions of NDA programs and of Rust, cores in Rust-HDL, modules and signals of Verilog, tensors of
//! documents, their tiles on a board, signals of waves; and what calls, emits, holds, multiplies and shows what.
//!
//! A [`Graph`] never changes. [`Store`] publishes the newest; a reader holds what it took for as long as it likes. Each file is
//! scanned by itself ([`facts`]), and edges are found by name when they are asked for, so a change of one file costs its own scan
//! alone. Scanning is by words and not by grammar: files that do not compile are scanned as well.
//!
//! # Example
//!
//! ```
//! use nda_graph::Store;
//!
//! let store = Store::default();
//! store.scan("lamp.nda", "fn main() { shine(); } fn shine() {}");
//! assert!(!store.snapshot().definitions("shine").is_empty());
//! ```

#![forbid(unsafe_code)]

mod document;
pub mod facts;
mod graph;
mod program;
mod rust;
mod scan;
mod store;
mod verilog;
pub mod wave;

pub use document::{GraphError, Product, tensors, tiles};
pub use facts::{Facts, Kind, Place, Symbol};
pub use graph::{Graph, Shown, Tile};
pub use store::{Reader, Store};
