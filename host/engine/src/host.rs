//! What a model's program runs against: the tensors of its document, a back end, the KV cache.

use crate::error::EngineError;
use crate::hyper::Hyper;
use crate::linear::{Linear, Scratch};
use crate::ops;
use crate::tensors::{Tensor, Tensors};
use nda_kernels::{Cost, Gemv};
use nda_lang::{Builtins, Heads, HostError, Input};

/// Most blocks that can attend, so that a wild number is an error and not a table.
const MAX_BLOCKS: i64 = 1 << 16;

/// Metadata as numbers: the hyperparameters with their defaults filled in.
fn metadata_int(hyper: &Hyper, key: &str) -> Option<i64> {
    let count = match key {
        "d_model" => hyper.d_model,
        "n_layers" => hyper.n_layers,
        "n_heads" => hyper.n_heads,
        "n_kv_heads" => hyper.n_kv_heads,
        "head_dim" => hyper.head_dim,
        "ff" => hyper.ff,
        "vocab_size" => hyper.vocab_size,
        "context" => hyper.context,
        _ => return None,
    };
    i64::try_from(count).ok()
}

fn metadata_float(hyper: &Hyper, key: &str) -> Option<f64> {
    match key {
        "rope_theta" => Some(f64::from(hyper.rope_theta)),
        "rms_eps" => Some(f64::from(hyper.rms_eps)),
        _ => None,
    }
}

