//! Tile kernels for AVX-512. A register holds one plane of eight rows, so a lane is a row and no sum crosses lanes.
//!
//! On a machine without AVX-512 the tests run the kernels over emulated intrinsics, and Miri interprets the real ones
//! (all but VNNI's kernel: it does not know VPERMB yet):
//! `RUSTFLAGS=-Ctarget-feature=+avx2,+avx512f,+avx512bw,+avx512vpopcntdq MIRIFLAGS=-Zmiri-disable-isolation
//! cargo +nightly miri test -p nda-kernels -- without_vnni contradictory lacks --skip emulated`.

use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS};
use nda_spec::{GridMatrix, WeightCode};

use crate::a2::A2Identity;
use crate::activations::{PreparedX, Vectors};
use crate::avx2::Avx2;
use crate::grid::GridInput;

mod a2;
#[cfg(test)]
mod emulated;
pub(crate) mod frame;
mod kernels;
mod one_plane;

use crate::subsets::{self, SubsetSums};
use crate::word::{TileWord, TwoPlanes, for_planes};
use kernels::{BLOCKS, GridTables};

mod native {
    use std::arch::x86_64::*;

    /// How far ahead memory is asked: 8 KB of a stack's planes.
    const WORDS_AHEAD: usize = 16;

    /// Asks for the line [`WORDS_AHEAD`] behind a line of this word, which is one plane of a block: of this tile, of the next, which
    /// follows it, or of whatever stands beyond the last, for a prefetch reads nothing that a program sees and faults at no address.
    /// Into L2, so that memory answers while some hundred nanoseconds of products are made; one at a time between products, for several
    /// together wait for one another. The A2 kernels wait for memory as a reader does and are slower with it.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn ask_for_line<W: TileWord>(word: &W, line: usize) {
        let at = std::ptr::from_ref(word).wrapping_add(WORDS_AHEAD).wrapping_byte_add(line * size_of::<[u64; BLOCK_ROWS]>());
        _mm_prefetch::<_MM_HINT_T1>(at.cast());
    }

    /// Asks for the scales as many words behind those of a word's block, `in_word` for each row.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn ask_for_scales(block: &[u16], in_word: usize) {
        let at = block.as_ptr().wrapping_add(WORDS_AHEAD * TILE_ROWS * in_word);
        _mm_prefetch::<_MM_HINT_T1>(at.cast());
    }

    super::kernels::kernels!(target_feature(enable = "avx512f"), target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni"));
    super::a2::a2!(target_feature(enable = "avx512f,avx512vpopcntdq"));
    super::one_plane::one_plane!(target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni"));
}

/// Proof that the machine has AVX-512 F, BW and VPOPCNTDQ, and the AVX2 kernels besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512 {
    avx2: Avx2,
    vnni: Option<Vnni>,
}

/// Proof that the machine has AVX-512 F, BW, VBMI and VNNI.
#[derive(Debug, Clone, Copy)]
struct Vnni(());

