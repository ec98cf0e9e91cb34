//! Weights on the device: uploaded once, in whole tiles, in as many buffers as a binding's limit asks for.

use crate::device::Gpu;
use crate::error::GpuError;
use nda_spec::tile::{TILE_ROWS, col_words, word_u64};
use nda_spec::{GridMatrix, TileMatrix};
use std::ops::Range;

/// Some tiles of a matrix in one buffer.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub words: wgpu::Buffer,
    /// Scales of a group-quantized matrix, two to a word.
    pub scales: Option<wgpu::Buffer>,
    /// What the shader knows of it: rows, words of columns, where its rows begin in y, rows of y, columns, scales of a word.
    pub shape: wgpu::Buffer,
    /// Workgroups, one per tile.
    pub tiles: u32,
}

/// Where a matrix's rows stand in y.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The first of them.
    pub first: usize,
    /// Rows of y.
    pub rows: usize,
}

/// The most workgroups of one dispatch that every adapter takes.
const MOST_TILES: usize = 65_535;

/// Ranges of tiles whose planes and scales fit a binding.
fn ranges(tiles: usize, tile_bytes: usize, binding_bytes: u64) -> impl Iterator<Item = Range<usize>> {
    let most = (binding_bytes as usize / tile_bytes.max(1)).clamp(1, MOST_TILES);
    (0..tiles).step_by(most).map(move |first| first..(first + most).min(tiles))
}

/// Both halves of every word, the lower one first.
fn halves(words: &[u64]) -> impl Iterator<Item = u32> {
    words.iter().flat_map(|word| [*word as u32, (word >> 32) as u32])
}

/// An iterator whose length is known because it was counted.
struct Counted<I>(I, usize);

impl<I: Iterator<Item = u32>> Iterator for Counted<I> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let next = self.0.next();
        self.1 = self.1.saturating_sub(1);
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl<I: Iterator<Item = u32>> ExactSizeIterator for Counted<I> {}

fn upload(gpu: &Gpu, words: impl Iterator<Item = u32>, len: usize) -> Result<wgpu::Buffer, GpuError> {
    gpu.buffer_of(Counted(words, len), gpu.weights())
}

fn shape(gpu: &Gpu, fields: [usize; 8]) -> Result<wgpu::Buffer, GpuError> {
    gpu.buffer_of(fields.into_iter().map(|field| field as u32), wgpu::BufferUsages::UNIFORM)
}

/// A matrix's tiles.
///
/// # Errors
/// No room for them.
pub(crate) fn tiles(gpu: &Gpu, matrix: &TileMatrix<'_>, place: Place) -> Result<Vec<Chunk>, GpuError> {
    let tile = col_words(matrix.cols()) * word_u64(matrix.code());
    let chunks = ranges(matrix.rows().div_ceil(TILE_ROWS), 8 * tile, gpu.info.binding_bytes).map(|range| {
        let words = &matrix.words()[range.start * tile..range.end * tile];
        let rows = (matrix.rows() - range.start * TILE_ROWS).min(range.len() * TILE_ROWS);
        let fields = [rows, col_words(matrix.cols()), place.first + range.start * TILE_ROWS, place.rows, matrix.cols(), 0, 0, 0];
        Ok(Chunk {
            words: upload(gpu, halves(words), 2 * words.len())?,
            scales: None,
            shape: shape(gpu, fields)?,
            tiles: range.len() as u32,
        })
    });
    chunks.collect()
}

/// A group-quantized matrix's tiles: those of its stacks one after another, and their scales.
///
/// # Errors
/// No room for them.
pub(crate) fn grid(gpu: &Gpu, grid: &GridMatrix<'_>, place: Place) -> Result<Vec<Chunk>, GpuError> {
    let (words, in_word) = (col_words(grid.cols()), grid.group().in_word());
    let tile = words * word_u64(grid.code());
    let scales = words * TILE_ROWS * in_word;
    let bytes = (8 * tile * grid.stacks()).max(2 * scales);
    let chunks = ranges(grid.rows().div_ceil(TILE_ROWS), bytes, gpu.info.binding_bytes).map(|range| {
        let stacks = (0..grid.stacks()).flat_map(|k| halves(&grid.stack(k).words()[range.start * tile..range.end * tile]));
        // 32 rows make the number of scales even. Shaders look under each word, so the scales of a group of several stand under all of them.
        let of_tile = |tile| (0..words).flat_map(move |word| grid.group().word_scales(grid.tile_scales(tile), word));
        let own: Vec<u16> = range.clone().flat_map(of_tile).copied().collect();
        let pairs = own.as_chunks::<2>().0.iter().map(|[low, high]| u32::from(*low) | u32::from(*high) << 16);
        let rows = (grid.rows() - range.start * TILE_ROWS).min(range.len() * TILE_ROWS);
        let first = place.first + range.start * TILE_ROWS;
        let stack_words = 2 * tile * range.len();
        Ok(Chunk {
            words: upload(gpu, stacks, stack_words * grid.stacks())?,
            scales: Some(upload(gpu, pairs, own.len() / 2)?),
            shape: shape(gpu, [rows, words, first, place.rows, grid.cols(), in_word, stack_words, 0])?,
            tiles: range.len() as u32,
        })
    });
    chunks.collect()
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn tiles_are_cut_where_a_binding_ends() {
        let cut = |tiles, bytes, limit| ranges(tiles, bytes, limit).collect::<Vec<_>>();
        assert_eq!(cut(5, 100, 250), [0..2, 2..4, 4..5]);
        assert_eq!(cut(5, 100, 1 << 30).first(), Some(&(0..5)));
        assert_eq!(cut(2, 100, 10), [0..1, 1..2], "a tile is never cut");
        assert_eq!(cut(65_536, 1, u64::from(u32::MAX)), [0..65_535, 65_535..65_536]);
        assert!(cut(0, 0, 100).is_empty());
    }
}
