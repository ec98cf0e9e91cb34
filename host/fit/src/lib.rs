//! Weights of floats to stacked bit planes.
//!
//! [`fit`] turns a matrix of floats into up to four stacks of quaternary codes with f16 scales ([`Fitted`]). The stacks are
//! fitted jointly: together they spell the levels of one grid, and every weight goes to the nearest level of its group. If it
//! is told what inputs the layer sees ([`Hessian`]), it rounds with error feedback: each column makes up, in what the layer
//! gives, for what the columns before it lost; then weights and scales are chosen again, given all others, as long as that helps.
//!
//! The same input gives the same result however many threads rayon has. (Products of floats may differ in the last bit
//! between processors with and without fused multiply-add, so another kind of machine may choose another of two near levels.)
//!
//! # Example
//!
//! ```
//! use nda_fit::{Group, Plan, fit};
//!
//! let weights: Vec<f32> = (0..2 * 64).map(|i| (i as f32 * 0.7).sin()).collect();
//! let fitted = fit(&weights, 2, 64, &Plan::new(2, Group::Columns(32)), None)?;
//! assert!(fitted.relative_error(&weights) < 0.2);
//! # Ok::<(), nda_fit::FitError>(())
//! ```

// Not `forbid`: ndarray's `s!` carries its own `allow`.
#![deny(unsafe_code)]

mod error;
mod feedback;
mod fitted;
mod grid;
mod hessian;
mod outlier;
mod plan;
mod polish;
mod rows;
mod scale;

use rayon::prelude::*;

pub use error::FitError;
pub use fitted::Fitted;
pub use hessian::Hessian;
pub use plan::{Feedback, Group, MAX_DAMPING, MAX_OUTLIER_SHARE, MAX_STACKS, Order, Plan};

use grid::{Book, CODES, Grid, GroupScales, coefficient_choices};
use hessian::Metric;
use rows::{Observed, Rows, TASK_ROWS, Work};

/// The largest weight that can be fitted: the largest f16.
pub const MAX_WEIGHT: f32 = 65504.0;
/// Rows on which the coefficients are chosen, evenly spread.
const SAMPLE_ROWS: usize = 48;

/// The matrix `weights`, row by row, as the plan says; with a Hessian of the layer's inputs, so that the outputs differ least.
/// With it and a feedback the result costs no more in any row, on the damped moments, than rounding to nearest.
/// Without inputs all columns count the same and none makes up for another: every weight is rounded to nearest.
/// A group of which no weight reaches 1e-6 may come out as zeros, because f16 has no scales for it.
///
/// # Errors
/// If shape or plan make no sense, a weight is not finite or too large, or the Hessian is of another layer.
pub fn fit(weights: &[f32], rows: usize, cols: usize, plan: &Plan, hessian: Option<&Hessian>) -> Result<Fitted, FitError> {
    check(weights, rows, cols, plan, hessian)?;
    let group_cols = plan.granularity.columns(cols);
    let feedback = plan.feedback.unwrap_or_default();
    let metric = hessian.map(|hessian| Metric::new(hessian, &feedback, group_cols)).transpose()?;
    let importance = metric.as_ref().map_or_else(|| vec![1.0; cols], Metric::diagonal);
    let grid = choose_grid(weights, cols, group_cols, plan, &importance);
    let mut work = Work { weights, cols, group_cols, grid: &grid, importance: &importance, outliers: &[] };
    let outliers = outlier::choose(&work, plan.outlier_share);
    work.outliers = &outliers;
    // Without a feedback in the plan the inputs still say what each column is worth.
    let feedback = plan.feedback.and(metric.as_ref()).map(|metric| (metric, feedback));
    let tasks: Vec<usize> = (0..rows).step_by(TASK_ROWS).collect();
    let parts: Vec<Rows> = tasks.into_par_iter().map(|first| fit_rows(&work, feedback, first, TASK_ROWS.min(rows - first))).collect();
    Ok(assemble(&work, rows, plan, &parts))
}

