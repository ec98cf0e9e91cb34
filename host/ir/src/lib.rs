//! The graph of a model's token: what stands between the NDA program and the back ends.
//!
//! `nda_compile` traces a program once and gets a [`Graph`]; passes rewrite it, and back ends are compiled from it.
//! A graph is a straight line of [`Node`]s in the order of evaluation. Each is a typed [`Op`] on earlier nodes and has
//! a [`Shape`] per token, so one graph holds for any number of tokens taken at once, at any position. What a document
//! holds is named, never copied: [`Table`]s, [`Constant`]s and [`Product`]s.
//!
//! [`Builder::push`] is the only way to add a node and knows every shape rule. [`Graph`] prints as text (`Display`) and
//! as JSON ([`Graph::to_json`]); both carry [`VERSION`].
//!
//! # Example
//!
//! ```no_run
//! fn sizes(graph: &nda_ir::Graph) {
//!     // Text for a person, JSON for a program; both carry the version.
//!     println!("{graph}");
//!     assert_eq!(graph.to_json()["version"], nda_ir::VERSION);
//! }
//! ```

#![forbid(unsafe_code)]

mod describe;
mod graph;
mod json;
mod op;
mod shape;
mod tables;
mod text;

pub use graph::{Builder, Graph, Node, NodeId, Stage};
pub use op::{Activation, Op};
pub use shape::{Shape, ShapeError};
pub use tables::{Constant, ConstantId, Part, Product, ProductId, Source, Table, TableId, fused_name};

/// Version of the printed forms. It grows when a field or an operation changes its meaning or goes away.
pub const VERSION: u32 = 1;
