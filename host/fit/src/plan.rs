//! How a matrix is to be fitted.

use crate::FitError;

/// The most stacks that a matrix has.
pub const MAX_STACKS: usize = nda_spec::grid::MAX_STACKS;
/// The largest share of weights kept as outliers: at most one is taken from a group of 32.
pub const MAX_OUTLIER_SHARE: f32 = 0.03;
/// The largest damping; more than the mean square itself leaves nothing of the inputs' shape.
pub const MAX_DAMPING: f64 = 1.0;

/// How many weights share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// All of a row.
    Row,
    /// So many columns of a row that stand side by side; the last group of a row may have fewer.
    Columns(usize),
}

impl Group {
    /// Columns of a group in a matrix of `cols` columns.
    pub fn columns(self, cols: usize) -> usize {
        match self {
            Group::Row => cols,
            Group::Columns(columns) => columns.min(cols),
        }
    }

    /// Groups of a row of `cols` columns.
    pub fn groups(self, cols: usize) -> usize {
        cols.div_ceil(self.columns(cols))
    }
}

/// In which order columns are rounded. Those that come first are rounded as they are; what that costs, later ones make up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// As they are stored.
    Stored,
    /// The groups of columns with the strongest inputs first, and in a group the strongest column first.
    Groups,
    /// The columns with the strongest inputs first, across groups: their scales are chosen before, not when the group is reached.
    Columns,
}

/// Error feedback by the layer's inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feedback {
    /// Added to the diagonal of the inputs' second moments, as a share of its mean. More of it trusts the sample less.
    pub damping: f64,
    /// In which order columns are rounded.
    pub order: Order,
    /// How often every weight and scale is chosen again, given all others.
    pub polish_passes: usize,
}

impl Default for Feedback {
    fn default() -> Self {
        Self { damping: 0.01, order: Order::Groups, polish_passes: 3 }
    }
}

/// How a matrix is to be fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Stacks of 2-bit planes: 1 to [`MAX_STACKS`].
    pub stacks: usize,
    /// How many weights share a scale.
    pub granularity: Group,
    /// One scale for all stacks, which differ by small integers; else every stack has scales of its own.
    pub shared: bool,
    /// Share of the weights that are corrected by a float, 0 to [`MAX_OUTLIER_SHARE`].
    pub outlier_share: f32,
    /// Error feedback; without it, or without inputs, every weight is rounded to the nearest level.
    pub feedback: Option<Feedback>,
}

impl Plan {
    /// Shared scales, no outliers, feedback as usual.
    pub fn new(stacks: usize, granularity: Group) -> Self {
        Self { stacks, granularity, shared: true, outlier_share: 0.0, feedback: Some(Feedback::default()) }
    }

    /// The same plan with a share of outliers.
    pub fn with_outliers(self, share: f32) -> Self {
        Self { outlier_share: share, ..self }
    }

    /// The same plan without error feedback.
    pub fn without_feedback(self) -> Self {
        Self { feedback: None, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), FitError> {
        if !(1..=MAX_STACKS).contains(&self.stacks) {
            return Err(FitError::Stacks { found: self.stacks });
        }
        if let Group::Columns(0) = self.granularity {
            return Err(FitError::Group { found: 0 });
        }
        if !(0.0..=MAX_OUTLIER_SHARE).contains(&self.outlier_share) {
            return Err(FitError::OutlierShare { found: self.outlier_share });
        }
        match self.feedback {
            Some(feedback) if !(0.0..=MAX_DAMPING).contains(&feedback.damping) => Err(FitError::Damping { found: feedback.damping }),
            _ => Ok(()),
        }
    }
}
