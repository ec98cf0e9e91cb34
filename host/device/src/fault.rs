//! A transport that damages what it carries, from a seed.

use crate::byte_faults::ByteFaults;
use crate::transport::{Transport, TransportError};
use nda_spec::random::Random;
use std::collections::VecDeque;
use std::time::Duration;

/// How often each fault happens, in 10,000 chunks of either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// One to three bits of the chunk flip.
    pub flip: u32,
    /// The chunk is lost.
    pub lose: u32,
    /// The chunk comes twice.
    pub double: u32,
    /// The chunk comes later, and others overtake it.
    pub delay: u32,
    /// The chunk is cut into up to four, each with faults of its own.
    pub split: u32,
    /// The longest delay.
    pub max_delay: Duration,
    /// Of a million bytes, how many are hurt one by one.
    pub bytes_per_million: u32,
    /// The link is dead for a while, both ways.
    pub outage: u32,
    /// The longest outage.
    pub max_outage: Duration,
    /// After this many bytes from the host the host dies: the rest of that chunk and all that follows fails.
    pub kill_after_bytes: Option<u64>,
}

impl Faults {
    /// A link without faults.
    pub const NONE: Faults = Faults {
        flip: 0,
        lose: 0,
        double: 0,
        delay: 0,
        split: 0,
        max_delay: Duration::ZERO,
        bytes_per_million: 0,
        outage: 0,
        max_outage: Duration::ZERO,
        kill_after_bytes: None,
    };

    /// Every kind of fault of a chunk with the same chance, delays of up to `max_delay`, no outages.
    pub const fn all(per_10k: u32, max_delay: Duration) -> Faults {
        Faults { flip: per_10k, lose: per_10k, double: per_10k, delay: per_10k, split: per_10k, max_delay, ..Faults::NONE }
    }
}

/// How often each fault happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Chunks with flipped bits.
    pub flipped: u64,
    /// Chunks lost.
    pub lost: u64,
    /// Chunks doubled.
    pub doubled: u64,
    /// Chunks delayed.
    pub delayed: u64,
    /// Chunks split.
    pub split: u64,
    /// Bytes hurt one by one.
    pub bytes: u64,
    /// Times in which the link was dead.
    pub outages: u64,
}

impl FaultCounts {
    /// All faults together.
    pub const fn total(&self) -> u64 {
        self.flipped + self.lost + self.doubled + self.delayed + self.split + self.bytes + self.outages
    }
}

impl std::ops::AddAssign for FaultCounts {
    fn add_assign(&mut self, other: FaultCounts) {
        self.flipped += other.flipped;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.delayed += other.delayed;
        self.split += other.split;
        self.bytes += other.bytes;
        self.outages += other.outages;
    }
}

/// Wraps a transport and damages its bytes in both directions; equal seeds give equal faults.
#[derive(Debug)]
pub struct FaultInjector<T> {
    inner: T,
    faults: Faults,
    random: Random,
    byte_faults: ByteFaults,
    counts: FaultCounts,
    sent_bytes: u64,
    dead: bool,
    dark_until: Duration,
    /// The clock when a chunk was last looked at.
    seen: Duration,
    /// Chunks to the device that wait for their time.
    held_out: Vec<(Duration, Vec<u8>)>,
    /// Chunks to the host that wait for their time.
    held_in: Vec<(Duration, Vec<u8>)>,
    ready: VecDeque<u8>,
}

