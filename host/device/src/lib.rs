//! GEMV on a board: transports, framing, driver and `FabricGemv`.

pub mod transport;

pub use transport::{Transport, TransportError};
