//! Products that are timed: their weights, laid out before, and their answers, checked before.

use std::hint::black_box;

use nda_gemv::{Activations, Gemv, GemvError, GridId, Grids, GroupedVectors, MatrixId, Vectors};
use nda_kernels::{CpuGemv, GridInput, ThreadPool, Variant};
use nda_spec::grid::{GridMatrix, GroupCols, HALF_COLS, scale_count};
use nda_spec::random::Random;
use nda_spec::tile::{TILE_ROWS, TileMatrix};
use nda_spec::{ActivationCode, WeightCode, golden, grid};

use crate::BenchError;
use crate::cases::{Case, Work, activations, check, shape, words};
use crate::lines::Lines;
use crate::roof::Level;
use crate::timing::arithmetic;

/// What the matrices of a level hold, each in memory of its own.
pub(crate) struct Weights {
    shape: (usize, usize),
    /// One copy a matrix: the stacks one after another.
    pub planes: Vec<Lines>,
    /// Scales of a grid.
    scales: Vec<Vec<u16>>,
}

impl Weights {
    pub fn new(work: Work, level: Level, random: &mut Random) -> Result<Weights, BenchError> {
        let shape = shape(level, work.planes());
        let (code, scales) = match work {
            Work::Matrix { code, .. } => (code, Vec::new()),
            Work::Baseline | Work::Grid { .. } => {
                // Small positive normal numbers.
                let count = scale_count(shape.0, shape.1, GROUP)?;
                (WeightCode::Quaternary, (0..count).map(|_| 0x2000 | (random.next_u64() as u16 & 0x07ff)).collect())
            }
        };
        let mut stacked = Vec::new();
        for _ in 0..work.planes() / code.planes() {
            stacked.extend(words(shape, code, random)?);
        }
        let copies = level.matrices();
        Ok(Weights { shape, planes: (0..copies).map(|_| Lines::from(&stacked[..])).collect(), scales: vec![scales; copies] })
    }

    /// Bytes of planes and scales of one matrix.
    pub fn bytes(&self) -> usize {
        size_of_val::<[u64]>(&self.planes[0]) + size_of_val::<[u16]>(&self.scales[0])
    }
}

/// Columns of a group of the grids.
const GROUP: GroupCols = GroupCols::C32;

/// One work on the weights, its answers found right, with memory for its results.
pub(crate) struct Product<'w> {
    cpu: CpuGemv<'w>,
    kind: Kind,
    failed: Option<GemvError>,
}

enum Kind {
    Matrix { ids: Vec<MatrixId>, x: Vec<i8>, code: ActivationCode, vectors: usize, y: Vec<i32> },
    Grid { ids: Vec<GridId>, x: GridInput, y: Vec<f32> },
}

impl<'w> Product<'w> {
    pub fn new(case: Case, weights: &'w Weights, threads: usize, random: &mut Random, seed: u64) -> Result<Self, BenchError> {
        let mut cpu = cpu(case, threads)?;
        let setting = Setting { case, weights, seed };
        let kind = match case.work {
            Work::Matrix { code, x, vectors } => setting.matrix((code, x, vectors), &mut cpu, random)?,
            Work::Grid { coefficients, vectors } => setting.grid(coefficients, vectors, &mut cpu, random)?,
            Work::Baseline => unreachable!("the loop of the articles is not a back end"),
        };
        Ok(Product { cpu, kind, failed: None })
    }

    /// One product, by the matrix whose turn it is.
    pub fn run(&mut self, turn: usize) {
        let result = match &mut self.kind {
            Kind::Matrix { ids, x, code, vectors, y } => {
                let x = Activations { code: *code, values: black_box(x) };
                let result = self.cpu.run_vectors(ids[turn % ids.len()], *vectors, x, y);
                black_box(y);
                result
            }
            Kind::Grid { ids, x, y } => {
                let result = self.cpu.run_packed(ids[turn % ids.len()], black_box(x), y);
                black_box(y);
                result
            }
        };
        self.failed = self.failed.take().or(result.err());
    }

    /// The same arithmetic on every thread, those that share the products: threads of another pool would take their cores.
    pub fn control(&self, threads: usize) {
        self.cpu.pool().share(threads, |_| arithmetic());
    }

