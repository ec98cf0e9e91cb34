//! The articles' element operations (seed mode) on bit planes, 64 elements a word, bit-equal to `nda_spec::seed`.
//!
//! A vector is two planes, sign and extra, element `i` at bit `i % 64` of word `i / 64`; padding is zero before and after
//! every operation. The loops are plain words, without intrinsics, and are compiled once for every machine, once for AVX2
//! and once for AVX-512: one text, so one meaning. Source: NUMBERS.md, the section on elements.

use crate::cpu::CpuError;
use crate::level::{Level, Variant};
use nda_spec::seed::{Comparison, MIN_AMAX, add_planes, norm_weights, swiglu_planes};

/// Elements of a word.
const WORD: usize = 64;

/// A vector's two planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planes<'a> {
    /// Sign bits: set for +1 and +2.
    pub sign: &'a [u64],
    /// Extra bits: set for -1 and +2.
    pub extra: &'a [u64],
}

/// A vector's two planes, to be written.
#[derive(Debug, PartialEq, Eq)]
pub struct PlanesMut<'a> {
    /// Sign bits.
    pub sign: &'a mut [u64],
    /// Extra bits.
    pub extra: &'a mut [u64],
}

/// The operations on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Elements(Level);

impl Elements {
    /// The best that this machine has.
    pub fn best() -> Elements {
        Elements(Level::best())
    }

    /// Those of one variant.
    ///
    /// # Errors
    /// [`CpuError::MissingFeature`] if the machine has not got it.
    pub fn with_variant(variant: Variant) -> Result<Elements, CpuError> {
        Level::new(variant).map(Elements)
    }

    /// The variant.
    pub fn variant(self) -> Variant {
        self.0.variant()
    }
}

/// Compiles each body for every machine, for AVX2 and for AVX-512, behind one method.
macro_rules! compiled {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $of:ty),*) $(-> $back:ty)? = $body:ident;)*) => {
        impl Elements {$(
            $(#[$doc])*
            pub fn $name(self, $($arg: $of),*) $(-> $back)? {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $of),*) $(-> $back)? {
                    $body($($arg),*)
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
                fn avx512($($arg: $of),*) $(-> $back)? {
                    $body($($arg),*)
                }
                match self.0 {
                    Level::Portable => $body($($arg),*),
                    // SAFETY: a Level of a variant exists only after its features were found on this machine.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2(_) => unsafe { avx2($($arg),*) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512(_) => unsafe { avx512($($arg),*) },
                    // NEON is part of every aarch64 that the compiler knows: the plain text has it already.
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon(_) => $body($($arg),*),
                }
            }
        )*}
    };
}

compiled! {
    /// `out = x + d` at equal scales: `ADD_LUT_Q16` as Boolean functions, six operations for 64 elements.
    ///
    /// # Panics
    /// If the planes differ in length.
    fn add(x: Planes, d: Planes, out: PlanesMut) = add_body;

    /// `out = coarse + fine`, where the scale of `fine` is smaller by `2^gap`: its codes are divided, truncated toward zero.
    ///
    /// # Panics
    /// If the planes differ in length.
    fn add_unaligned(coarse: Planes, fine: Planes, gap: u32, out: PlanesMut) = add_unaligned_body;

    /// `out = silu(gate) * up`: `SWIGLU_LUT_Q16` and the byte SiLU in front of it.
    ///
    /// # Panics
    /// If the planes do not hold `count` elements, or differ in length.
    fn swiglu(gate: Planes, up: Planes, count: usize, out: PlanesMut) = swiglu_body;

    /// The byte SiLU in place: `extra` is set where `sign` is clear; signs stay.
    ///
    /// # Panics
    /// If the planes do not hold `count` elements, or differ in length.
    fn silu(sign: &[u64], extra: &mut [u64], count: usize) = silu_body;

    /// +1 where the comparison holds of `a` and `b`, else -1.
    ///
    /// # Panics
    /// If the planes do not hold `count` elements, or differ in length.
    fn compare(by: Comparison, a: Planes, b: Planes, count: usize, out: PlanesMut) = compare_body;

    /// Whether the sum of the first `count` codes is above zero.
    ///
    /// # Panics
    /// If the planes do not hold `count` elements, or differ in length.
    fn truthy(x: Planes, count: usize) -> bool = truthy_body;

    /// The articles' `rms_norm` with eps `2^-eps_shift`: one pass of popcounts, one of Boolean functions.
    ///
    /// # Panics
    /// If the planes do not hold `count` elements, or differ in length.
    fn rms_norm(x: Planes, weight: Planes, count: usize, eps_shift: u32, out: PlanesMut) = rms_norm_body;

    /// The articles' quantizer; returns the scale.
    ///
    /// # Panics
    /// If the planes do not hold as many elements as `x` has.
    fn quantize(x: &[f32], out: PlanesMut) -> f32 = quantize_body;
}

