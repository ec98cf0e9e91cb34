//! The rows of a batch as codes, shared by threads.

use nda_kernels::ThreadPool;
use nda_kernels::quantize::first_not_finite;
use nda_lang::quantize_groups;
use nda_spec::ActivationCode;
use std::sync::{Mutex, PoisonError};

/// Activations from which on threads share their quantizing: some microseconds' worth.
const SHARED: usize = 1 << 13;

/// Vectors of `cols` activations become `codes`, with a scale for every `group` columns of each in `scales`. Gives the index of the first
/// value that is not finite, if there is one.
pub(crate) fn quantize_rows(
    pool: &ThreadPool,
    (code, group): (ActivationCode, usize),
    cols: usize,
    x: &[f32],
    codes: &mut Vec<i8>,
    scales: &mut Vec<f32>,
) -> Option<usize> {
    let groups = cols.div_ceil(group);
    codes.resize(x.len(), 0);
    scales.resize(x.len() / cols * groups, 0.0);
    let rows = codes.chunks_exact_mut(cols).zip(scales.chunks_exact_mut(groups));
    let places: Vec<_> = rows.map(|places| Mutex::new((places, None))).collect();
    pool.share_large(x.len(), SHARED, places.len(), |row| {
        // Nobody else takes this row, and a panic of another is passed on by whoever shares.
        let mut place = places[row].lock().unwrap_or_else(PoisonError::into_inner);
        let ((codes, scales), fault) = &mut *place;
        let x = &x[row * cols..][..cols];
        *fault = first_not_finite(x);
        quantize_groups(code, group, x, codes, scales);
    });
    let fault = |place: Mutex<(_, Option<usize>)>| place.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    places.into_iter().map(fault).enumerate().find_map(|(row, fault)| fault.map(|index| row * cols + index))
}
