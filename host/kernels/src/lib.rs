//! GEMV on the CPU.
//!
//! [`CpuGemv`] multiplies weights of every code by A8, A4 and A2 activations, one vector or several at a time, all of
//! them bit-equal to `nda_spec::golden::gemv`, and grids by several vectors at once, bit-equal to `nda_spec::grid::gemv`. It
//! reads the weights where they lie (a mapped file) in the tile layout of `nda_spec::tile`, and chooses among [`Variant`]s
//! once, at run time. [`seed`] has the articles' element operations.
//!
//! # Example
//!
//! ```
//! use nda_gemv::{Activations, Gemv};
//! use nda_kernels::CpuGemv;
//! use nda_spec::{ActivationCode, TileMatrix, WeightCode, tile};
//!
//! let words = tile::pack(1, 4, WeightCode::Ternary, &[-1, 0, 1, 1])?;
//! let mut cpu = CpuGemv::new();
//! let id = cpu.prepare(&[TileMatrix::new(1, 4, WeightCode::Ternary, &words)?])?;
//! let mut y = [0];
//! cpu.run(id, Activations { code: ActivationCode::A8, values: &[1, 2, 3, 4] }, &mut y)?;
//! assert_eq!(y, [6]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]

mod a2;
mod activations;
#[allow(unsafe_code)]
pub mod attention;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
pub mod cpu;
#[allow(unsafe_code)]
pub mod float;
pub mod grid;
mod grid_kernel;
#[allow(unsafe_code)]
pub mod kv;
mod level;
#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code)]
mod neon;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod pairs;
#[allow(unsafe_code)]
mod portable;
#[allow(unsafe_code)]
pub mod quantize;
#[allow(unsafe_code)]
pub mod roof;
#[allow(unsafe_code)]
pub mod seed;
mod shares;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod subsets;
mod thread_pool;
mod threads;
mod word;

pub use cpu::{CpuError, CpuGemv};
pub use grid::GridInput;
pub use kv::{FrameKernel, FrameVectors};
pub use level::Variant;
pub use thread_pool::ThreadPool;
pub use threads::{granted_threads, limit_threads};
