//! Work on the rows of a batch, shared by the host's threads: a row's result does not depend on who computes it.

use crate::host::Builtins;
use std::sync::{Mutex, PoisonError};

/// Elements from which on threads share an operation: some microseconds' worth.
const SHARED: usize = 1 << 12;
/// Elements of a task, about: enough that to take it costs little beside it.
const TASK: usize = 1 << 11;

/// Lets `work` fill `out` by whole rows of `row` elements, some at a time: it is told the first element of those that it fills.
pub(super) fn fill(host: &dyn Builtins, row: usize, out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() < SHARED || row == 0 {
        return work(0, out);
    }
    let part = (TASK / row).max(1) * row;
    let places: Vec<_> = out.chunks_mut(part).map(Mutex::new).collect();
    host.share(places.len(), &|task| {
        // Nobody else takes this place, and a panic of another is passed on by whoever shares.
        work(task * part, &mut places[task].lock().unwrap_or_else(PoisonError::into_inner));
    });
}
