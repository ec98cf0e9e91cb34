//! Float operations of a forward pass, each with one fixed order of evaluation: the same bits on every machine.
//!
//! Every loop is written with explicit partial sums and without fused operations, so a compiler may use wider registers
//! without changing a bit; on x86-64 each is compiled for AVX2 and AVX-512 besides and chosen at run time.

/// Partial sums of [`dot`].
pub(crate) const LANES: usize = 8;

/// Compiles a function for every machine, for AVX2 and for AVX-512, and calls the one that this machine runs best.
///
/// Bodies have plain loops and calls of `#[inline(always)]` functions alone: a closure that is not inlined, as that of a
/// `for_each`, is compiled without the features of the function that it stands in.
macro_rules! for_wide {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $of:ty),* $(,)?) $(-> $back:ty)? $body:block) => {
        $(#[$doc])*
        $vis fn $name($($arg: $of),*) $(-> $back)? {
            #[inline(always)]
            fn body($($arg: $of),*) $(-> $back)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $of),*) $(-> $back)? {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512dq")]
            fn avx512($($arg: $of),*) $(-> $back)? {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                let has_512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq");
                // SAFETY: the machine has the features, as was found just now.
                return unsafe { if has_512 { avx512($($arg),*) } else { avx2($($arg),*) } };
            }
            body($($arg),*)
        }
    };
}
pub(crate) use for_wide;

/// `sum_i a[i] * b[i]`: element `i` goes to partial sum `i % 8`; the sums are added as
/// `((0+4)+(2+6)) + ((1+5)+(3+7))`.
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "a dot product needs equal lengths");
    let mut sums = [0.0_f32; LANES];
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    for (lane, (x, y)) in a_tail.iter().zip(b_tail).enumerate() {
        sums[lane] += x * y;
    }
    total(&sums)
}

#[inline(always)]
fn total([s0, s1, s2, s3, s4, s5, s6, s7]: &[f32; LANES]) -> f32 {
    ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
}

/// `e^x` within 2 units in the last place, 0 below -87.33 and infinite above 88.72: Cephes' `expf` (Moshier, 1992), in
/// operations that vectorise. NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOWEST: f32 = -87.336_54;
    const HIGHEST: f32 = 88.722_83;
    // Adding and taking off 1.5 * 2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.000_000_1e-1] {
        sum = sum * rest + coefficient;
    }
    let fraction = sum * rest * rest + rest + 1.0;
    // 2^whole in two halves, because 2^128 is not a float and the largest result is nearly that.
    let power = |n: i32| f32::from_bits(((n + 127) << 23).cast_unsigned());
    // The whole number stands in the low bits of the shifted one; of NaN and infinities anything does.
    let clamped = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed().clamp(-126, 128);
    let result = fraction * power(clamped >> 1) * power(clamped - (clamped >> 1));
    let result = if x < LOWEST { 0.0 } else { result };
    if x > HIGHEST { f32::INFINITY } else { result }
}

for_wide! {
    /// SwiGLU's product (Shazeer, 2020): `out[i] = silu(gate[i]) * up[i]`, `silu(g) = g / (1 + exp(-g))`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
        assert!(gate.len() == up.len() && gate.len() == out.len(), "swiglu needs equal lengths");
        for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
            *out = g / (1.0 + exp(-g)) * u;
        }
    }
}

for_wide! {
    /// GELU by its tanh form (Hendrycks and Gimpel, 2016): `out[i] = gelu(gate[i]) * up[i]`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn geglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
        const ROOT_2_OVER_PI: f32 = 0.797_884_6;
        assert!(gate.len() == up.len() && gate.len() == out.len(), "geglu needs equal lengths");
        for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
            let inner = ROOT_2_OVER_PI * (g + 0.044_715 * g * g * g);
            // (1 + tanh(v)) / 2 = 1 / (1 + exp(-2 v)).
            *out = g / (1.0 + exp(-2.0 * inner)) * u;
        }
    }
}

for_wide! {
    /// `out[i] = x[i] * (1 / sqrt(mean(x^2) + eps)) * weight[i]` (Zhang and Sennrich, 2019; eps inside the root).
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
        assert!(x.len() == weight.len() && x.len() == out.len(), "rms_norm needs equal lengths");
        let inverse = 1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt();
        for ((out, v), w) in out.iter_mut().zip(x).zip(weight) {
            *out = v * inverse * w;
        }
    }
}

for_wide! {
    /// `x = softmax(x)`, the maximum taken off first; the sum runs in eight interleaved partial sums as [`dot`]'s.
    pub fn softmax(x: &mut [f32]) {
        softmax_here(x);
    }
}

/// [`softmax`], to be compiled into whatever calls it.
#[inline(always)]
pub(crate) fn softmax_here(x: &mut [f32]) {
    let max = largest(x);
    // Element by element, which compilers make wide; eight at a time with the sums they do not.
    for v in x.iter_mut() {
        *v = exp(*v - max);
    }
    let sum = sum(x);
    for v in x.iter_mut() {
        *v /= sum;
    }
}

/// The sum in eight interleaved partial sums, as [`dot`]'s.
#[inline(always)]
pub(crate) fn sum(x: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (chunks, tail) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    for (lane, v) in tail.iter().enumerate() {
        sums[lane] += v;
    }
    total(&sums)
}

/// The largest of some numbers, NaN apart; -inf of none.
#[inline(always)]
pub(crate) fn largest(x: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (chunks, tail) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
        }
    }
    for (lane, &v) in tail.iter().enumerate() {
        most[lane] = if v > most[lane] { v } else { most[lane] };
    }
    let mut max = most[0];
    for &v in &most[1..] {
        max = if v > max { v } else { max };
    }
    max
}

