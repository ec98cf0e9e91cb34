//! What the blocks of each type stand for.
//!
//! Every formula is in the order of operations of the Python package `gguf` (`gguf.quants`), so that the floats are
//! the same to the last bit. A block is little endian; `d` and `m` are numbers of 16 bits.

use half::f16;

/// The levels of the types whose names begin with IQ4.
const IQ4_LEVELS: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// Twice the numbers of E2M1 (OCP Microscaling Formats, 2023).
const E2M1_DOUBLES: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// The `f16` at an offset.
pub(super) fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Nibbles: the low ones are the first half of the values, the high ones the second.
fn nibble(bytes: &[u8], at: usize) -> u8 {
    bytes[at % bytes.len()] >> (at / bytes.len() * 4) & 15
}

/// A fifth bit for every nibble.
fn five_bits(high: &[u8], low: &[u8], at: usize) -> u8 {
    nibble(low, at) | (high[at / 8] >> (at % 8) & 1) << 4
}

pub(super) fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * (f32::from(nibble(&block[2..18], at)) - 8.0));
}

pub(super) fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * f32::from(nibble(&block[4..20], at)) + m);
}

pub(super) fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * (f32::from(five_bits(&block[2..6], &block[6..22], at)) - 16.0));
}

pub(super) fn q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * f32::from(five_bits(&block[4..8], &block[8..24], at)) + m);
}

pub(super) fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().zip(&block[2..34]).for_each(|(out, q)| *out = f32::from(*q as i8) * d);
}

/// Two bits of a value: 32 bytes hold four values each for 128, the lowest bits the first 32.
fn two_bits(bytes: &[u8], at: usize) -> u8 {
    bytes[at / 128 * 32 + at % 32] >> (at % 128 / 32 * 2) & 3
}

/// Sixteen groups of 16 values, each with a scale and a minimum of 4 bits.
pub(super) fn q2_k(block: &[u8], out: &mut [f32]) {
    let (scales, quants, d, least) = (&block[..16], &block[16..80], half_at(block, 80), half_at(block, 82));
    for (at, out) in out.iter_mut().enumerate() {
        let packed = scales[at / 16];
        let (scale, minimum) = (d * f32::from(packed & 15), least * f32::from(packed >> 4));
        *out = scale * f32::from(two_bits(quants, at)) - minimum;
    }
}

/// Sixteen groups of 16 values, each with a scale of 6 bits; a third bit that is not set takes 4 away.
pub(super) fn q3_k(block: &[u8], out: &mut [f32]) {
    let (mask, quants, scales, d) = (&block[..32], &block[32..96], &block[96..108], half_at(block, 108));
    for (at, out) in out.iter_mut().enumerate() {
        let group = at / 16;
        let scale = nibble(&scales[..8], group) | (scales[8 + group % 4] >> (group / 4 * 2) & 3) << 4;
        let offset = if mask[at % 32] >> (at / 32) & 1 == 1 { 0.0 } else { 4.0 };
        *out = d * (f32::from(scale) - 32.0) * (f32::from(two_bits(quants, at)) - offset);
    }
}

/// Scale and minimum of one of eight groups, 6 bits each in 12 bytes.
fn scale_and_minimum(packed: &[u8], group: usize) -> (f32, f32) {
    let (scale, minimum) = match group {
        0..4 => (packed[group] & 63, packed[group + 4] & 63),
        _ => (packed[group + 4] & 15 | packed[group - 4] >> 2 & 0x30, packed[group + 4] >> 4 | packed[group] >> 2 & 0x30),
    };
    (f32::from(scale), f32::from(minimum))
}

/// Eight groups of 32 values, each with a scale and a minimum of 6 bits.
pub(super) fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, least) = (half_at(block, 0), half_at(block, 2));
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], group);
        let (scale, minimum) = (d * scale, least * minimum);
        let bytes = &block[16 + group / 2 * 32..][..32];
        for (out, byte) in out.iter_mut().zip(bytes) {
            *out = scale * f32::from(byte >> (group % 2 * 4) & 15) - minimum;
        }
    }
}

/// As Q4_K, with a fifth bit: a byte holds that of one value of every group.
pub(super) fn q5_k(block: &[u8], out: &mut [f32]) {
    let (d, least) = (half_at(block, 0), half_at(block, 2));
    let high = &block[16..48];
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], group);
        let (scale, minimum) = (d * scale, least * minimum);
        let bytes = &block[48 + group / 2 * 32..][..32];
        for ((out, byte), high) in out.iter_mut().zip(bytes).zip(high) {
            let quant = byte >> (group % 2 * 4) & 15 | (high >> group & 1) << 4;
            *out = scale * f32::from(quant) - minimum;
        }
    }
}

/// Sixteen groups of 16 values, each with a scale of 8 bits.
pub(super) fn q6_k(block: &[u8], out: &mut [f32]) {
    let (low, high, scales, d) = (&block[..128], &block[128..192], &block[192..208], half_at(block, 208));
    for (at, out) in out.iter_mut().enumerate() {
        let (half, within) = (at / 128, at % 128);
        let low = low[half * 64 + within % 64] >> (within / 64 * 4) & 15;
        let high = high[half * 32 + within % 32] >> (within / 32 * 2) & 3;
        let scale = d * f32::from(scales[at / 16] as i8);
        *out = scale * (f32::from(low | high << 4) - 32.0);
    }
}

pub(super) fn iq4_nl(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * f32::from(IQ4_LEVELS[usize::from(nibble(&block[2..18], at))]));
}

/// Eight groups of 32 values, each with a scale of 6 bits.
pub(super) fn iq4_xs(block: &[u8], out: &mut [f32]) {
    let (d, high, low) = (half_at(block, 0), u16::from_le_bytes([block[2], block[3]]), &block[4..8]);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let scale = low[group / 2] >> (group % 2 * 4) & 15 | ((high >> (2 * group) & 3) as u8) << 4;
        let scale = d * (f32::from(scale) - 32.0);
        let bytes = &block[8 + group * 16..][..16];
        out.iter_mut().enumerate().for_each(|(at, out)| *out = scale * f32::from(IQ4_LEVELS[usize::from(nibble(bytes, at))]));
    }
}

/// Numbers of 4 bits with a common power of two.
pub(super) fn mxfp4(block: &[u8], out: &mut [f32]) {
    // Half of 2^(e - 127), because the numbers are doubled; the two smallest are subnormal.
    let bits = match u32::from(block[0]) {
        e @ 0..2 => 0x0020_0000 << e,
        e => (e - 1) << 23,
    };
    let d = f32::from_bits(bits);
    out.iter_mut().enumerate().for_each(|(at, out)| *out = d * f32::from(E2M1_DOUBLES[usize::from(nibble(&block[1..17], at))]));
}

/// Five ternary digits a byte (four in the last bytes), as a fraction of 256: multiplying by 3 pushes the next one out.
pub(super) fn tq1_code(block: &[u8], at: usize) -> u8 {
    let (byte, digit) = match at {
        0..160 => (block[at % 32], at / 32),
        160..240 => (block[32 + (at - 160) % 16], (at - 160) / 16),
        _ => (block[48 + (at - 240) % 4], (at - 240) / 4),
    };
    let shifted = byte.wrapping_mul([1, 3, 9, 27, 81][digit]);
    ((u16::from(shifted) * 3) >> 8) as u8
}
