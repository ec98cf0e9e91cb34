//! A weight matrix of a document, cut into what a back end multiplies.

use nda_ndf::{Granularity, MatrixFrame};
use nda_spec::{TileMatrix, tile};
use std::ops::Range;
use std::sync::OnceLock;

/// `W`, `rows x cols`: the codes of 1 to 4 stacks with their scales, and outliers.
#[derive(Debug, Clone)]
pub struct Projection<'d> {
    frame: MatrixFrame<'d>,
    /// For groups on back ends that multiply whole matrices alone: the words of every stack's column slices, repacked when the
    /// first of them is asked for. All else is used in place.
    slices: OnceLock<Vec<Vec<Vec<u64>>>>,
}

impl<'d> Projection<'d> {
    /// The matrix of a frame, in place.
    pub fn new(frame: MatrixFrame<'d>) -> Projection<'d> {
        Projection { frame, slices: OnceLock::new() }
    }

    /// The frame.
    pub fn frame(&self) -> &MatrixFrame<'d> {
        &self.frame
    }

    fn is_grouped(&self) -> bool {
        matches!(self.frame.granularity(), Granularity::Group32 | Granularity::Group64)
    }

    /// The column ranges that are multiplied one by one: all columns, or each group's.
    pub fn groups(&self) -> Vec<Range<usize>> {
        let cols = self.frame.cols();
        let group = self.frame.granularity().group_cols(cols);
        (0..cols).step_by(group).map(|at| at..(at + group).min(cols)).collect()
    }

    /// The codes of one stack within one of [`Self::groups`], as a matrix of their own: repacked if it is not all columns.
    pub fn codes(&self, stack: usize, group: usize) -> TileMatrix<'_> {
        if self.is_grouped() {
            let groups = self.groups();
            let of_stack = |stack| groups.iter().map(|cols| slice(&self.frame.stack(stack), cols)).collect();
            let slices = self.slices.get_or_init(|| (0..self.frame.stacks()).map(of_stack).collect());
            let (cols, words) = (groups[group].len(), &slices[stack][group]);
            TileMatrix::new(self.frame.rows(), cols, self.frame.code(), words).expect("packed to this shape")
        } else {
            self.frame.stack(stack)
        }
    }

    /// The scale of every row of one stack within one group; one scale if all rows share it.
    pub fn row_scales(&self, stack: usize, group: usize) -> Vec<f32> {
        let scales = self.frame.stack_scales(stack);
        if self.is_grouped() { scales.iter().skip(group).step_by(self.groups().len()).copied().collect() } else { scales.to_vec() }
    }

    /// One row of W as floats: an embedding's vector. Stacks are added in order, then outliers.
    ///
    /// # Panics
    /// If there is no such row or `out` is not `cols` long.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let frame = &self.frame;
        assert!(row < frame.rows() && out.len() == frame.cols(), "row {row} of {} x {}", frame.rows(), frame.cols());
        out.fill(0.0);
        for stack in 0..frame.stacks() {
            let (codes, scales) = (frame.stack(stack), frame.stack_scales(stack));
            for (col, out) in out.iter_mut().enumerate() {
                *out += f32::from(codes.get(row, col)) * scales[frame.granularity().scale_index(frame.cols(), row, col)];
            }
        }
        for outlier in frame.outliers().iter().filter(|o| o.row == row) {
            out[outlier.col] += outlier.value;
        }
    }
}

/// The words of a matrix's columns `cols`, as a matrix of their own.
pub(crate) fn slice(matrix: &TileMatrix<'_>, cols: &Range<usize>) -> Vec<u64> {
    let values: Vec<i8> = (0..matrix.rows()).flat_map(|row| cols.clone().map(move |col| matrix.get(row, col))).collect();
    tile::pack(matrix.rows(), cols.len(), matrix.code(), &values).expect("values of the same code in a smaller shape")
}
