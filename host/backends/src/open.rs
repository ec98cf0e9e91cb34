//! From a name to an open back end.

use crate::backend::{Backend, Kind};
use crate::error::BackendError;
use crate::name::{BackendName, SimPort, config};
use crate::pool::{BoardError, FabricPool};
use crate::router::Router;
use crate::{Boards, Fabric, gpu, simulator};
use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort, Transport};
use nda_kernels::{CpuGemv, Variant, granted_threads};
use nda_spec::Config;
use nda_spec::plan::Layer;
use std::time::Duration;

/// The configuration of the boards that models too large for the default one are simulated on, as many as they take.
const DEEP_CONFIG: &str = "deep256";

/// Fixed nonces for boards that belong to this process: the same command takes the same cycles.
pub(crate) const REPEATABLE: DriverOptions = DriverOptions { seed: 1, max_tries: 8, max_syncs: 3 };

impl<'m> Backend<'m> {
    /// A back end that multiplies everything itself or refuses.
    ///
    /// # Errors
    /// Kernels, boards or a simulator that cannot be had.
    pub fn open(name: &BackendName) -> Result<Backend<'m>, BackendError> {
        let mut notes = Vec::new();
        let kind = match name {
            BackendName::Cpu(variant) => Kind::Cpu(cpu(*variant)?),
            BackendName::Gpu(adapter) => gpu::open(adapter.as_deref())?,
            _ => Kind::Boards(Box::new(boards(name, &mut notes)?)),
        };
        Ok(Backend::new(kind, notes))
    }

    /// A back end for a model whose products are these: what boards have no room for runs on the CPU, because its weights would
    /// travel with every token.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for_model(name: &BackendName, layers: &[Layer]) -> Result<Backend<'m>, BackendError> {
        let mut notes = Vec::new();
        let boards = match name {
            BackendName::Cpu(_) | BackendName::Gpu(_) => return Backend::open(name),
            BackendName::Fitting(board) if !fits(layers, board) => growing(&deep(board)?, &mut notes)?,
            _ => boards(name, &mut notes)?,
        };
        Ok(Backend::new(Kind::Router(Box::new(Router::new(boards, CpuGemv::new()))), notes))
    }
}

/// Whether one such board holds all of a model's weights.
fn fits(layers: &[Layer], board: &BackendName) -> bool {
    let (BackendName::Sim(config, _) | BackendName::Loopback(config, _)) = board else { return true };
    let g = &config.geometry;
    let words = |layer: &Layer| layer.words(g).next_multiple_of(g.page_words);
    // The last product needs no whole page.
    layers.iter().map(words).fold(0, usize::saturating_add) < g.tile_words + g.page_words
}

/// The same kind of board with more memory.
fn deep(board: &BackendName) -> Result<BackendName, BackendError> {
    let deep = config(DEEP_CONFIG)?;
    Ok(match board {
        BackendName::Loopback(_, port) => BackendName::Loopback(deep, *port),
        _ => BackendName::Sim(deep, SimPort::Parallel),
    })
}

/// As many boards as the weights take.
fn growing<'m>(board: &BackendName, notes: &mut Vec<String>) -> Result<Boards<'m>, BackendError> {
    let first = fabric(board, notes)?;
    let board = board.clone();
    Ok(FabricPool::growing(first, move || driver(&board, &mut Vec::new()).map_err(BoardError::from)))
}

fn cpu<'m>(variant: Option<Variant>) -> Result<CpuGemv<'m>, BackendError> {
    match variant {
        None => Ok(CpuGemv::new()),
        Some(variant) => CpuGemv::with_variant(variant)
            .and_then(|gemv| gemv.with_threads(granted_threads()))
            .map_err(|source| BackendError::Kernels { variant, source }),
    }
}

/// Boards of a name, with their sessions open.
fn boards<'m>(name: &BackendName, notes: &mut Vec<String>) -> Result<Boards<'m>, BackendError> {
    match name {
        BackendName::Boards(names) => {
            let boards: Result<Vec<_>, _> = names.iter().map(|name| fabric(name, notes)).collect();
            Ok(FabricPool::new(boards?))
        }
        _ => Ok(FabricPool::new(vec![fabric(name, notes)?])),
    }
}

/// A board of any kind, with its session open.
fn fabric<'m>(name: &BackendName, notes: &mut Vec<String>) -> Result<Fabric<'m>, BackendError> {
    Ok(FabricGemv::new(driver(name, notes)?))
}

/// The session of a board of any kind.
fn driver(name: &BackendName, notes: &mut Vec<String>) -> Result<Driver<Box<dyn Transport>>, BackendError> {
    let failed = |source| BackendError::device(name, source);
    let transport = match name {
        BackendName::Serial { port, baud } => {
            let (driver, said) = nda_device::open_serial(port, *baud, DriverOptions::default()).map_err(failed)?;
            notes.extend(said);
            return Ok(driver);
        }
        BackendName::Sim(config, port) => simulator::open(config, *port)?,
        BackendName::Loopback(config, port) => loopback(config, *port),
        BackendName::Fitting(board) => return driver(board, notes),
        BackendName::Cpu(_) | BackendName::Gpu(_) | BackendName::Boards(_) => unreachable!("not a single board"),
    };
    Driver::open(transport, REPEATABLE).map_err(failed)
}

fn loopback(config: &Config, port: SimPort) -> Box<dyn Transport> {
    let (port, bytes_per_second) = match port {
        SimPort::Parallel => (ModelPort::Parallel, config.clk_hz),
        SimPort::Uart => (ModelPort::Uart, config.baud / 10),
    };
    Box::new(Loopback::with_line(ModelDevice::new(config, port), bytes_per_second.into(), Duration::ZERO))
}
