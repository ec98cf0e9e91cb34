//! The sums of the subsets of every four activations: four bits of a row of weights look one of them up.

use crate::float::for_wide;
use nda_spec::WeightCode;
use nda_spec::tile::{TILE_ROWS, WORD_COLS, col_words};

/// Activations of a look-up.
const FOUR: usize = 4;
/// Subsets of four.
const SUBSETS: usize = 1 << FOUR;
/// Bytes of a row's word of columns.
pub(crate) const BYTES: usize = WORD_COLS / 8;
/// Look-ups of a word of columns.
pub(crate) const LOOKUPS: usize = WORD_COLS / FOUR;
/// Bits of a sum that are in [`Subsets::low`]: four of them added stay in a byte.
pub(crate) const LOW_BITS: usize = 6;

/// The sums of the subsets of the fours of 64 columns, each less the lowest of its four's: 0 to 512. That of the set bits of `index` of
/// columns `8 * byte + 4 * half` on stands at `[half][byte][index]`: the tables of a half's eight bytes are one of 128.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Subsets {
    /// The lower [`LOW_BITS`] bits of each.
    pub low: Tables,
    /// The bits above: at most 8.
    pub high: Tables,
}

/// Tables of 16 bytes, half by half of each of eight bytes.
pub(crate) type Tables = [[[u8; SUBSETS]; BYTES]; 2];

pub(crate) const NONE: Subsets = Subsets { low: [[[0; SUBSETS]; BYTES]; 2], high: [[[0; SUBSETS]; BYTES]; 2] };

/// Per bit of an index: all ones where it is set.
const MEMBERS: [[i16; SUBSETS]; FOUR] = {
    let mut members = [[0; SUBSETS]; FOUR];
    let mut at = 0;
    while at < FOUR * SUBSETS {
        let (bit, index) = (at / SUBSETS, at % SUBSETS);
        members[bit][index] = -((index >> bit & 1) as i16);
        at += 1;
    }
    members
};

/// The lower and the upper bits of the sums of four activations' subsets, each less `lowest`.
#[inline(always)]
fn sums_of(x: [i16; FOUR], lowest: i16) -> [[u8; SUBSETS]; 2] {
    let [mut lows, mut highs] = [[0; SUBSETS]; 2];
    for index in 0..SUBSETS {
        // At most 512 in magnitude each: checks for overflow would only keep the loop from wide registers.
        let (lower, upper) = (MEMBERS[0][index] & x[0], MEMBERS[2][index] & x[2]);
        let (lower, upper) = (lower.wrapping_add(MEMBERS[1][index] & x[1]), upper.wrapping_add(MEMBERS[3][index] & x[3]));
        let sum = lower.wrapping_add(upper).wrapping_sub(lowest).cast_unsigned();
        lows[index] = (sum & ((1 << LOW_BITS) - 1)) as u8;
        highs[index] = (sum >> LOW_BITS) as u8;
    }
    [lows, highs]
}

/// The subset sums of some vectors. Their memory is used again.
#[derive(Debug, Default)]
pub(crate) struct SubsetSums {
    /// Those of word `w` of vector `v` at `w * vectors + v`.
    pub words: Vec<Subsets>,
    /// Per vector, what its sums are less.
    pub lowest: Vec<i32>,
}

impl SubsetSums {
    /// Takes over `values`, vectors of `cols` each.
    pub fn prepare(&mut self, cols: usize, values: &[i8]) {
        let vectors = values.chunks_exact(cols.max(1));
        let count = vectors.len();
        self.words.resize(col_words(cols) * count, NONE);
        self.lowest.clear();
        for (vector, values) in vectors.enumerate() {
            let mut lowest = 0;
            for (word, values) in values.chunks(WORD_COLS).enumerate() {
                let mut columns = [0; WORD_COLS];
                columns[..values.len()].copy_from_slice(values);
                let [first, second] = fill(&columns, &mut self.words[word * count + vector]);
                lowest += first + second;
            }
            self.lowest.push(lowest);
        }
        if values.is_empty() {
            // One vector without columns.
            self.lowest.push(0);
        }
    }
}

/// Sums of rows of a code of one plane, from the looked-up ones in their place, `sums[(tile * vectors + vector) * TILE_ROWS + row]`;
/// `x_sums` are the vectors' own sums.
pub(crate) fn products(code: WeightCode, x: &SubsetSums, x_sums: &[i32], sums: &mut [i32]) {
    let (step, lowest) = (i32::from(code.highest()) - i32::from(code.lowest()), i32::from(code.lowest()));
    for sums in sums.chunks_exact_mut(TILE_ROWS * x_sums.len()) {
        for (sums, (less, x_sum)) in sums.chunks_exact_mut(TILE_ROWS).zip(x.lowest.iter().zip(x_sums)) {
            // Both wrap, and so does the sum: right modulo 2^32, and MAX_COLS makes it one that 32 bits hold.
            let offset = less.wrapping_mul(step).wrapping_add(lowest.wrapping_mul(*x_sum));
            sums.iter_mut().for_each(|sum| *sum = sum.wrapping_mul(step).wrapping_add(offset));
        }
    }
}

for_wide! {
    /// The subset sums of a word's activations; what comes back is the sum of what those of each half word are less.
    pub(crate) fn fill(columns: &[i8; WORD_COLS], subsets: &mut Subsets) -> [i32; 2] {
        let mut all = [0; 2];
        for (four, x) in columns.as_chunks::<FOUR>().0.iter().enumerate() {
            let x = [i16::from(x[0]), i16::from(x[1]), i16::from(x[2]), i16::from(x[3])];
            let lowest = x[0].min(0).wrapping_add(x[1].min(0)).wrapping_add(x[2].min(0)).wrapping_add(x[3].min(0));
            [subsets.low[four % 2][four / 2], subsets.high[four % 2][four / 2]] = sums_of(x, lowest);
            all[four / (LOOKUPS / 2)] += i32::from(lowest);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subset_of_every_four_has_its_sum() {
        let values: Vec<i8> = (0..3 * 70).map(|at| (at * 89 % 256) as u8 as i8).chain([i8::MIN; 70]).chain([i8::MAX; 70]).collect();
        let mut sums = SubsetSums::default();
        sums.prepare(70, &values);
        let at = |vector: usize, col: usize| if col < 70 { i32::from(values[70 * vector + col]) } else { 0 };
        for (vector, all) in sums.lowest.iter().enumerate() {
            let mut lowest_sum = 0;
            for four in 0..2 * LOOKUPS {
                let x: Vec<i32> = (0..FOUR).map(|bit| at(vector, FOUR * four + bit)).collect();
                let lowest: i32 = x.iter().filter(|x| **x < 0).sum();
                let subsets = &sums.words[four / LOOKUPS * sums.lowest.len() + vector];
                let (half, byte) = (four % 2, four % LOOKUPS / 2);
                for index in 0..SUBSETS {
                    let wanted: i32 = x.iter().enumerate().filter(|(bit, _)| index >> bit & 1 == 1).map(|(_, x)| x).sum();
                    let found = i32::from(subsets.low[half][byte][index]) + (i32::from(subsets.high[half][byte][index]) << LOW_BITS);
                    assert_eq!(found + lowest, wanted, "vector {vector}, columns {}, subset {index}", FOUR * four);
                    assert!(subsets.low[half][byte][index] < 64 && subsets.high[half][byte][index] <= 8);
                }
                lowest_sum += lowest;
            }
            assert_eq!(*all, lowest_sum, "vector {vector}");
        }
    }
}
