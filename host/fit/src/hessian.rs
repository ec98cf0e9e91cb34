//! What a layer's inputs say about its weights: their second moments, and the factor by which errors are handed on.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use rayon::prelude::*;

use crate::FitError;
use crate::plan::{Feedback, MAX_DAMPING, Order};

/// Samples that are multiplied in f32 before they are added in f64: few enough to lose nothing that matters.
const BATCH: usize = 512;
/// Columns of a block of the sum, and of a block of the factorisation.
const BLOCK: usize = 96;

/// Second moments of a layer's inputs, `sum over samples of x x^T`: half the Hessian of the layer's squared error in each row of weights.
#[derive(Debug, Clone)]
pub struct Hessian {
    cols: usize,
    samples: u64,
    /// Row by row; only what is on or below the diagonal is kept.
    lower: Vec<f64>,
}

impl Hessian {
    /// Of no inputs yet, for a matrix of `cols` columns.
    pub fn new(cols: usize) -> Self {
        Self { cols, samples: 0, lower: vec![0.0; cols * cols] }
    }

    /// Length of the inputs.
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Inputs that were added.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Adds inputs, `x` sample by sample. Samples of another scale may be mixed: only sums matter.
    ///
    /// # Errors
    /// If `x` is not a whole number of samples, or a number in it is not finite; nothing is added then.
    pub fn add(&mut self, x: &[f32]) -> Result<(), FitError> {
        if self.cols == 0 || !x.len().is_multiple_of(self.cols) {
            return Err(FitError::Shape { rows: x.len() / self.cols.max(1), cols: self.cols, found: x.len() });
        }
        if let Some(at) = x.iter().position(|value| !value.is_finite()) {
            return Err(FitError::NotFinite { what: "inputs", row: at / self.cols, col: at % self.cols, value: x[at] });
        }
        self.samples += (x.len() / self.cols) as u64;
        for batch in x.chunks(BATCH * self.cols) {
            self.add_batch(view(batch, self.cols));
        }
        Ok(())
    }

    fn add_batch(&mut self, x: ArrayView2<f32>) {
        let cols = self.cols;
        self.lower.par_chunks_mut(BLOCK * cols).enumerate().for_each(|(block, lower)| {
            let (start, rows) = (block * BLOCK, lower.len() / cols);
            let mut product = Array2::<f32>::zeros((rows, start + rows));
            general_mat_mul(1.0, &x.slice(s![.., start..start + rows]).t(), &x.slice(s![.., ..start + rows]), 0.0, &mut product);
            for (sums, products) in lower.chunks_exact_mut(cols).zip(product.outer_iter()) {
                sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += f64::from(*product));
            }
        });
    }

    /// `x_i x_j` summed over the samples.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.lower[i.max(j) * self.cols + i.min(j)]
    }

    /// What errors in the weights do to the outputs: the squared error of `errors * x`, summed over `errors`' rows and all samples.
    ///
    /// # Panics
    /// If `errors` is not a whole number of rows of [`Hessian::cols`] numbers.
    pub fn energy(&self, errors: &[f32]) -> f64 {
        assert!(errors.len().is_multiple_of(self.cols), "{} errors are not rows of {}", errors.len(), self.cols);
        let full = self.damped(0.0);
        let parts: Vec<f64> = errors.par_chunks(32 * self.cols).map(|rows| row_energies(rows, &full, self.cols).iter().sum()).collect();
        parts.iter().sum::<f64>() * self.mean_square()
    }

    /// Mean of the diagonal.
    fn mean_square(&self) -> f64 {
        (0..self.cols).map(|i| self.get(i, i)).sum::<f64>() / self.cols as f64
    }

    /// The whole symmetric matrix with `damping` means of the diagonal added to the diagonal, divided by that mean.
    /// Of no inputs the unit matrix: all columns are equal then.
    fn damped(&self, damping: f64) -> Vec<f32> {
        let (cols, mean) = (self.cols, self.mean_square());
        let mut full = vec![0.0; cols * cols];
        for i in 0..cols {
            for j in 0..i {
                let value = if mean > 0.0 { (self.get(i, j) / mean) as f32 } else { 0.0 };
                full[i * cols + j] = value;
                full[j * cols + i] = value;
            }
            full[i * cols + i] = if mean > 0.0 { (self.get(i, i) / mean + damping) as f32 } else { 1.0 };
        }
        full
    }
}

/// Borrowed rows of `cols` numbers.
pub(crate) fn view(numbers: &[f32], cols: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((numbers.len() / cols, cols), numbers).expect("whole rows")
}

/// Borrowed rows of `cols` numbers to write.
pub(crate) fn view_mut(numbers: &mut [f32], cols: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((numbers.len() / cols, cols), numbers).expect("whole rows")
}

