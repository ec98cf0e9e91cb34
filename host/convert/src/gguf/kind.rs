//! The types of a GGUF file's numbers: their blocks, and what these stand for.
//!
//! Every formula is in the order of operations of the Python package `gguf` (`gguf.quants`), so that the floats are
//! the same to the last bit. A block is little endian; `d` and `m` are numbers of 16 bits.

use crate::error::ConvertError;
use half::{bf16, f16};

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
    Q8_0,
    Q4K,
    Q6K,
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
/// Bytes that an I2_S tensor takes besides its blocks: the scale, and padding.
const I2S_TAIL_BYTES: usize = 32;

const FORMS: [Form; 12] = [
    form(Kind::F32, 0, "F32", 1, 4),
    form(Kind::F16, 1, "F16", 1, 2),
    form(Kind::Q4_0, 2, "Q4_0", 32, 18),
    form(Kind::Q4_1, 3, "Q4_1", 32, 20),
    form(Kind::Q5_0, 6, "Q5_0", 32, 22),
    form(Kind::Q8_0, 8, "Q8_0", 32, 34),
    form(Kind::Q4K, 12, "Q4_K", SUPER, 144),
    form(Kind::Q6K, 14, "Q6_K", SUPER, 210),
    form(Kind::Bf16, 30, "BF16", 1, 2),
    form(Kind::Tq1_0, 34, "TQ1_0", SUPER, 54),
    form(Kind::Tq2_0, 35, "TQ2_0", SUPER, 66),
    form(Kind::I2S, 36, "I2_S", I2S_VALUES, 32),
];

/// Types that are not read, for messages. Source: `enum ggml_type` of llama.cpp.
const UNREAD: [(u32, &str); 22] = [
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (13, "Q5_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (39, "MXFP4"),
    (40, "NVFP4"),
];

/// The name of a type that is not read.
pub(super) fn unread(number: u32) -> Option<&'static str> {
    UNREAD.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Ternary weights as they are stored: codes row by row, and a scale for every [`Kind::scale_values`] of them.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTernary {
    /// -1, 0 or 1.
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

    /// Whether the weights are ternary and nothing else.
    pub fn is_ternary(self) -> bool {
        matches!(self, Kind::Tq1_0 | Kind::Tq2_0 | Kind::I2S)
    }

    /// Bytes of a tensor; none if no tensor has this shape, or rows are not whole blocks.
    pub fn tensor_bytes(self, rows: u64, cols: u64) -> Option<u64> {
        let form = self.form();
        if rows == 0 || cols == 0 || cols % form.values as u64 != 0 {
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
            Kind::Q4_0 => q4_0(block, out),
            Kind::Q4_1 => q4_1(block, out),
            Kind::Q5_0 => q5_0(block, out),
            Kind::Q8_0 => q8_0(block, out),
            Kind::Q4K => q4_k(block, out),
            Kind::Q6K => q6_k(block, out),
            Kind::Tq1_0 | Kind::Tq2_0 | Kind::I2S => {
                let scale = self.scale(block, tail);
                out.iter_mut().enumerate().for_each(|(at, out)| *out = scale * (f32::from(self.code(block, at)) - 1.0));
            }
        }
    }

    /// Values that share a scale in a ternary type: a block's, or the whole tensor's `values`.
    pub fn scale_values(self, values: usize) -> usize {
        if self == Kind::I2S { values } else { SUPER }
    }

    /// The weights of a ternary type as they are stored; `name` is for messages.
    ///
    /// # Errors
    /// The code 3, which stands for nothing.
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
                if code > 2 {
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

    /// The scale of a ternary block.
    fn scale(self, block: &[u8], tail: &[u8]) -> f32 {
        match self {
            Kind::Tq1_0 => half_at(block, 52),
            Kind::Tq2_0 => half_at(block, 64),
            _ => f32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]),
        }
    }

    /// The stored code of a ternary block's value: 0, 1, 2 for -1, 0, 1.
    fn code(self, block: &[u8], at: usize) -> u8 {
        match self {
            Kind::Tq1_0 => tq1_code(block, at),
            // 32 bytes hold four values each for 128: the lowest bits are the first 32.
            Kind::Tq2_0 => block[at / 128 * 32 + at % 32] >> (at % 128 / 32 * 2) & 3,
            // As TQ2_0, but the highest bits are the first.
            _ => block[at % 32] >> (6 - at / 32 * 2) & 3,
        }
    }
}

/// The `f16` at an offset.
fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Nibbles: the low ones are the first half of the values, the high ones the second.
fn nibble(bytes: &[u8], at: usize) -> u8 {
    bytes[at % bytes.len()] >> (at / bytes.len() * 4) & 15
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * (f32::from(nibble(&block[2..18], at)) - 8.0));
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * f32::from(nibble(&block[4..20], at)) + m);
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for (at, out) in out.iter_mut().enumerate() {
        let q = nibble(&block[6..22], at) | ((high >> at & 1) as u8) << 4;
        *out = d * (f32::from(q) - 16.0);
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().zip(&block[2..34]).for_each(|(out, q)| *out = f32::from(*q as i8) * d);
}

/// Eight groups of 32 values, each with a scale and a minimum of 6 bits.
fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, least) = (half_at(block, 0), half_at(block, 2));
    let packed = &block[4..16];
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = match group {
            0..4 => (packed[group] & 63, packed[group + 4] & 63),
            _ => (packed[group + 4] & 15 | packed[group - 4] >> 2 & 0x30, packed[group + 4] >> 4 | packed[group] >> 2 & 0x30),
        };
        let (scale, minimum) = (d * f32::from(scale), least * f32::from(minimum));
        let bytes = &block[16 + group / 2 * 32..][..32];
        for (out, byte) in out.iter_mut().zip(bytes) {
            *out = scale * f32::from(byte >> (group % 2 * 4) & 15) - minimum;
        }
    }
}

/// Sixteen groups of 16 values, each with a scale of 8 bits.
fn q6_k(block: &[u8], out: &mut [f32]) {
    let (low, high, scales, d) = (&block[..128], &block[128..192], &block[192..208], half_at(block, 208));
    for (at, out) in out.iter_mut().enumerate() {
        let (half, within) = (at / 128, at % 128);
        let low = low[half * 64 + within % 64] >> (within / 64 * 4) & 15;
        let high = high[half * 32 + within % 32] >> (within / 32 * 2) & 3;
        let scale = d * f32::from(scales[at / 16] as i8);
        *out = scale * (f32::from(low | high << 4) - 32.0);
    }
}

/// Five ternary digits a byte (four in the last bytes), as a fraction of 256: multiplying by 3 pushes the next one out.
fn tq1_code(block: &[u8], at: usize) -> u8 {
    let (byte, digit) = match at {
        0..160 => (block[at % 32], at / 32),
        160..240 => (block[32 + (at - 160) % 16], (at - 160) / 16),
        _ => (block[48 + (at - 240) % 4], (at - 240) / 4),
    };
    let shifted = byte.wrapping_mul([1, 3, 9, 27, 81][digit]);
    (u16::from(shifted) * 3 >> 8) as u8
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
