//! Small models with random weights, in three architectures, and what they compute in f64.

use nda_spec::WeightCode;
use nda_spec::random::Random;
use nda_spec::token::{Activation, Embedding, Machine, Range, WIDE_POINT};

/// What makes an architecture another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Llama,
    /// Norms of every head and behind both halves of a block, GELU, windows, two thetas.
    Gemma,
    /// Norms before `o` and `down`, the square of ReLU, ternary weights.
    BitNet,
}

#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub layers: usize,
    pub width: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub ff: usize,
    pub tokens: usize,
    pub ring: usize,
}

/// The shape of models/tiny.ndf.
pub const TINY: Size = Size { layers: 5, width: 128, heads: 4, kv_heads: 2, head_dim: 32, ff: 384, tokens: 256, ring: 102 };
pub const SMALL: Size = Size { layers: 2, width: 64, heads: 4, kv_heads: 2, head_dim: 16, ff: 96, tokens: 61, ring: 24 };

/// As a document has it, in 32 bits; so are the norms.
pub const EPS: f64 = 1e-5_f32 as f64;

#[derive(Clone)]
pub struct Weights {
    pub rows: usize,
    pub cols: usize,
    pub codes: Vec<i8>,
    pub scales: Vec<f64>,
    pub code: WeightCode,
}

impl Weights {
    fn random(random: &mut Random, rows: usize, cols: usize, code: WeightCode) -> Weights {
        let values = code.values();
        let codes = (0..rows * cols).map(|_| values[random.below(values.len())]).collect();
        let scales = (0..rows).map(|_| (0.5 + random.unit()) / (cols as f64).sqrt() / 1.6).collect();
        Weights { rows, cols, codes, scales, code }
    }

    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        let dot = |r: usize| self.codes[r * self.cols..][..self.cols].iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        (0..self.rows).map(|r| dot(r) * self.scales[r]).collect()
    }
}

pub struct Layer {
    pub attn_norm: Vec<f64>,
    pub ffn_norm: Vec<f64>,
    pub q: Weights,
    pub k: Weights,
    pub v: Weights,
    pub o: Weights,
    pub gate: Weights,
    pub up: Weights,
    pub down: Weights,
    pub q_norm: Vec<f64>,
    pub k_norm: Vec<f64>,
    pub post_attn: Vec<f64>,
    pub post_ffn: Vec<f64>,
    pub sub_attn: Vec<f64>,
    pub sub_ffn: Vec<f64>,
    pub theta: f64,
    pub window: usize,
}

pub struct Model {
    pub style: Style,
    pub size: Size,
    pub embed: Vec<f32>,
    pub layers: Vec<Layer>,
    pub norm: Vec<f64>,
    pub head: Weights,
}

impl Model {
    pub fn random(style: Style, size: Size, seed: u64) -> Model {
        let mut random = Random::new(seed);
        let code = if style == Style::BitNet { WeightCode::Ternary } else { WeightCode::Quaternary };
        let embed = (0..size.tokens * size.width).map(|_| (random.unit() * 2.0 - 1.0) as f32).collect();
        let layers = (0..size.layers).map(|i| Layer::random(&mut random, style, &size, i, code)).collect();
        let norm = weights(&mut random, size.width);
        let head = Weights::random(&mut random, size.tokens, size.width, code);
        Model { style, size, embed, layers, norm, head }
    }

    /// Quaternary but for `k` and `down`, so that products of both codes follow one another at once.
    pub fn of_two_codes(size: Size, seed: u64) -> Model {
        let mut model = Model::random(Style::Llama, size, seed);
        let mut random = Random::new(seed + 1);
        for layer in &mut model.layers {
            for w in [&mut layer.k, &mut layer.down] {
                *w = Weights::random(&mut random, w.rows, w.cols, WeightCode::Ternary);
            }
        }
        model
    }

    pub fn activation(&self) -> Activation {
        match self.style {
            Style::Llama => Activation::Silu,
            Style::Gemma => Activation::Gelu,
            Style::BitNet => Activation::SquaredRelu,
        }
    }
}

fn weights(random: &mut Random, n: usize) -> Vec<f64> {
    (0..n).map(|_| f64::from((0.5 + random.unit()) as f32)).collect()
}

