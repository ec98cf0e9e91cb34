//! Choosing the next token: greedy, or drawn with a seeded generator.

/// How tokens are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// 0 = greedy: the largest logit, ties to the lowest id. Else logits are divided by it.
    pub temperature: f32,
    /// Only the `k` most likely tokens; `None` for all.
    pub top_k: Option<usize>,
    /// Only the fewest tokens whose probabilities reach `p` together; `None` for all.
    pub top_p: Option<f32>,
    /// Seed of the generator.
    pub seed: u64,
}

impl Sampling {
    /// Greedy: every run gives the same tokens.
    pub const GREEDY: Sampling = Sampling { temperature: 0.0, top_k: None, top_p: None, seed: 0 };
}

/// Draws tokens. The same seed and the same logits give the same tokens, on every back end.
#[derive(Debug, Clone)]
pub struct Sampler {
    sampling: Sampling,
    random: SplitMix64,
}

impl Sampler {
    /// A sampler at the start of its seed's sequence.
    pub fn new(sampling: Sampling) -> Sampler {
        Sampler { sampling, random: SplitMix64(sampling.seed) }
    }

    /// The next token. NaN logits are never chosen unless all are.
    ///
    /// # Panics
    /// If there are no logits.
    pub fn choose(&mut self, logits: &[f32]) -> u32 {
        assert!(!logits.is_empty(), "a choice needs at least one logit");
        if self.sampling.temperature <= 0.0 { greedy(logits) } else { self.draw(logits) }
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let temperature = f64::from(self.sampling.temperature);
        let mut order: Vec<u32> = (0..logits.len() as u32).filter(|&id| !logits[id as usize].is_nan()).collect();
        if order.is_empty() {
            return 0;
        }
        // Most likely first, ties to the lowest id: the order in which probability is handed out.
        order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        order.truncate(self.sampling.top_k.unwrap_or(usize::MAX).max(1));
        let max = f64::from(logits[order[0] as usize]);
        let mut weights: Vec<f64> = order.iter().map(|&id| ((f64::from(logits[id as usize]) - max) / temperature).exp()).collect();
        if let Some(top_p) = self.sampling.top_p {
            let target = weights.iter().sum::<f64>() * f64::from(top_p);
            let mut reached = 0.0;
            let kept = weights.iter().position(|w| {
                reached += w;
                reached >= target
            });
            weights.truncate(kept.map_or(weights.len(), |last| last + 1));
        }
        let mut left = self.random.unit() * weights.iter().sum::<f64>();
        for (id, weight) in order.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return *id;
            }
        }
        // Rounding alone can leave a rest; it belongs to the last token handed out.
        order[weights.len() - 1]
    }
}

/// The index of the largest logit, ties to the lowest.
pub fn greedy(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, &logit) in logits.iter().enumerate() {
        if logit > logits[best] || logits[best].is_nan() {
            best = id;
        }
    }
    best as u32
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the project's seeded generator wherever one is needed.
#[derive(Debug, Clone)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..n`; the bias of the modulo is below 2^-32 for the sizes used here.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next_u64() % n as u64) as usize
    }

    /// A number in `[0, 1)` of 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_sequence() {
        let mut random = SplitMix64(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0; 3].map(|_| random.next_u64()), expected);
    }

    #[test]
    fn greedy_takes_the_lowest_of_equal_logits_and_no_nan() {
        assert_eq!(greedy(&[1.0, 3.0, 3.0, 2.0]), 1);
        assert_eq!(greedy(&[f32::NAN, -1.0, -1.0]), 1);
        assert_eq!(Sampler::new(Sampling::GREEDY).choose(&[0.0, 0.0]), 0);
    }

    #[test]
    fn a_seed_repeats_and_frequencies_follow_the_softmax() {
        let sampling = Sampling { temperature: 1.0, top_k: None, top_p: None, seed: 9 };
        let logits = [1.0_f32, 0.0, 2.0];
        let draw = |n: usize| {
            let mut sampler = Sampler::new(sampling);
            (0..n).map(|_| sampler.choose(&logits)).collect::<Vec<_>>()
        };
        let tokens = draw(20_000);
        assert_eq!(tokens, draw(20_000));
        let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
        for (id, logit) in logits.iter().enumerate() {
            let share = tokens.iter().filter(|&&t| t as usize == id).count() as f64 / tokens.len() as f64;
            assert!((share - f64::from(*logit).exp() / total).abs() < 0.02, "token {id}: {share}");
        }
    }

    #[test]
    fn top_k_and_top_p_leave_only_the_likeliest() {
        let logits = [0.0_f32, 5.0, 4.9, -3.0];
        let only = |sampling: Sampling, allowed: &[u32]| {
            let mut sampler = Sampler::new(sampling);
            assert!((0..500).all(|_| allowed.contains(&sampler.choose(&logits))), "{sampling:?}");
        };
        let base = Sampling { temperature: 2.0, top_k: None, top_p: None, seed: 3 };
        only(Sampling { top_k: Some(1), ..base }, &[1]);
        only(Sampling { top_k: Some(2), ..base }, &[1, 2]);
        only(Sampling { top_p: Some(0.3), ..base }, &[1]);
        only(Sampling { top_p: Some(1.0), top_k: Some(0), ..base }, &[1]);
    }
}
