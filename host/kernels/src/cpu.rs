//! The CPU as a GEMV back end.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use nda_gemv::check::{check_grid, check_run, check_shape, check_vectors, stacked_grids, stacked_shape};
use nda_gemv::{Activations, Columns, Cost, Gemv, GemvError, GridId, Grids, GroupedVectors, MatrixId, Shape, Work};
use nda_spec::tile::{TILE_ROWS, WORD_COLS, col_words, word_u64};
use nda_spec::{ActivationCode, GridMatrix, TileMatrix, WeightCode};

use crate::activations::{PreparedX, Vectors};
use crate::grid::GridInput;
use crate::grid_kernel::run_grids;
use crate::level::{Level, MOST_TILES, Variant};
use crate::shares::{self, Taken, for_groups, spans, split};
use crate::thread_pool::ThreadPool;
use crate::threads::granted_threads;

/// Why a CPU back end could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CpuError {
    /// The machine lacks what the variant needs.
    #[error("this machine has no {feature}, which the {variant} kernels need; Variant::available() lists those that run here")]
    MissingFeature {
        /// The variant that was asked for.
        variant: Variant,
        /// The first feature that is missing.
        feature: &'static str,
    },
    /// No thread was asked for.
    #[error("a product needs at least 1 thread, but 0 were asked for")]
    NoThread,
    /// The system refused to start threads.
    #[error("{threads} threads could not be started: {source}")]
    Threads {
        /// The threads that were asked for.
        threads: usize,
        /// What the system said.
        source: rayon::ThreadPoolBuildError,
    },
}

/// Matrices stacked by one `prepare`: borrowed, as they lie in the file.
#[derive(Debug)]
struct Stack<'m> {
    shape: Shape,
    parts: Vec<TileMatrix<'m>>,
}

/// A GEMV back end on the CPU, bit-equal to the golden model in every [`Variant`] and with any number of threads.
///
/// Weights are used in place. The matrices must be canonical, as `TileMatrix::check` finds once: a set bit in the
/// padding gives wrong sums (never a crash).
#[derive(Debug)]
pub struct CpuGemv<'m> {
    level: Level,
    stacks: Vec<Stack<'m>>,
    x: PreparedX,
    /// Some columns' values, with zeros up to whole words.
    padded: Vec<i8>,
    vectors: Vectors,
    /// What the product of several vectors is before its rows stand vector by vector.
    sums: Vec<i32>,
    grids: Vec<Vec<GridMatrix<'m>>>,
    /// What a grid's product is before its rows stand vector by vector.
    tiles: Vec<f32>,
    /// Vectors of grids in the kernels' form.
    grid_input: GridInput,
    pool: ThreadPool,
}

impl Default for CpuGemv<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'m> CpuGemv<'m> {
    /// The best variant of this machine, with the threads that this process may use ([`granted_threads`])
    /// (or with the caller's alone, if the system refuses more).
    pub fn new() -> Self {
        let threads = granted_threads();
        Self::of_level(Level::best()).with_threads(threads).unwrap_or_else(|_| Self::of_level(Level::best()))
    }

    /// A chosen variant, on the caller's thread alone.
    ///
    /// # Errors
    /// [`CpuError::MissingFeature`] if the machine cannot run it.
    pub fn with_variant(variant: Variant) -> Result<Self, CpuError> {
        Level::new(variant).map(Self::of_level)
    }

    /// The same back end with `threads` threads, the caller's included. Products of less than
    /// [`Self::parallel_min_products`] stay on the caller's.
    ///
    /// # Errors
    /// [`CpuError::NoThread`] for 0, [`CpuError::Threads`] if the system refuses to start them.
    pub fn with_threads(self, threads: usize) -> Result<Self, CpuError> {
        Ok(CpuGemv { pool: ThreadPool::new(threads)?, ..self })
    }

    /// The variant that runs.
    pub fn variant(&self) -> Variant {
        self.level.variant()
    }

    /// The threads of a large product, the caller's included.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The threads themselves, for what stands between two products.
    pub fn pool(&self) -> &ThreadPool {
        &self.pool
    }

