//! A device in this process behind a transport with a clock of its own.

use crate::transport::{Transport, TransportError, wire_time};
use std::collections::VecDeque;
use std::time::Duration;

/// The device's side of a byte pipe: what a simulated board or a software model implements, so that
/// [`Loopback`] and `PtyBridge` can carry it.
pub trait ByteDevice: Send {
    /// What a person calls it: "simulated wide256 (parallel port)".
    fn describe(&self) -> String;

    /// Takes bytes that arrived over the link. Never blocks; what the device cannot hold it drops or
    /// keeps, as its link does.
    fn feed(&mut self, bytes: &[u8]);

    /// Works for a bounded while (one request, or some milliseconds of simulation), appends what it
    /// sends to `out`, and returns whether there is more to do without further bytes.
    fn drain(&mut self, out: &mut Vec<u8>) -> bool;

    /// Clock cycles that the device has worked so far.
    fn cycles(&self) -> u64;

    /// The device's clock in Hz.
    fn clk_hz(&self) -> u32;
}

impl<D: ByteDevice + ?Sized> ByteDevice for Box<D> {
    fn describe(&self) -> String {
        (**self).describe()
    }
    fn feed(&mut self, bytes: &[u8]) {
        (**self).feed(bytes);
    }
    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        (**self).drain(out)
    }
    fn cycles(&self) -> u64 {
        (**self).cycles()
    }
    fn clk_hz(&self) -> u32 {
        (**self).clk_hz()
    }
}

/// A transport whose other end is a [`ByteDevice`] in this process.
///
/// Time is virtual: a line each way of `bytes_per_second`, and the cycles that the device works. It
/// passes only while the host waits, so a test of timeouts takes no time and never depends on load.
#[derive(Debug)]
pub struct Loopback<D> {
    device: D,
    bytes_per_second: u64,
    latency: Duration,
    now: Duration,
    /// Bytes under way to the device, with the time at which the last of them arrives.
    arrivals: VecDeque<(Duration, Vec<u8>)>,
    /// Bytes under way to the host.
    inbox: VecDeque<(Duration, Vec<u8>)>,
    line_out_free: Duration,
    line_in_free: Duration,
    /// Whether the device has work, and from when on.
    busy: bool,
    busy_until: Duration,
}

impl<D: ByteDevice> Loopback<D> {
    /// A link of 3 Mbaud with 1 ms latency to `device`.
    pub fn new(device: D) -> Loopback<D> {
        Loopback::with_line(device, 300_000, Duration::from_millis(1))
    }

    /// A link of that speed and round-trip latency to `device`.
    pub fn with_line(device: D, bytes_per_second: u64, latency: Duration) -> Loopback<D> {
        Loopback {
            device,
            bytes_per_second,
            latency,
            now: Duration::ZERO,
            arrivals: VecDeque::new(),
            inbox: VecDeque::new(),
            line_out_free: Duration::ZERO,
            line_in_free: Duration::ZERO,
            busy: false,
            busy_until: Duration::ZERO,
        }
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device, to reset or break it.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Time of the device's next step, if there is one without further bytes.
    fn next_event(&self) -> Option<Duration> {
        let arrival = self.arrivals.front().map(|(at, _)| *at);
        let work = self.busy.then_some(self.busy_until);
        arrival.into_iter().chain(work).min()
    }

    fn step(&mut self) {
        let arrives = self.arrivals.front().is_some_and(|(at, _)| !self.busy || *at <= self.busy_until);
        if arrives {
            if let Some((at, bytes)) = self.arrivals.pop_front() {
                self.device.feed(&bytes);
                self.busy_until = self.busy_until.max(at);
                self.busy = true;
            }
            return;
        }
        let before = self.device.cycles();
        let mut out = Vec::new();
        self.busy = self.device.drain(&mut out);
        let worked = self.device.cycles().saturating_sub(before);
        self.busy_until += wire_time(usize::try_from(worked).unwrap_or(usize::MAX), u64::from(self.device.clk_hz()));
        if !out.is_empty() {
            let sent = self.busy_until.max(self.line_in_free) + wire_time(out.len(), self.bytes_per_second);
            self.line_in_free = sent;
            self.inbox.push_back((sent, out));
        }
    }
}

impl<D: ByteDevice> Transport for Loopback<D> {
    fn describe(&self) -> String {
        self.device.describe()
    }

    fn now(&self) -> Duration {
        self.now
    }

    fn send(&mut self, bytes: &[u8], _deadline: Duration) -> Result<(), TransportError> {
        let arrived = self.now.max(self.line_out_free) + wire_time(bytes.len(), self.bytes_per_second);
        self.line_out_free = arrived;
        self.arrivals.push_back((arrived, bytes.to_vec()));
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        loop {
            let event = self.next_event();
            let received = self.inbox.front().map(|(at, _)| *at);
            match (received, event) {
                (Some(at), _) if at <= self.now.max(deadline) && event.is_none_or(|e| at <= e) => {
                    self.now = self.now.max(at);
                    return Ok(self.take(buffer));
                }
                (_, Some(e)) if e <= deadline => self.step(),
                _ => {
                    self.now = self.now.max(deadline);
                    return Ok(0);
                }
            }
        }
    }

    fn latency(&self) -> Duration {
        self.latency
    }

    fn bytes_per_second(&self) -> u64 {
        self.bytes_per_second
    }

    fn cycles(&self) -> Option<u64> {
        let cycles = self.now.as_nanos() * u128::from(self.device.clk_hz()) / 1_000_000_000;
        Some(u64::try_from(cycles).unwrap_or(u64::MAX))
    }
}

impl<D> Loopback<D> {
    /// Moves what fits of the first chunk of the inbox into the buffer.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let Some((_, bytes)) = self.inbox.front_mut() else { return 0 };
        let n = bytes.len().min(buffer.len());
        buffer[..n].copy_from_slice(&bytes[..n]);
        bytes.drain(..n);
        if bytes.is_empty() {
            self.inbox.pop_front();
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends back every byte plus one, after 1000 cycles.
    struct Echo(Vec<u8>, u64);

    impl ByteDevice for Echo {
        fn describe(&self) -> String {
            "echo".into()
        }
        fn feed(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
        fn drain(&mut self, out: &mut Vec<u8>) -> bool {
            if !self.0.is_empty() {
                self.1 += 1000;
            }
            out.extend(self.0.drain(..).map(|b| b.wrapping_add(1)));
            false
        }
        fn cycles(&self) -> u64 {
            self.1
        }
        fn clk_hz(&self) -> u32 {
            1_000_000
        }
    }

    #[test]
    fn time_passes_only_while_the_host_waits_and_counts_wire_and_work() {
        let ms = Duration::from_millis;
        let mut link = Loopback::with_line(Echo(Vec::new(), 0), 1000, ms(1));
        link.send(&[1, 2, 3], ms(0)).unwrap();
        assert_eq!(link.now(), ms(0));
        let mut buffer = [0; 8];
        assert_eq!(link.receive(&mut buffer, ms(6)).unwrap(), 0, "3 ms there, 1 ms work, 3 ms back");
        assert_eq!(link.now(), ms(6));
        assert_eq!(link.receive(&mut buffer, ms(100)).unwrap(), 3);
        assert_eq!((link.now(), &buffer[..3]), (ms(7), &[2, 3, 4][..]));
        assert_eq!(link.receive(&mut buffer, ms(100)).unwrap(), 0);
        assert_eq!((link.now(), link.cycles()), (ms(100), Some(100_000)));
    }
}
