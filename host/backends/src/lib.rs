//! The one place that knows every back end.
//!
//! 1. [`BackendName::parse`] reads a name as users write it: `cpu`, `gpu`, `sim:wide256*3`, `serial:/dev/ttyUSB0`;
//! 2. [`Backend::open`] opens one that multiplies everything itself or refuses, [`Backend::open_for_model`] one for a model;
//! 3. [`FabricPool`] spreads products over boards; [`Router`] gives a product to the boards or, where they have no room, to the CPU.
//!
//! Nothing here prints, and nothing here exits: what a person should read is an error, a note or a refusal that the caller shows.
//!
//! # Example
//!
//! ```
//! use nda_backends::{Backend, BackendName};
//!
//! let name = BackendName::parse("loopback:nano16")?;
//! let mut board = Backend::open(&name)?;
//! assert!(board.gemv().name().contains("nano16"));
//! assert!(BackendName::parse("gramophone").is_err());
//! # Ok::<(), nda_backends::BackendError>(())
//! ```

#![forbid(unsafe_code)]

mod backend;
mod error;
mod gpu;
mod name;
mod open;
mod pool;
mod router;
mod simulator;

pub use backend::Backend;
pub use error::BackendError;
pub use gpu::{Adapter, adapters};
pub use name::{BackendName, SimPort, config, option_name, port_and_baud};
pub use nda_sim::{SimError, WaveFormat};
pub use pool::{BoardError, FabricPool};
pub use router::Router;
pub use simulator::{available as simulator_available, device as simulated_device, ports as simulated_ports, wave};
#[cfg(feature = "verilator")]
pub use {
    nda_sim::{TapHandle, Traced, Watched, WaveTap},
    simulator::{end_tap, tap},
};

/// A board through whatever leads to it.
pub type Fabric<'m> = nda_device::FabricGemv<'m, Box<dyn nda_device::Transport>>;

/// One board or several.
pub type Boards<'m> = FabricPool<'m, Box<dyn nda_device::Transport>>;
