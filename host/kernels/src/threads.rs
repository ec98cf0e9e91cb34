//! How many threads this process computes with.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// The limit; 0 of none. A process has one, as it has one number of cores.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Limits the threads of every [`crate::CpuGemv::new`] from now on; at least 1.
pub fn limit_threads(threads: usize) {
    LIMIT.store(threads.max(1), Ordering::Relaxed);
}

/// The limit, or else a thread for each core that the process may use.
pub fn granted_threads() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => available_parallelism().map_or(1, usize::from),
        limit => limit,
    }
}
