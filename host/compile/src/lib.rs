//! Trace once, compile for whom it is for.
//!
//! [`trace()`] runs a model's NDA program with its tokens, its position and all data unknown, and gives the
//! [`nda_ir::Graph`] of a token, or the reason and the place in the source why there is none ([`Untraceable`]): then
//! the program runs on the CPU's tiers alone. Passes rewrite the graph ([`fuse()`]), and a back end is compiled
//! from it: [`plan_blocks`] places a graph on a board's vector unit and lowers it to programs of vector steps.

#![forbid(unsafe_code)]

mod blocks;
mod fuse;
pub mod token;
mod trace;

pub use blocks::{Answer, BlockPlan, Chain, Numbers, RowScales, STREAM_BITS, Scores, Take, VALUE_BITS, Work, constant, plan_blocks};
pub use fuse::fuse;
pub use trace::{Untraceable, trace};
