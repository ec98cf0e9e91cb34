//! Attention over floats, several queries at a time, each with one order of evaluation: the same bits on every machine and
//! whatever stands beside a query.

use crate::float::{LANES, TOGETHER, dot, dots, for_wide, softmax_here};
use std::ops::Range;

/// Values of a head that are summed in registers for several queries at once.
const MIXED: usize = 2 * LANES;

/// Keys or values of one head: of every position `head_dim` values, a `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct HeadCache<'c> {
    /// From the first position's first value on.
    pub values: &'c [f32],
    /// From a position's values to the next one's.
    pub stride: usize,
}

/// Queries of one key and value head, and the positions that each of them sees.
#[derive(Debug, Clone, Copy)]
pub struct Queries<'q> {
    /// `head_dim` values of each, one after another.
    pub values: &'q [f32],
    /// What each of them sees; never empty.
    pub seen: &'q [Range<usize>],
    /// What scores are multiplied by.
    pub scale: f32,
}

for_wide! {
    /// Each query's attention: `out = softmax(scale * q k) v` over the positions that it sees, `head_dim` values of each one after another.
    ///
    /// # Panics
    /// If a cache is too short or a length does not fit.
    pub fn attend(queries: Queries<'_>, keys: HeadCache<'_>, values: HeadCache<'_>, scratch: &mut Vec<f32>, out: &mut [f32]) {
        let count = queries.seen.len();
        let head_dim = queries.values.len() / count.max(1);
        assert!(queries.values.len() == count * head_dim && out.len() == count * head_dim, "a query and a result for every range");
        let mut first = 0;
        while first < count {
            // Rows of keys and values are read once for as many queries as registers have room for.
            let taken = (count - first).min(TOGETHER);
            let at = first * head_dim..(first + taken) * head_dim;
            let part = Queries { values: &queries.values[at.clone()], seen: &queries.seen[first..first + taken], ..queries };
            let out = &mut out[at];
            match taken {
                1 => some::<1>(part, keys, values, scratch, out),
                2 => some::<2>(part, keys, values, scratch, out),
                3 => some::<3>(part, keys, values, scratch, out),
                _ => some::<TOGETHER>(part, keys, values, scratch, out),
            }
            first += taken;
        }
    }
}

/// The attention of `N` queries.
#[inline(always)]
fn some<const N: usize>(queries: Queries<'_>, keys: HeadCache<'_>, values: HeadCache<'_>, scratch: &mut Vec<f32>, out: &mut [f32]) {
    let head_dim = queries.values.len() / N;
    let (mut all, mut common) = (queries.seen[0].clone(), queries.seen[0].clone());
    for seen in queries.seen {
        all = all.start.min(seen.start)..all.end.max(seen.end);
        common = common.start.max(seen.start)..common.end.min(seen.end);
    }
    scratch.clear();
    scratch.resize(N * all.len(), 0.0);
    let mut q = [queries.values; N];
    for n in 0..N {
        q[n] = &queries.values[n * head_dim..][..head_dim];
    }
    for at in 0..all.len() {
        let found = dots::<N>(&keys.values[(all.start + at) * keys.stride..][..head_dim], q);
        for n in 0..N {
            scratch[n * all.len() + at] = found[n] * queries.scale;
        }
    }
    let mut weights: [&[f32]; N] = [&[]; N];
    let mut rest = scratch.as_mut_slice();
    for n in 0..N {
        let (own, others) = rest.split_at_mut(all.len());
        let seen = &queries.seen[n];
        softmax_here(&mut own[seen.start - all.start..seen.end - all.start]);
        (weights[n], rest) = (own, others);
    }
    let whole = head_dim / MIXED * MIXED;
    let span = Span { all: all.start, common };
    for at in (0..whole).step_by(MIXED) {
        mix::<N, MIXED>(&span, queries.seen, weights, values, at, out);
    }
    for at in whole..head_dim {
        mix::<N, 1>(&span, queries.seen, weights, values, at, out);
    }
}

/// Where weights begin, and the positions that all queries see.
struct Span {
    all: usize,
    common: Range<usize>,
}

