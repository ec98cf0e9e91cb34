//! A board on a serial port.

use crate::transport::{Transport, TransportError};
use serialport::{ErrorKind, SerialPort};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Latency of a USB bridge that answers within a millisecond, and of two schedulers.
const BASE_LATENCY: Duration = Duration::from_millis(30);
/// What an FTDI bridge waits before it returns a short packet, if nobody set it otherwise.
const FTDI_DEFAULT_MS: u64 = 16;
/// Bits of a byte on the wire: start, eight, stop.
const BITS_PER_BYTE: u64 = 10;
/// Longest single wait of the operating system; the deadline is looked at in between.
const SLICE: Duration = Duration::from_millis(500);

/// A serial port, raw, 8N1, opened exclusively.
pub struct SerialTransport {
    port: Box<dyn SerialPort>,
    path: String,
    baud: u32,
    opened: Instant,
    latency: Duration,
    notes: Vec<String>,
}

impl std::fmt::Debug for SerialTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SerialTransport").field("path", &self.path).field("baud", &self.baud).field("latency", &self.latency).finish()
    }
}

impl SerialTransport {
    /// Opens a port by its path ("/dev/ttyUSB1", "COM3").
    ///
    /// # Errors
    /// [`TransportError::Open`] says why and what to do: no such port, no rights, another program has it.
    pub fn open(path: &str, baud: u32) -> Result<SerialTransport, TransportError> {
        let mut port = serialport::new(path, baud).timeout(SLICE).open().map_err(|error| open_error(path, &error))?;
        let mut notes = Vec::new();
        // Bridges without modem lines, and pseudo-terminals, refuse these; the link works without.
        let lines = port.write_data_terminal_ready(true).and_then(|()| port.write_request_to_send(true));
        if let Err(error) = lines {
            notes.push(format!("{path}: its modem lines cannot be set ({error}); most boards do not need them"));
        }
        let bridge = Bridge::of(Path::new(path));
        let timer_ms = bridge.latency_timer_ms();
        if let (Bridge::Usb { name, .. }, Some(ms)) = (&bridge, timer_ms.filter(|&ms| ms > 1)) {
            notes.push(format!(
                "{path}: its USB bridge holds short packets back for {ms} ms, so every round trip takes as long; \
                 'echo 1 | sudo tee /sys/bus/usb-serial/devices/{name}/latency_timer' makes it 1 ms"
            ));
        }
        let latency = BASE_LATENCY + 2 * Duration::from_millis(timer_ms.unwrap_or(FTDI_DEFAULT_MS));
        Ok(SerialTransport { port, path: path.into(), baud, opened: Instant::now(), latency, notes })
    }

    /// What the user should know of this port: slow bridge, missing lines.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn lost(&self, error: &io::Error) -> TransportError {
        // EIO, ENXIO, ENODEV, EPIPE: unplugged, or the process behind a pseudo-terminal ended.
        TransportError::Lost { device: self.path.clone(), reason: format!("link lost ({error}); is the board still plugged in?") }
    }

    fn wait_until(&mut self, deadline: Duration) -> Result<(), TransportError> {
        let left = deadline.saturating_sub(self.now()).clamp(Duration::from_millis(1), SLICE);
        self.port.set_timeout(left).map_err(|error| self.lost(&io::Error::from(error)))
    }
}

fn open_error(path: &str, error: &serialport::Error) -> TransportError {
    let text = error.to_string();
    let step = match error.kind() {
        _ if text.contains("exclusive lock") || text.contains("busy") => {
            "another program has it open; close that program (nda, a terminal, ModemManager)"
        }
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            "you may not use it; join the group that owns it ('sudo usermod -aG dialout $USER') and log in again"
        }
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => "no such port; 'nda devices' lists the ports",
        _ => "'nda devices' lists the ports",
    };
    TransportError::Open { device: path.into(), reason: format!("{text}; {step}") }
}

/// Where Linux describes USB serial ports.
const USB_SERIAL: &str = "/sys/bus/usb-serial/devices";
/// Links that are followed at most.
const MAX_LINKS: usize = 16;

/// What is between this machine and a port's wire.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bridge {
    /// A USB bridge with a latency timer, by the name that the kernel gave it.
    Usb { name: String, timer_ms: u64 },
    /// A pseudo-terminal: no wire at all.
    None,
    /// Something that the operating system does not describe.
    Unknown,
}

impl Bridge {
    /// The bridge of a port, whose path may be a link: `/dev/serial/by-id/...` leads to `/dev/ttyUSB0`.
    fn of(path: &Path) -> Bridge {
        Bridge::in_system(path, Path::new(USB_SERIAL))
    }

    fn in_system(path: &Path, usb_serial: &Path) -> Bridge {
        let mut path = path.to_path_buf();
        for _ in 0..MAX_LINKS {
            let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
            let timer = std::fs::read_to_string(usb_serial.join(&name).join("latency_timer"));
            if let Some(timer_ms) = timer.ok().and_then(|text| text.trim().parse().ok()) {
                return Bridge::Usb { name, timer_ms };
            }
            let Ok(target) = std::fs::read_link(&path) else { break };
            path = path.parent().unwrap_or(Path::new("/")).join(target);
        }
        let is_terminal = std::fs::canonicalize(&path).is_ok_and(|path| path.starts_with("/dev/pts"));
        if is_terminal { Bridge::None } else { Bridge::Unknown }
    }

