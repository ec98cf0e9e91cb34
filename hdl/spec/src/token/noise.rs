//! The choice of a token in one pass over its logits: the largest, or the largest of logit over temperature plus Gumbel
//! noise, which draws as a softmax does and needs none.
//!
//! The noise is a function of seed, position and token alone. Its generators are one per lane of the pipe: 32-bit
//! xorshift, which is three XORs, seeded by a hash of seed, position and lane that the fabric has a whole token's time for.

use super::number::{narrow, round_shift};
use super::table::{NOISE_BITS, NOISE_HALF, noise_entry};

/// Lanes of the pipe: logits of tokens `i`, `i + 8`, ... share a generator.
pub const LANES: usize = 8;
/// Bits behind the point of a logit.
pub const LOGIT_POINT: i32 = 12;
/// Bits of a logit that the multiplication by 1 / temperature leaves out: 10 bits behind the point, +-128.
const LOGIT_TAKE: i32 = 2;
/// Bits behind the point of an inverse temperature.
pub const INVERSE_TEMPERATURE_POINT: i32 = 10;

/// How tokens are chosen. No inverse temperature, 0, is greedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    /// `1 / temperature` with 10 bits behind the point, at most 2^17 - 1.
    pub inverse_temperature: u32,
    /// What the noise depends on besides position and token.
    pub seed: u64,
}

impl Choice {
    /// The largest logit, the first of several.
    pub const GREEDY: Choice = Choice { inverse_temperature: 0, seed: 0 };

    /// Drawn at a temperature: 0 is greedy, below 1/128 as 1/128, above 1,024 as 1,024. `None` if it is negative or not a number.
    pub fn at(temperature: f64, seed: u64) -> Option<Choice> {
        if temperature.is_nan() || temperature < 0.0 {
            return None;
        }
        if temperature == 0.0 {
            return Some(Choice { inverse_temperature: 0, seed });
        }
        let inverse = (f64::from(1 << INVERSE_TEMPERATURE_POINT) / temperature).round();
        Some(Choice { inverse_temperature: inverse.clamp(1.0, f64::from(super::NARROW_MAX)) as u32, seed })
    }
}

/// A bijection of 32 bits in which every bit depends on every other.
const fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ x >> 16
}

/// The noise of one position, token after token.
#[derive(Debug, Clone)]
pub struct Noise {
    lanes: [u32; LANES],
    token: usize,
}

impl Noise {
    /// Before token 0.
    pub fn new(seed: u64, position: u32) -> Noise {
        let hash = mix(mix(mix(seed as u32) ^ (seed >> 32) as u32).wrapping_add(position));
        let lane = |i: usize| mix(hash.wrapping_add((i as u32 + 1).wrapping_mul(0x9e37_79b9)));
        // Xorshift never leaves 0.
        Noise { lanes: std::array::from_fn(|i| lane(i).max(1)), token: 0 }
    }

    /// 32 bits for the next token.
    pub fn bits(&mut self) -> u32 {
        let lane = &mut self.lanes[self.token % LANES];
        self.token += 1;
        let mut s = *lane;
        s ^= s << 13;
        s ^= s >> 17;
        s ^= s << 5;
        *lane = s;
        // A sum, because xorshift alone is linear.
        s.wrapping_add(s.rotate_left(9))
    }

    /// The next token's noise, 12 bits behind the point.
    pub fn gumbel(&mut self) -> i32 {
        let bits = self.bits();
        let (first, second) = ((bits >> 23) as usize, (bits >> 14) as usize % NOISE_HALF);
        noise_entry(if first == NOISE_HALF - 1 { NOISE_HALF + second } else { first })
    }
}

/// Takes a row's logits in the order of its tokens and keeps the one to choose.
#[derive(Debug, Clone)]
pub struct Chooser {
    inverse_temperature: i64,
    noise: Noise,
    next: u32,
    best: Option<(i64, u32)>,
}

impl Chooser {
    /// Before the first logit of what follows the token at `position`.
    pub fn new(choice: Choice, position: u32) -> Chooser {
        let noise = Noise::new(choice.seed, position);
        Chooser { inverse_temperature: choice.inverse_temperature.into(), noise, next: 0, best: None }
    }

