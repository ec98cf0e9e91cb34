//! Scores and mixing: a query's codes against a ring of levels.
//!
//! Scores have base 2, 8 bits behind the point and 16 bits; their exponentials are weights of 8 bits for the values and of
//! 12 for their sum. What is mixed is at most `8 * 255 * 1024`; above a sum of 2^18 it loses four bits, so it is narrow.

use super::coder::inverse_sum;
use super::kv::{KvShape, KvStore};
use super::number::{Scale, narrow, round_shift};
use super::table::{EXP2_BITS, exp2_entry};

/// Bits behind the point of a score.
pub const SCORE_POINT: i32 = 8;
/// Largest magnitude of a score: 16 bits.
const SCORE_MAX: i64 = (1 << 15) - 1;
/// Bits by which a weight in the sum is finer than one for the values.
pub const SUM_BITS: i32 = 4;
/// Sums from which on what is mixed loses [`COARSE_BITS`].
const COARSE_SUM: u32 = 1 << 18;
const COARSE_BITS: i32 = 4;

/// What one step leaves for the next.
#[derive(Debug, Clone)]
pub struct Attention {
    scores: Vec<i32>,
    accumulators: Vec<i32>,
    /// What is mixed, narrow.
    pub mixed: Vec<i32>,
    /// 127 over the sum of each head's weights, with the bits that the values lost.
    pub sums: Vec<Scale>,
}

/// The positions that a step attends to: those up to the newest one, at most a window.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The newest position.
    pub position: u64,
    /// Positions at most.
    pub window: usize,
}

impl Span {
    fn positions(&self) -> std::ops::RangeInclusive<u64> {
        (self.position + 1).saturating_sub(self.window as u64)..=self.position
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.window.min(usize::try_from(self.position).unwrap_or(usize::MAX).saturating_add(1))
    }
}

impl Attention {
    /// Room for a step of a program with that cache.
    pub fn new(shape: &KvShape) -> Attention {
        Attention { scores: Vec::new(), accumulators: vec![0; shape.head_dim], mixed: Vec::new(), sums: Vec::new() }
    }

    /// `score[head][t] = query codes . keys[t] * constant * scale[head]`.
    pub fn score(&mut self, kv: (&KvShape, &KvStore), layer: usize, span: Span, query: (&[i8], &[Scale]), constant: (i32, i32)) {
        let ((shape, store), (codes, scales), (constant, shift)) = (kv, query, constant);
        let shared = scales.len() / shape.heads;
        self.scores.clear();
        for (head, scale) in scales.iter().enumerate() {
            let q = &codes[head * shape.head_dim..][..shape.head_dim];
            let at = head / shared * shape.head_dim;
            let (factor, shift) = (i64::from(scale.times(constant)), shift + scale.exponent);
            for t in span.positions() {
                let dot = dot(q, &store.keys(layer, t)[at..at + shape.head_dim]);
                self.scores.push(round_shift(i64::from(dot) * factor, shift).clamp(-SCORE_MAX, SCORE_MAX) as i32);
            }
        }
    }

    /// `mixed[head] = sum over t of weight[head][t] * values[t]`, and the sum of the weights.
    pub fn mix(&mut self, kv: (&KvShape, &KvStore), layer: usize, span: Span, heads: usize) {
        let (shape, store) = kv;
        let (shared, len) = (heads / shape.heads, span.count());
        self.mixed.clear();
        self.sums.clear();
        for (head, scores) in self.scores.chunks(len).enumerate() {
            let most = scores.iter().copied().max().unwrap_or(0);
            let at = head / shared * shape.head_dim;
            self.accumulators.fill(0);
            let mut sum = 0_u32;
            for (t, score) in span.positions().zip(scores) {
                let below = most - score;
                let (entry, down) = (i64::from(exp2_entry(below as usize & 255)), below >> SCORE_POINT);
                sum += round_shift(entry, EXP2_BITS - SUM_BITS + down) as u32;
                let weight = round_shift(entry, EXP2_BITS + down) as i16;
                add_scaled(&mut self.accumulators, weight, &store.values(layer, t)[at..at + shape.head_dim]);
            }
            let lost = if sum >= COARSE_SUM { COARSE_BITS } else { 0 };
            self.mixed.extend(self.accumulators.iter().map(|&v| narrow(round_shift(v.into(), lost))));
            let scale = inverse_sum(sum);
            self.sums.push(Scale { exponent: scale.exponent - lost, ..scale });
        }
    }
}

