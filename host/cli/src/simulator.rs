//! Where the simulated board is plugged in; without the feature `verilator` every door says what is missing.

use crate::backend::{Fabric, SimPort};
#[cfg(feature = "verilator")]
use crate::backend::{REPEATABLE, device_failure};
use crate::failure::{Exit, Failure, Outcome};
use nda_device::Transport;
use nda_sim::SimError;
use nda_spec::Config;
use std::path::Path;

/// Whether boards can be simulated; the failure says how to make it so.
pub fn available() -> Result<(), Failure> {
    if cfg!(feature = "verilator") { Ok(()) } else { Err(failure(&SimError::NotBuilt, "this build")) }
}

fn failure(error: &SimError, at: &str) -> Failure {
    let (exit, help) = match error {
        SimError::NotBuilt => (
            Exit::Unavailable,
            "build nda-cli with the feature 'verilator', which needs Verilator and a C++ compiler, or use '--backend cpu'",
        ),
        SimError::Unknown { .. } | SimError::Config(_) => (Exit::Usage, "'nda devices' lists the configurations"),
        SimError::Make { .. } => (Exit::Failed, "free some memory, or use a smaller configuration"),
        SimError::Wave { .. } => (Exit::Failed, "check the path and the disk"),
    };
    Failure::new(exit, error, at, help)
}

/// The simulated board of a configuration, as after power-up.
#[cfg(feature = "verilator")]
pub fn open(config: &Config, port: SimPort) -> Outcome<Box<dyn Transport>> {
    Ok(Box::new(board(config, port)?))
}

#[cfg(feature = "verilator")]
fn board(config: &Config, port: SimPort) -> Outcome<nda_sim::SimBoard> {
    let port = match port {
        SimPort::Parallel => nda_sim::Port::Parallel,
        SimPort::Uart => nda_sim::Port::Uart,
    };
    nda_sim::SimBoard::new(&config.name, port).map_err(|e| failure(&e, &format!("configuration {}", config.name)).into())
}

/// Writes the waves of what `work` does on the board, from the session's first byte on.
#[cfg(feature = "verilator")]
pub fn wave<'m>(config: &Config, port: SimPort, path: &Path, work: impl FnOnce(&mut Fabric<'m>) -> Outcome) -> Outcome {
    let mut board = board(config, port)?;
    board.trace_to(path).map_err(|e| failure(&e, &path.display().to_string()))?;
    let transport: Box<dyn Transport> = Box::new(board);
    let driver = nda_device::Driver::open(transport, REPEATABLE).map_err(|e| device_failure(&e, &config.name))?;
    // The wave file ends with the board, when the fabric is dropped.
    work(&mut Fabric::new(driver))
}

/// Says what is missing.
#[cfg(not(feature = "verilator"))]
pub fn open(config: &Config, _port: SimPort) -> Outcome<Box<dyn Transport>> {
    Err(failure(&SimError::NotBuilt, &format!("configuration {}", config.name)).into())
}

/// Says what is missing.
#[cfg(not(feature = "verilator"))]
pub fn wave<'m>(config: &Config, _port: SimPort, _path: &Path, _work: impl FnOnce(&mut Fabric<'m>) -> Outcome) -> Outcome {
    Err(failure(&SimError::NotBuilt, &format!("configuration {}", config.name)).into())
}
