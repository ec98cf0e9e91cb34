//! Element operations: the articles' (seed mode) and the growing sum, each against its golden model under gaps and stalls.

use crate::Bench;
use nda_cores::element_units::NORM_EPS;
use nda_cores::seed_table::TABLE_WORDS;
use nda_device::Random;
use nda_spec::growing::{Grown, gap_limit, growing_add};
use nda_spec::seed::{self, Comparison, Scaled};

const CODES: [i8; 4] = [-2, -1, 1, 2];

/// How often beats are offered and taken, in ten thousandths, by seed.
const PACES: [(u64, u32, u32); 3] = [(1, 10_000, 10_000), (2, 6_000, 3_500), (3, 3_000, 9_000)];

/// Sends `beats` beats through a stream and compares what comes out, beat by beat. `drive` sets a beat's inputs but the
/// handshake's, `read` gives the outputs. A beat that is offered stays, a beat that is not taken stays as it is, and between
/// beats the inputs hold another beat's values.
fn stream<T: PartialEq + std::fmt::Debug>(
    bench: &mut Bench,
    (seed, offer, take): (u64, u32, u32),
    beats: usize,
    drive: impl Fn(&mut Bench, usize),
    read: impl Fn(&Bench) -> T,
    expected: &[T],
) {
    let mut random = Random::new(seed);
    let (mut at, mut got, mut offered, mut standing) = (0, 0, false, None::<T>);
    let most = 100 * (beats + expected.len()) + 10_000;
    for _ in 0..most {
        if at == beats && got == expected.len() {
            break;
        }
        offered |= at < beats && random.chance(offer);
        drive(bench, if offered { at } else { random.below(beats) });
        let taken = random.chance(take);
        bench.set("in_valid", u64::from(offered));
        bench.set("out_ready", u64::from(taken));
        bench.eval();
        let stands = bench.is("out_valid");
        let value = stands.then(|| read(bench));
        if let Some(before) = standing.take() {
            assert_eq!(value.as_ref(), Some(&before), "seed {seed}: beat {got} changed while it waited");
        }
        if let Some(value) = value {
            assert!(got < expected.len(), "seed {seed}: a beat too many after beat {at}");
            assert_eq!(value, expected[got], "seed {seed}: output {got}");
            if taken {
                got += 1;
            } else {
                standing = Some(value);
            }
        }
        if offered && bench.is("in_ready") {
            (at, offered) = (at + 1, false);
        }
        bench.tick();
    }
    assert_eq!((at, got), (beats, expected.len()), "seed {seed}: beats in and out after {most} cycles");
    bench.set("in_valid", 0);
    bench.set("out_ready", 1);
    for _ in 0..4 {
        bench.tick();
        assert!(!bench.is("out_valid"), "seed {seed}: a beat too many");
    }
}

/// A beat of codes as two planes and their mask. Lanes beyond the codes hold ones, which must not come through.
#[derive(Clone)]
struct Beat {
    sign: u64,
    extra: u64,
    keep: u64,
}

/// A vector cut into beats of `lanes` codes.
fn beats(codes: &[i8], lanes: usize) -> Vec<Beat> {
    let chunk = |codes: &[i8]| {
        let (sign, extra) = seed::planes(codes);
        let keep = u64::MAX >> (64 - codes.len());
        let beyond = (u64::MAX >> (64 - lanes)) & !keep;
        Beat { sign: sign[0] | beyond, extra: extra[0] | beyond, keep }
    };
    codes.chunks(lanes).map(chunk).collect()
}

/// Planes of the expected results, beat by beat: padding is zero.
fn planes(codes: &[i8], lanes: usize) -> Vec<(u64, u64)> {
    beats(codes, lanes).into_iter().map(|b| (b.sign & b.keep, b.extra & b.keep)).collect()
}

fn set_planes(bench: &mut Bench, name: &str, beat: &Beat) {
    bench.set(&format!("{name}_sign"), beat.sign);
    bench.set(&format!("{name}_extra"), beat.extra);
    bench.set("keep", beat.keep);
}

/// The same for a core without a mask, whose padding is zero.
fn set_padded_planes(bench: &mut Bench, name: &str, beat: &Beat) {
    bench.set(&format!("{name}_sign"), beat.sign & beat.keep);
    bench.set(&format!("{name}_extra"), beat.extra & beat.keep);
}

fn read_planes(bench: &Bench) -> (u64, u64) {
    (bench.get("sign"), bench.get("extra"))
}

/// All 16 pairs of codes, twice over and in another order, so that every pair stands in two lanes of 32.
fn all_pairs() -> (Vec<i8>, Vec<i8>) {
    (0..32).map(|i| (CODES[i % 4], CODES[(i / 4 + i / 16) % 4])).unzip()
}

