//! What becomes of a tensor in the document.

use crate::error::ConvertError;
use crate::source::{Content, TensorInfo, Ternary};
use nda_ndf::{DocumentStream, MatrixContent, NdfError, Outliers, TileBuffer, VectorContent, VectorShape};
use nda_spec::WeightCode;

/// What becomes of a source's matrices. Vectors stay floats, and ternary matrices stay as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weights {
    /// Floats of 32 bits: the model as it is in the source, unquantized.
    #[default]
    F32,
}

/// A tensor as the document holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoded {
    /// Floats.
    Floats(Vec<f32>),
    /// One ternary stack.
    Ternary(Ternary),
}

/// What the document holds of a tensor: floats of one magnitude are ternary weights, which lose nothing.
pub fn encode(info: &TensorInfo, content: Content, weights: Weights) -> Encoded {
    match (content, weights) {
        (Content::Ternary(ternary), _) => Encoded::Ternary(ternary),
        (Content::Floats(values), Weights::F32) => {
            let is_matrix = matches!(info.shape, VectorShape::Table { .. });
            let ternary = if is_matrix { Ternary::of_floats(&values) } else { None };
            ternary.map_or(Encoded::Floats(values), Encoded::Ternary)
        }
    }
}

impl Encoded {
    /// Writes the tensor.
    ///
    /// # Errors
    /// Values that are not finite, or the system's answer.
    pub fn write(&self, info: &TensorInfo, stream: &mut DocumentStream) -> Result<(), ConvertError> {
        let TensorInfo { name, shape, .. } = info;
        match self {
            Encoded::Floats(values) => stream.add_vector(&VectorContent { name, shape: *shape, values })?,
            Encoded::Ternary(ternary) => write_ternary(name, *shape, ternary, stream)?,
        }
        Ok(())
    }
}

fn write_ternary(name: &str, shape: VectorShape, ternary: &Ternary, stream: &mut DocumentStream) -> Result<(), NdfError> {
    let (rows, cols) = shape.rows_cols();
    let tiles = TileBuffer::from_values(rows, cols, WeightCode::Ternary, &ternary.codes).map_err(|source| NdfError::Unwritable {
        kind: nda_ndf::FrameKind::Matrix,
        name: name.into(),
        fault: nda_ndf::Fault::Tile { stack: 0, source },
    })?;
    stream.add_matrix(&MatrixContent {
        name,
        granularity: ternary.granularity,
        scales: &ternary.scales,
        stacks: &[tiles.matrix()],
        outliers: Outliers::default(),
    })
}
