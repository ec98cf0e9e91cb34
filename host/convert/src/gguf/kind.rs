//! The types of a GGUF file's numbers, and their blocks.

use super::blocks::{self, half_at, tq1_code};
use crate::error::ConvertError;
use half::bf16;

/// A type of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the format's own")]
pub enum Kind {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    Iq4Nl,
    Iq4Xs,
    Mxfp4,
    Q1_0,
    Q2_0,
    Q2_0Of128,
    Tq1_0,
    Tq2_0,
    I2S,
}

/// A type's number in the file, its name, and the values and bytes of a block.
struct Form {
    kind: Kind,
    number: u32,
    name: &'static str,
    values: usize,
    bytes: usize,
}

const fn form(kind: Kind, number: u32, name: &'static str, values: usize, bytes: usize) -> Form {
    Form { kind, number, name, values, bytes }
}

/// Values of a block of the types whose names end in K, and of the ternary ones.
const SUPER: usize = 256;
/// Values of a block of I2_S, which bitnet.cpp defines; its one scale stands behind the last block.
const I2S_VALUES: usize = 128;
/// The number of Q2_0, whose blocks have 64 values in llama.cpp and 128 in the files of those who first wrote it.
const Q2_NUMBER: u32 = 42;
/// Bytes that an I2_S tensor takes besides its blocks: the scale, and padding.
const I2S_TAIL_BYTES: usize = 32;

const FORMS: [Form; 22] = [
    form(Kind::F32, 0, "F32", 1, 4),
    form(Kind::F16, 1, "F16", 1, 2),
    form(Kind::Q4_0, 2, "Q4_0", 32, 18),
    form(Kind::Q4_1, 3, "Q4_1", 32, 20),
    form(Kind::Q5_0, 6, "Q5_0", 32, 22),
    form(Kind::Q5_1, 7, "Q5_1", 32, 24),
    form(Kind::Q8_0, 8, "Q8_0", 32, 34),
    form(Kind::Q2K, 10, "Q2_K", SUPER, 84),
    form(Kind::Q3K, 11, "Q3_K", SUPER, 110),
    form(Kind::Q4K, 12, "Q4_K", SUPER, 144),
    form(Kind::Q5K, 13, "Q5_K", SUPER, 176),
    form(Kind::Q6K, 14, "Q6_K", SUPER, 210),
    form(Kind::Iq4Nl, 20, "IQ4_NL", 32, 18),
    form(Kind::Iq4Xs, 23, "IQ4_XS", SUPER, 136),
    form(Kind::Bf16, 30, "BF16", 1, 2),
    form(Kind::Tq1_0, 34, "TQ1_0", SUPER, 54),
    form(Kind::Tq2_0, 35, "TQ2_0", SUPER, 66),
    form(Kind::I2S, 36, "I2_S", I2S_VALUES, 32),
    form(Kind::Mxfp4, 39, "MXFP4", 32, 17),
    form(Kind::Q1_0, 41, "Q1_0", 128, 18),
    form(Kind::Q2_0, Q2_NUMBER, "Q2_0", 64, 18),
    form(Kind::Q2_0Of128, Q2_NUMBER, "Q2_0 in blocks of 128", 128, 34),
];

/// Types that are not read, for messages. Source: `enum ggml_type` of llama.cpp.
const UNREAD: [(u32, &str); 15] = [
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (40, "NVFP4"),
];

/// The name of a type that is not read.
pub(super) fn unread(number: u32) -> Option<&'static str> {
    UNREAD.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Ternary weights as they are stored: codes row by row, and a scale for every [`Kind::scale_values`] of them.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTernary {
    /// -1, 0 or 1; in Q2_0 also 2.
    pub codes: Vec<i8>,
    /// The scales.
    pub scales: Vec<f32>,
}

impl Kind {
    /// All types that are read.
    pub fn all() -> impl Iterator<Item = Kind> {
        FORMS.iter().map(|form| form.kind)
    }

    /// The type of a number in a file, if it is read.
    pub fn from_number(number: u32) -> Option<Kind> {
        FORMS.iter().find(|form| form.number == number).map(|form| form.kind)
    }

