//! What is timed: products of a size that lies in L2, in L3 or in memory, each checked before.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::time::Duration;

use nda_kernels::{Variant, roof};
use nda_spec::random::Random;
use nda_spec::tile::{TILE_ROWS, matrix_u64};
use nda_spec::{ActivationCode, WeightCode, golden};

use crate::product::{Product, Weights};
use crate::roof::Level;
use crate::timing::{Timing, measure, measure_beside, measure_in_turn};
use crate::{BenchError, baseline};

/// Vectors of a prefill.
pub const PREFILL: usize = 16;

/// What is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The articles' loop.
    Baseline,
    /// One matrix of codes by vectors of codes: integers out.
    Matrix {
        /// The weights.
        code: WeightCode,
        /// The activations.
        x: ActivationCode,
        /// Vectors a pass over the weights.
        vectors: usize,
    },
    /// Stacked planes that share a scale a group of 32 columns, by A8 with a scale a half word: floats out.
    Grid {
        /// One coefficient a stack.
        coefficients: &'static [i8],
        /// Vectors a pass over the weights.
        vectors: usize,
    },
}

impl Work {
    /// Bits of a weight: the planes of all stacks.
    pub(crate) const fn planes(self) -> usize {
        match self {
            Work::Baseline => WeightCode::Quaternary.planes(),
            Work::Matrix { code, .. } => code.planes(),
            Work::Grid { coefficients, .. } => coefficients.len() * WeightCode::Quaternary.planes(),
        }
    }

    /// Vectors a pass.
    pub const fn vectors(self) -> usize {
        match self {
            Work::Baseline => 1,
            Work::Matrix { vectors, .. } | Work::Grid { vectors, .. } => vectors,
        }
    }

    /// The same weights by one vector.
    pub const fn one_vector(self) -> Work {
        match self {
            Work::Baseline => Work::Baseline,
            Work::Matrix { code, x, .. } => Work::Matrix { code, x, vectors: 1 },
            Work::Grid { coefficients, .. } => Work::Grid { coefficients, vectors: 1 },
        }
    }

    /// What a table calls it.
    pub fn name(self) -> String {
        let by = |vectors| if vectors == 1 { String::new() } else { format!(" x{vectors}") };
        match self {
            Work::Baseline => "quaternary A2".into(),
            Work::Matrix { code, x, vectors } => format!("{} {}{}", code.name().to_lowercase(), x.name(), by(vectors)),
            Work::Grid { coefficients, vectors } => format!("grid k{} A8{}", coefficients.len(), by(vectors)),
        }
    }
}

/// One product by one set of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// The kernels; none for the articles' loop.
    pub variant: Option<Variant>,
    /// What they multiply.
    pub work: Work,
}

impl Case {
    /// What a table calls it: `AVX2 quaternary A8`.
    pub fn name(self) -> String {
        let kernels = self.variant.map_or("articles' byte loop", Variant::name);
        format!("{kernels} {}", self.work.name())
    }

    /// Everything that is timed on this machine: the articles' loop, the portable kernels, the best ones.
    pub fn all(variants: &[Variant]) -> Vec<Case> {
        let matrix = |code, x, vectors| Work::Matrix { code, x, vectors };
        let mut works = Vec::new();
        for x in [ActivationCode::A2, ActivationCode::A4, ActivationCode::A8] {
            works.extend(WeightCode::ALL.map(|code| matrix(code, x, 1)));
        }
        works.extend(WeightCode::ALL.map(|code| matrix(code, ActivationCode::A8, PREFILL)));
        for coefficients in [&[1][..], &[4, 7], &[3, 5, 8]] {
            works.extend([Work::Grid { coefficients, vectors: 1 }, Work::Grid { coefficients, vectors: PREFILL }]);
        }
        let slow = [ActivationCode::A2, ActivationCode::A8].map(|x| matrix(WeightCode::Quaternary, x, 1));
        let mut all = vec![Case { variant: None, work: Work::Baseline }];
        for &variant in variants {
            let own: &[Work] = if variant == Variant::Portable { &slow } else { &works };
            all.extend(own.iter().map(|&work| Case { variant: Some(variant), work }));
        }
        all
    }
}

