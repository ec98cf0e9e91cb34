//! Choosing the next token: greedy, or drawn with a seeded generator.

use nda_spec::random::Random;

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
    random: Random,
}

impl Sampler {
    /// A sampler at the start of its seed's sequence.
    pub fn new(sampling: Sampling) -> Sampler {
        Sampler { sampling, random: Random::new(sampling.seed) }
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
        let first = greedy(logits);
        let (max, temperature) = (f64::from(logits[first as usize]), f64::from(self.sampling.temperature));
        let weight = |id: u32| ((f64::from(logits[id as usize]) - max) / temperature).exp();
        let mut ranked = Ranked::new(logits);
        if ranked.keys.is_empty() {
            return 0;
        }
        ranked.keep(self.sampling.top_k.unwrap_or(usize::MAX).max(1));
        // Of the first k in their order, of all in the order of their ids: either way there is one such sum.
        let mut total: f64 = ranked.keys.iter().map(|key| weight(id_of(*key))).sum();
        if let Some(top_p) = self.sampling.top_p {
            let target = total * f64::from(top_p);
            let (mut count, mut reached) = (0, 0.0);
            while let Some(id) = ranked.get(count) {
                reached += weight(id);
                count += 1;
                if reached >= target {
                    break;
                }
            }
            ranked.keep(count.max(1));
            total = reached;
        }
        let (mut left, mut last) = (self.random.unit() * total, first);
        for at in 0.. {
            let Some(id) = ranked.get(at) else { break };
            let weight = weight(id);
            // What cannot come is not handed a rest either.
            last = if weight > 0.0 { id } else { last };
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        // Rounding alone can leave a rest; it belongs to the last token handed out.
        last
    }
}

/// Tokens that are put in order first; most draws end among them.
const FIRST_SORTED: usize = 64;

/// Tokens in the order in which probability is handed out, most likely first, ties to the lowest id; put in order only as far
/// as anybody asks, because a draw ends among the first few of a vocabulary of a hundred thousand. NaN stands nowhere.
struct Ranked {
    /// The smaller, the more likely.
    keys: Vec<u64>,
    sorted: usize,
}

/// A number that is the smaller the larger the logit is, and of equal logits the smaller the lower the id: no two are equal, so an
/// unstable order is the only one. The upper half is the logit in the order of `f32::total_cmp`, turned around.
fn key_of(id: u32, logit: f32) -> u64 {
    let bits = logit.to_bits() as i32;
    let ascending = (bits ^ ((bits >> 31) as u32 >> 1) as i32) as u32 ^ (1 << 31);
    u64::from(!ascending) << 32 | u64::from(id)
}

/// The lower half is the id.
const fn id_of(key: u64) -> u32 {
    (key & u32::MAX as u64) as u32
}

impl Ranked {
    fn new(logits: &[f32]) -> Ranked {
        let numbers = (0..).zip(logits).filter(|(_, logit)| !logit.is_nan());
        Ranked { keys: numbers.map(|(id, logit)| key_of(id, *logit)).collect(), sorted: 0 }
    }

    /// The token of a place; none behind the last.
    fn get(&mut self, place: usize) -> Option<u32> {
        while place >= self.sorted && self.sorted < self.keys.len() {
            self.sort((4 * self.sorted).max(FIRST_SORTED));
        }
        self.keys.get(place).copied().map(id_of)
    }

    /// Forgets all but the first.
    fn keep(&mut self, count: usize) {
        if count < self.keys.len() {
            self.sort(count);
            self.keys.truncate(count);
            self.sorted = self.sorted.min(count);
        }
    }

    /// Puts the first `count` in order, if they are not yet.
    fn sort(&mut self, count: usize) {
        let count = count.min(self.keys.len());
        if count <= self.sorted {
            return;
        }
        let (rest, wanted) = (&mut self.keys[self.sorted..], count - self.sorted);
        if wanted < rest.len() {
            rest.select_nth_unstable(wanted - 1);
        }
        rest[..wanted].sort_unstable();
        self.sorted = count;
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

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What [`Sampler::choose`] comes to when everything is put in order first.
    fn draw_from_all(sampling: Sampling, random: &mut Random, logits: &[f32]) -> u32 {
        let mut order: Vec<u32> = (0..logits.len() as u32).filter(|&id| !logits[id as usize].is_nan()).collect();
        order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        order.truncate(sampling.top_k.unwrap_or(usize::MAX).max(1));
        let at = |id: u32| f64::from(logits[id as usize]);
        let weights: Vec<f64> = order.iter().map(|id| ((at(*id) - at(order[0])) / f64::from(sampling.temperature)).exp()).collect();
        // The one thing that is not left to the order: without a top k all weights are added up by id.
        let mut by_id: Vec<(u32, f64)> = order.iter().copied().zip(weights.iter().copied()).collect();
        if sampling.top_k.is_none() {
            by_id.sort_by_key(|(id, _)| *id);
        }
        let target = by_id.iter().map(|(_, weight)| weight).sum::<f64>() * f64::from(sampling.top_p.unwrap_or(2.0));
        let reached = |count: usize| weights[..count].iter().sum::<f64>();
        let kept = (1..=weights.len()).find(|count| reached(*count) >= target).unwrap_or(weights.len());
        let drawn = random.unit() * reached(kept);
        order[(1..kept).find(|count| reached(*count) > drawn).unwrap_or(kept) - 1]
    }

    #[test]
    fn keys_are_in_the_order_of_logits_turned_around_and_then_of_ids() {
        let logits = [f32::INFINITY, 3.5, 1.0, f32::MIN_POSITIVE, 0.0, -0.0, -1e-30, -2.0, f32::MIN, f32::NEG_INFINITY];
        let keys: Vec<u64> = logits.iter().flat_map(|logit| [0, 7, u32::MAX].map(|id| key_of(id, *logit))).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:x?}");
        assert_eq!(keys.iter().take(3).map(|key| id_of(*key)).collect::<Vec<_>>(), [0, 7, u32::MAX]);
    }

    #[test]
    fn tokens_are_those_of_a_draw_from_the_whole_order() {
        let mut random = Random::new(77);
        for round in 0..600 {
            let len = [1, 2, 63, 64, 65, 300, 700][round % 7];
            // Few different values, so that ties are common; and some logits that are none.
            let logit = |random: &mut Random| match random.below(40) {
                0 => f32::NAN,
                1 => f32::NEG_INFINITY,
                n => (n % 13) as f32 * 0.37 - 3.0,
            };
            let mut logits: Vec<f32> = (0..len).map(|_| logit(&mut random)).collect();
            logits[len / 2] = 1.5;
            let sampling = Sampling {
                temperature: [0.2, 0.8, 3.0][round % 3],
                top_k: [None, Some(1), Some(5), Some(64), Some(66), Some(5000)][random.below(6)],
                top_p: [None, Some(0.1), Some(0.9), Some(1.0)][random.below(4)],
                seed: round as u64,
            };
            let (mut sampler, mut peer) = (Sampler::new(sampling), Random::new(round as u64));
            for draw in 0..4 {
                let wanted = draw_from_all(sampling, &mut peer, &logits);
                assert_eq!(sampler.choose(&logits), wanted, "round {round}, draw {draw}: {sampling:?}, {len} logits");
            }
        }
        assert_eq!(Sampler::new(Sampling { temperature: 1.0, ..Sampling::GREEDY }).choose(&[f32::NAN; 3]), 0);
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
