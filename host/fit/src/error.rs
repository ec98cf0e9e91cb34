//! What can be wrong with what is to be fitted.

/// Why a matrix was not fitted. Places are rows and columns from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There are not as many numbers as the shape says, or none at all.
    #[error("{rows} x {cols} is not a shape of {found} numbers; give rows and columns of at least 1 and all their numbers")]
    Shape {
        /// Rows that were said.
        rows: usize,
        /// Columns that were said.
        cols: usize,
        /// Numbers that were given.
        found: usize,
    },
    /// A number is not finite.
    #[error("row {row}, column {col} is {value}; {what} must be finite: look for a damaged source or an overflow before it")]
    NotFinite {
        /// What the number is of: `weights` or `inputs`.
        what: &'static str,
        /// Its row; of inputs the sample.
        row: usize,
        /// Its column.
        col: usize,
        /// The number.
        value: f32,
    },
    /// A weight is larger than scales can spell.
    #[error(
        "row {row}, column {col} is {value}; weights up to {} can be fitted, because scales are f16: divide the matrix by a power of two",
        crate::MAX_WEIGHT
    )]
    TooLarge {
        /// The weight's row.
        row: usize,
        /// Its column.
        col: usize,
        /// The weight.
        value: f32,
    },
    /// The plan asks for a number of stacks that no matrix has.
    #[error("{found} stacks are planned; a matrix has 1 to {}", crate::MAX_STACKS)]
    Stacks {
        /// Stacks of the plan.
        found: usize,
    },
    /// The plan's groups have no columns.
    #[error("groups of {found} columns are planned; a group has at least 1")]
    Group {
        /// Columns of a group.
        found: usize,
    },
    /// The plan keeps too many outliers, or less than none.
    #[error("a share of {found} of the weights is planned as outliers; it is 0 to {}, usually 0.001", crate::MAX_OUTLIER_SHARE)]
    OutlierShare {
        /// The share.
        found: f32,
    },
    /// The plan's damping is not between 0 and 1.
    #[error("a damping of {found} is planned; it is a share of the inputs' mean square, 0 to {}, usually 0.01", crate::MAX_DAMPING)]
    Damping {
        /// The damping.
        found: f64,
    },
    /// The second moments are of inputs of another length.
    #[error("the matrix has {cols} columns, but the inputs that were seen have {found} numbers; collect them at this matrix")]
    Inputs {
        /// Columns of the matrix.
        cols: usize,
        /// Columns of the Hessian.
        found: usize,
    },
    /// The second moments are not those of any inputs.
    #[error("the inputs' second moments are not positive definite at column {col} even with a damping of {damping}; collect them anew")]
    NotDefinite {
        /// Where the factorisation stopped.
        col: usize,
        /// The largest damping that was tried.
        damping: f64,
    },
}
