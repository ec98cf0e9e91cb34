//! What a model's program runs against: the tensors of its document, a back end, the KV cache.

use crate::attention::{Cache, attend_all};
use crate::error::EngineError;
use crate::layer::Prepared;
use crate::linear::Scratch;
use crate::tensors::Tensor;
use crate::view::View;
use nda_gemv::{Cost, Gemv, Work};
use nda_kernels::ThreadPool;
use nda_kernels::float::rows_by_vectors;
use nda_lang::{Attention, Builtins, Document, HostError, Input};
use rayon::prelude::*;

/// Most blocks that can attend, so that a wild number is an error and not a table.
const MAX_BLOCKS: i64 = 1 << 16;

/// Refuses what is no whole number of vectors.
pub(crate) fn check_len(name: &str, found: usize, cols: usize) -> Result<(), HostError> {
    if found > 0 && found.is_multiple_of(cols) {
        return Ok(());
    }
    Err(Box::new(EngineError::Input { layer: name.into(), found, cols }))
}

/// Hears the names of a layer's tensors, their columns, and the vectors of floats that come to it.
pub(crate) type Observer<'a> = Box<dyn FnMut(&[String], usize, &[f32]) + 'a>;

/// Hears a block's number, and its queries, keys and values, a position after another.
pub(crate) type AttentionObserver<'a> = Box<dyn FnMut(usize, [&[f32]; 3]) + 'a>;

/// A text in progress, as its program sees it.
pub(crate) struct Host<'a, 'm> {
    pub view: View<'m, 'm>,
    pub layers: &'a [Option<Prepared>],
    pub gemv: &'a mut dyn Gemv<'m>,
    /// The threads that share an attention.
    pub pool: ThreadPool,
    caches: Vec<Cache>,
    scratch: Scratch,
    /// Who takes the lines that the program prints.
    pub print: Option<Box<dyn FnMut(&str) + 'a>>,
    /// Who looks at what layers see.
    pub input: Option<Observer<'a>>,
    /// Who looks at what blocks attend with.
    pub attended: Option<AttentionObserver<'a>>,
    pub position: usize,
    pub cost: Cost,
}

impl<'a, 'm> Host<'a, 'm> {
    pub fn new(view: View<'m, 'm>, layers: &'a [Option<Prepared>], gemv: &'a mut dyn Gemv<'m>) -> Self {
        Host {
            view,
            layers,
            gemv,
            pool: ThreadPool::default(),
            caches: Vec::new(),
            scratch: Scratch::default(),
            print: None,
            input: None,
            attended: None,
            position: 0,
            cost: Cost::default(),
        }
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

impl Builtins for Host<'_, '_> {
    fn document(&self) -> &dyn Document {
        &self.view
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
        if let Some(hear) = &mut self.attended {
            hear(index, [q, key, value]);
        }
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
