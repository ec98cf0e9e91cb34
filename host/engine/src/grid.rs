//! Grids of a document as layers: quantized half word by half word, multiplied at once or as matrices.

use crate::error::EngineError;
use crate::linear::Scratch;
use crate::quantized::quantize_rows;
use nda_gemv::{Activations, Cost, Gemv, GemvError, GridId, GroupedVectors, MatrixId};
use nda_lang::Codes;
use nda_ndf::GridFrame;
use nda_spec::grid::{HALF_COLS, half_to_f32, scale_index};
use nda_spec::{ActivationCode, GridMatrix, TileMatrix, WeightCode, tile};
use std::ops::Range;
use std::sync::OnceLock;

/// `W`, `rows x cols`, as a grid.
#[derive(Debug)]
pub struct Grid<'d> {
    frame: GridFrame<'d>,
    /// For back ends of integers: the words of every stack's half words, repacked because they multiply whole matrices.
    halves: OnceLock<Vec<Vec<Vec<u64>>>>,
}

impl<'d> Grid<'d> {
    /// The grid of a frame, in place.
    pub fn new(frame: GridFrame<'d>) -> Grid<'d> {
        Grid { frame, halves: OnceLock::new() }
    }

    /// The frame.
    pub fn frame(&self) -> &GridFrame<'d> {
        &self.frame
    }

    /// Shape, coefficients, scales and planes.
    pub fn matrix(&self) -> GridMatrix<'d> {
        self.frame.matrix()
    }

    /// One row of W as floats: an embedding's vector.
    ///
    /// # Panics
    /// If there is no such row or `out` is not `cols` long.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let matrix = self.matrix();
        assert!(row < matrix.rows() && out.len() == matrix.cols(), "row {row} of {} x {}", matrix.rows(), matrix.cols());
        let stacks: Vec<_> = (0..matrix.stacks()).map(|k| matrix.stack(k)).collect();
        for (word, out) in out.chunks_mut(tile::WORD_COLS).enumerate() {
            let planes: Vec<[u64; 2]> = stacks.iter().map(|stack| stack.planes_at(row, word)).collect();
            for (col, out) in out.iter_mut().enumerate() {
                let weight = |[p0, p1]: &[u64; 2]| matrix.code().decode((p0 >> col & 1 == 1, p1 >> col & 1 == 1)).unwrap_or(0);
                let level: i8 = planes.iter().zip(matrix.coefficients()).map(|(planes, c)| c * weight(planes)).sum();
                let scale = scale_index(row, word * tile::WORD_COLS + col, matrix.cols(), matrix.group());
                *out = f32::from(level) * half_to_f32(matrix.scales()[scale]);
            }
        }
    }

    /// The column ranges of the half words.
    pub fn half_words(&self) -> Vec<Range<usize>> {
        let cols = self.matrix().cols();
        (0..cols).step_by(HALF_COLS).map(|at| at..(at + HALF_COLS).min(cols)).collect()
    }

    /// The codes of one stack within one half word, as a matrix of its own.
    fn half(&self, half: usize, stack: usize) -> TileMatrix<'_> {
        let matrix = self.matrix();
        let halves = self.halves.get_or_init(|| {
            let cut = |cols: &Range<usize>| (0..matrix.stacks()).map(|k| crate::projection::slice(&matrix.stack(k), cols)).collect();
            self.half_words().iter().map(cut).collect()
        });
        let cols = self.half_words()[half].len();
        TileMatrix::new(matrix.rows(), cols, matrix.code(), &halves[half][stack]).expect("cut to this shape")
    }
}

/// What a back end of integers runs of one half word: all stacks of all grids of one code, stacked by rows.
#[derive(Debug, Clone)]
struct Run {
    id: MatrixId,
    half: usize,
    cols: Range<usize>,
    rows: usize,
    parts: Vec<Part>,
}

/// The stacks of one grid in a run.
#[derive(Debug, Clone)]
struct Part {
    first_row: usize,
    rows: usize,
    coefficients: Vec<i8>,
    /// One scale a row.
    scales: Vec<f32>,
}

#[derive(Debug, Clone)]
enum Form {
    Whole(GridId),
    Runs(Vec<Run>),
}

/// One linear layer of grids, possibly several of the same input.
///
/// `y` is to the bit what `nda_spec::grid::gemv` says, whatever the back end: activations are A8 with one scale a half
/// word of 32 columns.
#[derive(Debug, Clone)]
pub struct GridLinear {
    name: String,
    rows: usize,
    cols: usize,
    form: Form,
}

