//! What multiplies the tiles of a grid on this machine.

use nda_spec::GridMatrix;
use nda_spec::tile::TILE_ROWS;

use crate::grid::{self, GridInput};
use crate::level::Level;
#[cfg(target_arch = "aarch64")]
use crate::neon::grid::NeonGrid;
use crate::shares::{Taken, spans, split};
#[cfg(target_arch = "x86_64")]
use crate::{avx2::grid::Avx2Grid, avx512::Avx512Grid};

/// What multiplies the tiles of one grid.
pub(crate) enum GridKernel {
    Portable,
    #[cfg(target_arch = "aarch64")]
    Neon(NeonGrid),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2Grid),
    #[cfg(target_arch = "x86_64")]
    Avx512(Box<Avx512Grid>),
}

impl GridKernel {
    /// The 32 rows of a tile of its grid by every vector: `y[vector * TILE_ROWS + row]`. `totals` is scratch.
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        allow(unused_variables, reason = "the portable kernel has its own scratch")
    )]
    pub fn tile(&self, grid: &GridMatrix<'_>, tile: usize, x: &GridInput, totals: &mut Vec<[f32; 8]>, y: &mut [f32]) {
        match self {
            GridKernel::Portable => grid::tile(grid, tile, x, y),
            #[cfg(target_arch = "aarch64")]
            GridKernel::Neon(neon) => neon.tile(grid, tile, x, totals, y),
            #[cfg(target_arch = "x86_64")]
            GridKernel::Avx2(avx2) => avx2.tile(grid, tile, x, totals, y),
            #[cfg(target_arch = "x86_64")]
            GridKernel::Avx512(avx512) => avx512.tile(grid, tile, x, totals, y),
        }
    }
}

fn tiles_of_grid(part: &GridMatrix<'_>) -> usize {
    part.rows().div_ceil(TILE_ROWS)
}

/// Some tiles of grids by every vector: 32 rows of each per tile.
pub(crate) fn run_grids(parts: &[GridMatrix<'_>], level: Level, x: &GridInput, (tiles, mut y): Taken<'_, f32>) {
    let mut totals = Vec::new();
    for (grid, tiles) in spans(parts, tiles_of_grid, tiles) {
        let kernel = level.grid_kernel(grid);
        for tile in tiles {
            kernel.tile(grid, tile, x, &mut totals, split(&mut y, TILE_ROWS * x.vectors()));
        }
    }
}
