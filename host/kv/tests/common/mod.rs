//! A text of random queries, keys and values.

use nda_kernels::ThreadPool;
use nda_kv::{Cache, Call, Heads};
use nda_spec::random::Random;

pub const HEADS: Heads = Heads { queries: 6, keys: 2, head_dim: 32 };
pub const Q: usize = 6 * 32;
pub const K: usize = 2 * 32;

pub fn values(seed: u64, count: usize) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut next = || (2.0 * random.unit() - 1.0) as f32;
    (0..count).map(|_| next() + next() + next()).collect()
}

pub struct Text {
    pub q: Vec<f32>,
    pub key: Vec<f32>,
    pub value: Vec<f32>,
    pub tokens: Vec<u32>,
}

impl Text {
    pub fn new(positions: usize) -> Text {
        let tokens = (0..positions as u32).map(|i| i * 31 % 1000).collect();
        Text { q: values(1, positions * Q), key: values(2, positions * K), value: values(3, positions * K), tokens }
    }

    /// Takes positions in batches, two blocks each; gives the results of the second.
    pub fn take(&self, cache: &mut Cache, pool: &ThreadPool, batch: usize, (from, to): (usize, usize), window: Option<usize>) -> Vec<f32> {
        let mut out = vec![0.0; (to - from) * Q];
        for first in (from..to).step_by(batch) {
            let end = to.min(first + batch);
            for block in 0..2 {
                let call = Call {
                    block,
                    first,
                    heads: HEADS,
                    window,
                    scale: 0.2,
                    q: &self.q[first * Q..end * Q],
                    key: &self.key[first * K..end * K],
                    value: &self.value[first * K..end * K],
                };
                cache.attend(pool, &call, &mut out[(first - from) * Q..(end - from) * Q]).unwrap();
            }
            cache.commit(&self.tokens[first..end]);
        }
        out
    }
}

pub fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}
