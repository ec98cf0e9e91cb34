//! What is summed over a text: bytes, line ends, UTF-16 units.

use std::ops::{Add, AddAssign, Sub, SubAssign};

/// Bytes, newlines and UTF-16 units of a text. A text has less than 2 GiB, so 32 bits hold each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Bytes of UTF-8.
    pub bytes: u32,
    /// Line ends (`\n`).
    pub lines: u32,
    /// Units of UTF-16, in which editors' protocols count.
    pub units: u32,
}

impl Sums {
    /// The sums of a text.
    pub fn of(text: &[u8]) -> Sums {
        // Two counters of bytes a block, which the compiler makes into vectors; 255 is the most that one holds.
        let (mut lines, mut units) = (0u32, 0u32);
        for block in text.chunks(255) {
            let (mut of_lines, mut of_starts, mut of_pairs) = (0u8, 0u8, 0u8);
            for &byte in block {
                of_lines += u8::from(byte == b'\n');
                // Every byte but a continuation begins a character; those of four bytes are two units.
                of_starts += u8::from((byte as i8) >= -64);
                of_pairs += u8::from(byte >= 0xf0);
            }
            lines += u32::from(of_lines);
            units += u32::from(of_starts) + u32::from(of_pairs);
        }
        Sums { bytes: text.len() as u32, lines, units }
    }
}

impl Add for Sums {
    type Output = Sums;
    fn add(self, other: Sums) -> Sums {
        // Wrapping, which cannot happen: a text has less than 2 GiB, and all three are at most its bytes.
        let add = u32::wrapping_add;
        Sums { bytes: add(self.bytes, other.bytes), lines: add(self.lines, other.lines), units: add(self.units, other.units) }
    }
}

impl Sub for Sums {
    type Output = Sums;
    fn sub(self, other: Sums) -> Sums {
        let sub = u32::wrapping_sub;
        Sums { bytes: sub(self.bytes, other.bytes), lines: sub(self.lines, other.lines), units: sub(self.units, other.units) }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Sums) {
        *self = *self + other;
    }
}

impl SubAssign for Sums {
    fn sub_assign(&mut self, other: Sums) {
        *self = *self - other;
    }
}

/// What a place is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Line ends.
    Lines,
    /// Units of UTF-16.
    Units,
}

impl Unit {
    /// The count among sums.
    pub fn of(self, sums: &Sums) -> u32 {
        match self {
            Unit::Bytes => sums.bytes,
            Unit::Lines => sums.lines,
            Unit::Units => sums.units,
        }
    }
}
