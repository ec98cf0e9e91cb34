//! Faults of single bytes: what a noisy line does, and a device behind such a line.

use crate::loopback::ByteDevice;
use nda_spec::random::Random;

/// Hurts every byte with the same chance: flips one of its bits (half of the faults), loses it or doubles it.
#[derive(Debug, Clone)]
pub struct ByteFaults {
    per_million: u32,
    random: Random,
    count: u64,
}

impl ByteFaults {
    /// Faults of that many of a million bytes; the same seed gives the same faults.
    pub fn new(per_million: u32, seed: u64) -> ByteFaults {
        ByteFaults { per_million, random: Random::new(seed), count: 0 }
    }

    /// Bytes hurt so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What arrives of these bytes.
    pub fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut arriving = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.random.below(1_000_000) >= self.per_million as usize {
                arriving.push(byte);
                continue;
            }
            self.count += 1;
            match self.random.below(4) {
                0 => {}
                1 => arriving.extend([byte, byte]),
                _ => arriving.push(byte ^ 1 << self.random.below(8)),
            }
        }
        arriving
    }
}

/// A device behind a noisy line: bytes of both directions are hurt on their way.
#[derive(Debug)]
pub struct NoisyDevice<D> {
    device: D,
    faults: ByteFaults,
}

impl<D: ByteDevice> NoisyDevice<D> {
    /// This device behind a line with these faults.
    pub fn new(device: D, faults: ByteFaults) -> NoisyDevice<D> {
        NoisyDevice { device, faults }
    }

    /// Bytes hurt so far.
    pub fn faults(&self) -> u64 {
        self.faults.count()
    }
}

impl<D: ByteDevice> ByteDevice for NoisyDevice<D> {
    fn describe(&self) -> String {
        format!("{} behind a noisy line", self.device.describe())
    }

    fn feed(&mut self, bytes: &[u8]) {
        let arriving = self.faults.carry(bytes);
        self.device.feed(&arriving);
    }

    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        let mut sent = Vec::new();
        let busy = self.device.drain(&mut sent);
        out.extend(self.faults.carry(&sent));
        busy
    }

    fn cycles(&self) -> u64 {
        self.device.cycles()
    }

    fn clk_hz(&self) -> u32 {
        self.device.clk_hz()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bytes_are_hurt_as_the_rate_says_and_none_at_rate_zero() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
        assert_eq!(ByteFaults::new(0, 1).carry(&bytes), bytes);
        let mut faults = ByteFaults::new(10_000, 1);
        assert_ne!(faults.carry(&bytes), bytes);
        assert!((1_800..2_200).contains(&faults.count()), "{}", faults.count());
        let mut all = ByteFaults::new(1_000_000, 1);
        all.carry(&bytes);
        assert_eq!(all.count(), 200_000);
    }
}
