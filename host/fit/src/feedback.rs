//! Rounding with error feedback: each column makes up for what the columns before it lost.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, s};

use crate::grid::{Book, Combination, Scales};
use crate::hessian::{Metric, view};
use crate::plan::{MAX_STACKS, Order};
use crate::rows::{Observed, Rows, Work};
use crate::scale::{search, storable};

/// Columns that are rounded before their errors are handed on together, where groups do not say so.
const BLOCK: usize = 32;
/// Scales tried when a group is reached, as multiples of those that suit its targets one by one.
const MULTIPLES: [f32; 7] = [1.0, 0.97, 1.03, 0.93, 1.07, 0.88, 1.13];

/// Rounds the rows of `nearest` again, with feedback. Scales are chosen anew as a group is reached, if it is reached whole.
pub(crate) fn feed_back(work: &Work, metric: &Metric, order: Order, nearest: &Rows) -> Rows {
    let mut rows = nearest.clone();
    let by_group = order != Order::Columns && work.has_groups();
    // Source minus fitted, in the order of rounding.
    let mut errors = Array2::<f32>::zeros((rows.count, work.cols));
    let mut round = Round::new(work, metric);
    let blocks = if by_group { whole_groups(work, metric) } else { equal_blocks(work.cols) };
    for block in blocks {
        let mut handed = Array2::<f32>::zeros((rows.count, block.len()));
        if block.start > 0 {
            let handed_on = view(&metric.handed_on, work.cols);
            let (before, of_block) = (s![.., ..block.start], s![..block.start, block.clone()]);
            general_mat_mul(1.0, &errors.slice(before), &handed_on.slice(of_block), 0.0, &mut handed);
        }
        for row in 0..rows.count {
            round.aim(rows.first + row, &block, handed.row(row).as_slice().expect("rows lie in one piece"));
            if by_group {
                let group = metric.order[block.start] / work.group_cols;
                rows.scales[row * work.groups() + group] = round.with_best_scales(&block);
            } else {
                let scales = &rows.scales[row * work.groups()..(row + 1) * work.groups()];
                round.with_scales(&block, scales);
            }
            errors.slice_mut(s![row, block.clone()]).iter_mut().zip(&round.best.errors).for_each(|(to, from)| *to = *from);
            round.store(&block, &mut rows, row);
        }
    }
    rows
}

/// The order of rounding cut into as many columns as keep the products large.
fn equal_blocks(cols: usize) -> Vec<Range<usize>> {
    (0..cols).step_by(BLOCK).map(|start| start..(start + BLOCK).min(cols)).collect()
}

/// The order of rounding cut into whole groups.
fn whole_groups(work: &Work, metric: &Metric) -> Vec<Range<usize>> {
    let mut start = 0;
    let of_groups = metric.order.chunk_by(|a, b| a / work.group_cols == b / work.group_cols);
    of_groups.map(|group| (start..start + group.len(), start += group.len()).0).collect()
}

/// What rounding a block of one row came to.
#[derive(Debug, Default, Clone)]
struct Attempt {
    errors: Vec<f32>,
    values: Vec<f32>,
    combinations: Vec<Combination>,
    cost: f32,
}

/// One row's block while it is rounded; reused from block to block.
struct Round<'a> {
    work: &'a Work<'a>,
    metric: &'a Metric,
    book: Book<'a>,
    observed: Observed,
    /// The source, and what rounding aims at after the errors of earlier blocks were handed on.
    source: Vec<f32>,
    targets: Vec<f32>,
    outliers: Vec<bool>,
    /// Targets that move while the block is rounded.
    moving: Vec<f32>,
    attempt: Attempt,
    best: Attempt,
}

impl<'a> Round<'a> {
    fn new(work: &'a Work<'a>, metric: &'a Metric) -> Self {
        Self {
            work,
            metric,
            book: Book::new(work.grid),
            observed: Observed::default(),
            source: Vec::new(),
            targets: Vec::new(),
            outliers: Vec::new(),
            moving: Vec::new(),
            attempt: Attempt::default(),
            best: Attempt::default(),
        }
    }

