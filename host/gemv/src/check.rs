//! The checks that every back end makes at its door.

use crate::error::GemvError;
use crate::shape::{Activations, Shape};
use nda_spec::{GridMatrix, TileMatrix, WeightCode, width};

/// What a message speaks of when no matrix was given.
const NO_SHAPE: Shape = Shape { rows: 0, cols: 0, code: WeightCode::Quaternary };

/// Lengths and values of one product.
///
/// # Errors
/// [`GemvError::Length`], [`GemvError::Value`].
pub fn check_run(shape: Shape, x: &Activations<'_>, y: &[i32]) -> Result<(), GemvError> {
    if x.values.len() != shape.cols {
        return Err(GemvError::Length { what: "x", found: x.values.len(), shape });
    }
    if y.len() != shape.rows {
        return Err(GemvError::Length { what: "y", found: y.len(), shape });
    }
    // Without a way out of the loop it runs on many values at a time; the place is looked for only after that.
    if x.values.iter().fold(true, |all, &v| all & x.code.contains(v)) {
        return Ok(());
    }
    match x.values.iter().position(|&v| !x.code.contains(v)) {
        Some(index) => Err(GemvError::Value { index, value: x.values[index], code: x.code.name() }),
        None => Ok(()),
    }
}

/// The checks of [`check_run`] for several vectors.
///
/// # Errors
/// Lengths that are not `vectors` times the shape's; values that the code does not have.
pub fn check_vectors(shape: Shape, vectors: usize, x: &Activations<'_>, y: &[i32]) -> Result<(), GemvError> {
    // All vectors are looked at as one long one; the message speaks of the matrix.
    let all = Shape { rows: shape.rows.saturating_mul(vectors), cols: shape.cols.saturating_mul(vectors), code: shape.code };
    check_run(all, x, y).map_err(|error| match error {
        GemvError::Length { what, found, .. } => GemvError::Length { what, found, shape },
        other => other,
    })
}

/// Refuses a shape whose sums could leave 32 bits.
///
/// # Errors
/// [`GemvError::Unsupported`] above [`width::MAX_COLS`] columns.
pub fn check_shape(backend: &str, shape: Shape) -> Result<(), GemvError> {
    if shape.cols <= width::MAX_COLS {
        return Ok(());
    }
    let reason = format!("sums of more than {} columns can leave 32 bits", width::MAX_COLS);
    Err(GemvError::Unsupported { backend: backend.into(), shape, reason })
}

/// The stacked shape of the parts of one `prepare`: equal columns and codes, rows added up.
///
/// # Errors
/// [`GemvError::Unsupported`] if there is no part, if parts differ, or if a sum could leave 32 bits.
pub fn stacked_shape(backend: &str, parts: &[TileMatrix<'_>]) -> Result<Shape, GemvError> {
    let Some(first) = parts.first().map(Shape::of) else {
        return Err(GemvError::Unsupported { backend: backend.into(), shape: NO_SHAPE, reason: "no matrix was given".into() });
    };
    let refuse = |reason: String| Err(GemvError::Unsupported { backend: backend.into(), shape: first, reason });
    if let Some(other) = parts.iter().map(Shape::of).find(|s| s.cols != first.cols || s.code != first.code) {
        return refuse(format!("it would be stacked with {} x {} {} weights", other.rows, other.cols, other.code.name()));
    }
    check_shape(backend, first)?;
    // Matrices without columns take no memory, so their rows can be as many as the counter holds.
    match parts.iter().try_fold(0, |rows: usize, part| rows.checked_add(part.rows())) {
        Some(rows) => Ok(Shape { rows, ..first }),
        None => refuse("the stacked rows cannot be counted".into()),
    }
}

/// The checks of a grid's parts: there is one, and their columns are equal.
///
/// # Errors
/// [`GemvError::Unsupported`].
pub fn stacked_grids(backend: &str, parts: &[GridMatrix<'_>]) -> Result<(), GemvError> {
    let first = parts.first().map(Shape::of_grid);
    let reason = match (first, parts.iter().map(Shape::of_grid).find(|s| Some(s.cols) != first.map(|f| f.cols))) {
        (None, _) => "no grid was given".to_string(),
        (Some(_), Some(other)) => format!("it would be stacked with {} x {} {} weights", other.rows, other.cols, other.code.name()),
        (Some(_), None) => return Ok(()),
    };
    Err(GemvError::Unsupported { backend: backend.into(), shape: first.unwrap_or(NO_SHAPE), reason })
}

/// The checks of the product of grids and vectors of this many columns.
///
/// # Errors
/// [`GemvError::Length`].
pub fn check_grid(parts: &[GridMatrix<'_>], (cols, vectors): (usize, usize), y: &[f32]) -> Result<(), GemvError> {
    let first = parts.first().map_or(NO_SHAPE, Shape::of_grid);
    let shape = Shape { rows: parts.iter().map(GridMatrix::rows).sum(), ..first };
    if cols != shape.cols {
        return Err(GemvError::Length { what: "x", found: cols, shape });
    }
    if y.len() != shape.rows * vectors {
        return Err(GemvError::Length { what: "y", found: y.len(), shape });
    }
    Ok(())
}
