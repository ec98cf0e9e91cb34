//! How fast the articles' element operations are beside an addition of floats and beside memory, on one thread.
//!
//! `cargo run --release -p nda-kernels --example element_rates`: checks every answer first, then prints medians and, for the sums,
//! the ratio to an f32 addition of as many elements that the compiler vectorises for the same machine. Each round times
//! one after the other, so that a shared machine slows both. `-- --check` fails if the ratio is below 15 from 16,384
//! elements on.

use nda_kernels::seed::{Elements, Planes, PlanesMut};
use nda_spec::random::Random;
use nda_spec::seed::{self, Scaled};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Elements of a vector: from a first cache level to beyond the last.
const COUNTS: [usize; 5] = [1 << 14, 1 << 16, 1 << 18, 1 << 22, 1 << 26];
/// Time for each size, and least rounds.
const MEASURE: Duration = Duration::from_millis(400);
const ROUNDS: usize = 9;
/// What the sums have to reach against floats.
const RATIO: f64 = 15.0;

/// `out = a + b`, compiled for AVX2 where the machine has it.
fn add_floats(a: &[f32], b: &[f32], out: &mut [f32]) {
    #[inline(always)]
    fn body(a: &[f32], b: &[f32], out: &mut [f32]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = a + b;
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(a: &[f32], b: &[f32], out: &mut [f32]) {
        body(a, b, out);
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2, as was found just now.
        return unsafe { wide(a, b, out) };
    }
    body(a, b, out);
}

/// Numbers that begin with a cache line, the floats' as well as the planes'.
struct Aligned<T> {
    all: Vec<T>,
    start: usize,
    count: usize,
}

impl<T: Copy> Aligned<T> {
    fn new(count: usize, fill: T) -> Aligned<T> {
        let all = vec![fill; count + 64 / size_of::<T>()];
        Aligned { start: all.as_ptr().align_offset(64), all, count }
    }

    fn get(&self) -> &[T] {
        &self.all[self.start..self.start + self.count]
    }

    fn get_mut(&mut self) -> &mut [T] {
        &mut self.all[self.start..self.start + self.count]
    }
}

/// Planes of a vector: sign and extra.
struct Vector(Aligned<u64>, Aligned<u64>);

impl Vector {
    /// Random planes.
    fn random(words: usize, random: &mut Random) -> Vector {
        let mut vector = Vector(Aligned::new(words, 0), Aligned::new(words, 0));
        for plane in [&mut vector.0, &mut vector.1] {
            for word in plane.get_mut() {
                *word = random.next_u64();
            }
        }
        vector
    }

    fn view(&self) -> Planes<'_> {
        Planes { sign: self.0.get(), extra: self.1.get() }
    }

    fn view_mut(&mut self) -> PlanesMut<'_> {
        PlanesMut { sign: self.0.get_mut(), extra: self.1.get_mut() }
    }

    fn codes(&self) -> Vec<i8> {
        seed::codes(self.0.get(), self.1.get(), 64 * self.0.count)
    }
}

fn main() -> ExitCode {
    let elements = Elements::best();
    answers(elements);
    let mut worst = f64::INFINITY;
    println!("{}; medians of one thread; GB/s counts the bytes that are read and written", elements.variant());
    println!("{:>10}  {:>9}  {:>9}  {:>6}  {:>11}  {:>11}  {:>11}", "elements", "f32 add", "add", "ratio", "copy", "silu", "rms_norm");
    println!("{:>10}  {:>9}  {:>9}  {:>6}  {:>11}  {:>11}  {:>11}", "", "ns", "ns", "", "GB/s", "GB/s", "GB/s");
    for count in COUNTS {
        let ratio = one_size(elements, count);
        worst = worst.min(ratio);
    }
    println!("least ratio: {worst:.1} (target {RATIO})");
    let checks = std::env::args().any(|argument| argument == "--check");
    if checks && worst < RATIO { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One line; the sums' ratio to floats.
fn one_size(elements: Elements, count: usize) -> f64 {
    let words = count / 64;
    let mut random = Random::new(2);
    let (x, d) = (Vector::random(words, &mut random), Vector::random(words, &mut random));
    let mut out = Vector::random(words, &mut random);
    let (a, b, mut c) = (Aligned::new(count, 1.5_f32), Aligned::new(count, -0.25_f32), Aligned::new(count, 0.0_f32));
    let mut copied = Aligned::new(words, 1_u64);
    let mut times: [Vec<f64>; 5] = Default::default();
    let start = Instant::now();
    let mut time = |which: usize, run: &mut dyn FnMut()| {
        // Small vectors are run several times a sample, so that the clock's own time does not count.
        let repeats = ((1 << 20) / count).max(1);
        let begin = Instant::now();
        (0..repeats).for_each(|_| run());
        times[which].push(begin.elapsed().as_secs_f64() / repeats as f64);
        times[which].len()
    };
    loop {
        time(0, &mut || {
            add_floats(black_box(a.get()), black_box(b.get()), c.get_mut());
            black_box(c.get());
        });
        time(1, &mut || {
            elements.add(black_box(x.view()), black_box(d.view()), out.view_mut());
            black_box(out.view());
        });
        time(2, &mut || {
            copied.get_mut().copy_from_slice(black_box(x.0.get()));
            black_box(copied.get());
        });
        time(3, &mut || {
            elements.silu(black_box(x.0.get()), copied.get_mut(), count);
            black_box(copied.get());
        });
        let rounds = time(4, &mut || {
            elements.rms_norm(black_box(x.view()), black_box(d.view()), count, 10, out.view_mut());
            black_box(out.view());
        });
        if rounds >= ROUNDS && start.elapsed() > MEASURE {
            break;
        }
    }
    let median = times.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    });
    // Planes that pass: a copy reads one and writes one, SiLU reads two and writes one, the norm reads two twice (once for its
    // popcounts), two of the weight, and writes two.
    let rate = |which: usize, planes: usize| (planes * words * 8) as f64 / median[which] / 1e9;
    let ratio = median[0] / median[1];
    println!(
        "{count:>10}  {:>9.0}  {:>9.0}  {ratio:>6.1}  {:>11.1}  {:>11.1}  {:>11.1}",
        median[0] * 1e9,
        median[1] * 1e9,
        rate(2, 2),
        rate(3, 3),
        rate(4, 8)
    );
    ratio
}

/// Sum, SiLU and norm of a vector against the golden models.
fn answers(elements: Elements) {
    let mut random = Random::new(1);
    let (x, d) = (Vector::random(65, &mut random), Vector::random(65, &mut random));
    let mut out = Vector::random(65, &mut random);
    let scaled = |v: &Vector| Scaled { codes: v.codes(), log2_scale: 0 };
    elements.add(x.view(), d.view(), out.view_mut());
    assert_eq!(out.codes(), seed::add(&scaled(&x), &scaled(&d)).codes, "a wrong sum");
    elements.rms_norm(x.view(), d.view(), 64 * 65, 10, out.view_mut());
    assert_eq!(out.codes(), seed::rms_norm(&x.codes(), &scaled(&d), 10).codes, "a wrong norm");
    out.0.get_mut().copy_from_slice(x.0.get());
    out.1.get_mut().copy_from_slice(x.1.get());
    elements.silu(x.0.get(), out.1.get_mut(), 64 * 65);
    assert_eq!(out.codes(), x.codes().iter().map(|&v| seed::silu(v)).collect::<Vec<_>>(), "a wrong SiLU");
}
