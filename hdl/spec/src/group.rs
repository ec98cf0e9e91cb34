//! Groups of columns that share a scale, and where a grid keeps the scales.

use crate::tile::{TILE_ROWS, TileError, WORD_COLS, col_words};

/// Columns of a row that share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupCols {
    /// 32 columns.
    C32,
    /// 64 columns.
    C64,
    /// 128 columns.
    C128,
    /// 256 columns.
    C256,
}

impl GroupCols {
    /// All of them, ascending.
    pub const ALL: [GroupCols; 4] = [GroupCols::C32, GroupCols::C64, GroupCols::C128, GroupCols::C256];

    /// How many columns.
    pub const fn cols(self) -> usize {
        match self {
            GroupCols::C32 => 32,
            GroupCols::C64 => 64,
            GroupCols::C128 => 128,
            GroupCols::C256 => 256,
        }
    }

    /// The group of a number of columns, if there is one.
    pub const fn from_cols(cols: usize) -> Option<Self> {
        match cols {
            32 => Some(GroupCols::C32),
            64 => Some(GroupCols::C64),
            128 => Some(GroupCols::C128),
            256 => Some(GroupCols::C256),
            _ => None,
        }
    }

    /// Scales that meet one word of columns in a row: 2, or 1 if the group is a word or several.
    pub const fn in_word(self) -> usize {
        match self {
            GroupCols::C32 => 2,
            _ => 1,
        }
    }

    /// Words that stand under the same scales: 1, 2 or 4.
    pub const fn words(self) -> usize {
        (self.cols() * self.in_word()) / WORD_COLS
    }

    /// The scales of a tile's word, row by row, out of all scales of the tile.
    #[inline]
    pub fn word_scales(self, tile_scales: &[u16], word: usize) -> &[u16] {
        let len = TILE_ROWS * self.in_word();
        &tile_scales[word / self.words() * len..][..len]
    }
}

/// Scales of a grid, padding included, or an error if they are more than memory holds.
pub fn scale_count(rows: usize, cols: usize, group: GroupCols) -> Result<usize, TileError> {
    let places = rows.div_ceil(TILE_ROWS).checked_mul(places(cols, group));
    let count = places.and_then(|places| places.checked_mul(TILE_ROWS * group.in_word()));
    count.filter(|&count| count <= isize::MAX as usize / 2).ok_or(TileError::TooLarge { rows, cols })
}

/// Places of scales in a tile: its words, or as many as there are groups of several words.
pub(crate) const fn places(cols: usize, group: GroupCols) -> usize {
    col_words(cols).div_ceil(group.words())
}

/// Index of the scale of a weight.
pub const fn scale_index(row: usize, col: usize, cols: usize, group: GroupCols) -> usize {
    let place = (row / TILE_ROWS) * places(cols, group) + col / WORD_COLS / group.words();
    (place * TILE_ROWS + row % TILE_ROWS) * group.in_word() + col % WORD_COLS / group.cols()
}
