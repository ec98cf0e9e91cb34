//! Vectors in the form that a kernel reads.

use crate::kernel::{Form, Kernel};
use nda_gemv::Activations;
use nda_spec::ActivationCode;

/// Columns of a half word, the unit of the shaders: one `u32` of a plane.
pub(crate) const HALF: usize = 32;

/// Vectors of a product: words of all half words of all vectors, and each vector's sum.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub words: Vec<u32>,
    pub sums: Vec<u32>,
}

/// Packs `vectors` vectors of `cols` columns for a kernel, zeros up to whole words of 64 columns and up to `padded` vectors.
pub(crate) fn pack(form: &Form, x: Activations<'_>, cols: usize, padded: usize) -> Input {
    let half_words = 2 * cols.div_ceil(2 * HALF);
    let per_half = match form.kernel {
        Kernel::Popcount => x.code.planes(),
        Kernel::Dot4 => HALF / 4,
    };
    let mut input = Input { words: vec![0; padded * half_words * per_half], sums: vec![0; padded] };
    if cols == 0 {
        return input;
    }
    for (v, values) in x.values.chunks_exact(cols).enumerate() {
        let words = &mut input.words[v * half_words * per_half..][..half_words * per_half];
        for (half, values) in words.chunks_exact_mut(per_half).zip(values.chunks(HALF)) {
            match form.kernel {
                Kernel::Popcount => planes(half, x.code, values),
                Kernel::Dot4 => bytes(half, values),
            }
        }
        let sum: i32 = values.iter().map(|value| i32::from(*value)).sum();
        input.sums[v] = sum.cast_unsigned();
    }
    input
}

fn planes(half: &mut [u32], code: ActivationCode, values: &[i8]) {
    for (plane, word) in half.iter_mut().enumerate() {
        *word = values.iter().enumerate().fold(0, |bits, (at, value)| bits | u32::from(code.bit(*value, plane)) << at);
    }
}

/// Four values to a word, the first lowest.
pub(crate) fn bytes(half: &mut [u32], values: &[i8]) {
    for (word, values) in half.iter_mut().zip(values.chunks(4)) {
        *word = values.iter().enumerate().fold(0, |bits, (at, value)| bits | u32::from(value.cast_unsigned()) << (8 * at));
    }
}
