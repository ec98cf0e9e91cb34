//! What queries look at: at most 64 positions of a head at a time, closed or exact.

use crate::body::Head;
use crate::exact::ExactHead;
use nda_kernels::kv::stride;
use nda_kernels::kv::weigh::{Mean, Scales, Score, Weighed, exact_mix, exact_scores, weigh};
use nda_kernels::{FrameKernel, FrameVectors};
use nda_spec::kv::{FRAME_POSITIONS, scale};
use std::ops::Range;

/// Positions of one head.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'c> {
    /// All of a closed frame, the first of its positions at `first`; what stands before `from` is read elsewhere.
    Closed { head: Head<'c>, first: usize, from: usize },
    /// Some exact ones.
    Exact { head: &'c ExactHead, first: usize },
}

/// What multiplies closed keys and values.
#[derive(Debug)]
pub(crate) struct Kernels {
    pub keys: FrameKernel,
    pub values: FrameKernel,
}

/// Queries of one key head as codes.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    pub head_dim: usize,
    pub codes: Vec<i8>,
    pub vectors: FrameVectors,
    /// What each one's sums are multiplied by.
    pub factors: Vec<f32>,
    /// Positions that each one sees.
    pub seen: Vec<Range<usize>>,
}

/// Memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    sums: Vec<i32>,
    weights: Vec<i8>,
    vectors: FrameVectors,
    mixed: Vec<i32>,
    weighed: Vec<Option<Weighed>>,
}

fn scales(bytes: impl Iterator<Item = u8>) -> [f32; FRAME_POSITIONS] {
    let mut scales = [0.0; FRAME_POSITIONS];
    scales.iter_mut().zip(bytes).for_each(|(to, k)| *to = scale(k));
    scales
}

impl Source<'_> {
    fn positions(&self) -> Range<usize> {
        match self {
            Source::Closed { first, .. } => *first..first + FRAME_POSITIONS,
            Source::Exact { head, first } => *first..first + head.positions(),
        }
    }

    /// What a query that sees `seen` reads here, counted from this source's first position.
    fn visible(&self, seen: &Range<usize>) -> Range<usize> {
        let all = self.positions();
        let from = if let Source::Closed { from, .. } = self { *from } else { all.start };
        let (start, end) = (seen.start.max(from).max(all.start), seen.end.min(all.end));
        start - all.start..end.max(start) - all.start
    }

    /// Tells `each` what every query that sees something here makes of it, and the sums of its mix.
    pub fn attend(&self, kernels: &Kernels, queries: &Queries, scratch: &mut Scratch, mut each: impl FnMut(usize, Weighed, &[i32])) {
        let (count, head_dim) = (queries.factors.len(), queries.head_dim);
        if queries.seen.iter().all(|seen| self.visible(seen).is_empty()) {
            return;
        }
        let (keys, values, positions) = match self {
            Source::Closed { head, .. } => (scales(head.key_scales()), scales(head.value_scales()), FRAME_POSITIONS),
            Source::Exact { head, .. } => {
                (scales(head.keys.scales.iter().copied()), scales(head.values.scales.iter().copied()), head.positions())
            }
        };
        scratch.sums.resize(count * FRAME_POSITIONS, 0);
        match self {
            Source::Closed { head, .. } => kernels.keys.product(head.keys, FRAME_POSITIONS, &queries.vectors, &mut scratch.sums),
            Source::Exact { head, .. } => {
                for (x, sums) in queries.codes.chunks_exact(head_dim).zip(scratch.sums.chunks_exact_mut(FRAME_POSITIONS)) {
                    exact_scores(x, &head.keys.codes, &mut sums[..positions]);
                }
            }
        }
        scratch.weights.clear();
        scratch.weights.resize(count * positions, 0);
        scratch.weighed.clear();
        let scales = Scales { keys: &keys[..positions], values: &values[..positions] };
        for (query, codes) in scratch.weights.chunks_exact_mut(positions).enumerate() {
            let visible = self.visible(&queries.seen[query]);
            let sums = &scratch.sums[query * FRAME_POSITIONS..][..positions];
            let offset = match self {
                Source::Closed { head, .. } => {
                    let mut sum = [0];
                    exact_scores(&queries.codes[query * head_dim..][..head_dim], head.key_mean, &mut sum);
                    sum[0] as f32 * scale(head.key_mean_scale)
                }
                Source::Exact { .. } => 0.0,
            };
            let score = Score { offset, factor: queries.factors[query] };
            scratch.weighed.push((!visible.is_empty()).then(|| weigh(sums, scales, score, visible, codes)));
        }
        let stride = stride(head_dim);
        scratch.mixed.resize(count * stride, 0);
        match self {
            Source::Closed { head, .. } => {
                scratch.vectors.set(positions, &scratch.weights);
                kernels.values.product(head.values, head_dim, &scratch.vectors, &mut scratch.mixed);
            }
            Source::Exact { head, .. } => {
                for (weights, mixed) in scratch.weights.chunks_exact(positions).zip(scratch.mixed.chunks_exact_mut(stride)) {
                    exact_mix(weights, &head.values.codes, &mut mixed[..head_dim]);
                }
            }
        }
        for (query, weighed) in scratch.weighed.iter().enumerate() {
            if let Some(weighed) = weighed {
                each(query, *weighed, &scratch.mixed[query * stride..][..head_dim]);
            }
        }
    }
}

/// What queries have seen so far.
#[derive(Debug, Default)]
pub(crate) struct Means {
    means: Vec<Mean>,
    values: Vec<f32>,
}

impl Means {
    /// Of nothing, for that many queries.
    pub fn new(count: usize, head_dim: usize) -> Means {
        Means { means: vec![Mean::EMPTY; count], values: vec![0.0; count * head_dim] }
    }

    /// Adds what a query makes of some positions, which come in order.
    pub fn add(&mut self, query: usize, weighed: Weighed, sums: &[i32]) {
        self.means[query].add(weighed, sums, &mut self.values[query * sums.len()..][..sums.len()]);
    }

    /// Adds what other positions came to, which stand behind these.
    pub fn add_all(&mut self, other: &Means) {
        let head_dim = self.values.len() / self.means.len().max(1);
        let values = self.values.chunks_exact_mut(head_dim.max(1)).zip(other.values.chunks_exact(head_dim.max(1)));
        for ((mean, other), (values, others)) in self.means.iter_mut().zip(&other.means).zip(values) {
            mean.join(*other, others, values);
        }
    }

    /// The means, query by query.
    pub fn finish(mut self) -> Vec<f32> {
        let head_dim = self.values.len() / self.means.len().max(1);
        for (mean, values) in self.means.iter().zip(self.values.chunks_exact_mut(head_dim.max(1))) {
            values.iter_mut().for_each(|v| *v /= mean.total);
        }
        self.values
    }
}
