//! Products of the matrices of a KV cache's closed frames by several vectors of codes, bit-equal to `nda_spec::kv::frame::product`,
//! and what lies between the two products of an attention ([`weigh`]).

pub mod weigh;

use crate::activations::{LANES, columns, transpose};
use crate::cpu::CpuError;
use crate::level::{Level, Variant};
use nda_spec::kv::LevelCode;
use nda_spec::kv::frame::stack_u64;
use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS, WORD_COLS, col_words};

#[cfg(target_arch = "x86_64")]
use crate::{avx2::frame::Avx2Frame, avx512::frame::Avx512Frame};

/// Vectors of equal length in the form that the kernels read. Its memory is used again.
#[derive(Debug, Clone, Default)]
pub struct FrameVectors {
    pub(crate) cols: usize,
    pub(crate) count: usize,
    /// Vector by vector its words: byte `b` of lane `c` is the code of column `8 * b + c`.
    pub(crate) bytes: Vec<[u64; LANES]>,
    /// The sum of each vector's codes.
    pub(crate) sums: Vec<i32>,
}

impl FrameVectors {
    /// Takes over vectors of `cols` codes, one after another, in place of those it has.
    pub fn set(&mut self, cols: usize, codes: &[i8]) {
        (self.cols, self.count) = (cols, codes.len() / cols);
        self.bytes.clear();
        self.sums.clear();
        for vector in codes.chunks_exact(cols) {
            self.bytes.extend(vector.chunks(WORD_COLS).map(|word| transpose(columns(word))));
            self.sums.push(vector.iter().fold(0, |sum: i32, &code| sum.wrapping_add(i32::from(code))));
        }
    }

    /// How many vectors.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// From a vector's results to the next one's.
pub const fn stride(rows: usize) -> usize {
    rows.next_multiple_of(BLOCK_ROWS)
}

/// What multiplies matrices of one code.
#[derive(Debug, Clone)]
pub struct FrameKernel {
    code: LevelCode,
    kernel: Kernel,
}

#[derive(Debug, Clone)]
enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2Frame),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512Frame),
}

/// Levels as unsigned bytes that share no factor: `level = factor * table[bits] + lowest`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsigned {
    /// By bits, two stacks' or one's.
    pub table: [i8; 16],
    pub factor: i32,
    pub lowest: i32,
}

impl Unsigned {
    fn new(code: &LevelCode) -> Unsigned {
        let lowest = i32::from(code.lowest());
        let levels: Vec<i32> = (0..1_u8 << code.bits()).map(|bits| i32::from(code.level(bits)) - lowest).collect();
        let gcd = |a: i32, b: i32| {
            let (mut a, mut b) = (a, b);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let factor = levels.iter().fold(0, |all, &level| gcd(all, level)).max(1);
        let table = std::array::from_fn(|bits| (levels[bits % levels.len()] / factor) as i8);
        Unsigned { table, factor, lowest }
    }
}

impl FrameKernel {
    /// The best kernel of this machine.
    pub fn best(code: &LevelCode) -> FrameKernel {
        FrameKernel::of(Level::best(), code)
    }

    /// That of one variant.
    ///
    /// # Errors
    /// [`CpuError::MissingFeature`] if the machine has not got it.
    pub fn with_variant(variant: Variant, code: &LevelCode) -> Result<FrameKernel, CpuError> {
        Ok(FrameKernel::of(Level::new(variant)?, code))
    }

    fn of(level: Level, code: &LevelCode) -> FrameKernel {
        let (levels, stacks) = (Unsigned::new(code), code.stacks.len());
        let kernel = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(avx512) => match Avx512Frame::new(avx512, levels, stacks) {
                Some(kernel) => Kernel::Avx512(kernel),
                None => Kernel::Avx2(Avx2Frame::new(avx512.avx2(), levels, stacks)),
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(avx2) => Kernel::Avx2(Avx2Frame::new(avx2, levels, stacks)),
            // The plain text: of AArch64 every machine has the registers that the compiler makes of it.
            _ => Kernel::Portable,
        };
        FrameKernel { code: *code, kernel }
    }

    /// The code of the matrices.
    pub fn code(&self) -> &LevelCode {
        &self.code
    }