/// `out[n][at..at + W] = sum_p weights[n][p] * values[p][at..at + W]`, positions in order.
#[inline(always)]
fn mix<const N: usize, const W: usize>(
    span: &Span,
    seen: &[Range<usize>],
    weights: [&[f32]; N],
    values: HeadCache<'_>,
    at: usize,
    out: &mut [f32],
) {
    let head_dim = out.len() / N;
    let mut sums = [[0.0_f32; W]; N];
    let common = if span.common.is_empty() { seen[0].end..seen[0].end } else { span.common.clone() };
    for n in 0..N {
        // Without a position that all see, everybody's are added before and behind one that is his own end.
        for position in seen[n].start..common.start.clamp(seen[n].start, seen[n].end) {
            add::<W>(&mut sums[n], weights[n][position - span.all], values, position, at);
        }
    }
    for position in common.clone() {
        for n in 0..N {
            add::<W>(&mut sums[n], weights[n][position - span.all], values, position, at);
        }
    }
    for n in 0..N {
        for position in common.end.clamp(seen[n].start, seen[n].end)..seen[n].end {
            add::<W>(&mut sums[n], weights[n][position - span.all], values, position, at);
        }
        out[n * head_dim + at..][..W].copy_from_slice(&sums[n]);
    }
}

/// Adds a position's values, times its weight.
#[inline(always)]
fn add<const W: usize>(sums: &mut [f32; W], weight: f32, values: HeadCache<'_>, position: usize, at: usize) {
    let value = &values.values[position * values.stride + at..][..W];
    for lane in 0..W {
        sums[lane] += weight * value[lane];
    }
}

/// One query's attention, position after position: what [`attend`] says of each, and what tests compare it with.
///
/// # Panics
/// If a cache is too short.
pub fn attend_plainly(q: &[f32], keys: HeadCache<'_>, values: HeadCache<'_>, scale: f32, seen: Range<usize>, out: &mut [f32]) {
    let mut scores: Vec<f32> = seen.clone().map(|p| dot(q, &keys.values[p * keys.stride..][..q.len()]) * scale).collect();
    crate::float::softmax(&mut scores);
    for (i, out) in out.iter_mut().enumerate() {
        *out = scores.iter().zip(seen.clone()).fold(0.0, |sum, (weight, p)| sum + weight * values.values[p * values.stride + i]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init, reason = "one query sees one range")]
    use super::*;

    #[test]
    fn attention_is_a_mean_of_values() {
        let keys = [1.0, 0.0, 9.0, 1.0, 0.0, 9.0, 1.0, 0.0, 9.0];
        let values: Vec<f32> = (0..9).map(|i| i as f32).collect();
        let mut out = [0.0; 2];
        let of = |values| HeadCache { values, stride: 3 };
        let queries = Queries { values: &[2.0, 5.0], seen: &[0..3], scale: 0.5 };
        attend(queries, of(&keys), of(&values), &mut Vec::new(), &mut out);
        // Equal scores: the mean of 0, 3, 6 and of 1, 4, 7.
        assert!((out[0] - 3.0).abs() < 1e-6 && (out[1] - 4.0).abs() < 1e-6, "{out:?}");
    }

    #[test]
    fn attention_has_one_order_of_evaluation_whatever_is_taken_at_once() {
        let windows: [&[Range<usize>]; 5] = [
            &[0..1],
            &[0..5, 0..5, 0..5],
            &[0..3, 0..4, 1..5, 2..6],
            &[0..2, 4..7, 1..3],
            &[3..9, 3..9, 3..10, 4..10, 5..11, 0..13, 12..13],
        ];
        for head_dim in [1, 7, 16, 64, 81, 256] {
            for seen in windows {
                let (stride, positions) = (head_dim + 5, 13);
                let value = |i: usize| ((i * 7919 + 13) % 1000) as f32 / 333.0 - 1.5;
                let q: Vec<f32> = (0..seen.len() * head_dim).map(value).collect();
                let [keys, values] = [3, 8].map(|seed| (0..positions * stride).map(|i| value(i + seed)).collect::<Vec<f32>>());
                let of = |values| HeadCache { values, stride };
                let mut out = vec![0.0; q.len()];
                attend(Queries { values: &q, seen, scale: 0.3 }, of(&keys), of(&values), &mut Vec::new(), &mut out);
                for (n, range) in seen.iter().enumerate() {
                    let mut expected = vec![0.0; head_dim];
                    attend_plainly(&q[n * head_dim..][..head_dim], of(&keys), of(&values), 0.3, range.clone(), &mut expected);
                    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&out[n * head_dim..][..head_dim]), bits(&expected), "{head_dim} values, query {n} of {seen:?}");
                }
            }
        }
    }
}
