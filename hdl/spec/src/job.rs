//! How a matrix-vector product becomes a job of the array: activation words, tile words, constants.

use crate::ActivationCode;
use crate::config::{ArrayKind, Geometry};
use crate::tile::{TileMatrix, WORD_COLS, col_words};
use crate::wire::{JOB_BYTES, JobFlags};

/// The descriptor that stands first in a `RUN` request's payload; the activation words follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Job id: grows by one per job, modulo 2^16; the device never runs an id twice or an older one.
    pub id: u16,
    /// Codes of weights and activations.
    pub flags: JobFlags,
    /// Groups of `planes` activation planes, heaviest first.
    pub plane_groups: u8,
    /// First word of the weights in the tile store.
    pub base: u32,
    /// Groups of `array_rows` rows, at least 1.
    pub row_groups: u16,
    /// Beats that a row of W takes: `ceil(cols / array_cols)`, at least 1.
    pub col_beats: u16,
    /// What every accumulator is given on top of its products; 24 bits.
    pub init: i32,
    /// The digest of the pages on which the weights lie ([`crate::wire::PageDigest`]).
    pub digest: u32,
}

impl Job {
    /// The descriptor's bytes, little endian.
    pub fn to_bytes(&self) -> [u8; JOB_BYTES] {
        let mut out = [0; JOB_BYTES];
        out[0..2].copy_from_slice(&self.id.to_le_bytes());
        out[2] = self.flags.to_byte();
        out[3] = self.plane_groups;
        out[4..8].copy_from_slice(&self.base.to_le_bytes());
        out[8..10].copy_from_slice(&self.row_groups.to_le_bytes());
        out[10..12].copy_from_slice(&self.col_beats.to_le_bytes());
        out[12..16].copy_from_slice(&self.init.to_le_bytes());
        out[16..20].copy_from_slice(&self.digest.to_le_bytes());
        out
    }

    /// The descriptor that these bytes spell.
    pub fn from_bytes(bytes: &[u8; JOB_BYTES]) -> Job {
        Job {
            id: u16::from_le_bytes([bytes[0], bytes[1]]),
            flags: JobFlags::from_byte(bytes[2]),
            plane_groups: bytes[3],
            base: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            row_groups: u16::from_le_bytes([bytes[8], bytes[9]]),
            col_beats: u16::from_le_bytes([bytes[10], bytes[11]]),
            init: i32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]),
            digest: u32::from_le_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]),
        }
    }

    /// Activation words that the job reads: `plane_groups * col_beats`.
    pub const fn act_words(&self) -> usize {
        self.plane_groups as usize * self.col_beats as usize
    }

    /// Tile words that the job reads: `row_groups * col_beats`.
    pub const fn tile_words(&self) -> usize {
        self.row_groups as usize * self.col_beats as usize
    }
}

/// Groups of `planes` activation planes that a code takes on an array of that many planes a beat.
pub const fn plane_groups(code: ActivationCode, planes: usize) -> usize {
    code.planes().div_ceil(planes)
}

/// Activation planes of a job above which its weights would leave the accumulator.
pub const MAX_PLANES: usize = 16;

/// Plane groups of a job above which an array has no sums for it: [`MAX_PLANES`] planes, or the one group whose tables
/// an array of tables holds.
pub const fn most_plane_groups(geometry: &Geometry) -> usize {
    match geometry.array {
        ArrayKind::Planes => MAX_PLANES / geometry.planes,
        ArrayKind::Tables => 1,
    }
}

/// Whether the array has sums for a job's plane groups: any number up to [`most_plane_groups`] of two's complement, and for A2
/// exactly the groups of its two planes, because its coefficients are not powers of two that could go on.
pub const fn plane_groups_allowed(geometry: &Geometry, job: &Job) -> bool {
    let groups = job.plane_groups as usize;
    if job.flags.a2 { groups == plane_groups_of_a2(geometry.planes) } else { groups >= 1 && groups <= most_plane_groups(geometry) }
}

/// Plane groups of an A2 vector on an array of `planes` planes.
pub const fn plane_groups_of_a2(planes: usize) -> usize {
    plane_groups(ActivationCode::A2, planes)
}

/// Activation words of one vector: groups heaviest first, beats in column order, within a word the
/// group's planes lightest first, `array_cols` bits each. Two's-complement codes are sign-extended
/// to a whole number of groups; A2's group has `extra` as plane 0 and `sign` as plane 1, or, on an
/// array of one plane, `sign` in the first group and `extra` in the second.
///
/// # Panics
/// If a value is not in the code.
pub fn pack_activations(geometry: &Geometry, code: ActivationCode, x: &[i8]) -> Vec<u8> {
    let col_beats = x.len().div_ceil(geometry.array_cols);
    let groups = plane_groups(code, geometry.planes);
    let plane_bytes = geometry.array_cols / 8;
    let mut out = vec![0_u8; groups * col_beats * geometry.act_word_bytes()];
    for (col, &value) in x.iter().enumerate() {
        assert!(code.contains(value), "{value} is not an {} activation", code.name());
        let (beat, lane) = (col / geometry.array_cols, col % geometry.array_cols);
        for group in 0..groups {
            for k in 0..geometry.planes {
                let plane = (groups - 1 - group) * geometry.planes + k;
                if plane_bit(code, value, plane) {
                    let word = (group * col_beats + beat) * geometry.act_word_bytes();
                    out[word + k * plane_bytes + lane / 8] |= 1 << (lane % 8);
                }
            }
        }
    }
    out
}

