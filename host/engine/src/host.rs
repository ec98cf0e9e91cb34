//! What a model's program runs against: the tensors of its document, a back end, the KV cache.

use crate::blocks::{BlockOp, Blocks, request_bytes};
use crate::error::EngineError;
use crate::layer::Prepared;
use crate::linear::Scratch;
use crate::stream::{Floats, Shape};
use crate::tensors::Tensor;
use crate::view::View;
use nda_gemv::{Cost, Gemv, Work};
use nda_kernels::ThreadPool;
use nda_kernels::float::{HeadCache, attend, rows_by_vectors};
use nda_lang::{Attention, Builtins, Document, HostError, Input, StreamOp, ops};
use nda_spec::vector::Machine;
use rayon::prelude::*;
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// Most blocks that can attend, so that a wild number is an error and not a table.
const MAX_BLOCKS: i64 = 1 << 16;

/// Refuses what is no whole number of vectors.
pub(crate) fn check_len(name: &str, found: usize, cols: usize) -> Result<(), HostError> {
    if found > 0 && found % cols == 0 {
        return Ok(());
    }
    Err(Box::new(EngineError::Input { layer: name.into(), found, cols }))
}

/// Keys and values of a block, position by position.
#[derive(Debug, Default, Clone)]
struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    /// Values of a key; 0 before the first.
    kv_dim: usize,
}

/// Hears the names of a layer's tensors, their columns, and the vectors of floats that come to it.
pub(crate) type Observer<'a> = Box<dyn FnMut(&[String], usize, &[f32]) + 'a>;

/// Operations on the stream that wait for one that gives something.
struct Pending<'a> {
    blocks: &'a Blocks,
    machine: Machine,
    ops: Vec<BlockOp>,
    input: Vec<u8>,
}

/// A text in progress, as its program sees it.
pub(crate) struct Host<'a, 'm> {
    view: View<'m, 'm>,
    layers: &'a [Option<Prepared>],
    gemv: &'a mut dyn Gemv<'m>,
    /// The threads that share an attention.
    pub pool: ThreadPool,
    caches: Vec<Cache>,
    scratch: Scratch,
    shape: Shape,
    floats: Floats,
    /// The stream's block form, if that is how it is kept.
    blocks: Option<Pending<'a>>,
    /// Who takes the lines that the program prints.
    pub print: Option<Box<dyn FnMut(&str) + 'a>>,
    /// Who looks at what layers see.
    pub input: Option<Observer<'a>>,
    pub position: usize,
    pub cost: Cost,
}

impl<'a, 'm> Host<'a, 'm> {
    pub fn new(view: View<'m, 'm>, layers: &'a [Option<Prepared>], blocks: Option<&'a Blocks>, gemv: &'a mut dyn Gemv<'m>) -> Self {
        let pending = |blocks: &'a Blocks| Pending { blocks, machine: blocks.machine(), ops: Vec::new(), input: Vec::new() };
        Host {
            view,
            layers,
            gemv,
            pool: ThreadPool::default(),
            caches: Vec::new(),
            scratch: Scratch::default(),
            shape: Shape::default(),
            floats: Floats::default(),
            blocks: blocks.map(pending),
            print: None,
            input: None,
            position: 0,
            cost: Cost::default(),
        }
    }

    /// Whether the stream is kept in its block form.
    pub fn in_blocks(&self) -> bool {
        self.blocks.is_some()
    }

    /// Forgets the text; the memory is kept.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Forgets the text from a position on.
    pub fn truncate(&mut self, position: usize) {
        self.position = self.position.min(position);
        self.forget_unfinished();
    }

    /// Drops keys and values behind the position: those of a token whose step failed midway.
    pub fn forget_unfinished(&mut self) {
        for cache in &mut self.caches {
            let kept = self.position * cache.kv_dim;
            cache.keys.truncate(kept);
            cache.values.truncate(kept);
        }
    }
}

