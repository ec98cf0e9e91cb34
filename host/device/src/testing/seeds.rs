//! Operands for the element operations of the articles: both extremes, every kind of float, scales at their ends.

use nda_spec::random::Random;
use nda_spec::seed::{Call, Comparison, DEVICE_EPS_SHIFT, Operand};

const CODES: [i8; 4] = [-2, -1, 1, 2];
/// Exponents of both scales: at their ends, equal, and one, two and many apart.
const SCALES: [(i8, i8); 7] = [(-128, 127), (127, 127), (-128, -128), (0, 1), (1, 0), (3, 1), (5, 5)];

/// Operands of one length for every operation.
#[derive(Debug, Clone)]
pub struct SeedOperands {
    x: Vec<i8>,
    y: Vec<i8>,
    floats: Vec<f32>,
    scales: (i8, i8),
}

impl SeedOperands {
    /// Operands of this many elements: all of one code, at both extremes, then random ones.
    pub fn of_length(len: usize, random: &mut Random) -> Vec<SeedOperands> {
        let constant = [(-2, -2), (2, 2), (-2, 2), (-1, 1)].map(|(x, y)| (vec![x; len], vec![y; len]));
        let some = |random: &mut Random| -> Vec<i8> { (0..len).map(|_| CODES[random.below(4)]).collect() };
        let mut both: Vec<_> = constant.into();
        both.extend((0..3).map(|_| (some(random), some(random))));
        let made = both.into_iter().enumerate().map(|(kind, (x, y))| {
            let floats = (0..len).map(|index| float(kind, index, random)).collect();
            SeedOperands { x, y, floats, scales: SCALES[kind] }
        });
        made.collect()
    }

    /// Every operation on them.
    pub fn calls(&self) -> Vec<Call<'_>> {
        let (x, y) = (self.x.as_slice(), self.y.as_slice());
        let [first, second] = [(x, self.scales.0), (y, self.scales.1)].map(|(codes, log2_scale)| Operand { codes, log2_scale });
        let mut calls = vec![
            Call::Add(first, second),
            Call::AlignedAdd(x, y),
            Call::Swiglu(first, second),
            Call::Silu(x),
            Call::RmsNorm { x, weight: y, eps_shift: DEVICE_EPS_SHIFT },
            Call::RmsNorm { x: y, weight: x, eps_shift: u8::MAX },
            Call::Truthy(x),
            Call::Truthy(y),
            Call::Quantize(&self.floats),
        ];
        calls.extend(Comparison::ALL.map(|by| Call::Compare(by, x, y)));
        calls
    }
}

/// A float: zeros and next to nothing, the largest ones, ties at three quarters, then any bits at all.
fn float(kind: usize, index: usize, random: &mut Random) -> f32 {
    match kind {
        0 => [0.0, -0.0, 1e-9, -9.9e-9][index % 4],
        1 => [f32::MAX, f32::MIN, f32::MIN_POSITIVE, -1.0][index % 4],
        2 => [2.0, -2.0, 1.5, -1.5, 1.499_999_9, f32::NAN, -1.0][index % 7],
        3 => [f32::INFINITY, 1.0, f32::NEG_INFINITY, f32::NAN][index % 4],
        4 => f32::from_bits(random.next_u64() as u32),
        _ => (random.below(20_001) as f32 - 10_000.0) / 7_777.0,
    }
}
