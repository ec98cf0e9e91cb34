//! The project's one seeded generator: nonces, faults, drawn tokens, and the data of tests and benchmarks. It stands here and in no
//! crate of others, so that a seed gives the same numbers for ever, whoever draws them.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of that seed; equal seeds give equal numbers.
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`. For an `end` of 0 it is 0, and nothing is drawn.
    pub fn below(&mut self, end: usize) -> usize {
        // The bias of the remainder is below 2^-32 for every end that occurs here.
        if end == 0 { 0 } else { (self.next_u64() % end as u64) as usize }
    }

    /// True `per_10k` times in 10,000.
    pub fn chance(&mut self, per_10k: u32) -> bool {
        self.below(10_000) < per_10k as usize
    }

    /// A number in `[0, 1)` of 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of these values.
    ///
    /// # Panics
    /// If there are none.
    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_generator_gives_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0; 3].map(|_| random.next_u64()), expected);
    }

    #[test]
    fn numbers_stay_in_their_ranges_and_reach_both_ends() {
        let mut random = Random::new(7);
        let mut seen = [false; 5];
        (0..200).for_each(|_| seen[random.below(5)] = true);
        assert_eq!(seen, [true; 5]);
        assert!((0..200).all(|_| (0.0..1.0).contains(&random.unit())));
        assert!((0..200).all(|_| !random.chance(0) && random.chance(10_000)));
        let hits = (0..10_000).filter(|_| random.chance(2_500)).count();
        assert!((2_200..2_800).contains(&hits), "{hits} hits of 10,000 at a quarter");
        assert!((0..200).all(|_| [3, 5].contains(&random.one_of(&[3, 5]))));
    }

    #[test]
    fn below_nothing_is_zero_and_draws_nothing() {
        let (mut random, mut peer) = (Random::new(3), Random::new(3));
        assert_eq!(random.below(0), 0);
        assert_eq!(random.next_u64(), peer.next_u64());
    }
}
