//! Float operations of a forward pass, each with one fixed order of evaluation: the same bits on every machine.
//!
//! Every loop is written with explicit partial sums and without fused operations, so a compiler may use wider registers
//! without changing a bit; on x86-64 each is compiled a second time for AVX2 and chosen at run time.

/// Partial sums of [`dot`].
const LANES: usize = 8;

/// Compiles a function for every machine and for AVX2, and calls the one that this machine runs best.
macro_rules! for_avx2 {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $of:ty),*) $(-> $back:ty)? $body:block) => {
        $(#[$doc])*
        pub fn $name($($arg: $of),*) $(-> $back)? {
            #[inline(always)]
            fn body($($arg: $of),*) $(-> $back)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn wide($($arg: $of),*) $(-> $back)? {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has AVX2, as was found just now.
                return unsafe { wide($($arg),*) };
            }
            body($($arg),*)
        }
    };
}

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
    // 2^whole in two halves, because 2^128 is no float and the largest result is nearly that.
    let power = |n: i32| f32::from_bits(((n + 127) << 23).cast_unsigned());
    // The whole number stands in the low bits of the shifted one; of NaN and infinities anything does.
    let clamped = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed().clamp(-126, 128);
    let result = fraction * power(clamped >> 1) * power(clamped - (clamped >> 1));
    let result = if x < LOWEST { 0.0 } else { result };
    if x > HIGHEST { f32::INFINITY } else { result }
}

for_avx2! {
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

for_avx2! {
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

for_avx2! {
    /// `x = softmax(x)`, the maximum taken off first; the sum runs in eight interleaved partial sums as [`dot`]'s.
    pub fn softmax(x: &mut [f32]) {
        let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        x.iter_mut().for_each(|v| *v = exp(*v - max));
        let mut sums = [0.0_f32; LANES];
        let (chunks, tail) = x.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                sums[lane] += chunk[lane];
            }
        }
        tail.iter().enumerate().for_each(|(lane, v)| sums[lane] += v);
        let sum = total(&sums);
        x.iter_mut().for_each(|v| *v /= sum);
    }
}

/// Vectors that meet a row at once: their partial sums stay in registers.
const TOGETHER: usize = 4;

for_avx2! {
    /// `out[v * rows_stride + r] = dot(row r, vector v)` for rows of `cols` values and vectors one after another.
    ///
    /// # Panics
    /// If lengths are no multiples of `cols` or `out` is too short.
    pub fn rows_by_vectors(rows: &[f32], cols: usize, x: &[f32], out: &mut [f32], stride: usize) {
        let vectors: Vec<&[f32]> = x.chunks_exact(cols).collect();
        for (first, four) in vectors.chunks(TOGETHER).enumerate() {
            for (r, row) in rows.chunks_exact(cols).enumerate() {
                let found = match four {
                    [a, b, c, d] => four_dots(row, [a, b, c, d]),
                    few => std::array::from_fn(|i| few.get(i).map_or(0.0, |x| dot(row, x))),
                };
                for (i, value) in found.into_iter().take(four.len()).enumerate() {
                    out[(first * TOGETHER + i) * stride + r] = value;
                }
            }
        }
    }
}

/// Four times [`dot`], to the bit, in one pass over the row.
#[inline(always)]
fn four_dots(row: &[f32], x: [&[f32]; TOGETHER]) -> [f32; TOGETHER] {
    let (row, tail) = row.as_chunks::<LANES>();
    let x_chunks = x.map(|x| x.as_chunks::<LANES>());
    let mut sums = [[0.0_f32; LANES]; TOGETHER];
    for (at, row) in row.iter().enumerate() {
        for (sums, (x, _)) in sums.iter_mut().zip(&x_chunks) {
            for lane in 0..LANES {
                sums[lane] += row[lane] * x[at][lane];
            }
        }
    }
    for (sums, (_, x)) in sums.iter_mut().zip(&x_chunks) {
        tail.iter().zip(*x).enumerate().for_each(|(lane, (a, b))| sums[lane] += a * b);
    }
    sums.map(|sums| total(&sums))
}

/// Values of a head that are summed in registers: a whole head's, usually, and half a cache line's of what is left.
const MIXED: [usize; 2] = [64, 16];