impl Host<'_, '_> {
    /// An operation on the stream in floats: what a program without a stream would compute, in the same order.
    fn stream_plainly(&mut self, op: StreamOp<'_>, gives: usize, floats: &mut Floats) -> Result<(), HostError> {
        let Shape { width, rows, .. } = self.shape;
        match op {
            StreamOp::Begin { x, .. } => {
                floats.x.clear();
                floats.x.extend_from_slice(x);
            }
            StreamOp::Norm { tensor, eps } => {
                floats.input.resize(floats.x.len(), 0.0);
                let normed = floats.x.chunks_exact(width).zip(floats.input.chunks_exact_mut(width));
                normed.for_each(|(x, out)| ops::rms_norm(x, self.view.tensors.vectors[tensor], eps, out));
            }
            StreamOp::Gemv { layer } | StreamOp::Head { layer } => {
                floats.out.resize(gives, 0.0);
                self.gemv(layer, Input::Floats(&floats.input), &mut floats.out)?;
            }
            StreamOp::Swiglu { layer } => {
                let ff = self.view.tensors.layers[layer].rows / 2;
                floats.out.resize(rows * 2 * ff, 0.0);
                self.gemv(layer, Input::Floats(&floats.input), &mut floats.out)?;
                floats.input.resize(rows * ff, 0.0);
                let hidden = floats.out.chunks_exact(2 * ff).zip(floats.input.chunks_exact_mut(ff));
                hidden.for_each(|(both, out)| ops::swiglu(&both[..ff], &both[ff..], out));
            }
            StreamOp::Add { layer, x } => {
                floats.out.resize(rows * width, 0.0);
                self.gemv(layer, Input::Floats(x.unwrap_or(&floats.input)), &mut floats.out)?;
                floats.x.iter_mut().zip(&floats.out).for_each(|(x, y)| *x += y);
            }
            StreamOp::End => floats.out.clone_from(&floats.x),
        }
        Ok(())
    }

    /// An operation on the stream in its block form: kept until one gives something.
    fn stream_in_blocks(&mut self, op: StreamOp<'_>, pending: &mut Pending<'_>, out: &mut Vec<f32>) -> Result<(), HostError> {
        if self.shape.rows != 1 {
            return Err(format!("stream: blocks take one row at a time, not {}", self.shape.rows).into());
        }
        if let StreamOp::Begin { x, .. } | StreamOp::Add { x: Some(x), .. } = op
            && let Some(index) = x.iter().position(|v| !v.is_finite())
        {
            return Err(Box::new(EngineError::NotFinite { layer: "the stream".into(), index, value: x[index] }));
        }
        let op_of = BlockOp::of(&op);
        if matches!(op, StreamOp::Begin { .. }) {
            pending.ops.clear();
            pending.input.clear();
        }
        request_bytes(&op, &mut pending.input);
        pending.ops.push(op_of);
        if op_of.gives() {
            let done = pending.blocks.run(&pending.ops, &pending.input, self.layers, &mut pending.machine, self.gemv, out);
            pending.ops.clear();
            pending.input.clear();
            self.cost += done?;
        }
        Ok(())
    }
}

impl Builtins for Host<'_, '_> {
    fn document(&self) -> &dyn Document {
        &self.view
    }

    fn stream(&mut self, op: StreamOp<'_>) -> Result<&[f32], HostError> {
        let mut shape = self.shape;
        let gives = shape.apply(&op, self.view.tensors)?;
        self.shape = shape;
        let mut floats = std::mem::take(&mut self.floats);
        let done = match self.blocks.take() {
            None => self.stream_plainly(op, gives, &mut floats),
            Some(mut pending) => {
                let done = self.stream_in_blocks(op, &mut pending, &mut floats.out);
                self.blocks = Some(pending);
                done
            }
        };
        self.floats = floats;
        done.map(|()| self.floats.out.as_slice())
    }

    fn print(&mut self, line: &str) {
        if let Some(take) = &mut self.print {
            take(line);
        }
    }

    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError> {
        let found = &self.view.tensors.layers[layer];
        check_len(&found.name, x.len(), found.cols)?;
        if let (Some(observe), Input::Floats(x)) = (&mut self.input, x) {
            observe(&found.names, found.cols, x);
        }
        match (&self.layers[layer], found.parts.first(), x) {
            (Some(layer), _, Input::Floats(x)) => self.cost += layer.apply(self.gemv, x, &mut self.scratch, y)?,
            (Some(_), _, Input::Codes(codes)) if codes.values.len() != found.cols => {
                return Err(
                    format!("layer {}: codes are one vector of {} values, not {}", found.name, found.cols, codes.values.len()).into()
                );
            }
            (Some(layer), _, Input::Codes(codes)) => self.cost += layer.apply_codes(self.gemv, codes, &mut self.scratch, y)?,
            (None, Some(Tensor::Table { .. }), Input::Floats(x)) => {
                multiply_tables(&found.parts, x, y, found.rows);
                self.cost += Cost::on_cpu(Work::of(x.len() / found.cols, found.rows * found.cols));
            }
            (None, ..) => return Err(format!("layer {}: a table of floats takes floats; use dequantize(...)", found.name).into()),
        }
        Ok(())
    }

