//! Matrices of stacked planes: how they are to be fitted, and how a document holds them.

use nda_engine::{EMBEDDING, HEAD};
use nda_fit::{Fitted, Group, Plan};
use nda_ndf::{DocumentStream, Fault, FrameKind, Granularity, GridContent, MatrixContent, NdfError, Outliers, TileBuffer};
use nda_spec::WeightCode;
use nda_spec::grid::{GroupCols, scale_count, scale_index};

/// How the matrices of a model are fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Stacks of the blocks' matrices.
    pub stacks: usize,
    /// Stacks of the embedding and the head, which suffer most.
    pub head_stacks: usize,
    /// How many weights share a scale.
    pub group: Group,
    /// Share of the weights that are corrected by a float; only with scales a row.
    pub outlier_share: f32,
}

impl Recipe {
    /// Some 5 bits per weight: two stacks, three in the embedding and the head, scales for 32 columns.
    pub const K2: Recipe = Recipe { stacks: 2, head_stacks: 3, group: Group::Columns(32), outlier_share: 0.0 };
    /// 6.5 bits per weight: three stacks, scales for 32 columns.
    pub const K3: Recipe = Recipe { stacks: 3, head_stacks: 3, group: Group::Columns(32), outlier_share: 0.0 };
    /// Two stacks with a scale a row, as fabric multiplies them best.
    pub const K2_ROW: Recipe = Recipe { stacks: 2, head_stacks: 3, group: Group::Row, outlier_share: 0.001 };
    /// Three stacks with a scale a row.
    pub const K3_ROW: Recipe = Recipe { stacks: 3, head_stacks: 3, group: Group::Row, outlier_share: 0.001 };

    pub(crate) fn plan(&self, tensor: &str) -> Plan {
        let stacks = if [EMBEDDING, HEAD].contains(&tensor) { self.head_stacks } else { self.stacks };
        Plan::new(stacks, self.group).with_outliers(self.outlier_share)
    }
}

/// Writes a fitted matrix: as a grid if its stacks share scales by groups that grids know, else with scales a stack.
pub(crate) fn write(name: &str, fitted: &Fitted, stream: &mut DocumentStream) -> Result<(), NdfError> {
    let of = |kind, fault| NdfError::Unwritable { kind, name: name.into(), fault };
    let stack = |(stack, codes): (usize, &Vec<i8>)| {
        let tiles = TileBuffer::from_values(fitted.rows, fitted.cols, WeightCode::Quaternary, codes);
        tiles.map_err(|source| of(FrameKind::Matrix, Fault::Tile { stack, source }))
    };
    let tiles = fitted.codes.iter().enumerate().map(stack).collect::<Result<Vec<_>, _>>()?;
    let stacks: Vec<_> = tiles.iter().map(TileBuffer::matrix).collect();
    let group = if let Group::Columns(cols) = fitted.granularity { GroupCols::from_cols(cols) } else { None };
    if let Some(group) = group.filter(|_| !fitted.coefficients.is_empty() && fitted.outliers.is_empty()) {
        let scales = grid_scales((fitted.rows, fitted.cols), group, &fitted.scales)
            .map_err(|source| of(FrameKind::Grid, Fault::Tile { stack: 0, source }))?;
        return stream.add_grid(&GridContent { name, group, coefficients: &fitted.coefficients, scales: &scales, stacks: &stacks });
    }
    let granularity = match (fitted.granularity, group) {
        (Group::Row, _) => Granularity::Row,
        (_, Some(GroupCols::C32)) => Granularity::Group32,
        (_, Some(GroupCols::C64)) => Granularity::Group64,
        (Group::Columns(cols), _) => {
            return Err(of(FrameKind::Matrix, Fault::Field { field: "group", found: cols as u64, allowed: "32 or 64 (columns)" }));
        }
    };
    // A shared scale becomes one a stack: what it is times the stack's coefficient.
    let scales: Vec<f32> = match fitted.coefficients.is_empty() {
        true => fitted.scales.clone(),
        false => fitted.coefficients.iter().flat_map(|&c| fitted.scales.iter().map(move |scale| f32::from(c) * scale)).collect(),
    };
    let rows: Vec<u32> = fitted.outliers.iter().map(|o| o.0).collect();
    let cols: Vec<u32> = fitted.outliers.iter().map(|o| o.1).collect();
    let values: Vec<f32> = fitted.outliers.iter().map(|o| o.2).collect();
    let outliers = Outliers { rows: &rows, cols: &cols, values: &values };
    stream.add_matrix(&MatrixContent { name, granularity, scales: &scales, stacks: &stacks, outliers })
}

/// The scales of groups, row by row, in the order in which a grid keeps them.
pub(crate) fn grid_scales((rows, cols): (usize, usize), group: GroupCols, scales: &[f32]) -> Result<Vec<u16>, nda_spec::TileError> {
    let mut ordered = vec![0; scale_count(rows, cols, group)?];
    let groups = cols.div_ceil(group.cols());
    for (at, scale) in scales.iter().enumerate() {
        let (row, col) = (at / groups, at % groups * group.cols());
        // A group without a scale is zero to the bit, whatever its sign.
        let bits = half::f16::from_f32(*scale).to_bits();
        ordered[scale_index(row, col, cols, group)] = if *scale == 0.0 { 0 } else { bits };
    }
    Ok(ordered)
}