    fn aim(&mut self, row: usize, block: &Range<usize>, handed: &[f32]) {
        let (weights, columns) = (self.work.row(row), &self.metric.order[block.clone()]);
        self.source.clear();
        self.source.extend(columns.iter().map(|col| weights[*col]));
        self.outliers.clear();
        self.outliers.extend(columns.iter().map(|col| self.work.is_outlier(row, *col)));
        self.targets.clear();
        self.targets.extend(self.source.iter().zip(handed).map(|(w, more)| w + more));
    }

    /// Rounds a whole group with several scales and keeps what costs least, which comes back.
    fn with_best_scales(&mut self, block: &Range<usize>) -> Scales {
        let pivots = &self.metric.pivots[block.clone()];
        self.observed.fill(self.targets.iter().zip(pivots).zip(&self.outliers).map(|((t, d), outlier)| (*t, *d, *outlier)));
        let start = search(&mut self.book, &self.observed.weights, &self.observed.importance);
        let mut best_scales = start;
        self.best.cost = f32::INFINITY;
        for multiple in MULTIPLES {
            let mut scales = [0.0; MAX_STACKS];
            scales.iter_mut().zip(start).for_each(|(to, from)| *to = storable(from * multiple));
            self.book.set(scales);
            let limit = self.best.cost;
            self.round(block, limit, |_| ());
            if self.attempt.cost < limit || limit.is_infinite() {
                std::mem::swap(&mut self.attempt, &mut self.best);
                best_scales = scales;
            }
        }
        best_scales
    }

    /// Rounds columns of any groups, whose scales are given group by group.
    fn with_scales(&mut self, block: &Range<usize>, scales: &[Scales]) {
        let (order, group_cols) = (&self.metric.order, self.work.group_cols);
        let mut current = usize::MAX;
        let start = block.start;
        self.round(block, f32::INFINITY, |(place, book): (usize, &mut Book)| {
            let group = order[start + place] / group_cols;
            if group != current {
                book.set(scales[group]);
                current = group;
            }
        });
        std::mem::swap(&mut self.attempt, &mut self.best);
    }

    /// One attempt at the block, column by column, given up when it costs `limit`; `prepare` sets the book to the scales of a column's group.
    fn round(&mut self, block: &Range<usize>, limit: f32, mut prepare: impl FnMut((usize, &mut Book<'a>))) {
        let (cols, attempt) = (self.work.cols, &mut self.attempt);
        self.moving.clear();
        self.moving.extend_from_slice(&self.targets);
        attempt.errors.clear();
        attempt.values.clear();
        attempt.combinations.clear();
        attempt.cost = 0.0;
        for place in 0..block.len() {
            prepare((place, &mut self.book));
            let target = self.moving[place];
            let (nearest, combination) = self.book.nearest(target);
            let value = if self.outliers[place] { target } else { nearest };
            let error = self.source[place] - value;
            attempt.cost += self.metric.pivots[block.start + place] * (target - value) * (target - value);
            if attempt.cost >= limit {
                return;
            }
            attempt.errors.push(error);
            attempt.values.push(value);
            attempt.combinations.push(combination);
            let from = (block.start + place) * cols;
            let handed_on = &self.metric.handed_on[from + block.start + place + 1..from + block.end];
            self.moving[place + 1..].iter_mut().zip(handed_on).for_each(|(target, by)| *target += error * by);
        }
    }

    fn store(&self, block: &Range<usize>, rows: &mut Rows, row: usize) {
        for (place, col) in self.metric.order[block.clone()].iter().enumerate() {
            let at = row * self.work.cols + col;
            rows.combinations[at] = self.best.combinations[place];
            rows.values[at] = self.best.values[place];
        }
    }
}
