//! GEMV on the CPU, and the trait that every GEMV back end implements.

pub mod gemv;

pub use gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Shape};
