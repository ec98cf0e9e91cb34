//! BitNet's forward pass by plain loops.

use super::checkpoint::{D, EPS, HEAD_DIM, HEADS, KEY_HEADS, LAYERS, THETA, Tensor};
use std::collections::BTreeMap;

/// A checkpoint by plain loops in f64; only that activations are rounded to 8 bits is the engine's way too.
pub struct Plain {
    tensors: BTreeMap<String, Tensor>,
    /// Of the gate.
    activation: fn(f64) -> f64,
}

impl Plain {
    pub fn new(tensors: Vec<Tensor>, activation: fn(f64) -> f64) -> Plain {
        Plain { tensors: tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect(), activation }
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        x.iter().zip(&self.tensors[name].floats).map(|(v, w)| v / (mean + EPS).sqrt() * f64::from(*w)).collect()
    }

    fn product(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let tensor = &self.tensors[name];
        let step = x.iter().fold(0.0, |max: f64, v| max.max(v.abs())) / 127.0;
        let rounded: Vec<f64> = x.iter().map(|v| (v / step).round()).collect();
        let row = |codes: &[i8]| codes.iter().zip(&rounded).map(|(code, x)| f64::from(*code) * x).sum::<f64>();
        tensor.codes.chunks_exact(tensor.cols).map(|codes| row(codes) * step * f64::from(tensor.scale)).collect()
    }

    fn turned(x: &[f64], position: usize) -> Vec<f64> {
        let half = HEAD_DIM / 2;
        let turn = |at: usize| {
            let (head, pair) = (at / HEAD_DIM * HEAD_DIM, at % half);
            let angle = position as f64 * THETA.powf(-(pair as f64) / half as f64);
            let (a, b) = (x[head + pair], x[head + half + pair]);
            if at % HEAD_DIM < half { a * angle.cos() - b * angle.sin() } else { b * angle.cos() + a * angle.sin() }
        };
        (0..x.len()).map(turn).collect()
    }

    fn attention(q: &[f64], cache: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
        let mut out = Vec::new();
        for head in 0..HEADS {
            let of = |x: &[f64], head: usize| x[head * HEAD_DIM..(head + 1) * HEAD_DIM].to_vec();
            let key_head = head / (HEADS / KEY_HEADS);
            let query = of(q, head);
            let score = |key: &[f64]| of(key, key_head).iter().zip(&query).map(|(k, q)| k * q).sum::<f64>() / (HEAD_DIM as f64).sqrt();
            let weights: Vec<f64> = cache.iter().map(|(key, _)| score(key).exp()).collect();
            let total: f64 = weights.iter().sum();
            let value = |at: usize| cache.iter().zip(&weights).map(|((_, v), w)| v[key_head * HEAD_DIM + at] * w / total).sum::<f64>();
            out.extend((0..HEAD_DIM).map(value));
        }
        out
    }

    fn gated(&self, gate: &[f64], up: &[f64]) -> Vec<f64> {
        gate.iter().zip(up).map(|(g, u)| (self.activation)(*g) * u).collect()
    }

    /// The logits after every token of the text.
    pub fn logits(&self, text: &[u32]) -> Vec<Vec<f64>> {
        let mut caches = vec![Vec::new(); LAYERS];
        let embedding: Vec<Vec<f64>> =
            self.tensors["embed"].floats.chunks_exact(D).map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect();
        let add = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(a, b)| a + b).collect() };
        let step = |(position, token): (usize, &u32)| {
            let mut x = embedding[*token as usize].clone();
            for (block, cache) in caches.iter_mut().enumerate() {
                let name = |part: &str| format!("blk.{block}.{part}");
                let normed = self.norm(&name("attn_norm"), &x);
                let key = Plain::turned(&self.product(&name("k"), &normed), position);
                cache.push((key, self.product(&name("v"), &normed)));
                let mixed = Plain::attention(&Plain::turned(&self.product(&name("q"), &normed), position), cache);
                x = add(&x, &self.product(&name("o"), &self.norm(&name("attn_sub_norm"), &mixed)));
                let normed = self.norm(&name("ffn_norm"), &x);
                let inner = self.gated(&self.product(&name("gate"), &normed), &self.product(&name("up"), &normed));
                x = add(&x, &self.product(&name("down"), &self.norm(&name("ffn_sub_norm"), &inner)));
            }
            let x = self.norm("norm", &x);
            embedding.iter().map(|row| row.iter().zip(&x).map(|(w, x)| w * x).sum()).collect()
        };
        text.iter().enumerate().map(step).collect()
    }
}

pub fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

pub fn squared_relu(x: f64) -> f64 {
    x.max(0.0).powi(2)
}

/// The largest difference, as a share of the largest logit.
pub fn distance(found: &[Vec<f32>], wanted: &[Vec<f64>]) -> f64 {
    let largest = wanted.iter().flatten().fold(0.0, |max: f64, v| max.max(v.abs()));
    let differences = found.iter().flatten().zip(wanted.iter().flatten()).map(|(a, b)| (f64::from(*a) - b).abs());
    differences.fold(0.0, f64::max) / largest
}
