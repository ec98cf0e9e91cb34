//! How fast the articles' element operations are beside an addition of floats and beside memory, on one thread.
//!
//! `cargo run --release -p nda-kernels --example element_rates`: checks every answer first, then prints medians and, for the sums,
//! the ratio to an f32 addition of as many elements that the compiler vectorises for the same machine. Each round times
//! one after the other, so that a shared machine slows both. `-- --check` fails if the ratio is below 15 from 16,384
//! elements on.

use nda_kernels::seed::{Elements, Planes, PlanesMut};
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

/// Planes of a vector.
struct Vector(Vec<u64>, Vec<u64>);

impl Vector {
    fn view(&self) -> Planes<'_> {
        Planes { sign: &self.0, extra: &self.1 }
    }

    fn view_mut(&mut self) -> PlanesMut<'_> {
        PlanesMut { sign: &mut self.0, extra: &mut self.1 }
    }
}

fn main() -> ExitCode {
    let elements = Elements::best();
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
    let mut state = 88_172_645_463_325_252_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut plane = || (0..words).map(|_| word()).collect::<Vec<u64>>();
    let (x, d, mut out) = (Vector(plane(), plane()), Vector(plane(), plane()), Vector(vec![1; words], vec![1; words]));
    let (a, b, mut c) = (vec![1.5_f32; count], vec![-0.25_f32; count], vec![0.0_f32; count]);
    answers(elements, &x, &d, &mut out);
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
    let mut silu_extra = x.1.clone();
    let mut copied = vec![1_u64; words];
    loop {
        time(0, &mut || {
            add_floats(black_box(&a), black_box(&b), &mut c);
            black_box(&c);
        });
        time(1, &mut || {
            elements.add(black_box(x.view()), black_box(d.view()), out.view_mut());
            black_box(&out.0);
        });
        time(2, &mut || {
            copied.copy_from_slice(black_box(&x.0));
            black_box(&copied);
        });
        time(3, &mut || {
            elements.silu(black_box(&x.0), &mut silu_extra, count);
            black_box(&silu_extra);
        });
        let rounds = time(4, &mut || {
            elements.rms_norm(black_box(x.view()), black_box(d.view()), count, 10, out.view_mut());
            black_box(&out.0);
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

/// Sum, SiLU and norm of the first elements against the golden models.
fn answers(elements: Elements, x: &Vector, d: &Vector, out: &mut Vector) {
    let count = 4096.min(x.0.len() * 64);
    let scaled = |v: &Vector| Scaled { codes: seed::codes(&v.0, &v.1, count), log2_scale: 0 };
    elements.add(x.view(), d.view(), out.view_mut());
    assert_eq!(seed::codes(&out.0, &out.1, count), seed::add(&scaled(x), &scaled(d)).codes, "a wrong sum");
    let whole = |v: &Vector| Scaled { codes: seed::codes(&v.0, &v.1, count), log2_scale: 0 };
    let words = count / 64;
    let cut = |v: &Vector| Vector(v.0[..words].to_vec(), v.1[..words].to_vec());
    let (x, d) = (cut(x), cut(d));
    let mut out = Vector(vec![0; words], x.1.clone());
    elements.silu(&x.0, &mut out.1, count);
    let expected: Vec<i8> = whole(&x).codes.iter().map(|&v| seed::silu(v)).collect();
    assert_eq!(seed::codes(&x.0, &out.1, count), expected, "a wrong SiLU");
    elements.rms_norm(x.view(), d.view(), count, 10, out.view_mut());
    assert_eq!(seed::codes(&out.0, &out.1, count), seed::rms_norm(&whole(&x).codes, &whole(&d), 10).codes, "a wrong norm");
}