    fn attend(&mut self, block: i64, [q, key, value]: [&[f32]; 3], attention: Attention, out: &mut [f32]) -> Result<(), HostError> {
        let Some(index) = usize::try_from(block).ok().filter(|_| block < MAX_BLOCKS) else {
            return Err(format!("attend: block {block} is not one of 0 to {}", MAX_BLOCKS - 1).into());
        };
        if self.caches.len() <= index {
            self.caches.resize(index + 1, Cache::default());
        }
        let cache = &mut self.caches[index];
        let found = key.len() / attention.positions;
        if cache.kv_dim == 0 || cache.keys.is_empty() {
            cache.kv_dim = found;
        }
        if cache.kv_dim != found || cache.keys.len() != self.position * cache.kv_dim {
            let kv_dim = cache.kv_dim.max(1);
            let (taken, position) = (cache.keys.len() / kv_dim, self.position);
            let reason = format!(
                "attend: block {block} has taken {taken} keys of {kv_dim} values and gets one of {found} at position {position}; every block attends once a position"
            );
            return Err(reason.into());
        }
        cache.keys.extend_from_slice(key);
        cache.values.extend_from_slice(value);
        attend_all(&self.pool, attention, q, cache, self.position, out);
        Ok(())
    }
}

/// Floats of a table that one task multiplies: some ten microseconds' worth.
const TABLE_TASK: usize = 1 << 16;

/// `y = W x` of tables of floats, one below the other, for every vector of x; `rows` are those of all tables.
fn multiply_tables(tables: &[Tensor<'_>], x: &[f32], y: &mut [f32], rows: usize) {
    let mut first = 0;
    for table in tables {
        let Tensor::Table { values, rows: own, cols } = table else { continue };
        multiply_table(values, *cols, x, &mut y[first..], rows);
        first += own;
    }
}

/// The rows of one table for every vector of x; the results of a vector stand `stride` after those of the one before.
fn multiply_table(values: &[f32], cols: usize, x: &[f32], y: &mut [f32], stride: usize) {
    let task_rows = (TABLE_TASK / cols).max(1);
    let vectors = x.len() / cols;
    // Rows of all vectors together, task by task; they are put in their places afterwards.
    let tasks: Vec<Vec<f32>> = values
        .par_chunks(task_rows * cols)
        .map(|values| {
            let mut out = vec![0.0; values.len() / cols * vectors];
            rows_by_vectors(values, cols, x, &mut out, values.len() / cols);
            out
        })
        .collect();
    for (task, out) in tasks.iter().enumerate() {
        let count = out.len() / vectors;
        for (vector, out) in out.chunks_exact(count).enumerate() {
            let first = vector * stride + task * task_rows;
            y[first..first + count].copy_from_slice(out);
        }
    }
}

/// Scores from which on threads share an attention: some ten microseconds' worth.
const SHARED_SCORES: usize = 1 << 10;

thread_local! {
    /// One head's scores.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Causal attention of some positions, the first of them at `first`, over all cached ones: `out[head] = softmax(scale * q k) v`.
/// Query head `h` looks at key and value head `h / (queries / keys)`. A head of a position is what a thread takes, and its
/// order of evaluation is its own, so threads change no bit.
fn attend_all(pool: &ThreadPool, attention: Attention, q: &[f32], cache: &Cache, first: usize, out: &mut [f32]) {
    let head_dim = q.len() / attention.positions / attention.heads.queries;
    if head_dim == 0 {
        return;
    }
    let tasks = attention.positions * attention.heads.queries;
    let outs: Vec<_> = out.chunks_exact_mut(head_dim).map(Mutex::new).collect();
    let one = |task: usize| {
        let (at, head) = (task / attention.heads.queries, task % attention.heads.queries);
        // Nobody else takes this task, and a panic of another is passed on by whoever shares.
        let mut out = outs[task].lock().unwrap_or_else(PoisonError::into_inner);
        attend_head(attention, head, &q[task * head_dim..][..head_dim], cache, first + at, &mut out);
    };
    if tasks * (first + attention.positions) >= SHARED_SCORES {
        pool.share(tasks, one);
    } else {
        (0..tasks).for_each(one);
    }
}

/// [`attend_all`] of one head at one position.
fn attend_head(attention: Attention, head: usize, q: &[f32], cache: &Cache, position: usize, out: &mut [f32]) {
    let heads_of_one = attention.heads.queries / attention.heads.keys;
    let seen = position + 1;
    let from = attention.window.map_or(0, |window| seen.saturating_sub(window));
    let at = from * cache.kv_dim + head / heads_of_one * q.len();
    let of = |values: &'_ [f32]| at..values.len();
    let keys = HeadCache { values: &cache.keys[of(&cache.keys)], stride: cache.kv_dim };
    let values = HeadCache { values: &cache.values[of(&cache.values)], stride: cache.kv_dim };
    SCORES.with_borrow_mut(|scores| {
        scores.resize(seen - from, 0.0);
        attend(q, keys, values, attention.scale, scores, out);
    });
}
