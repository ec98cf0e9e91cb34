//! Between the two products of an attention: from the sums of scores to the codes of weights, for at most 64 positions at a time,
//! and from the sums of mixes to values. One order of evaluation, so the same bits on every machine.

use crate::float::{LANES, exp, for_wide, largest, sum};
use nda_spec::kv::{FRAME_POSITIONS, MAX_CODE};
use std::ops::Range;

/// What a query makes of some positions: their weights are codes times `scale`, relative to the largest score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// The largest score.
    pub max: f32,
    /// The sum of `exp(score - max)`.
    pub total: f32,
    /// What a code of weight 1 stands for.
    pub scale: f32,
}

/// The scales of some positions' keys and values.
#[derive(Debug, Clone, Copy)]
pub struct Scales<'s> {
    /// One per position.
    pub keys: &'s [f32],
    /// One per position.
    pub values: &'s [f32],
}

/// What the sums of a query's scores become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// What is added to every sum once it is scaled: the query's score of the mean of these keys.
    pub offset: f32,
    /// What that is multiplied by.
    pub factor: f32,
}

for_wide! {
    /// Scores are `(sum * key scale + offset) * factor`; a weight is `exp(score - max) * value scale`, and its code that divided by the largest weight
    /// of these positions, times 127, rounded half up. Codes of positions that are not `seen` are 0.
    ///
    /// # Panics
    /// If nothing is seen, a length does not fit, or there are more than 64 positions.
    pub fn weigh(sums: &[i32], scales: Scales<'_>, score: Score, seen: Range<usize>, codes: &mut [i8]) -> Weighed {
        let count = sums.len();
        assert!(!seen.is_empty() && seen.end <= count && count <= FRAME_POSITIONS && codes.len() == count, "some of 64 positions are seen");
        assert!(scales.keys.len() == count && scales.values.len() == count, "scales of every position");
        let mut scores = [f32::NEG_INFINITY; FRAME_POSITIONS];
        let mut factors = [0.0_f32; FRAME_POSITIONS];
        for at in 0..count {
            scores[at] = (sums[at] as f32 * scales.keys[at] + score.offset) * score.factor;
            factors[at] = scales.values[at];
        }
        for unseen in &mut scores[..seen.start] {
            *unseen = f32::NEG_INFINITY;
        }
        for unseen in &mut scores[seen.end..] {
            *unseen = f32::NEG_INFINITY;
        }
        let max = largest(&scores);
        // Loop by loop, each over elements alone, which compilers make wide.
        for power in &mut scores {
            *power = exp(*power - max);
        }
        let total = sum(&scores);
        for at in 0..FRAME_POSITIONS {
            scores[at] *= factors[at];
        }
        let most = largest(&scores);
        let inverse = f32::from(MAX_CODE) / most;
        let mut all = [0_i8; FRAME_POSITIONS];
        for at in 0..FRAME_POSITIONS {
            all[at] = (scores[at] * inverse + 0.5) as i32 as i8;
        }
        codes.copy_from_slice(&all[..count]);
        Weighed { max, total, scale: most / f32::from(MAX_CODE) }
    }
}

/// The mean of values that a query has seen so far, before it is divided by the total of its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The largest score so far.
    pub max: f32,
    /// The sum of `exp(score - max)`.
    pub total: f32,
}

impl Mean {
    /// Of nothing.
    pub const EMPTY: Mean = Mean { max: f32::NEG_INFINITY, total: 0.0 };

    /// Adds what some positions mix to: `sums` are those of value codes by weight codes.
    ///
    /// # Panics
    /// If `sums` is shorter than `values`.
    pub fn add(&mut self, weighed: Weighed, sums: &[i32], values: &mut [f32]) {
        let max = if weighed.max > self.max { weighed.max } else { self.max };
        let (old, new) = (exp(self.max - max), exp(weighed.max - max));
        *self = Mean { max, total: self.total * old + weighed.total * new };
        scale_and_add(sums, new * weighed.scale, old, values);
    }

    /// Adds the mean of other positions, before it is divided; nothing if they are none.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn join(&mut self, other: Mean, others: &[f32], values: &mut [f32]) {
        if other.max == f32::NEG_INFINITY {
            return;
        }
        let max = if other.max > self.max { other.max } else { self.max };
        let (old, new) = (exp(self.max - max), exp(other.max - max));
        *self = Mean { max, total: self.total * old + other.total * new };
        join_values(others, new, old, values);
    }
}

for_wide! {
    /// `values = values * old + others * new`.
    fn join_values(others: &[f32], new: f32, old: f32, values: &mut [f32]) {
        assert_eq!(others.len(), values.len(), "means of one length");
        for (value, other) in values.iter_mut().zip(others) {
            *value = *value * old + *other * new;
        }
    }
}

for_wide! {
    /// `values = values * old + sums * new`.
    fn scale_and_add(sums: &[i32], new: f32, old: f32, values: &mut [f32]) {
        let sums = &sums[..values.len()];
        for (value, sum) in values.iter_mut().zip(sums) {
            *value = *value * old + *sum as f32 * new;
        }
    }
}

for_wide! {
    /// `sums[row] = codes of the row . x`, rows one after another: scores of exact keys.
    ///
    /// # Panics
    /// If `rows` is shorter than sums times the length of `x`.
    pub fn exact_scores(x: &[i8], rows: &[i8], sums: &mut [i32]) {
        for (row, sum) in rows.chunks_exact(x.len()).zip(sums) {
            let mut total = 0_i32;
            for (a, b) in row.iter().zip(x) {
                total = total.wrapping_add(i32::from(*a) * i32::from(*b));
            }
            *sum = total;
        }
    }
}