impl Layer {
    fn random(random: &mut Random, style: Style, s: &Size, index: usize, code: WeightCode) -> Layer {
        let (q, kv) = (s.heads * s.head_dim, s.kv_heads * s.head_dim);
        let local = style == Style::Gemma && index.is_multiple_of(2);
        Layer {
            attn_norm: weights(random, s.width),
            ffn_norm: weights(random, s.width),
            q: Weights::random(random, q, s.width, code),
            k: Weights::random(random, kv, s.width, code),
            v: Weights::random(random, kv, s.width, code),
            o: Weights::random(random, s.width, q, code),
            gate: Weights::random(random, s.ff, s.width, code),
            up: Weights::random(random, s.ff, s.width, code),
            down: Weights::random(random, s.width, s.ff, code),
            q_norm: weights(random, s.head_dim),
            k_norm: weights(random, s.head_dim),
            post_attn: weights(random, s.width),
            post_ffn: weights(random, s.width),
            sub_attn: weights(random, q),
            sub_ffn: weights(random, s.ff),
            theta: if local { 100.0 } else { 10_000.0 },
            window: if local { s.ring / 3 } else { s.ring },
        }
    }
}

pub fn rms_norm(x: &[f64], weights: &[f64]) -> Vec<f64> {
    let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
    x.iter().zip(weights).map(|(v, w)| v * w / (mean + EPS).sqrt()).collect()
}

/// What a level of every channel stands for, and the largest of a query times its keys'.
pub struct Constants {
    pub keys: Vec<f64>,
    pub values: Vec<f64>,
    pub query: f64,
    pub gate: Range,
}

/// A row per position.
type Rows = Vec<Vec<f64>>;

/// The largest magnitudes that a layer saw.
#[derive(Clone, Default)]
pub struct Largest {
    pub keys: Vec<f64>,
    pub values: Vec<f64>,
    pub query: f64,
    pub active: f64,
    pub gated: f64,
}

/// A model in f64, and the largest keys, values and queries that it saw.
pub struct Reference<'a> {
    model: &'a Model,
    embed: Vec<f64>,
    /// Keys and values are kept as levels of these: a machine's own levels, so that one that falls on the other side of a
    /// middle does not hide what else is wrong.
    levels: Option<Vec<Constants>>,
    kept: Vec<(Vec<i8>, Vec<i8>)>,
    /// The furthest that a key or value was from the level that the machine kept, in levels.
    pub furthest: f64,
    kv: Vec<(Rows, Rows)>,
    pub largest: Vec<Largest>,
    position: usize,
}