/// Keys or values of one head: of every position `head_dim` values, a `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct HeadCache<'c> {
    /// From the first position's first value on.
    pub values: &'c [f32],
    /// From a position's values to the next one's.
    pub stride: usize,
}

for_avx2! {
    /// One query's attention: `out = softmax(scale * q k) v` over as many positions as `scores` is long.
    ///
    /// # Panics
    /// If a cache is too short.
    pub fn attend(q: &[f32], keys: HeadCache<'_>, values: HeadCache<'_>, scale: f32, scores: &mut [f32], out: &mut [f32]) {
        let key = |position: usize| &keys.values[position * keys.stride..][..q.len()];
        // Four positions at once: the sums of one alone would wait for each other.
        let (fours, rest) = scores.as_chunks_mut::<TOGETHER>();
        let first = fours.len() * TOGETHER;
        for (four, scores) in fours.iter_mut().enumerate() {
            *scores = four_dots(q, std::array::from_fn(|i| key(four * TOGETHER + i))).map(|product| product * scale);
        }
        for (position, score) in rest.iter_mut().enumerate() {
            *score = dot(q, key(first + position)) * scale;
        }
        softmax(scores);
        let (large, rest) = out.as_chunks_mut::<{ MIXED[0] }>();
        let (small, tail) = rest.as_chunks_mut::<{ MIXED[1] }>();
        let mut at = 0;
        large.iter_mut().for_each(|out| *out = mix(values, &mut at, scores));
        small.iter_mut().for_each(|out| *out = mix(values, &mut at, scores));
        tail.iter_mut().for_each(|out| *out = mix::<1>(values, &mut at, scores)[0]);
    }
}

/// `sum_p scores[p] * values[p][at..at + N]`, positions in order; moves `at` on.
#[inline(always)]
fn mix<const N: usize>(values: HeadCache<'_>, at: &mut usize, scores: &[f32]) -> [f32; N] {
    let mut sums = [0.0_f32; N];
    for (position, score) in scores.iter().enumerate() {
        let value = &values.values[position * values.stride + *at..][..N];
        for lane in 0..N {
            sums[lane] += score * value[lane];
        }
    }
    *at += N;
    sums
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

    #[test]
    fn attention_is_a_mean_of_values() {
        let keys = [1.0, 0.0, 9.0, 1.0, 0.0, 9.0, 1.0, 0.0, 9.0];
        let values: Vec<f32> = (0..9).map(|i| i as f32).collect();
        let (mut scores, mut out) = ([0.0; 3], [0.0; 2]);
        let of = |values| HeadCache { values, stride: 3 };
        attend(&[2.0, 5.0], of(&keys), of(&values), 0.5, &mut scores, &mut out);
        // Equal scores: the mean of 0, 3, 6 and of 1, 4, 7.
        assert!((out[0] - 3.0).abs() < 1e-6 && (out[1] - 4.0).abs() < 1e-6, "{out:?}");
    }

    #[test]
    fn attention_has_one_order_of_evaluation_whatever_is_taken_at_once() {
        for (head_dim, positions) in [(1, 1), (7, 3), (16, 4), (64, 5), (81, 9), (256, 13)] {
            let stride = head_dim + 5;
            let value = |i: usize| ((i * 7919 + 13) % 1000) as f32 / 333.0 - 1.5;
            let q: Vec<f32> = (0..head_dim).map(value).collect();
            let [keys, values] = [3, 8].map(|seed| (0..positions * stride).map(|i| value(i + seed)).collect::<Vec<f32>>());
            let (mut scores, mut out) = (vec![0.0; positions], vec![0.0; head_dim]);
            let of = |values| HeadCache { values, stride };
            attend(&q, of(&keys), of(&values), 0.3, &mut scores, &mut out);
            let mut expected: Vec<f32> = (0..positions).map(|p| dot(&q, &keys[p * stride..][..head_dim]) * 0.3).collect();
            softmax(&mut expected);
            for (i, found) in out.iter().enumerate() {
                let sum = expected.iter().enumerate().fold(0.0, |sum, (p, score)| sum + score * values[p * stride + i]);
                assert_eq!(found.to_bits(), sum.to_bits(), "{head_dim} values, {positions} positions, value {i}");
            }
        }
    }
}
