//! How many threads compute.

use crate::failure::{Failure, Outcome};

/// More threads than any machine that this runs on has cores.
const MAX_THREADS: usize = 1024;

/// How many threads compute.
#[derive(clap::Args)]
pub struct ThreadsArgument {
    /// Threads that compute; one for each core unless given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl ThreadsArgument {
    /// Grants them to this process; to be called before anything computes.
    pub fn grant(&self) -> Outcome {
        let Some(threads) = self.threads else { return Ok(()) };
        if !(1..=MAX_THREADS).contains(&threads) {
            let error = format_args!("the number of threads must be 1 to {MAX_THREADS}, got {threads}");
            return Err(Failure::usage(error, "--threads", "leave it out for one per core").into());
        }
        nda_kernels::limit_threads(threads);
        // What shares work through rayon takes its global pool. It is made once; nothing has made it yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        Ok(())
    }
}