/// Vectors that meet a row at once: their partial sums stay in registers.
pub(crate) const TOGETHER: usize = 4;

for_wide! {
    /// `out[v * rows_stride + r] = dot(row r, vector v)` for rows of `cols` values and vectors one after another.
    ///
    /// # Panics
    /// If lengths are not multiples of `cols` or `out` is too short.
    pub fn rows_by_vectors(rows: &[f32], cols: usize, x: &[f32], out: &mut [f32], stride: usize) {
        let vectors: Vec<&[f32]> = x.chunks_exact(cols).collect();
        for (first, four) in vectors.chunks(TOGETHER).enumerate() {
            for (r, row) in rows.chunks_exact(cols).enumerate() {
                let at = first * TOGETHER * stride + r;
                if let [a, b, c, d] = *four {
                    let found = dots(row, [a, b, c, d]);
                    for i in 0..TOGETHER {
                        out[at + i * stride] = found[i];
                    }
                } else {
                    for (i, x) in four.iter().enumerate() {
                        out[at + i * stride] = dot(row, x);
                    }
                }
            }
        }
    }
}

/// [`dot`] of some vectors, to the bit, in one pass over the row.
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
pub(crate) fn dots<const N: usize>(row: &[f32], x: [&[f32]; N]) -> [f32; N] {
    let mut sums = [[0.0_f32; LANES]; N];
    let (row_chunks, row_tail) = row.as_chunks::<LANES>();
    let mut chunks: [&[[f32; LANES]]; N] = [&[]; N];
    let mut tails: [&[f32]; N] = [&[]; N];
    for n in 0..N {
        assert_eq!(x[n].len(), row.len(), "a dot product needs equal lengths");
        (chunks[n], tails[n]) = x[n].as_chunks::<LANES>();
    }
    for (at, &row) in row_chunks.iter().enumerate() {
        for n in 0..N {
            // By value, so that compilers keep each in a register.
            let (x, mut sum) = (chunks[n][at], sums[n]);
            for lane in 0..LANES {
                sum[lane] += row[lane] * x[lane];
            }
            sums[n] = sum;
        }
    }
    let mut found = [0.0; N];
    for n in 0..N {
        for (lane, a) in row_tail.iter().enumerate() {
            sums[n][lane] += a * tails[n][lane];
        }
        found[n] = total(&sums[n]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_the_exponential_function_within_two_units() {
        let mut worst = 0.0_f64;
        for step in -87_000..88_700 {
            let x = step as f32 / 1000.0;
            let (found, exact) = (f64::from(exp(x)), f64::from(x).exp());
            worst = worst.max(((found - exact) / exact).abs());
        }
        assert!(worst < 2.4e-7, "{worst}");
        assert_eq!((exp(0.0), exp(-200.0), exp(f32::NEG_INFINITY), exp(100.0)), (1.0, 0.0, 0.0, f32::INFINITY));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn many_vectors_are_multiplied_as_one_by_one() {
        for (rows, cols, vectors) in [(1, 1, 1), (3, 7, 4), (5, 64, 9), (2, 100, 3)] {
            let value = |i: usize| ((i * 7919 + 13) % 1000) as f32 / 333.0 - 1.5;
            let w: Vec<f32> = (0..rows * cols).map(value).collect();
            let x: Vec<f32> = (0..vectors * cols).map(|i| value(i + 5)).collect();
            let mut out = vec![0.0; rows * vectors];
            rows_by_vectors(&w, cols, &x, &mut out, rows);
            for v in 0..vectors {
                for r in 0..rows {
                    let expected = dot(&w[r * cols..][..cols], &x[v * cols..][..cols]);
                    assert_eq!(out[v * rows + r].to_bits(), expected.to_bits(), "{rows} x {cols}, vector {v}, row {r}");
                }
            }
        }
    }

    #[test]
    fn wide_registers_change_no_bit() {
        // Written out here, these are compiled for every machine; the functions choose AVX2 where it is.
        let values =
            |seed: usize, count: usize| -> Vec<f32> { (0..count).map(|i| ((i * 7919 + seed) % 1000) as f32 / 111.0 - 4.5).collect() };
        for count in [1, 7, 8, 33, 100] {
            let (gate, up, mut out) = (values(3, count), values(8, count), vec![0.0; count]);
            swiglu(&gate, &up, &mut out);
            assert!((0..count).all(|i| out[i].to_bits() == (gate[i] / (1.0 + exp(-gate[i])) * up[i]).to_bits()), "swiglu of {count}");
            let mut found = gate.clone();
            softmax(&mut found);
            let max = gate.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let powers: Vec<f32> = gate.iter().map(|v| exp(v - max)).collect();
            let mut sums = [0.0; LANES];
            powers.iter().enumerate().for_each(|(i, v)| sums[i % LANES] += v);
            assert!((0..count).all(|i| found[i].to_bits() == (powers[i] / total(&sums)).to_bits()), "softmax of {count}");
        }
    }

    #[test]
    fn geglu_is_gelu_by_tanh() {
        for g in [-6.0_f32, -1.0, -0.1, 0.0, 0.5, 3.0, 9.0] {
            let mut out = [0.0];
            geglu(&[g], &[2.0], &mut out);
            let x = f64::from(g);
            let exact = x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh());
            assert!((f64::from(out[0]) - exact).abs() < 1e-5, "{g}: {} against {exact}", out[0]);
        }
    }
}
