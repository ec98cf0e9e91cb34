//! The float operations between the products, each with one fixed order of evaluation.
//!
//! No operation depends on threads, on the back end or on the instruction set, so the same integers
//! give the same floats bit for bit. Sums run in eight interleaved partial sums that are added
//! in a fixed tree, which the compiler may vectorise without changing a bit.

pub use nda_kernels::float::{dot, geglu, rms_norm, softmax, swiglu};

/// `silu(g) = g / (1 + exp(-g))`.
pub fn silu(g: f32) -> f32 {
    g / (1.0 + nda_kernels::float::exp(-g))
}

/// `relu2(g) = max(g, 0)^2` (So et al., 2021, Primer): the gate of a BitNet b1.58's feed-forward part. NaN stays NaN.
pub fn relu2(g: f32) -> f32 {
    if g < 0.0 { 0.0 } else { g * g }
}

/// Rotary position embedding (Su et al., 2021), in the half-split form of Hugging Face's Llama:
/// dimension `i` turns with dimension `i + half`.
#[derive(Debug, Clone)]
pub struct Rope {
    /// Radians per position, one for every pair of a head.
    frequencies: Vec<f64>,
}

impl Rope {
    /// `theta^(-i / half)` for every pair `i` of a head.
    pub fn new(head_dim: usize, theta: f32) -> Rope {
        let half = head_dim / 2;
        Rope { frequencies: (0..half).map(|i| f64::from(theta).powf(-(i as f64) / half as f64)).collect() }
    }

    /// The same, each divided by its factor: the forms that stretch a context (Llama 3, linear, YaRN) differ in these alone.
    pub fn scaled(theta: f32, factors: &[f32]) -> Rope {
        let mut rope = Rope::new(2 * factors.len(), theta);
        rope.frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= f64::from(*factor));
        rope
    }

    /// Cosine and sine of every pair at a position; angles are computed in f64 and rounded once.
    pub fn turns(&self, position: usize) -> Vec<(f32, f32)> {
        let turn = |frequency: &f64| {
            let angle = position as f64 * frequency;
            (angle.cos() as f32, angle.sin() as f32)
        };
        self.frequencies.iter().map(turn).collect()
    }
}

/// The turns of the positions that were asked for last: every block of a step asks for the same.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    rope: Option<(Head, Rope)>,
    positions: Vec<usize>,
    turns: Vec<(f32, f32)>,
}

/// The turns of rows, each at a position of its own.
#[derive(Debug, Clone, Copy)]
pub struct RowTurns<'t> {
    turns: &'t [(f32, f32)],
    pairs: usize,
}

impl<'t> RowTurns<'t> {
    /// Cosine and sine of every pair of a head in a row.
    pub fn row(self, row: usize) -> &'t [(f32, f32)] {
        &self.turns[row * self.pairs..][..self.pairs]
    }
}

/// What the frequencies of a head follow from.
#[derive(Debug, Clone, PartialEq)]
struct Head {
    head_dim: usize,
    theta_bits: u32,
    /// Empty if nothing is divided.
    factors: Vec<f32>,
}

impl Head {
    fn is(&self, head_dim: usize, theta: f32, factors: &[f32]) -> bool {
        self.head_dim == head_dim && self.theta_bits == theta.to_bits() && self.factors == factors
    }
}

impl Turns {
    /// Cosine and sine of every pair of a head at a position, every pair's frequency divided by its factor; by nothing if there are none.
    pub fn at(&mut self, position: usize, head_dim: usize, theta: f32, factors: &[f32]) -> &[(f32, f32)] {
        self.of_rows(std::iter::once(position), head_dim, theta, factors).turns
    }

