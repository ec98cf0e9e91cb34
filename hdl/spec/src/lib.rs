//! The contract that every back end obeys: golden models, codes and bit planes,
//! widths, the cycle model of a job, the wire frame and the register map.
//!
//! This crate knows no HDL, no file, no port and no thread. Whatever two sides of
//! the project have to agree on stands here once and is imported by both.
//!
//! # Example
//!
//! ```
//! use nda_spec::{ActivationCode, WeightCode, golden};
//!
//! // One product, by multiplication and by AND and popcount of planes.
//! let (weights, x) = ([-2, -1, 1, 2], [10, 20, 30, 40]);
//! assert_eq!(golden::gemv(1, 4, &weights, &x), [70]);
//! assert_eq!(golden::gemv_by_planes(WeightCode::Quaternary, ActivationCode::A8, 1, 4, &weights, &x), [70]);
//! ```

#![forbid(unsafe_code)]

pub mod code;
pub mod config;
pub mod cycles;
pub mod golden;
pub mod grid;
mod group;
pub mod growing;
pub mod job;
pub mod kv;
pub mod plan;
pub mod random;
pub mod requantize;
pub mod seed;
pub mod tile;
pub mod token;
pub mod width;
pub mod wire;

pub use code::{ActivationCode, Affine, WeightCode};
pub use config::Config;
pub use grid::{GridMatrix, GroupCols};
pub use tile::{TileError, TileMatrix};