/// `count` random codes.
fn codes(random: &mut Random, count: usize) -> Vec<i8> {
    (0..count).map(|_| CODES[random.below(4)]).collect()
}

/// Two operands through a core that has no exponents.
fn two_operands(unit: &str, names: [&str; 2], lanes: usize, golden: impl Fn(&[i8], &[i8]) -> Vec<i8>, set: impl Fn(&mut Bench)) {
    let mut random = Random::new(17);
    for pace in PACES {
        let mut bench = Bench::new(unit);
        set(&mut bench);
        for count in [1, lanes - 1, lanes, lanes + 1, 5 * lanes + 3, 40 * lanes] {
            let (a, b) = (codes(&mut random, count), codes(&mut random, count));
            let (a_beats, b_beats) = (beats(&a, lanes), beats(&b, lanes));
            let drive = |bench: &mut Bench, at: usize| {
                set_planes(bench, names[0], &a_beats[at]);
                set_planes(bench, names[1], &b_beats[at]);
            };
            stream(&mut bench, pace, a_beats.len(), drive, read_planes, &planes(&golden(&a, &b), lanes));
        }
    }
}

fn aligned_add(x: &[i8], d: &[i8]) -> Vec<i8> {
    seed::add(&Scaled { codes: x.to_vec(), log2_scale: 0 }, &Scaled { codes: d.to_vec(), log2_scale: 0 }).codes
}

#[test]
fn the_boolean_adder_equals_golden_at_every_tail_and_leaves_padding_zero() {
    let mut random = Random::new(19);
    for (unit, lanes) in [("seed_aligned_add_8", 8), ("seed_aligned_add_32", 32)] {
        for pace in PACES {
            for count in [1, lanes - 1, lanes, lanes + 1, 40 * lanes + 3] {
                let (x, d) = (codes(&mut random, count), codes(&mut random, count));
                let (x_beats, d_beats) = (beats(&x, lanes), beats(&d, lanes));
                let drive = |bench: &mut Bench, at: usize| {
                    set_padded_planes(bench, "x", &x_beats[at]);
                    set_padded_planes(bench, "d", &d_beats[at]);
                };
                stream(&mut Bench::new(unit), pace, x_beats.len(), drive, read_planes, &planes(&aligned_add(&x, &d), lanes));
            }
        }
    }
}

/// Fills the table, two entries a word.
fn load(bench: &mut Bench, table: &[u8]) {
    bench.set("write_enable", 1);
    for word in 0..TABLE_WORDS {
        bench.set("write_address", word as u64);
        bench.set("write_data", u64::from(table[2 * word]) | u64::from(table[2 * word + 1]) << 8);
        bench.eval();
        assert!(!bench.is("in_ready"), "a write takes the cycle");
        bench.tick();
    }
    bench.set("write_enable", 0);
}