impl<T: Transport> FaultInjector<T> {
    /// Damages what goes through `inner`.
    pub fn new(inner: T, faults: Faults, seed: u64) -> FaultInjector<T> {
        FaultInjector {
            inner,
            faults,
            random: Random::new(seed),
            byte_faults: ByteFaults::new(faults.bytes_per_million, !seed),
            counts: FaultCounts::default(),
            sent_bytes: 0,
            dead: false,
            dark_until: Duration::ZERO,
            seen: Duration::ZERO,
            held_out: Vec::new(),
            held_in: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Other faults from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.counts = self.counts();
        self.byte_faults = ByteFaults::new(faults.bytes_per_million, self.random.next_u64());
        self.faults = faults;
    }

    /// Faults so far.
    pub fn counts(&self) -> FaultCounts {
        FaultCounts { bytes: self.counts.bytes + self.byte_faults.count(), ..self.counts }
    }

    /// Whether the host was killed.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Bytes from the host so far.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// The transport underneath.
    pub fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// The transport underneath; chunks that were still delayed are gone.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// Puts bytes on the way to the device that the host did not send now: an explicit stale chunk.
    pub fn inject(&mut self, bytes: &[u8], delay: Duration) {
        self.held_out.push((self.inner.now() + delay, bytes.to_vec()));
    }

    fn lost(&self) -> TransportError {
        TransportError::Lost { device: self.inner.describe(), reason: "the host was killed here on purpose".into() }
    }

    fn random_time(&mut self, longest: Duration) -> Duration {
        let nanos = usize::try_from(longest.as_nanos()).unwrap_or(usize::MAX);
        Duration::from_nanos(self.random.below(nanos) as u64)
    }

    /// What becomes of one chunk: the pieces that arrive, each with its delay.
    fn damage(&mut self, bytes: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let now = self.inner.now();
        // The clock of a simulated board that was reset begins anew: an outage of its former life is over.
        if now < self.seen {
            self.dark_until = Duration::ZERO;
        }
        self.seen = now;
        if now >= self.dark_until && self.random.chance(self.faults.outage) {
            self.counts.outages += 1;
            self.dark_until = now + self.random_time(self.faults.max_outage);
        }
        if now < self.dark_until {
            return Vec::new();
        }
        let mut pieces = vec![self.byte_faults.carry(bytes)];
        if self.random.chance(self.faults.split) {
            self.counts.split += 1;
            for _ in 0..3 {
                let last = pieces.len() - 1;
                let at = self.random.below(pieces[last].len() + 1);
                let rest = pieces[last].split_off(at);
                pieces.push(rest);
            }
        }
        let mut arriving = Vec::new();
        for mut piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            if self.random.chance(self.faults.lose) {
                self.counts.lost += 1;
                continue;
            }
            if self.random.chance(self.faults.flip) {
                self.counts.flipped += 1;
                for _ in 0..=self.random.below(3) {
                    let at = self.random.below(piece.len());
                    piece[at] ^= 1 << self.random.below(8);
                }
            }
            let copies = 1 + usize::from(self.random.chance(self.faults.double));
            self.counts.doubled += copies as u64 - 1;
            for _ in 0..copies {
                let mut delay = Duration::ZERO;
                if self.random.chance(self.faults.delay) {
                    self.counts.delayed += 1;
                    delay = self.random_time(self.faults.max_delay);
                }
                arriving.push((delay, piece.clone()));
            }
        }
        arriving
    }

    /// Sends what is due; returns when the next held chunk of either direction is due.
    fn release(&mut self, deadline: Duration) -> Result<Option<Duration>, TransportError> {
        let now = self.inner.now();
        let mut i = 0;
        while i < self.held_out.len() {
            if self.held_out[i].0 <= now {
                let (_, bytes) = self.held_out.remove(i);
                self.inner.send(&bytes, deadline.max(now))?;
            } else {
                i += 1;
            }
        }
        let mut i = 0;
        while i < self.held_in.len() {
            if self.held_in[i].0 <= now {
                self.ready.extend(self.held_in.remove(i).1);
            } else {
                i += 1;
            }
        }
        Ok(self.held_out.iter().chain(&self.held_in).map(|(due, _)| *due).min())
    }
}

impl<T: Transport> Transport for FaultInjector<T> {
    fn describe(&self) -> String {
        format!("{} over a faulty link", self.inner.describe())
    }

    fn now(&self) -> Duration {
        self.inner.now()
    }

    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        if self.dead {
            return Err(self.lost());
        }
        self.release(deadline)?;
        let left = self.faults.kill_after_bytes.map_or(u64::MAX, |limit| limit.saturating_sub(self.sent_bytes));
        if left < bytes.len() as u64 {
            // What was sent before the kill arrives as it is: the worst case is half a good frame.
            self.dead = true;
            self.sent_bytes += left;
            self.inner.send(&bytes[..left as usize], deadline)?;
            return Err(self.lost());
        }
        self.sent_bytes += bytes.len() as u64;
        for (delay, piece) in self.damage(bytes) {
            if delay == Duration::ZERO {
                self.inner.send(&piece, deadline)?;
            } else {
                self.held_out.push((self.inner.now() + delay, piece));
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        if self.dead {
            return Err(self.lost());
        }
        loop {
            let due = self.release(deadline)?;
            if !self.ready.is_empty() {
                let n = self.ready.len().min(buffer.len());
                for (slot, byte) in buffer.iter_mut().zip(self.ready.drain(..n)) {
                    *slot = byte;
                }
                return Ok(n);
            }
            let wake = due.map_or(deadline, |due| due.min(deadline));
            let mut chunk = [0; 8192];
            let n = self.inner.receive(&mut chunk, wake)?;
            if n == 0 {
                if self.inner.now() >= deadline {
                    return Ok(0);
                }
                continue;
            }
            for (delay, piece) in self.damage(&chunk[..n]) {
                self.held_in.push((self.inner.now() + delay, piece));
            }
        }
    }

    fn latency(&self) -> Duration {
        self.inner.latency()
    }

    fn bytes_per_second(&self) -> u64 {
        self.inner.bytes_per_second()
    }

    fn cycles(&self) -> Option<u64> {
        self.inner.cycles()
    }
}
