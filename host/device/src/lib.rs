//! GEMV on a board: transports, framing, driver and [`FabricGemv`].
//!
//! A [`Transport`] moves bytes with deadlines: [`SerialTransport`] (a port), [`Loopback`] (a device in
//! this process), the simulated board. The [`Driver`] speaks the protocol of `hdl/spec/PROTOCOL.md`
//! over it: a window of frames, retransmission, SYNC recovery. [`FabricGemv`] streams tiles once, seals
//! them, and then sends activations only.
//!
//! No fault of the link gives a wrong number: every call ends in the right answer or in a
//! [`DeviceError`] within a deadline. [`FaultInjector`] wraps any transport to show it.
//!
//! # Example
//!
//! ```
//! use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort};
//! use nda_gemv::{Activations, Gemv};
//! use nda_spec::{ActivationCode, Config, TileMatrix, WeightCode, tile};
//!
//! // A board in this process: the software model, behind the same driver and frames as a real one.
//! let device = Loopback::new(ModelDevice::new(&Config::named("nano16")?, ModelPort::Parallel));
//! let mut board = FabricGemv::new(Driver::open(device, DriverOptions::default())?);
//! let words = tile::pack(1, 4, WeightCode::Quaternary, &[-2, -1, 1, 2])?;
//! let id = board.prepare(&[TileMatrix::new(1, 4, WeightCode::Quaternary, &words)?])?;
//! let mut y = [0];
//! board.run(id, Activations { code: ActivationCode::A8, values: &[10, 20, 30, 40] }, &mut y)?;
//! assert_eq!(y, [-20 - 20 + 30 + 80]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod byte_faults;
mod call;
mod connect;
mod driver;
mod error;
mod fabric;
mod fabric_tokens;
mod fault;
mod frame;
mod layout;
mod link;
mod loopback;
mod matrix;
mod model;
mod narrow;
mod noise;
mod options;
#[cfg(unix)]
mod pty;
mod request;
mod seeds;
mod serial;
mod session;
mod spans;
mod store;
#[doc(hidden)]
pub mod testing;
mod token_place;
mod tokens;
pub mod transport;

pub use byte_faults::{ByteFaults, NoisyDevice};
pub use connect::{BAUD_RATES, Probe, find_baud, open_serial, probe};
pub use error::DeviceError;
pub use fabric::{FabricGemv, MatrixPlan};
pub use fault::{FaultCounts, FaultInjector, Faults};
pub use frame::{FrameDecoder, FrameEvent, encode_frame};
pub use link::MAX_RESPONSE;
pub use loopback::{ByteDevice, Loopback};
pub use model::{ModelDevice, ModelPort};
pub use options::{DriverOptions, DriverStats};
#[cfg(unix)]
pub use pty::PtyBridge;
pub use request::{JobRequest, RunOutcome, RunResult};
pub use serial::{SerialDevice, SerialTransport, devices};
pub use session::Driver;
pub use tokens::{Begun, Ends, Made};
pub use transport::{Transport, TransportError};
