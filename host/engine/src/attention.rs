//! Causal attention over a block's cached keys and values.

use nda_kernels::ThreadPool;
use nda_kernels::float::{HeadCache, attend};
use nda_lang::Attention;
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// Keys and values of a block, position by position.
#[derive(Debug, Default, Clone)]
pub(crate) struct Cache {
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
    /// Values of a key; 0 before the first.
    pub kv_dim: usize,
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
pub(crate) fn attend_all(pool: &ThreadPool, attention: Attention, q: &[f32], cache: &Cache, first: usize, out: &mut [f32]) {
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