    fn form(self) -> &'static Form {
        FORMS.iter().find(|form| form.kind == self).expect("every type has its form")
    }

    /// The number in files.
    pub fn number(self) -> u32 {
        self.form().number
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.form().name
    }

    /// The names of all types, for messages.
    pub(super) fn names() -> String {
        FORMS.iter().map(|form| form.name).collect::<Vec<_>>().join(", ")
    }

    /// The type of the same number with other blocks, if there is one.
    pub(super) fn other_blocks(self) -> Option<Kind> {
        (self == Kind::Q2_0).then_some(Kind::Q2_0Of128)
    }

    /// Whether the weights are codes that arrive as they are: ternary ones, those of Q1_0, which are never 0, and of Q2_0, which has
    /// a fourth code.
    pub fn is_ternary(self) -> bool {
        matches!(self, Kind::Q1_0 | Kind::Q2_0 | Kind::Q2_0Of128 | Kind::Tq1_0 | Kind::Tq2_0 | Kind::I2S)
    }

    /// Bytes of a tensor; none if no tensor has this shape, or rows are not whole blocks.
    pub fn tensor_bytes(self, rows: u64, cols: u64) -> Option<u64> {
        let form = self.form();
        if rows == 0 || cols == 0 || !cols.is_multiple_of(form.values as u64) {
            return None;
        }
        let blocks = (cols / form.values as u64).checked_mul(rows)?;
        let tail = if self == Kind::I2S { I2S_TAIL_BYTES as u64 } else { 0 };
        // Floats of 32 bits must fit memory too.
        rows.checked_mul(cols)?.checked_mul(4).filter(|bytes| *bytes <= isize::MAX as u64)?;
        blocks.checked_mul(form.bytes as u64)?.checked_add(tail)
    }

    /// The floats of a tensor's bytes.
    ///
    /// # Panics
    /// If the bytes are not a whole number of blocks, as [`Kind::tensor_bytes`] counts them.
    pub fn floats(self, bytes: &[u8]) -> Vec<f32> {
        let form = self.form();
        let (blocks, tail) = self.blocks(bytes);
        assert_eq!(blocks.len() % form.bytes, 0, "{} blocks of {} bytes in {}", form.name, form.bytes, blocks.len());
        let mut floats = vec![0.0; blocks.len() / form.bytes * form.values];
        for (block, out) in blocks.chunks_exact(form.bytes).zip(floats.chunks_exact_mut(form.values)) {
            self.block(block, tail, out);
        }
        floats
    }

    /// Blocks, and what stands behind the last.
    fn blocks(self, bytes: &[u8]) -> (&[u8], &[u8]) {
        let tail = if self == Kind::I2S { I2S_TAIL_BYTES } else { 0 };
        bytes.split_at(bytes.len() - tail)
    }

    fn block(self, block: &[u8], tail: &[u8], out: &mut [f32]) {
        match self {
            Kind::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
            Kind::F16 => out[0] = half_at(block, 0),
            Kind::Bf16 => out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32(),
            Kind::Q4_0 => blocks::q4_0(block, out),
            Kind::Q4_1 => blocks::q4_1(block, out),
            Kind::Q5_0 => blocks::q5_0(block, out),
            Kind::Q5_1 => blocks::q5_1(block, out),
            Kind::Q8_0 => blocks::q8_0(block, out),
            Kind::Q2K => blocks::q2_k(block, out),
            Kind::Q3K => blocks::q3_k(block, out),
            Kind::Q4K => blocks::q4_k(block, out),
            Kind::Q5K => blocks::q5_k(block, out),
            Kind::Q6K => blocks::q6_k(block, out),
            Kind::Iq4Nl => blocks::iq4_nl(block, out),
            Kind::Iq4Xs => blocks::iq4_xs(block, out),
            Kind::Mxfp4 => blocks::mxfp4(block, out),
            Kind::Q1_0 | Kind::Q2_0 | Kind::Q2_0Of128 | Kind::Tq1_0 | Kind::Tq2_0 | Kind::I2S => {
                let scale = self.scale(block, tail);
                out.iter_mut().enumerate().for_each(|(at, out)| *out = scale * (f32::from(self.code(block, at)) - 1.0));
            }
        }
    }

    /// Values that share a scale in a ternary type: a block's, or the whole tensor's `values`.
    pub fn scale_values(self, values: usize) -> usize {
        if self == Kind::I2S { values } else { self.form().values }
    }

    /// The weights of a ternary type as they are stored; `name` is for messages.
    ///
    /// # Errors
    /// The code 3, which stands for nothing but in Q2_0.
    ///
    /// # Panics
    /// If the type is not ternary.
    pub fn ternary(self, name: &str, bytes: &[u8]) -> Result<StoredTernary, ConvertError> {
        assert!(self.is_ternary(), "{} has no codes", self.name());
        let form = self.form();
        let (blocks, tail) = self.blocks(bytes);
        let mut codes = Vec::with_capacity(blocks.len() / form.bytes * form.values);
        for block in blocks.chunks_exact(form.bytes) {
            for at in 0..form.values {
                let code = self.code(block, at);
                if code > self.largest_code() {
                    return Err(ConvertError::Ternary { name: name.into(), index: codes.len(), code });
                }
                codes.push(code as i8 - 1);
            }
        }
        let scales = match self {
            Kind::I2S => vec![self.scale(&[], tail)],
            _ => blocks.chunks_exact(form.bytes).map(|block| self.scale(block, tail)).collect(),
        };
        Ok(StoredTernary { codes, scales })
    }

    /// The largest code that stands for a weight.
    fn largest_code(self) -> u8 {
        if matches!(self, Kind::Q2_0 | Kind::Q2_0Of128) { 3 } else { 2 }
    }

    /// The scale of a ternary block.
    fn scale(self, block: &[u8], tail: &[u8]) -> f32 {
        match self {
            Kind::Tq1_0 => half_at(block, 52),
            Kind::Tq2_0 => half_at(block, 64),
            Kind::Q1_0 | Kind::Q2_0 | Kind::Q2_0Of128 => half_at(block, 0),
            _ => f32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]),
        }
    }

    /// The stored code of a ternary block's value: 0, 1, 2 for -1, 0, 1.
    fn code(self, block: &[u8], at: usize) -> u8 {
        match self {
            Kind::Tq1_0 => tq1_code(block, at),
            // One bit or two behind the scale, the lowest first.
            Kind::Q1_0 => (block[2 + at / 8] >> (at % 8) & 1) * 2,
            Kind::Q2_0 | Kind::Q2_0Of128 => block[2 + at / 4] >> (at % 4 * 2) & 3,
            // 32 bytes hold four values each for 128: the lowest bits are the first 32.
            Kind::Tq2_0 => block[at / 128 * 32 + at % 32] >> (at % 128 / 32 * 2) & 3,
            // As TQ2_0, but the highest bits are the first.
            _ => block[at % 32] >> (6 - at / 32 * 2) & 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_are_no_tensor_have_no_bytes() {
        assert_eq!(Kind::Q4_0.tensor_bytes(3, 64), Some(3 * 36));
        assert_eq!(Kind::I2S.tensor_bytes(2, 128), Some(96));
        for (rows, cols) in [(0, 32), (1, 0), (1, 31), (u64::MAX, 32), (1 << 62, 1 << 30)] {
            assert_eq!(Kind::Q4_0.tensor_bytes(rows, cols), None, "{rows} x {cols}");
        }
    }

    #[test]
    fn bits_and_pairs_of_bits_stand_behind_their_scale_the_lowest_first() {
        let scale = half::f16::from_f32(0.25).to_le_bytes();
        let mut bytes = [&scale[..], &[0; 16]].concat();
        (bytes[2], bytes[17]) = (0b0000_0101, 0b1000_0000);
        let stored = Kind::Q1_0.ternary("w", &bytes).unwrap();
        let ones: Vec<usize> = (0..128).filter(|at| stored.codes[*at] == 1).collect();
        assert_eq!((ones, stored.scales), (vec![0, 2, 127], vec![0.25]));
        assert_eq!(Kind::Q1_0.floats(&bytes)[..3], [0.25, -0.25, 0.25]);
        (bytes[2], bytes[17]) = (0b00_10_01_00, 0b01_00_00_00);
        let stored = Kind::Q2_0.ternary("w", &bytes).unwrap();
        assert_eq!((&stored.codes[..4], stored.codes[63], stored.codes.len()), (&[-1, 0, 1, -1][..], 0, 64));
        bytes[2] = 0b11;
        assert_eq!((Kind::Q2_0.ternary("w", &bytes).unwrap().codes[0], Kind::Q2_0.floats(&bytes)[0]), (2, 0.5));
        assert_eq!(Kind::Q2_0Of128.ternary("w", &[&scale[..], &[0b01_01_01_01; 32]].concat()).unwrap().codes, [0; 128]);
    }

    #[test]
    fn i2_s_puts_the_first_32_values_into_the_highest_bits() {
        let mut bytes = [0b01_01_01_01_u8; 64];
        (bytes[0], bytes[1]) = (0b10_01_01_00, 0b01_01_00_01);
        bytes[32..36].copy_from_slice(&0.75_f32.to_le_bytes());
        let stored = Kind::I2S.ternary("w", &bytes).unwrap();
        let mut wanted = vec![0_i8; 128];
        (wanted[0], wanted[96], wanted[65]) = (1, -1, -1);
        assert_eq!((stored.codes, stored.scales), (wanted, vec![0.75]));
        assert_eq!(Kind::I2S.floats(&bytes)[..2], [0.75, 0.0]);
        bytes[5] = 0xff;
        let refused = Kind::I2S.ternary("w", &bytes).unwrap_err();
        assert!(matches!(refused, ConvertError::Ternary { index: 5, code: 3, .. }), "{refused}");
    }
}