/// Bit of `plane`, with planes beyond the code's own: the sign for two's complement, 0 for A2.
const fn plane_bit(code: ActivationCode, value: i8, plane: usize) -> bool {
    if plane < code.planes() { code.bit(value, plane) } else { !matches!(code, ActivationCode::A2) && value < 0 }
}

/// Tile words of a matrix (or of `cols` of its columns from `first_col`, a multiple of 64) for an
/// array of this geometry: row groups in order, within a group beats in column order, within a word
/// the array's plane 0 of every row of the group, then its plane 1, `array_cols` bits each.
pub fn pack_tile_words(
    geometry: &Geometry,
    matrix: &TileMatrix<'_>,
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
) -> Vec<u8> {
    assert!(rows.end <= matrix.rows() && cols.end <= matrix.cols(), "{rows:?} x {cols:?} is outside the matrix");
    let col_beats = cols.len().div_ceil(geometry.array_cols);
    let row_groups = rows.len().div_ceil(geometry.array_rows);
    let plane_bytes = geometry.array_cols / 8;
    let mut out = vec![0_u8; row_groups * col_beats * geometry.tile_word_bytes()];
    for (group, chunk) in out.chunks_exact_mut(col_beats.max(1) * geometry.tile_word_bytes()).enumerate() {
        for array_row in 0..geometry.array_rows {
            let row = rows.start + group * geometry.array_rows + array_row;
            if row >= rows.end {
                break;
            }
            for (beat, word) in chunk.chunks_exact_mut(geometry.tile_word_bytes()).enumerate() {
                for byte in 0..plane_bytes {
                    let col = cols.start + beat * geometry.array_cols + byte * 8;
                    let planes = byte_of_columns(matrix, row, col, cols.end);
                    for (plane, bits) in planes.into_iter().enumerate() {
                        word[(plane * geometry.array_rows + array_row) * plane_bytes + byte] = bits;
                    }
                }
            }
        }
    }
    out
}

/// The array's planes of eight columns from `col`, those from `end` on as zero bits.
fn byte_of_columns(matrix: &TileMatrix<'_>, row: usize, col: usize, end: usize) -> [u8; 2] {
    if col >= end {
        return [0, 0];
    }
    let keep = if end - col >= 8 { u8::MAX } else { (1 << (end - col)) - 1 };
    let (word, shift) = (col / WORD_COLS, col % WORD_COLS);
    let low = matrix.array_planes_at(row, word);
    // Eight columns straddle two words only when col is not a multiple of 8.
    let high = if shift > WORD_COLS - 8 && word + 1 < col_words(matrix.cols()) { matrix.array_planes_at(row, word + 1) } else { [0, 0] };
    [0, 1].map(|plane| {
        let bits = (u128::from(high[plane]) << 64 | u128::from(low[plane])) >> shift;
        bits as u8 & keep
    })
}

/// What the array computes for a job, by loops: `init` plus the weighted AND-popcounts of the words
/// it is given. `tile` holds `row_groups * col_beats` tile words, `act` holds `plane_groups *
/// col_beats` activation words; returns `row_groups * array_rows` sums, wrapped to 24 bits.
///
/// This is the contract of the core: it says nothing about what the planes mean.
pub fn array_golden(geometry: &Geometry, job: &Job, tile: &[u8], act: &[u8]) -> Vec<i32> {
    let (rows, col_beats, plane_bytes) = (geometry.array_rows, usize::from(job.col_beats), geometry.array_cols / 8);
    let weights = job.flags.coefficients().affine().coefficients;
    let mut sums = vec![job.init; usize::from(job.row_groups) * rows];
    for (r, sum) in sums.iter_mut().enumerate() {
        for group in 0..usize::from(job.plane_groups) {
            for k in 0..geometry.planes {
                for beat in 0..col_beats {
                    let tile_word = ((r / rows) * col_beats + beat) * geometry.tile_word_bytes();
                    let x_at = (group * col_beats + beat) * geometry.act_word_bytes() + k * plane_bytes;
                    for (plane, weight) in weights.iter().enumerate() {
                        let w_at = tile_word + (plane * rows + r % rows) * plane_bytes;
                        let popcount: u32 = (0..plane_bytes).map(|i| (tile[w_at + i] & act[x_at + i]).count_ones()).sum();
                        *sum = sum.wrapping_add(weight * plane_coefficient(geometry, job, group, k) * popcount as i32);
                    }
                }
            }
        }
    }
    sums.into_iter().map(|s| s << 8 >> 8).collect()
}