    /// The next token's logit, 12 bits behind the point.
    pub fn offer(&mut self, logit: i32) {
        let score = if self.inverse_temperature == 0 {
            i64::from(logit)
        } else {
            let short = narrow(round_shift(logit.into(), LOGIT_TAKE));
            let shift = LOGIT_POINT - LOGIT_TAKE + INVERSE_TEMPERATURE_POINT - NOISE_BITS;
            round_shift(i64::from(short) * self.inverse_temperature, shift) + i64::from(self.noise.gumbel())
        };
        if self.best.is_none_or(|(best, _)| score > best) {
            self.best = Some((score, self.next));
        }
        self.next += 1;
    }

    /// The token; 0 of no logits.
    pub fn token(&self) -> u32 {
        self.best.map_or(0, |(_, token)| token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(logits: &[f64], choice: Choice, position: u32) -> u32 {
        let mut chooser = Chooser::new(choice, position);
        logits.iter().for_each(|v| chooser.offer((v * 4096.0).round() as i32));
        chooser.token()
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        assert_eq!(draw(&[1.0, 3.0, 3.0, -9.0], Choice::GREEDY, 7), 1);
        assert_eq!(draw(&[-2047.0, -2046.9], Choice::GREEDY, 0), 1);
        assert_eq!(Chooser::new(Choice::GREEDY, 0).token(), 0);
    }

    /// 60,000 draws of 20 tokens: neighbours in a lane, others, rare ones. Chi-square with 19 degrees passes 44 once in 1,000.
    #[test]
    fn draws_follow_the_softmax_at_every_temperature() {
        let logits: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 20) * 0.35).collect();
        for (temperature, seed) in [(0.8, 1_u64), (1.0, u64::MAX), (2.0, 1 << 40)] {
            let choice = Choice::at(temperature, seed).unwrap();
            let exact: Vec<f64> = logits.iter().map(|v| (v / temperature).exp()).collect();
            let sum: f64 = exact.iter().sum();
            let mut counts = [0.0; 20];
            let draws = 60_000;
            (0..draws).for_each(|position| counts[draw(&logits, choice, position) as usize] += 1.0);
            let chi: f64 =
                exact.iter().zip(counts).map(|(e, n)| (n - e / sum * f64::from(draws)).powi(2) / (e / sum * f64::from(draws))).sum();
            assert!(chi < 44.0, "temperature {temperature}: chi-square {chi:.1}, {counts:?}");
        }
    }

    #[test]
    fn a_token_a_thousand_times_rarer_is_drawn_a_thousand_times_less() {
        let mut rare = 0;
        let draws = 400_000;
        for position in 0..draws {
            rare += i32::from(draw(&[1000_f64.ln(), 0.0], Choice::at(1.0, 3).unwrap(), position) == 1);
        }
        // 400 expected, a standard deviation of 20.
        assert!((300..500).contains(&rare), "{rare}");
    }

    #[test]
    fn noise_depends_on_seed_position_and_token_alone() {
        let row = |seed, position| {
            let mut noise = Noise::new(seed, position);
            (0..64).map(|_| noise.gumbel()).collect::<Vec<_>>()
        };
        assert_eq!(row(5, 9), row(5, 9));
        for other in [row(5, 10), row(6, 9), row(5 | 1 << 32, 9)] {
            let same = row(5, 9).iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!(same < 5, "{same} of 64 are the same");
        }
        assert_eq!(row(1, 0)[..9], RECORDED, "another implementation must find these");
    }

    /// Recorded, so that a change of the hash is seen.
    const RECORDED: [i32; 9] = [5668, 5467, 12525, 8213, 9632, -1349, -4787, -323, -4021];

    #[test]
    fn temperatures_become_their_inverse() {
        assert_eq!(Choice::at(0.8, 1).unwrap().inverse_temperature, 1280);
        assert_eq!(Choice::at(0.0, 1).unwrap().inverse_temperature, 0);
        assert_eq!([Choice::at(1e-9, 1).unwrap().inverse_temperature, Choice::at(1e9, 1).unwrap().inverse_temperature], [131_071, 1]);
        assert_eq!([Choice::at(-1.0, 1), Choice::at(f64::NAN, 1)], [None, None]);
    }
}