impl<'a> Reference<'a> {
    pub fn new(model: &'a Model) -> Reference<'a> {
        let s = &model.size;
        let width = s.kv_heads * s.head_dim;
        Reference {
            model,
            embed: model.embed.iter().map(|v| f64::from(*v)).collect(),
            levels: None,
            kept: Vec::new(),
            furthest: 0.0,
            kv: vec![(Vec::new(), Vec::new()); s.layers],
            largest: vec![Largest { keys: vec![0.0; width], values: vec![0.0; width], ..Largest::default() }; s.layers],
            position: 0,
        }
    }

    /// The same with a cache of levels from -6 to 6, and with a program's embedding: what is left to be wrong is the machine's.
    pub fn with_levels(model: &'a Model, levels: Vec<Constants>, embedding: &Embedding) -> Reference<'a> {
        let scale = |i: usize| f64::from(embedding.scales[i / embedding.group]) * 2_f64.powi(-i32::from(embedding.shift) - WIDE_POINT);
        let embed = embedding.codes.iter().enumerate().map(|(i, code)| f64::from(*code) * scale(i)).collect();
        Reference { embed, levels: Some(levels), ..Reference::new(model) }
    }

    /// The logits, with the levels that a machine kept for the same token.
    pub fn logits_beside(&mut self, machine: &Machine, token: u32) -> Vec<f64> {
        let at = self.position as u64;
        self.kept = (0..self.model.size.layers).map(|i| (machine.kv().keys(i, at).to_vec(), machine.kv().values(i, at).to_vec())).collect();
        self.logits(token)
    }

    /// A8, or as it is where nothing is kept in levels.
    fn codes(&self, x: Vec<f64>) -> Vec<f64> {
        if self.levels.is_none() {
            return x;
        }
        let step = x.iter().fold(0.0_f64, |m, v| m.max(v.abs())) / 127.0;
        x.iter().map(|v| (v / step).round() * step).collect()
    }

    pub fn logits(&mut self, token: u32) -> Vec<f64> {
        let (model, s) = (self.model, self.model.size);
        let mut x: Vec<f64> = self.embed[token as usize * s.width..][..s.width].to_vec();
        for (i, layer) in model.layers.iter().enumerate() {
            let mut mixed = self.attention(i, &self.codes(rms_norm(&x, &layer.attn_norm)));
            if model.style == Style::BitNet {
                mixed = rms_norm(&mixed, &layer.sub_attn);
            }
            let mut out = layer.o.times(&self.codes(mixed));
            if model.style == Style::Gemma {
                out = rms_norm(&out, &layer.post_attn);
            }
            x.iter_mut().zip(&out).for_each(|(x, v)| *x += v);
            let y = self.codes(rms_norm(&x, &layer.ffn_norm));
            let (gate, up) = (layer.gate.times(&y), layer.up.times(&y));
            let active: Vec<f64> = gate.iter().map(|g| model.activation().exact(*g)).collect();
            let mut z: Vec<f64> = active.iter().zip(&up).map(|(a, u)| a * u).collect();
            let largest = &mut self.largest[i];
            largest.active = active.iter().fold(largest.active, |m, v| m.max(v.abs()));
            largest.gated = z.iter().fold(largest.gated, |m, v| m.max(v.abs()));
            if model.style == Style::BitNet {
                z = rms_norm(&z, &layer.sub_ffn);
            }
            let mut out = layer.down.times(&self.codes(z));
            if model.style == Style::Gemma {
                out = rms_norm(&out, &layer.post_ffn);
            }
            x.iter_mut().zip(&out).for_each(|(x, v)| *x += v);
        }
        self.position += 1;
        model.head.times(&self.codes(rms_norm(&x, &model.norm)))
    }

    fn attention(&mut self, i: usize, y: &[f64]) -> Vec<f64> {
        let (layer, s) = (&self.model.layers[i], self.model.size);
        let (mut q, mut k, mut v) = (layer.q.times(y), layer.k.times(y), layer.v.times(y));
        if self.model.style == Style::Gemma {
            q = q.chunks(s.head_dim).flat_map(|h| rms_norm(h, &layer.q_norm)).collect();
            k = k.chunks(s.head_dim).flat_map(|h| rms_norm(h, &layer.k_norm)).collect();
        }
        for head in q.chunks_mut(s.head_dim).chain(k.chunks_mut(s.head_dim)) {
            rope(head, self.position, layer.theta);
        }
        let Largest { keys, values, query, .. } = &mut self.largest[i];
        keys.iter_mut().zip(&k).for_each(|(m, v)| *m = m.max(v.abs()));
        values.iter_mut().zip(&v).for_each(|(m, v)| *m = m.max(v.abs()));
        *query = q.iter().fold(*query, |m, v| m.max(v.abs()));
        if let Some(levels) = &self.levels {
            let (keys, values) = &self.kept[i];
            let furthest = &mut self.furthest;
            let mut keep = |((v, step), level): ((&mut f64, &f64), &i8)| {
                *furthest = furthest.max(((*v / step).clamp(-6.0, 6.0) - f64::from(*level)).abs());
                *v = f64::from(*level) * step;
            };
            k.iter_mut().zip(&levels[i].keys).zip(keys).for_each(&mut keep);
            v.iter_mut().zip(&levels[i].values).zip(values).for_each(&mut keep);
        }
        self.kv[i].0.push(k);
        self.kv[i].1.push(v);
        let (keys, values) = &self.kv[i];
        let from = (self.position + 1).saturating_sub(layer.window.min(s.ring));
        let shared = s.heads / s.kv_heads;
        let mut out = Vec::new();
        for (head, q) in q.chunks(s.head_dim).enumerate() {
            let at = head / shared * s.head_dim;
            let score = |t: usize| keys[t][at..at + s.head_dim].iter().zip(q).map(|(k, q)| k * q).sum::<f64>() / (s.head_dim as f64).sqrt();
            let weights: Vec<f64> = (from..=self.position).map(|t| score(t).exp()).collect();
            let sum: f64 = weights.iter().sum();
            out.extend((0..s.head_dim).map(|d| weights.iter().zip(from..).map(|(w, t)| w * values[t][at + d]).sum::<f64>() / sum));
        }
        out
    }
}

fn rope(head: &mut [f64], position: usize, theta: f64) {
    let half = head.len() / 2;
    for i in 0..half {
        let angle = position as f64 * theta.powf(-(i as f64) / half as f64);
        let (a, b) = (head[i], head[i + half]);
        (head[i], head[i + half]) = (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin());
    }
}