impl Avx512 {
    /// The kernels, or the feature that is missing.
    pub fn detect() -> Result<Self, &'static str> {
        let avx2 = Avx2::detect()?;
        if !is_x86_feature_detected!("avx512f") {
            return Err("avx512f");
        }
        if !is_x86_feature_detected!("avx512bw") {
            return Err("avx512bw");
        }
        if !is_x86_feature_detected!("avx512vpopcntdq") {
            return Err("avx512vpopcntdq");
        }
        let vnni = is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vbmi");
        Ok(Avx512 { avx2, vnni: vnni.then_some(Vnni(())) })
    }

    /// The kernels of AVX2.
    pub fn avx2(self) -> Avx2 {
        self.avx2
    }

    /// The same machine as if it had no VNNI, to test the fallback where there is VNNI.
    #[cfg(test)]
    pub fn without_vnni(self) -> Self {
        Avx512 { vnni: None, ..self }
    }

    /// Whether A8 and A4 run through VNNI.
    pub fn has_vnni(self) -> bool {
        self.vnni.is_some()
    }

    /// Takes over `x` in the form of bytes; false without VNNI.
    pub fn fill_bytes(self, values: &[i8], x: &mut PreparedX) -> bool {
        let Some(Vnni(())) = self.vnni else { return false };
        x.cols = values.len();
        // SAFETY: a Vnni exists only after detect() has found every feature of the kernel.
        x.sum = unsafe { native::fill_bytes(values, &mut x.bytes) };
        true
    }

    /// Takes over `x` in the form of A2; false without VNNI, which the kernel does not need but is built with.
    pub fn fill_a2(self, values: &[i8], x: &mut PreparedX) -> bool {
        let Some(Vnni(())) = self.vnni else { return false };
        // SAFETY: a Vnni exists only after detect() has found every feature of the kernel.
        unsafe { native::fill_a2(values, &mut x.a2) }
        x.set_a2_sum(values.len());
        true
    }

    /// The 32 sums of one tile by A2 activations. Reads [`crate::activations::Form::A2`].
    pub fn a2(self, code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        // SAFETY: a value of this type exists only after detect() has found every feature of the kernels.
        match A2Identity::of(code) {
            A2Identity::SignExtra => unsafe { native::a2_quaternary(tile, &x.a2, x.cols, sums) },
            A2Identity::ActivePositive => unsafe { native::a2_ternary(tile, &x.a2, sums) },
            A2Identity::None => for_planes!(code, Word => unsafe { native::a2_affine::<Word>(code, tile, x, sums) }),
        }
    }

    /// The 32 sums of one tile of a code of two planes by A8 or A4 activations. Reads [`crate::activations::Form::Bytes`].
    /// Without VNNI the AVX2 kernel does it: bit planes by VPOPCNTQ would be no faster.
    pub fn bytes(self, code: WeightCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        let Some(Vnni(())) = self.vnni else {
            return self.avx2.bytes(code, tile, x, sums);
        };
        // SAFETY: a Vnni exists only after detect() has found every feature of the kernels.
        match BytesKernel::of(code) {
            BytesKernel::Fields => unsafe { native::bytes_by_fields(code, tile, x, sums) },
            BytesKernel::Table => unsafe { native::bytes_by_table::<TwoPlanes>(code, tile, x, sums) },
        }
    }

    /// As [`Avx2::one_plane`], which does it where there is no VNNI, by one vector and its sum.
    pub fn one_plane(self, code: WeightCode, tiles: &[&[u64]], x: (&SubsetSums, i32), scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        let (x, x_sum) = (x.0, [x.1]);
        let Some(Vnni(())) = self.vnni else {
            return self.avx2.one_plane(code, tiles, x, &x_sum, scratch, sums);
        };
        assert!(code.planes() == 1 && x.lowest.len() == 1 && sums.len() == TILE_ROWS * tiles.len(), "lengths fit");
        scratch.clear();
        scratch.resize(BLOCKS * tiles.len(), [0; BLOCK_ROWS]);
        // SAFETY: a Vnni exists only after detect() has found every feature of the kernel.
        unsafe { native::add_lookups(tiles, &x.words, scratch.as_flattened_mut().as_chunks_mut().0, sums) };
        subsets::products(code, x, &x_sum, sums);
    }

    /// The 32 sums of one tile by every vector of bytes, `sums[vector * TILE_ROWS + row]`. Without VNNI the AVX2 kernel does it,
    /// which `scratch` is for.
    pub fn vectors(self, code: WeightCode, tile: &[u64], x: &Vectors, scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        let Some(Vnni(())) = self.vnni else {
            return self.avx2.vectors(code, tile, x, scratch, sums);
        };
        let mut first = 0;
        while first < x.count {
            let (left, sums) = (x.count - first, &mut sums[first * TILE_ROWS..]);
            for block in 0..BLOCKS {
                // SAFETY: a Vnni exists only after detect() has found every feature of the kernel.
                for_planes!(code, Word => unsafe {
                    match left {
                        8.. => native::vectors::<Word, 8, 1>(code, tile, block, x, first, sums),
                        4.. => native::vectors::<Word, 4, 2>(code, tile, block, x, first, sums),
                        2.. => native::vectors::<Word, 2, 4>(code, tile, block, x, first, sums),
                        _ => native::vectors::<Word, 1, 8>(code, tile, block, x, first, sums),
                    }
                });
            }
            // The largest of these sizes that is left.
            first += 1 << left.ilog2().min(3);
        }
    }
}

