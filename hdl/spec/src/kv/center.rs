//! The mean of a frame's keys, channel by channel: taken off before they become levels, and added to every score again as the query's
//! score of the mean. Keys of positions that follow one another have most of themselves in common.

use super::{FRAME_POSITIONS, scale};

/// The mean of a frame's exact codes, without its first positions if those are read elsewhere: sums in order of the positions.
///
/// # Panics
/// If there are not 64 scales and as many rows of codes as long as `mean`.
pub fn mean(codes: &[i8], scales: &[u8], first: usize, mean: &mut [f32]) {
    assert!(scales.len() == FRAME_POSITIONS && codes.len() == scales.len() * mean.len(), "a frame of exact codes");
    mean.fill(0.0);
    for (row, &k) in codes.chunks_exact(mean.len()).zip(scales).skip(first) {
        mean.iter_mut().zip(row).for_each(|(mean, &code)| *mean += f32::from(code) * scale(k));
    }
    let count = (FRAME_POSITIONS - first.min(FRAME_POSITIONS - 1)) as f32;
    mean.iter_mut().for_each(|mean| *mean /= count);
}

/// A position without the mean, each as codes and a scale.
///
/// # Panics
/// If the lengths differ.
pub fn apart((codes, k): (&[i8], u8), (mean, mean_k): (&[i8], u8), apart: &mut [f32]) {
    assert!(codes.len() == apart.len() && mean.len() == apart.len(), "a value for every code");
    let (own, of_mean) = (scale(k), scale(mean_k));
    apart.iter_mut().zip(codes.iter().zip(mean)).for_each(|(v, (&c, &m))| *v = f32::from(c) * own - f32::from(m) * of_mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_apart_of_a_mean_has_none() {
        let codes: Vec<i8> = (0..FRAME_POSITIONS * 4).map(|i| ((i * 7919) % 200) as i8 / 2 + 20 * (i % 4) as i8 - 30).collect();
        let scales: Vec<u8> = (0..FRAME_POSITIONS).map(|i| 100 + (i % 7) as u8).collect();
        for first in [0, 4] {
            let mut found = [0.0; 4];
            mean(&codes, &scales, first, &mut found);
            let mut mean_codes = [0; 4];
            let mean_k = super::super::exact(&found, &mut mean_codes);
            let mut rest = [0.0_f64; 4];
            for (row, &k) in codes.chunks_exact(4).zip(&scales).skip(first) {
                let mut own = [0.0; 4];
                apart((row, k), (&mean_codes, mean_k), &mut own);
                rest.iter_mut().zip(own).for_each(|(rest, own)| *rest += f64::from(own));
            }
            let step = f64::from(scale(mean_k)) * (FRAME_POSITIONS - first) as f64;
            assert!(rest.iter().all(|rest| rest.abs() < 0.51 * step), "{rest:?} of steps of {step}");
        }
    }
}