/// At most `127 * 8 * head_dim`, which the program's check holds to 18 bits: nothing wraps.
#[inline]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (&a, &b)| sum.wrapping_add(i32::from(i16::from(a) * i16::from(b))))
}

/// At most `255 * 8` a position and 1,024 of them: nothing wraps.
#[inline]
fn add_scaled(sums: &mut [i32], weight: i16, values: &[i8]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = sum.wrapping_add(i32::from(weight.wrapping_mul(i16::from(value))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::KvForm;

    fn shape(ring: usize) -> KvShape {
        KvShape { layers: 1, heads: 1, head_dim: 8, ring, form: KvForm::four_bits() }
    }

    /// Softmax of scores spread over twelve bits, against f64.
    #[test]
    fn mixing_is_the_softmax_of_the_scores_within_a_hundredth_of_the_largest_value() {
        let shape = shape(64);
        for spread in [0.0, 0.3, 3.0, 40.0] {
            let mut store = KvStore::new(&shape);
            let mut attention = Attention::new(&shape);
            let mut exact = [0.0_f64; 8];
            let mut total = 0.0;
            for t in 0..64_u64 {
                let score = ((t * 37 % 64) as f64 / 64.0 * spread * 256.0).round();
                attention.scores.push(score as i32);
                total += (score / 256.0).exp2();
                for d in 0..8 {
                    let value = ((t as i64 * 5 + d * 3) % 13 - 6) as i8;
                    store.values_mut(0, t)[d as usize] = value;
                    exact[d as usize] += (score / 256.0).exp2() * f64::from(value);
                }
            }
            attention.mix((&shape, &store), 0, Span { position: 63, window: 64 }, 1);
            for (found, exact) in attention.mixed.iter().zip(exact) {
                let found = f64::from(*found) * 16.0 / 127.0 * attention.sums[0].value();
                assert!((found - exact / total).abs() < 0.06, "spread {spread}: {found} for {}", exact / total);
            }
        }
    }

    #[test]
    fn nothing_overflows_with_the_longest_ring_the_largest_levels_and_equal_scores() {
        let mut shape = shape(1024);
        shape.form = KvForm::new(&[2, 2]).unwrap();
        let mut store = KvStore::new(&shape);
        let mut attention = Attention::new(&shape);
        (0..1024).for_each(|t| store.values_mut(0, t).fill(-8));
        attention.scores = vec![-32_767; 1024];
        attention.mix((&shape, &store), 0, Span { position: 5000, window: 1024 }, 1);
        assert_eq!(attention.mixed, [-130_560; 8]);
        let found = f64::from(attention.mixed[0]) * 16.0 / 127.0 * attention.sums[0].value();
        assert!((found / -8.0 - 1.0).abs() < 2e-3, "{found}");
    }

    #[test]
    fn scores_are_the_scaled_dots_and_saturate_at_16_bits() {
        let shape = shape(4);
        let mut store = KvStore::new(&shape);
        store.keys_mut(0, 0).fill(6);
        store.keys_mut(0, 1).copy_from_slice(&[1, -1, 2, -2, 0, 3, -6, 6]);
        let codes = [127, -127, 100, 5, -9, 0, 1, 2];
        let (mut attention, span) = (Attention::new(&shape), Span { position: 1, window: 4 });
        attention.score((&shape, &store), 0, span, (&codes, &[Scale::ONE]), (1 << 16, -1));
        // By 2^15 and back by 2^(16 - 1).
        let sum: i32 = codes.iter().map(|&c| i32::from(c)).sum();
        assert_eq!(attention.scores, [6 * sum, 127 + 127 + 200 - 10 - 6 + 12]);
        attention.score((&shape, &store), 0, span, (&[127; 8], &[Scale::ONE]), (131_071, -9));
        assert_eq!(attention.scores[0], 32_767);
        assert_eq!([span.count(), Span { position: 9, window: 4 }.count()], [2, 4]);
    }
}
