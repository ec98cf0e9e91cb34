//! Benchmarks that check their answers first and then time.
//!
//! [`run`] measures what this machine reads a second out of L2, L3 and memory, then every kernel that it can run as a
//! share of that, the loop of the articles beside them, and what loading costs. A [`Report`] is the record: machine,
//! commit, seed, every number; [`Report::text`] is for a person, [`Report::json`] for `bench/record`, [`plot::rates`] and [`plot::shares`] for a page.
//! `cargo bench -p nda-bench` gives the same operations to divan, one by one.
//!
//! # Example
//!
//! ```no_run
//! use nda_bench::{BenchError, Options, run};
//!
//! fn measured(options: &Options) -> Result<String, BenchError> {
//!     Ok(run(options, |what| println!("{what}"))?.text())
//! }
//! ```

#![forbid(unsafe_code)]

pub mod backend;
pub mod baseline;
pub mod cases;
mod lines;
pub mod loading;
pub mod machine;
pub mod plot;
mod product;
pub mod report;
pub mod roof;
pub mod timing;

pub use report::{Options, Report, run};

/// What stopped a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A kernel's answer is not the golden model's.
    #[error("{case}: row {row} is {found}, but the golden model says {expected}; nothing was timed (seed {seed})")]
    Wrong {
        /// The case.
        case: String,
        /// The first row that differs.
        row: usize,
        /// What the kernel gave.
        found: String,
        /// What it should have given.
        expected: String,
        /// The seed of weights and activations.
        seed: u64,
    },
    /// A back end refused.
    #[error(transparent)]
    Gemv(#[from] nda_gemv::GemvError),
    /// Kernels that this machine has not, or threads that the system refuses.
    #[error(transparent)]
    Cpu(#[from] nda_kernels::CpuError),
    /// A document of the loading benches.
    #[error(transparent)]
    Ndf(#[from] nda_ndf::NdfError),
    /// Weights of a shape that is none.
    #[error(transparent)]
    Tile(#[from] nda_spec::TileError),
    /// Grids of a shape that is none.
    #[error(transparent)]
    Grid(#[from] nda_spec::grid::GridError),
    /// A file of the loading benches.
    #[error("cannot {action} a file of the benchmark: {source}")]
    Io {
        /// What was done.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A record of peers that is none.
    #[error("{path} is not a record of peers: {reason}")]
    Peers {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The other format of a loading bench failed on its own data.
    #[error("{format} does not read what it wrote: {reason}")]
    OtherFormat {
        /// Its name.
        format: &'static str,
        /// What it said.
        reason: String,
    },
}