/// Asserts that planes have one length.
fn same_words(lengths: &[usize]) {
    assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "planes differ in length: {lengths:?} words");
}

/// Asserts that planes have the words of `count` elements.
fn holds(count: usize, lengths: &[usize]) {
    same_words(lengths);
    assert!(lengths.iter().all(|&words| words == count.div_ceil(WORD)), "{count} elements do not fill {lengths:?} words");
}

/// Clears what lies beyond the last element.
fn clear_padding(count: usize, plane: &mut [u64]) {
    if let (Some(last), used @ 1..) = (plane.last_mut(), count % WORD) {
        *last &= (1 << used) - 1;
    }
}

/// Words that are worked on at a time: two registers of AVX2, one of AVX-512. All are read before any is written, so the
/// compiler needs no proof that the planes lie apart.
const BLOCK: usize = 8;

/// `word` of four planes, word by word, into two.
#[inline(always)]
fn map(a: Planes, b: Planes, out: PlanesMut, word: impl Fn(u64, u64, u64, u64) -> (u64, u64)) {
    same_words(&[a.sign.len(), a.extra.len(), b.sign.len(), b.extra.len(), out.sign.len(), out.extra.len()]);
    let inputs = [a.sign, a.extra, b.sign, b.extra];
    let [a_s, a_e, b_s, b_e] = inputs.map(|plane| plane.as_chunks::<BLOCK>().0);
    let tails = inputs.map(|plane| plane.as_chunks::<BLOCK>().1);
    let ((sign, sign_tail), (extra, extra_tail)) = (out.sign.as_chunks_mut::<BLOCK>(), out.extra.as_chunks_mut::<BLOCK>());
    for (((((sign, extra), a_s), a_e), b_s), b_e) in sign.iter_mut().zip(extra).zip(a_s).zip(a_e).zip(b_s).zip(b_e) {
        let (mut new_sign, mut new_extra) = ([0; BLOCK], [0; BLOCK]);
        for i in 0..BLOCK {
            (new_sign[i], new_extra[i]) = word(a_s[i], a_e[i], b_s[i], b_e[i]);
        }
        (*sign, *extra) = (new_sign, new_extra);
    }
    for (i, (sign, extra)) in sign_tail.iter_mut().zip(extra_tail).enumerate() {
        (*sign, *extra) = word(tails[0][i], tails[1][i], tails[2][i], tails[3][i]);
    }
}

/// [`map`] for words whose padding does not come out as zero.
#[inline(always)]
fn map_and_clear(a: Planes, b: Planes, count: usize, out: PlanesMut, word: impl Fn(u64, u64, u64, u64) -> (u64, u64)) {
    let PlanesMut { sign, extra } = out;
    holds(count, &[a.sign.len(), sign.len()]);
    map(a, b, PlanesMut { sign, extra }, word);
    clear_padding(count, sign);
    clear_padding(count, extra);
}

#[inline(always)]
fn add_body(x: Planes, d: Planes, out: PlanesMut) {
    map(x, d, out, add_planes);
}

#[inline(always)]
fn add_unaligned_body(coarse: Planes, fine: Planes, gap: u32, out: PlanesMut) {
    match gap {
        0 => add_body(coarse, fine, out),
        // Half of a large code is a small one, half of a small one is nothing.
        1 => map(coarse, fine, out, |cs, ce, fs, fe| {
            let (sign, extra) = add_planes(cs, ce, fs, !fs);
            let is_small = fs ^ fe;
            ((sign & !is_small) | (cs & is_small), (extra & !is_small) | (ce & is_small))
        }),
        _ => map(coarse, fine, out, |cs, ce, _, _| (cs, ce)),
    }
}