/// `errors * metric`, row by row: half the gradient of what the errors cost.
pub(crate) fn gradient(errors: &[f32], metric: &[f32], cols: usize) -> Vec<f32> {
    let mut product = vec![0.0; errors.len()];
    general_mat_mul(1.0, &view(errors, cols), &view(metric, cols), 0.0, &mut view_mut(&mut product, cols));
    product
}

/// `error metric error^T` of each row.
pub(crate) fn row_energies(errors: &[f32], metric: &[f32], cols: usize) -> Vec<f64> {
    let gradient = gradient(errors, metric, cols);
    errors.chunks(cols).zip(gradient.chunks(cols)).map(|(e, g)| e.iter().zip(g).map(|(e, g)| f64::from(*e) * f64::from(*g)).sum()).collect()
}

/// A Hessian made ready for a matrix: damped, ordered, factored.
///
/// With `H = R R^T`, R upper triangular in the order of rounding, a row of errors e costs `sum_i (e R)_i^2`. The column that is
/// rounded i-th meets the target `w_i + sum_{j<i} e_j R_ji / R_ii`, which makes its own term nothing; what rounding adds to it
/// costs `R_ii^2` times its square, for good. That is the error feedback of Frantar et al., GPTQ (2022), without an inverse.
#[derive(Debug)]
pub(crate) struct Metric {
    pub cols: usize,
    /// H damped, in units of its mean diagonal, in the order of storage.
    pub full: Vec<f32>,
    /// Stored column of each place in the order of rounding.
    pub order: Vec<usize>,
    /// `R_ji / R_ii` at `j * cols + i`, in the order of rounding; zero unless j < i.
    pub handed_on: Vec<f32>,
    /// `R_ii^2`.
    pub pivots: Vec<f32>,
}

impl Metric {
    pub fn new(hessian: &Hessian, feedback: &Feedback, group_cols: usize) -> Result<Self, FitError> {
        let (cols, mut damping) = (hessian.cols, feedback.damping);
        loop {
            let full = hessian.damped(damping);
            let order = order_of(&full, cols, feedback.order, group_cols);
            match factor(&full, &order) {
                Ok((handed_on, pivots)) => return Ok(Self { cols, full, order, handed_on, pivots }),
                Err(col) if damping >= MAX_DAMPING => return Err(FitError::NotDefinite { col, damping }),
                // Fewer samples than columns leave directions that no input has; the least damping that rounding allows settles them.
                Err(_) => damping = (damping * 10.0).clamp(1e-6, MAX_DAMPING),
            }
        }
    }

    pub fn diagonal(&self) -> Vec<f32> {
        (0..self.cols).map(|i| self.full[i * self.cols + i]).collect()
    }
}

fn order_of(full: &[f32], cols: usize, order: Order, group_cols: usize) -> Vec<usize> {
    let strength = |col: usize| f64::from(full[col * cols + col]);
    let group_strength = |col: usize| {
        let start = col / group_cols * group_cols;
        let end = (start + group_cols).min(cols);
        (start..end).map(strength).sum::<f64>() / (end - start) as f64
    };
    let mut columns: Vec<usize> = (0..cols).collect();
    match order {
        Order::Stored => {}
        Order::Columns => columns.sort_by(|a, b| strength(*b).total_cmp(&strength(*a))),
        Order::Groups => {
            let groups: Vec<f64> = (0..cols).map(group_strength).collect();
            let key = |col: usize| (groups[col], col / group_cols);
            columns.sort_by(|a, b| {
                let (of_a, of_b) = (key(*a), key(*b));
                of_b.0.total_cmp(&of_a.0).then(of_a.1.cmp(&of_b.1)).then(strength(*b).total_cmp(&strength(*a)))
            });
        }
    }
    columns
}

/// What is handed on, and the pivots, or the column where the matrix is not definite.
fn factor(full: &[f32], order: &[usize]) -> Result<(Vec<f32>, Vec<f32>), usize> {
    let cols = order.len();
    // Backwards, because an upper factor is the lower factor of the matrix that is turned about.
    let turned = |place: usize| order[cols - 1 - place];
    let mut lower = Array2::from_shape_fn((cols, cols), |(i, j)| f64::from(full[turned(i) * cols + turned(j)]));
    cholesky(lower.view_mut()).map_err(turned)?;
    let mut handed_on = vec![0.0; cols * cols];
    for j in 0..cols {
        for i in j + 1..cols {
            let (row, col) = (cols - 1 - j, cols - 1 - i);
            handed_on[j * cols + i] = (lower[[row, col]] / lower[[col, col]]) as f32;
        }
    }
    let pivots = (0..cols).map(|i| lower[[cols - 1 - i, cols - 1 - i]].powi(2) as f32).collect();
    Ok((handed_on, pivots))
}

