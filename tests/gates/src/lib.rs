//! The netlist is checked too: what yosys makes of the emitted Verilog runs behind the shipping driver.
//!
//! [`Tools`] finds yosys, [`synthesise`] maps a design to a family's cells and writes the netlist back as Verilog,
//! [`build`] verilates it with the family's cell models into a program of its own, and [`GateBoard`] is that program behind
//! [`nda_device::Transport`]; [`GateBench`] drives a single core by its ports instead. Nothing here knows a right answer.
//!
//! The cell models are yosys's own (its `share` folder) with two exceptions: a LUT is one indexed constant, which a simulator
//! evaluates four times as fast as yosys's tree of multiplexers (tests/formal proves them equal for every table), and the
//! block RAMs of ECP5 and Gowin, of which yosys has only the ports, are modelled in `cells/` from the vendors' documents.
//!
//! What no model defines is random: the first content of a memory without one, the word of a read that meets a write.

#![forbid(unsafe_code)]

mod bench;
mod board;
mod cells;
mod error;
mod model;
mod netlist;
mod tools;

pub use bench::GateBench;
pub use board::GateBoard;
pub use cells::{LUT_MODELS, cell_models, with_mutable_luts, yosys_model};
pub use error::GateError;
pub use model::{Shim, build};
pub use netlist::{Family, Netlist, synthesise};
pub use tools::Tools;
