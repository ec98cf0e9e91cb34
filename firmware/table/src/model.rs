//! What a model asks of a board: the shapes of its layers.

use crate::TableError;
use nda_engine::{Weights, token_program};
use nda_ndf::MappedDocument;
use nda_spec::plan::Layer;
use nda_spec::token::cycles::{Fabric, most};
use nda_spec::{ActivationCode, Config};
use std::path::Path;

/// The document that the committed numbers are about, from the project's root.
pub const MODEL: &str = "models/tiny.ndf";

fn error(path: &Path, e: &dyn std::fmt::Display) -> TableError {
    TableError::Model { path: path.into(), problem: e.to_string() }
}

fn open(path: &Path) -> Result<MappedDocument, TableError> {
    MappedDocument::open(path).map_err(|e| error(path, &e))
}

/// A model's layers in the order of the forward pass, and the code of its activations.
///
/// # Errors
/// The document cannot be read or is not a model.
pub fn layers(path: &Path) -> Result<(Vec<Layer>, ActivationCode), TableError> {
    let mapped = open(path)?;
    let document = mapped.document();
    let weights = Weights::new(&document).map_err(|e| error(path, &e))?;
    let layers = weights.fused_layers().into_iter().flat_map(|(_, products)| products.integer_layers()).collect();
    Ok((layers, weights.hyper().activation))
}

/// Cycles of a whole token with a full ring, on a configuration whose token machine has room for the model.
///
/// # Errors
/// The document cannot be read or is not a model.
pub fn token_cycles(path: &Path, config: &Config) -> Result<Option<u64>, TableError> {
    let Some(sizes) = config.token else { return Ok(None) };
    let mapped = open(path)?;
    let document = mapped.document();
    let weights = Weights::new(&document).map_err(|e| error(path, &e))?;
    let program = token_program(&weights).map_err(|e| error(path, &e))?.program;
    let g = &config.geometry;
    let fabric = Fabric { rows: g.array_rows, cols: g.array_cols, ..Fabric::TOKEN_1024 };
    Ok(sizes.fit(&program, g).is_ok().then(|| most(&program, &fabric)))
}
