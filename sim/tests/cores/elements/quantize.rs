//! The articles' quantizer against its golden model.

use super::bench::{PACES, planes, stream};
use crate::Bench;
use nda_spec::random::Random;
use nda_spec::seed;

/// Floats around everything that the quantizer decides: zeros, subnormals, thresholds, infinities, NaN.
fn float_vectors(random: &mut Random, count: usize) -> Vec<Vec<f32>> {
    let least = seed::MIN_AMAX;
    let mut all = vec![
        vec![0.0],
        vec![-0.0, 0.0, f32::NAN],
        vec![f32::NAN],
        vec![1e-9, -2e-9, 5e-45],
        vec![least.next_down(), -least.next_down()],
        vec![least, -least, least * 0.75, least * -0.75],
        vec![f32::INFINITY, 3.0, f32::NEG_INFINITY, -1.0],
        vec![f32::MAX, f32::MIN, f32::MAX * 0.75, f32::MAX * 0.74],
        vec![f32::from_bits(0x7f00_0000), f32::from_bits(0x7e40_0000), f32::from_bits(0x7e3f_ffff)],
    ];
    for _ in 0..count {
        let amax = f32::from_bits((101 + random.below(154) as u32) << 23 | random.next_u64() as u32 & 0x7f_ffff);
        let threshold = seed::large_from(amax.to_bits());
        let mut vector = vec![amax, -amax];
        for near in threshold - 2..=threshold + 2 {
            let sign = (random.next_u64() as u32) << 31;
            if near <= amax.to_bits() {
                vector.push(f32::from_bits(near | sign));
            }
        }
        for _ in 0..random.below(9) {
            let any = f32::from_bits(random.next_u64() as u32);
            if any.is_nan() || any.abs() <= amax {
                vector.push(any);
            }
        }
        for i in 0..vector.len() {
            let other = random.below(vector.len());
            vector.swap(i, other);
        }
        all.push(vector);
    }
    all
}

#[test]
fn the_quantizer_equals_golden_at_thresholds_subnormals_infinities_and_nan() {
    let mut random = Random::new(31);
    for (unit, lanes) in [("seed_quantize_1", 1), ("seed_quantize_3", 3)] {
        for (pace, count) in PACES.into_iter().zip([1_000, 300, 300]) {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for vector in float_vectors(&mut random, count) {
                let golden = seed::quantize(&vector);
                let last = vector.len().div_ceil(lanes) - 1;
                for _pass in 0..2 {
                    sent.extend(vector.chunks(lanes).enumerate().map(|(i, chunk)| (chunk.to_vec(), i == last)));
                }
                let scale = u64::from(golden.scale.to_bits());
                let beat = |(i, (s, e)): (usize, (u64, u64))| (s, e, scale, u64::from(i == last));
                expected.extend(planes(&golden.codes, lanes).into_iter().enumerate().map(beat));
            }
            let drive = |bench: &mut Bench, at: usize| {
                let (chunk, is_last) = &sent[at];
                // Lanes beyond the vector hold its largest number, which must not count.
                let word = |lane: usize| chunk.get(lane).map_or(f32::MAX.to_bits(), |v| v.to_bits()).to_le_bytes();
                let bytes: Vec<u8> = (0..lanes).flat_map(word).collect();
                let port = bench.port("x");
                bench.model.set_bytes(port, &bytes);
                bench.set("keep", u64::MAX >> (64 - chunk.len()));
                bench.set("in_last", u64::from(*is_last));
            };
            // The scale stands with every beat, for as long as the last one waits.
            let read = |bench: &Bench| (bench.get("sign"), bench.get("extra"), bench.get("scale"), bench.get("out_last"));
            stream(&mut Bench::new(unit), pace, sent.len(), drive, read, &expected);
        }
    }
}
