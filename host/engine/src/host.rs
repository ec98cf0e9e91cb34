//! What a model's program runs against: the tensors of its document, a back end, the KV cache.

use crate::error::EngineError;
use crate::layer::Prepared;
use crate::linear::Scratch;
use crate::sequence::{Sequence, Together};
use crate::tensors::Tensor;
use crate::view::View;
use nda_gemv::{Cost, Gemv, Work};
use nda_kernels::ThreadPool;
use nda_kernels::float::rows_by_vectors;
use nda_kv::{Call, Heads};
use nda_lang::{Attention, Builtins, Document, HostError, Input};
use nda_spec::seed;
use rayon::prelude::*;

/// Most blocks that can attend, so that a wild number is an error and not a table.
const MAX_BLOCKS: i64 = 1 << 16;

/// Refuses what is not a whole number of vectors.
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

/// What a program runs against, and the text in progress.
pub(crate) struct Host<'a, 'm> {
    pub view: View<'m, 'm>,
    pub layers: &'a [Option<Prepared>],
    pub gemv: &'a mut dyn Gemv<'m>,
    /// The threads that share an attention.
    pool: ThreadPool,
    pub sequence: Sequence,
    /// The texts of a step that takes tokens of several.
    pub together: Option<Together>,
    scratch: Scratch,
    /// Who takes the lines that the program prints.
    pub print: Option<Box<dyn FnMut(&str) + 'a>>,
    /// Who looks at what layers see.
    pub input: Option<Observer<'a>>,
    /// Who looks at what blocks attend with.
    pub attended: Option<AttentionObserver<'a>>,
    pub cost: Cost,
}

impl<'a, 'm> Host<'a, 'm> {
    pub fn new(view: View<'m, 'm>, layers: &'a [Option<Prepared>], gemv: &'a mut dyn Gemv<'m>) -> Self {
        Host {
            view,
            layers,
            gemv,
            pool: ThreadPool::default(),
            sequence: Sequence::default(),
            together: None,
            scratch: Scratch::default(),
            print: None,
            input: None,
            attended: None,
            cost: Cost::default(),
        }
    }

    /// Lets threads share what stands between products.
    pub fn use_threads(&mut self, pool: ThreadPool) {
        self.scratch.pool = pool.clone();
        self.pool = pool;
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

    fn share(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        self.pool.share(tasks, work);
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

    fn seed(&mut self, call: &seed::Call<'_>) -> Result<seed::Answer, HostError> {
        let done = self.gemv.seeds().map(|seeds| seeds.seed(call)).transpose()?.flatten();
        let Some((answer, cost)) = done else { return Ok(call.golden()) };
        self.cost += cost;
        Ok(answer)
    }

    fn attend(&mut self, block: i64, [q, key, value]: [&[f32]; 3], attention: Attention, out: &mut [f32]) -> Result<(), HostError> {
        let Some(index) = usize::try_from(block).ok().filter(|_| block < MAX_BLOCKS) else {
            return Err(format!("attend: block {block} is not one of 0 to {}", MAX_BLOCKS - 1).into());
        };
        if let Some(hear) = &mut self.attended {
            hear(index, [q, key, value]);
        }
        let heads = attention.heads;
        let heads = Heads { queries: heads.queries, keys: heads.keys, head_dim: q.len() / attention.positions / heads.queries };
        if heads.head_dim == 0 {
            return Ok(());
        }
        let (window, scale) = (attention.window, attention.scale);
        let call = Call { block: index, first: self.sequence.position(), heads, window, scale, q, key, value };
        match &mut self.together {
            Some(together) => together.attend(&self.pool, &call, out),
            None => Ok(self.sequence.cache.attend(&self.pool, &call, out)?),
        }
    }

    fn row_positions(&self) -> Option<&[usize]> {
        self.together.as_ref().map(Together::positions)
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
