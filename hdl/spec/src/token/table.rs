//! The machine's fixed tables, each of at most 1,024 entries of 18 bits. They are made from f64 once; no entry lies
//! near a half, so every mathematical library gives the same integers (tested).

use super::coder::CODE_MAX;
use std::f64::consts::TAU;
use std::sync::LazyLock;

/// Entries of a table of one block RAM.
pub const ENTRIES: usize = 1024;
/// Mantissas of 9 bits: 256 to 511.
pub const RECIPROCALS: usize = 256;
/// Bits behind the point of a reciprocal.
pub const RECIPROCAL_BITS: i32 = 18;
/// Bits behind the point of a root.
pub const ROOT_BITS: i32 = 17;
/// Largest weight of a softmax.
pub const WEIGHT_MAX: i32 = 255;
/// Bits by which an exp2 entry is finer than a weight.
pub const EXP2_BITS: i32 = 7;
/// Bits behind the point of a cosine.
pub const TURN_BITS: i32 = 16;
/// Bits of a phase that the cosine's table looks at.
pub const PHASE_BITS: i32 = 10;
/// Bits behind the point of the noise.
pub const NOISE_BITS: i32 = 12;
/// Entries of either half of the noise's table.
pub const NOISE_HALF: usize = 512;

fn table<const N: usize>(exact: impl Fn(usize) -> f64) -> [i32; N] {
    std::array::from_fn(|i| exact(i).round() as i32)
}

fn reciprocal_exact(i: usize) -> f64 {
    f64::from(CODE_MAX << RECIPROCAL_BITS) / (256 + i) as f64
}

/// `127 * 2^18 / mantissa`, for a mantissa of 256 to 511.
#[inline]
pub fn reciprocal(mantissa: u32) -> i32 {
    static TABLE: LazyLock<[i32; RECIPROCALS]> = LazyLock::new(|| table(reciprocal_exact));
    TABLE[(mantissa as usize - RECIPROCALS) % RECIPROCALS]
}

// The middle of what the entry stands for: half a step at most on either side.
fn root_exact(i: usize) -> f64 {
    let square = (1.0 + ((i % 512) as f64 + 0.5) / 512.0) * if i >= 512 { 2.0 } else { 1.0 };
    f64::from(1 << ROOT_BITS) / square.sqrt()
}

/// `2^17 / sqrt(s)` for `s` from 1 to 4: bit 9 of the index says whether `s` is 2 or more, the rest are the 9 bits
/// behind the leading one.
#[inline]
pub fn root_entry(index: usize) -> i32 {
    static TABLE: LazyLock<[i32; ENTRIES]> = LazyLock::new(|| table(root_exact));
    TABLE[index % ENTRIES]
}

fn exp2_exact(i: usize) -> f64 {
    f64::from(WEIGHT_MAX << EXP2_BITS) * 2_f64.powf(-(i as f64) / 256.0)
}

/// `255 * 2^7 * 2^(-i / 256)` for `i` below 256: 15 bits.
#[inline]
pub fn exp2_entry(index: usize) -> i32 {
    static TABLE: LazyLock<[i32; 256]> = LazyLock::new(|| table(exp2_exact));
    TABLE[index % 256]
}

fn cosine_exact(i: usize) -> f64 {
    f64::from(1 << TURN_BITS) * (TAU * i as f64 / ENTRIES as f64).cos()
}

/// The cosine of a phase of 10 bits, 16 bits behind the point.
#[inline]
pub fn cosine(phase: usize) -> i32 {
    static TABLE: LazyLock<[i32; ENTRIES]> = LazyLock::new(|| table(cosine_exact));
    TABLE[phase % ENTRIES]
}

/// The sine, out of the same table a quarter back.
#[inline]
pub fn sine(phase: usize) -> i32 {
    cosine(phase.wrapping_sub(ENTRIES / 4))
}

// Gumbel's quantile in the middle of a step of 1/512; the last step has a table of its own, as fine again.
fn noise_exact(i: usize) -> f64 {
    let part = ((i % NOISE_HALF) as f64 + 0.5) / NOISE_HALF as f64;
    let quantile = if i < NOISE_HALF { part } else { 1.0 - (1.0 - part) / NOISE_HALF as f64 };
    f64::from(1 << NOISE_BITS) * -(-quantile.ln()).ln()
}

/// Gumbel noise, 12 bits behind the point: entry `i` below 512 is the quantile `(i + 1/2) / 512`; the second half is the
/// last of those steps in 512 steps of its own, so that a rare token stays as rare as it is.
#[inline]
pub fn noise_entry(index: usize) -> i32 {
    static TABLE: LazyLock<[i32; ENTRIES]> = LazyLock::new(|| table(noise_exact));
    TABLE[index % ENTRIES]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_is_near_a_half_so_every_library_gives_the_same_integers() {
        type Exact = fn(usize) -> f64;
        let tables: [(&str, usize, Exact); 5] = [
            ("reciprocal", RECIPROCALS, reciprocal_exact),
            ("root", ENTRIES, root_exact),
            ("exp2", 256, exp2_exact),
            ("cosine", ENTRIES, cosine_exact),
            ("noise", ENTRIES, noise_exact),
        ];
        for (name, entries, exact) in tables {
            for i in 0..entries {
                let value = exact(i);
                assert!((value - value.floor() - 0.5).abs() > 1e-7, "{name}[{i}] = {value}");
                // What a multiplier takes.
                assert!(value.abs() < 131_071.5, "{name}[{i}] = {value}");
            }
        }
    }

    #[test]
    fn every_entry_is_within_half_a_unit_of_its_function() {
        for m in 256..512_u32 {
            assert!((f64::from(reciprocal(m)) * f64::from(m) / (127.0 * 262_144.0) - 1.0).abs() < 8e-6, "1/{m}");
        }
        for phase in 0..1024 {
            let angle = TAU * phase as f64 / 1024.0;
            assert!((f64::from(cosine(phase)) / 65_536.0 - angle.cos()).abs() < 8e-6);
            assert!((f64::from(sine(phase)) / 65_536.0 - angle.sin()).abs() < 8e-6);
        }
        assert_eq!([cosine(0), sine(0), cosine(256), sine(256), cosine(512), sine(768)], [65_536, 0, 0, 65_536, -65_536, -65_536]);
        assert_eq!([exp2_entry(0), noise_entry(0), noise_entry(1023)], [32_640, -7_930, 53_943]);
    }
}
