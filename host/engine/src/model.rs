//! The forward pass of a Llama-like decoder, one token at a time.

use crate::error::EngineError;
use crate::hyper::Hyper;
use crate::linear::{Linear, Scratch};
use crate::ops::{self, Rope};
use crate::tokenizer::Tokenizer;
use crate::weights::{Tensor, Weights};
use nda_kernels::{Cost, Gemv};

/// A model whose matrices a back end has prepared.
#[derive(Debug)]
pub struct Model<'m> {
    weights: &'m Weights<'m>,
    blocks: Vec<Block>,
    head: Head<'m>,
    rope: Rope,
}

/// The four fused products of a block.
#[derive(Debug)]
struct Block {
    qkv: Linear,
    o: Linear,
    gate_up: Linear,
    down: Linear,
}

#[derive(Debug)]
enum Head<'m> {
    Quantized(Linear),
    /// Float rows, multiplied on the CPU.
    Float(&'m [f32]),
}

impl<'m> Model<'m> {
    /// Hands every matrix to the back end: per block q+k+v, o, gate+up and down, then the head.
    ///
    /// # Errors
    /// What the back end says against a layer's shape, with the layer's name.
    pub fn prepare(weights: &'m Weights<'_>, gemv: &mut dyn Gemv<'m>) -> Result<Model<'m>, EngineError> {
        Model::prepare_with(weights, gemv, |_, _| ())
    }

    /// [`Self::prepare`] that tells `progress` how many of how many fused layers are ready.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_with(
        weights: &'m Weights<'_>,
        gemv: &mut dyn Gemv<'m>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Model<'m>, EngineError> {
        let fused = weights.fused_layers();
        let total = fused.len();
        let mut layers = Vec::with_capacity(total);
        for (name, projections) in fused {
            layers.push(Linear::prepare(&name, &projections, weights.hyper().activation, gemv)?);
            progress(layers.len(), total);
        }
        let mut layers = layers.into_iter();
        let mut next = || layers.next().expect("fused_layers lists four layers a block and then the head");
        let blocks = (0..weights.hyper().n_layers).map(|_| Block { qkv: next(), o: next(), gate_up: next(), down: next() }).collect();
        let head = match weights.head() {
            Tensor::Matrix(_) => Head::Quantized(next()),
            Tensor::Table(values) => Head::Float(values),
        };
        Ok(Model { weights, blocks, head, rope: Rope::new(weights.hyper().head_dim, weights.hyper().rope_theta) })
    }

    /// The model's shape and constants.
    pub fn hyper(&self) -> &Hyper {
        self.weights.hyper()
    }

    /// How text becomes this model's tokens.
    pub fn tokenizer(&self) -> &Tokenizer {
        self.weights.tokenizer()
    }
}

/// Keys and values of every block, position by position.
#[derive(Debug, Default, Clone)]
struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// One text in progress: its KV cache, and what it has cost so far.
pub struct Session<'a, 'm> {
    model: &'a Model<'m>,
    gemv: &'a mut dyn Gemv<'m>,
    caches: Vec<Cache>,
    position: usize,
    cost: Cost,
    vectors: Vectors,
}

/// Every vector of a step, allocated once.
#[derive(Debug, Default)]
struct Vectors {
    residual: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    scores: Vec<f32>,
    added: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
    logits: Vec<f32>,
    scratch: Scratch,
}

impl Vectors {
    fn new(hyper: &Hyper) -> Vectors {
        let zeros = |n: usize| vec![0.0; n];
        Vectors {
            residual: zeros(hyper.d_model),
            normed: zeros(hyper.d_model),
            qkv: zeros(hyper.q_dim() + 2 * hyper.kv_dim()),
            attended: zeros(hyper.q_dim()),
            scores: Vec::new(),
            added: zeros(hyper.d_model),
            gate_up: zeros(2 * hyper.ff),
            activated: zeros(hyper.ff),
            logits: zeros(hyper.vocab_size),
            scratch: Scratch::default(),
        }
    }
}

impl<'a, 'm> Session<'a, 'm> {
    /// An empty session. `gemv` must be the back end that prepared the model.
    pub fn new(model: &'a Model<'m>, gemv: &'a mut dyn Gemv<'m>) -> Session<'a, 'm> {
        let caches = vec![Cache::default(); model.blocks.len()];
        Session { model, gemv, caches, position: 0, cost: Cost::default(), vectors: Vectors::new(model.hyper()) }
    }

    /// Positions that this session has room for.
    pub fn context(&self) -> usize {
        self.model.hyper().context
    }

    /// How text becomes the model's tokens.
    pub fn tokenizer(&self) -> &'m Tokenizer {
        self.model.weights.tokenizer()
    }

    /// Tokens taken so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What the back end's runs have cost so far, over all texts of this session.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Forgets the text; the memory is kept.
    pub fn clear(&mut self) {
        self.position = 0;
        for cache in &mut self.caches {
            cache.keys.clear();
            cache.values.clear();
        }
    }

