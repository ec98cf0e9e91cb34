//! Every weight and every scale chosen again, given all others: each step makes the squared error of the outputs smaller.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::s;

use crate::grid::{Book, Scales};
use crate::hessian::{Metric, gradient, row_energies, view, view_mut};
use crate::plan::MAX_STACKS;
use crate::rows::{Rows, Work};
use crate::scale::{Normal, storable};

/// Columns that are chosen before the gradient elsewhere follows, where groups do not say so.
const BLOCK: usize = 32;
/// How often the weights of a block are gone through while it is at hand; then its scale follows.
const SWEEPS: usize = 2;

/// Takes from `other` the rows that cost less.
pub(crate) fn keep_better_rows(work: &Work, metric: &Metric, rows: &mut Rows, other: &Rows) {
    let costs = row_energies(&rows.errors(work), &metric.full, work.cols);
    let others = row_energies(&other.errors(work), &metric.full, work.cols);
    for (row, (cost, other_cost)) in costs.iter().zip(&others).enumerate() {
        if other_cost < cost {
            rows.copy_row(other, row);
        }
    }
}

/// Goes through all blocks of columns so often, or until nothing changes.
pub(crate) fn polish(work: &Work, metric: &Metric, passes: usize, rows: &mut Rows) {
    let before = rows.clone();
    let block_cols = if work.has_groups() { work.group_cols } else { BLOCK };
    for _ in 0..passes {
        let mut gradient = gradient(&rows.errors(work), &metric.full, work.cols);
        let mut changed = false;
        for start in (0..work.cols).step_by(block_cols) {
            let block = start..(start + block_cols).min(work.cols);
            changed |= polish_block(work, metric, block, rows, &mut gradient);
        }
        if !work.has_groups() {
            changed |= refit_rows(work, metric, rows, &gradient);
        }
        if !changed {
            break;
        }
    }
    // Steps are judged in f32; the sum of all of them is judged once more, so that polishing never harms a row.
    keep_better_rows(work, metric, rows, &before);
}

/// One block of columns in all rows; then the gradient everywhere follows in one product. Whether anything changed comes back.
fn polish_block(work: &Work, metric: &Metric, block: Range<usize>, rows: &mut Rows, gradient: &mut [f32]) -> bool {
    let (cols, width) = (work.cols, block.len());
    let mut book = Book::new(work.grid);
    let mut local = Local::new(metric, block.clone());
    let mut steps = vec![0.0f32; rows.count * width];
    let mut changed = false;
    for row in 0..rows.count {
        let weights = row * cols + block.start..row * cols + block.end;
        let group = row * work.groups() + block.start / work.group_cols;
        book.set(rows.scales[group]);
        local.gradient.copy_from_slice(&gradient[weights.clone()]);
        let before = rows.values[weights.clone()].to_vec();
        for _ in 0..SWEEPS {
            local.choose_weights(work, &book, rows, row);
            if work.has_groups() && local.choose_scales(work, &mut book, rows, row) {
                rows.scales[group] = *book.scales();
            }
        }
        let step = &mut steps[row * width..(row + 1) * width];
        for ((step, after), before) in step.iter_mut().zip(&rows.values[weights]).zip(before) {
            *step = after - before;
            changed |= *step != 0.0;
        }
    }
    if changed {
        let metric_rows = view(&metric.full, cols);
        general_mat_mul(-1.0, &view(&steps, width), &metric_rows.slice(s![block, ..]), 1.0, &mut view_mut(gradient, cols));
    }
    changed
}

/// A block of columns of one row, with the part of the metric that couples them.
struct Local<'a> {
    metric: &'a Metric,
    block: Range<usize>,
    gradient: Vec<f32>,
    /// What the scales' weights would hand on to each column, scale by scale.
    coupled: Vec<f32>,
}

impl<'a> Local<'a> {
    fn new(metric: &'a Metric, block: Range<usize>) -> Self {
        let width = block.len();
        Self { metric, block, gradient: vec![0.0; width], coupled: Vec::new() }
    }

