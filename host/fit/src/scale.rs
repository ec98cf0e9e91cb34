//! The scales of one group of weights.

use half::f16;

use crate::grid::{Book, Combination, GroupScales, Scales};
use crate::plan::MAX_STACKS;

/// Scales tried for one group, from "clips what stands out" to "a little beyond the largest".
const CANDIDATES: usize = 24;
/// Most rounds of "nearest codes, then the best scales for them".
const ROUNDS: usize = 8;

/// The f16 that stands next to a scale, within what is finite.
pub(crate) fn storable(scale: f32) -> f32 {
    f16::from_f32(scale.clamp(-f16::MAX.to_f32(), f16::MAX.to_f32())).to_f32()
}

/// Sum over the weights of importance times squared error, each rounded to the book's nearest; no more than is needed to see that it reaches `limit`.
fn error_of(book: &Book, weights: &[f32], importance: &[f32], limit: f32) -> f32 {
    let mut error = 0.0;
    for (weights, importance) in weights.chunks(8).zip(importance.chunks(8)) {
        error += weights.iter().zip(importance).map(|(w, h)| (w - book.nearest(*w).0).powi(2) * h).sum::<f32>();
        if error >= limit {
            break;
        }
    }
    error
}

/// The scales with the least weighted error that were found; the book is set to them. Weights of no importance have no say.
pub(crate) fn search(book: &mut Book, weights: &[f32], importance: &[f32]) -> Scales {
    let observed = || weights.iter().zip(importance).filter(|(_, h)| **h > 0.0);
    let largest = observed().fold(0.0f32, |largest, (w, _)| largest.max(w.abs()));
    if largest == 0.0 {
        book.set([0.0; MAX_STACKS]);
        return *book.scales();
    }
    let (square, total) = observed().fold((0.0f32, 0.0f32), |sums, (w, h)| (sums.0 + w * w * h, sums.1 + h));
    let low = (1.6 * (square / total).sqrt()).min(0.6 * largest).max(largest * 1e-3) / book.grid.top;
    let high = largest * 1.15 / book.grid.top;
    let step = (high / low).powf(1.0 / (CANDIDATES - 1) as f32);
    let geometric = (0..CANDIDATES).scan(low, |scale, _| Some(std::mem::replace(scale, *scale * step)));
    let mut best = (f32::INFINITY, [0.0; MAX_STACKS]);
    // The scale that puts the largest weight on the largest level finds a group that is on the grid already.
    for scale in geometric.chain([largest / book.grid.top]) {
        try_scales(book, weights, importance, from_one(book, scale), &mut best);
    }
    refine(book, weights, importance, &mut best);
    book.set(best.1);
    best.1
}

/// The stacks' scales in the ratio of the coefficients.
fn from_one(book: &Book, scale: f32) -> Scales {
    let mut scales = [0.0; MAX_STACKS];
    if book.grid.scales == GroupScales::Shared {
        scales[0] = storable(scale);
    } else {
        scales.iter_mut().zip(book.grid.coefficients).for_each(|(own, by)| *own = storable(scale * f32::from(*by)));
    }
    scales
}

fn try_scales(book: &mut Book, weights: &[f32], importance: &[f32], scales: Scales, best: &mut (f32, Scales)) -> bool {
    book.set(scales);
    let error = error_of(book, weights, importance, best.0);
    let better = error < best.0;
    if better {
        *best = (error, scales);
    }
    better
}

/// Alternates nearest codes and least squares as long as that helps.
fn refine(book: &mut Book, weights: &[f32], importance: &[f32], best: &mut (f32, Scales)) {
    for _ in 0..ROUNDS {
        book.set(best.1);
        let codes = weights.iter().map(|w| book.nearest(*w).1);
        let Some(scales) = least_squares(book, codes, weights, importance) else { return };
        if !try_scales(book, weights, importance, scales, best) {
            return;
        }
    }
}

fn least_squares(book: &Book, codes: impl Iterator<Item = Combination>, weights: &[f32], importance: &[f32]) -> Option<Scales> {
    let count = book.grid.scale_count();
    let mut normal = Normal::default();
    for ((code, w), h) in codes.zip(weights).zip(importance) {
        let parts = book.grid.basis(code);
        for i in 0..count {
            normal.right[i] += f64::from(h * parts[i] * w);
            (0..count).for_each(|j| normal.left[i][j] += f64::from(h * parts[i] * parts[j]));
        }
    }
    let solved = normal.solve(count)?;
    let mut scales = [0.0; MAX_STACKS];
    (0..count).for_each(|i| scales[i] = storable(solved[i] as f32));
    Some(scales)
}

/// A least squares problem of a group's scales: `left * scales = right`.
#[derive(Debug, Default, Clone)]
pub(crate) struct Normal {
    pub left: [[f64; MAX_STACKS]; MAX_STACKS],
    pub right: [f64; MAX_STACKS],
}

impl Normal {
    /// The first `count` unknowns, or `None` if they are not determined. By elimination without exchanges: `left` is positive definite.
    pub fn solve(mut self, count: usize) -> Option<[f64; MAX_STACKS]> {
        let smallest = 1e-10 * (0..count).map(|i| self.left[i][i]).fold(0.0, f64::max);
        for pivot in 0..count {
            if self.left[pivot][pivot] <= smallest {
                return None;
            }
            for row in pivot + 1..count {
                let by = self.left[row][pivot] / self.left[pivot][pivot];
                (pivot..count).for_each(|col| self.left[row][col] -= by * self.left[pivot][col]);
                self.right[row] -= by * self.right[pivot];
            }
        }
        let mut solved = [0.0; MAX_STACKS];
        for row in (0..count).rev() {
            let known: f64 = (row + 1..count).map(|col| self.left[row][col] * solved[col]).sum();
            solved[row] = (self.right[row] - known) / self.left[row][row];
        }
        Some(solved)
    }
}
