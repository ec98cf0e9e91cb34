//! The cores in Rust-HDL, one per file, file stem = module name, and [`emit()`]: the only road to Verilog.
//!
//! The cores know no pin, board or clock frequency. The emitted Verilog is the design. rust-hdl's own simulator runs a block whose
//! `update` evaluates its netlist ([`netlist::Circuit`]); of a block with `#[hdl_gen]` it differs from the Verilog in several spellings
//! (ARCHITECTURE.md), so nothing is concluded from it.
//!
//! # Example
//!
//! ```no_run
//! use nda_cores::{Port, emit};
//! use nda_spec::Config;
//!
//! let board = emit(&Config::named("nano16")?, Port::Uart)?;
//! assert!(board.verilog.contains("module board("));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
// The widths of rust-hdl's bit operations are spelled out even where they follow from their neighbours.
#![allow(clippy::precedence, clippy::collapsible_else_if, clippy::nonminimal_bool)]

pub mod array;
pub mod bus;
pub mod command;
pub mod emit;
pub mod link;
pub mod netlist;
pub mod seed;
pub mod store;
pub mod token;
pub mod top;

pub use emit::{EmitError, Emitted, Port, emit, emit_as};
