//! What is still to be exchanged: ranges of units (words, pages, result words) that frames are cut from.

use std::ops::Range;

/// Ranges of units that are not answered yet.
#[derive(Debug, Clone)]
pub(crate) struct Spans {
    /// The next range is the last of these.
    left: Vec<Range<usize>>,
    /// Payload bytes of a unit, in the request or in the response.
    unit_bytes: usize,
    /// Most payload bytes of a frame.
    most_bytes: usize,
}

impl Spans {
    /// All of these units, of `unit_bytes` bytes each, in frames of at most `most_bytes` bytes.
    pub(crate) fn new(units: Range<usize>, unit_bytes: usize, most_bytes: usize) -> Spans {
        Spans { left: if units.is_empty() { Vec::new() } else { vec![units] }, unit_bytes, most_bytes }
    }

    /// Units that go one by one, each in a frame of its own.
    pub(crate) fn one_by_one(count: usize) -> Spans {
        Spans::new(0..count, 1, 1)
    }

    /// Takes the next units: as many as a frame of the given number of bytes holds, and one if it holds none.
    pub(crate) fn take(&mut self, frame_bytes: usize) -> Option<Range<usize>> {
        let most = frame_bytes.min(self.most_bytes) / self.unit_bytes;
        let next = self.left.last_mut()?;
        let cut = next.start + most.max(1).min(next.len());
        let taken = next.start..cut;
        next.start = cut;
        if next.start == next.end {
            self.left.pop();
        }
        Some(taken)
    }

    /// Gives back units that were taken and not answered; they are next.
    pub(crate) fn put_back(&mut self, units: Range<usize>) {
        self.left.push(units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_taken_once_whatever_is_put_back_and_however_large_the_pieces() {
        let mut random = nda_spec::random::Random::new(2);
        for units in [0, 1, 2, 100] {
            let mut spans = Spans::new(3..3 + units, 4, 40);
            let mut answered = vec![0; units];
            while let Some(taken) = spans.take(random.below(90)) {
                assert!((1..=10).contains(&taken.len()));
                if random.chance(3_000) {
                    spans.put_back(taken);
                } else {
                    taken.for_each(|unit| answered[unit - 3] += 1);
                }
            }
            assert!(spans.left.is_empty() && answered.iter().all(|&times| times == 1), "{answered:?}");
        }
    }
}
