//! The element cores' netlists against `nda_spec`, evaluated in Rust under stalls: every tail, both extremes, every format.

use nda_cores::netlist::Evaluation;
use nda_cores::seed::element_units::NORM_EPS;
use nda_cores::seed::seed_quantize::FloatFormat;
use nda_cores::store::packed_store::MemoryStyle;
use nda_cores::{seed::growing_add, seed::seed_quantize, seed::seed_rms_norm, seed::seed_table, seed::seed_truthy};
use nda_spec::growing::{Grown, gap_limit, growing_add as golden_sum};
use nda_spec::random::Random;
use nda_spec::seed::{self, Scaled};

const CODES: [i8; 4] = [-2, -1, 1, 2];

fn codes(count: usize, random: &mut Random) -> Vec<i8> {
    (0..count).map(|_| random.one_of(&CODES)).collect()
}

/// A beat's inputs by port, words lowest first.
type Beat = Vec<(&'static str, Vec<u64>)>;

/// Sends beats and gives these outputs of every result, both sides stalled at random.
fn stream(e: &mut Evaluation, random: &mut Random, beats: &[Beat], outputs: &[&str], results: usize) -> Vec<Vec<u64>> {
    let (mut at, mut got, mut is_offered) = (0, Vec::new(), false);
    for _ in 0..100 * (beats.len() + results) + 1_000 {
        if at == beats.len() && got.len() == results {
            break;
        }
        is_offered |= at < beats.len() && random.below(4) > 0;
        let shown = if is_offered { at } else { random.below(beats.len()) };
        beats[shown].iter().for_each(|(port, words)| e.set(port, words));
        let is_taken = random.below(3) > 0;
        e.set("in_valid", &[u64::from(is_offered)]);
        e.set("out_ready", &[u64::from(is_taken)]);
        if e.get("out_valid") == 1 && is_taken {
            got.push(outputs.iter().map(|output| e.get(output)).collect());
        }
        if is_offered && e.get("in_ready") == 1 {
            (at, is_offered) = (at + 1, false);
        }
        e.clock();
    }
    assert_eq!((at, got.len()), (beats.len(), results), "beats in and results out");
    got
}

/// A vector in beats of two planes and their mask; lanes beyond the codes hold ones, which must not come through.
fn planes(codes: &[i8], lanes: usize) -> Vec<[u64; 3]> {
    let beat = |codes: &[i8]| {
        let (sign, extra) = seed::planes(codes);
        let keep = u64::MAX >> (64 - codes.len());
        let beyond = (u64::MAX >> (64 - lanes)) & !keep;
        [sign[0] | beyond, extra[0] | beyond, keep]
    };
    codes.chunks(lanes).map(beat).collect()
}

fn vectors(random: &mut Random, lanes: usize) -> Vec<Vec<i8>> {
    let mut all: Vec<Vec<i8>> = (1..=2 * lanes + 1).map(|count| codes(count, random)).collect();
    for code in CODES {
        all.extend([1, lanes, 9 * lanes + 1].map(|count| vec![code; count]));
        // A sum next to zero.
        all.push((0..2 * lanes).map(|k| CODES[3 * (k % 2)]).chain([code]).collect());
    }
    all
}

#[test]
fn truthy_equals_golden_at_every_tail_and_extreme() {
    for lanes in [1, 8, 32] {
        let mut random = Random::new(3);
        let all = vectors(&mut random, lanes);
        let beats: Vec<Beat> =
            all.iter().flat_map(|codes| last_said(planes(codes, lanes))).map(|([s, e, k], last)| beat("x", s, e, k, last)).collect();
        let expected: Vec<Vec<u64>> = all.iter().map(|codes| vec![u64::from(seed::truthy(codes))]).collect();
        let mut e = Evaluation::new(&seed_truthy::netlist(lanes));
        assert_eq!(stream(&mut e, &mut random, &beats, &["is_true"], expected.len()), expected, "{lanes} lanes");
    }
}

/// Each with whether it is the last.
fn last_said<T>(all: Vec<T>) -> Vec<(T, u64)> {
    let last = all.len() - 1;
    all.into_iter().enumerate().map(|(k, one)| (one, u64::from(k == last))).collect()
}

fn beat(name: &str, sign: u64, extra: u64, keep: u64, last: u64) -> Beat {
    let ports = if name == "x" { ["x_sign", "x_extra"] } else { ["w_sign", "w_extra"] };
    vec![(ports[0], vec![sign]), (ports[1], vec![extra]), ("keep", vec![keep]), ("in_last", vec![last])]
}

#[test]
fn rms_norm_equals_golden_at_every_tail_and_share_of_large_codes() {
    for (eps_shift, lanes) in [(NORM_EPS[0].1, 8), (NORM_EPS[1].1, 32), (NORM_EPS[1].1, 1)] {
        let mut random = Random::new(5);
        let mut all = vectors(&mut random, lanes);
        all.extend((0..=20).map(|large| (0..20).map(|k| if k < large { CODES[3 * (k % 2)] } else { CODES[1 + k % 2] }).collect()));
        all.push([vec![2; 9 * lanes], vec![-1]].concat());
        let (mut beats, mut expected) = (Vec::new(), Vec::new());
        for x in &all {
            let weight = codes(x.len(), &mut random);
            let pass: Vec<Beat> = last_said(planes(x, lanes).into_iter().zip(planes(&weight, lanes)).collect())
                .into_iter()
                .map(|(([s, e, k], [ws, we, _]), last)| [beat("w", ws, we, k, last), beat("x", s, e, k, last)].concat())
                .collect();
            beats.extend([pass.clone(), pass].concat());
            let normed = seed::rms_norm(x, &Scaled { codes: weight, log2_scale: 0 }, eps_shift).codes;
            expected.extend(last_said(planes(&normed, lanes)).into_iter().map(|([s, e, k], last)| vec![s & k, e & k, last]));
        }
        let mut e = Evaluation::new(&seed_rms_norm::netlist(lanes, eps_shift));
        assert_eq!(stream(&mut e, &mut random, &beats, &["sign", "extra", "out_last"], expected.len()), expected, "{lanes} lanes");
    }
}

#[test]
fn both_tables_come_out_of_both_kinds_of_memory() {
    for style in [MemoryStyle::Block, MemoryStyle::SinglePort] {
        let mut e = Evaluation::new(&seed_table::netlist(style));
        for table in [seed::add_lut_q16(), seed::swiglu_lut_q16()] {
            e.set("write_enable", &[1]);
            for (word, pair) in table.chunks(2).enumerate() {
                e.set("write_address", &[word as u64]);
                e.set("write_data", &[u64::from(pair[0]) | u64::from(pair[1]) << 8]);
                assert_eq!(e.get("in_ready"), 0, "a write takes the cycle");
                e.clock();
            }
            e.set("write_enable", &[0]);
            let mut random = Random::new(7);
            let asked: Vec<(usize, u64)> = (0..4_000).map(|_| (random.below(seed::TABLE_ENTRIES), random.next_u64() & 15)).collect();
            let nibble = |index: usize, plane: usize| vec![(index >> (4 * plane) & 15) as u64];
            let ports = ["x_sign", "x_extra", "d_sign", "d_extra"];
            let beat = |(index, keep): &(usize, u64)| {
                ports.iter().enumerate().map(|(plane, port)| (*port, nibble(*index, plane))).chain([("keep", vec![*keep])]).collect()
            };
            let beats: Vec<Beat> = asked.iter().map(beat).collect();
            let wanted = |(index, keep): &(usize, u64)| vec![u64::from(table[*index] & 15) & keep, u64::from(table[*index] >> 4) & keep];
            let expected: Vec<Vec<u64>> = asked.iter().map(wanted).collect();
            assert_eq!(stream(&mut e, &mut random, &beats, &["sign", "extra"], expected.len()), expected, "{style:?}");
        }
    }
}

/// The low `bits` of numbers, one after another.
fn pack(numbers: impl Iterator<Item = u64>, bits: usize) -> Vec<u64> {
    let all: Vec<u64> = numbers.flat_map(|number| (0..bits).map(move |k| number >> k & 1)).collect();
    all.chunks(64).map(|word| word.iter().rev().fold(0, |all, bit| all << 1 | bit)).collect()
}

#[test]
fn the_quantizer_equals_golden_at_thresholds_subnormals_infinities_and_nan() {
    let least = seed::MIN_AMAX;
    let mut all = vec![
        vec![-0.0, 0.0, f32::NAN],
        vec![least.next_down(), -least.next_down()],
        vec![least, -least, least * 0.75, least * -0.75],
        vec![f32::INFINITY, 3.0, f32::NEG_INFINITY, -1.0],
        vec![f32::MAX, f32::MIN, f32::MAX * 0.75, f32::MAX * 0.74],
    ];
    let mut random = Random::new(9);
    for _ in 0..60 {
        let amax = f32::from_bits((101 + random.below(154) as u32) << 23 | random.next_u64() as u32 & 0x7f_ffff);
        let threshold = seed::large_from(amax.to_bits());
        let near = (threshold - 2..=threshold + 2).filter(|near| *near <= amax.to_bits()).map(f32::from_bits);
        all.push(near.chain([-amax, amax * 0.5]).collect());
    }
    for lanes in [1, 3] {
        let (mut beats, mut expected) = (Vec::<Beat>::new(), Vec::new());
        for vector in &all {
            let golden = seed::quantize(vector);
            let chunks: Vec<&[f32]> = vector.chunks(lanes).collect();
            for _pass in 0..2 {
                for (chunk, last) in last_said(chunks.clone()) {
                    let word = |lane: usize| u64::from(chunk.get(lane).copied().unwrap_or(f32::MAX).to_bits());
                    let keep = u64::MAX >> (64 - chunk.len());
                    beats.push(vec![("x", pack((0..lanes).map(word), 32)), ("keep", vec![keep]), ("in_last", vec![last])]);
                }
            }
            let scale = u64::from(golden.scale.to_bits());
            expected.extend(last_said(planes(&golden.codes, lanes)).into_iter().map(|([s, e, k], last)| vec![s & k, e & k, scale, last]));
        }
        let mut e = Evaluation::new(&seed_quantize::netlist(lanes, FloatFormat::binary32()));
        assert_eq!(stream(&mut e, &mut random, &beats, &["sign", "extra", "scale", "out_last"], expected.len()), expected, "{lanes} lanes");
    }
}

#[test]
fn the_growing_sum_equals_golden_at_every_gap_tail_and_extreme() {
    for (lanes, bits) in [(4, 8), (3, 4), (2, 16), (1, 2)] {
        let mut random = Random::new(11);
        let (min, max) = (-(1_i32 << (bits - 1)), (1_i32 << (bits - 1)) - 1);
        let most = gap_limit(bits as u32) as i32 + 2;
        let (mut beats, mut expected) = (Vec::<Beat>::new(), Vec::new());
        for turn in 0..400_usize {
            let count = 1 + turn % (2 * lanes + 1);
            let gap = turn as i32 % (2 * most + 1) - most;
            let x_log2 = if turn % 7 == 0 { i32::from(i8::MAX) - gap.max(0) } else { random.below(200) as i32 - 100 };
            let d_log2 = (x_log2 + gap).clamp(-128, 127);
            let mut value = || match turn % 4 {
                0 => min as i16,
                1 => max as i16,
                2 => (random.below(3) as i32 - 1) as i16,
                _ => (random.below((max - min + 1) as usize) as i32 + min) as i16,
            };
            let [x, d] = [(); 2].map(|()| (0..count).map(|_| value()).collect::<Vec<i16>>());
            let grown = |codes: &[i16], log2: i32| Grown { codes: codes.to_vec(), log2_scale: log2 as i8 };
            let sum = golden_sum(bits as u32, &grown(&x, x_log2), &grown(&d, d_log2));
            let word = |codes: &[i16], beyond: i32| pack((0..lanes).map(|k| codes.get(k).map_or(beyond as u64, |v| *v as u64)), bits);
            for _pass in 0..2 {
                for ((x, d), last) in last_said(x.chunks(lanes).zip(d.chunks(lanes)).collect()) {
                    let keep = u64::MAX >> (64 - x.len());
                    let (x_log2, d_log2) = (vec![u64::from(x_log2 as u8)], vec![u64::from(d_log2 as u8)]);
                    let codes = [("x", word(x, min)), ("d", word(d, min)), ("x_log2", x_log2), ("d_log2", d_log2)];
                    beats.push(codes.into_iter().chain([("keep", vec![keep]), ("in_last", vec![last])]).collect());
                }
            }
            let log2 = u64::from(sum.log2_scale as u8);
            expected
                .extend(last_said(sum.codes.chunks(lanes).collect()).into_iter().map(|(codes, last)| vec![word(codes, 0)[0], log2, last]));
        }
        let mut e = Evaluation::new(&growing_add::netlist(lanes, bits));
        assert_eq!(stream(&mut e, &mut random, &beats, &["sum", "log2", "out_last"], expected.len()), expected, "{lanes} of {bits} bits");
    }
}
