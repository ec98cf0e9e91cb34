//! Element operations: the articles' exact ones (seed mode), and the growing sum.

pub mod element_units;
pub mod growing_add;
pub mod seed_add;
pub mod seed_aligned_add;
pub mod seed_compare;
pub mod seed_control;
mod seed_passes;
pub mod seed_quantize;
pub mod seed_rms_norm;
pub mod seed_silu;
pub mod seed_swiglu;
pub mod seed_table;
pub mod seed_truthy;
pub mod seed_unit;