    /// The time that short packets are held back, if it is known.
    fn latency_timer_ms(&self) -> Option<u64> {
        match self {
            Bridge::Usb { timer_ms, .. } => Some(*timer_ms),
            Bridge::None => Some(0),
            Bridge::Unknown => None,
        }
    }
}

impl Transport for SerialTransport {
    fn describe(&self) -> String {
        format!("{} at {} baud", self.path, self.baud)
    }

    fn now(&self) -> Duration {
        self.opened.elapsed()
    }

    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        let started = self.now();
        let mut rest = bytes;
        while !rest.is_empty() {
            self.wait_until(deadline)?;
            match self.port.write(rest) {
                Ok(n) => rest = &rest[n.min(rest.len())..],
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(self.lost(&error)),
            }
            let now = self.now();
            if !rest.is_empty() && now >= deadline {
                let waited_ms = u64::try_from((now - started).as_millis()).unwrap_or(u64::MAX);
                return Err(TransportError::SendTimeout { device: self.path.clone(), waited_ms });
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        loop {
            self.wait_until(deadline)?;
            match self.port.read(buffer) {
                // A port that is ready and has nothing was hung up.
                Ok(0) => return Err(self.lost(&io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => return Ok(n),
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(self.lost(&error)),
            }
            if self.now() >= deadline {
                return Ok(0);
            }
        }
    }

    fn latency(&self) -> Duration {
        self.latency
    }

    fn bytes_per_second(&self) -> u64 {
        (u64::from(self.baud) / BITS_PER_BYTE).max(1)
    }
}

fn is_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// A port that a board could be on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SerialDevice {
    /// What [`SerialTransport::open`] takes.
    pub path: String,
    /// What the operating system says of it; may be empty.
    pub what: String,
}

/// The serial ports of this machine, USB bridges first, each group by path.
pub fn devices() -> Vec<SerialDevice> {
    let mut found: Vec<SerialDevice> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .map(|port| SerialDevice { path: port.port_name, what: describe_port(&port.port_type) })
        .collect();
    // Without udev the enumeration can miss what /dev shows.
    let names = std::fs::read_dir("/dev").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| name.starts_with("ttyUSB") || name.starts_with("ttyACM")) {
        let path = format!("/dev/{name}");
        if found.iter().all(|device| device.path != path) {
            found.push(SerialDevice { path, what: "USB".into() });
        }
    }
    found.sort_by_key(|device| (!device.what.starts_with("USB"), device.path.clone()));
    found
}

fn describe_port(port: &serialport::SerialPortType) -> String {
    match port {
        serialport::SerialPortType::UsbPort(usb) => {
            let ids = format!("USB {:04x}:{:04x}", usb.vid, usb.pid);
            [Some(ids), usb.manufacturer.clone(), usb.product.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        serialport::SerialPortType::PciPort => "PCI".into(),
        serialport::SerialPortType::BluetoothPort => "Bluetooth".into(),
        serialport::SerialPortType::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_not_there_is_refused_with_the_next_step() {
        let error = SerialTransport::open("/dev/nda-no-such-port", 3_000_000).unwrap_err().to_string();
        assert!(error.starts_with("/dev/nda-no-such-port cannot be opened: ") && error.contains("'nda devices' lists"), "{error}");
    }

    /// A link's own name says nothing of its port: `/dev/serial/by-id` was taken for a pseudo-terminal.
    #[cfg(unix)]
    #[test]
    fn links_are_resolved_before_the_kind_of_port_is_judged() {
        let folder = std::env::temp_dir().join(format!("nda-by-id-{}", std::process::id()));
        let (system, by_id) = (folder.join("sys"), folder.join("dev/serial/by-id"));
        std::fs::create_dir_all(system.join("ttyUSB9")).unwrap();
        std::fs::create_dir_all(&by_id).unwrap();
        std::fs::write(system.join("ttyUSB9/latency_timer"), "16\n").unwrap();
        std::fs::write(folder.join("dev/ttyUSB9"), "").unwrap();
        let link = by_id.join("usb-FTDI_FT231X-if00-port0");
        std::os::unix::fs::symlink("../../ttyUSB9", &link).unwrap();
        let second = folder.join("dev/board");
        std::os::unix::fs::symlink(&link, &second).unwrap();
        let circle = folder.join("dev/circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        let usb = Bridge::Usb { name: "ttyUSB9".into(), timer_ms: 16 };
        for path in [folder.join("dev/ttyUSB9"), link, second] {
            assert_eq!(Bridge::in_system(&path, &system), usb, "{}", path.display());
        }
        assert_eq!(Bridge::in_system(&circle, &system), Bridge::Unknown);
        assert_eq!(Bridge::in_system(&folder.join("dev/ttyACM0"), &system), Bridge::Unknown);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn usb_bridges_come_first_in_the_list() {
        let list = devices();
        let first_other = list.iter().position(|d| !d.what.starts_with("USB")).unwrap_or(list.len());
        assert!(list[first_other..].iter().all(|d| !d.what.starts_with("USB")), "{list:?}");
    }
}