fn check_len(name: &str, found: usize, cols: usize) -> Result<(), HostError> {
    if found == cols {
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

/// A text in progress, as its program sees it.
pub(crate) struct Host<'a, 'm> {
    hyper: &'m Hyper,
    tensors: &'m Tensors<'m>,
    layers: &'a [Option<Linear>],
    gemv: &'a mut dyn Gemv<'m>,
    caches: Vec<Cache>,
    scores: Vec<f32>,
    scratch: Scratch,
    /// Who takes the lines that the program prints.
    pub print: Option<Box<dyn FnMut(&str) + 'a>>,
    pub position: usize,
    pub cost: Cost,
}

impl<'a, 'm> Host<'a, 'm> {
    pub fn new(hyper: &'m Hyper, tensors: &'m Tensors<'m>, layers: &'a [Option<Linear>], gemv: &'a mut dyn Gemv<'m>) -> Self {
        Host {
            hyper,
            tensors,
            layers,
            gemv,
            caches: Vec::new(),
            scores: Vec::new(),
            scratch: Scratch::default(),
            print: None,
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
    fn print(&mut self, line: &str) {
        if let Some(take) = &mut self.print {
            take(line);
        }
    }

    fn metadata_int(&mut self, key: &str) -> Option<i64> {
        metadata_int(self.hyper, key)
    }

    fn metadata_float(&mut self, key: &str) -> Option<f64> {
        metadata_float(self.hyper, key)
    }

    fn layer_rows(&mut self, layer: usize) -> Result<usize, HostError> {
        Ok(self.tensors.layers[layer].rows)
    }

    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError> {
        let found = &self.tensors.layers[layer];
        check_len(&found.name, x.len(), found.cols)?;
        match (&self.layers[layer], found.parts.first(), x) {
            (Some(linear), _, Input::Floats(x)) => self.cost += linear.apply(self.gemv, x, &mut self.scratch, y)?,
            (Some(linear), _, Input::Codes(codes)) => self.cost += linear.apply_codes(self.gemv, codes, &mut self.scratch, y)?,
            (None, Some(Tensor::Table { .. }), Input::Floats(x)) => multiply_tables(&found.parts, x, y),
            (None, ..) => return Err(format!("layer {}: a table of floats takes floats; use dequantize(...)", found.name).into()),
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: usize) -> Result<&[f32], HostError> {
        Ok(self.tensors.vectors[tensor])
    }

    fn shape(&mut self, tensor: usize) -> Result<(usize, usize), HostError> {
        Ok(self.tensors.shape(self.tensors.rows[tensor]))
    }

    fn row(&mut self, tensor: usize, row: i64, out: &mut [f32]) -> Result<(), HostError> {
        Ok(self.tensors.row(self.tensors.rows[tensor], row, out)?)
    }

    fn attend(&mut self, block: i64, [q, key, value]: [&[f32]; 3], heads: Heads, out: &mut [f32]) -> Result<(), HostError> {
        let Some(index) = usize::try_from(block).ok().filter(|_| block < MAX_BLOCKS) else {
            return Err(format!("attend: block {block} is not one of 0 to {}", MAX_BLOCKS - 1).into());
        };
        if self.caches.len() <= index {
            self.caches.resize(index + 1, Cache::default());
        }
        let cache = &mut self.caches[index];
        if cache.kv_dim == 0 || cache.keys.is_empty() {
            cache.kv_dim = key.len();
        }
        if cache.kv_dim != key.len() || cache.keys.len() != self.position * cache.kv_dim {
            let (found, kv_dim) = (key.len(), cache.kv_dim.max(1));
            let (taken, position) = (cache.keys.len() / kv_dim, self.position);
            let reason = format!(
                "attend: block {block} has taken {taken} keys of {kv_dim} values and gets one of {found} at position {position}; every block attends once a position"
            );
            return Err(reason.into());
        }
        cache.keys.extend_from_slice(key);
        cache.values.extend_from_slice(value);
        attend(heads, q, cache, &mut self.scores, out);
        Ok(())
    }
}

/// `y = W x` of tables of floats, one below the other.
fn multiply_tables(tables: &[Tensor<'_>], x: &[f32], y: &mut [f32]) {
    let rows = tables.iter().flat_map(|table| match table {
        Tensor::Table { values, cols, .. } => values.chunks_exact(*cols),
        Tensor::Matrix(_) => [].chunks_exact(1),
    });
    y.iter_mut().zip(rows).for_each(|(y, row)| *y = ops::dot(row, x));
}

/// Causal attention of one position over all cached ones: `out[head] = softmax(q k / sqrt(head_dim)) v`.
/// Query head `h` looks at key and value head `h / (queries / keys)`.
fn attend(heads: Heads, q: &[f32], cache: &Cache, scores: &mut Vec<f32>, out: &mut [f32]) {
    let (head_dim, kv_dim) = (q.len() / heads.queries, cache.kv_dim);
    if head_dim == 0 {
        return;
    }
    let inverse_root = 1.0 / (head_dim as f32).sqrt();
    let heads_of_one = heads.queries / heads.keys;
    for (head, (q, out)) in q.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)).enumerate() {
        let first = head / heads_of_one * head_dim;
        let here = first..first + head_dim;
        scores.clear();
        scores.extend(cache.keys.chunks_exact(kv_dim).map(|key| ops::dot(q, &key[here.clone()]) * inverse_root));
        ops::softmax(scores);
        for (index, out) in out.chunks_mut(LANES).enumerate() {
            mix(scores, &cache.values, kv_dim, first + index * LANES, out);
        }
    }
}

/// Values of a head that are summed in registers.
const LANES: usize = 16;

/// `out[i] = sum over positions of score * value[at + i]`, the positions in order: at most [`LANES`] values.
fn mix(scores: &[f32], values: &[f32], kv_dim: usize, at: usize, out: &mut [f32]) {
    let mut sums = [0.0_f32; LANES];
    let rows = scores.iter().zip(values.chunks_exact(kv_dim));
    if out.len() == LANES {
        for (score, value) in rows {
            let value = &value[at..at + LANES];
            for lane in 0..LANES {
                sums[lane] += score * value[lane];
            }
        }
    } else {
        for (score, value) in rows {
            sums.iter_mut().zip(&value[at..at + out.len()]).for_each(|(sum, value)| *sum += score * value);
        }
    }
    out.copy_from_slice(&sums[..out.len()]);
}

/// Shapes without numbers: products give zeros, and the layers are noted in the order of their use.
pub(crate) struct Trial<'w, 'd> {
    hyper: &'w Hyper,
    tensors: &'w Tensors<'d>,
    order: Vec<usize>,
    seen: Vec<bool>,
}

impl<'w, 'd> Trial<'w, 'd> {
    pub fn new(hyper: &'w Hyper, tensors: &'w Tensors<'d>) -> Self {
        Trial { hyper, tensors, order: Vec::new(), seen: vec![false; tensors.layers.len()] }
    }

    pub fn into_order(self) -> Vec<usize> {
        self.order
    }
}

impl Builtins for Trial<'_, '_> {
    fn print(&mut self, _: &str) {}

    fn metadata_int(&mut self, key: &str) -> Option<i64> {
        metadata_int(self.hyper, key)
    }

    fn metadata_float(&mut self, key: &str) -> Option<f64> {
        metadata_float(self.hyper, key)
    }

    fn layer_rows(&mut self, layer: usize) -> Result<usize, HostError> {
        Ok(self.tensors.layers[layer].rows)
    }

    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError> {
        y.fill(0.0);
        check_len(&self.tensors.layers[layer].name, x.len(), self.tensors.layers[layer].cols)?;
        if !std::mem::replace(&mut self.seen[layer], true) {
            self.order.push(layer);
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: usize) -> Result<&[f32], HostError> {
        Ok(self.tensors.vectors[tensor])
    }

    fn shape(&mut self, tensor: usize) -> Result<(usize, usize), HostError> {
        Ok(self.tensors.shape(self.tensors.rows[tensor]))
    }

    fn row(&mut self, tensor: usize, row: i64, out: &mut [f32]) -> Result<(), HostError> {
        Ok(self.tensors.row(self.tensors.rows[tensor], row, out)?)
    }

    fn attend(&mut self, _: i64, _: [&[f32]; 3], _: Heads, out: &mut [f32]) -> Result<(), HostError> {
        out.fill(0.0);
        Ok(())
    }
}
