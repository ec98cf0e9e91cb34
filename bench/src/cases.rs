//! What is timed: products of a size that lies in L2, in L3 or in memory, each checked before.

use std::hint::black_box;
use std::time::Duration;

use nda_kernels::{Activations, CpuGemv, Gemv, GridId, GridInput, MatrixId, Variant};
use nda_spec::grid::{GridMatrix, GroupCols, HALF_COLS, scale_count};
use nda_spec::tile::{TILE_ROWS, TileMatrix, matrix_u64};
use nda_spec::{ActivationCode, WeightCode, golden, grid};

use crate::roof::Level;
use crate::timing::{Timing, measure};
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
    /// Stacks of planes.
    pub const fn stacks(self) -> usize {
        match self {
            Work::Baseline | Work::Matrix { .. } => 1,
            Work::Grid { coefficients, .. } => coefficients.len(),
        }
    }

    /// Vectors a pass.
    pub const fn vectors(self) -> usize {
        match self {
            Work::Baseline => 1,
            Work::Matrix { vectors, .. } | Work::Grid { vectors, .. } => vectors,
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
        let (quaternary, ternary) = (WeightCode::Quaternary, WeightCode::Ternary);
        let mut works = Vec::new();
        for x in [ActivationCode::A2, ActivationCode::A4, ActivationCode::A8] {
            works.extend([matrix(quaternary, x, 1), matrix(ternary, x, 1)]);
        }
        works.push(matrix(quaternary, ActivationCode::A8, PREFILL));
        works.push(matrix(ternary, ActivationCode::A8, PREFILL));
        for coefficients in [&[1][..], &[4, 7], &[3, 5, 8]] {
            works.extend([Work::Grid { coefficients, vectors: 1 }, Work::Grid { coefficients, vectors: PREFILL }]);
        }
        let slow = [matrix(quaternary, ActivationCode::A2, 1), matrix(quaternary, ActivationCode::A8, 1)];
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
}

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Columns of the products of a level.
const fn cols(level: Level) -> usize {
    match level {
        Level::L2 => 1024,
        Level::L3 | Level::Dram => 4096,
    }
}

/// Random planes of whole tiles, so that no bit is padding.
fn words(shape: (usize, usize), code: WeightCode, random: &mut Random) -> Result<Vec<u64>, BenchError> {
    let mut words: Vec<u64> = (0..matrix_u64(shape.0, shape.1)?).map(|_| random.next()).collect();
    if code == WeightCode::Ternary {
        // A positive weight is active: plane 1 of a block stands eight words behind plane 0.
        for block in words.chunks_exact_mut(16) {
            (0..8).for_each(|row| block[8 + row] &= block[row]);
        }
    }
    Ok(words)
}

/// Times one case, after its answer was found right.
///
/// # Errors
/// [`BenchError::Wrong`] before anything is timed; a back end that refuses.
pub fn measure_case(case: Case, level: Level, threads: usize, time: Duration, seed: u64) -> Result<Measured, BenchError> {
    let cols = cols(level);
    let rows = (level.matrix_bytes() * 4 / cols / case.work.stacks()).next_multiple_of(TILE_ROWS);
    let shape = (rows, cols);
    let mut random = Random(seed);
    let (bytes, timing) = match case.work {
        Work::Baseline => measure_baseline(case, shape, level, time, &mut random, seed)?,
        Work::Matrix { code, x, vectors } => {
            let prepared = Matrices { case, shape, code, x, vectors, seed };
            prepared.measure(level, threads, time, &mut random)?
        }
        Work::Grid { coefficients, vectors } => {
            let prepared = Grids { case, shape, coefficients, vectors, seed };
            prepared.measure(level, threads, time, &mut random)?
        }
    };
    let products = (rows * cols * case.work.vectors()) as f64;
    let of = |amount: f64| amount / timing.median_s / 1e9;
    Ok(Measured { case, level, threads, shape, gmac_per_s: of(products), gb_per_s: of(bytes as f64), timing })
}

fn cpu<'m>(case: Case, threads: usize) -> Result<CpuGemv<'m>, BenchError> {
    Ok(CpuGemv::with_variant(case.variant.unwrap_or(Variant::Portable))?.with_threads(threads)?)
}

/// Refuses a result that is not the expected one, number by number.
fn check<T: PartialEq + std::fmt::Debug>(case: Case, found: &[T], expected: &[T], seed: u64) -> Result<(), BenchError> {
    match found.iter().zip(expected).position(|(found, expected)| found != expected) {
        None if found.len() == expected.len() => Ok(()),
        at => {
            let row = at.unwrap_or(found.len().min(expected.len()));
            let text = |values: &[T]| values.get(row).map_or("nothing".into(), |v| format!("{v:?}"));
            Err(BenchError::Wrong { case: case.name(), row, found: text(found), expected: text(expected), seed })
        }
    }
}

fn activations(code: ActivationCode, count: usize, random: &mut Random) -> Vec<i8> {
    // -128 is left out: vectors of grids have none.
    let all: Vec<i8> = (-127..=i8::MAX).filter(|&v| code.contains(v)).collect();
    (0..count).map(|_| all[(random.next() >> 33) as usize % all.len()]).collect()
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

struct Matrices {
    case: Case,
    shape: (usize, usize),
    code: WeightCode,
    x: ActivationCode,
    vectors: usize,
    seed: u64,
}

impl Matrices {
    fn measure(&self, level: Level, threads: usize, time: Duration, random: &mut Random) -> Result<(usize, Timing), BenchError> {
        let (rows, cols) = self.shape;
        let words = words(self.shape, self.code, random)?;
        let copies: Vec<Vec<u64>> = (0..level.matrices()).map(|_| words.clone()).collect();
        let x = activations(self.x, cols * self.vectors, random);
        let mut cpu = cpu(self.case, threads)?;
        let mut ids: Vec<MatrixId> = Vec::new();
        for words in &copies {
            ids.push(cpu.prepare(&[TileMatrix::new(rows, cols, self.code, words)?])?);
        }
        let values = TileMatrix::new(rows, cols, self.code, &words)?.to_values();
        let expected: Vec<i32> = x.chunks_exact(cols).flat_map(|x| golden::gemv(rows, cols, &values, x)).collect();
        let mut y = vec![0; rows * self.vectors];
        for id in &ids {
            y.fill(i32::MIN);
            cpu.run_vectors(*id, self.vectors, Activations { code: self.x, values: &x }, &mut y)?;
            check(self.case, &y, &expected, self.seed)?;
        }
        let mut failed = None;
        let mut turn = ids.iter().cycle();
        let timing = measure(time, || {
            if let Some(id) = turn.next() {
                let x = Activations { code: self.x, values: black_box(&x) };
                failed = failed.take().or(cpu.run_vectors(*id, self.vectors, x, &mut y).err());
                black_box(&mut y);
            }
        });
        failed.map_or(Ok((words.len() * 8, timing)), |error| Err(error.into()))
    }
}

struct Grids {
    case: Case,
    shape: (usize, usize),
    coefficients: &'static [i8],
    vectors: usize,
    seed: u64,
}

impl Grids {
    fn measure(&self, level: Level, threads: usize, time: Duration, random: &mut Random) -> Result<(usize, Timing), BenchError> {
        let ((rows, cols), group, code) = (self.shape, GroupCols::C32, WeightCode::Quaternary);
        let mut stacked = Vec::new();
        for _ in self.coefficients {
            stacked.extend(words(self.shape, code, random)?);
        }
        // Small positive normal numbers.
        let scales: Vec<u16> = (0..scale_count(rows, cols, group)?).map(|_| 0x2000 | (random.next() as u16 & 0x07ff)).collect();
        let copies: Vec<(Vec<u16>, Vec<u64>)> = (0..level.matrices()).map(|_| (scales.clone(), stacked.clone())).collect();
        let codes = activations(ActivationCode::A8, cols * self.vectors, random);
        let halves = cols.div_ceil(HALF_COLS);
        let x_scales: Vec<f32> = (0..halves * self.vectors).map(|_| (random.next() % 1000) as f32 / 777.0).collect();
        let mut x = GridInput::default();
        x.set(cols, &codes, &x_scales).map_err(nda_kernels::GemvError::from)?;
        let mut cpu = cpu(self.case, threads)?;
        let mut ids: Vec<GridId> = Vec::new();
        for (scales, words) in &copies {
            let grid = GridMatrix::new(self.shape, code, group, self.coefficients, scales, words)?;
            ids.extend(cpu.prepare_grid(&[grid])?);
        }
        let mut first = vec![0.0; rows * self.vectors];
        let mut y = first.clone();
        for (index, id) in ids.iter().enumerate() {
            y.fill(f32::NAN);
            cpu.run_grid(*id, &x, &mut y)?;
            if index == 0 {
                self.check_tiles(&scales, &stacked, &codes, &x_scales, &y)?;
                first.clone_from(&y);
            }
            check(self.case, &y, &first, self.seed)?;
        }
        let mut failed = None;
        let mut turn = ids.iter().cycle();
        let timing = measure(time, || {
            if let Some(id) = turn.next() {
                failed = failed.take().or(cpu.run_grid(*id, black_box(&x), &mut y).err());
                black_box(&mut y);
            }
        });
        let bytes = 8 * stacked.len() + 2 * scales.len();
        failed.map_or(Ok((bytes, timing)), |error| Err(error.into()))
    }

    /// The first, a middle and the last tile of every vector by the golden model, which takes too long for all rows.
    fn check_tiles(&self, scales: &[u16], stacked: &[u64], codes: &[i8], x_scales: &[f32], y: &[f32]) -> Result<(), BenchError> {
        let (rows, cols) = self.shape;
        let tiles = rows / TILE_ROWS;
        let part = |len: usize, tile: usize| len / tiles * tile..len / tiles * (tile + 1);
        for tile in [0, tiles / 2, tiles - 1] {
            let stack = stacked.len() / self.coefficients.len();
            let words: Vec<u64> = stacked.chunks_exact(stack).flat_map(|stack| stack[part(stack.len(), tile)].to_vec()).collect();
            let scales = &scales[part(scales.len(), tile)];
            let own = GridMatrix::new((TILE_ROWS, cols), WeightCode::Quaternary, GroupCols::C32, self.coefficients, scales, &words)?;
            let vectors = codes.chunks_exact(cols).zip(x_scales.chunks_exact(cols.div_ceil(HALF_COLS)));
            for ((codes, x_scales), y) in vectors.zip(y.chunks_exact(rows)) {
                let mut expected = [0.0; TILE_ROWS];
                grid::gemv(&own, codes, x_scales, &mut expected);
                check(self.case, &y[tile * TILE_ROWS..][..TILE_ROWS], &expected, self.seed)?;
            }
        }
        Ok(())
    }
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
    fn a_wrong_answer_is_refused_and_named() {
        let case = Case { variant: None, work: Work::Baseline };
        let message = check(case, &[1, 2, 3], &[1, 2, 4], 9).unwrap_err().to_string();
        assert!(message.contains("row 2 is 3") && message.contains("seed 9"), "{message}");
        assert!(check(case, &[1, 2], &[1, 2, 4], 9).is_err());
    }
}
