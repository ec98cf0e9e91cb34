//! How noisy a link is, as far as lost frames tell, and how long frames on it should be.

/// Bytes that the estimate remembers: what came before counts less and less.
const MEMORY_BYTES: f64 = 16_384.0;
/// Bytes without a fault that a session starts with: one loss alone leaves frames as long as most devices take.
const FIRST_BYTES: f64 = 8_192.0;
/// Most faults per byte that are believed: beyond it no frame is short enough.
const MOST_FAULTS: f64 = 0.05;
/// Faults per frame that are aimed at: three of four frames survive.
const AIM: f64 = 0.25;
/// Shortest payload that frames shrink to; below it the header and the CRC are most of a frame.
const LEAST_BYTES: usize = 32;
/// Faults above which a frame that can be split must be: one in seven survives.
const HOPELESS: f64 = 2.0;
/// A frame gets enough tries that the chance that all of them fail is e to the power of minus this, about 1e-6.
const PATIENCE: f64 = 14.0;
/// Above this rate the link is called noisy: one 2,044-byte frame in five is lost.
const NOISY: f64 = 1e-4;

/// An estimate of the faults per byte of a link, forgetful, so that it follows the link both ways.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    bytes: f64,
    faults: f64,
}

impl Noise {
    /// A link of which nothing bad is known.
    pub(crate) fn new() -> Noise {
        Noise { bytes: FIRST_BYTES, faults: 0.0 }
    }

    /// A request and its response of the given number of bytes on the wire came through.
    pub(crate) fn arrived(&mut self, bytes: usize) {
        self.add(bytes as f64, 0.0);
    }

    /// Of a request and its response of the given number of bytes one was lost.
    pub(crate) fn lost(&mut self, bytes: usize) {
        // At least one fault. At the rate believed so far this many are expected of a frame that has one; it makes the
        // estimate right where frames are so long that each has several.
        let hits = self.rate() * bytes as f64;
        let expected = if hits < 1e-3 { 1.0 } else { hits / -(-hits).exp_m1() };
        self.add(bytes as f64, expected);
    }

    fn add(&mut self, bytes: f64, faults: f64) {
        self.bytes += bytes;
        self.faults += faults;
        let keep = (MEMORY_BYTES / self.bytes).min(1.0);
        self.bytes *= keep;
        self.faults = (self.faults * keep).min(self.bytes * MOST_FAULTS);
    }

    /// Faults per byte.
    pub(crate) fn rate(&self) -> f64 {
        self.faults / self.bytes
    }

    /// Whether frames are lost so often that waiting for them is most of the time.
    pub(crate) fn is_noisy(&self) -> bool {
        self.rate() > NOISY
    }

    /// Payload bytes of a frame of which three of four survive, at least 32.
    pub(crate) fn frame_bytes(&self) -> usize {
        // A quiet link divides by zero, and the cast saturates.
        ((AIM / self.rate()) as usize).max(LEAST_BYTES)
    }

    /// Whether a frame of that many bytes hardly ever comes through.
    pub(crate) fn is_hopeless(&self, bytes: usize) -> bool {
        self.rate() * bytes as f64 > HOPELESS
    }

    /// Bytes of which a third comes through: what is worth splitting a job for.
    pub(crate) fn job_bytes(&self) -> usize {
        ((1.0 / self.rate()) as usize).max(LEAST_BYTES)
    }

    /// Tries that a request and its response of the given number of bytes need at most, all but once in a million.
    pub(crate) fn tries(&self, bytes: usize) -> f64 {
        PATIENCE * (self.rate() * bytes as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::random::Random;

    /// Sends that many frames, each as long as the estimate says and at most `longest`, through a link of that rate.
    fn send(noise: &mut Noise, frames: usize, longest: usize, rate: f64, random: &mut Random) {
        for _ in 0..frames {
            let bytes = noise.frame_bytes().min(longest) + 28;
            let hit = (0..bytes).any(|_| (random.below(1_000_000) as f64) < rate * 1e6);
            if hit { noise.lost(bytes) } else { noise.arrived(bytes) }
        }
    }

    #[test]
    fn frames_shrink_when_errors_grow_and_grow_again_when_it_is_quiet() {
        let mut random = Random::new(1);
        for (rate, lengths) in [(0.0, 2_044..usize::MAX), (1e-3, 128..512), (1e-2, 32..64)] {
            let mut noise = Noise::new();
            send(&mut noise, 400, 2_044, rate, &mut random);
            assert!(lengths.contains(&noise.frame_bytes().min(usize::MAX - 1)), "{rate}: {} bytes", noise.frame_bytes());
            send(&mut noise, 1_500, 2_044, 0.0, &mut random);
            assert!(noise.frame_bytes() >= 2_044, "{rate}, then quiet: {} bytes", noise.frame_bytes());
            assert!(!noise.is_noisy());
        }
    }

    #[test]
    fn one_lost_frame_does_not_shrink_the_next_and_a_dead_link_does_not_shrink_them_without_bound() {
        let mut noise = Noise::new();
        noise.lost(2_072);
        assert!(noise.frame_bytes() >= 2_044, "{}", noise.frame_bytes());
        (0..10_000).for_each(|_| noise.lost(2_072));
        assert!((LEAST_BYTES..64).contains(&noise.frame_bytes()), "{}", noise.frame_bytes());
        assert!(noise.rate() <= MOST_FAULTS);
    }

    #[test]
    fn the_rate_is_found_even_if_every_frame_has_several_faults() {
        let mut random = Random::new(3);
        for rate in [3e-4, 1e-3, 5e-3, 1e-2] {
            let mut noise = Noise::new();
            // Frames of 350 bytes that cannot be split: at 1e-2 three in a hundred survive.
            let mut sum = 0.0;
            for _ in 0..3_000 {
                let hit = (0..350).any(|_| (random.below(1_000_000) as f64) < rate * 1e6);
                if hit {
                    noise.lost(350)
                } else {
                    noise.arrived(350)
                }
                sum += noise.rate();
            }
            let mean = sum / 3_000.0;
            assert!((0.6 * rate..1.6 * rate).contains(&mean), "{rate}: {mean}");
        }
    }
}
