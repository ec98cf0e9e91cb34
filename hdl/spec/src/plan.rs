//! What a model's token costs on a device: jobs, cycles and bytes, from shapes alone.
//!
//! The driver cuts a matrix into jobs as [`segment_cols`] and the result store say; here the same cuts are counted. Bytes
//! are those of frames with a zero in every 254 bytes, as a vector of zeros has them: a real token takes one more for every
//! 254 without any.

use crate::config::{Config, Geometry};
use crate::cycles::job_cost;
use crate::job::plane_groups;
use crate::tile::WORD_COLS;
use crate::wire::{CRC_BYTES, HEADER_BYTES, JOB_BYTES, min_wire_bytes};
use crate::{ActivationCode, width};
use std::ops::AddAssign;

/// Payload bytes of the longest response that the host asks for: what a repetition costs is bounded by it.
pub const MAX_RESPONSE_BYTES: usize = 4096;

/// Columns of the widest job: what the activation store and a request frame hold in the widest code, so that a
/// prepared matrix takes vectors of every code.
pub fn segment_cols(g: &Geometry, mtu: usize) -> usize {
    let groups = plane_groups(ActivationCode::A8, g.planes);
    let frame_beats = mtu.saturating_sub(JOB_BYTES) / (groups * g.act_word_bytes());
    let beats = [g.act_words / groups, frame_beats, width::MAX_JOB_COLS / g.array_cols, g.tile_words, usize::from(u16::MAX)];
    let cols = beats.into_iter().min().unwrap_or(1).max(1) * g.array_cols;
    // Whole words of the tile layout where that is possible: packing them needs no shifts.
    if cols >= WORD_COLS { cols / WORD_COLS * WORD_COLS } else { cols }
}

/// Products that share an input and are stacked by rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Rows of each part; each starts with a row group of its own.
    pub parts: Vec<usize>,
    /// Columns.
    pub cols: usize,
}

impl Layer {
    /// Row groups of all parts.
    pub fn row_groups(&self, g: &Geometry) -> usize {
        self.parts.iter().map(|rows| rows.div_ceil(g.array_rows)).sum()
    }

    /// Words of the tile store that the layer takes.
    pub fn words(&self, g: &Geometry) -> usize {
        self.row_groups(g).saturating_mul(self.cols.div_ceil(g.array_cols))
    }

    /// Weights.
    pub fn weights(&self) -> u64 {
        self.parts.iter().sum::<usize>() as u64 * self.cols as u64
    }
}

/// What some layers cost for one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenCost {
    /// Layers on the device.
    pub layers: u64,
    /// Layers that the device has no room for; the CPU has them.
    pub layers_on_cpu: u64,
    /// Weights on the device.
    pub weights: u64,
    /// Weights on the CPU.
    pub weights_on_cpu: u64,
    /// Jobs: round trips of the link.
    pub jobs: u64,
    /// Beats of the array.
    pub beats: u64,
    /// Cycles of the run phases.
    pub run_cycles: u64,
    /// Bytes on the wire, both ways, at least.
    pub wire_bytes: u64,
}

impl AddAssign for TokenCost {
    fn add_assign(&mut self, other: TokenCost) {
        self.layers += other.layers;
        self.layers_on_cpu += other.layers_on_cpu;
        self.weights += other.weights;
        self.weights_on_cpu += other.weights_on_cpu;
        self.jobs += other.jobs;
        self.beats += other.beats;
        self.run_cycles += other.run_cycles;
        self.wire_bytes += other.wire_bytes;
    }
}

/// A layer's cost on a device that has its weights.
pub fn layer_cost(config: &Config, layer: &Layer, x_code: ActivationCode) -> TokenCost {
    let g = &config.geometry;
    let mut cost = TokenCost { layers: 1, weights: layer.weights(), ..TokenCost::default() };
    let step = segment_cols(g, config.mtu());
    let groups = layer.row_groups(g);
    for first_col in (0..layer.cols).step_by(step) {
        let cols = step.min(layer.cols - first_col);
        for first_group in (0..groups).step_by(g.result_words) {
            let row_groups = g.result_words.min(groups - first_group);
            let job = job_cost(g, row_groups * g.array_rows, cols, x_code);
            cost.jobs += 1;
            cost.beats += job.beats;
            cost.run_cycles += job.run_cycles();
            cost.wire_bytes += job_wire_bytes(g, row_groups, job.request_bytes as usize);
        }
    }
    cost
}

/// Bytes of a job's frames at least: its request, its response with what fits, and a `READ` for each rest.
fn job_wire_bytes(g: &Geometry, row_groups: usize, request_bytes: usize) -> u64 {
    let chunk = MAX_RESPONSE_BYTES / g.result_word_bytes();
    let mut bytes = min_wire_bytes(request_bytes - HEADER_BYTES - CRC_BYTES);
    let mut left = row_groups;
    loop {
        let words = left.min(chunk);
        bytes += min_wire_bytes(words * g.result_word_bytes());
        left -= words;
        if left == 0 {
            return bytes as u64;
        }
        bytes += min_wire_bytes(4);
    }
}

/// A model's cost: layers take the tile store in order, each from a page of its own; one that does not fit any more
/// stays on the CPU, because its weights would travel with every token.
pub fn token_cost(config: &Config, layers: &[Layer], x_code: ActivationCode) -> TokenCost {
    let g = &config.geometry;
    let (mut total, mut used_words) = (TokenCost::default(), 0);
    for layer in layers {
        let words = layer.words(g);
        if words <= g.tile_words - used_words {
            used_words = (used_words + words).next_multiple_of(g.page_words).min(g.tile_words);
            total += layer_cost(config, layer, x_code);
        } else {
            total += TokenCost { layers_on_cpu: 1, weights_on_cpu: layer.weights(), ..TokenCost::default() };
        }
    }
    total
}

/// Products that the array sums in one cycle, on average over a vector of this code.
pub fn macs_per_cycle(g: &Geometry, x_code: ActivationCode) -> f64 {
    g.lanes() as f64 / plane_groups(x_code, g.planes) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_cut_where_its_stores_end() {
        let config = Config::named("nano16").unwrap();
        let g = &config.geometry;
        let cols = segment_cols(g, config.mtu());
        assert!(cols > 0 && cols / g.array_cols * plane_groups(ActivationCode::A8, g.planes) <= g.act_words);
        let layer = |rows, cols| Layer { parts: vec![rows], cols };
        let jobs = |rows, cols| layer_cost(&config, &layer(rows, cols), ActivationCode::A8).jobs;
        let rows = g.result_words * g.array_rows;
        assert_eq!([jobs(1, 1), jobs(rows, cols), jobs(rows + 1, cols), jobs(rows, cols + 1)], [1, 1, 2, 2]);
        assert_eq!(jobs(0, 5), 0);
    }

    #[test]
    fn a_layer_without_room_stays_on_the_cpu_and_later_ones_may_still_fit() {
        let config = Config::named("nano16").unwrap();
        let whole = Layer { parts: vec![config.geometry.tile_words], cols: 17 };
        let small = Layer { parts: vec![64], cols: 16 };
        let cost = token_cost(&config, &[small.clone(), whole, small], ActivationCode::A8);
        assert_eq!((cost.layers, cost.layers_on_cpu, cost.jobs), (2, 1, 2));
    }
}
