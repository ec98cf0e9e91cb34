//! What one call of an attention is, and how threads share it.

use std::ops::Range;

/// Heads of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key and value heads, a divisor of `queries`: query head `h` looks at head `h / (queries / keys)`.
    pub keys: usize,
    /// Values of a head.
    pub head_dim: usize,
}

impl Heads {
    /// Query heads that look at one key and value head.
    pub fn group(&self) -> usize {
        self.queries / self.keys
    }

    /// Values of a position's keys.
    pub fn width(&self) -> usize {
        self.keys * self.head_dim
    }
}

/// Causal attention of some positions that follow one another: `out[head] = softmax(scale * q k) v` over all positions up to its own.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// Which block attends.
    pub block: usize,
    /// The first of the positions.
    pub first: usize,
    /// Its heads.
    pub heads: Heads,
    /// Positions that a query sees, its own included; `None` is all.
    pub window: Option<usize>,
    /// What scores are multiplied by.
    pub scale: f32,
    /// Position after position the queries of all heads.
    pub q: &'c [f32],
    /// Position after position the keys of all heads.
    pub key: &'c [f32],
    /// Position after position the values of all heads.
    pub value: &'c [f32],
}

impl Call<'_> {
    /// Positions that are taken.
    pub fn positions(&self) -> usize {
        self.key.len() / self.heads.width()
    }

    /// What the query at a position sees.
    pub fn seen(&self, position: usize) -> Range<usize> {
        let end = position + 1;
        self.window.map_or(0, |window| end.saturating_sub(window))..end
    }

    /// Queries of the heads of one key head at some positions, one position after another.
    pub(crate) fn queries(&self, head: usize, positions: Range<usize>) -> Vec<f32> {
        let (all, own) = (self.heads.queries * self.heads.head_dim, self.heads.group() * self.heads.head_dim);
        let mut queries = Vec::with_capacity(positions.len() * own);
        positions.for_each(|at| queries.extend_from_slice(&self.q[at * all + head * own..][..own]));
        queries
    }
}

/// Places for results that threads fill, one of each key head at each position, in the order of `out`.
pub(crate) type Places<'o> = Vec<std::sync::Mutex<&'o mut [f32]>>;

/// The places of a call's results.
pub(crate) fn places<'o>(call: &Call<'_>, out: &'o mut [f32]) -> Places<'o> {
    out.chunks_exact_mut(call.heads.group() * call.heads.head_dim).map(std::sync::Mutex::new).collect()
}