/// Which kernel of bytes a code takes, by its row of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BytesKernel {
    /// `2p - a`: fields of two bits.
    Fields,
    /// Any code of two planes.
    Table,
}

impl BytesKernel {
    fn of(code: WeightCode) -> BytesKernel {
        match code.affine().coefficients {
            [-1, 2] => BytesKernel::Fields,
            _ => BytesKernel::Table,
        }
    }
}

/// The look-ups of one grid, and the proof that the machine has AVX-512 F, BW, VBMI and VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512Grid {
    tables: GridTables,
    _vnni: Vnni,
}

impl Avx512Grid {
    /// The kernel of a grid, where VNNI is.
    pub fn new(avx512: Avx512, grid: &GridMatrix<'_>) -> Option<Self> {
        Some(Avx512Grid { tables: kernels::grid_tables(grid), _vnni: avx512.vnni? })
    }

    /// Rows of one tile of that grid by every vector: `y[vector * TILE_ROWS + row]`. `totals` is scratch.
    pub fn tile(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        let totals = cleared(grid, tile, x, totals, y);
        if grid.code().planes() == 1 && grid.stacks() == 1 && x.vectors() == 1 {
            // SAFETY: a value of this type exists only after detect() has found every feature of the kernel.
            return unsafe { native::one_plane_grid(grid, tile, x, y) };
        }
        for_planes!(grid.code(), Word => self.words::<Word>(grid, tile, x, totals));
        add_halves(x, totals, y);
    }

    /// The kernel by the number of stacks.
    fn words<W: TileWord>(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut [f32]) {
        // SAFETY: a value of this type exists only after detect() has found every feature of the kernel.
        unsafe {
            match grid.stacks() {
                1 => native::grid::<W, 1>(grid, tile, &self.tables, x, totals),
                2 => native::grid::<W, 2>(grid, tile, &self.tables, x, totals),
                3 => native::grid::<W, 3>(grid, tile, &self.tables, x, totals),
                _ => native::grid::<W, 4>(grid, tile, &self.tables, x, totals),
            }
        }
    }
}

/// Zeros for a tile's totals, after a look at the lengths.
fn cleared<'t>(grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &'t mut Vec<[f32; 8]>, y: &[f32]) -> &'t mut [f32] {
    assert!(x.cols() == grid.cols() && tile < grid.rows().div_ceil(TILE_ROWS) && y.len() == TILE_ROWS * x.vectors(), "lengths fit");
    totals.clear();
    totals.resize(2 * BLOCKS * x.vectors(), [0.0; 8]);
    totals.as_flattened_mut()
}

/// Adds the totals of both half words of every row.
fn add_halves(x: &GridInput, totals: &[f32], y: &mut [f32]) {
    for (block, totals) in totals.chunks_exact(2 * BLOCK_ROWS * x.vectors()).enumerate() {
        for (total, y) in totals.chunks_exact(2 * BLOCK_ROWS).zip(y.chunks_exact_mut(TILE_ROWS)) {
            for (row, y) in y[block * BLOCK_ROWS..][..BLOCK_ROWS].iter_mut().enumerate() {
                *y = total[2 * row] + total[2 * row + 1];
            }
        }
    }
}
