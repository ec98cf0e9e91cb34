//! The CPU as a GEMV back end.

use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use nda_spec::tile::{TILE_ROWS, WORD_U64, col_words};
use nda_spec::{ActivationCode, TileMatrix, WeightCode};

use crate::activations::PreparedX;
use crate::gemv::{check_run, check_shape, stacked_shape};
use crate::level::{Level, Variant};
use crate::{Activations, Cost, Gemv, GemvError, MatrixId, Shape};

/// Products below this run on the caller's thread alone: waking another takes some 10 microseconds,
/// in which one thread does about a million products.
pub const PARALLEL_MIN_PRODUCTS: usize = 1 << 21;

/// Products that a thread takes at a time: a few microseconds, so that a late thread costs little and so does the queue.
const ITEM_PRODUCTS: usize = 1 << 19;

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
    /// The threads besides the caller's; none for one thread.
    helpers: Option<rayon::ThreadPool>,
}

impl Default for CpuGemv<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'m> CpuGemv<'m> {
    /// The best variant of this machine, with a thread for each core that the process may use
    /// (or with the caller's alone, if the system refuses more).
    pub fn new() -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
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
    /// [`PARALLEL_MIN_PRODUCTS`] stay on the caller's.
    ///
    /// # Errors
    /// [`CpuError::NoThread`] for 0, [`CpuError::Threads`] if the system refuses to start them.
    pub fn with_threads(self, threads: usize) -> Result<Self, CpuError> {
        let helpers = match threads {
            0 => return Err(CpuError::NoThread),
            1 => None,
            _ => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads - 1).thread_name(|i| format!("nda-gemv-{i}"));
                Some(pool.build().map_err(|source| CpuError::Threads { threads, source })?)
            }
        };
        Ok(CpuGemv { helpers, ..self })
    }

    /// The variant that runs.
    pub fn variant(&self) -> Variant {
        self.level.variant()
    }

    /// The threads of a large product, the caller's included.
    pub fn threads(&self) -> usize {
        1 + self.helpers.as_ref().map_or(0, rayon::ThreadPool::current_num_threads)
    }

    fn of_level(level: Level) -> Self {
        CpuGemv { level, stacks: Vec::new(), x: PreparedX::default(), helpers: None }
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
        self.x.prepare(self.level.form(x.code), &x);
        let job = Job { level: self.level, code: stack.shape.code, x_code: x.code, x: &self.x };
        let items = items(&stack.parts, y);
        let products = stack.shape.rows.saturating_mul(stack.shape.cols);
        match &self.helpers {
            Some(helpers) if products >= PARALLEL_MIN_PRODUCTS => job.run_shared(helpers, items),
            _ => items.for_each(|item| job.run(item)),
        }
        Ok(Cost::default())
    }
}

/// Some whole tiles of one part, and the rows of y that they make.
struct Item<'m, 'y> {
    tiles: &'m [u64],
    y: &'y mut [i32],
}

/// The whole product as items that any thread can take, in the order in which they lie in memory.
fn items<'m, 'y>(parts: &[TileMatrix<'m>], y: &'y mut [i32]) -> impl Iterator<Item = Item<'m, 'y>> + Send {
    let mut rest = y;
    parts.iter().flat_map(move |part| {
        let (own, others) = std::mem::take(&mut rest).split_at_mut(part.rows());
        rest = others;
        let tile_u64 = col_words(part.cols()) * WORD_U64;
        let item_tiles = (ITEM_PRODUCTS / TILE_ROWS / part.cols().max(1)).max(1);
        let words = part.words();
        own.chunks_mut(item_tiles * TILE_ROWS).enumerate().map(move |(index, y)| {
            let first = index * item_tiles * tile_u64;
            Item { tiles: &words[first..first + y.len().div_ceil(TILE_ROWS) * tile_u64], y }
        })
    })
}

/// One product: what every item of it is multiplied by, and how.
#[derive(Clone, Copy)]
struct Job<'x> {
    level: Level,
    code: WeightCode,
    x_code: ActivationCode,
    x: &'x PreparedX,
}

impl Job<'_> {
    fn run(&self, item: Item<'_, '_>) {
        let tile_u64 = col_words(self.x.cols) * WORD_U64;
        let mut sums = [0; TILE_ROWS];
        for (index, y) in item.y.chunks_mut(TILE_ROWS).enumerate() {
            let tile = &item.tiles[index * tile_u64..(index + 1) * tile_u64];
            self.level.tile(self.code, self.x_code, tile, self.x, &mut sums);
            y.copy_from_slice(&sums[..y.len()]);
        }
    }

    /// Runs the items on the caller's thread and on the helpers, each taking the next one when it is free, so a helper
    /// that wakes late does less, and the caller waits no longer than for its waking and one item.
    /// Allocates one small box a helper, and nothing else.
    fn run_shared<'a>(&self, helpers: &rayon::ThreadPool, items: impl Iterator<Item = Item<'a, 'a>> + Send) {
        let queue = Mutex::new(items);
        let work = || {
            // A poisoned lock means that a thread panicked; the scope passes that panic on.
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(item) = next() {
                self.run(item);
            }
        };
        helpers.in_place_scope(|scope| {
            for _ in 0..helpers.current_num_threads() {
                scope.spawn(|_| work());
            }
            work();
        });
    }
}