    /// `y[vector * stride(rows) + row] = sum_col level(row, col) * x[vector][col]`; results of rows beyond the matrix are anything.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn product(&self, words: &[u64], rows: usize, x: &FrameVectors, y: &mut [i32]) {
        let stack = stack_u64(rows, x.cols);
        assert!(words.len() == stack * self.code.stacks.len() && y.len() >= x.count * stride(rows), "lengths fit");
        match &self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(kernel) => kernel.product(words, rows, x, y),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(kernel) => kernel.product(words, rows, x, y),
            Kernel::Portable => portable(&self.code, words, rows, x, y),
        }
    }
}

/// The product on any machine: the levels of a row are unpacked once and meet every vector.
fn portable(code: &LevelCode, words: &[u64], rows: usize, x: &FrameVectors, y: &mut [i32]) {
    let Unsigned { table, factor, lowest } = Unsigned::new(code);
    let (stack, col_words) = (words.len() / code.stacks.len(), col_words(x.cols));
    for (vector, y) in y.chunks_exact_mut(stride(rows)).take(x.count).enumerate() {
        y.fill(lowest.wrapping_mul(x.sums[vector]));
    }
    for row in 0..rows {
        for word in 0..col_words {
            let first =
                (row / TILE_ROWS * col_words + word) * 2 * TILE_ROWS + row % TILE_ROWS / BLOCK_ROWS * 2 * BLOCK_ROWS + row % BLOCK_ROWS;
            // Byte b of lane c is column 8 b + c, as in the vectors.
            let mut levels = [[0_i8; LANES]; LANES];
            for (col, level) in levels.as_flattened_mut().iter_mut().enumerate() {
                let at = col % LANES * LANES + col / LANES;
                let bit = |stack_at: usize, plane: usize| (words[stack_at * stack + first + plane * BLOCK_ROWS] >> at & 1) as usize;
                let bits = (0..code.stacks.len()).fold(0, |bits, k| bits | (bit(k, 0) << 1 | bit(k, 1)) << (2 * k));
                *level = table[bits];
            }
            for vector in 0..x.count {
                let bytes = &x.bytes[vector * col_words + word];
                let mut sum = 0_i32;
                for (levels, lane) in levels.iter().zip(bytes) {
                    for (level, code) in levels.iter().zip(lane.to_le_bytes()) {
                        sum = sum.wrapping_add(i32::from(*level) * i32::from(code.cast_signed()));
                    }
                }
                let y = &mut y[vector * stride(rows) + row];
                *y = y.wrapping_add(sum.wrapping_mul(factor));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::kv::{FORMS, FRAME_POSITIONS, frame};
    use nda_spec::random::Random;

    #[test]
    fn products_equal_golden_in_every_variant_form_shape_and_number_of_vectors() {
        for variant in Variant::available() {
            for code in FORMS.iter().flat_map(|form| [form.keys, form.values]) {
                let kernel = FrameKernel::with_variant(variant, &code).unwrap();
                for (rows, cols) in
                    [(FRAME_POSITIONS, 64), (64, FRAME_POSITIONS), (64, 20), (20, 64), (64, 128), (80, 64), (256, 64), (64, 256)]
                {
                    let mut random = Random::new(rows as u64 * 31 + cols as u64);
                    let words: Vec<u64> = (0..stack_u64(rows, cols) * code.stacks.len()).map(|_| random.next_u64()).collect();
                    for count in [1, 2, 3, 7, 24] {
                        let mut codes: Vec<i8> = (0..count * cols).map(|_| (random.below(255) as i32 - 127) as i8).collect();
                        // What random numbers never reach: both ends of every sum.
                        codes[..cols].fill(if count % 2 == 0 { 127 } else { -127 });
                        let mut x = FrameVectors::default();
                        x.set(cols, &codes);
                        let mut y = vec![0; count * stride(rows)];
                        kernel.product(&words, rows, &x, &mut y);
                        for (vector, codes) in codes.chunks_exact(cols).enumerate() {
                            let mut golden = vec![0; rows];
                            frame::product(&code, &words, codes, &mut golden);
                            assert_eq!(
                                y[vector * stride(rows)..][..rows],
                                golden,
                                "{variant} {:?} {rows} x {cols}, vector {vector}",
                                code.stacks
                            );
                        }
                    }
                    let mut ends = FrameVectors::default();
                    ends.set(cols, &vec![127; cols]);
                    let (mut y, mut golden) = (vec![0; stride(rows)], vec![0; rows]);
                    let ones = vec![u64::MAX; words.len()];
                    kernel.product(&ones, rows, &ends, &mut y);
                    frame::product(&code, &ones, &vec![127; cols], &mut golden);
                    assert_eq!(y[..rows], golden, "{variant}, all ones");
                }
            }
        }
    }
}
