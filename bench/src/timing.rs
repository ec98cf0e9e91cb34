//! Medians of repeated runs.

use std::time::{Duration, Instant};

/// Fewest runs that a median is taken of.
const MIN_RUNS: usize = 7;
/// Most runs kept.
const MAX_RUNS: usize = 20_000;
/// Shortest sample: shorter work is repeated within a sample, so that the clock's own cost does not count.
const SAMPLE: Duration = Duration::from_micros(20);

/// Seconds that one run takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// The median.
    pub median_s: f64,
    /// The value that a tenth of the runs stay below.
    pub p10_s: f64,
    /// The value that a tenth of the runs exceed.
    pub p90_s: f64,
    /// How many samples were taken.
    pub samples: usize,
}

/// Runs `work` again and again for about `time`, after one run that counts nothing.
pub fn measure(time: Duration, mut work: impl FnMut()) -> Timing {
    let begin = Instant::now();
    work();
    let first = begin.elapsed();
    let repeats = (SAMPLE.as_nanos() / first.as_nanos().max(1)).clamp(1, 1 << 14) as usize;
    let mut samples = Vec::new();
    let begin = Instant::now();
    while samples.len() < MIN_RUNS || (begin.elapsed() < time && samples.len() < MAX_RUNS) {
        let start = Instant::now();
        (0..repeats).for_each(|_| work());
        samples.push(start.elapsed().as_secs_f64() / repeats as f64);
    }
    samples.sort_by(f64::total_cmp);
    let at = |tenths: usize| samples[(samples.len() - 1) * tenths / 10];
    Timing { median_s: at(5), p10_s: at(1), p90_s: at(9), samples: samples.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_is_repeated_and_long_work_is_not_cut() {
        let mut runs = 0;
        let timing = measure(Duration::from_millis(2), || runs += 1);
        assert!(runs > timing.samples && timing.p10_s <= timing.median_s && timing.median_s <= timing.p90_s, "{timing:?}");
        let timing = measure(Duration::ZERO, || std::thread::sleep(Duration::from_micros(200)));
        assert_eq!(timing.samples, MIN_RUNS);
        assert!(timing.median_s >= 200e-6, "{timing:?}");
    }
}
