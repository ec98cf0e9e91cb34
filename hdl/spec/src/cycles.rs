//! The cycle and byte model of a job. Predicted cycles equal simulated cycles exactly.

use crate::config::{ArrayKind, Geometry};
use crate::job::{Job, plane_groups};
use crate::wire;
use crate::{ActivationCode, width};

/// Cycles from the issue of a beat to its words: block-RAM read and output register.
pub const MEMORY_STAGES: usize = 2;
/// Pairs of products, then three pairs to a number; then comes one register every two levels of the tree.
pub const PRODUCT_STAGES: usize = 2;
/// Plane weights and accumulator, or, behind tables, plane weights (2) and accumulator.
const COMBINE_STAGES: usize = 2;
/// The second stage of the tables' plane weights.
const TABLE_WEIGHT_STAGES: usize = 1;
/// The accumulator plus the initial value, written to the result store.
const WRITE_STAGES: usize = 1;

/// Columns whose activations one table sums: its address is a bit of each one's weight.
pub const TABLE_COLS: usize = 4;
/// Words of a table, and cycles that writing it takes.
pub const TABLE_WORDS: usize = 1 << TABLE_COLS;
/// Cycles from an activation word to the write of a sum of its values: choice, sign, sum.
pub const TABLE_STAGES: usize = 3;
/// A table's word, by its address.
const LOOK_UP_STAGES: usize = 1;

/// Adders in series that sum `numbers` numbers.
pub const fn tree_levels(numbers: usize) -> usize {
    width::index_bits(numbers) * (numbers > 1) as usize
}

/// Columns whose products the first compressor level makes one number of three bits.
pub const LEAF_COLS: usize = 6;

/// Numbers that the first compressor level makes of `cols` products.
pub const fn leaf_numbers(cols: usize) -> usize {
    cols.div_ceil(LEAF_COLS)
}

/// Registers inside the adder tree of `cols` products: one after every second level.
pub const fn tree_stages(cols: usize) -> usize {
    tree_levels(leaf_numbers(cols)).div_ceil(2)
}

/// Registers that sum a beat's activation planes: one a level of their adder tree.
pub const fn plane_stages(planes: usize) -> usize {
    if planes > 2 { tree_levels(planes) } else { 1 }
}

/// Cycles by which a beat's tile word is read after its issue. Loads and beats go down one pipeline, so a beat's weights
/// are wanted where a load writes: read later, they need no registers on the way.
pub const fn tile_delay(geometry: &Geometry) -> usize {
    match geometry.array {
        ArrayKind::Planes => 0,
        ArrayKind::Tables => TABLE_STAGES,
    }
}

/// Cycles from the issue of the last beat to the write of its result: the drain of a run.
pub const fn drain_cycles(geometry: &Geometry) -> usize {
    let sums = match geometry.array {
        ArrayKind::Planes => PRODUCT_STAGES + tree_stages(geometry.array_cols) + plane_stages(geometry.planes),
        ArrayKind::Tables => LOOK_UP_STAGES + tree_levels(geometry.array_cols / TABLE_COLS) + TABLE_WEIGHT_STAGES,
    };
    MEMORY_STAGES + tile_delay(geometry) + sums + COMBINE_STAGES + WRITE_STAGES
}

/// Cycles of a run in which tables are written: [`TABLE_WORDS`] a beat of columns.
pub const fn load_cycles(geometry: &Geometry, col_beats: usize) -> usize {
    match geometry.array {
        ArrayKind::Planes => 0,
        ArrayKind::Tables => TABLE_WORDS * col_beats,
    }
}

/// Cycles of a job's run phase: its loads, its beats and the drain.
pub const fn run_cycles(geometry: &Geometry, job: &Job) -> u64 {
    let beats = job.row_groups as u64 * job.act_words() as u64;
    load_cycles(geometry, job.col_beats as usize) as u64 + beats + drain_cycles(geometry) as u64
}

/// One job's place on the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCost {
    /// Beats: every one feeds all lanes once.
    pub beats: u64,
    /// Cycles in which tables are written; 0 on an array of planes.
    pub load_cycles: u64,
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
        self.load_cycles + self.beats + self.drain_cycles
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
        load_cycles: load_cycles(geometry, col_beats) as u64,
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
        assert_eq!([tree_stages(8), tree_stages(16), tree_stages(64)], [1, 1, 2]);
    }

    #[test]
    fn a_square_matrix_as_wide_as_the_array_keeps_it_busy() {
        for config in Config::all().unwrap() {
            let g = &config.geometry;
            let n = g.lanes().max(128);
            let cost = job_cost(g, n, n, ActivationCode::A8);
            let least = match g.array {
                ArrayKind::Planes => 0.95,
                // A short job's drain, and what its loads leave.
                ArrayKind::Tables => 0.9 * cost.beats as f64 / (cost.beats + cost.load_cycles) as f64,
            };
            assert!(cost.utilisation() >= least, "{}: {cost:?}", config.name);
        }
    }
}