fn check(weights: &[f32], rows: usize, cols: usize, plan: &Plan, hessian: Option<&Hessian>) -> Result<(), FitError> {
    plan.check()?;
    if weights.is_empty() || rows.checked_mul(cols) != Some(weights.len()) {
        return Err(FitError::Shape { rows, cols, found: weights.len() });
    }
    // `!(..)`, not `>`: so NaN is found too.
    if let Some(at) = weights.iter().position(|w| !(w.abs() <= MAX_WEIGHT)) {
        let (row, col, value) = (at / cols, at % cols, weights[at]);
        let finite = value.is_finite();
        return Err(if finite { FitError::TooLarge { row, col, value } } else { FitError::NotFinite { what: "weights", row, col, value } });
    }
    match hessian {
        Some(hessian) if hessian.cols() != cols => Err(FitError::Inputs { cols, found: hessian.cols() }),
        _ => Ok(()),
    }
}

/// The coefficients that lose least on a sample of the matrix's own rows.
fn choose_grid(weights: &[f32], cols: usize, group_cols: usize, plan: &Plan, importance: &[f32]) -> Grid {
    let rows = weights.len() / cols;
    let sample: Vec<usize> = (0..rows).step_by(rows.div_ceil(SAMPLE_ROWS)).collect();
    let choices = coefficient_choices(plan.stacks).par_iter().map(|coefficients| {
        let grid = Grid::new(coefficients, if plan.shared { GroupScales::Shared } else { GroupScales::PerStack });
        let work = Work { weights, cols, group_cols, grid: &grid, importance, outliers: &[] };
        let cost: f64 = sample.iter().map(|row| row_cost(&work, *row)).sum();
        (cost, grid)
    });
    let choices: Vec<(f64, Grid)> = choices.collect();
    choices.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("every number of stacks has coefficients").1
}

fn row_cost(work: &Work, row: usize) -> f64 {
    let (mut book, mut observed) = (Book::new(work.grid), Observed::default());
    let group_cost = |group| {
        observed.fill_group(work, row, group);
        scale::search(&mut book, &observed.weights, &observed.importance);
        let costs = observed.weights.iter().zip(&observed.importance).map(|(w, h)| (w - book.nearest(*w).0).powi(2) * h);
        f64::from(costs.sum::<f32>())
    };
    (0..work.groups()).map(group_cost).sum()
}

fn fit_rows(work: &Work, feedback: Option<(&Metric, Feedback)>, first: usize, count: usize) -> Rows {
    let nearest = rows::round_to_nearest(work, first, count);
    let Some((metric, feedback)) = feedback else { return nearest };
    let mut fed = feedback::feed_back(work, metric, feedback.order, &nearest);
    polish::keep_better_rows(work, metric, &mut fed, &nearest);
    polish::polish(work, metric, feedback.polish_passes, &mut fed);
    fed
}

fn assemble(work: &Work, rows: usize, plan: &Plan, parts: &[Rows]) -> Fitted {
    let grid = work.grid;
    let all_scales = || parts.iter().flat_map(|part| &part.scales);
    let scales = (0..grid.scale_count()).flat_map(|k| all_scales().map(move |scales| scales[k])).collect();
    let code = |combination: u8, stack: usize| CODES[usize::from(combination >> (2 * stack)) & 3];
    let all_codes = |stack: usize| parts.iter().flat_map(|part| &part.combinations).map(move |c| code(*c, stack)).collect();
    let outliers = (0..work.outliers.len()).filter(|at| work.outliers[*at]).map(|at| {
        let (row, col) = (at / work.cols, at % work.cols);
        let (part, place) = (&parts[row / TASK_ROWS], row % TASK_ROWS);
        let scales = &part.scales[place * work.groups() + col / work.group_cols];
        let at = place * work.cols + col;
        (row as u32, col as u32, part.values[at] - grid.value(part.combinations[at], scales))
    });
    Fitted {
        rows,
        cols: work.cols,
        granularity: plan.granularity,
        coefficients: if plan.shared { grid.coefficients.to_vec() } else { Vec::new() },
        scales,
        codes: (0..plan.stacks).map(all_codes).collect(),
        outliers: outliers.collect(),
    }
}