impl GridLinear {
    /// Prepares grids of equal columns as one layer; y holds their rows one after another.
    ///
    /// # Errors
    /// What the back end says against a shape.
    ///
    /// # Panics
    /// If there is no grid or their columns differ; the model checks both.
    pub fn prepare<'m>(name: &str, grids: &[&'m Grid<'_>], gemv: &mut dyn Gemv<'m>) -> Result<GridLinear, EngineError> {
        let cols = grids[0].matrix().cols();
        assert!(grids.iter().all(|g| g.matrix().cols() == cols), "fused grids share their input");
        let matrices: Vec<GridMatrix<'m>> = grids.iter().map(|g| g.matrix()).collect();
        let refused = |source| EngineError::Gemv { layer: name.into(), source };
        let whole = match gemv.grids() {
            Some(grids) => grids.prepare_grid(&matrices).map_err(refused)?,
            None => None,
        };
        let form = match whole {
            Some(id) => Form::Whole(id),
            None => Form::Runs(runs(grids, gemv).map_err(refused)?),
        };
        Ok(GridLinear { name: name.into(), rows: matrices.iter().map(GridMatrix::rows).sum(), cols, form })
    }

    /// Rows of all grids together: the length of y.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the length of x.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// `y = W x` of every vector of x; returns what the back end's runs cost.
    ///
    /// # Errors
    /// A value of x that is not finite, or the back end's failure.
    ///
    /// # Panics
    /// If a length contradicts the shape.
    pub fn apply<'m>(&self, gemv: &mut dyn Gemv<'m>, x: &[f32], scratch: &mut Scratch, y: &mut [f32]) -> Result<Cost, EngineError> {
        let (mut codes, mut scales) = (std::mem::take(&mut scratch.codes), std::mem::take(&mut scratch.scales));
        let form = (ActivationCode::A8, HALF_COLS);
        if let Some(index) = quantize_rows(&scratch.pool, form, self.cols, x, &mut codes, &mut scales) {
            return Err(EngineError::NotFinite { layer: self.name.clone(), index, value: x[index] });
        }
        let done = self.run(gemv, &codes, &scales, scratch, y);
        (scratch.codes, scratch.scales) = (codes, scales);
        done
    }

    /// `y = W x` of one vector that is quantized already, with one scale.
    ///
    /// # Errors
    /// Codes below -127; the back end's failure.
    ///
    /// # Panics
    /// If a length contradicts the shape.
    pub fn apply_codes<'m>(&self, gemv: &mut dyn Gemv<'m>, x: &Codes, scratch: &mut Scratch, y: &mut [f32]) -> Result<Cost, EngineError> {
        let scales = vec![x.scale; self.cols.div_ceil(HALF_COLS)];
        self.run(gemv, &x.values, &scales, scratch, y)
    }

    fn run<'m>(
        &self,
        gemv: &mut dyn Gemv<'m>,
        codes: &[i8],
        scales: &[f32],
        scratch: &mut Scratch,
        y: &mut [f32],
    ) -> Result<Cost, EngineError> {
        let failed = |source| EngineError::Gemv { layer: self.name.clone(), source };
        match &self.form {
            Form::Whole(id) => {
                let x = GroupedVectors::new(self.cols, codes, scales).map_err(|source| failed(source.into()))?;
                let grids = gemv.grids().ok_or(GemvError::UnknownGrid { id: *id }).map_err(failed)?;
                grids.run_grid(*id, &x, y).map_err(failed)
            }
            Form::Runs(runs) => {
                let mut cost = Cost::default();
                let vectors = codes.chunks_exact(self.cols).zip(scales.chunks_exact(self.cols.div_ceil(HALF_COLS)));
                for ((codes, scales), y) in vectors.zip(y.chunks_exact_mut(self.rows)) {
                    cost += self.run_halves(runs, gemv, codes, scales, &mut scratch.sums, y).map_err(failed)?;
                }
                Ok(cost)
            }
        }
    }

    /// One vector half word by half word, with the float operations of `nda_spec::grid::gemv`.
    fn run_halves<'m>(
        &self,
        runs: &[Run],
        gemv: &mut dyn Gemv<'m>,
        codes: &[i8],
        x_scales: &[f32],
        sums: &mut Vec<i32>,
        y: &mut [f32],
    ) -> Result<Cost, GemvError> {
        let mut totals = [vec![0.0_f32; self.rows], vec![0.0_f32; self.rows]];
        let mut cost = Cost::default();
        for run in runs {
            sums.resize(run.rows, 0);
            cost += gemv.run(run.id, Activations { code: ActivationCode::A8, values: &codes[run.cols.clone()] }, sums)?;
            let totals = &mut totals[run.half % 2];
            let mut rest = sums.as_slice();
            for part in &run.parts {
                let (own, others) = rest.split_at(part.rows * part.coefficients.len());
                rest = others;
                for (row, (total, scale)) in totals[part.first_row..][..part.rows].iter_mut().zip(&part.scales).enumerate() {
                    let sum: i32 = part.coefficients.iter().enumerate().map(|(k, &c)| i32::from(c) * own[k * part.rows + row]).sum();
                    *total = (sum as f32).mul_add(scale * x_scales[run.half], *total);
                }
            }
        }
        let [first, second] = totals;
        y.iter_mut().zip(first.iter().zip(&second)).for_each(|(y, (first, second))| *y = first + second);
        Ok(cost)
    }
}

/// The runs that these grids take on a back end of integers, half word by half word.
fn runs<'m>(grids: &[&'m Grid<'_>], gemv: &mut dyn Gemv<'m>) -> Result<Vec<Run>, GemvError> {
    let mut runs = Vec::new();
    for (half, cols) in grids[0].half_words().into_iter().enumerate() {
        for code in codes(grids) {
            let (mut matrices, mut parts, mut first_row) = (Vec::new(), Vec::new(), 0);
            for grid in grids {
                let matrix = grid.matrix();
                if matrix.code() == code {
                    matrices.extend((0..matrix.stacks()).map(|k| grid.half(half, k)));
                    let scales = (0..matrix.rows()).map(|row| matrix.scale(row, cols.start)).collect();
                    parts.push(Part { first_row, rows: matrix.rows(), coefficients: matrix.coefficients().to_vec(), scales });
                }
                first_row += matrix.rows();
            }
            let rows = matrices.iter().map(TileMatrix::rows).sum();
            runs.push(Run { id: gemv.prepare(&matrices)?, half, cols: cols.clone(), rows, parts });
        }
    }
    Ok(runs)
}

/// The codes that there are among grids: what is stacked in one run has one.
fn codes(grids: &[&Grid<'_>]) -> Vec<WeightCode> {
    WeightCode::ALL.into_iter().filter(|code| grids.iter().any(|g| g.matrix().code() == *code)).collect()
}
