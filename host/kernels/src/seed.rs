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

/// Writes two planes word by word, of as many words as `out` has.
#[inline(always)]
fn fill(out: PlanesMut, word: impl Fn(usize) -> (u64, u64)) {
    for (i, (sign, extra)) in out.sign.iter_mut().zip(out.extra.iter_mut()).enumerate() {
        (*sign, *extra) = word(i);
    }
}

#[inline(always)]
fn add_body(x: Planes, d: Planes, out: PlanesMut) {
    let words = out.sign.len();
    same_words(&[x.sign.len(), x.extra.len(), d.sign.len(), d.extra.len(), words, out.extra.len()]);
    // Slices of a length that the loop's is seen to be: no bounds are checked inside.
    let (xs, xe, ds, de) = (&x.sign[..words], &x.extra[..words], &d.sign[..words], &d.extra[..words]);
    fill(out, |i| add_planes(xs[i], xe[i], ds[i], de[i]));
}

#[inline(always)]
fn add_unaligned_body(coarse: Planes, fine: Planes, gap: u32, out: PlanesMut) {
    let words = out.sign.len();
    same_words(&[coarse.sign.len(), coarse.extra.len(), fine.sign.len(), fine.extra.len(), words, out.extra.len()]);
    let (cs, ce, fs, fe) = (&coarse.sign[..words], &coarse.extra[..words], &fine.sign[..words], &fine.extra[..words]);
    match gap {
        0 => fill(out, |i| add_planes(cs[i], ce[i], fs[i], fe[i])),
        // Half of a large code is a small one, half of a small one is nothing.
        1 => fill(out, |i| {
            let (sign, extra) = add_planes(cs[i], ce[i], fs[i], !fs[i]);
            let is_small = fs[i] ^ fe[i];
            ((sign & !is_small) | (cs[i] & is_small), (extra & !is_small) | (ce[i] & is_small))
        }),
        _ => fill(out, |i| (cs[i], ce[i])),
    }
}

#[inline(always)]
fn swiglu_body(gate: Planes, up: Planes, count: usize, out: PlanesMut) {
    let words = out.sign.len();
    holds(count, &[gate.sign.len(), gate.extra.len(), up.sign.len(), up.extra.len(), words, out.extra.len()]);
    let (gs, ge, us, ue) = (&gate.sign[..words], &gate.extra[..words], &up.sign[..words], &up.extra[..words]);
    let PlanesMut { sign, extra } = out;
    fill(PlanesMut { sign, extra }, |i| swiglu_planes(gs[i], ge[i], us[i], ue[i]));
    clear_padding(count, sign);
    clear_padding(count, extra);
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
    let words = out.sign.len();
    holds(count, &[a.sign.len(), a.extra.len(), b.sign.len(), b.extra.len(), words, out.extra.len()]);
    let (a_s, a_e, b_s, b_e) = (&a.sign[..words], &a.extra[..words], &b.sign[..words], &b.extra[..words]);
    let PlanesMut { sign, extra } = out;
    let number = by.number();
    let [is_less, is_greater, inverts] = [0, 1, 2].map(|bit| if number >> bit & 1 == 1 { u64::MAX } else { 0 });
    fill(PlanesMut { sign, extra }, |i| {
        let (differ, extras_differ) = (a_s[i] ^ b_s[i], a_e[i] ^ b_e[i]);
        let unequal = differ | extras_differ;
        // (sign, extra) as a number of two bits orders the codes.
        let less = (differ & b_s[i]) | (!differ & extras_differ & b_e[i]);
        let equality = !unequal & !(is_less | is_greater);
        let answer = (equality | (less & is_less) | (unequal & !less & is_greater)) ^ inverts;
        (answer, !answer)
    });
    clear_padding(count, sign);
    clear_padding(count, extra);
}

#[inline(always)]
fn truthy_body(x: Planes, count: usize) -> bool {
    holds(count, &[x.sign.len(), x.extra.len()]);
    let ones = |plane: &[u64]| plane.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
    // A code is 3 sign + extra - 2.
    3 * ones(x.sign) + ones(x.extra) > 2 * count as u64
}

#[inline(always)]
fn rms_norm_body(x: Planes, weight: Planes, count: usize, eps_shift: u32, out: PlanesMut) {
    let words = out.sign.len();
    holds(count, &[x.sign.len(), x.extra.len(), weight.sign.len(), weight.extra.len(), words, out.extra.len()]);
    let (xs, xe, ws, we) = (&x.sign[..words], &x.extra[..words], &weight.sign[..words], &weight.extra[..words]);
    let small: u64 = xs.iter().zip(xe).map(|(s, e)| u64::from((s ^ e).count_ones())).sum();
    let (per_large, per_code) = norm_weights(eps_shift);
    let sum = i128::from(per_large) * (count as u64 - small) as i128 + i128::from(per_code) * count as i128;
    // +-2 becomes +-1 times the weight, or with all the rest +1.
    let kept = if sum < 0 { u64::MAX } else { 0 };
    let PlanesMut { sign, extra } = out;
    fill(PlanesMut { sign, extra }, |i| {
        let stays = !(xs[i] ^ xe[i]) & kept;
        (!stays | !(xs[i] ^ ws[i]), stays & !(xs[i] ^ we[i]))
    });
    clear_padding(count, sign);
    clear_padding(count, extra);
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
    let amax = tail.iter().map(|v| v.abs()).chain(maxima).fold(0.0_f32, f32::max);
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