    /// Products of fewer multiplications run on the caller's thread alone: to share one with a helper that is awake takes one to two
    /// microseconds, in which one thread does a good part of this many.
    pub fn parallel_min_products(&self) -> usize {
        match self.variant() {
            Variant::Portable => 1 << 15,
            Variant::Neon | Variant::Avx2 => 1 << 17,
            Variant::Avx512 => 1 << 19,
        }
    }

    /// Threads of a product of the given number of multiplications.
    fn threads_of(&self, products: usize) -> usize {
        if products >= self.parallel_min_products() { self.pool.threads() } else { 1 }
    }

    fn of_level(level: Level) -> Self {
        CpuGemv {
            level,
            stacks: Vec::new(),
            x: PreparedX::default(),
            padded: Vec::new(),
            vectors: Vectors::default(),
            sums: Vec::new(),
            grids: Vec::new(),
            tiles: Vec::new(),
            grid_input: GridInput::default(),
            pool: ThreadPool::default(),
        }
    }
}

impl<'m> CpuGemv<'m> {
    /// [`Grids::run_grid`] of vectors that are in the kernels' form already.
    ///
    /// # Errors
    /// As there.
    pub fn run_packed(&mut self, id: GridId, x: &GridInput, y: &mut [f32]) -> Result<Cost, GemvError> {
        let parts = self.grids.get(id.0).ok_or(GemvError::UnknownGrid { id })?;
        check_grid(parts, (x.cols(), x.vectors()), y)?;
        let (vectors, cols) = (x.vectors(), x.cols());
        let padded: usize = parts.iter().map(|part| part.rows().next_multiple_of(TILE_ROWS)).sum();
        self.tiles.resize(padded * vectors, 0.0);
        let products = padded * cols * vectors;
        let threads = self.threads_of(products);
        let level = self.level;
        let work = |taken: Taken<'_, f32>| run_grids(parts, level, x, taken);
        shares::run(&self.pool, threads, padded / TILE_ROWS, &mut self.tiles, |tile| tile * TILE_ROWS * vectors, work);
        gather_rows(&self.pool, parts.iter().map(GridMatrix::rows), vectors, &self.tiles, y);
        let weights = parts.iter().map(|part| Shape::of_grid(part).weights().saturating_mul(part.stacks())).sum();
        Ok(Cost::on_cpu(Work::of(vectors, weights)))
    }
}

impl<'m> Gemv<'m> for CpuGemv<'m> {
    fn name(&self) -> String {
        format!("cpu ({})", self.level.name())
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        check_shape(&self.name(), shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let shape = stacked_shape(&self.name(), parts)?;
        self.stacks.push(Stack { shape, parts: parts.to_vec() });
        Ok(MatrixId(self.stacks.len() - 1))
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let stack = self.stacks.get(id.0).ok_or(GemvError::UnknownMatrix { id })?;
        check_run(stack.shape, &x, y)?;
        let x_code = self.level.takes(stack.shape.code, x.code);
        self.level.prepare(stack.shape.code, &Activations { code: x_code, values: x.values }, &mut self.x);
        let job = Job { level: self.level, code: stack.shape.code, x_code, x: &self.x, words: 0..col_words(stack.shape.cols) };
        job.run(&self.pool, self.threads_of(stack.shape.weights()), &stack.parts, y);
        Ok(Cost::on_cpu(Work::of(1, stack.shape.weights())))
    }

    fn vectors(&mut self) -> Option<&mut dyn nda_gemv::Vectors> {
        Some(self)
    }

    fn columns(&mut self) -> Option<&mut dyn Columns> {
        Some(self)
    }

    fn grids(&mut self) -> Option<&mut dyn Grids<'m>> {
        Some(self)
    }
}

