//! Where the simulated board is plugged in; without the feature `verilator` every door says what is missing.

use crate::error::BackendError;
use crate::name::SimPort;
#[cfg(feature = "verilator")]
use crate::open::REPEATABLE;
#[cfg(feature = "verilator")]
use nda_device::FabricGemv;
use nda_device::{ByteDevice, Transport};
use nda_gemv::Gemv;
use nda_sim::{SimError, WaveFormat};
#[cfg(feature = "verilator")]
use nda_sim::{TapHandle, Watched, WaveTap};
use nda_spec::Config;
use std::fs::File;

/// Whether boards can be simulated.
///
/// # Errors
/// What this build lacks.
pub fn available() -> Result<(), BackendError> {
    if cfg!(feature = "verilator") { Ok(()) } else { Err(failure("this build", SimError::NotBuilt)) }
}

/// The ports through which this build simulates a configuration's board.
pub fn ports(config: &Config) -> Vec<SimPort> {
    [SimPort::Parallel, SimPort::Uart].into_iter().filter(|&port| is_built(config, port)).collect()
}

#[cfg(feature = "verilator")]
fn is_built(config: &Config, port: SimPort) -> bool {
    nda_sim::SimBoard::is_built(&config.name, of_board(port))
}

#[cfg(not(feature = "verilator"))]
fn is_built(_config: &Config, _port: SimPort) -> bool {
    false
}

#[cfg(feature = "verilator")]
fn of_board(port: SimPort) -> nda_sim::Port {
    match port {
        SimPort::Parallel => nda_sim::Port::Parallel,
        SimPort::Uart => nda_sim::Port::Uart,
    }
}

fn failure(at: impl std::fmt::Display, source: SimError) -> BackendError {
    BackendError::Simulator { at: at.to_string(), source }
}

/// The simulated board of a configuration, as after power-up.
#[cfg(feature = "verilator")]
pub(crate) fn open(config: &Config, port: SimPort) -> Result<Box<dyn Transport>, BackendError> {
    Ok(Box::new(board(config, port)?))
}

#[cfg(feature = "verilator")]
fn board(config: &Config, port: SimPort) -> Result<nda_sim::SimBoard, BackendError> {
    nda_sim::SimBoard::new(&config.name, of_board(port)).map_err(|e| failure(format_args!("configuration {}", config.name), e))
}

#[cfg(feature = "verilator")]
fn board_with_waves(config: &Config, port: SimPort) -> Result<nda_sim::SimBoard, BackendError> {
    nda_sim::SimBoard::with_waves(&config.name, of_board(port)).map_err(|e| failure(format_args!("configuration {}", config.name), e))
}

/// Writes the waves of what `work` does on the board to a file of the caller's, from the session's first byte on.
///
/// # Errors
/// A simulator that cannot be had, a wave file that cannot be written, what `work` ends in.
#[cfg(feature = "verilator")]
pub fn wave<'m, E: From<BackendError>>(
    config: &Config,
    port: SimPort,
    sink: File,
    format: WaveFormat,
    work: impl FnOnce(&mut dyn Gemv<'m>) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |e: SimError| failure("--out", e);
    let mut board = board_with_waves(config, port)?;
    board.trace_to(sink, format).map_err(failed)?;
    let driver = nda_device::Driver::open(board, REPEATABLE).map_err(|e| BackendError::device(&config.name, e))?;
    let mut fabric = FabricGemv::new(driver);
    let worked = work(&mut fabric);
    let written = fabric.into_driver().into_transport().trace_end().map_err(failed);
    worked.and_then(|()| Ok(written?))
}

/// A board whose waves are those of a part of the session, which is open; a file of the caller's takes them.
///
/// # Errors
/// A simulator that cannot be had, a session that does not start.
#[cfg(feature = "verilator")]
pub fn tap<'m>(
    config: &Config,
    port: SimPort,
    watched: Watched,
    sink: File,
    format: WaveFormat,
) -> Result<(FabricGemv<'m, WaveTap>, TapHandle), BackendError> {
    let (tap, handle) = WaveTap::new(board_with_waves(config, port)?, watched, sink, format);
    let driver = nda_device::Driver::open(tap, REPEATABLE).map_err(|e| BackendError::device(&config.name, e))?;
    Ok((FabricGemv::new(driver), handle))
}

/// Ends the waves of a part of a session.
///
/// # Errors
/// Waves that could not be written.
#[cfg(feature = "verilator")]
pub fn end_tap(fabric: FabricGemv<'_, WaveTap>) -> Result<(), BackendError> {
    fabric.into_driver().into_transport().finish().map_err(|e| failure("--out", e))
}

/// The simulated board of a configuration as what a pseudo-terminal carries.
///
/// # Errors
/// A simulator that cannot be had.
#[cfg(feature = "verilator")]
pub fn device(config: &Config) -> Result<Box<dyn ByteDevice>, BackendError> {
    Ok(Box::new(board(config, SimPort::Parallel)?))
}

/// Says what is missing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "verilator"))]
pub fn device(config: &Config) -> Result<Box<dyn ByteDevice>, BackendError> {
    Err(failure(format_args!("configuration {}", config.name), SimError::NotBuilt))
}

/// Says what is missing.
#[cfg(not(feature = "verilator"))]
pub(crate) fn open(config: &Config, _port: SimPort) -> Result<Box<dyn Transport>, BackendError> {
    Err(failure(format_args!("configuration {}", config.name), SimError::NotBuilt))
}

/// Says what is missing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "verilator"))]
pub fn wave<'m, E: From<BackendError>>(
    config: &Config,
    _: SimPort,
    _: File,
    _: WaveFormat,
    _: impl FnOnce(&mut dyn Gemv<'m>) -> Result<(), E>,
) -> Result<(), E> {
    Err(failure(format_args!("configuration {}", config.name), SimError::NotBuilt).into())
}
