//! Verilated models of the emitted cores, and the simulated board.
//!
//! The build script emits the Verilog (the cores are a build-dependency, so it is never stale), verilates it and compiles it;
//! [`Model`] drives any of the models by port name, [`SimBoard`] is a whole board behind [`nda_device::Transport`].
//! Nothing here knows a right answer.
//!
//! # Example
//!
//! ```no_run
//! use nda_device::{Driver, DriverOptions, FabricGemv};
//! use nda_sim::{Port, SimBoard};
//!
//! // The emitted Verilog of the default configuration, behind the driver that talks to real boards.
//! let board = SimBoard::new("token1024", Port::Parallel)?;
//! let fabric = FabricGemv::new(Driver::open(board, DriverOptions::default())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "verilator")]
pub mod board;
pub mod error;
mod format;
#[cfg(feature = "verilator")]
pub mod model;
#[cfg(feature = "verilator")]
mod stalls;
#[cfg(feature = "verilator")]
mod tap;
#[cfg(feature = "verilator")]
mod wave;

pub use error::SimError;
pub use format::WaveFormat;
#[cfg(feature = "verilator")]
pub use {
    board::{Port, SimBoard},
    model::{Model, PortId},
    stalls::Stalls,
    tap::{TapHandle, Traced, Watched, WaveTap},
    wave::WaveSink,
};

/// Configuration, port and build hash of every board that was emitted.
#[cfg(feature = "verilator")]
pub mod builds {
    include!(concat!(env!("OUT_DIR"), "/idents.rs"));
}
