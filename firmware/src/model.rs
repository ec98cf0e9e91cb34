//! The shapes of a model's layers, for the plan of a board.

use crate::error::FlowError;
use nda_engine::Weights;
use nda_ndf::Document;
use nda_spec::ActivationCode;
use nda_spec::plan::Layer;
use std::path::Path;

/// The document that the committed numbers are about, from the project's root.
pub const MODEL: &str = "models/tiny.ndf";

/// A model's layers in the order of the forward pass, and the code of its activations.
///
/// # Errors
/// The document cannot be read or is no model.
pub fn layers(path: &Path) -> Result<(Vec<Layer>, ActivationCode), FlowError> {
    let error = |e: &dyn std::fmt::Display| FlowError::Model { path: path.into(), problem: e.to_string() };
    let mapped = nda_ndf::MappedDocument::open(path).map_err(|e| error(&e))?;
    let document: Document<'_> = mapped.document();
    let weights = Weights::new(&document).map_err(|e| error(&e))?;
    let shapes = weights.fused_layers().into_iter().flat_map(|(_, products)| products.run_shapes());
    let layers = shapes.map(|shape| Layer { parts: shape.parts, cols: shape.cols }).collect();
    Ok((layers, weights.hyper().activation))
}
