//! Board images: thin tops around the emitted board, and the flow from Verilog to a bitstream.
//!
//! The Verilog is the one that is simulated (`nda_cores::emit_as`); a row of `constraints/boards.toml` decides pins,
//! PLL and LEDs. Every tool's exit status, each clock's speed, the budget, the pads' I/O standards and the
//! identification in the routed design are checked; anything amiss stops the flow. Nothing here prints.
//!
//! # Example
//!
//! ```
//! let folder = nda_firmware::build_folder(&nda_firmware::root(), "icebreaker");
//! assert!(folder.ends_with("target/boards/icebreaker"));
//! ```

mod commands;
pub mod elements;
pub mod error;
pub mod flow;
pub mod netlist;
pub mod program;
pub mod record;
pub mod report;
pub mod rows;
mod script;
pub mod size;
pub mod tools;
pub mod top;

pub use error::FlowError;
pub use flow::{Flow, SEEDS, bitstream_path};
pub use record::{Inputs, Record, Run};
pub use tools::Tools;

use std::path::{Path, PathBuf};

/// The project's root.
pub fn root() -> PathBuf {
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR"));
    firmware.parent().unwrap_or(firmware).into()
}

/// A board's build folder.
pub fn build_folder(root: &Path, board: &str) -> PathBuf {
    root.join("target/boards").join(board)
}
