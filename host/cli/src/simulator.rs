//! Where the simulated board is plugged in; without the feature `verilator` every door says what is missing.

use crate::backend::SimPort;
#[cfg(feature = "verilator")]
use crate::backend::{REPEATABLE, device_failure};
use crate::failure::{Exit, Failure, Outcome};
#[cfg(feature = "verilator")]
use nda_device::FabricGemv;
use nda_device::Transport;
use nda_kernels::Gemv;
use nda_sim::{SimError, WaveFormat};
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
pub fn wave<'m>(
    config: &Config,
    port: SimPort,
    path: &Path,
    format: WaveFormat,
    work: impl FnOnce(&mut dyn Gemv<'m>) -> Outcome,
) -> Outcome {
    let failed = |error: SimError| failure(&error, &path.display().to_string());
    let mut board = board(config, port)?;
    let file = std::fs::File::create(path).map_err(|e| Failure::io("write", path, &e))?;
    board.trace_to(file, format).map_err(failed)?;
    let driver = nda_device::Driver::open(board, REPEATABLE).map_err(|e| device_failure(&e, &config.name))?;
    let mut fabric = FabricGemv::new(driver);
    let worked = work(&mut fabric);
    let written = fabric.into_driver().into_transport().trace_end().map_err(failed);
    worked.and_then(|()| Ok(written?))
}

/// Says what is missing.
#[cfg(not(feature = "verilator"))]
pub fn open(config: &Config, _port: SimPort) -> Outcome<Box<dyn Transport>> {
    Err(failure(&SimError::NotBuilt, &format!("configuration {}", config.name)).into())
}

/// Says what is missing.
#[cfg(not(feature = "verilator"))]
pub fn wave<'m>(config: &Config, _: SimPort, _: &Path, _: WaveFormat, _: impl FnOnce(&mut dyn Gemv<'m>) -> Outcome) -> Outcome {
    Err(failure(&SimError::NotBuilt, &format!("configuration {}", config.name)).into())
}
