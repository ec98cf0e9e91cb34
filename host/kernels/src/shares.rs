//! The tiles of a product, shared by threads.
//!
//! Every thread has tiles of its own, the same ones in every product of a matrix, so they are likely to lie in its caches; one that
//! has done its own takes from the one that has most left. What is taken gets smaller towards the end, so that all end at nearly the
//! same time and the queue costs little.

use std::ops::Range;

use crate::level::MOST_TILES;
use crate::thread_pool::{Queue, ThreadPool};

/// Tiles that one thread has not begun, and where their results go.
#[derive(Debug)]
struct Share<'y, T> {
    tiles: Range<usize>,
    y: &'y mut [T],
}

/// All tiles that no thread has begun.
#[derive(Debug)]
struct Shares<'y, T, F> {
    shares: Vec<Share<'y, T>>,
    start: F,
}

impl<'y, T, F: Fn(usize) -> usize> Shares<'y, T, F> {
    /// `tiles` tiles for `threads` threads. The results of tile `t` begin at `y[start(t)]`; `start(tiles)` is the length of `y`.
    pub fn new(tiles: usize, threads: usize, mut y: &'y mut [T], start: F) -> Self {
        let first = |thread: usize| thread * tiles / threads;
        let share = |thread: usize| {
            let tiles = first(thread)..first(thread + 1);
            let y = split(&mut y, start(tiles.end) - start(tiles.start));
            Share { tiles, y }
        };
        Shares { shares: (0..threads).map(share).collect(), start }
    }
}

/// Tiles that one thread takes at a time, and their results.
pub(crate) type Taken<'y, T> = (Range<usize>, &'y mut [T]);

impl<'y, T: Send, F: Fn(usize) -> usize + Send> Queue for Shares<'y, T, F> {
    type Item = Taken<'y, T>;

    fn take(&mut self, thread: usize) -> Option<Taken<'y, T>> {
        let own = &mut self.shares[thread];
        if !own.tiles.is_empty() {
            let tiles = own.tiles.start..own.tiles.start + own.tiles.len().div_ceil(2);
            own.tiles.start = tiles.end;
            let results = (self.start)(tiles.end) - (self.start)(tiles.start);
            return Some((tiles, split(&mut own.y, results)));
        }
        // From the end: the other thread goes on at the front.
        let other = self.shares.iter_mut().max_by_key(|share| share.tiles.len()).filter(|share| !share.tiles.is_empty())?;
        let tiles = other.tiles.end - other.tiles.len().div_ceil(2)..other.tiles.end;
        other.tiles.end = tiles.start;
        let results = (self.start)(tiles.end) - (self.start)(tiles.start);
        let left = other.y.len() - results;
        let rest = split(&mut other.y, left);
        Some((tiles, std::mem::replace(&mut other.y, rest)))
    }
}

/// Does all tiles of a product: on the caller's thread at once and without an allocation if `threads` is 1, and else on the pool's,
/// which are as many. The results of tile `t` begin at `y[start(t)]`.
pub(crate) fn run<T: Send>(
    pool: &ThreadPool,
    threads: usize,
    tiles: usize,
    y: &mut [T],
    start: impl Fn(usize) -> usize + Send,
    work: impl Fn(Taken<'_, T>) + Sync,
) {
    if threads > 1 {
        pool.run(Shares::new(tiles, threads, y, start), work);
    } else {
        work((0..tiles, y));
    }
}

/// A slice's first `count` values, which are taken from it.
pub(crate) fn split<'y, T>(rest: &mut &'y mut [T], count: usize) -> &'y mut [T] {
    let (first, others) = std::mem::take(rest).split_at_mut(count);
    *rest = others;
    first
}

/// The parts that some of all parts' tiles are of, and which tiles of each.
pub(crate) fn spans<P>(parts: &[P], tiles_of: impl Fn(&P) -> usize, tiles: Range<usize>) -> impl Iterator<Item = (&P, Range<usize>)> {
    let mut first = 0;
    parts.iter().filter_map(move |part| {
        let begin = first;
        first += tiles_of(part);
        let own = tiles.start.max(begin)..tiles.end.min(first);
        (!own.is_empty()).then(|| (part, own.start - begin..own.end - begin))
    })
}

/// Hands tiles to `work` in groups of at most `at_once`.
pub(crate) fn for_groups<'m>(mut tiles: impl Iterator<Item = &'m [u64]>, at_once: usize, mut work: impl FnMut(&[&'m [u64]])) {
    let mut group: [&[u64]; MOST_TILES] = [&[]; MOST_TILES];
    loop {
        let mut count = 0;
        // The group's end is asked first, so no tile is lost.
        for (place, tile) in group[..at_once].iter_mut().zip(&mut tiles) {
            *place = tile;
            count += 1;
        }
        if count == 0 {
            return;
        }
        work(&group[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::random::Random;

    #[test]
    fn every_tile_is_taken_once_with_its_results_in_whatever_order_the_threads_come() {
        for (tiles, threads) in [(0_usize, 1_usize), (1, 1), (1, 3), (7, 2), (128, 2), (130, 5)] {
            for seed in 0..20 {
                // Two results a tile, one for the last.
                let length = |tile: usize| (2 * tile).min((2 * tiles).saturating_sub(1));
                let mut y = vec![0; length(tiles)];
                let mut shares = Shares::new(tiles, threads, &mut y, length);
                let mut random = Random::new(seed);
                let mut left = threads;
                let mut ended = vec![false; threads];
                while left > 0 {
                    let thread = random.below(threads);
                    match shares.take(thread) {
                        Some((taken, y)) => {
                            assert_eq!(y.len(), length(taken.end) - length(taken.start));
                            y.iter_mut().enumerate().for_each(|(i, y)| *y += length(taken.start) + i + 1);
                        }
                        None => left -= usize::from(!std::mem::replace(&mut ended[thread], true)),
                    }
                }
                assert!(y.iter().enumerate().all(|(i, &y)| y == i + 1), "{tiles} tiles, {threads} threads, seed {seed}");
            }
        }
    }

    #[test]
    fn spans_are_the_parts_of_a_range() {
        let parts = [3_usize, 0, 2, 4];
        let spans = |tiles| spans(&parts, |&p| p, tiles).map(|(&p, tiles)| (p, tiles)).collect::<Vec<_>>();
        assert_eq!(spans(0..9), [(3, 0..3), (2, 0..2), (4, 0..4)]);
        assert_eq!(spans(2..6), [(3, 2..3), (2, 0..2), (4, 0..1)]);
        assert_eq!(spans(3..5), [(2, 0..2)]);
        assert_eq!(spans(4..4), []);
    }
}