#[inline(always)]
fn swiglu_body(gate: Planes, up: Planes, count: usize, out: PlanesMut) {
    map_and_clear(gate, up, count, out, swiglu_planes);
}

#[inline(always)]
fn silu_body(sign: &[u64], extra: &mut [u64], count: usize) {
    holds(count, &[sign.len(), extra.len()]);
    for (extra, sign) in extra.iter_mut().zip(sign) {
        *extra |= !sign;
    }
    clear_padding(count, extra);
}

#[inline(always)]
fn compare_body(by: Comparison, a: Planes, b: Planes, count: usize, out: PlanesMut) {
    let number = by.number();
    let [is_less, is_greater, inverts] = [0, 1, 2].map(|bit| if number >> bit & 1 == 1 { u64::MAX } else { 0 });
    map_and_clear(a, b, count, out, |a_s, a_e, b_s, b_e| {
        let (differ, extras_differ) = (a_s ^ b_s, a_e ^ b_e);
        let unequal = differ | extras_differ;
        // (sign, extra) as a number of two bits orders the codes.
        let less = (differ & b_s) | (!differ & extras_differ & b_e);
        let equality = !unequal & !(is_less | is_greater);
        let answer = (equality | (less & is_less) | (unequal & !less & is_greater)) ^ inverts;
        (answer, !answer)
    });
}

/// Ones of what `word` makes of two planes. A sum of counts of bits in memory cannot overflow, and unchecked it vectorises.
#[inline(always)]
fn ones(a: &[u64], b: &[u64], word: impl Fn(u64, u64) -> u64) -> u64 {
    a.iter().zip(b).fold(0, |total: u64, (a, b)| total.wrapping_add(u64::from(word(*a, *b).count_ones())))
}

#[inline(always)]
fn truthy_body(x: Planes, count: usize) -> bool {
    holds(count, &[x.sign.len(), x.extra.len()]);
    // A code is 3 sign + extra - 2.
    3 * ones(x.sign, x.extra, |sign, _| sign) + ones(x.sign, x.extra, |_, extra| extra) > 2 * count as u64
}

#[inline(always)]
fn rms_norm_body(x: Planes, weight: Planes, count: usize, eps_shift: u32, out: PlanesMut) {
    holds(count, &[x.sign.len(), x.extra.len()]);
    let small = ones(x.sign, x.extra, |sign, extra| sign ^ extra);
    let (per_large, per_code) = norm_weights(eps_shift);
    let sum = i128::from(per_large) * i128::from(count as u64 - small) + i128::from(per_code) * count as i128;
    // +-2 becomes +-1 times the weight, or with all the rest +1.
    let kept = if sum < 0 { u64::MAX } else { 0 };
    map_and_clear(x, weight, count, out, |xs, xe, ws, we| {
        let stays = !(xs ^ xe) & kept;
        (!stays | !(xs ^ ws), stays & !(xs ^ we))
    });
}

#[inline(always)]
fn quantize_body(x: &[f32], out: PlanesMut) -> f32 {
    holds(x.len(), &[out.sign.len(), out.extra.len()]);
    // Eight maxima side by side; a comparison with NaN is false, so NaN is none.
    let mut maxima = [0.0_f32; 8];
    let (chunks, tail) = x.as_chunks::<8>();
    for chunk in chunks {
        for (max, v) in maxima.iter_mut().zip(chunk) {
            *max = if v.abs() > *max { v.abs() } else { *max };
        }
    }
    let amax = tail.iter().map(|v| v.abs()).chain(maxima).fold(0.0_f32, |max, v| if v > max { v } else { max });
    let scale = if amax < MIN_AMAX { 1.0 } else { amax / 2.0 };
    let inverse = 1.0 / scale;
    for ((sign, extra), values) in out.sign.iter_mut().zip(out.extra.iter_mut()).zip(x.chunks(WORD)) {
        let (mut plus, mut large) = (0_u64, 0_u64);
        for (i, v) in values.iter().enumerate() {
            plus |= u64::from(*v >= 0.0) << i;
            large |= u64::from((v * inverse).abs() >= 1.5) << i;
        }
        let used = u64::MAX >> (WORD - values.len());
        (*sign, *extra) = (plus, !(plus ^ large) & used);
    }
    scale
}
