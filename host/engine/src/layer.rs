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
        })
    }

    /// Rows of all parts together: the length of y.
    pub fn rows(&self) -> usize {
        match self {
            Prepared::Matrices(linear) => linear.rows(),
            Prepared::Grids(grids) => grids.rows(),
        }
    }

    /// Columns: the length of x.
    pub fn cols(&self) -> usize {
        match self {
            Prepared::Matrices(linear) => linear.cols(),
            Prepared::Grids(grids) => grids.cols(),
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
            Prepared::Grids(grids) => grids.apply_codes(gemv, x, scratch, y),
        }
    }
}
