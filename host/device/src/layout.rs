//! How a matrix of any shape becomes jobs that fit the device: segments of columns, blocks of row groups.

use nda_spec::config::Geometry;
use nda_spec::plan::segment_cols;
use nda_spec::wire::Ident;
use std::ops::Range;

/// What one job can be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Columns of a segment.
    pub segment_cols: usize,
    /// Row groups of a job.
    pub row_groups: usize,
    /// Pages of the ring that blocks without a place of their own go through.
    pub ring_pages: usize,
}

impl Limits {
    /// The limits of a device.
    pub(crate) fn new(ident: &Ident) -> Limits {
        let g = &ident.geometry;
        let segment_cols = segment_cols(g, usize::from(ident.mtu));
        let segment_words = segment_cols.div_ceil(g.array_cols);
        Limits {
            segment_cols,
            row_groups: g.result_words.min(usize::from(u16::MAX)),
            ring_pages: g.pages().div_ceil(8).max(segment_words.div_ceil(g.page_words)),
        }
    }

    /// The segments of the given number of columns.
    pub(crate) fn segments(&self, cols: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let step = self.segment_cols;
        (0..cols.div_ceil(step)).map(move |i| i * step..((i + 1) * step).min(cols))
    }
}

/// Where a block's tile words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// From this word on, for as long as the session lasts.
    Fixed(usize),
    /// In the ring, when needed.
    Ring,
}

/// One job's share of a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Row groups of the stacked parts.
    pub groups: Range<usize>,
    /// Columns.
    pub cols: Range<usize>,
    /// Beats that a row takes.
    pub col_beats: usize,
    /// Where its words are.
    pub place: Place,
}

impl Block {
    /// Tile words of the block.
    pub(crate) fn words(&self) -> usize {
        self.groups.len() * self.col_beats
    }
}

/// Gives places in the tile store: fixed ones from word 0 up, then the ring's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allocator {
    /// First word that is free.
    pub next_word: usize,
    /// First word behind the fixed places.
    pub end_word: usize,
}

impl Allocator {
    /// Blocks of `groups` row groups times `cols` columns: fixed as long as there is room, through the ring from there on.
    pub(crate) fn place(&mut self, g: &Geometry, limits: &Limits, groups: usize, cols: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        for segment in limits.segments(cols) {
            let col_beats = segment.len().div_ceil(g.array_cols);
            let mut first = 0;
            while first < groups {
                let wanted = limits.row_groups.min(groups - first);
                let room = (self.end_word - self.next_word) / col_beats;
                // A sliver of a block costs a whole job; it is worth that only if it holds some pages.
                let fixed = room >= wanted || room * col_beats >= 4 * g.page_words;
                let (count, place) = if fixed {
                    let count = wanted.min(room);
                    let place = Place::Fixed(self.next_word);
                    self.next_word += count * col_beats;
                    (count, place)
                } else {
                    (wanted.min(limits.ring_pages * g.page_words / col_beats), Place::Ring)
                };
                blocks.push(Block { groups: first..first + count, cols: segment.clone(), col_beats, place });
                first += count;
            }
        }
        blocks
    }

    /// Leaves a page that is already sealed alone: what comes next starts on a page of its own.
    pub(crate) fn skip_to_page(&mut self, g: &Geometry) {
        self.next_word = self.next_word.next_multiple_of(g.page_words).min(self.end_word);
    }
}

/// Tile words of the given number of row groups and columns, whatever their blocks; `None` if that cannot be counted.
pub(crate) fn total_words(g: &Geometry, limits: &Limits, groups: usize, cols: usize) -> Option<usize> {
    let beats: usize = limits.segments(cols).map(|segment| segment.len().div_ceil(g.array_cols)).sum();
    groups.checked_mul(beats)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::job::plane_groups;
    use nda_spec::wire::{ENGINE_VERSION, PROTOCOL_VERSION};
    use nda_spec::{ActivationCode, Config};

    fn ident(config: &Config) -> Ident {
        Ident {
            protocol: PROTOCOL_VERSION,
            engine: ENGINE_VERSION,
            board: 0,
            geometry: config.geometry,
            mtu: config.mtu() as u16,
            slots: config.slots as u8,
            clk_hz: config.clk_hz,
            baud: config.baud,
            config: config.name.clone(),
            ring: 0,
            seed: false,
            build: 0,
        }
    }

    #[test]
    fn blocks_cover_every_row_group_and_column_once_and_fit_the_device() {
        for config in Config::all().unwrap() {
            let g = config.geometry;
            let limits = Limits::new(&ident(&config));
            for (groups, cols) in [(1, 1), (3, 64), (700, 300), (5000, 1100), (1, 5000), (2, 8_000_000)] {
                for end_word in [g.tile_words, g.tile_words - limits.ring_pages * g.page_words, 0] {
                    let mut allocator = Allocator { next_word: 0, end_word };
                    let blocks = allocator.place(&g, &limits, groups, cols);
                    let covered: usize = blocks.iter().map(|b| b.groups.len() * b.cols.len()).sum();
                    assert_eq!(covered, groups * cols);
                    for b in &blocks {
                        assert!(b.groups.len() <= g.result_words && !b.groups.is_empty());
                        assert!(b.col_beats * plane_groups(ActivationCode::A8, g.planes) <= g.act_words);
                        match b.place {
                            Place::Fixed(base) => assert!(base + b.words() <= end_word),
                            Place::Ring => assert!(b.words() <= limits.ring_pages * g.page_words),
                        }
                    }
                }
            }
        }
    }
}
