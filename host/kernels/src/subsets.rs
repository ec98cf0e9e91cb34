//! The sums of the subsets of every four activations: four bits of a row of weights look one of them up.

use nda_spec::tile::{WORD_COLS, col_words};

/// Activations of a look-up.
const FOUR: usize = 4;
/// Subsets of four.
const SUBSETS: usize = 1 << FOUR;
/// Look-ups of a word of columns.
pub(crate) const LOOKUPS: usize = WORD_COLS / FOUR;
/// Bits of a sum that are in [`Subsets::low`]: four of them added stay in a byte.
pub(crate) const LOW_BITS: usize = 6;

/// The sums of the subsets of four activations, each less the lowest of them: 0 to 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(32))]
pub(crate) struct Subsets {
    /// The lower [`LOW_BITS`] bits of the sum of the activations at an index's set bits.
    pub low: [u8; SUBSETS],
    /// The bits above: at most 8.
    pub high: [u8; SUBSETS],
}

const NONE: Subsets = Subsets { low: [0; SUBSETS], high: [0; SUBSETS] };

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

impl Subsets {
    #[inline(always)]
    fn of(x: [i16; FOUR], lowest: i16) -> Subsets {
        let mut subsets = NONE;
        for (index, (low, high)) in subsets.low.iter_mut().zip(&mut subsets.high).enumerate() {
            let member = |bit: usize| MEMBERS[bit][index] & x[bit];
            let sum = (member(0) + member(1) + member(2) + member(3) - lowest).cast_unsigned();
            (*low, *high) = ((sum & ((1 << LOW_BITS) - 1)) as u8, (sum >> LOW_BITS) as u8);
        }
        subsets
    }
}

/// The subset sums of some vectors. Their memory is used again.
#[derive(Debug, Default)]
pub(crate) struct SubsetSums {
    /// Those of word `w` of vector `v` at `w * vectors + v`, column after column.
    pub words: Vec<[Subsets; LOOKUPS]>,
    /// Per vector, what its sums are less.
    pub lowest: Vec<i32>,
}

impl SubsetSums {
    /// Takes over `values`, vectors of `cols` each.
    pub fn prepare(&mut self, cols: usize, values: &[i8]) {
        let vectors = values.chunks_exact(cols.max(1));
        let count = vectors.len();
        self.words.resize(col_words(cols) * count, [NONE; LOOKUPS]);
        self.lowest.clear();
        for (vector, values) in vectors.enumerate() {
            let of_word = |(word, values)| fill(values, &mut self.words[word * count + vector]);
            self.lowest.push(values.chunks(WORD_COLS).enumerate().map(of_word).sum());
        }
    }
}

/// The subset sums of up to 64 activations, zeros beyond the last; what comes back is the sum of what they are less.
fn fill(values: &[i8], subsets: &mut [Subsets; LOOKUPS]) -> i32 {
    let mut columns = [0; WORD_COLS];
    columns[..values.len()].copy_from_slice(values);
    let mut all = 0;
    for (four, subsets) in columns.as_chunks::<FOUR>().0.iter().zip(subsets) {
        let x = four.map(i16::from);
        let lowest = x.iter().map(|x| x.min(&0)).sum();
        *subsets = Subsets::of(x, lowest);
        all += i32::from(lowest);
    }
    all
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
                let subsets = &sums.words[four / LOOKUPS * sums.lowest.len() + vector][four % LOOKUPS];
                for index in 0..SUBSETS {
                    let wanted: i32 = x.iter().enumerate().filter(|(bit, _)| index >> bit & 1 == 1).map(|(_, x)| x).sum();
                    let found = i32::from(subsets.low[index]) + (i32::from(subsets.high[index]) << LOW_BITS);
                    assert_eq!(found + lowest, wanted, "vector {vector}, columns {}, subset {index}", FOUR * four);
                    assert!(subsets.low[index] < 64 && subsets.high[index] <= 8);
                }
                lowest_sum += lowest;
            }
            assert_eq!(*all, lowest_sum, "vector {vector}");
        }
    }
}
