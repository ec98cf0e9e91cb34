//! How fast each variant multiplies a 4096 x 4096 matrix that stays in the last cache level, on one thread and on all.
//!
//! `cargo run --release -p nda-kernels --example gemv_rates`: checks every answer against the golden model first,
//! then prints medians (in brackets the best tenth, for a machine that is shared), and each median as a fraction of the rate at which this machine reads the same bytes.

use std::hint::black_box;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use nda_gemv::{Activations, Gemv, MatrixId};
use nda_kernels::{CpuGemv, Variant};
use nda_spec::random::Random;
use nda_spec::tile::pack;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, golden};

/// Rows and columns: 4 MiB of weights, more than a core's own caches and less than the last level.
const SIDE: usize = 4096;
/// Time spent on each median, after a warm-up of a fifth of it.
const MEASURE: Duration = Duration::from_millis(300);
/// Most samples of a median.
const MAX_SAMPLES: usize = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all_threads = available_parallelism().map_or(1, usize::from);
    println!("{SIDE} x {SIDE} weights, medians; GB/s counts the bytes of the weights");
    for code in WeightCode::ALL {
        let weights = random(code.values(), SIDE * SIDE);
        let words = pack(SIDE, SIDE, code, &weights)?;
        let matrix = TileMatrix::new(SIDE, SIDE, code, &words)?;
        let roof = read_roof(&words);
        println!("{}: reading the weights, 1 thread: {roof:.1} GB/s", code.name());
        for x_code in ActivationCode::ALL {
            let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
            let values = random(&all, SIDE);
            let expected = golden::gemv(SIDE, SIDE, &weights, &values);
            let x = Activations { code: x_code, values: &values };
            for variant in Variant::available() {
                for threads in if all_threads > 1 { vec![1, all_threads] } else { vec![1] } {
                    let mut cpu = CpuGemv::with_variant(variant)?.with_threads(threads)?;
                    let rates = Rates { matrix, x, expected: &expected, roof };
                    rates.print(&mut cpu)?;
                }
            }
        }
    }
    Ok(())
}

/// One line of the table.
struct Rates<'a> {
    matrix: TileMatrix<'a>,
    x: Activations<'a>,
    expected: &'a [i32],
    roof: f64,
}

impl<'a> Rates<'a> {
    fn print(&self, cpu: &mut CpuGemv<'a>) -> Result<(), Box<dyn std::error::Error>> {
        let id: MatrixId = cpu.prepare(&[self.matrix])?;
        let mut y = vec![0; SIDE];
        cpu.run(id, self.x, &mut y)?;
        assert_eq!(y, self.expected, "{} gives a wrong product", cpu.name());
        let time = measure(|| {
            cpu.run(id, self.x, &mut y).expect("it ran before");
            black_box(&y);
        });
        let rate = |seconds: f64| (SIDE * SIDE) as f64 / seconds / 1e9;
        let (median, best) = (rate(time.median), rate(time.best_tenth));
        let bytes_rate = size_of_val(self.matrix.words()) as f64 / time.median / 1e9;
        let (name, code, x_code, threads) = (cpu.name(), self.matrix.code().name(), self.x.code.name(), cpu.threads());
        let fraction = bytes_rate / self.roof;
        println!(
            "{name:20} {code:10} {x_code} {threads} threads {median:8.1} GMAC/s ({best:.1}) {bytes_rate:7.2} GB/s {fraction:5.2} of 1 reader"
        );
        Ok(())
    }
}

/// GB/s of reading all words once on one thread: an exclusive or, which the compiler vectorises for the default target.
fn read_roof(words: &[u64]) -> f64 {
    let time = measure(|| {
        black_box(read(black_box(words)));
    });
    size_of_val(words) as f64 / time.median / 1e9
}

/// Sixteen independent chains, so that the loads and not the chain set the pace.
fn read(words: &[u64]) -> u64 {
    let mut lanes = [0_u64; 16];
    for chunk in words.as_chunks::<16>().0 {
        for (lane, word) in lanes.iter_mut().zip(chunk) {
            *lane ^= word;
        }
    }
    lanes.iter().fold(0, |all, lane| all ^ lane)
}

/// Seconds of one call.
struct Time {
    median: f64,
    /// A tenth of the calls took less.
    best_tenth: f64,
}

fn measure(mut run: impl FnMut()) -> Time {
    let start = Instant::now();
    while start.elapsed() < MEASURE / 5 {
        run();
    }
    let mut samples = Vec::new();
    let start = Instant::now();
    while samples.is_empty() || (start.elapsed() < MEASURE && samples.len() < MAX_SAMPLES) {
        let sample = Instant::now();
        run();
        samples.push(sample.elapsed().as_secs_f64());
    }
    samples.sort_by(f64::total_cmp);
    Time { median: samples[samples.len() / 2], best_tenth: samples[samples.len() / 10] }
}

/// `count` of the values at random, the same ones in every run.
fn random(values: &[i8], count: usize) -> Vec<i8> {
    let mut random = Random::new(1);
    (0..count).map(|_| random.one_of(values)).collect()
}