/// What a case came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The case.
    pub case: Case,
    /// Where its weights lay.
    pub level: Level,
    /// Threads.
    pub threads: usize,
    /// Rows and columns of one matrix.
    pub shape: (usize, usize),
    /// Multiplications with additions a second and weight, in 10^9: a weight of several stacks counts once, a vector each.
    pub gmac_per_s: f64,
    /// Bytes of planes and scales read a second, in 10^9.
    pub gb_per_s: f64,
    /// One product; where there are several matrices, each in its turn.
    pub timing: Timing,
    /// On one thread: the planes' bytes read and nothing else, in turn with the products.
    pub roof: Option<Timing>,
}

/// Columns of the products of a level.
const fn cols(level: Level) -> usize {
    match level {
        Level::L2 => 1024,
        Level::L3 | Level::Dram => 4096,
    }
}

/// Random planes of whole tiles, so that no bit is padding.
pub(crate) fn words(shape: (usize, usize), code: WeightCode, random: &mut Random) -> Result<Vec<u64>, BenchError> {
    let mut words: Vec<u64> = (0..matrix_u64(shape.0, shape.1, code)?).map(|_| random.next_u64()).collect();
    if code.planes() == 2 && code.row().excludes_second_alone {
        // A positive weight is active: plane 1 of a block stands eight words behind plane 0.
        for block in words.chunks_exact_mut(16) {
            (0..8).for_each(|row| block[8 + row] &= block[row]);
        }
    }
    Ok(words)
}

/// Rows and columns of the matrices of a level.
pub(crate) fn shape(level: Level, planes: usize) -> (usize, usize) {
    let cols = cols(level);
    ((level.matrix_bytes() * 8 / cols / planes).next_multiple_of(TILE_ROWS), cols)
}

/// Times one case, after its answer was found right. On one thread every product is followed by a read of as many bytes of planes,
/// the next ones: [`Measured::roof`].
///
/// # Errors
/// [`BenchError::Wrong`] before anything is timed; a back end that refuses.
pub fn measure_case(case: Case, level: Level, threads: usize, time: Duration, seed: u64) -> Result<Measured, BenchError> {
    let shape = shape(level, case.work.planes());
    let (rows, cols) = shape;
    let mut random = Random::new(seed);
    let (bytes, timing, roof) = match case.work {
        Work::Baseline => {
            let (bytes, timing) = measure_baseline(case, shape, level, time, &mut random, seed)?;
            (bytes, timing, None)
        }
        work => {
            let weights = Weights::new(work, level, &mut random)?;
            let mut product = Product::new(case, &weights, threads, &mut random, seed)?;
            let (bytes, turn) = (weights.bytes(), Cell::new(0));
            let next = || &weights.planes[turn.replace(turn.get() + 1) % weights.planes.len()];
            let (timing, roof) = if threads == 1 {
                let mut read = || {
                    black_box(roof::read(black_box(next())));
                };
                let mut run = || product.run(turn.replace(turn.get() + 1));
                let [timing, roof] = measure_in_turn(time, [&mut run, &mut read]);
                (timing, Some(roof))
            } else {
                let shared = RefCell::new(&mut product);
                let mut run = || shared.borrow_mut().run(turn.replace(turn.get() + 1));
                let [timing] = measure_beside(time, &mut || shared.borrow().control(threads), [&mut run]);
                (timing, None)
            };
            product.finish()?;
            (bytes, timing, roof)
        }
    };
    let products = (rows * cols * case.work.vectors()) as f64;
    let of = |amount: f64| amount / timing.median_s / 1e9;
    Ok(Measured { case, level, threads, shape, gmac_per_s: of(products), gb_per_s: of(bytes as f64), timing, roof })
}

/// How many times as many multiplications a second the second of two runs does as the first: two works on the same weights, each with
/// its threads, timed in turn after their answers were found right.
///
/// # Errors
/// As [`measure_case`].
///
/// # Panics
/// If the works do not share their weights.
pub fn measure_ratio(variant: Variant, runs: [(Work, usize); 2], level: Level, time: Duration, seed: u64) -> Result<f64, BenchError> {
    assert_eq!(runs[0].0.one_vector(), runs[1].0.one_vector(), "the works share their weights");
    let mut random = Random::new(seed);
    let weights = Weights::new(runs[0].0, level, &mut random)?;
    let mut product = |(work, threads)| Product::new(Case { variant: Some(variant), work }, &weights, threads, &mut random, seed);
    let (mut first, second) = (product(runs[0])?, RefCell::new(product(runs[1])?));
    let turn = Cell::new(0);
    let next = || turn.replace(turn.get() + 1);
    let mut control = || second.borrow().control(runs[1].1);
    let timings = measure_beside(time, &mut control, [&mut || first.run(next()), &mut || second.borrow_mut().run(next())]);
    first.finish()?;
    second.into_inner().finish()?;
    let rate = |run: usize| runs[run].0.vectors() as f64 / timings[run].median_s;
    Ok(rate(1) / rate(0))
}