/// The lower factor in place of what is on and below the diagonal, by blocks of columns; or where a pivot is not positive.
fn cholesky(mut a: ArrayViewMut2<f64>) -> Result<(), usize> {
    let n = a.nrows();
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        cholesky_of_panel(a.slice_mut(s![start.., start..end])).map_err(|col| start + col)?;
        let (done, mut rest) = a.multi_slice_mut((s![end.., start..end], s![end.., end..]));
        // Only the lower half of the rest is ever read.
        for column in (0..rest.nrows()).step_by(BLOCK) {
            let until = (column + BLOCK).min(rest.nrows());
            let mut strip = rest.slice_mut(s![column.., column..until]);
            general_mat_mul(-1.0, &done.slice(s![column.., ..]), &done.slice(s![column..until, ..]).t(), 1.0, &mut strip);
        }
    }
    Ok(())
}

/// The factor of a block on the diagonal and of all rows below it.
fn cholesky_of_panel(mut panel: ArrayViewMut2<f64>) -> Result<(), usize> {
    let (rows, cols) = panel.dim();
    for row in 0..rows {
        let (above, mut at) = panel.view_mut().split_at(ndarray::Axis(0), row);
        let mut current = at.row_mut(0);
        let current = current.as_slice_mut().expect("rows lie in one piece");
        for col in 0..cols.min(row) {
            let pivot = above.row(col);
            let pivot = pivot.as_slice().expect("rows lie in one piece");
            let known: f64 = current[..col].iter().zip(&pivot[..col]).map(|(a, b)| a * b).sum();
            current[col] = (current[col] - known) / pivot[col];
        }
        if row < cols {
            let known: f64 = current[..row].iter().map(|a| a * a).sum();
            let square = current[row] - known;
            // Entries are in units of the mean diagonal and came through f32: what is below their rounding is not known to be positive.
            if square.is_nan() || square <= 1e-7 * current[row].max(f64::MIN_POSITIVE) {
                return Err(row);
            }
            current[row] = square.sqrt();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::random::Random;

    fn inputs(samples: usize, cols: usize) -> Vec<f32> {
        let mut random = Random::new(7);
        (0..samples * cols).map(|_| (2.0 * random.unit() - 1.0) as f32).collect()
    }

    #[test]
    fn moments_are_the_sums_of_products_across_batches_and_blocks() {
        let (samples, cols) = (BATCH + 3, BLOCK + 5);
        let x = inputs(samples, cols);
        let mut hessian = Hessian::new(cols);
        hessian.add(&x[..5 * cols]).expect("finite");
        hessian.add(&x[5 * cols..]).expect("finite");
        assert_eq!(hessian.samples(), samples as u64);
        for (i, j) in [(0, 0), (BLOCK, BLOCK - 1), (3, BLOCK + 4), (BLOCK + 4, BLOCK + 4)] {
            let sum: f64 = x.chunks(cols).map(|x| f64::from(x[i]) * f64::from(x[j])).sum();
            assert!((hessian.get(i, j) - sum).abs() < 1e-3, "{i}, {j}: {} is not {sum}", hessian.get(i, j));
        }
    }

    #[test]
    fn the_factor_gives_the_metric_back_in_every_order() {
        let cols = 2 * BLOCK + 7;
        let mut hessian = Hessian::new(cols);
        hessian.add(&inputs(3 * cols, cols)).expect("finite");
        for order in [Order::Stored, Order::Groups, Order::Columns] {
            let feedback = Feedback { order, ..Feedback::default() };
            let metric = Metric::new(&hessian, &feedback, 32).expect("definite");
            let mut seen = metric.order.clone();
            seen.sort_unstable();
            assert_eq!(seen, (0..cols).collect::<Vec<_>>(), "{order:?} is an order");
            let upper = |i: usize, j: usize| {
                let unit = if i == j { 1.0 } else { metric.handed_on[i * cols + j] };
                f64::from(unit) * f64::from(metric.pivots[j]).sqrt()
            };
            for (i, j) in [(0, 0), (1, BLOCK), (BLOCK + 2, BLOCK - 3), (cols - 1, 0), (cols - 1, cols - 1)] {
                let product: f64 = (i.max(j)..cols).map(|l| upper(i, l) * upper(j, l)).sum();
                let stored = f64::from(metric.full[metric.order[i] * cols + metric.order[j]]);
                assert!((product - stored).abs() < 1e-5, "{order:?} {i}, {j}: {product} is not {stored}");
            }
        }
    }

    #[test]
    fn fewer_inputs_than_columns_are_damped_until_they_can_be_factored() {
        let mut hessian = Hessian::new(40);
        hessian.add(&inputs(3, 40)).expect("finite");
        let feedback = Feedback { damping: 0.0, ..Feedback::default() };
        assert!(Metric::new(&hessian, &feedback, 8).is_ok());
    }
}
