//! Weights by table: what a pair of bits, one of each plane, stands for as an unsigned byte.
//!
//! The 8-bit dot products of AVX2 and AVX-512 multiply unsigned by signed bytes, so a weight is looked up as
//! `w - lowest`, and `lowest * sum(x)` is added to the sum. NEON multiplies signed bytes and adds `lowest` to the table.

use nda_spec::WeightCode;

/// For every index the unsigned weight of the pair of its bits at `shift`, of which plane 0 gives the higher.
pub(crate) const fn table<const LEN: usize>(code: WeightCode, shift: usize) -> [i8; LEN] {
    let mut table = [0; LEN];
    let mut index = 0;
    while index < LEN {
        let pair = index >> shift;
        // Bits that the code has no weight for read as 0, as in TileMatrix::get.
        let weight = match code.decode((pair & 2 != 0, pair & 1 != 0)) {
            Some(weight) => weight,
            None => 0,
        };
        table[index] = weight - code.lowest();
        index += 1;
    }
    table
}

/// [`table`] of every code, at the pairs of bits at `shifts`: one entry per code, in the order of [`WeightCode::ALL`].
pub(crate) const fn tables<const LEN: usize, const SHIFTS: usize>(shifts: [usize; SHIFTS]) -> [[[i8; LEN]; SHIFTS]; WeightCode::ALL.len()] {
    let mut all = [[[0; LEN]; SHIFTS]; WeightCode::ALL.len()];
    let mut code = 0;
    while code < all.len() {
        let mut at = 0;
        while at < SHIFTS {
            all[code][at] = table(WeightCode::ALL[code], shifts[at]);
            at += 1;
        }
        code += 1;
    }
    all
}

/// The level that a nibble of two stacks' pairs stands for, the first stack's in the lower half: `[low, high]` are tables of the pairs
/// at bits 0 and 2.
pub(crate) fn level_table([low, high]: [[i8; 16]; 2], first: i8, second: i8) -> [i8; 16] {
    // A table looks at all bits from its shift on: the lower pair is cut out of the index.
    std::array::from_fn(|index| low[index % 4] * first + high[index] * second)
}
