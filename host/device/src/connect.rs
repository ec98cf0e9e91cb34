//! Finding a board on a serial port whose baud rate nobody named.

use crate::error::DeviceError;
use crate::options::DriverOptions;
use crate::serial::SerialTransport;
use crate::session::Driver;
use crate::transport::{Transport, TransportError};
use nda_spec::wire::Ident;

/// Baud rates that are tried, in this order: those of the boards' images (1 M, and 2 M of older ones), what becomes
/// the first on bridges that set a quarter of what is asked (4 M; firmware of the BL616, docs/links.md, section 2),
/// its quarter, that of the simulated configurations, and what every bridge can do.
pub const BAUD_RATES: [u32; 6] = [1_000_000, 2_000_000, 4_000_000, 250_000, 3_000_000, 115_200];

/// A try that finds nobody must be short: two frames of one session.
const PROBE: DriverOptions = DriverOptions { seed: 0, max_tries: 2, max_syncs: 1 };

/// What came of asking who is behind a port.
#[derive(Debug)]
pub struct Probe {
    /// What the user should know of the port: slow bridge, missing lines.
    pub notes: Vec<String>,
    /// The baud rate at which a board answered and what it says it is, or why none did.
    pub found: Result<(u32, Ident), DeviceError>,
}

/// Asks at each of these baud rates until a board answers on the port at `path`.
pub fn probe(path: &str, rates: &[u32]) -> Probe {
    let mut notes = Vec::new();
    let found = find(path, rates, &mut notes);
    Probe { notes, found }
}

/// The baud rate of `rates` at which a board answers on the port at `path`, and what it says it is.
///
/// # Errors
/// [`DeviceError::NotFound`] if nobody answers at any rate; at once if the port cannot be opened for good (no such
/// port, no rights, in use) or if somebody answers whom this host does not speak to.
pub fn find_baud(path: &str, rates: &[u32]) -> Result<(u32, Ident), DeviceError> {
    probe(path, rates).found
}

fn find(path: &str, rates: &[u32], notes: &mut Vec<String>) -> Result<(u32, Ident), DeviceError> {
    let mut tried = Vec::new();
    for &baud in rates {
        let transport = match SerialTransport::open(path, baud) {
            Ok(transport) => transport,
            // The first refusal is about the port; a later one can be about a rate that the bridge cannot set.
            Err(error) if tried.is_empty() => return Err(error.into()),
            Err(_) => continue,
        };
        tried.push(baud.to_string());
        *notes = transport.notes().to_vec();
        let options = DriverOptions { seed: DriverOptions::default().seed, ..PROBE };
        match Driver::open(transport, options) {
            Ok(driver) => return Ok((baud, driver.ident().clone())),
            Err(DeviceError::NoAnswer { .. } | DeviceError::Transport(TransportError::SendTimeout { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DeviceError::NotFound { device: path.into(), tried: tried.join(", ") })
}

/// Opens a board on a serial port, at `baud` or at the first of [`BAUD_RATES`] that it answers at.
///
/// # Errors
/// As [`find_baud`] and [`Driver::open`].
pub fn open_serial(
    path: &str,
    baud: Option<u32>,
    options: DriverOptions,
) -> Result<(Driver<Box<dyn Transport>>, Vec<String>), DeviceError> {
    let baud = match baud {
        Some(baud) => baud,
        None => find_baud(path, &BAUD_RATES)?.0,
    };
    let transport = SerialTransport::open(path, baud)?;
    let notes = transport.notes().to_vec();
    let transport: Box<dyn Transport> = Box::new(transport);
    Ok((Driver::open(transport, options)?, notes))
}
