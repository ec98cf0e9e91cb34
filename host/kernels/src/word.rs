//! A word of a tile as kernels read it: one instance of a kernel for codes of one plane, one for codes of two.

use nda_spec::tile::{BLOCK_ROWS, TILE_ROWS};

/// 64 columns of 32 rows, all planes of a code.
pub(crate) trait TileWord: Sized + Copy + 'static {
    /// The words of a tile, or of some of its columns.
    fn of(tile: &[u64]) -> &[Self];

    /// Eight rows of one plane; zeros of a plane that the code does not have.
    fn plane(&self, block: usize, plane: usize) -> &[u64; BLOCK_ROWS];
}

const NO_PLANE: [u64; BLOCK_ROWS] = [0; BLOCK_ROWS];

macro_rules! tile_word {
    ($planes:literal) => {
        impl TileWord for [u64; $planes * TILE_ROWS] {
            #[inline(always)]
            fn of(tile: &[u64]) -> &[Self] {
                tile.as_chunks().0
            }

            #[inline(always)]
            fn plane(&self, block: usize, plane: usize) -> &[u64; BLOCK_ROWS] {
                if plane < $planes { &self.as_chunks().0[block * $planes + plane] } else { &NO_PLANE }
            }
        }
    };
}

/// A word of a code of one plane.
pub(crate) type OnePlane = [u64; TILE_ROWS];
/// A word of a code of two planes.
pub(crate) type TwoPlanes = [u64; 2 * TILE_ROWS];

tile_word!(1);
tile_word!(2);

/// Calls a kernel for the word of a code's planes: `for_planes!(code, Word => kernel::<Word>(...))`.
macro_rules! for_planes {
    ($code:expr, $word:ident => $call:expr) => {
        if $code.planes() == 1 {
            type $word = crate::word::OnePlane;
            $call
        } else {
            type $word = crate::word::TwoPlanes;
            $call
        }
    };
}

pub(crate) use for_planes;
