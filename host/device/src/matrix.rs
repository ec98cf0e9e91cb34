//! A prepared matrix: its parts, its blocks, its tile words and what its results mean.

use crate::layout::Block;
use nda_gemv::Shape;
use nda_spec::code::ARRAY_PLANES;
use nda_spec::config::Geometry;
use nda_spec::job::pack_tile_words;
use nda_spec::tile::{col_words, valid_mask};
use nda_spec::{ActivationCode, TileMatrix, width};
use std::ops::Range;

/// A prepared matrix and its places on the device.
pub(crate) struct Matrix<'m> {
    pub(crate) shape: Shape,
    pub(crate) parts: Vec<Part<'m>>,
    pub(crate) groups: usize,
    /// What was placed before it was uploaded by then.
    pub(crate) starts_page: bool,
    pub(crate) blocks: Vec<Block>,
    /// The row that stands in each of the array's, if they are not in their order: a token machine takes them as its passes do.
    pub(crate) order: Option<Vec<usize>>,
    /// What the activations' offset adds to each row; computed when first needed.
    pub(crate) a2_constants: Option<Vec<i32>>,
}

/// A matrix of a stack. Each starts with a row group of its own.
pub(crate) struct Part<'m> {
    pub(crate) matrix: TileMatrix<'m>,
    first_row: usize,
    first_group: usize,
    groups: usize,
}

impl<'m> Matrix<'m> {
    pub(crate) fn new(array_rows: usize, shape: Shape, parts: &[TileMatrix<'m>]) -> Matrix<'m> {
        let (mut first_row, mut first_group) = (0, 0);
        let parts = parts
            .iter()
            .map(|&matrix| {
                let groups = matrix.rows().div_ceil(array_rows);
                let part = Part { matrix, first_row, first_group, groups };
                first_row += matrix.rows();
                first_group += groups;
                part
            })
            .collect();
        Matrix { shape, parts, groups: first_group, starts_page: false, blocks: Vec::new(), order: None, a2_constants: None }
    }

    /// Each part's share of the row groups: part, and its own row groups.
    fn shares(&self, groups: &Range<usize>) -> impl Iterator<Item = (&Part<'m>, Range<usize>)> {
        let groups = groups.clone();
        self.parts.iter().filter_map(move |part| {
            let start = groups.start.max(part.first_group);
            let end = groups.end.min(part.first_group + part.groups);
            (start < end).then(|| (part, start - part.first_group..end - part.first_group))
        })
    }

    /// Tile words of a block.
    pub(crate) fn pack(&self, g: &Geometry, block: &Block) -> Vec<u8> {
        let mut words = Vec::with_capacity(block.words() * g.tile_word_bytes());
        for (part, own) in self.shares(&block.groups) {
            let rows = own.start * g.array_rows..(own.end * g.array_rows).min(part.matrix.rows());
            words.extend_from_slice(&pack_tile_words(g, &part.matrix, rows, block.cols.clone()));
        }
        match &self.order {
            Some(order) => in_order(g, &words, order, block.col_beats),
            None => words,
        }
    }

    /// Adds a block's results, which are in another order than the rows, to y.
    fn add_in_order(order: &[usize], results: &[u8], y: &mut [i32]) {
        for (&row, bytes) in order.iter().zip(results.chunks_exact(width::RESULT_BYTES)) {
            y[row] = y[row].wrapping_add(i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8);
        }
    }

    /// Adds a block's results to y.
    pub(crate) fn add(&self, array_rows: usize, block: usize, results: &[u8], y: &mut [i32]) {
        if let Some(order) = &self.order {
            return Self::add_in_order(order, results, y);
        }
        let mut rest = results;
        for (part, own) in self.shares(&self.blocks[block].groups) {
            let (mine, later) = rest.split_at(own.len() * array_rows * width::RESULT_BYTES);
            rest = later;
            let first = part.first_row + own.start * array_rows;
            // Rows that fill up the part's last group have no place in y.
            let end = part.first_row + part.matrix.rows();
            for (sum, bytes) in y[first..end].iter_mut().zip(mine.chunks_exact(width::RESULT_BYTES)) {
                // 24 bits, sign-extended.
                *sum = sum.wrapping_add(i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8);
            }
        }
    }

    /// `golden::row_constant` of every row, from the planes.
    pub(crate) fn row_constants(&self) -> Vec<i32> {
        let coefficients = self.shape.code.row().array.coefficients.affine().coefficients;
        let offset = ActivationCode::A2.affine().offset;
        let words = col_words(self.shape.cols);
        let row = |matrix: &TileMatrix<'_>, row: usize| -> i32 {
            let word = |word: usize| -> i32 {
                let planes = matrix.array_planes_at(row, word);
                let valid = valid_mask(self.shape.cols, word);
                coefficients.iter().zip(planes).map(|(c, plane)| c * (plane & valid).count_ones() as i32).sum()
            };
            offset * (0..words).map(word).sum::<i32>()
        };
        self.parts.iter().flat_map(|part| (0..part.matrix.rows()).map(move |r| row(&part.matrix, r))).collect()
    }
}

/// Tile words whose rows are in their order, in another: row `order[i]` becomes row i.
fn in_order(g: &Geometry, words: &[u8], order: &[usize], beats: usize) -> Vec<u8> {
    let bytes = g.array_cols / 8;
    let at = |row: usize, beat: usize, plane: usize| {
        let word = (row / g.array_rows * beats + beat) * g.tile_word_bytes();
        word + (plane * g.array_rows + row % g.array_rows) * bytes
    };
    let mut out = vec![0; words.len()];
    for (to, &from) in order.iter().enumerate() {
        for (beat, plane) in (0..beats).flat_map(|beat| (0..ARRAY_PLANES).map(move |plane| (beat, plane))) {
            out[at(to, beat, plane)..][..bytes].copy_from_slice(&words[at(from, beat, plane)..][..bytes]);
        }
    }
    out
}
