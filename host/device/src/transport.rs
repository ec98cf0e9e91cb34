//! Bytes with deadlines. Loopback, simulated board and serial port implement it.

use std::time::Duration;

/// Why bytes could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The other side is gone: unplugged, closed, ended.
    #[error("the link to {device} was lost: {reason}")]
    Lost {
        /// What the link led to.
        device: String,
        /// What the operating system or the simulator said.
        reason: String,
    },
    /// The port could not be opened or set up.
    #[error("{device} cannot be opened: {reason}")]
    Open {
        /// The port.
        device: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Bytes could not be sent by the deadline.
    #[error("{device} took no more bytes for {waited_ms} ms")]
    SendTimeout {
        /// The port.
        device: String,
        /// How long was waited.
        waited_ms: u64,
    },
}

/// A byte pipe to a device, with a clock of its own.
///
/// Time is the transport's: wall time for a serial port, simulated time for a simulated board, so a
/// slow simulation misses no deadline and a test's timing does not depend on the machine's load.
pub trait Transport: Send {
    /// What a person calls the other end: "/dev/ttyUSB0", "simulated wide256 (parallel port)".
    fn describe(&self) -> String;

    /// Time since the transport was opened, on its own clock.
    fn now(&self) -> Duration;

    /// Sends all bytes, or fails by `deadline` (a time of [`Self::now`]).
    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError>;

    /// Receives at least one byte into `buffer`, or returns 0 at `deadline`.
    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError>;

    /// Latency that a round trip takes besides the wire time and the device's own work: USB timers, schedulers.
    fn latency(&self) -> Duration;

    /// Bytes a second on the wire, each way.
    fn bytes_per_second(&self) -> u64;

    /// Device clock cycles since the transport was opened, if the transport can count them.
    fn cycles(&self) -> Option<u64> {
        None
    }
}

/// Lets a session borrow a transport that outlives it.
impl<T: Transport + ?Sized> Transport for &mut T {
    fn describe(&self) -> String {
        (**self).describe()
    }
    fn now(&self) -> Duration {
        (**self).now()
    }
    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        (**self).send(bytes, deadline)
    }
    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        (**self).receive(buffer, deadline)
    }
    fn latency(&self) -> Duration {
        (**self).latency()
    }
    fn bytes_per_second(&self) -> u64 {
        (**self).bytes_per_second()
    }
    fn cycles(&self) -> Option<u64> {
        (**self).cycles()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn describe(&self) -> String {
        (**self).describe()
    }
    fn now(&self) -> Duration {
        (**self).now()
    }
    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        (**self).send(bytes, deadline)
    }
    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        (**self).receive(buffer, deadline)
    }
    fn latency(&self) -> Duration {
        (**self).latency()
    }
    fn bytes_per_second(&self) -> u64 {
        (**self).bytes_per_second()
    }
    fn cycles(&self) -> Option<u64> {
        (**self).cycles()
    }
}

/// Time that `bytes` take on a wire of `bytes_per_second`, rounded up to a nanosecond.
pub fn wire_time(bytes: usize, bytes_per_second: u64) -> Duration {
    let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(bytes_per_second.max(1)));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
