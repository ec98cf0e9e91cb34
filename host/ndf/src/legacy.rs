//! The matrix files of the seed articles, byte for byte.
//!
//! Little endian, nothing aligned: magic `u32` at 0, version `u16` at 4 (1 ternary, 2 quaternary), rows `u32` at 6,
//! columns `u32` at 10, scale `f32` at 14; from 18 on two bitmaps of `ceil(rows * cols / 8)` bytes each. Element
//! `i = row * cols + col` is bit `i % 8` of byte `i / 8`: the bitmaps are flat over the whole matrix, so a row begins
//! within a byte when the columns are not a multiple of 8. [`LegacyMatrix::to_tiles`] repacks rows for every count of columns.

use nda_spec::WeightCode;
use nda_spec::tile::{TileError, TileMatrix, WORD_COLS, col_words, matrix_u64, u64_index};

use crate::TileBuffer;

/// The magic, read as a little-endian `u32`: the file begins with 00 41 44 4E.
pub const LEGACY_MAGIC: u32 = 0x4E44_4100;
/// Bytes before the bitmaps.
pub const LEGACY_HEADER_BYTES: usize = 18;
/// The codes that the articles have; their version is the code's number.
const LEGACY_CODES: [WeightCode; 2] = [WeightCode::Ternary, WeightCode::Quaternary];

/// A matrix as the articles' files hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyMatrix {
    rows: u32,
    cols: u32,
    code: WeightCode,
    scale: f32,
    /// Both flat bitmaps; bits after the last element are zero.
    planes: [Vec<u8>; 2],
}

