//! What a model asks of a board: the shapes of its layers, and the work of a token in whole blocks.

use crate::error::FlowError;
use nda_boards::TokenWork;
use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort};
use nda_engine::{Model, Weights};
use nda_ndf::MappedDocument;
use nda_spec::plan::Layer;
use nda_spec::{ActivationCode, Config};
use std::path::Path;
use std::time::Duration;

/// The document that the committed numbers are about, from the project's root.
pub const MODEL: &str = "models/tiny.ndf";

fn error(path: &Path, e: &dyn std::fmt::Display) -> FlowError {
    FlowError::Model { path: path.into(), problem: e.to_string() }
}

fn open(path: &Path) -> Result<MappedDocument, FlowError> {
    MappedDocument::open(path).map_err(|e| error(path, &e))
}

/// A model's layers in the order of the forward pass, and the code of its activations.
///
/// # Errors
/// The document cannot be read or is not a model.
pub fn layers(path: &Path) -> Result<(Vec<Layer>, ActivationCode), FlowError> {
    let mapped = open(path)?;
    let document = mapped.document();
    let weights = Weights::new(&document).map_err(|e| error(path, &e))?;
    let layers = weights.fused_layers().into_iter().flat_map(|(_, products)| products.integer_layers()).collect();
    Ok((layers, weights.hyper().activation))
}

/// What a token takes of a board that runs the model's blocks from end to end: the shipping driver on the software model of the
/// board, which counts cycles as the vector unit takes them. `None` for a board without a vector unit, and for a model that does
/// not fit it.
///
/// # Errors
/// As [`layers`]; the model cannot be run on the software model.
pub fn token_in_blocks(path: &Path, config: &Config) -> Result<Option<TokenWork>, FlowError> {
    if config.geometry.vector_words == 0 {
        return Ok(None);
    }
    let mapped = open(path)?;
    let document = mapped.document();
    let weights = Weights::new(&document).map_err(|e| error(path, &e))?;
    let device = ModelDevice::new(config, ModelPort::Uart);
    let line = Loopback::with_line(device, u64::from(config.baud) / 10, Duration::ZERO);
    let options = DriverOptions { seed: 1, ..DriverOptions::default() };
    let mut board = FabricGemv::new(Driver::open(line, options).map_err(|e| error(path, &e))?);
    let mut model = Model::prepare(&weights, &mut board).map_err(|e| error(path, &e))?;
    let cost = model.token_in_blocks(&mut board).map_err(|e| error(path, &e))?;
    Ok(cost.map(|c| TokenWork { run_cycles: c.run_cycles, bytes: c.bytes_out + c.bytes_in, round_trips: c.jobs }))
}