impl Columns for CpuGemv<'_> {
    fn run_columns(&mut self, id: MatrixId, cols: Range<usize>, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let stack = self.stacks.get(id.0).ok_or(GemvError::UnknownMatrix { id })?;
        let shape = stack.shape;
        if cols.start > cols.end || cols.end > shape.cols {
            return Err(GemvError::Columns { first: cols.start, end: cols.end, shape });
        }
        let part = Shape { cols: cols.len(), ..shape };
        check_run(part, &x, y)?;
        let words = cols.start / WORD_COLS..col_words(cols.end);
        self.padded.clear();
        self.padded.resize(cols.start % WORD_COLS, 0);
        self.padded.extend_from_slice(x.values);
        // Columns beside these meet zeros. A2 has none, but its values are some of A8's, and A8 has.
        self.padded.resize(words.len() * WORD_COLS, 0);
        let x_code = if x.code == ActivationCode::A2 { ActivationCode::A8 } else { x.code };
        self.level.prepare(shape.code, &Activations { code: x_code, values: &self.padded }, &mut self.x);
        let job = Job { level: self.level, code: shape.code, x_code, x: &self.x, words };
        job.run(&self.pool, self.threads_of(shape.rows.saturating_mul(self.padded.len())), &stack.parts, y);
        Ok(Cost::on_cpu(Work::of(1, part.weights())))
    }
}

impl nda_gemv::Vectors for CpuGemv<'_> {
    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let stack = self.stacks.get(id.0).ok_or(GemvError::UnknownMatrix { id })?;
        let Shape { rows, cols, code } = stack.shape;
        check_vectors(stack.shape, vectors, &x, y)?;
        let cost = Cost::on_cpu(Work::of(vectors, stack.shape.weights()));
        if vectors < 2 || cols == 0 || rows == 0 || !self.level.has_vectors() {
            if cols == 0 || rows == 0 {
                y.fill(0);
                return Ok(cost);
            }
            for (values, y) in x.values.chunks(cols).zip(y.chunks_mut(rows)) {
                self.run(id, Activations { code: x.code, values }, y)?;
            }
            return Ok(cost);
        }
        self.vectors.prepare(self.level.form_of_vectors(code), cols, x.values);
        let padded: usize = stack.parts.iter().map(|part| part.rows().next_multiple_of(TILE_ROWS)).sum();
        self.sums.resize(padded * vectors, 0);
        let products = padded.saturating_mul(cols).saturating_mul(vectors);
        let (parts, threads) = (&stack.parts[..], self.threads_of(products));
        let (level, x) = (self.level, &self.vectors);
        let work = |taken: Taken<'_, i32>| run_vectors(parts, level, code, x, taken);
        shares::run(&self.pool, threads, padded / TILE_ROWS, &mut self.sums, |tile| tile * TILE_ROWS * vectors, work);
        gather_rows(&self.pool, stack.parts.iter().map(TileMatrix::rows), vectors, &self.sums, y);
        Ok(cost)
    }
}

impl<'m> Grids<'m> for CpuGemv<'m> {
    fn prepare_grid(&mut self, parts: &[GridMatrix<'m>]) -> Result<Option<GridId>, GemvError> {
        stacked_grids(&self.name(), parts)?;
        self.grids.push(parts.to_vec());
        Ok(Some(GridId(self.grids.len() - 1)))
    }

    fn run_grid(&mut self, id: GridId, x: &GroupedVectors<'_>, y: &mut [f32]) -> Result<Cost, GemvError> {
        let mut packed = std::mem::take(&mut self.grid_input);
        packed.set(&self.pool, x);
        let done = self.run_packed(id, &packed, y);
        self.grid_input = packed;
        done
    }
}

fn tiles_of_matrix(part: &TileMatrix<'_>) -> usize {
    part.rows().div_ceil(TILE_ROWS)
}

/// The words of some tiles of a matrix, tile by tile.
fn tiles_at<'m>(part: &TileMatrix<'m>, tiles: &Range<usize>) -> std::slice::ChunksExact<'m, u64> {
    let tile_u64 = col_words(part.cols()) * word_u64(part.code());
    part.words()[tiles.start * tile_u64..tiles.end * tile_u64].chunks_exact(tile_u64.max(1))
}