/// What is wrong with a matrix file of the articles, or with content that should become one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// The file does not begin as the articles' files do.
    #[error("byte 0: not a matrix file of the articles: it begins with {found:02x?}, not with [00, 41, 44, 4e]")]
    Magic {
        /// The first bytes, at most four.
        found: Vec<u8>,
    },
    /// A version that the articles do not have.
    #[error("byte 4: version {found} is neither 1 (ternary) nor 2 (quaternary)")]
    Version {
        /// The version.
        found: u16,
    },
    /// A code that the articles do not have.
    #[error("the articles' matrix files hold ternary and quaternary weights, and these are {code}; keep them in an .ndf document", code = code.name())]
    Code {
        /// The code.
        code: WeightCode,
    },
    /// A shape that memory cannot hold.
    #[error("byte 6: {rows} x {cols} weights need more memory than can be addressed")]
    TooLarge {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// The scale is NaN or infinite.
    #[error("byte 14: the scale is {found}, not a finite number")]
    Scale {
        /// The scale.
        found: f32,
    },
    /// Bytes are missing.
    #[error("byte {found}: the file ends here, but its header calls for {expected} bytes; fetch or write it again")]
    Truncated {
        /// Bytes that the header calls for.
        expected: u64,
        /// Bytes that the file has.
        found: u64,
    },
    /// Bytes follow the second bitmap.
    #[error("byte {expected}: {extra} bytes follow the end of the second bitmap; fetch or write the file again")]
    Trailing {
        /// Bytes that the header calls for.
        expected: u64,
        /// Bytes after them.
        extra: u64,
    },
    /// A bit after the last element is set.
    #[error("byte {offset}: a bit after the last element of plane {plane} is set; write the file again with zero bits there")]
    Padding {
        /// Offset of the byte in the file.
        offset: u64,
        /// Plane of the bit.
        plane: usize,
    },
    /// A ternary weight is positive but not active.
    #[error("byte {offset}: weight at row {row}, column {col} is positive but not active, which ternary has no value for")]
    Contradiction {
        /// Offset of the positive bit's byte in the file.
        offset: u64,
        /// Row of the weight.
        row: u32,
        /// Column of the weight.
        col: u32,
    },
    /// Tiles with set padding or contradicting planes.
    #[error("the tiles cannot be written: {0}")]
    Tile(#[from] TileError),
}

impl LegacyMatrix {
    /// Reads a whole file.
    ///
    /// The articles do not promise that bits after the last element are zero, but files with other bits are refused:
    /// so whatever is read here comes back byte for byte, also by way of tiles or a document.
    ///
    /// # Errors
    /// The first thing that is wrong, with its offset.
    pub fn parse(bytes: &[u8]) -> Result<Self, LegacyError> {
        let magic = LEGACY_MAGIC.to_le_bytes();
        let start = &bytes[..bytes.len().min(magic.len())];
        if !magic.starts_with(start) {
            return Err(LegacyError::Magic { found: start.to_vec() });
        }
        let found = bytes.len() as u64;
        let Some((head, bitmaps)) = bytes.split_first_chunk::<LEGACY_HEADER_BYTES>() else {
            return Err(LegacyError::Truncated { expected: LEGACY_HEADER_BYTES as u64, found });
        };
        let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let version = u16::from_le_bytes([head[4], head[5]]);
        let code = LEGACY_CODES.into_iter().find(|code| code.row().number == version.into());
        let code = code.ok_or(LegacyError::Version { found: version })?;
        let (rows, cols, scale) = (u32_at(6), u32_at(10), f32::from_bits(u32_at(14)));
        let plane_bytes = plane_bytes(rows as usize, cols as usize)?;
        if !scale.is_finite() {
            return Err(LegacyError::Scale { found: scale });
        }
        let expected = LEGACY_HEADER_BYTES as u64 + 2 * plane_bytes as u64;
        if found < expected {
            return Err(LegacyError::Truncated { expected, found });
        }
        if found > expected {
            return Err(LegacyError::Trailing { expected, extra: found - expected });
        }
        let (plane0, plane1) = bitmaps.split_at(plane_bytes);
        let matrix = LegacyMatrix { rows, cols, code, scale, planes: [plane0.to_vec(), plane1.to_vec()] };
        matrix.check_bits()?;
        Ok(matrix)
    }

    /// Flattens tiles.
    ///
    /// # Errors
    /// A shape with more than 32 bits, a scale that is not finite, set padding or contradicting planes.
    pub fn from_tiles(matrix: TileMatrix<'_>, scale: f32) -> Result<Self, LegacyError> {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        if !LEGACY_CODES.contains(&matrix.code()) {
            return Err(LegacyError::Code { code: matrix.code() });
        }
        let too_large = LegacyError::TooLarge { rows, cols };
        let (Ok(rows_field), Ok(cols_field)) = (u32::try_from(rows), u32::try_from(cols)) else { return Err(too_large) };
        if !scale.is_finite() {
            return Err(LegacyError::Scale { found: scale });
        }
        let plane_bytes = plane_bytes(rows, cols)?;
        let mut planes = [vec![0; plane_bytes], vec![0; plane_bytes]];
        if plane_bytes != 0 {
            matrix.check()?;
            for row in 0..rows {
                for col_word in 0..col_words(cols) {
                    let first = row * cols + col_word * WORD_COLS;
                    for (plane, bits) in planes.iter_mut().zip(matrix.planes_at(row, col_word)) {
                        or_bits(plane, first, bits);
                    }
                }
            }
        }
        Ok(LegacyMatrix { rows: rows_field, cols: cols_field, code: matrix.code(), scale, planes })
    }

    /// Repacks the flat bitmaps into tiles, right for every count of columns.
    ///
    /// # Errors
    /// A shape whose tiles, with their padding, memory cannot hold.
    pub fn to_tiles(&self) -> Result<TileBuffer, TileError> {
        let (rows, cols) = (self.rows as usize, self.cols as usize);
        let mut words = vec![0_u64; matrix_u64(rows, cols, self.code)?];
        // With no columns there is nothing to do in any row, however many the header claims.
        let filled_rows = if cols == 0 { 0 } else { rows };
        for row in 0..filled_rows {
            for col_word in 0..col_words(cols) {
                let first = row * cols + col_word * WORD_COLS;
                let count = (cols - col_word * WORD_COLS).min(WORD_COLS);
                for (plane, bytes) in self.planes.iter().enumerate() {
                    words[u64_index(self.code, row, col_word, plane, col_words(cols))] = bits_at(bytes, first, count);
                }
            }
        }
        TileBuffer::from_words(rows, cols, self.code, words)
    }

    /// The file: the bytes that [`Self::parse`] read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = LEGACY_MAGIC.to_le_bytes().to_vec();
        bytes.extend((self.code.row().number as u16).to_le_bytes());
        bytes.extend(self.rows.to_le_bytes());
        bytes.extend(self.cols.to_le_bytes());
        bytes.extend(self.scale.to_le_bytes());
        self.planes.iter().for_each(|plane| bytes.extend(plane));
        bytes
    }

    /// Rows of the matrix: the length of y.
    pub const fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Columns of the matrix: the length of x.
    pub const fn cols(&self) -> usize {
        self.cols as usize
    }

    /// The weights' code: version 1 is ternary, version 2 quaternary.
    pub const fn code(&self) -> WeightCode {
        self.code
    }

    /// What every weight is multiplied by.
    pub const fn scale(&self) -> f32 {
        self.scale
    }

    /// Both flat bitmaps: active and positive, or sign and extra.
    pub fn planes(&self) -> [&[u8]; 2] {
        [&self.planes[0], &self.planes[1]]
    }

    /// Refuses set bits after the last element, and contradictions.
    fn check_bits(&self) -> Result<(), LegacyError> {
        let elements = u64::from(self.rows) * u64::from(self.cols);
        let used = (elements % 8) as u32;
        for (plane, bytes) in self.planes.iter().enumerate() {
            let last = bytes.last().copied().unwrap_or(0);
            if used != 0 && last >> used != 0 {
                return Err(LegacyError::Padding { offset: self.offset(plane, bytes.len() - 1), plane });
            }
        }
        if !self.code.row().excludes_second_alone {
            return Ok(());
        }
        let both = self.planes[0].iter().zip(&self.planes[1]);
        match both.map(|(active, positive)| positive & !active).enumerate().find(|(_, contradiction)| *contradiction != 0) {
            None => Ok(()),
            Some((byte, contradiction)) => {
                let element = byte as u64 * 8 + u64::from(contradiction.trailing_zeros());
                let (row, col) = ((element / u64::from(self.cols)) as u32, (element % u64::from(self.cols)) as u32);
                Err(LegacyError::Contradiction { offset: self.offset(1, byte), row, col })
            }
        }
    }

    /// Offset in the file of a plane's byte.
    fn offset(&self, plane: usize, byte: usize) -> u64 {
        (LEGACY_HEADER_BYTES + plane * self.planes[0].len() + byte) as u64
    }
}