#[test]
fn all_65536_entries_of_both_tables_come_out_of_the_table_and_of_the_boolean_form() {
    let nibble = |index: usize, at: usize| (index >> at & 15) as u64;
    let all: Vec<usize> = (0..seed::TABLE_ENTRIES).map(|i| (i * 40_503 + i / 3) % seed::TABLE_ENTRIES).collect();
    let entries = |table: &[u8]| all.iter().map(|&i| (u64::from(table[i] & 15), u64::from(table[i] >> 4))).collect::<Vec<_>>();
    let drive = |bench: &mut Bench, at: usize| {
        for (port, shift) in [("x_sign", 0), ("x_extra", 4), ("d_sign", 8), ("d_extra", 12)] {
            bench.set(port, nibble(all[at], shift));
        }
        bench.set("keep", 15);
    };
    let (add, swiglu) = (seed::add_lut_q16(), seed::swiglu_lut_q16());
    // A permutation of all of them: 40,503 is odd, but i / 3 disturbs it, so what is missing is sent in order as well.
    let in_order: Vec<(u64, u64)> = add.iter().map(|&e| (u64::from(e & 15), u64::from(e >> 4))).collect();
    for (unit, pace) in [("seed_table", PACES[1]), ("seed_table_single", PACES[1])] {
        let mut bench = Bench::new(unit);
        for table in [&add, &swiglu] {
            load(&mut bench, table);
            stream(&mut bench, pace, all.len(), drive, read_planes, &entries(table));
        }
        load(&mut bench, &add);
        let drive = |bench: &mut Bench, at: usize| {
            for (port, shift) in [("x_sign", 0), ("x_extra", 4), ("d_sign", 8), ("d_extra", 12)] {
                bench.set(port, nibble(at, shift));
            }
            bench.set("keep", 15);
        };
        stream(&mut bench, PACES[0], in_order.len(), drive, read_planes, &in_order);
    }
    // The Boolean forms: eight lanes are two look-ups, of an index and of its opposite.
    let drive = |names: [&'static str; 2], has_mask: bool| {
        move |bench: &mut Bench, at: usize| {
            for (lane, name) in names.into_iter().enumerate() {
                for (plane, port) in [(0, "sign"), (4, "extra")] {
                    let of = |index: usize| nibble(index, 8 * lane + plane);
                    bench.set(&format!("{name}_{port}"), of(at) | of(seed::TABLE_ENTRIES - 1 - at) << 4);
                }
            }
            if has_mask {
                bench.set("keep", 255);
            }
        }
    };
    let both = |entry: &dyn Fn(usize) -> u8| -> Vec<(u64, u64)> {
        let pair = |i: usize| [entry(i), entry(seed::TABLE_ENTRIES - 1 - i)].map(u64::from);
        (0..seed::TABLE_ENTRIES).map(pair).map(|[low, high]| (low & 15 | (high & 15) << 4, low >> 4 | (high >> 4) << 4)).collect()
    };
    let expected = both(&|i| add[i]);
    for (unit, has_mask) in [("seed_aligned_add_8", false), ("seed_add_8", true)] {
        let mut bench = Bench::new(unit);
        stream(&mut bench, PACES[1], seed::TABLE_ENTRIES, drive(["x", "d"], has_mask), read_planes, &expected);
    }
    // The gate's SiLU stands before the table.
    let silu = |i: usize| i | (!i & 15) << 4;
    let mut bench = Bench::new("seed_swiglu_8");
    stream(&mut bench, PACES[1], seed::TABLE_ENTRIES, drive(["gate", "up"], true), read_planes, &both(&|i| swiglu[silu(i)]));
}

/// A core of two operands with exponents, at every pair of exponents and all pairs of codes.
fn every_scale(unit: &str, names: [&str; 2], golden: impl Fn(&Scaled, &Scaled) -> Scaled) {
    let (a, b) = all_pairs();
    let (a_beat, b_beat) = (&beats(&a, 32)[0], &beats(&b, 32)[0]);
    let scales = |at: usize| ((at % 256) as u8 as i8, (at / 256) as u8 as i8);
    let expected: Vec<(u64, u64, u64)> = (0..65_536)
        .map(|at| {
            let sum =
                golden(&Scaled { codes: a.clone(), log2_scale: scales(at).0 }, &Scaled { codes: b.clone(), log2_scale: scales(at).1 });
            let (sign, extra) = planes(&sum.codes, 32)[0];
            (sign, extra, u64::from(sum.log2_scale as u8))
        })
        .collect();
    let drive = |bench: &mut Bench, at: usize| {
        set_planes(bench, names[0], a_beat);
        set_planes(bench, names[1], b_beat);
        bench.set(&format!("{}_log2", names[0]), u64::from(scales(at).0 as u8));
        bench.set(&format!("{}_log2", names[1]), u64::from(scales(at).1 as u8));
    };
    let read = |bench: &Bench| (bench.get("sign"), bench.get("extra"), bench.get("log2"));
    let mut bench = Bench::new(unit);
    stream(&mut bench, PACES[1], expected.len(), drive, read, &expected);
}

#[test]
fn the_adder_equals_golden_at_all_16_pairs_and_every_pair_of_scales() {
    every_scale("seed_add_32", ["x", "d"], seed::add);
}

#[test]
fn swiglu_equals_golden_at_all_16_pairs_and_every_pair_of_scales() {
    every_scale("seed_swiglu_32", ["gate", "up"], seed::swiglu);
}

#[test]
fn the_adder_equals_golden_at_every_tail_and_gap() {
    for gap in [0, 1, 2, 3, -1, -2, -100] {
        let scaled = |codes: &[i8], log2_scale: i8| Scaled { codes: codes.to_vec(), log2_scale };
        let golden = |x: &[i8], d: &[i8]| seed::add(&scaled(x, gap), &scaled(d, 0)).codes;
        two_operands("seed_add_8", ["x", "d"], 8, golden, |bench| bench.set("x_log2", u64::from(gap as u8)));
    }
}

#[test]
fn comparisons_equal_golden_at_all_16_pairs_and_every_tail() {
    for by in Comparison::ALL {
        for (unit, lanes) in [("seed_compare_8", 8), ("seed_compare_32", 32)] {
            two_operands(unit, ["a", "b"], lanes, |a, b| seed::compare(by, a, b), |bench| bench.set("by", u64::from(by.number())));
        }
        let (a, b) = all_pairs();
        let (a_beat, b_beat) = (&beats(&a, 32)[0], &beats(&b, 32)[0]);
        let mut bench = Bench::new("seed_compare_32");
        bench.set("by", u64::from(by.number()));
        let drive = |bench: &mut Bench, _: usize| {
            set_planes(bench, "a", a_beat);
            set_planes(bench, "b", b_beat);
        };
        stream(&mut bench, PACES[0], 1, drive, read_planes, &planes(&seed::compare(by, &a, &b), 32));
    }
}

