//! The array that multiplies, and the sequencer that feeds it.

pub mod gemv_array;
pub mod gemv_sequencer;
