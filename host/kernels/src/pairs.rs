//! Weights by table: what a pair of bits, one of each plane, stands for as an unsigned byte.
//!
//! The 8-bit dot products of AVX2 and AVX-512 multiply unsigned by signed bytes, so a weight is looked up as
//! `w - lowest`, and `lowest * sum(x)` is added to the sum. NEON multiplies signed bytes and adds `lowest` to the table.

use nda_spec::WeightCode;

/// Smallest value of a code: what makes its weights unsigned.
pub(crate) const fn lowest(code: WeightCode) -> i8 {
    code.values()[0]
}

/// For every index the unsigned weight of the pair of its bits at `shift`, of which plane 0 gives the higher.
pub(crate) const fn table<const LEN: usize>(code: WeightCode, shift: usize) -> [i8; LEN] {
    let mut table = [0; LEN];
    let mut index = 0;
    while index < LEN {
        let pair = index >> shift;
        // A contradictory ternary weight reads as 0, as in TileMatrix::get.
        let weight = match code.decode(pair & 2 != 0, pair & 1 != 0) {
            Some(weight) => weight,
            None => 0,
        };
        table[index] = weight - lowest(code);
        index += 1;
    }
    table
}

/// The level that a nibble of two stacks' pairs stands for, the first stack's in the lower half: `[low, high]` are tables of the pairs
/// at bits 0 and 2.
pub(crate) fn level_table([low, high]: [[i8; 16]; 2], first: i8, second: i8) -> [i8; 16] {
    // A table looks at all bits from its shift on: the lower pair is cut out of the index.
    std::array::from_fn(|index| low[index % 4] * first + high[index] * second)
}
