//! Some rows while they are being fitted.

use crate::grid::{Book, Combination, Grid, Scales};
use crate::plan::MAX_STACKS;
use crate::scale;

/// Rows that one task fits. Fixed, so that sums come out the same however many threads there are.
pub(crate) const TASK_ROWS: usize = 32;

/// What all rows of a matrix share.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub weights: &'a [f32],
    pub cols: usize,
    pub group_cols: usize,
    pub grid: &'a Grid,
    /// What an error in a column costs if no other column makes up for it.
    pub importance: &'a [f32],
    /// Which weights a float will correct; empty if none.
    pub outliers: &'a [bool],
}

impl Work<'_> {
    /// Whether a row has more than one group.
    pub fn has_groups(&self) -> bool {
        self.group_cols < self.cols
    }

    pub fn groups(&self) -> usize {
        self.cols.div_ceil(self.group_cols)
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.weights[row * self.cols..(row + 1) * self.cols]
    }

    pub fn is_outlier(&self, row: usize, col: usize) -> bool {
        self.outliers.get(row * self.cols + col).is_some_and(|outlier| *outlier)
    }

    /// Stored columns of a group.
    pub fn group(&self, group: usize) -> std::ops::Range<usize> {
        group * self.group_cols..((group + 1) * self.group_cols).min(self.cols)
    }
}

/// Fitted rows: how each weight is spelled, and what that gives.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub first: usize,
    pub count: usize,
    pub combinations: Vec<Combination>,
    /// Group by group of each row.
    pub scales: Vec<Scales>,
    /// What each weight comes out as, its outlier included.
    pub values: Vec<f32>,
}

impl Rows {
    pub fn new(work: &Work, first: usize, count: usize) -> Self {
        let (weights, groups) = (count * work.cols, count * work.groups());
        Self { first, count, combinations: vec![0; weights], scales: vec![[0.0; MAX_STACKS]; groups], values: vec![0.0; weights] }
    }

    /// Source minus fitted.
    pub fn errors(&self, work: &Work) -> Vec<f32> {
        let source = &work.weights[self.first * work.cols..(self.first + self.count) * work.cols];
        source.iter().zip(&self.values).map(|(w, v)| w - v).collect()
    }

    /// Takes over one row of another attempt at the same rows.
    pub fn copy_row(&mut self, other: &Rows, row: usize) {
        let (cols, groups) = (self.values.len() / self.count, self.scales.len() / self.count);
        let (weights, groups) = (row * cols..(row + 1) * cols, row * groups..(row + 1) * groups);
        self.combinations[weights.clone()].copy_from_slice(&other.combinations[weights.clone()]);
        self.values[weights.clone()].copy_from_slice(&other.values[weights]);
        self.scales[groups.clone()].copy_from_slice(&other.scales[groups]);
    }
}

/// The weights and importances of some columns of a row, with nothing in place of outliers.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub weights: Vec<f32>,
    pub importance: Vec<f32>,
}

impl Observed {
    pub fn fill(&mut self, items: impl Iterator<Item = (f32, f32, bool)>) {
        self.weights.clear();
        self.importance.clear();
        for (weight, importance, outlier) in items {
            self.weights.push(if outlier { 0.0 } else { weight });
            self.importance.push(if outlier { 0.0 } else { importance });
        }
    }

    /// A group of a row as it is stored.
    pub fn fill_group(&mut self, work: &Work, row: usize, group: usize) {
        let weights = work.row(row);
        self.fill(work.group(group).map(|col| (weights[col], work.importance[col], work.is_outlier(row, col))));
    }
}

/// Every weight to its nearest level, with the best scales that were found.
pub(crate) fn round_to_nearest(work: &Work, first: usize, count: usize) -> Rows {
    let mut rows = Rows::new(work, first, count);
    let mut book = Book::new(work.grid);
    let mut observed = Observed::default();
    for row in 0..count {
        let weights = work.row(first + row);
        for group in 0..work.groups() {
            observed.fill_group(work, first + row, group);
            rows.scales[row * work.groups() + group] = scale::search(&mut book, &observed.weights, &observed.importance);
            for col in work.group(group) {
                let (value, combination) = book.nearest(weights[col]);
                let at = row * work.cols + col;
                rows.combinations[at] = combination;
                rows.values[at] = if work.is_outlier(first + row, col) { weights[col] } else { value };
            }
        }
    }
    rows
}