/// The first row of a tile, counted over all parts, of which the last tiles may have fewer rows.
fn first_row(parts: &[TileMatrix<'_>], tile: usize) -> usize {
    spans(parts, tiles_of_matrix, 0..tile).map(|(part, tiles)| part.rows().min(tiles.end * TILE_ROWS)).sum()
}

/// One product: what every item of it is multiplied by, and how.
struct Job<'x> {
    level: Level,
    code: WeightCode,
    x_code: ActivationCode,
    x: &'x PreparedX,
    /// Words of every tile that x stands for: all, or those of some columns.
    words: Range<usize>,
}

impl Job<'_> {
    /// All rows of all parts, on the given number of the pool's threads.
    fn run(&self, pool: &ThreadPool, threads: usize, parts: &[TileMatrix<'_>], y: &mut [i32]) {
        let tiles = parts.iter().map(tiles_of_matrix).sum();
        shares::run(pool, threads, tiles, y, |tile| first_row(parts, tile), |taken| self.run_tiles(parts, taken));
    }

    fn run_tiles(&self, parts: &[TileMatrix<'_>], (tiles, mut y): Taken<'_, i32>) {
        let (mut sums, mut scratch) = ([0; MOST_TILES * TILE_ROWS], Vec::new());
        for (part, tiles) in spans(parts, tiles_of_matrix, tiles) {
            let rows = part.rows().min(tiles.end * TILE_ROWS) - tiles.start * TILE_ROWS;
            let mut y = split(&mut y, rows);
            if part.cols() == 0 {
                y.fill(0);
                continue;
            }
            let words = self.words.start * word_u64(self.code)..self.words.end * word_u64(self.code);
            let tiles = tiles_at(part, &tiles).map(|tile| &tile[words.clone()]);
            for_groups(tiles, self.level.tiles_at_once(self.code), |tiles| {
                let sums = &mut sums[..tiles.len() * TILE_ROWS];
                self.level.tiles((self.code, self.x_code), tiles, self.x, &mut scratch, sums);
                let rows = sums.len().min(y.len());
                split(&mut y, rows).copy_from_slice(&sums[..rows]);
            });
        }
    }
}

/// Some tiles of matrices by every vector: 32 rows of each per tile.
fn run_vectors(parts: &[TileMatrix<'_>], level: Level, code: WeightCode, x: &Vectors, (tiles, mut y): Taken<'_, i32>) {
    let mut scratch = Vec::new();
    for (part, tiles) in spans(parts, tiles_of_matrix, tiles) {
        for_groups(tiles_at(part, &tiles), level.tiles_at_once(code), |tiles| {
            let sums = split(&mut y, tiles.len() * TILE_ROWS * x.count);
            level.tiles_of_vectors(code, tiles, x, &mut scratch, sums);
        });
    }
}

/// Results from which on threads share their placing: some microseconds' worth.
const SHARED_RESULTS: usize = 1 << 14;

/// Rows from tiles: `tiles` holds 32 rows of every vector a tile, `y` all rows of a vector, then those of the next.
fn gather_rows<T: Copy + Send + Sync>(
    pool: &ThreadPool,
    parts: impl Iterator<Item = usize> + Clone + Sync,
    vectors: usize,
    tiles: &[T],
    y: &mut [T],
) {
    let rows: usize = parts.clone().sum();
    let results = y.len();
    let places: Vec<_> = y.chunks_exact_mut(rows.max(1)).map(Mutex::new).collect();
    let work = |vector: usize| {
        // Nobody else takes this vector.
        let mut y = places[vector].lock().unwrap_or_else(PoisonError::into_inner);
        let mut tiles = tiles.chunks_exact(TILE_ROWS).skip(vector).step_by(vectors);
        let mut first = 0;
        for part in parts.clone() {
            for (row, tile) in (0..part).step_by(TILE_ROWS).zip(&mut tiles) {
                let count = TILE_ROWS.min(part - row);
                y[first + row..first + row + count].copy_from_slice(&tile[..count]);
            }
            first += part;
        }
    };
    pool.share_large(results, SHARED_RESULTS, places.len(), work);
}
