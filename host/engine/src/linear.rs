//! A fused linear layer: one quantized vector, few runs of the back end, floats at the edge.

use crate::error::EngineError;
use crate::projection::Projection;
use crate::quantized::quantize_rows;
use nda_gemv::{Activations, Cost, Gemv, MatrixId, run_vectors};
use nda_kernels::ThreadPool;
use nda_lang::Codes;
use nda_ndf::Outlier;
use nda_spec::plan::Layer;
use nda_spec::{ActivationCode, TileMatrix, WeightCode};
use std::ops::Range;

/// Rows of one projection and stack within a run.
#[derive(Debug, Clone)]
struct Part {
    /// First row in the layer's y.
    first_row: usize,
    rows: usize,
    /// One scale per row, or one for all.
    scales: Vec<f32>,
}

/// One run of the back end: the parts are stacked by rows over the same columns.
#[derive(Debug, Clone)]
struct Run {
    id: MatrixId,
    cols: Range<usize>,
    rows: usize,
    parts: Vec<Part>,
}

/// One linear layer, possibly several projections of the same input (q, k and v, say).
///
/// Everything that may share a run does: projections and stacks of equal code and columns are stacked
/// by rows. `y[r]` starts at 0 and takes, run by run (columns ascending) and within a run part by part
/// (stacks ascending), `acc as f32 * (scale[r] * x_scale)`, then `value * x[col]` of every outlier in
/// stored order, with x as it was before quantization. That order is fixed, so equal integers give equal floats.
#[derive(Debug, Clone)]
pub struct Linear {
    name: String,
    rows: usize,
    cols: usize,
    activation: ActivationCode,
    runs: Vec<Run>,
    outliers: Vec<Outlier>,
}

/// What one call of a layer needs besides its vectors; reused from call to call.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// The threads that share the rows of a batch.
    pub(crate) pool: ThreadPool,
    pub(crate) codes: Vec<i8>,
    pub(crate) scales: Vec<f32>,
    pub(crate) sums: Vec<i32>,
}

/// A run before it is prepared: which columns, which matrices, which parts.
struct Bin<'m> {
    cols: Range<usize>,
    code: WeightCode,
    matrices: Vec<TileMatrix<'m>>,
    parts: Vec<Part>,
}

/// Whether runs of some columns are given the whole matrices or slices of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Whole,
    Slices,
}

fn bins<'m>(projections: &[&'m Projection<'_>], cut: Cut) -> Vec<Bin<'m>> {
    let mut bins: Vec<Bin<'m>> = Vec::new();
    let mut first_row = 0;
    for projection in projections {
        for (group, cols) in projection.groups().into_iter().enumerate() {
            let (code, rows) = (projection.frame().code(), projection.frame().rows());
            for stack in 0..projection.frame().stacks() {
                let at = bins.iter().position(|b| b.cols == cols && b.code == code).unwrap_or_else(|| {
                    bins.push(Bin { cols: cols.clone(), code, matrices: Vec::new(), parts: Vec::new() });
                    bins.len() - 1
                });
                bins[at].matrices.push(match cut {
                    Cut::Whole => projection.frame().stack(stack),
                    Cut::Slices => projection.codes(stack, group),
                });
                bins[at].parts.push(Part { first_row, rows, scales: projection.row_scales(stack, group) });
            }
        }
        first_row += projection.frame().rows();
    }
    bins
}

