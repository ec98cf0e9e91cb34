//! The cycle and byte model of a job. Predicted cycles equal simulated cycles exactly.

use crate::config::Geometry;
use crate::job::plane_groups;
use crate::wire;
use crate::{ActivationCode, width};

/// Cycles from the issue of a beat to its words: block-RAM read and output register.
pub const MEMORY_STAGES: usize = 2;
/// Products and first compressor level; then comes one register every two levels of the tree.
const PRODUCT_STAGES: usize = 1;
/// Plane weights (1), activation planes (1), accumulator (1).
const COMBINE_STAGES: usize = 3;
/// The accumulator plus the initial value, written to the result store.
const WRITE_STAGES: usize = 1;

/// Adders in series that sum `numbers` numbers.
pub const fn tree_levels(numbers: usize) -> usize {
    width::index_bits(numbers) * (numbers > 1) as usize
}

/// Numbers of two bits that the first compressor level makes of `cols` products: a full adder takes three.
pub const fn leaf_numbers(cols: usize) -> usize {
    cols.div_ceil(3)
}

/// Registers inside the adder tree of `cols` products: one after every second level.
pub const fn tree_stages(cols: usize) -> usize {
    tree_levels(leaf_numbers(cols)).div_ceil(2)
}

/// Cycles from the issue of the last beat to the write of its result: the drain of a run.
pub const fn drain_cycles(geometry: &Geometry) -> usize {
    MEMORY_STAGES + PRODUCT_STAGES + tree_stages(geometry.array_cols) + COMBINE_STAGES + WRITE_STAGES
}

/// One job's place on the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCost {
    /// Beats: every one feeds all lanes once.
    pub beats: u64,
    /// Cycles after the last beat until its result is stored.
    pub drain_cycles: u64,
    /// Bytes of the request frame before stuffing: header, descriptor, activations, CRC.
    pub request_bytes: u64,
    /// Bytes of the response frame before stuffing: header, results, CRC.
    pub response_bytes: u64,
}

impl JobCost {
    /// Cycles of the run phase: what the counter in the response says.
    pub const fn run_cycles(&self) -> u64 {
        self.beats + self.drain_cycles
    }

    /// Share of the run phase in which the array works.
    pub fn utilisation(&self) -> f64 {
        self.beats as f64 / self.run_cycles() as f64
    }
}

/// The cost of `rows x cols` weights against one vector, all in one job.
pub fn job_cost(geometry: &Geometry, rows: usize, cols: usize, x_code: ActivationCode) -> JobCost {
    let row_groups = rows.div_ceil(geometry.array_rows);
    let col_beats = cols.div_ceil(geometry.array_cols);
    let groups = plane_groups(x_code, geometry.planes);
    let act_bytes = groups * col_beats * geometry.act_word_bytes();
    JobCost {
        beats: (row_groups * groups * col_beats) as u64,
        drain_cycles: drain_cycles(geometry) as u64,
        request_bytes: (wire::HEADER_BYTES + wire::JOB_BYTES + act_bytes + wire::CRC_BYTES) as u64,
        response_bytes: (wire::HEADER_BYTES + row_groups * geometry.result_word_bytes() + wire::CRC_BYTES) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn tree_depths_of_the_shipped_widths() {
        assert_eq!([tree_levels(1), tree_levels(2), tree_levels(3), tree_levels(6), tree_levels(22)], [0, 1, 2, 3, 5]);
        assert_eq!([tree_stages(8), tree_stages(16), tree_stages(64)], [1, 2, 3]);
    }

    #[test]
    fn a_square_matrix_as_wide_as_the_array_keeps_it_busy() {
        for config in Config::all().unwrap() {
            let n = config.geometry.lanes().max(128);
            let cost = job_cost(&config.geometry, n, n, ActivationCode::A8);
            assert!(cost.utilisation() >= 0.95, "{}: {cost:?}", config.name);
        }
    }
}
