//! Which kernel is faster, by a measurement at the first product of a kind.

use crate::error::GpuError;
use crate::gemv::GpuGemv;
use crate::kernel::Kernel;
use nda_gemv::Activations;
use std::time::{Duration, Instant};

/// Products of each kernel that are timed, in turn; the first of each, which builds its pipeline, is not.
const ROUNDS: usize = 3;

/// Multiplies with both kernels until it is clear which is faster; gives that one and the product.
///
/// # Errors
/// The device's; [`GpuError::Wrong`] if the kernels disagree.
pub(crate) fn choose(gemv: &mut GpuGemv, id: usize, vectors: usize, x: Activations<'_>) -> Result<(Kernel, Vec<u32>), GpuError> {
    let [first, second] = Kernel::ALL;
    let found = gemv.multiply(first, id, vectors, x)?;
    if gemv.multiply(second, id, vectors, x)? != found {
        let what = format!("the kernels {} and {} disagree", first.name(), second.name());
        return Err(GpuError::Wrong { adapter: gemv.adapter().name.clone(), what });
    }
    let mut times = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (kernel, best) in Kernel::ALL.into_iter().zip(&mut times) {
            let start = Instant::now();
            gemv.multiply(kernel, id, vectors, x)?;
            *best = (*best).min(start.elapsed());
        }
    }
    Ok((if times[1] < times[0] { second } else { first }, found))
}
