//! One vector of activations, brought once per run into the form that the tile kernels read.

use nda_spec::ActivationCode;
use nda_spec::tile::{WORD_COLS, col_words, valid_mask};

use nda_gemv::Activations;

#[cfg(target_arch = "x86_64")]
use crate::subsets::SubsetSums;

/// Lanes of eight bytes that hold the activations of one word of columns.
pub(crate) const LANES: usize = 8;

/// Which form a kernel reads.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code, reason = "only vector kernels read bytes"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// All bit planes, for AND-popcounts.
    Planes,
    /// The planes of A2 and what the 3-popcount identities need of them.
    A2,
    /// Bytes, permuted for the 8-bit dot products.
    Bytes,
    /// The sums of the subsets of every four.
    #[cfg(target_arch = "x86_64")]
    Subsets,
}

/// 64 columns of A2 activations. Columns beyond the vector are zero in all three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct A2Word {
    /// Set where the activation is positive.
    pub sign: u64,
    /// The code's second plane.
    pub extra: u64,
    /// `sign ^ extra`: set where the magnitude is 1. Taken once here rather than once per row.
    pub small: u64,
}

impl A2Word {
    /// The word of the bits 0, 1 and 7 of 64 bytes, those of columns that are `valid`.
    #[inline]
    pub fn of_bits([bit0, bit1, bit7]: [u64; 3], valid: u64) -> A2Word {
        // -2, -1, 1, 2 are the bytes fe, ff, 01, 02. A padding byte, 00, would read as positive.
        let sign = !bit7 & valid;
        let extra = (bit7 & bit0) | (!bit7 & bit1);
        A2Word { sign, extra, small: sign ^ extra }
    }
}

/// The prepared vector. Its buffers grow to the widest vector and are then used again: another run allocates nothing for it.
#[derive(Debug, Default)]
pub(crate) struct PreparedX {
    /// True number of columns: padding is no part of it.
    pub cols: usize,
    /// Sum of the activations: at most 128 * 2^23 in magnitude, so 32 bits hold it.
    pub sum: i32,
    /// [`Form::A2`]: the sum of the positive activations.
    pub positive: i32,
    /// [`Form::Planes`]: word `j` of plane `k` stands at `code.planes() * j + k`.
    pub planes: Vec<u64>,
    /// [`Form::A2`]: one item a word of columns.
    pub a2: Vec<A2Word>,
    /// [`Form::Bytes`]: byte `b` of lane `c` is the activation of column `8 * b + c` of the word. So the bits
    /// `c` of all bytes of a weight plane's word, taken together, meet lane `c`. Columns beyond the vector are 0.
    pub bytes: Vec<[u64; LANES]>,
    /// [`Form::Subsets`].
    #[cfg(target_arch = "x86_64")]
    pub subsets: SubsetSums,
}

impl PreparedX {
    /// Takes over `x`, whose values the caller has checked, in one form.
    pub fn prepare(&mut self, form: Form, x: &Activations<'_>) {
        self.cols = x.values.len();
        match form {
            Form::Planes => self.fill_planes(x.code, x.values),
            Form::A2 => self.fill_a2(x.values),
            Form::Bytes => self.fill_bytes(x.values),
            #[cfg(target_arch = "x86_64")]
            Form::Subsets => self.subsets.prepare(x.values.len(), x.values),
        }
        match form {
            Form::A2 => self.set_a2_sum(x.values.len()),
            _ => self.sum = x.values.iter().map(|&v| i32::from(v)).sum(),
        }
    }

    /// Sets length and sums of what [`Self::a2`] holds: `w = 3s + e - 2`, column by column.
    pub fn set_a2_sum(&mut self, cols: usize) {
        let ones = |plane: fn(&A2Word) -> u64| self.a2.iter().map(|word| plane(word).count_ones()).sum::<u32>() as i32;
        self.sum = 3 * ones(|word| word.sign) + ones(|word| word.extra) - 2 * cols as i32;
        self.positive = self.a2.iter().map(|word| word.sign.count_ones() + (word.sign & word.extra).count_ones()).sum::<u32>() as i32;
        self.cols = cols;
    }

    fn fill_planes(&mut self, code: ActivationCode, values: &[i8]) {
        self.planes.clear();
        for word in values.chunks(WORD_COLS) {
            for plane in 0..code.planes() {
                let bits = word.iter().enumerate().fold(0, |bits, (c, &v)| bits | u64::from(code.bit(v, plane)) << c);
                self.planes.push(bits);
            }
        }
    }

    fn fill_a2(&mut self, values: &[i8]) {
        self.a2.clear();
        for (col_word, word) in values.chunks(WORD_COLS).enumerate() {
            let valid = valid_mask(values.len(), col_word);
            self.a2.push(A2Word::of_bits(gather_bits(&columns(word), [0, 1, 7]), valid));
        }
    }

    fn fill_bytes(&mut self, values: &[i8]) {
        self.bytes.clear();
        self.bytes.extend(values.chunks(WORD_COLS).map(|word| transpose(columns(word))));
        debug_assert_eq!(self.bytes.len(), col_words(values.len()));
    }
}

/// Several vectors of equal length as bytes, word by word, in a word vector by vector. Its memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    /// How many.
    pub count: usize,
    /// [`PreparedX::bytes`] of every vector: that of word `w` and vector `v` stands at `w * count + v`.
    pub bytes: Vec<[u64; LANES]>,
    /// [`PreparedX::sum`] of every vector.
    pub sums: Vec<i32>,
    /// [`Form::Subsets`] of all vectors.
    #[cfg(target_arch = "x86_64")]
    pub subsets: SubsetSums,
}

