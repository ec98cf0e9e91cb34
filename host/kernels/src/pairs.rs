//! Weights by table: what a pair of bits, one of each plane, stands for as an unsigned byte.
//!
//! The 8-bit dot products of AVX2 and AVX-512 multiply unsigned by signed bytes, so a weight is looked up as
//! `w - lowest`, and `lowest * sum(x)` is added to the sum.

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