/// Bytes of one flat bitmap.
fn plane_bytes(rows: usize, cols: usize) -> Result<usize, LegacyError> {
    let elements = rows.checked_mul(cols).filter(|elements| *elements <= isize::MAX as usize);
    elements.map(|elements| elements.div_ceil(8)).ok_or(LegacyError::TooLarge { rows, cols })
}

/// `count` bits (1 to 64) of a flat bitmap from bit `first` on.
fn bits_at(bytes: &[u8], first: usize, count: usize) -> u64 {
    // 64 bits that begin within a byte touch nine bytes.
    let mut window = [0; 16];
    let touched = &bytes[first / 8..(first + count).div_ceil(8)];
    window[..touched.len()].copy_from_slice(touched);
    let bits = (u128::from_le_bytes(window) >> (first % 8)) as u64;
    if count == WORD_COLS { bits } else { bits & ((1 << count) - 1) }
}

/// Sets the bits of `bits` in a flat bitmap from bit `first` on. Bits beyond the bitmap are zero.
fn or_bits(bytes: &mut [u8], first: usize, bits: u64) {
    let window = (u128::from(bits) << (first % 8)).to_le_bytes();
    for (byte, set) in bytes[first / 8..].iter_mut().zip(window) {
        *byte |= set;
    }
}