/// What plane `k` of plane group `group` weighs in a job.
fn plane_coefficient(geometry: &Geometry, job: &Job, group: usize, k: usize) -> i32 {
    let plane = (usize::from(job.plane_groups) - 1 - group) * geometry.planes + k;
    let heaviest = usize::from(job.plane_groups) * geometry.planes - 1;
    match (job.flags.a2, plane) {
        (true, 1) => 3,
        // A table holds sums of int8 values; planes that A2 does not have are not read, whatever they say.
        (true, 2..) if matches!(geometry.array, ArrayKind::Tables) => 0,
        (true, _) => 1 << plane,
        (false, _) if plane == heaviest => -(1 << plane),
        (false, _) => 1 << plane,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, WeightCode, golden, tile, width};

    fn geometries() -> Vec<Geometry> {
        let mut all: Vec<Geometry> = Config::all().unwrap().into_iter().map(|c| c.geometry).collect();
        let base = all[0];
        all.extend([(2, 8, 4), (3, 24, 8), (1, 8, 1)].map(|(array_rows, array_cols, planes)| Geometry {
            array_rows,
            array_cols,
            planes,
            ..base
        }));
        all.extend([(1, 8), (3, 32)].map(|(array_rows, array_cols)| Geometry {
            array: ArrayKind::Tables,
            array_rows,
            array_cols,
            planes: 8,
            ..base
        }));
        all
    }

    #[test]
    fn words_and_constants_give_gemv_for_every_code_geometry_and_tail() {
        for g in geometries() {
            for code in WeightCode::ALL {
                for x_code in ActivationCode::ALL {
                    for (rows, cols) in
                        [(1, 1), (g.array_rows, g.array_cols), (g.array_rows + 1, g.array_cols + 1), (5, 67), (2, 2 * g.array_cols - 1)]
                    {
                        check(&g, code, x_code, rows, cols);
                    }
                }
            }
        }
    }

    fn check(g: &Geometry, code: WeightCode, x_code: ActivationCode, rows: usize, cols: usize) {
        let weights: Vec<i8> = (0..rows * cols).map(|i| code.values()[(i * i + i / 3) % code.values().len()]).collect();
        let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
        let x: Vec<i8> = (0..cols).map(|i| all[(i * 37 + i / 2) % all.len()]).collect();
        let words = tile::pack(rows, cols, code, &weights).unwrap();
        let matrix = TileMatrix::new(rows, cols, code, &words).unwrap();
        let job = Job {
            id: 1,
            flags: JobFlags::new(code, x_code),
            plane_groups: plane_groups(x_code, g.planes) as u8,
            base: 0,
            row_groups: rows.div_ceil(g.array_rows) as u16,
            col_beats: cols.div_ceil(g.array_cols) as u16,
            init: golden::vector_constant(code, &x),
            digest: 0x8765_4321,
        };
        assert_eq!(Job::from_bytes(&job.to_bytes()), job);
        let tile = pack_tile_words(g, &matrix, 0..rows, 0..cols);
        let act = pack_activations(g, x_code, &x);
        assert_eq!((tile.len(), act.len()), (job.tile_words() * g.tile_word_bytes(), job.act_words() * g.act_word_bytes()));
        let raw = array_golden(g, &job, &tile, &act);
        let y: Vec<i32> = (0..rows).map(|r| raw[r] + golden::row_constant(code, x_code, &weights[r * cols..(r + 1) * cols])).collect();
        assert_eq!(y, golden::gemv(rows, cols, &weights, &x), "{g:?} {code:?} {x_code:?} {rows} x {cols}");
    }

    #[test]
    fn a_column_range_that_starts_anywhere_is_cut_exactly() {
        let g = geometries()[0];
        let values: Vec<i8> = (0..3 * 150).map(|i| WeightCode::Ternary.values()[i * 5 % 3]).collect();
        let words = tile::pack(3, 150, WeightCode::Ternary, &values).unwrap();
        let matrix = TileMatrix::new(3, 150, WeightCode::Ternary, &words).unwrap();
        for first in [0, 5, 60, 64, 127] {
            let part: Vec<i8> = (1..3).flat_map(|r| values[r * 150 + first..r * 150 + 149].to_vec()).collect();
            let part_words = tile::pack(2, 149 - first, WeightCode::Ternary, &part).unwrap();
            let part_matrix = TileMatrix::new(2, 149 - first, WeightCode::Ternary, &part_words).unwrap();
            assert_eq!(
                pack_tile_words(&g, &matrix, 1..3, first..149),
                pack_tile_words(&g, &part_matrix, 0..2, 0..149 - first),
                "from {first}"
            );
        }
    }

    #[test]
    fn both_extremes_fit_the_accumulator() {
        const { assert!(2 * 128 * width::MAX_JOB_COLS < 1 << (width::ACC_BITS - 1)) };
    }
}
