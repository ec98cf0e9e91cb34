//! The GEMV array for designs of others: on AXI-Stream, or behind registers on Wishbone.
//!
//! Both are the array of planes with all eight planes of an activation in one beat, so that a weight word is used once and weights
//! may come from anywhere at the rate at which they come: nothing here holds a matrix. `gemv_axis` is the core; `gemv_wb` is the
//! same behind a register file.

mod stream;
mod wishbone;

use crate::emit::EmitError;
use crate::netlist::{Emit, Netlist};
use nda_spec::config::{ArrayKind, Geometry};
use std::sync::Arc;

/// Beats of the longest vector.
pub const VECTOR_BEATS: usize = 256;
/// Results that wait for whoever takes them.
pub const RESULTS: usize = 16;

/// A bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusKind {
    /// Three streams: vectors and weights in, results out.
    AxiStream,
    /// Registers, 32 bits wide, classic cycles of Wishbone B4.
    Wishbone,
}

impl BusKind {
    /// The top module of the text, and its file's stem.
    pub const fn top(self) -> &'static str {
        match self {
            BusKind::AxiStream => "gemv_axis",
            BusKind::Wishbone => "gemv_wb",
        }
    }
}

/// The array's geometry on a bus: rows and columns are the caller's.
pub fn geometry(rows: usize, cols: usize) -> Geometry {
    let (tile_words, page_words, result_words) = (64, 8, 64);
    Geometry {
        array: ArrayKind::Planes,
        array_rows: rows,
        array_cols: cols,
        planes: 8,
        tile_words,
        page_words,
        act_words: 256,
        result_words,
    }
}

/// The Verilog of the array on a bus: `rows` results at a time, `cols` columns in a beat.
///
/// # Errors
/// [`EmitError::Bus`] for shapes that the array or the bus does not have, else what `emit` refuses.
pub fn emit_bus(kind: BusKind, rows: usize, cols: usize) -> Result<String, EmitError> {
    if !(1..=16).contains(&rows) || !(8..=128).contains(&cols) || !cols.is_multiple_of(8) || !(rows * cols).is_multiple_of(16) {
        return Err(EmitError::Bus { rows, cols });
    }
    netlist(kind, rows, cols).emit(kind.top())
}

fn netlist(kind: BusKind, rows: usize, cols: usize) -> Arc<Netlist> {
    match kind {
        BusKind::AxiStream => stream::gemv_axis(&geometry(rows, cols)),
        BusKind::Wishbone => wishbone::gemv_wb(&geometry(rows, cols)),
    }
}
