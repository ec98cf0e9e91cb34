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
    let [timing] = measure_in_turn(time, [&mut work]);
    timing
}

/// Runs several works in turn, a sample of each, for about `time` each. What others take of the machine, and what its clock
/// does, is then nearly the same for all of them: their ratios are good where the single figures are not.
pub fn measure_in_turn<const N: usize>(time: Duration, mut works: [&mut dyn FnMut(); N]) -> [Timing; N] {
    let repeats = works.each_mut().map(|work| {
        let begin = Instant::now();
        work();
        let first = begin.elapsed();
        (SAMPLE.as_nanos() / first.as_nanos().max(1)).clamp(1, 1 << 14) as usize
    });
    let mut samples = [const { Vec::new() }; N];
    let begin = Instant::now();
    let time = time * u32::try_from(N).unwrap_or(u32::MAX);
    while samples[N - 1].len() < MIN_RUNS || (begin.elapsed() < time && samples[N - 1].len() < MAX_RUNS) {
        for ((work, &repeats), samples) in works.iter_mut().zip(&repeats).zip(&mut samples) {
            let start = Instant::now();
            (0..repeats).for_each(|_| work());
            samples.push(start.elapsed().as_secs_f64() / repeats as f64);
        }
    }
    samples.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        let at = |tenths: usize| samples[(samples.len() - 1) * tenths / 10];
        Timing { median_s: at(5), p10_s: at(1), p90_s: at(9), samples: samples.len() }
    })
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

    #[test]
    fn works_in_turn_have_equal_samples_and_times_of_their_own() {
        let mut runs = 0;
        let mut long = || std::thread::sleep(Duration::from_micros(400));
        let [short, long] = measure_in_turn(Duration::from_millis(5), [&mut || runs += 1, &mut long]);
        assert_eq!(short.samples, long.samples);
        assert!(short.median_s < 100e-6 && long.median_s >= 400e-6 && runs >= short.samples, "{short:?} {long:?}");
    }
}
