//! Sequencer and array: exhaustive schedules, and sums against `array_golden` for every geometry.

use crate::Bench;
use nda_cores::units::ARRAYS;
use nda_device::Random;
use nda_spec::config::Geometry;
use nda_spec::job::{Job, array_golden, plane_groups};
use nda_spec::wire::JobFlags;
use nda_spec::{ActivationCode, WeightCode, cycles};
use std::collections::VecDeque;

#[test]
fn sequencer_issues_every_pair_once_without_a_gap_for_all_small_jobs() {
    let mut bench = Bench::new("gemv_sequencer");
    for row_groups in 1..=4_u64 {
        for plane_groups in 1..=4_u64 {
            for col_beats in 1..=5_u64 {
                let base = 100 * row_groups + col_beats;
                for (port, value) in
                    [("base", base), ("row_groups", row_groups), ("col_beats", col_beats), ("plane_groups", plane_groups), ("start", 1)]
                {
                    bench.set(port, value);
                }
                bench.tick();
                bench.set("start", 0);
                for row in 0..row_groups {
                    for group in 0..plane_groups {
                        for beat in 0..col_beats {
                            bench.eval();
                            let got = ["running", "tile_address", "act_address", "is_first", "is_shift", "is_heavy", "is_last"]
                                .map(|p| bench.get(p));
                            let flag = u64::from;
                            let last = group + 1 == plane_groups && beat + 1 == col_beats;
                            let expected = [
                                1,
                                base + row * col_beats + beat,
                                group * col_beats + beat,
                                flag(group == 0 && beat == 0),
                                flag(group > 0 && beat == 0),
                                flag(group == 0),
                                flag(last),
                            ];
                            assert_eq!(got, expected, "{row_groups} x {plane_groups} x {col_beats}: row {row}, group {group}, beat {beat}");
                            bench.tick();
                        }
                    }
                }
                assert!(!bench.is("running"), "a job ends after its last beat");
            }
        }
    }
}

/// One job's words and what comes of them.
struct Case {
    job: Job,
    tile: Vec<u8>,
    act: Vec<u8>,
}

fn geometry(rows: usize, cols: usize, planes: usize) -> Geometry {
    Geometry { array_rows: rows, array_cols: cols, planes, tile_words: 64, page_words: 8, act_words: 64, result_words: 64 }
}

/// Jobs at both extremes, of random bits, and of every shape that a boundary touches.
fn cases(g: &Geometry, random: &mut Random) -> Vec<Case> {
    let mut all = Vec::new();
    for code in WeightCode::ALL {
        for x_code in ActivationCode::ALL {
            for fill in 0..6 {
                for (row_groups, col_beats) in [(1, 1), (1, 2), (2, 1), (3, 3), (2, 5)] {
                    let groups = plane_groups(x_code, g.planes);
                    let mut bytes = |n: usize, kind: usize| -> Vec<u8> {
                        (0..n)
                            .map(|_| match kind {
                                0 => 0,
                                1 => 0xff,
                                _ => random.next_u64() as u8,
                            })
                            .collect()
                    };
                    let (w_kind, x_kind) = [(0, 0), (1, 1), (0, 1), (1, 0), (2, 2), (1, 2)][fill];
                    let tile = bytes(row_groups * col_beats * g.tile_word_bytes(), w_kind);
                    let act = bytes(groups * col_beats * g.act_word_bytes(), x_kind);
                    let init = [0, (1 << 23) - 1, -(1 << 23), -1][fill % 4];
                    let job = Job {
                        id: 0,
                        flags: JobFlags::new(code, x_code),
                        plane_groups: groups as u8,
                        base: 0,
                        row_groups: row_groups as u16,
                        col_beats: col_beats as u16,
                        init,
                    };
                    all.push(Case { job, tile, act });
                }
            }
        }
    }
    all
}

#[test]
fn array_equals_golden_for_every_geometry_code_and_extreme_under_gaps() {
    for (name, rows, cols, planes) in ARRAYS {
        let g = geometry(rows, cols, planes);
        let mut random = Random::new(17);
        for gaps in [0, 3_000] {
            let mut bench = Bench::new(name);
            for (index, case) in cases(&g, &mut random).iter().enumerate() {
                run(&mut bench, &g, case, gaps, &mut random, &format!("{name}, case {index}, gaps {gaps}, seed 17"));
            }
        }
    }
}

/// Drives one job through the array as sequencer and stores would, with idle cycles in between.
fn run(bench: &mut Bench, g: &Geometry, case: &Case, gaps: u32, random: &mut Random, place: &str) {
    let job = &case.job;
    let (w, x, result) = (bench.port("w"), bench.port("x"), bench.port("result"));
    bench.set("ternary", u64::from(job.flags.ternary));
    bench.set("a2", u64::from(job.flags.a2));
    bench.set("init", u64::from(job.init as u32 & 0x00ff_ffff));
    let mut issues = VecDeque::new();
    for row in 0..usize::from(job.row_groups) {
        for group in 0..usize::from(job.plane_groups) {
            for beat in 0..usize::from(job.col_beats) {
                issues.push_back((row, group, beat));
            }
        }
    }
    let drain = cycles::drain_cycles(g);
    let mut words: VecDeque<Option<(usize, usize)>> = VecDeque::from([None, None]);
    let (mut sums, mut since_last, mut idle) = (Vec::new(), VecDeque::new(), 0);
    while idle <= drain + 2 {
        let issue = if random.chance(gaps) { None } else { issues.pop_front() };
        idle = if issue.is_some() || !issues.is_empty() { 0 } else { idle + 1 };
        let (row, group, beat) = issue.unwrap_or((0, 0, 0));
        let last = group + 1 == usize::from(job.plane_groups) && beat + 1 == usize::from(job.col_beats);
        for (port, value) in [
            ("issue", issue.is_some()),
            ("is_first", group == 0 && beat == 0),
            ("is_shift", group > 0 && beat == 0),
            ("is_heavy", group == 0),
            ("is_last", last),
        ] {
            bench.set(port, u64::from(value));
        }
        // The words of an issue stand two cycles later; when none is due they are noise.
        words.push_back(issue.map(|_| (row * usize::from(job.col_beats) + beat, group * usize::from(job.col_beats) + beat)));
        let noise = |n: usize, random: &mut Random| (0..n).map(|_| random.next_u64() as u8).collect::<Vec<u8>>();
        match words.pop_front().flatten() {
            Some((tile, act)) => {
                bench.model.set_bytes(w, &case.tile[tile * g.tile_word_bytes()..][..g.tile_word_bytes()]);
                bench.model.set_bytes(x, &case.act[act * g.act_word_bytes()..][..g.act_word_bytes()]);
            }
            None => {
                bench.model.set_bytes(w, &noise(g.tile_word_bytes(), random));
                bench.model.set_bytes(x, &noise(g.act_word_bytes(), random));
            }
        }
        if issue.is_some() && last {
            since_last.push_back(0);
        }
        bench.tick();
        since_last.iter_mut().for_each(|n| *n += 1);
        if bench.is("result_valid") {
            // The tick after the issue is cycle 1; the write happens in cycle `drain`.
            assert_eq!(since_last.pop_front(), Some(drain), "{place}: latency");
            for sum in bench.model.get_bytes(result).chunks_exact(3) {
                sums.push(i32::from_le_bytes([0, sum[0], sum[1], sum[2]]) >> 8);
            }
        }
    }
    assert_eq!(sums, array_golden(g, job, &case.tile, &case.act), "{place}: {job:?}");
}