    pub fn finish(self) -> Result<(), BenchError> {
        self.failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// What a work is prepared from and checked with.
struct Setting<'w> {
    case: Case,
    weights: &'w Weights,
    seed: u64,
}

impl<'w> Setting<'w> {
    fn matrix(
        &self,
        (code, x_code, vectors): (WeightCode, ActivationCode, usize),
        cpu: &mut CpuGemv<'w>,
        random: &mut Random,
    ) -> Result<Kind, BenchError> {
        let &Setting { case, weights, seed } = self;
        let (rows, cols) = weights.shape;
        let x = activations(x_code, cols * vectors, random);
        let values = TileMatrix::new(rows, cols, code, &weights.planes[0])?.to_values();
        let expected: Vec<i32> = x.chunks_exact(cols).flat_map(|x| golden::gemv(rows, cols, &values, x)).collect();
        let (mut ids, mut y) = (Vec::new(), vec![0; rows * vectors]);
        for planes in &weights.planes {
            let id = cpu.prepare(&[TileMatrix::new(rows, cols, code, planes)?])?;
            y.fill(i32::MIN);
            cpu.run_vectors(id, vectors, Activations { code: x_code, values: &x }, &mut y)?;
            check(case, &y, &expected, seed)?;
            ids.push(id);
        }
        Ok(Kind::Matrix { ids, x, code: x_code, vectors, y })
    }

    fn grid(&self, coefficients: &'static [i8], vectors: usize, cpu: &mut CpuGemv<'w>, random: &mut Random) -> Result<Kind, BenchError> {
        let &Setting { case, weights, seed } = self;
        let (rows, cols) = weights.shape;
        let codes = activations(ActivationCode::A8, cols * vectors, random);
        let halves = cols.div_ceil(HALF_COLS);
        let x_scales: Vec<f32> = (0..halves * vectors).map(|_| (random.next_u64() % 1000) as f32 / 777.0).collect();
        let mut x = GridInput::default();
        x.set(&ThreadPool::default(), &GroupedVectors::new(cols, &codes, &x_scales).map_err(GemvError::from)?);
        let (mut ids, mut y) = (Vec::new(), vec![0.0; rows * vectors]);
        let mut first = Vec::new();
        for (planes, scales) in weights.planes.iter().zip(&weights.scales) {
            let grid = GridMatrix::new(weights.shape, WeightCode::Quaternary, GROUP, coefficients, scales, planes)?;
            let own = cpu.prepare_grid(&[grid])?;
            if let Some(id) = &own {
                y.fill(f32::NAN);
                cpu.run_packed(*id, &x, &mut y)?;
            }
            if first.is_empty() {
                check_tiles(case, &grid, (&codes, &x_scales), &y, seed)?;
                first.clone_from(&y);
            }
            check(case, &y, &first, seed)?;
            ids.extend(own);
        }
        Ok(Kind::Grid { ids, x, y })
    }
}

/// The first, a middle and the last tile of a grid by every vector against the golden model, which takes too long for all rows.
fn check_tiles(case: Case, grid: &GridMatrix<'_>, (codes, x_scales): (&[i8], &[f32]), y: &[f32], seed: u64) -> Result<(), BenchError> {
    let (rows, cols) = (grid.rows(), grid.cols());
    let tiles = rows / TILE_ROWS;
    let part = |len: usize, tile: usize| len / tiles * tile..len / tiles * (tile + 1);
    for tile in [0, tiles / 2, tiles - 1] {
        let stack = grid.words().len() / grid.stacks();
        let words: Vec<u64> = grid.words().chunks_exact(stack).flat_map(|stack| stack[part(stack.len(), tile)].to_vec()).collect();
        let scales = &grid.scales()[part(grid.scales().len(), tile)];
        let own = GridMatrix::new((TILE_ROWS, cols), grid.code(), grid.group(), grid.coefficients(), scales, &words)?;
        let vectors = codes.chunks_exact(cols).zip(x_scales.chunks_exact(cols.div_ceil(HALF_COLS)));
        for ((codes, x_scales), y) in vectors.zip(y.chunks_exact(rows)) {
            let mut expected = [0.0; TILE_ROWS];
            grid::gemv(&own, codes, x_scales, &mut expected);
            check(case, &y[tile * TILE_ROWS..][..TILE_ROWS], &expected, seed)?;
        }
    }
    Ok(())
}

fn cpu<'m>(case: Case, threads: usize) -> Result<CpuGemv<'m>, BenchError> {
    Ok(CpuGemv::with_variant(case.variant.unwrap_or(Variant::Portable))?.with_threads(threads)?)
}
