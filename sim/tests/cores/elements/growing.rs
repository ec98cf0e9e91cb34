//! The growing sum against its golden model.

use super::bench::{PACES, stream};
use crate::Bench;
use nda_spec::growing::{Grown, gap_limit, growing_add};
use nda_spec::random::Random;

#[test]
fn the_growing_sum_equals_golden_at_every_gap_tail_and_extreme() {
    let mut random = Random::new(37);
    for (unit, lanes, bits) in [("growing_add_4x8", 4_usize, 8), ("growing_add_3x4", 3, 4), ("growing_add_2x16", 2, 16)] {
        let (min, max) = (-(1_i32 << (bits - 1)), (1_i32 << (bits - 1)) - 1);
        for pace in PACES {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for turn in 0..600_usize {
                let count = [1, lanes - 1, lanes, lanes + 1, 3 * lanes + 2][turn % 5];
                // Every gap up to beyond the last that matters, both ways, and the ends of the exponents.
                let most = gap_limit(bits) as i32 + 3;
                let gap = (turn / 5) as i32 % (2 * most + 1) - most;
                let x_log2 = if turn % 7 == 0 { i32::from(i8::MAX) - gap.max(0) } else { random.below(200) as i32 - 100 };
                let d_log2 = (x_log2 + gap).clamp(-128, 127);
                // Small numbers do not grow, extremes do.
                let spread = [1, 1 << (bits - 2), max + 1][turn % 3];
                let mut value = || (random.below(2 * spread as usize + 1) as i32 - spread).clamp(min, max) as i16;
                let x: Vec<i16> = (0..count).map(|_| value()).collect();
                let mut d: Vec<i16> = (0..count).map(|_| value()).collect();
                if turn % 11 == 0 {
                    d = x.iter().map(|_| min as i16).collect();
                }
                let sum = growing_add(
                    bits,
                    &Grown { codes: x.clone(), log2_scale: x_log2 as i8 },
                    &Grown { codes: d.clone(), log2_scale: d_log2 as i8 },
                );
                let last = count.div_ceil(lanes) - 1;
                let pack = |codes: &[i16]| {
                    let mask = (1_u64 << bits) - 1;
                    codes.iter().enumerate().fold(0, |all, (i, &v)| all | (v as u64 & mask) << (i * bits as usize))
                };
                let beyond = |used: usize| (used..lanes).fold(0_u64, |all, i| all | 1 << (i * bits as usize + bits as usize - 1));
                for _pass in 0..2 {
                    for (i, (x, d)) in x.chunks(lanes).zip(d.chunks(lanes)).enumerate() {
                        let (x_word, d_word) = (pack(x) | beyond(x.len()), pack(d) | beyond(x.len()));
                        sent.push((x_word, d_word, u64::MAX >> (64 - x.len()), i == last, x_log2 as i8, d_log2 as i8));
                    }
                }
                let log2 = u64::from(sum.log2_scale as u8);
                expected.extend(sum.codes.chunks(lanes).enumerate().map(|(i, c)| (pack(c), log2, u64::from(i == last))));
            }
            let drive = |bench: &mut Bench, at: usize| {
                let (x, d, keep, is_last, x_log2, d_log2) = sent[at];
                for (port, value) in [("x", x), ("d", d), ("keep", keep), ("in_last", u64::from(is_last))] {
                    bench.set(port, value);
                }
                bench.set("x_log2", u64::from(x_log2 as u8));
                bench.set("d_log2", u64::from(d_log2 as u8));
            };
            let read = |bench: &Bench| (bench.get("sum"), bench.get("log2"), bench.get("out_last"));
            stream(&mut Bench::new(unit), pace, sent.len(), drive, read, &expected);
        }
    }
}

#[test]
fn every_pair_of_a8_codes_adds_as_golden_at_every_gap() {
    let mut bench = Bench::new("growing_add_4x8");
    for gap in 0..=10_i8 {
        let (mut sent, mut expected) = (Vec::new(), Vec::new());
        // Rows of the table of all pairs as vectors of 256, so that some grow and some do not; the smaller half of the scales.
        for x in (-128..=127_i32).step_by(if gap == 0 { 1 } else { 5 }) {
            let d: Vec<i16> = (-128..=127).collect();
            let sum = growing_add(8, &Grown { codes: vec![x as i16; 256], log2_scale: gap }, &Grown { codes: d.clone(), log2_scale: 0 });
            let word = |c: &[i16]| u64::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]].map(|v| v as u8)));
            let x_word = word(&[x as i16; 4]);
            for _pass in 0..2 {
                sent.extend(d.chunks(4).enumerate().map(|(i, d)| (x_word, word(d), i == 63)));
            }
            expected.extend(sum.codes.chunks(4).map(|c| (word(c), u64::from(sum.log2_scale as u8))));
        }
        let drive = |bench: &mut Bench, at: usize| {
            let (x, d, is_last) = sent[at];
            for (port, value) in [("x", x), ("d", d), ("keep", 15), ("in_last", u64::from(is_last)), ("x_log2", gap as u64), ("d_log2", 0)]
            {
                bench.set(port, value);
            }
        };
        stream(&mut bench, PACES[0], sent.len(), drive, |bench| (bench.get("sum"), bench.get("log2")), &expected);
    }
}
