//! The trait that carries everything: integers in, integers out, so every back end is bit-equal.

use std::ops::Range;

use crate::grid::{GridId, GridInput, GridInputError};
use nda_spec::vector::Program;
use nda_spec::{ActivationCode, GridMatrix, TileMatrix, WeightCode, width};

/// What a back end has to know of a product before it accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows of W: the length of y.
    pub rows: usize,
    /// Columns of W: the length of x.
    pub cols: usize,
    /// The weights' code.
    pub code: WeightCode,
}

/// Activations of one vector: `cols` values, each in its code. Scales stay with the caller.
#[derive(Debug, Clone, Copy)]
pub struct Activations<'x> {
    /// The activations' code.
    pub code: ActivationCode,
    /// One value a column.
    pub values: &'x [i8],
}

/// A prepared matrix; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MatrixId(pub usize);

/// A prepared program of vector steps; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProgramId(pub usize);

/// What a run cost. Zeros where the back end does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Cycles of the device from the request's first byte to the response's last.
    pub cycles: u64,
    /// Cycles of the run phases alone.
    pub run_cycles: u64,
    /// Beats in which the array worked.
    pub beats: u64,
    /// Bytes sent to the device, framing included.
    pub bytes_out: u64,
    /// Bytes received from the device, framing included.
    pub bytes_in: u64,
    /// Jobs run.
    pub jobs: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.cycles += other.cycles;
        self.run_cycles += other.run_cycles;
        self.beats += other.beats;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.jobs += other.jobs;
    }
}