/// Refuses a result that is not the expected one, number by number.
pub(crate) fn check<T: PartialEq + std::fmt::Debug>(case: Case, found: &[T], expected: &[T], seed: u64) -> Result<(), BenchError> {
    match found.iter().zip(expected).position(|(found, expected)| found != expected) {
        None if found.len() == expected.len() => Ok(()),
        at => {
            let row = at.unwrap_or(found.len().min(expected.len()));
            let text = |values: &[T]| values.get(row).map_or("nothing".into(), |v| format!("{v:?}"));
            Err(BenchError::Wrong { case: case.name(), row, found: text(found), expected: text(expected), seed })
        }
    }
}

pub(crate) fn activations(code: ActivationCode, count: usize, random: &mut Random) -> Vec<i8> {
    // -128 is left out: vectors of grids have none.
    let all: Vec<i8> = (-127..=i8::MAX).filter(|&v| code.contains(v)).collect();
    (0..count).map(|_| all[(random.next_u64() >> 33) as usize % all.len()]).collect()
}

fn measure_baseline(
    case: Case,
    (rows, cols): (usize, usize),
    level: Level,
    time: Duration,
    random: &mut Random,
    seed: u64,
) -> Result<(usize, Timing), BenchError> {
    let weights = activations(ActivationCode::A2, rows * cols, random);
    let x = activations(ActivationCode::A2, cols, random);
    let ([sign, extra], [x_sign, x_extra]) = (baseline::planes(&weights), baseline::planes(&x));
    let mut y = vec![0; rows];
    baseline::gemv(&sign, &extra, &x_sign, &x_extra, &mut y);
    check(case, &y, &golden::gemv(rows, cols, &weights, &x), seed)?;
    let copies: Vec<_> = (0..level.matrices()).map(|_| (sign.clone(), extra.clone())).collect();
    let mut turn = copies.iter().cycle();
    let timing = measure(time, || {
        if let Some((sign, extra)) = turn.next() {
            baseline::gemv(black_box(sign), black_box(extra), &x_sign, &x_extra, &mut y);
            black_box(&mut y);
        }
    });
    Ok((level.matrix_bytes(), timing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_checked_and_timed_on_a_small_size() {
        for case in Case::all(&Variant::available()) {
            let measured = measure_case(case, Level::L2, 1, Duration::ZERO, 7).unwrap_or_else(|e| panic!("{}: {e}", case.name()));
            assert!(measured.gmac_per_s > 0.0 && measured.gb_per_s > 0.0, "{measured:?}");
        }
    }

    #[test]
    fn a_ratio_is_that_of_two_runs_on_the_same_weights() {
        let work = |vectors| Work::Matrix { code: WeightCode::Quaternary, x: ActivationCode::A8, vectors };
        let grid = |vectors| Work::Grid { coefficients: &[4, 7], vectors };
        for runs in [[(work(1), 1), (work(3), 1)], [(work(1), 1), (work(1), 2)], [(grid(1), 1), (grid(2), 1)]] {
            let ratio = measure_ratio(Variant::Portable, runs, Level::L2, Duration::ZERO, 3).unwrap();
            assert!(ratio > 0.01 && ratio < 100.0, "{ratio}");
        }
    }

    #[test]
    fn a_wrong_answer_is_refused_and_named() {
        let case = Case { variant: None, work: Work::Baseline };
        let message = check(case, &[1, 2, 3], &[1, 2, 4], 9).unwrap_err().to_string();
        assert!(message.contains("row 2 is 3") && message.contains("seed 9"), "{message}");
        assert!(check(case, &[1, 2], &[1, 2, 4], 9).is_err());
    }
}
