//! A fitted matrix, and how far it is from its source.

use crate::{Group, Hessian};

/// A matrix as stacked codes: `W = sum_k scale_k * code_k`, and its outliers added.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Rows of W.
    pub rows: usize,
    /// Columns of W.
    pub cols: usize,
    /// How many weights share a scale.
    pub granularity: Group,
    /// Empty: every stack has scales of its own. Else one integer a stack, and stack k's scale is `coefficients[k]` times the shared scale.
    pub coefficients: Vec<i8>,
    /// Scales that f16 can hold: stack by stack (one stack if shared), in it row by row, in a row group by group.
    pub scales: Vec<f32>,
    /// One list a stack, row by row, of -2, -1, 1 and 2.
    pub codes: Vec<Vec<i8>>,
    /// Row, column and what is added to the weight that the stacks give; ascending by row, then column.
    pub outliers: Vec<(u32, u32, f32)>,
}

impl Fitted {
    /// The weights that the stacks and outliers give, row by row.
    pub fn weights(&self) -> Vec<f32> {
        let (group_cols, groups) = (self.granularity.columns(self.cols), self.granularity.groups(self.cols));
        let mut weights: Vec<f32> = (0..self.rows * self.cols)
            .map(|at| {
                let scale = at / self.cols * groups + at % self.cols / group_cols;
                if self.coefficients.is_empty() {
                    self.codes.iter().enumerate().map(|(k, codes)| self.scales[k * self.rows * groups + scale] * f32::from(codes[at])).sum()
                } else {
                    let level: f32 =
                        self.codes.iter().zip(&self.coefficients).map(|(codes, by)| f32::from(codes[at]) * f32::from(*by)).sum();
                    self.scales[scale] * level
                }
            })
            .collect();
        for (row, col, value) in &self.outliers {
            weights[*row as usize * self.cols + *col as usize] += value;
        }
        weights
    }

    /// Bits that a weight takes in a document: two a stack, the f16 scales, and for each outlier its row, its column and an f32.
    pub fn bits_per_weight(&self) -> f64 {
        let bits = 2 * self.codes.len() * self.rows * self.cols + 16 * self.scales.len() + 96 * self.outliers.len();
        bits as f64 / (self.rows * self.cols) as f64
    }

    /// Length of the difference from `weights` over the length of `weights` (Frobenius norms); 0 for a matrix of zeros.
    ///
    /// # Panics
    /// If `weights` has another shape.
    pub fn relative_error(&self, weights: &[f32]) -> f64 {
        let square = |numbers: &[f32]| numbers.iter().map(|n| f64::from(*n).powi(2)).sum::<f64>();
        ratio(square(&self.differences(weights)), square(weights))
    }

    /// The same, measured where it matters: length of the outputs' difference over the length of the outputs, on the inputs that `hessian` saw.
    ///
    /// # Panics
    /// If `weights` or `hessian` has another shape.
    pub fn relative_output_error(&self, weights: &[f32], hessian: &Hessian) -> f64 {
        assert_eq!(self.cols, hessian.cols(), "inputs of another length");
        ratio(hessian.energy(&self.differences(weights)), hessian.energy(weights))
    }

    fn differences(&self, weights: &[f32]) -> Vec<f32> {
        assert_eq!(weights.len(), self.rows * self.cols, "weights of another shape");
        weights.iter().zip(self.weights()).map(|(w, fitted)| w - fitted).collect()
    }
}

fn ratio(difference: f64, whole: f64) -> f64 {
    if difference <= 0.0 { 0.0 } else { (difference / whole).sqrt() }
}
