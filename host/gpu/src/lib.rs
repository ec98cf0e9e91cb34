//! GPUs as a GEMV back end: compute shaders through wgpu, bit-equal to the golden models on every adapter.
//!
//! Weights are uploaded once, as they lie in the document; a product sends a vector and reads a vector. Two kernels give the same
//! integers: AND with popcount on bit planes, and dot products of four bytes. Which is faster depends on the adapter, so
//! the first product of a kind measures both. Group-quantized matrices use integers alone, their one fused multiplication and addition
//! included, because WGSL does not promise how its own rounds.
//!
//! A token program (`nda_spec::token`) runs on the device as a whole: one submission per token, nothing read back but the token.
//!
//! Opening an adapter multiplies small matrices of every code first: a driver that computes wrongly is refused, not used.
//!
//! # Example
//!
//! ```no_run
//! for adapter in nda_gpu::adapters() {
//!     println!("{} ({:?})", adapter.name, adapter.kind);
//! }
//! ```

mod adapter;
mod device;
mod error;
mod gemv;
mod grid;
mod input;
mod kernel;
mod selftest;
mod tokens;
mod tune;
mod weights;

pub use adapter::{AdapterInfo, AdapterKind, adapters};
pub use error::GpuError;
pub use gemv::GpuGemv;
pub use kernel::Kernel;