for_wide! {
    /// `sums[c] = sum_row weights[row] * rows[row][c]`: a mix of exact values.
    ///
    /// # Panics
    /// If `rows` is not a whole number of rows as long as `sums`.
    pub fn exact_mix(weights: &[i8], rows: &[i8], sums: &mut [i32]) {
        for sum in sums.iter_mut() {
            *sum = 0;
        }
        for (row, weight) in rows.chunks_exact(sums.len()).zip(weights) {
            let weight = i32::from(*weight);
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(weight * i32::from(*value));
            }
        }
    }
}

for_wide! {
    /// `nda_spec::kv::rotate`, to the bit.
    pub fn rotate(head: &mut [f32]) {
        let len = nda_spec::kv::turned(head.len());
        let root = nda_spec::kv::inverse_root(len);
        for part in head.chunks_exact_mut(len) {
            let mut distance = 1;
            if len >= LANES {
                for eight in part.as_chunks_mut::<LANES>().0 {
                    *eight = turn_eight(*eight);
                }
                distance = LANES;
            }
            while distance < len {
                for pair in part.chunks_exact_mut(2 * distance) {
                    let (low, high) = pair.split_at_mut(distance);
                    for (a, b) in low.iter_mut().zip(high) {
                        (*a, *b) = (*a + *b, *a - *b);
                    }
                }
                distance *= 2;
            }
            for v in part.iter_mut() {
                *v *= root;
            }
        }
    }
}

/// Sums and differences at distance 1, 2 and 4.
#[inline(always)]
fn turn_eight([a, b, c, d, e, f, g, h]: [f32; LANES]) -> [f32; LANES] {
    let [a, b, c, d, e, f, g, h] = [a + b, a - b, c + d, c - d, e + f, e - f, g + h, g - h];
    let [a, b, c, d, e, f, g, h] = [a + c, b + d, a - c, b - d, e + g, f + h, e - g, f - h];
    [a + e, b + f, c + g, d + h, a - e, b - f, c - g, d - h]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 333.0 - 1.5).collect()
    }

    #[test]
    fn weights_are_a_softmax_times_the_scales_of_values() {
        for (count, seen) in [(64, 0..64), (64, 4..64), (64, 10..11), (7, 0..7), (1, 0..1)] {
            let sums: Vec<i32> = (0..count).map(|i| (i as i32 * 7919 % 1000) - 500).collect();
            let scales: Vec<f32> = values(1, count).iter().map(|v| v.abs() + 0.1).collect();
            let mut codes = vec![9; count];
            let weighed =
                weigh(&sums, Scales { keys: &scales, values: &scales }, Score { offset: 3.0, factor: 0.01 }, seen.clone(), &mut codes);
            let score = |i: usize| (f64::from(sums[i]) * f64::from(scales[i]) + 3.0) * 0.01;
            let max = seen.clone().map(score).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = seen.clone().map(|i| (score(i) - max).exp()).sum();
            assert!((f64::from(weighed.max) - max).abs() < 1e-4 && (f64::from(weighed.total) / total - 1.0).abs() < 1e-4);
            assert_eq!(codes.iter().max(), Some(&127));
            for (i, code) in codes.iter().enumerate() {
                let weight = if seen.contains(&i) { (score(i) - max).exp() * f64::from(scales[i]) } else { 0.0 };
                let found = f64::from(*code) * f64::from(weighed.scale);
                assert!((found - weight).abs() <= f64::from(weighed.scale) * 0.501, "position {i} of {seen:?}: {found} for {weight}");
            }
        }
    }

    #[test]
    fn a_mean_in_parts_is_the_mean_of_all() {
        let sums = [[100, -50], [30, 70], [-20, 10]];
        let parts = [(1.0, 2.0), (5.0, 1.5), (-3.0, 4.0)].map(|(max, total)| Weighed { max, total, scale: 0.1 });
        let (mut mean, mut found) = (Mean::EMPTY, [0.0; 2]);
        parts.iter().zip(&sums).for_each(|(part, sums)| mean.add(*part, sums, &mut found));
        let factor = |part: &Weighed| f64::from(part.max - 5.0).exp();
        let total: f64 = parts.iter().map(|part| f64::from(part.total) * factor(part)).sum();
        assert!((f64::from(mean.total) - total).abs() < 1e-5 && mean.max == 5.0);
        for c in 0..2 {
            let exact: f64 = parts.iter().zip(&sums).map(|(part, sums)| f64::from(sums[c]) * 0.1 * factor(part)).sum();
            assert!((f64::from(found[c]) - exact).abs() < 1e-4);
        }
    }

    #[test]
    fn exact_products_and_turns_are_those_of_plain_loops() {
        for len in [1, 7, 20, 64, 80] {
            let codes = |seed: usize, count: usize| -> Vec<i8> { (0..count).map(|i| ((i * 7919 + seed * 31) % 255) as i8).collect() };
            let (x, rows, weights) = (codes(1, len), codes(2, 5 * len), [127, 0, 3, 90, 1]);
            let (mut scores, mut mixed) = ([0; 5], vec![9; len]);
            exact_scores(&x, &rows, &mut scores);
            exact_mix(&weights, &rows, &mut mixed);
            let at = |row: usize, c: usize| i32::from(rows[row * len + c]);
            assert!((0..5).all(|row| scores[row] == (0..len).map(|c| at(row, c) * i32::from(x[c])).sum::<i32>()));
            assert!((0..len).all(|c| mixed[c] == (0..5).map(|row| at(row, c) * i32::from(weights[row])).sum::<i32>()));
            let (mut turned, mut plain) = (values(3, len), values(3, len));
            rotate(&mut turned);
            nda_spec::kv::rotate(&mut plain);
            assert!(turned.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()), "{len}");
        }
    }
}