/// Why a product was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum GemvError {
    /// The back end cannot do this shape or code; the reason names the limit and its value.
    #[error("{backend} cannot multiply {rows} x {cols} {code} weights: {reason}", rows = shape.rows, cols = shape.cols, code = shape.code.name())]
    Unsupported {
        /// The back end.
        backend: String,
        /// The shape that was asked for.
        shape: Shape,
        /// The limit.
        reason: String,
    },
    /// The id is not one of this back end's.
    #[error("matrix {} was not prepared by this back end", id.0)]
    UnknownMatrix {
        /// The id.
        id: MatrixId,
    },
    /// The id is not one of this back end's.
    #[error("grid {} was not prepared by this back end", id.0)]
    UnknownGrid {
        /// The id.
        id: GridId,
    },
    /// The id is not one of this back end's, or its place was given away since.
    #[error("program {} was not prepared by this back end", id.0)]
    UnknownProgram {
        /// The id.
        id: ProgramId,
    },
    /// A vector's length does not fit the matrix.
    #[error("{what} has {found} values, but the matrix is {rows} x {cols}", rows = shape.rows, cols = shape.cols)]
    Length {
        /// Which vector: "x" or "y".
        what: &'static str,
        /// Its length.
        found: usize,
        /// The prepared matrix.
        shape: Shape,
    },
    /// Columns that a matrix does not have.
    #[error("columns {first} to {end} are not all in the matrix, which is {rows} x {cols}", rows = shape.rows, cols = shape.cols)]
    Columns {
        /// The first column.
        first: usize,
        /// The column after the last.
        end: usize,
        /// The prepared matrix.
        shape: Shape,
    },
    /// A value that the activations' code does not have.
    #[error("x[{index}] = {value} is not an {code} activation")]
    Value {
        /// Where in x.
        index: usize,
        /// The value.
        value: i8,
        /// Name of the code.
        code: &'static str,
    },
    /// Vectors that no grid is multiplied by.
    #[error(transparent)]
    GridInput(#[from] GridInputError),
    /// The device or its link failed.
    #[error("{0}")]
    Device(#[from] Box<dyn std::error::Error + Send + Sync>),
}

/// A back end that multiplies 2-bit matrices by vectors of codes, exactly.
///
/// `'m` is the life of the weights: they are used in place (mapped), never copied as a whole.
pub trait Gemv<'m> {
    /// What a person calls this back end, with the variant chosen: "cpu (AVX-512 VNNI)", "sim (wide256, parallel)".
    fn name(&self) -> String;

    /// Whether this back end can multiply such a matrix; the error's reason names the limit.
    fn supports(&self, shape: Shape) -> Result<(), GemvError>;

    /// Makes matrices of equal `cols` and code ready, stacked by rows: one `run` multiplies all of them by
    /// one vector (q, k and v, say) and y holds their rows one after another.
    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError>;

    /// `y = W x`. `x.values` has `cols` values, `y` as many as the parts' rows together.
    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError>;

    /// `y = W x` of `vectors` vectors: `x.values` holds them one after another, `y` all rows of the first, then those of the next.
    ///
    /// A back end that reads a weight once for several vectors does so here; the others take vector after vector.
    ///
    /// # Errors
    /// As [`Self::run`].
    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let mut cost = Cost::default();
        let (cols, rows) = (x.values.len() / vectors.max(1), y.len() / vectors.max(1));
        if vectors <= 1 || cols == 0 || rows == 0 {
            // One run at least, which says what is wrong with the lengths.
            return self.run(id, x, y);
        }
        for (values, y) in x.values.chunks(cols).zip(y.chunks_mut(rows)) {
            cost += self.run(id, Activations { code: x.code, values }, y)?;
        }
        Ok(cost)
    }

    /// Whether [`Self::run_columns`] multiplies a part of the columns in place. Other back ends are given such parts as matrices.
    fn has_columns(&self) -> bool {
        false
    }

    /// `y = W[.., cols] x` of some columns of every row: `x.values` has `cols.len()` values.
    ///
    /// # Errors
    /// As [`Self::run`]; columns that the matrix has not; every call where not [`Self::has_columns`].
    fn run_columns(&mut self, id: MatrixId, cols: Range<usize>, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let _ = (cols, x, y);
        Err(GemvError::UnknownMatrix { id })
    }

    /// Makes grids of equal `cols` ready, stacked by rows; `None` from a back end of integers, which multiplies a grid's
    /// stacks half word by half word as matrices.
    ///
    /// # Errors
    /// Parts that cannot be stacked.
    fn prepare_grid(&mut self, parts: &[GridMatrix<'m>]) -> Result<Option<GridId>, GemvError> {
        let _ = parts;
        Ok(None)
    }

    /// Makes a program of vector steps ready to run where the matrices are; `matrix` says which one a number in it means.
    /// `None` if this back end has no vector unit, or no room: then whoever asks runs it by `nda_spec::vector::Machine`.
    ///
    /// # Errors
    /// A matrix that was not prepared here.
    fn prepare_program(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<Option<ProgramId>, GemvError> {
        let _ = (program, matrix);
        Ok(None)
    }

    /// Runs a program on a request's bytes; `output` gets the answer's. With `continues` it finds the wide values as the
    /// program before it left them, else it makes no use of them.
    ///
    /// # Errors
    /// A program that was not prepared here, a failure of the device.
    fn run_program(&mut self, id: ProgramId, continues: bool, input: &[u8], output: &mut Vec<u8>) -> Result<Cost, GemvError> {
        let _ = (continues, input, output);
        Err(GemvError::UnknownProgram { id })
    }

    /// `y = W x` of every vector, to the bit as `nda_spec::grid::gemv` says: all rows of the first vector, then those of the next.
    ///
    /// # Errors
    /// A grid that was not prepared here, a length that does not fit.
    fn run_grid(&mut self, id: GridId, x: &GridInput, y: &mut [f32]) -> Result<Cost, GemvError> {
        let _ = (x, y);
        Err(GemvError::UnknownGrid { id })
    }

    /// Does `work` of 0 to `tasks`, in any order. A back end that has threads awake lends them: between two products
    /// of a step they look for work anyway, and threads of another pool would only take their cores from them.
    fn share(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(work);
    }
}

/// Checks that every back end makes at its door: lengths, values, and 32 bits being enough.
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
/// Lengths that are not `vectors` times the shape's; values that the code has not.
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
    let shape = |m: &TileMatrix<'_>| Shape { rows: m.rows(), cols: m.cols(), code: m.code() };
    let Some(first) = parts.first().map(shape) else {
        let none = Shape { rows: 0, cols: 0, code: WeightCode::Quaternary };
        return Err(GemvError::Unsupported { backend: backend.into(), shape: none, reason: "no matrix was given".into() });
    };
    let refuse = |reason: String| Err(GemvError::Unsupported { backend: backend.into(), shape: first, reason });
    if let Some(other) = parts.iter().map(shape).find(|s| s.cols != first.cols || s.code != first.code) {
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
    let shape = |m: &GridMatrix<'_>| Shape { rows: m.rows(), cols: m.cols(), code: m.code() };
    let first = parts.first().map(shape);
    let none = Shape { rows: 0, cols: 0, code: WeightCode::Quaternary };
    let reason = match (first, parts.iter().map(shape).find(|s| Some(s.cols) != first.map(|f| f.cols))) {
        (None, _) => "no grid was given".to_string(),
        (Some(_), Some(other)) => format!("it would be stacked with {} x {} {} weights", other.rows, other.cols, other.code.name()),
        (Some(_), None) => return Ok(()),
    };
    Err(GemvError::Unsupported { backend: backend.into(), shape: first.unwrap_or(none), reason })
}

/// The checks of a grid's product.
///
/// # Errors
/// [`GemvError::Length`].
pub fn check_grid(parts: &[GridMatrix<'_>], x: &GridInput, y: &[f32]) -> Result<(), GemvError> {
    let (cols, code) = parts.first().map_or((0, WeightCode::Quaternary), |p| (p.cols(), p.code()));
    let shape = Shape { rows: parts.iter().map(GridMatrix::rows).sum(), cols, code };
    if x.cols() != cols {
        return Err(GemvError::Length { what: "x", found: x.cols(), shape });
    }
    if y.len() != shape.rows * x.vectors() {
        return Err(GemvError::Length { what: "y", found: y.len(), shape });
    }
    Ok(())
}
