//! Medians of repeated runs.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Fewest runs that a median is taken of.
const MIN_RUNS: usize = 7;
/// Most runs kept.
const MAX_RUNS: usize = 20_000;
/// How many times its best a control takes at most in a round that counts: threads need a microsecond to share it.
const DISTURBED: f64 = 1.1;
/// Rounds that count which are enough.
const ENOUGH: usize = 50;
/// How many times as long as asked for it waits for them.
const PATIENCE: u32 = 5;
/// Runs of the arithmetic before the first round, so that its best is known: a millisecond.
const CALIBRATION: usize = 40;
/// Runs of short work that say how often a sample repeats it.
const WARM_RUNS: usize = 8;
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
    /// How many samples these are of.
    pub samples: usize,
    /// How many of them were taken while the cores were whole.
    pub undisturbed: usize,
    /// How many were taken in all.
    pub rounds: usize,
}

/// Runs `work` again and again for about `time`, after runs that count nothing.
pub fn measure(time: Duration, mut work: impl FnMut()) -> Timing {
    let [timing] = measure_in_turn(time, [&mut work]);
    timing
}

/// Runs several works in turn, a sample of each, for about `time` each. What others take of the machine, and what its clock
/// does, is then nearly the same for all of them: their ratios are good where the single figures are not.
pub fn measure_in_turn<const N: usize>(time: Duration, works: [&mut dyn FnMut(); N]) -> [Timing; N] {
    measure_beside(time, &mut arithmetic, works)
}

/// [`measure_in_turn`] with a control of one's own: [`arithmetic`], on every thread that works. It is timed after each round, and a
/// round counts when it took no more than `DISTURBED` times the best that one thread has needed for it so far. So a round counts
/// when the cores are whole: those of a virtual machine are, at times, halves of one core, and the works, which use its parts
/// differently, suffer differently. It goes on for up to `PATIENCE` times as long until enough rounds count.
pub fn measure_beside<const N: usize>(time: Duration, control: &mut dyn FnMut(), mut works: [&mut dyn FnMut(); N]) -> [Timing; N] {
    let repeats = works.each_mut().map(|work| {
        let mut one = || {
            let begin = Instant::now();
            work();
            begin.elapsed()
        };
        // The first run of short work is mostly the way into the caches.
        let first = one();
        let first = if first < SAMPLE { (0..WARM_RUNS).map(|_| one()).fold(first, Duration::min) } else { first };
        (SAMPLE.as_nanos() / first.as_nanos().max(1)).clamp(1, 1 << 14) as usize
    });
    for _ in 0..CALIBRATION {
        timed_s(&mut arithmetic);
    }
    let mut rounds: Vec<([f64; N], f64)> = Vec::new();
    let mut counting = 0;
    let begin = Instant::now();
    let time = time * u32::try_from(N).unwrap_or(u32::MAX);
    let goes_on = |rounds: usize, counting: usize| {
        let patience = if counting < ENOUGH { PATIENCE } else { 1 };
        rounds < MIN_RUNS || (begin.elapsed() < time * patience && rounds < MAX_RUNS)
    };
    while goes_on(rounds.len(), counting) {
        let mut sample = [0.0; N];
        for ((work, &repeats), sample) in works.iter_mut().zip(&repeats).zip(&mut sample) {
            let start = Instant::now();
            (0..repeats).for_each(|_| work());
            *sample = start.elapsed().as_secs_f64() / repeats as f64;
        }
        let control = timed_s(control);
        counting += usize::from(control <= whole_s());
        rounds.push((sample, control));
    }
    rounds.sort_by(|a, b| a.1.total_cmp(&b.1));
    let counting = rounds.iter().filter(|round| round.1 <= whole_s()).count();
    // If too few count, the least disturbed ones do: Timing says how many there were.
    let kept = counting.max(MIN_RUNS);
    std::array::from_fn(|work| {
        let mut samples: Vec<f64> = rounds[..kept].iter().map(|round| round.0[work]).collect();
        samples.sort_by(f64::total_cmp);
        let at = |tenths: usize| samples[(samples.len() - 1) * tenths / 10];
        Timing { median_s: at(5), p10_s: at(1), p90_s: at(9), samples: samples.len(), undisturbed: counting, rounds: rounds.len() }
    })
}

/// The fastest control that this process has seen.
static BEST_NS: AtomicU64 = AtomicU64::new(u64::MAX);

/// What a control takes now.
fn timed_s(control: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    control();
    let took = start.elapsed();
    BEST_NS.fetch_min(took.as_nanos() as u64, Ordering::Relaxed);
    took.as_secs_f64()
}

/// What a control takes at most when the cores are whole.
fn whole_s() -> f64 {
    DISTURBED * BEST_NS.load(Ordering::Relaxed) as f64 * 1e-9
}

/// Some 25 microseconds of additions and exclusive ors, as many at a time as a core can do: it takes twice as long on half a core,
/// and less memory than registers hold.
pub fn arithmetic() {
    const LANES: usize = 16;
    const TURNS: usize = 16_000;
    let mut lanes: [u64; LANES] = std::array::from_fn(|lane| lane as u64);
    let step = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..TURNS {
        lanes = lanes.map(|lane| (lane.wrapping_add(step) ^ step) & !1);
    }
    black_box(lanes);
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
        assert_eq!(timing.rounds, MIN_RUNS);
        assert!(timing.median_s >= 200e-6, "{timing:?}");
    }

    #[test]
    fn a_round_in_which_the_control_is_slow_does_not_count() {
        let (turn, slow) = (std::cell::Cell::new(0_u32), |turn: u32| turn % 3 == 1);
        // Work and control are slow together, in a third of the rounds: the first call of the work counts nothing.
        let mut control = || {
            (0..if slow(turn.get()) { 20 } else { 1 }).for_each(|_| arithmetic());
            turn.set(turn.get() + 1);
        };
        let mut work = || std::thread::sleep(Duration::from_micros(if slow(turn.get()) { 3000 } else { 300 }));
        let [timing] = measure_beside(Duration::from_millis(100), &mut control, [&mut work]);
        assert!(timing.undisturbed <= timing.rounds * 2 / 3 + 1 && timing.median_s < 2000e-6, "{timing:?}");
    }

    #[test]
    fn works_in_turn_have_equal_samples_and_times_of_their_own() {
        let mut runs = 0;
        let mut long = || std::thread::sleep(Duration::from_micros(400));
        let [short, long] = measure_in_turn(Duration::from_millis(5), [&mut || runs += 1, &mut long]);
        assert_eq!((short.samples, short.rounds), (long.samples, long.rounds));
        assert!(short.median_s < 100e-6 && long.median_s >= 400e-6 && runs >= short.samples, "{short:?} {long:?}");
    }
}