impl Vectors {
    /// Takes over `values`, vectors of `cols` each, in one form of bytes; the caller has checked both.
    pub fn prepare(&mut self, form: Form, cols: usize, values: &[i8]) {
        let vectors = values.chunks_exact(cols.max(1));
        self.count = vectors.len();
        self.sums.clear();
        self.sums.extend(vectors.clone().map(|values| values.iter().map(|&v| i32::from(v)).sum::<i32>()));
        #[cfg(target_arch = "x86_64")]
        if form == Form::Subsets {
            return self.subsets.prepare(cols, values);
        }
        debug_assert_eq!(form, Form::Bytes);
        self.bytes.resize(col_words(cols) * self.count, [0; LANES]);
        for (vector, values) in vectors.enumerate() {
            for (word, values) in values.chunks(WORD_COLS).enumerate() {
                self.bytes[word * self.count + vector] = transpose(columns(values));
            }
        }
    }
}

/// Up to 64 values as eight little-endian `u64`, zero beyond the last.
pub(crate) fn columns(word: &[i8]) -> [u64; LANES] {
    let mut bytes = [0_u8; WORD_COLS];
    for (byte, &value) in bytes.iter_mut().zip(word) {
        *byte = value.cast_unsigned();
    }
    let (lanes, _) = bytes.as_chunks::<LANES>();
    std::array::from_fn(|lane| u64::from_le_bytes(lanes[lane]))
}

/// Bit `which` of all 64 bytes, byte `c` giving bit `c`.
fn gather_bits(lanes: &[u64; LANES], which: [u32; 3]) -> [u64; 3] {
    const LOW: u64 = 0x0101_0101_0101_0101;
    // Bit 8i of the masked lane times 2^(56 - 7i) lands on bit 56 + i, and no two partial products meet.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    which.map(|bit| {
        let byte = |lane: u64| ((lane >> bit) & LOW).wrapping_mul(GATHER) >> 56;
        lanes.iter().enumerate().fold(0, |bits, (i, &lane)| bits | byte(lane) << (8 * i))
    })
}

/// The 8x8 byte matrix, transposed: three rounds that swap blocks of 1, 2 and 4 bytes
/// (Warren, Hacker's Delight, section 7-3, with bytes for bits).
pub(crate) fn transpose(mut lanes: [u64; LANES]) -> [u64; LANES] {
    const ROUNDS: [(usize, u64); 3] = [(1, 0x00ff_00ff_00ff_00ff), (2, 0x0000_ffff_0000_ffff), (4, 0x0000_0000_ffff_ffff)];
    for (step, mask) in ROUNDS {
        for low in (0..LANES).filter(|lane| lane & step == 0) {
            let swap = ((lanes[low] >> (8 * step)) ^ lanes[low + step]) & mask;
            lanes[low + step] ^= swap;
            lanes[low] ^= swap << (8 * step);
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(code: ActivationCode, cols: usize) -> Vec<i8> {
        let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| code.contains(v)).collect();
        (0..cols).map(|c| all[(c * 37 + c / 7) % all.len()]).collect()
    }

    #[test]
    fn every_form_holds_every_value_at_its_place_and_zero_beyond_the_last() {
        let mut x = PreparedX::default();
        for code in ActivationCode::ALL {
            for cols in 0..200 {
                let values = values(code, cols);
                x.prepare(Form::Planes, &Activations { code, values: &values });
                x.prepare(Form::Bytes, &Activations { code, values: &values });
                if code == ActivationCode::A2 {
                    x.prepare(Form::A2, &Activations { code, values: &values });
                }
                for c in 0..WORD_COLS * col_words(cols) {
                    let (word, bit) = (c / WORD_COLS, c % WORD_COLS);
                    let value = values.get(c);
                    for k in 0..code.planes() {
                        let expected = value.is_some_and(|&v| code.bit(v, k));
                        assert_eq!(x.planes[code.planes() * word + k] >> bit & 1 == 1, expected, "{code:?} {cols} columns, {c}, {k}");
                        if code == ActivationCode::A2 {
                            let A2Word { sign, extra, small } = x.a2[word];
                            assert_eq!([extra, sign][k] >> bit & 1 == 1, expected, "{cols} columns, {c}, {k}");
                            assert_eq!(small, sign ^ extra);
                        }
                    }
                    let byte = x.bytes[word][bit % 8].to_le_bytes()[bit / 8];
                    assert_eq!(byte.cast_signed(), value.copied().unwrap_or(0), "{code:?} {cols} columns, {c}");
                }
            }
        }
    }

    #[test]
    fn buffers_are_used_again() {
        let (wide, narrow) = (values(ActivationCode::A2, 1000), values(ActivationCode::A2, 10));
        let mut x = PreparedX::default();
        let mut places = Vec::new();
        for values in [&wide, &narrow, &wide] {
            for form in [Form::Planes, Form::A2, Form::Bytes] {
                x.prepare(form, &Activations { code: ActivationCode::A2, values });
            }
            places.push((x.planes.as_ptr(), x.a2.as_ptr(), x.bytes.as_ptr()));
        }
        assert!(places.iter().all(|&place| place == places[0]), "a later run moved a buffer");
    }
}
