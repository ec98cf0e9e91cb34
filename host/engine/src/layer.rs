//! A layer of any kind: what it multiplies, and that made ready on a back end.

use crate::error::EngineError;
use crate::grid::GridLinear;
use crate::linear::{Linear, Scratch, integer_layers};
use crate::tensors::Products;
use nda_gemv::{Cost, Gemv};
use nda_lang::Codes;
use nda_spec::ActivationCode;
use nda_spec::plan::Layer;

impl Products<'_, '_> {
    /// The products that these are on a back end of integers.
    pub fn integer_layers(&self) -> Vec<Layer> {
        match self {
            Products::Matrices(matrices) => integer_layers(matrices),
            Products::Grids(grids) => nda_gemv::integer_layers(&grids.iter().map(|grid| grid.matrix()).collect::<Vec<_>>()),
            Products::Mixed(parts) => parts.iter().flat_map(Products::integer_layers).collect(),
        }
    }
}

/// One prepared layer of any kind.
#[derive(Debug, Clone)]
pub enum Prepared {
    /// Matrices with scales of their own per stack.
    Matrices(Linear),
    /// Grids.
    Grids(GridLinear),
    /// Both, one after another by rows.
    Mixed(Vec<Prepared>),
}

impl Prepared {
    /// Prepares what a layer multiplies.
    ///
    /// # Errors
    /// What the back end says against a shape.
    pub fn new<'m>(
        name: &str,
        products: &Products<'m, '_>,
        activation: ActivationCode,
        gemv: &mut dyn Gemv<'m>,
    ) -> Result<Prepared, EngineError> {
        Ok(match products {
            Products::Matrices(matrices) => Prepared::Matrices(Linear::prepare(name, matrices, activation, gemv)?),
            Products::Grids(grids) => Prepared::Grids(GridLinear::prepare(name, grids, gemv)?),
            Products::Mixed(parts) => {
                let parts = parts.iter().map(|part| Prepared::new(name, part, activation, gemv));
                Prepared::Mixed(parts.collect::<Result<_, _>>()?)
            }
        })
    }

    /// Rows of all parts together: the length of y.
    pub fn rows(&self) -> usize {
        match self {
            Prepared::Matrices(linear) => linear.rows(),
            Prepared::Grids(grids) => grids.rows(),
            Prepared::Mixed(parts) => parts.iter().map(Prepared::rows).sum(),
        }
    }

    /// Columns: the length of x.
    pub fn cols(&self) -> usize {
        match self {
            Prepared::Matrices(linear) => linear.cols(),
            Prepared::Grids(grids) => grids.cols(),
            Prepared::Mixed(parts) => parts[0].cols(),
        }
    }

    /// `y = W x` of every vector of x.
    ///
    /// # Errors
    /// A value of x that is not finite, or the back end's failure.
    ///
    /// # Panics
    /// If a length contradicts the shape.
    pub fn apply<'m>(&self, gemv: &mut dyn Gemv<'m>, x: &[f32], scratch: &mut Scratch, y: &mut [f32]) -> Result<Cost, EngineError> {
        match self {
            Prepared::Grids(grids) => grids.apply(gemv, x, scratch, y),
            Prepared::Matrices(linear) => linear.apply(gemv, x, scratch, y),
            Prepared::Mixed(parts) => {
                let (all, vectors, mut cost, mut first) = (self.rows(), x.len() / self.cols(), Cost::default(), 0);
                for part in parts {
                    let rows = part.rows();
                    let mut own = vec![0.0; rows * vectors];
                    cost += part.apply(gemv, x, scratch, &mut own)?;
                    // y has all rows of a vector together.
                    own.chunks_exact(rows).zip(y.chunks_exact_mut(all)).for_each(|(own, y)| y[first..first + rows].copy_from_slice(own));
                    first += rows;
                }
                Ok(cost)
            }
        }
    }

    /// `y = W x` of one vector of codes.
    ///
    /// # Errors
    /// The back end's failure.
    ///
    /// # Panics
    /// If a length contradicts the shape.
    pub fn apply_codes<'m>(&self, gemv: &mut dyn Gemv<'m>, x: &Codes, scratch: &mut Scratch, y: &mut [f32]) -> Result<Cost, EngineError> {
        match self {
            Prepared::Matrices(linear) => linear.apply_codes(gemv, x, scratch, y),
            Prepared::Mixed(parts) => {
                let (mut cost, mut rest) = (Cost::default(), y);
                for part in parts {
                    let (own, others) = rest.split_at_mut(part.rows());
                    cost += part.apply_codes(gemv, x, scratch, own)?;
                    rest = others;
                }
                Ok(cost)
            }
            Prepared::Grids(grids) => grids.apply_codes(gemv, x, scratch, y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;
    use crate::projection::Projection;
    use nda_kernels::CpuGemv;
    use nda_ndf::{AlignedBytes, Document, DocumentWriter, Granularity, GridContent, MatrixContent, Outliers, TileBuffer};
    use nda_spec::grid::{scale_count, scale_index};
    use nda_spec::{GroupCols, WeightCode};

    const COLS: usize = 300;

    fn tiles(rows: usize, seed: usize) -> TileBuffer {
        let codes: Vec<i8> = (0..rows * COLS).map(|at| if (at * 7 + seed) % 11 < 5 { 1 } else { -1 }).collect();
        TileBuffer::from_values(rows, COLS, WeightCode::Binary, &codes).unwrap()
    }

    #[test]
    fn matrices_and_grids_of_one_layer_keep_their_rows_order() {
        let mut writer = DocumentWriter::new();
        for (name, rows) in [("q", 5), ("v", 3)] {
            let (tiles, scales) = (tiles(rows, rows), [0.25]);
            let content = MatrixContent {
                name,
                granularity: Granularity::Matrix,
                scales: &scales,
                stacks: &[tiles.matrix()],
                outliers: Outliers::default(),
            };
            writer.add_matrix(&content).unwrap();
        }
        let (own, group) = (tiles(4, 9), GroupCols::C128);
        let mut scales = vec![0; scale_count(4, COLS, group).unwrap()];
        for (row, col) in (0..4).flat_map(|row| (0..COLS).step_by(128).map(move |col| (row, col))) {
            scales[scale_index(row, col, COLS, group)] = 0x3000 + (row * 64 + col) as u16;
        }
        writer.add_grid(&GridContent { name: "k", group, coefficients: &[1], scales: &scales, stacks: &[own.matrix()] }).unwrap();
        let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
        let document = Document::open(&bytes).unwrap();
        let [q, v] = ["q", "v"].map(|name| Projection::new(document.matrix(name).unwrap()));
        let k = Grid::new(document.grid("k").unwrap());
        let parts = [Products::Matrices(vec![&q]), Products::Grids(vec![&k]), Products::Matrices(vec![&v])];
        let (mut gemv, mut scratch) = (CpuGemv::new(), Scratch::default());
        let x: Vec<f32> = (0..2 * COLS).map(|at| ((at * 13 % 29) as f32 - 14.0) / 5.0).collect();
        let together = Products::Mixed(parts.to_vec());
        let mixed = Prepared::new("layer", &together, ActivationCode::A8, &mut gemv).unwrap();
        let each = parts.each_ref().map(|part| Prepared::new("layer", part, ActivationCode::A8, &mut gemv).unwrap());
        assert_eq!((mixed.rows(), mixed.cols()), (12, COLS));
        let mut run = |layer: &Prepared, x: &[f32]| {
            let mut y = vec![f32::NAN; x.len() / COLS * layer.rows()];
            layer.apply(&mut gemv, x, &mut scratch, &mut y).unwrap();
            y
        };
        let expected: Vec<f32> = x.chunks_exact(COLS).flat_map(|x| each.each_ref().map(|part| run(part, x)).concat()).collect();
        assert_eq!(run(&mixed, &x), expected);
    }
}