#[test]
fn silu_equals_golden_at_every_code_in_every_lane_and_every_tail() {
    for pace in PACES {
        let mut bench = Bench::new("seed_silu_32");
        for count in [1, 31, 32, 33, 4 * 32 + 7] {
            for turn in 0..4 {
                let x: Vec<i8> = (0..count).map(|i| CODES[(i + turn + i / 32) % 4]).collect();
                let expected: Vec<i8> = x.iter().map(|&v| seed::silu(v)).collect();
                let x = beats(&x, 32);
                let drive = |bench: &mut Bench, at: usize| set_planes(bench, "x", &x[at]);
                stream(&mut bench, pace, x.len(), drive, read_planes, &planes(&expected, 32));
            }
        }
    }
}

/// Vectors of lengths around the lanes, of random codes, of one code alone, and of sums next to zero.
fn vectors(random: &mut Random, lanes: usize) -> Vec<Vec<i8>> {
    let mut all: Vec<Vec<i8>> = [1, 2, lanes - 1, lanes, lanes + 1, 3 * lanes, 10 * lanes + 5].map(|n| codes(random, n)).into();
    for code in CODES {
        all.extend([1, lanes, 9 * lanes + 1].map(|n| vec![code; n]));
    }
    for extra in CODES {
        let pairs = (0..4 * lanes).map(|i| CODES[3 * (i % 2)]);
        all.push(pairs.chain([extra]).collect());
    }
    all
}

#[test]
fn truthy_equals_golden_for_vectors_of_every_tail_and_sums_next_to_zero() {
    let mut random = Random::new(23);
    for (unit, lanes) in [("seed_truthy_8", 8), ("seed_truthy_32", 32)] {
        for pace in PACES {
            let all = vectors(&mut random, lanes);
            let expected: Vec<u64> = all.iter().map(|v| u64::from(seed::truthy(v))).collect();
            let sent: Vec<(Beat, bool)> = all
                .iter()
                .flat_map(|v| {
                    let cut = beats(v, lanes);
                    let last = cut.len() - 1;
                    cut.into_iter().enumerate().map(move |(i, beat)| (beat, i == last)).collect::<Vec<_>>()
                })
                .collect();
            let drive = |bench: &mut Bench, at: usize| {
                set_planes(bench, "x", &sent[at].0);
                bench.set("in_last", u64::from(sent[at].1));
            };
            stream(&mut Bench::new(unit), pace, sent.len(), drive, |bench| bench.get("is_true"), &expected);
        }
    }
}

#[test]
fn rms_norm_equals_golden_for_vectors_of_every_tail_and_every_share_of_large_codes() {
    let mut random = Random::new(29);
    for ((unit, eps_shift), lanes) in NORM_EPS.into_iter().zip([8, 32]) {
        for pace in PACES {
            let mut all = vectors(&mut random, lanes);
            // Every share of large codes of a small vector, and one code beside all large ones.
            all.extend((0..=20).map(|large| (0..20).map(|i| if i < large { CODES[3 * (i % 2)] } else { CODES[1 + i % 2] }).collect()));
            all.push([vec![2; 9 * lanes], vec![-1]].concat());
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for x in &all {
                let weight = codes(&mut random, x.len());
                let (x_beats, w_beats) = (beats(x, lanes), beats(&weight, lanes));
                let last = x_beats.len() - 1;
                for _pass in 0..2 {
                    sent.extend((0..=last).map(|i| (x_beats[i].clone(), w_beats[i].clone(), i == last)));
                }
                let normed = seed::rms_norm(x, &Scaled { codes: weight, log2_scale: 0 }, eps_shift).codes;
                expected.extend(planes(&normed, lanes).into_iter().enumerate().map(|(i, (s, e))| (s, e, u64::from(i == last))));
            }
            let drive = |bench: &mut Bench, at: usize| {
                set_planes(bench, "w", &sent[at].1);
                set_planes(bench, "x", &sent[at].0);
                bench.set("in_last", u64::from(sent[at].2));
            };
            let read = |bench: &Bench| (bench.get("sign"), bench.get("extra"), bench.get("out_last"));
            stream(&mut Bench::new(unit), pace, sent.len(), drive, read, &expected);
        }
    }
}

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
