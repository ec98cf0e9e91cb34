//! What this machine reads a second: the roof over every kernel that reads its weights once.

use std::hint::black_box;
use std::time::Duration;

use nda_kernels::roof::read;

use crate::lines::Lines;
use crate::timing::{Timing, measure};

/// Where a matrix lies when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A quarter of a mebibyte, read again and again.
    L2,
    /// Four mebibytes, read again and again: a 4096 x 4096 matrix of 2 bits.
    L3,
    /// 64 matrices of four mebibytes in turn, more than caches hold.
    Dram,
}

impl Level {
    /// All of them, fastest first.
    pub const ALL: [Level; 3] = [Level::L2, Level::L3, Level::Dram];

    /// What a table calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Level::L2 => "L2",
            Level::L3 => "L3",
            Level::Dram => "DRAM",
        }
    }

    /// Bytes of planes of one matrix.
    pub const fn matrix_bytes(self) -> usize {
        match self {
            Level::L2 => 1 << 18,
            Level::L3 | Level::Dram => 1 << 22,
        }
    }

    /// Matrices that are multiplied in turn.
    pub const fn matrices(self) -> usize {
        match self {
            Level::L2 | Level::L3 => 1,
            Level::Dram => 64,
        }
    }

    /// Bytes of all of them.
    pub const fn bytes(self) -> usize {
        self.matrix_bytes() * self.matrices()
    }
}

/// Bytes a second that `threads` threads read together, each its own part of what the level holds.
#[derive(Debug, Clone, Copy)]
pub struct Roof {
    /// Which level.
    pub level: Level,
    /// How many threads.
    pub threads: usize,
    /// GB a second (10^9 bytes).
    pub gb_per_s: f64,
    /// One matrix's bytes.
    pub timing: Timing,
}

/// Measures one roof: about `time`.
pub fn measure_roof(level: Level, threads: usize, time: Duration) -> Roof {
    // Written, so that the system has given every page; different, so that no page is another's copy.
    let words: Vec<u64> = (0..level.bytes() as u64 / 8).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let words = Lines::from(&words[..]);
    let timing =
        if threads <= 1 { alone(&words, level.matrix_bytes(), time) } else { together(&words, threads, level.matrix_bytes(), time) };
    Roof { level, threads, gb_per_s: level.matrix_bytes() as f64 / timing.median_s / 1e9, timing }
}

/// Reads `bytes` after `bytes` of the words, from the front again when they end: a sample is what one matrix takes, so that
/// whoever takes the core away spoils one sample and not all.
fn alone(words: &[u64], bytes: usize, time: Duration) -> Timing {
    let mut turn = words.chunks(bytes / 8).cycle();
    measure(time, || {
        if let Some(part) = turn.next() {
            black_box(read(black_box(part)));
        }
    })
}

/// Every thread reads its part again and again on its own; what all of them take for a matrix's bytes is the slowest's time.
fn together(words: &[u64], threads: usize, bytes: usize, time: Duration) -> Timing {
    let barrier = std::sync::Barrier::new(threads);
    let part = words.len().div_ceil(threads);
    let timings: Vec<Timing> = std::thread::scope(|scope| {
        let spawn = |part| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                alone(part, bytes / threads, time)
            })
        };
        let handles: Vec<_> = words.chunks(part).map(spawn).collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
    });
    timings.into_iter().max_by(|a, b| a.median_s.total_cmp(&b.median_s)).unwrap_or_else(|| alone(words, bytes, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roof_is_a_rate_and_two_threads_read_all() {
        for threads in [1, 2] {
            let roof = measure_roof(Level::L2, threads, Duration::from_millis(5));
            assert!(roof.gb_per_s > 0.1 && roof.gb_per_s < 10_000.0, "{roof:?}");
        }
    }
}