/// The products that these projections take when they are fused: every projection once per stack, stacked by rows.
pub(crate) fn integer_layers(projections: &[&Projection<'_>]) -> Vec<Layer> {
    let shape = |bin: &Bin<'_>| Layer { parts: bin.parts.iter().map(|p| p.rows).collect(), cols: bin.cols.len() };
    bins(projections, Cut::Whole).iter().map(shape).collect()
}

impl Linear {
    /// Prepares projections of equal columns as one layer; y holds their rows one after another.
    ///
    /// # Errors
    /// What the back end says against a shape.
    ///
    /// # Panics
    /// If there is no projection or their columns differ; the model checks both.
    pub fn prepare<'m>(
        name: &str,
        projections: &[&'m Projection<'_>],
        activation: ActivationCode,
        gemv: &mut dyn Gemv<'m>,
    ) -> Result<Linear, EngineError> {
        let cols = projections[0].frame().cols();
        assert!(projections.iter().all(|p| p.frame().cols() == cols), "fused projections share their input");
        let mut runs: Vec<Run> = Vec::new();
        // What was prepared: the groups of columns of the same matrices share it where columns are multiplied in place.
        let mut known: Vec<(Vec<*const u64>, MatrixId)> = Vec::new();
        let cut = if gemv.columns().is_some() { Cut::Whole } else { Cut::Slices };
        for bin in bins(projections, cut) {
            let places: Vec<*const u64> = bin.matrices.iter().map(|m| m.words().as_ptr()).collect();
            let id = match known.iter().find(|(known, _)| *known == places) {
                Some((_, id)) => *id,
                None => gemv.prepare(&bin.matrices).map_err(|source| EngineError::Gemv { layer: name.into(), source })?,
            };
            known.push((places, id));
            runs.push(Run { id, cols: bin.cols, rows: bin.parts.iter().map(|p| p.rows).sum(), parts: bin.parts });
        }
        let mut outliers = Vec::new();
        let mut first_row = 0;
        for projection in projections {
            outliers.extend(projection.frame().outliers().iter().map(|o| Outlier { row: first_row + o.row, ..o }));
            first_row += projection.frame().rows();
        }
        Ok(Linear { name: name.into(), rows: first_row, cols, activation, runs, outliers })
    }

    /// Rows of all projections together: the length of y.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the length of x.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// `y = W x` of every vector of x; returns what the back end's runs cost. All vectors go to the back end at once.
    ///
    /// # Errors
    /// A value of x that is not finite, or the back end's failure.
    ///
    /// # Panics
    /// If a length contradicts the shape.
    pub fn apply<'m>(&self, gemv: &mut dyn Gemv<'m>, x: &[f32], scratch: &mut Scratch, y: &mut [f32]) -> Result<Cost, EngineError> {
        let vectors = x.len() / self.cols;
        let fits = x.len() == vectors * self.cols && y.len() == vectors * self.rows;
        assert!(fits, "{}: x and y must fit {} x {}", self.name, self.rows, self.cols);
        let (mut codes, mut scales) = (std::mem::take(&mut scratch.codes), std::mem::take(&mut scratch.scales));
        if let Some(index) = quantize_rows(&scratch.pool, (self.activation, self.cols), self.cols, x, &mut codes, &mut scales) {
            return Err(EngineError::NotFinite { layer: self.name.clone(), index: index % self.cols, value: x[index] });
        }
        let done = self.run(gemv, Activations { code: self.activation, values: &codes }, &scales, scratch, y);
        (scratch.codes, scratch.scales) = (codes, scales);
        for (x, y) in x.chunks_exact(self.cols).zip(y.chunks_exact_mut(self.rows)) {
            for outlier in &self.outliers {
                y[outlier.row] += outlier.value * x[outlier.col];
            }
        }
        done
    }

    /// `y = W x` of a vector that is quantized already; outliers meet what its codes stand for.
    ///
    /// # Errors
    /// The back end's failure.
    ///
    /// # Panics
    /// If a length contradicts the shape.
    pub fn apply_codes<'m>(&self, gemv: &mut dyn Gemv<'m>, x: &Codes, scratch: &mut Scratch, y: &mut [f32]) -> Result<Cost, EngineError> {
        assert!(x.values.len() == self.cols && y.len() == self.rows, "{}: x and y must fit {} x {}", self.name, self.rows, self.cols);
        let cost = self.run(gemv, Activations { code: x.code, values: &x.values }, &[x.scale], scratch, y)?;
        for outlier in &self.outliers {
            y[outlier.row] += outlier.value * (f32::from(x.values[outlier.col]) * x.scale);
        }
        Ok(cost)
    }

    /// The runs of as many vectors of codes as there are scales, their sums scaled into y. A vector's floats are added in the
    /// same order whatever stands beside it.
    fn run<'m>(
        &self,
        gemv: &mut dyn Gemv<'m>,
        x: Activations<'_>,
        x_scales: &[f32],
        scratch: &mut Scratch,
        y: &mut [f32],
    ) -> Result<Cost, EngineError> {
        y.fill(0.0);
        let vectors = x_scales.len();
        let mut cost = Cost::default();
        for run in &self.runs {
            let sums = &mut scratch.sums;
            sums.resize(run.rows * vectors, 0);
            let failed = |source| EngineError::Gemv { layer: self.name.clone(), source };
            if run.cols.len() == self.cols {
                cost += run_vectors(gemv, run.id, vectors, x, sums).map_err(failed)?;
            } else {
                for (values, sums) in x.values.chunks_exact(self.cols).zip(sums.chunks_exact_mut(run.rows)) {
                    let x = Activations { code: x.code, values: &values[run.cols.clone()] };
                    let done = match gemv.columns() {
                        Some(columns) => columns.run_columns(run.id, run.cols.clone(), x, sums),
                        None => gemv.run(run.id, x, sums),
                    };
                    cost += done.map_err(failed)?;
                }
            }
            let each = scratch.sums.chunks_exact(run.rows).zip(y.chunks_exact_mut(self.rows));
            for ((sums, y), x_scale) in each.zip(x_scales) {
                scale_parts(&run.parts, *x_scale, sums, y);
            }
        }
        Ok(cost)
    }
}

/// The one place where sums become floats.
fn scale_parts(parts: &[Part], x_scale: f32, sums: &[i32], y: &mut [f32]) {
    let mut at = 0;
    for part in parts {
        let sums = &sums[at..at + part.rows];
        let y = &mut y[part.first_row..part.first_row + part.rows];
        for (r, (y, sum)) in y.iter_mut().zip(sums).enumerate() {
            let scale = if part.scales.len() == 1 { part.scales[0] } else { part.scales[r] };
            *y += *sum as f32 * (scale * x_scale);
        }
        at += part.rows;
    }
}
