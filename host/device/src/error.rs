//! What a caller of this crate has to handle.

use crate::transport::TransportError;
use nda_spec::config::ConfigError;
use nda_spec::seed::DEVICE_EPS_SHIFT;
use nda_spec::wire::{IdentError, TokenPageError};

/// Why a device could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The link itself failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Nothing that makes sense came back.
    #[error(
        "{device} did not answer {waiting_for}: {tries} tries and {syncs} SYNCs in {waited_ms} ms; check that the board is powered and holds an nda image, that this is its UART, and the baud rate"
    )]
    NoAnswer {
        /// The other end.
        device: String,
        /// The request that was waited for.
        waiting_for: String,
        /// How often it was sent.
        tries: u32,
        /// How often a new session was tried.
        syncs: u32,
        /// For how long, on the transport's clock.
        waited_ms: u64,
    },
    /// Nobody answers on a port, at any baud rate.
    #[error(
        "{device}: no board answered at {tried} baud; check that the board is powered and holds an nda image, and that this is its UART (boards with two ports have it on the second)"
    )]
    NotFound {
        /// The port.
        device: String,
        /// The rates tried.
        tried: String,
    },
    /// The device answers, but is not one that this host speaks to.
    #[error("{device}: {source}")]
    Ident {
        /// The other end.
        device: String,
        /// What is wrong with its page.
        source: IdentError,
    },
    /// The identification's numbers are none that an image can be built with.
    #[error("{device} describes an image that cannot exist ({source}); load an image built by these tools")]
    Geometry {
        /// The other end.
        device: String,
        /// The first number that cannot be.
        source: ConfigError,
    },
    /// The token machine describes itself as what cannot be.
    #[error("{device}: {source}; load an image built by these tools")]
    TokenPage {
        /// The other end.
        device: String,
        /// What is wrong with its page.
        source: TokenPageError,
    },
    /// A token was not done within its cycles.
    #[error("{device} gave up a token after {cycles} cycles; the image and these host tools disagree, load an image built by these tools")]
    SlowToken {
        /// The other end.
        device: String,
        /// The bound.
        cycles: u32,
    },
    /// The device says no to a request that its identification allows.
    #[error(
        "{device} refused {request} with status {status:#04x}, aux {aux:#x}; the image and these host tools disagree, load an image built by these tools"
    )]
    Refused {
        /// The other end.
        device: String,
        /// The request.
        request: String,
        /// The status byte.
        status: u8,
        /// The response's aux.
        aux: u32,
    },
    /// A response with a right CRC that is not what the request asks for.
    #[error(
        "{device} answered {request} with {found} payload bytes, not {expected}; the image and these host tools disagree, load an image built by these tools"
    )]
    Malformed {
        /// The other end.
        device: String,
        /// The request.
        request: String,
        /// Payload bytes that came.
        found: usize,
        /// Payload bytes that should have come.
        expected: usize,
    },
    /// Another image answers after a recovery.
    #[error("{device} was '{before}' when the session started and is '{after}' now: its image was replaced; start a new session")]
    Replaced {
        /// The other end.
        device: String,
        /// Configuration and build at the start.
        before: String,
        /// Configuration and build now.
        after: String,
    },
    /// A number that the device has no place for; the caller's mistake.
    #[error("{what} is {found}, but {device} takes at most {limit}")]
    TooLarge {
        /// The other end.
        device: String,
        /// What was given.
        what: &'static str,
        /// Its value.
        found: usize,
        /// The largest value.
        limit: usize,
    },
    /// The device does none of the element operations of the articles.
    #[error(
        "{device} has no {operation}: its image, '{config}', was built without the seed operations; load one of a configuration with 'seed = true' (seed64), or leave --backend out"
    )]
    NoSeeds {
        /// The other end.
        device: String,
        /// Its configuration.
        config: String,
        /// What was asked for.
        operation: &'static str,
    },
    /// Operands that an element operation of the device does not take; the caller's mistake.
    #[error(
        "{device} does {operation} on 1 to {most} elements at once, the norm with an eps_shift of {DEVICE_EPS_SHIFT} or more; this one is for the host"
    )]
    SeedOperands {
        /// The other end.
        device: String,
        /// What was asked for.
        operation: &'static str,
        /// Most elements that a frame holds.
        most: usize,
    },
    /// The same thing went wrong again and again.
    #[error("{device}: {what} did not settle in {tries} tries; the link or the board is faulty, try a shorter cable or a lower baud rate")]
    Unsettled {
        /// The other end.
        device: String,
        /// What was tried.
        what: String,
        /// How often.
        tries: u32,
    },
}