    /// Takes a token without asking what follows it: the head is not computed.
    ///
    /// # Errors
    /// A token that there is not, a full context, or the back end's failure.
    pub fn feed(&mut self, token: u32) -> Result<(), EngineError> {
        let hyper = self.model.hyper();
        if self.position >= hyper.context {
            return Err(EngineError::Context { position: self.position, context: hyper.context });
        }
        self.model.weights.embed(token, &mut self.vectors.residual)?;
        let turns = self.model.rope.turns(self.position);
        for block in 0..self.model.blocks.len() {
            if let Err(error) = self.attention(block, &turns).and_then(|()| self.feed_forward(block)) {
                self.forget_unfinished();
                return Err(error);
            }
        }
        self.position += 1;
        Ok(())
    }

    /// Takes a token and returns the logits of what follows it.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn predict(&mut self, token: u32) -> Result<&[f32], EngineError> {
        self.feed(token)?;
        let hyper = self.model.hyper();
        let v = &mut self.vectors;
        ops::rms_norm(&v.residual, self.model.weights.final_norm(), hyper.rms_eps, &mut v.normed);
        match &self.model.head {
            Head::Quantized(head) => self.cost += head.apply(self.gemv, &v.normed, &mut v.scratch, &mut v.logits)?,
            Head::Float(rows) => {
                for (logit, row) in v.logits.iter_mut().zip(rows.chunks_exact(hyper.d_model)) {
                    *logit = ops::dot(row, &v.normed);
                }
            }
        }
        Ok(&v.logits)
    }

    /// Drops the keys and values of a token whose step failed midway, so that it can be taken again.
    fn forget_unfinished(&mut self) {
        let kept = self.position * self.model.hyper().kv_dim();
        for cache in &mut self.caches {
            cache.keys.truncate(kept);
            cache.values.truncate(kept);
        }
    }

    /// `residual += o(attend(rope(q), rope(k), v))` of the normed residual.
    fn attention(&mut self, index: usize, turns: &[(f32, f32)]) -> Result<(), EngineError> {
        let (hyper, block, v) = (self.model.hyper(), &self.model.blocks[index], &mut self.vectors);
        ops::rms_norm(&v.residual, self.model.weights.attention_norm(index), hyper.rms_eps, &mut v.normed);
        self.cost += block.qkv.apply(self.gemv, &v.normed, &mut v.scratch, &mut v.qkv)?;
        let (q, kv) = v.qkv.split_at_mut(hyper.q_dim());
        let (key, value) = kv.split_at_mut(hyper.kv_dim());
        ops::rotate(turns, q);
        ops::rotate(turns, key);
        let cache = &mut self.caches[index];
        cache.keys.extend_from_slice(key);
        cache.values.extend_from_slice(value);
        attend(hyper, q, cache, &mut v.scores, &mut v.attended);
        self.cost += block.o.apply(self.gemv, &v.attended, &mut v.scratch, &mut v.added)?;
        add(&mut v.residual, &v.added);
        Ok(())
    }

    /// `residual += down(silu(gate) * up)` of the normed residual.
    fn feed_forward(&mut self, index: usize) -> Result<(), EngineError> {
        let (hyper, block, v) = (self.model.hyper(), &self.model.blocks[index], &mut self.vectors);
        ops::rms_norm(&v.residual, self.model.weights.feed_forward_norm(index), hyper.rms_eps, &mut v.normed);
        self.cost += block.gate_up.apply(self.gemv, &v.normed, &mut v.scratch, &mut v.gate_up)?;
        let (gate, up) = v.gate_up.split_at(hyper.ff);
        ops::swiglu(gate, up, &mut v.activated);
        self.cost += block.down.apply(self.gemv, &v.activated, &mut v.scratch, &mut v.added)?;
        add(&mut v.residual, &v.added);
        Ok(())
    }
}

/// `a += b`, element by element.
fn add(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

/// Causal attention of one position over all cached ones: `out[head] = softmax(q k / sqrt(head_dim)) v`.
/// Query head `h` looks at key and value head `h / (n_heads / n_kv_heads)`.
fn attend(hyper: &Hyper, q: &[f32], cache: &Cache, scores: &mut Vec<f32>, out: &mut [f32]) {
    let (head_dim, kv_dim) = (hyper.head_dim, hyper.kv_dim());
    let inverse_root = 1.0 / (head_dim as f32).sqrt();
    let heads_of_one = hyper.n_heads / hyper.n_kv_heads;
    for (head, (q, out)) in q.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)).enumerate() {
        let first = head / heads_of_one * head_dim;
        let here = first..first + head_dim;
        scores.clear();
        scores.extend(cache.keys.chunks_exact(kv_dim).map(|key| ops::dot(q, &key[here.clone()]) * inverse_root));
        ops::softmax(scores);
        out.fill(0.0);
        for (score, value) in scores.iter().zip(cache.values.chunks_exact(kv_dim)) {
            for (out, value) in out.iter_mut().zip(&value[here.clone()]) {
                *out += score * value;
            }
        }
    }
}
