//! The cores in Rust-HDL, one per file, file stem = module name, and [`emit()`]: the only road to Verilog.
//!
//! The cores know no pin, board or clock frequency. rust-hdl's own simulator is not used: it differs from the
//! Verilog in several spellings (reference: ARCHITECTURE.md), and the emitted Verilog is the design.
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

pub mod block_ram;
pub mod board_parallel;
pub mod board_uart;
pub mod bus;
pub mod cobs_decoder;
pub mod command_processor;
pub mod counters;
pub mod crc32;
pub mod element_units;
pub mod emit;
pub mod engine;
pub mod frame_buffer;
pub mod frame_encoder;
pub mod gemv_array;
pub mod gemv_sequencer;
pub mod growing_add;
pub mod header_register;
pub mod identity;
pub mod netlist;
pub mod packed_store;
pub mod read_delay;
pub mod seal_table;
pub mod seed_add;
pub mod seed_aligned_add;
pub mod seed_compare;
pub mod seed_control;
pub mod seed_quantize;
pub mod seed_rms_norm;
pub mod seed_silu;
pub mod seed_swiglu;
pub mod seed_table;
mod seed_text;
pub mod seed_truthy;
pub mod seed_unit;
pub mod status_lights;
pub mod token;
pub mod token_blocks;
pub mod token_board_parallel;
pub mod token_board_uart;
pub mod token_engine;
pub mod uart_rx;
pub mod uart_tx;
pub mod units;
pub mod unpacker;

pub use emit::{EmitError, Emitted, Port, emit, emit_as};