    /// [`Self::at`] of rows at these positions.
    pub fn of_rows(
        &mut self,
        positions: impl Iterator<Item = usize> + Clone,
        head_dim: usize,
        theta: f32,
        factors: &[f32],
    ) -> RowTurns<'_> {
        if !self.rope.as_ref().is_some_and(|(head, _)| head.is(head_dim, theta, factors)) {
            let rope = if factors.is_empty() { Rope::new(head_dim, theta) } else { Rope::scaled(theta, factors) };
            self.rope = Some((Head { head_dim, theta_bits: theta.to_bits(), factors: factors.to_vec() }, rope));
            self.positions.clear();
        }
        if !self.positions.iter().copied().eq(positions.clone()) {
            let rope = self.rope.as_ref().map(|(_, rope)| rope);
            self.turns = rope.map_or_else(Vec::new, |rope| positions.clone().flat_map(|position| rope.turns(position)).collect());
            self.positions = positions.collect();
        }
        RowTurns { turns: &self.turns, pairs: head_dim / 2 }
    }
}

/// Turns every head of `x` (`heads * 2 * turns.len()` values) by the turns of one position.
pub fn rotate(turns: &[(f32, f32)], x: &mut [f32]) {
    for head in x.chunks_exact_mut(2 * turns.len()) {
        let (low, high) = head.split_at_mut(turns.len());
        for ((a, b), (cos, sin)) in low.iter_mut().zip(high).zip(turns) {
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }
}

/// Bits that a prediction costs: `-log2 softmax(logits)[target]`, in f64, summed in index order.
///
/// # Panics
/// If `target` is not an index of `logits`.
pub fn surprise_bits(logits: &[f32], target: usize) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&l| f64::from(l - max).exp()).sum();
    (sum.ln() - f64::from(logits[target] - max)) / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dot_is_the_sum_of_products(a in prop::collection::vec(-10_f32..10.0, 0..70)) {
            let b: Vec<f32> = a.iter().rev().map(|v| v * 0.5 + 1.0).collect();
            let exact: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - exact).abs() < 1e-2);
        }

        #[test]
        fn softmax_sums_to_one_and_keeps_the_order(mut x in prop::collection::vec(-50_f32..50.0, 1..60)) {
            let before = x.clone();
            softmax(&mut x);
            prop_assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for i in 1..x.len() {
                prop_assert!(before[i] <= before[i - 1] || x[i] >= x[i - 1]);
            }
        }
    }

    #[test]
    fn rms_norm_of_a_constant_vector_is_its_sign_times_the_weight() {
        let mut out = [0.0; 3];
        rms_norm(&[-4.0, 4.0, 4.0], &[1.0, 2.0, 3.0], 0.0, &mut out);
        assert_eq!(out, [-1.0, 2.0, 3.0]);
    }

    #[test]
    fn rope_turns_pairs_that_stand_half_a_head_apart() {
        let rope = Rope::new(4, 10_000.0);
        let mut x = [1.0, 0.0, 0.0, 1.0, 5.0, 6.0, 7.0, 8.0];
        let before = x;
        rotate(&rope.turns(0), &mut x);
        assert_eq!(x, before, "position 0 turns nothing");
        rotate(&rope.turns(2), &mut x);
        let near = |a: f32, b: f64| assert!((f64::from(a) - b).abs() < 1e-6, "{a} against {b}");
        near(x[0], 2_f64.cos());
        near(x[2], 2_f64.sin());
        near(x[1], -(0.02_f64.sin()));
        near(x[3], 0.02_f64.cos());
        near(x[4], 5.0 * 2_f64.cos() - 7.0 * 2_f64.sin());
    }

    #[test]
    fn squared_relu_is_zero_below_zero_and_hides_no_nan() {
        assert_eq!([-2.0, -0.0, 0.0, 0.5, 3.0, f32::NEG_INFINITY].map(relu2), [0.0, 0.0, 0.0, 0.25, 9.0, 0.0]);
        assert!(relu2(f32::NAN).is_nan());
    }

    #[test]
    fn silu_and_surprise_at_their_ends() {
        assert_eq!(silu(0.0), 0.0);
        assert_eq!(silu(100.0), 100.0);
        assert!(silu(-100.0).abs() < 1e-30);
        assert!((surprise_bits(&[0.0; 256], 7) - 8.0).abs() < 1e-12);
        assert!(surprise_bits(&[1000.0, -1000.0], 0).abs() < 1e-12);
    }
}
