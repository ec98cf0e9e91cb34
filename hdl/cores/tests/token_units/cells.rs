//! The small cores alone, exhaustively where that is finite: their functions are those of `nda_spec::token`.

use crate::Evaluated;
use crate::circuit::{Circuit, pack, unpack};
use nda_cores::netlist::Netlist;
use nda_cores::token::attention::{Sizes, inverse_sum, levels, planes_of, scale, softmax};
use nda_spec::random::Random;
use nda_spec::token::{KvForm, NARROW_MAX, WIDE_MAX, WORD, exp2_entry, inverse_sum as golden_inverse_sum, round_shift};
use std::collections::VecDeque;

/// Heads of 32 channels, as in the committed model.
const SIZES: Sizes = Sizes { heads: 4, kv_heads: 2, head_dim: 32, ring: 102, rows: 1020, makers: 16, positions: 2 };

/// Sends one case per cycle down a pipeline and compares what comes out `stages` cycles later.
fn stream<T: Copy>(
    netlist: &Netlist,
    stages: usize,
    cases: impl Iterator<Item = T>,
    set: impl Fn(&mut Evaluated, T),
    check: impl Fn(&mut Evaluated, T),
) {
    let mut evaluated = Evaluated::new(netlist);
    let mut flying = VecDeque::from(vec![None; stages]);
    for case in cases.map(Some).chain(std::iter::repeat_n(None, stages)) {
        case.into_iter().for_each(|case| set(&mut evaluated, case));
        flying.push_back(case);
        evaluated.clock();
        flying.pop_front();
        if let Some(Some(case)) = flying.front().copied() {
            check(&mut evaluated, case);
        }
    }
}

#[test]
fn levels_are_golden_at_every_value_near_a_threshold_and_at_both_ends() {
    let form = KvForm::four_bits();
    let near = -2100..2100;
    let far = (0..24).flat_map(|bit| [-1, 0, 1].map(|near| ((1 << bit) + near).min(WIDE_MAX))).flat_map(|v| [v, -v]);
    let values: Vec<i32> = near.chain(far).collect();
    let beats: Vec<[i32; WORD]> = values.chunks(WORD).map(|beat| std::array::from_fn(|k| beat.get(k).copied().unwrap_or(0))).collect();
    let set = |e: &mut Evaluated, beat: [i32; WORD]| {
        e.set("values_valid", &[1]);
        e.set("values", &pack(beat.iter().map(|v| i64::from(*v)), 24));
    };
    stream(&levels::levels("levels"), 2, beats.into_iter(), set, |e, beat| {
        let found = e.get("planes")[0];
        for (lane, value) in beat.into_iter().enumerate() {
            assert_eq!(found >> (4 * lane) & 15, planes_of(&form, form.level(value)), "{value}");
        }
    });
}

#[test]
fn a_level_is_half_of_its_planes_as_signs() {
    let form = KvForm::four_bits();
    for &level in form.levels() {
        let planes = planes_of(&form, level);
        let sign = |plane: usize| if planes >> (3 - plane) & 1 == 1 { 1 } else { -1 };
        assert_eq!(6 * sign(0) + 2 * sign(1) + 3 * sign(2) + sign(3), 2 * i32::from(level));
    }
}

#[test]
fn scores_are_golden_at_every_shift_and_extreme() {
    let most = 127 * 6 * 32;
    let factors = [0, 1, -1, NARROW_MAX, -NARROW_MAX, 65_536, -40_000, 77_777];
    let mut random = Random::new(3);
    let mut evaluated = Evaluated::new(&scale::scale("scale", &SIZES));
    evaluated.set("valid", &[1]);
    for shift in 0..48 {
        for factor in factors {
            evaluated.set("factor", &[factor as u64 & 0x3_ffff]);
            evaluated.set("shift", &[shift]);
            let dots: Vec<i32> =
                [0, 1, -1, most, -most].into_iter().chain((0..20).map(|_| random.below(2 * most as usize + 1) as i32 - most)).collect();
            for late in 0..dots.len() + scale::STAGES {
                evaluated.set("dot", &[dots.get(late).copied().unwrap_or(0) as u64 & 0xffff]);
                evaluated.clock();
                let Some(&dot) = (late + 1).checked_sub(scale::STAGES).and_then(|i| dots.get(i)) else { continue };
                let exact = round_shift(i64::from(dot) * i64::from(factor), shift as i32).clamp(-32_767, 32_767);
                assert_eq!(unpack(&evaluated.get("score"), 16, 1), [exact], "{dot} * {factor} >> {shift}");
            }
        }
    }
}

#[test]
fn weights_are_golden_at_every_distance_from_the_largest() {
    let netlist = softmax::softmax("softmax", 2);
    let mut evaluated = Evaluated::new(&netlist);
    evaluated.set("is_most", &[1]);
    evaluated.set("score_0", &[32_767]);
    evaluated.set("score_1", &[32_767]);
    evaluated.clock();
    evaluated.set("is_most", &[0]);
    evaluated.set("valid", &[1]);
    // One head goes down from the largest score, the other up from the least.
    let below = |k: i64| [k, 65_534 - k];
    let stages = softmax::STAGES as i64;
    for k in 0..65_535 + stages {
        for (head, below) in below(k.min(65_534)).into_iter().enumerate() {
            evaluated.set(&format!("score_{head}"), &[(32_767 - below) as u64 & 0xffff]);
        }
        evaluated.clock();
        if k + 1 < stages {
            continue;
        }
        for (head, below) in below(k + 1 - stages).into_iter().enumerate().filter(|_| k + 1 - stages <= 65_534) {
            let (entry, down) = (i64::from(exp2_entry(below as usize & 255)), (below >> 8) as i32);
            let found = ["exponential", "weight"].map(|name| evaluated.get(&format!("{name}_{head}"))[0] as i64);
            assert_eq!(found, [round_shift(entry, 3 + down), round_shift(entry, 7 + down)], "{below} below");
        }
    }
}

#[test]
fn inverse_sums_are_golden_around_every_mantissa() {
    let sizes = Sizes { heads: 1, kv_heads: 1, head_dim: 8, ring: 1024, rows: 2048, makers: 8, positions: 2 };
    let mut evaluated = Evaluated::new(&inverse_sum::inverse_sum("inverse", &sizes));
    let most = 4080 * 1024_u32;
    let edges = (9..22)
        .flat_map(|top| (256..512_u32).flat_map(move |m| [0, 1, (1 << (top - 9)) - 1].map(|near| (2 * m + 1) << (top - 8) >> 1 | near)));
    let sums = (1..600).chain(edges).chain([1 << 18, (1 << 18) - 1, most]).filter(|sum| *sum <= most);
    for sum in sums {
        evaluated.set("sum_0", &[sum.into()]);
        evaluated.set("start", &[1]);
        evaluated.clock();
        evaluated.set("start", &[0]);
        (1..inverse_sum::STAGES).for_each(|_| evaluated.clock());
        let golden = golden_inverse_sum(sum);
        let exponent = golden.exponent - if sum >= 1 << 18 { 4 } else { 0 };
        let found = [evaluated.get("mantissa_0")[0] as i32, i32::from(evaluated.get("exponent_0")[0] as i8)];
        assert_eq!(found, [golden.mantissa, exponent], "{sum}");
    }
}
