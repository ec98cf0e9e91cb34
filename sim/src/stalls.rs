//! Waits of a host that is slow.

use nda_spec::random::Random;

/// Random waits of the host's side of the parallel port: what a slow bridge chip does.
#[derive(Debug, Clone)]
pub struct Stalls {
    random: Random,
    /// Of 256 cycles, how many the host offers no byte and takes none, on average.
    per_256: u8,
}

impl Stalls {
    /// Stalls in `per_256` of 256 cycles, each side on its own; the same seed gives the same waits.
    pub fn new(seed: u64, per_256: u8) -> Stalls {
        Stalls { random: Random::new(seed), per_256 }
    }

    /// Whether the host's transmitter and receiver wait in this cycle.
    pub(crate) fn next(&mut self) -> (bool, bool) {
        let [transmitter, receiver, ..] = self.random.next_u64().to_le_bytes();
        (transmitter < self.per_256, receiver < self.per_256)
    }
}
