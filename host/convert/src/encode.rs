//! What becomes of a tensor in the document.

use crate::error::ConvertError;
use crate::fitted::{Recipe, grid_scales};
use crate::source::{Content, Shared, TensorInfo, Ternary};
use half::f16;
use nda_fit::Hessian;
use nda_ndf::{
    DocumentStream, Fault, FrameKind, Granularity, GridContent, MatrixContent, NdfError, Outliers, TileBuffer, VectorContent, VectorShape,
};
use nda_spec::{GroupCols, WeightCode};
use std::borrow::Cow;

/// What becomes of a source's matrices. Vectors stay floats.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Weights {
    /// As the source has them: floats of 32 bits, and codes where it has codes.
    #[default]
    Kept,
    /// Floats of 32 bits, of codes too: what others compute with "weights as f32".
    F32,
    /// Stacked 2-bit planes; codes stay codes.
    Fitted(Recipe),
}

/// A tensor as the document holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoded {
    /// Floats.
    Floats(Vec<f32>),
    /// One ternary stack.
    Ternary(Ternary),
    /// Stacked planes.
    Fitted(Box<nda_fit::Fitted>),
}

/// What the document holds of a tensor: floats of one magnitude per row are ternary weights, which lose nothing, unless all are to
/// be floats.
/// `hessian` is that of the matrix's inputs, if they are known.
///
/// # Errors
/// A matrix that cannot be fitted.
pub fn encode(info: &TensorInfo, content: Content, weights: Weights, hessian: Option<&Hessian>) -> Result<Encoded, ConvertError> {
    let (_, cols) = info.shape.rows_cols();
    let values = match content {
        Content::Ternary(ternary) if weights == Weights::F32 => ternary.floats(cols),
        Content::Ternary(ternary) => return Ok(Encoded::Ternary(ternary)),
        Content::Floats(values) => values,
    };
    let VectorShape::Table { rows, cols } = info.shape else { return Ok(Encoded::Floats(values)) };
    if weights == Weights::F32 {
        return Ok(Encoded::Floats(values));
    }
    if let Some(ternary) = Ternary::of_floats(&values, cols) {
        return Ok(Encoded::Ternary(ternary));
    }
    let Weights::Fitted(recipe) = weights else { return Ok(Encoded::Floats(values)) };
    let fitted = nda_fit::fit(&values, rows, cols, &recipe.plan(&info.name), hessian);
    let fitted = fitted.map_err(|source| ConvertError::Fit { tensor: info.name.clone(), source })?;
    Ok(Encoded::Fitted(Box::new(fitted)))
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
            Encoded::Fitted(fitted) => crate::fitted::write(name, fitted, stream)?,
        }
        Ok(())
    }
}

/// The code of fewest bits that has all these weights, and of those the one with the fewest other values: one bit where no weight is 0,
/// and the fourth value only where it occurs.
fn narrowest(codes: &[i8]) -> WeightCode {
    let has_all = |code: &WeightCode| codes.iter().all(|weight| code.values().contains(weight));
    let size = |code: &WeightCode| (code.planes(), code.values().len(), code.lowest().unsigned_abs());
    WeightCode::ALL.into_iter().filter(has_all).min_by_key(size).unwrap_or(WeightCode::Asymmetric)
}

/// One stack of codes, with its scales as they are: in a grid those of groups of columns, which sources keep in 16 bits too.
fn write_ternary(name: &str, shape: VectorShape, ternary: &Ternary, stream: &mut DocumentStream) -> Result<(), NdfError> {
    let (rows, cols) = shape.rows_cols();
    let of = |kind| move |source| NdfError::Unwritable { kind, name: name.into(), fault: Fault::Tile { stack: 0, source } };
    let tiles = TileBuffer::from_values(rows, cols, narrowest(&ternary.codes), &ternary.codes).map_err(of(FrameKind::Matrix))?;
    let stacks = &[tiles.matrix()];
    if let Shared::Columns(group) = ternary.shared
        && ternary.scales.iter().all(|scale| f16::from_f32(*scale).to_f32() == *scale)
    {
        let scales = &grid_scales((rows, cols), group, &ternary.scales).map_err(of(FrameKind::Grid))?;
        return stream.add_grid(&GridContent { name, group, coefficients: &[1], scales, stacks });
    }
    let (granularity, scales) = matrix_scales(ternary);
    let scales = &scales;
    stream.add_matrix(&MatrixContent { name, granularity, scales, stacks, outliers: Outliers::default() })
}

/// The scales as a matrix has them, whose groups are 64 columns at most.
fn matrix_scales(ternary: &Ternary) -> (Granularity, Cow<'_, [f32]>) {
    let as_they_are = Cow::Borrowed(ternary.scales.as_slice());
    match ternary.shared {
        Shared::Matrix => (Granularity::Matrix, as_they_are),
        Shared::Row => (Granularity::Row, as_they_are),
        Shared::Columns(GroupCols::C32) => (Granularity::Group32, as_they_are),
        Shared::Columns(group) => {
            let repeated = ternary.scales.iter().flat_map(|scale| std::iter::repeat_n(*scale, group.words()));
            (Granularity::Group64, Cow::Owned(repeated.collect()))
        }
    }
}
