//! What multiplies the tiles of a grid on this machine, some at a time.

use std::ops::Range;

use nda_spec::GridMatrix;
use nda_spec::tile::TILE_ROWS;

use crate::grid::{self, GridInput};
use crate::level::{Level, MOST_TILES};
#[cfg(target_arch = "aarch64")]
use crate::neon::grid::NeonGrid;
use crate::shares::{Taken, spans, split};
#[cfg(target_arch = "x86_64")]
use crate::subsets::SubsetSums;
#[cfg(target_arch = "x86_64")]
use crate::{
    avx2::{grid::Avx2Grid, one_plane_grid::OnePlaneGrid},
    avx512::Avx512Grid,
};

/// Vectors of grids in every form that a kernel of some grid reads.
pub(crate) struct Packed<'x> {
    pub input: &'x GridInput,
    /// Empty where no kernel looks them up.
    #[cfg(target_arch = "x86_64")]
    pub subsets: &'x SubsetSums,
}

/// What multiplies the tiles of one grid.
pub(crate) enum GridKernel {
    Portable,
    #[cfg(target_arch = "aarch64")]
    Neon(NeonGrid),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2Grid),
    #[cfg(target_arch = "x86_64")]
    OnePlane(OnePlaneGrid),
    #[cfg(target_arch = "x86_64")]
    Avx512(Box<Avx512Grid>),
}

impl GridKernel {
    /// Whether it looks up the sums of subsets.
    #[cfg(target_arch = "x86_64")]
    pub fn looks_up(&self) -> bool {
        matches!(self, GridKernel::OnePlane(_))
    }

    /// Tiles that the kernel best takes at a time.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "sums of subsets are looked up on AVX2 alone"))]
    pub fn tiles_at_once(&self, vectors: usize) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            GridKernel::OnePlane(_) if vectors > 1 => MOST_TILES,
            #[cfg(target_arch = "x86_64")]
            GridKernel::OnePlane(_) => MOST_TILES / 4,
            _ => 1,
        }
    }

    /// Rows of some tiles of its grid by every vector: `y[(tile * vectors + vector) * TILE_ROWS + row]`. `totals` is scratch.
    pub fn tiles(&self, grid: &GridMatrix<'_>, tiles: Range<usize>, x: &Packed<'_>, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if let GridKernel::OnePlane(kernel) = self {
            return kernel.tiles(grid, tiles, (x.input, x.subsets), totals, y);
        }
        for (tile, y) in tiles.zip(y.chunks_exact_mut(TILE_ROWS * x.input.vectors())) {
            self.tile(grid, tile, x.input, totals, y);
        }
    }

    /// The 32 rows of a tile of its grid by every vector: `y[vector * TILE_ROWS + row]`. `totals` is scratch.
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        allow(unused_variables, reason = "the portable kernel has its own scratch")
    )]
    fn tile(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        match self {
            GridKernel::Portable => grid::tile(grid, tile, x, y),
            #[cfg(target_arch = "aarch64")]
            GridKernel::Neon(neon) => neon.tile(grid, tile, x, totals, y),
            #[cfg(target_arch = "x86_64")]
            GridKernel::Avx2(avx2) => avx2.tile(grid, tile, x, totals, y),
            #[cfg(target_arch = "x86_64")]
            GridKernel::OnePlane(_) => unreachable!("tiles() takes these"),
            #[cfg(target_arch = "x86_64")]
            GridKernel::Avx512(avx512) => avx512.tile(grid, tile, x, totals, y),
        }
    }
}

fn tiles_of_grid(part: &GridMatrix<'_>) -> usize {
    part.rows().div_ceil(TILE_ROWS)
}

/// Some tiles of grids by every vector: 32 rows of each per tile.
pub(crate) fn run_grids(parts: &[GridMatrix<'_>], level: Level, x: &Packed<'_>, (tiles, mut y): Taken<'_, f32>) {
    let mut totals = Vec::new();
    for (grid, tiles) in spans(parts, tiles_of_grid, tiles) {
        let kernel = level.grid_kernel(grid);
        let (vectors, at_once) = (x.input.vectors(), kernel.tiles_at_once(x.input.vectors()));
        for first in tiles.clone().step_by(at_once) {
            let tiles = first..tiles.end.min(first + at_once);
            let y = split(&mut y, TILE_ROWS * tiles.len() * vectors);
            kernel.tiles(grid, tiles, x, &mut totals, y);
        }
    }
}