    fn coupling(&self, col: usize) -> &'a [f32] {
        let from = col * self.metric.cols;
        &self.metric.full[from + self.block.start..from + self.block.end]
    }

    /// The best level for each weight, given the others.
    fn choose_weights(&mut self, work: &Work, book: &Book, rows: &mut Rows, row: usize) {
        for col in self.block.clone() {
            let (at, place) = (row * work.cols + col, col - self.block.start);
            let coupling = self.coupling(col);
            let ideal = rows.values[at] + self.gradient[place] / coupling[place];
            let (nearest, combination) = book.nearest(ideal);
            let value = if work.is_outlier(rows.first + row, col) { ideal } else { nearest };
            let step = value - rows.values[at];
            // The same level, or one that only rounding makes look nearer.
            if step == 0.0 || step * (step * coupling[place] - 2.0 * self.gradient[place]) >= 0.0 {
                continue;
            }
            rows.values[at] = value;
            rows.combinations[at] = combination;
            self.gradient.iter_mut().zip(coupling).for_each(|(gradient, by)| *gradient -= step * by);
        }
    }

    /// The best scales for the codes of the group; whether they changed comes back.
    fn choose_scales(&mut self, work: &Work, book: &mut Book, rows: &mut Rows, row: usize) -> bool {
        let (count, width) = (book.grid.scale_count(), self.block.len());
        let at = row * work.cols + self.block.start;
        let codes = &rows.combinations[at..at + width];
        let kept: Vec<[f32; MAX_STACKS]> = (0..width)
            .map(|place| {
                let outlier = work.is_outlier(rows.first + row, self.block.start + place);
                if outlier { [0.0; MAX_STACKS] } else { *book.grid.basis(codes[place]) }
            })
            .collect();
        self.coupled.clear();
        self.coupled.resize(count * width, 0.0);
        for (place, parts) in kept.iter().enumerate() {
            let coupling = self.coupling(self.block.start + place);
            for (coupled, part) in self.coupled.chunks_exact_mut(width).zip(parts) {
                coupled.iter_mut().zip(coupling).for_each(|(coupled, by)| *coupled += part * by);
            }
        }
        let mut normal = Normal::default();
        for (place, parts) in kept.iter().enumerate() {
            for i in 0..count {
                normal.right[i] += f64::from(parts[i] * self.gradient[place]);
                (0..count).for_each(|j| normal.left[i][j] += f64::from(parts[i] * self.coupled[j * width + place]));
            }
        }
        let Some((scales, steps)) = better_scales(&normal, count, book.scales()) else { return false };
        book.set(scales);
        for (i, coupled) in self.coupled.chunks_exact(width).enumerate() {
            self.gradient.iter_mut().zip(coupled).for_each(|(gradient, by)| *gradient -= steps[i] * by);
        }
        revalue(work, book, rows, row, self.block.clone());
        true
    }
}

/// Scales that f16 can hold, next to the solution, and the step to them, if that makes the error smaller.
fn better_scales(normal: &Normal, count: usize, scales: &Scales) -> Option<(Scales, Scales)> {
    let solved = normal.clone().solve(count)?;
    let (mut better, mut steps) = ([0.0; MAX_STACKS], [0.0; MAX_STACKS]);
    for i in 0..count {
        better[i] = storable((f64::from(scales[i]) + solved[i]) as f32);
        steps[i] = better[i] - scales[i];
    }
    let along = |i: usize| -> f64 {
        let bend: f64 = (0..count).map(|j| normal.left[i][j] * f64::from(steps[j])).sum();
        f64::from(steps[i]) * (bend - 2.0 * normal.right[i])
    };
    ((0..count).map(along).sum::<f64>() < 0.0).then_some((better, steps))
}

/// What the codes of some columns give with the book's scales.
fn revalue(work: &Work, book: &Book, rows: &mut Rows, row: usize, columns: Range<usize>) {
    for col in columns.filter(|col| !work.is_outlier(rows.first + row, *col)) {
        let at = row * work.cols + col;
        rows.values[at] = book.grid.value(rows.combinations[at], book.scales());
    }
}

/// The best scales of whole rows; whether any changed comes back.
fn refit_rows(work: &Work, metric: &Metric, rows: &mut Rows, gradient: &[f32]) -> bool {
    let (cols, count) = (work.cols, work.grid.scale_count());
    let mut book = Book::new(work.grid);
    let part = |rows: &Rows, at: usize, i: usize| {
        let outlier = work.is_outlier(rows.first + at / cols, at % cols);
        if outlier { 0.0 } else { work.grid.basis(rows.combinations[at])[i] }
    };
    let parts: Vec<Vec<f32>> = (0..count).map(|i| (0..rows.values.len()).map(|at| part(rows, at, i)).collect()).collect();
    let coupled: Vec<Vec<f32>> = parts.iter().map(|parts| crate::hessian::gradient(parts, &metric.full, cols)).collect();
    let mut changed = false;
    for row in 0..rows.count {
        let of_row = row * cols..(row + 1) * cols;
        let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
        let mut normal = Normal::default();
        for i in 0..count {
            normal.right[i] = dot(&parts[i][of_row.clone()], &gradient[of_row.clone()]);
            (0..count).for_each(|j| normal.left[i][j] = dot(&parts[i][of_row.clone()], &coupled[j][of_row.clone()]));
        }
        let Some((scales, _)) = better_scales(&normal, count, &rows.scales[row]) else { continue };
        rows.scales[row] = scales;
        book.set(scales);
        revalue(work, &book, rows, row, 0..cols);
        changed = true;
    }
    changed
}
