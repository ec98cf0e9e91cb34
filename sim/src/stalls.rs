//! Waits of a host that is slow.

/// Random waits of the host's side of the parallel port: what a slow bridge chip does.
#[derive(Debug, Clone)]
pub struct Stalls {
    state: u64,
    /// Of 256 cycles, how many the host offers no byte and takes none, on average.
    per_256: u8,
}

impl Stalls {
    /// Stalls in `per_256` of 256 cycles, each side on its own; the same seed gives the same waits.
    pub fn new(seed: u64, per_256: u8) -> Stalls {
        Stalls { state: seed | 1, per_256 }
    }

    /// Whether the host's transmitter and receiver wait in this cycle.
    pub(crate) fn next(&mut self) -> (bool, bool) {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let bytes = self.state.to_le_bytes();
        (bytes[3] < self.per_256, bytes[5] < self.per_256)
    }
}
