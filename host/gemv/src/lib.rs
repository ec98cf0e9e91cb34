//! The traits of a GEMV back end.
//!
//! [`Gemv`] has four methods: name, supports, prepare, run. Integers go in and come out, so every back end is bit-equal and no test
//! needs a tolerance. What only some back ends can do is a trait of its own, which a back end hands out as an `Option`:
//!
//! | trait | asked for by | what it does |
//! |---|---|---|
//! | [`Vectors`] | [`Gemv::vectors`] | reads a weight once for several vectors |
//! | [`Columns`] | [`Gemv::columns`] | multiplies some columns of a matrix in place |
//! | [`Grids`] | [`Gemv::grids`] | multiplies group-quantized matrices whole |
//! | [`Tokens`] | [`Gemv::tokens`] | makes whole tokens |
//! | [`Seeds`] | [`Gemv::seeds`] | does the element operations of the articles |
//!
//! A caller that gets `None` has its own way with [`Gemv::run`] alone. Nothing here multiplies, opens or prints.
//!
//! # Example
//!
//! ```
//! use nda_gemv::{Activations, Gemv, GemvError};
//! use nda_spec::{ActivationCode, TileMatrix};
//!
//! /// A product on whatever back end there is.
//! fn product<'m>(gemv: &mut dyn Gemv<'m>, matrix: TileMatrix<'m>, x: &[i8]) -> Result<Vec<i32>, GemvError> {
//!     let mut y = vec![0; matrix.rows()];
//!     let id = gemv.prepare(&[matrix])?;
//!     gemv.run(id, Activations { code: ActivationCode::A8, values: x }, &mut y)?;
//!     Ok(y)
//! }
//! ```

#![forbid(unsafe_code)]

pub mod check;
mod columns;
mod cost;
mod error;
mod gemv;
mod grids;
mod seeds;
mod shape;
mod tokens;
mod vectors;

pub use columns::Columns;
pub use cost::{Cost, Work};
pub use error::GemvError;
pub use gemv::Gemv;
pub use grids::{GridId, GridInputError, Grids, GroupedVectors, integer_layers};
pub use seeds::Seeds;
pub use shape::{Activations, MatrixId, Shape};
pub use tokens::{Followed, Following, NoTokens, Start, TextStep, Tokens, TokensId, check_steps};
pub use vectors::{Vectors, run_vectors};
