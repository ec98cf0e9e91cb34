//! A device of this process behind a pseudo-terminal, which other programs open as a serial port.

use crate::loopback::ByteDevice;
use crate::transport::TransportError;
use serialport::{SerialPort, TTYPort};
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// `TTYPort::pair` uses functions of the C library that are not thread-safe.
static PAIR: Mutex<()> = Mutex::new(());
/// How long the bridge waits for bytes before it looks whether it should stop.
const POLL: Duration = Duration::from_millis(20);

/// Runs a device behind a pseudo-terminal in a thread of its own, until dropped or stopped.
#[derive(Debug)]
pub struct PtyBridge<D: ByteDevice + 'static> {
    path: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<D>>,
}

impl<D: ByteDevice + 'static> PtyBridge<D> {
    /// Starts the bridge; [`Self::path`] is what a host opens.
    ///
    /// # Errors
    /// [`TransportError::Open`] if the operating system gives no pseudo-terminal.
    pub fn start(mut device: D) -> Result<PtyBridge<D>, TransportError> {
        let open_error = |reason: String| TransportError::Open { device: "a pseudo-terminal".into(), reason };
        let (mut master, slave) = {
            let _guard = PAIR.lock().unwrap_or_else(PoisonError::into_inner);
            TTYPort::pair().map_err(|error| open_error(error.to_string()))?
        };
        master.set_timeout(POLL).map_err(|error| open_error(error.to_string()))?;
        let path = slave.name().ok_or_else(|| open_error("it has no name".into()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("nda-pty".into())
            .spawn(move || {
                serve(&mut device, &mut master, &stopped);
                // The other end stays open so long: without it a host that closes would hang the terminal up.
                drop(slave);
                device
            })
            .map_err(|error| open_error(error.to_string()))?;
        Ok(PtyBridge { path, stop, thread: Some(thread) })
    }

    /// The path that a host opens as a serial port.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the device is still served; false once the system took the pseudo-terminal away or the device panicked.
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends the bridge and gives the device back; hosts see a lost link. `None` if the device panicked.
    pub fn stop(mut self) -> Option<D> {
        self.join()
    }

    fn join(&mut self) -> Option<D> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok())
    }
}

impl<D: ByteDevice + 'static> Drop for PtyBridge<D> {
    fn drop(&mut self) {
        self.join();
    }
}

fn serve(device: &mut impl ByteDevice, master: &mut TTYPort, stop: &AtomicBool) {
    let mut buffer = [0; 4096];
    let mut out = Vec::new();
    let mut busy = false;
    while !stop.load(Ordering::Relaxed) {
        // A device that works on something must not wait for bytes, and must not miss those that come meanwhile.
        if !busy || master.bytes_to_read().is_ok_and(|bytes| bytes > 0) {
            match master.read(&mut buffer) {
                Ok(n) => device.feed(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::TimedOut || error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
        }
        busy = device.drain(&mut out);
        if !send(master, &out, stop) {
            return;
        }
        out.clear();
    }
}

/// Writes everything; a host that does not read blocks the device until the bridge stops, as a full wire would.
fn send(master: &mut TTYPort, bytes: &[u8], stop: &AtomicBool) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() && !stop.load(Ordering::Relaxed) {
        match master.write(rest) {
            Ok(n) => rest = &rest[n.min(rest.len())..],
            Err(error) if error.kind() == ErrorKind::TimedOut || error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}
