//! Sequencer and array: exhaustive schedules, and sums against `array_golden` for every geometry.

use crate::Bench;
use nda_cores::emit::units::ARRAYS;
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::job::{Job, array_golden, pack_activations, pack_tile_words, plane_groups};
use nda_spec::random::Random;
use nda_spec::wire::JobFlags;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, cycles, golden, tile};
use std::collections::VecDeque;

#[test]
fn plane_sequencer_issues_every_pair_once_without_a_gap_for_all_small_jobs() {
    let mut bench = Bench::new("plane_sequencer");
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
                            let names = ["running", "is_beat", "act_read", "is_load", "tile_address", "act_address"];
                            let got = [&names[..], &["is_first", "is_shift", "is_heavy", "is_last"]].concat();
                            let got: Vec<u64> = got.into_iter().map(|p| bench.get(p)).collect();
                            let flag = u64::from;
                            let last = group + 1 == plane_groups && beat + 1 == col_beats;
                            let expected = [
                                1,
                                1,
                                1,
                                0,
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

#[test]
fn table_sequencer_loads_each_beat_before_its_rows_without_a_gap_for_all_small_jobs() {
    let mut bench = Bench::new("table_sequencer");
    for row_groups in 1..=20_u64 {
        for col_beats in 1..=5_u64 {
            let base = 100 * row_groups + col_beats;
            for (port, value) in [("base", base), ("row_groups", row_groups), ("col_beats", col_beats), ("plane_groups", 1), ("start", 1)] {
                bench.set(port, value);
            }
            bench.tick();
            bench.set("start", 0);
            let place = |beat| format!("{row_groups} x {col_beats}, beat {beat}");
            for beat in 0..col_beats {
                for step in 0..cycles::TABLE_WORDS {
                    bench.eval();
                    let got = ["running", "is_load", "is_beat", "act_read", "act_address"].map(|p| bench.get(p));
                    assert_eq!(got, [1, 1, 0, u64::from(step == 0), beat], "{}, step {step}", place(beat));
                    bench.tick();
                }
                for row in 0..row_groups {
                    bench.eval();
                    let got = ["running", "is_load", "is_beat", "act_read", "tile_address", "is_first", "is_last"].map(|p| bench.get(p));
                    let (first, last) = (u64::from(beat == 0), u64::from(beat + 1 == col_beats));
                    assert_eq!(got, [1, 0, 1, 0, base + row * col_beats + beat, first, last], "{}, row {row}", place(beat));
                    bench.tick();
                }
            }
            assert!(!bench.is("running"), "a job ends after its last beat");
        }
    }
}

/// One job's words and what comes of them.
struct Case {
    job: Job,
    tile: Vec<u8>,
    act: Vec<u8>,
}

/// Jobs at both extremes, of random bits, and of every shape that a boundary touches.
fn cases(g: &Geometry, random: &mut Random) -> Vec<Case> {
    let mut all = Vec::new();
    for code in WeightCode::ALL {
        for x_code in ActivationCode::ALL {
            for fill in 0..8 {
                for (row_groups, col_beats) in [(1, 1), (1, 2), (2, 1), (3, 3), (2, 5), (20, 2), (64, 1)] {
                    let groups = plane_groups(x_code, g.planes);
                    let mut bytes = |n: usize, kind: usize| -> Vec<u8> {
                        (0..n)
                            .map(|i| match kind {
                                0 => 0,
                                1 => 0xff,
                                // Plane 7 alone, every int8 -128, and all planes below it, every int8 127.
                                3 => 0xff * u8::from(i % g.act_word_bytes() / (g.array_cols / 8) == 7),
                                4 => 0xff * u8::from(i % g.act_word_bytes() / (g.array_cols / 8) != 7),
                                _ => random.next_u64() as u8,
                            })
                            .collect()
                    };
                    let (w_kind, x_kind) = [(0, 0), (1, 1), (0, 1), (1, 0), (2, 2), (1, 2), (1, 3), (2, 4)][fill];
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
                        digest: 0,
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
    for (name, g) in ARRAYS {
        let mut random = Random::new(17);
        for gaps in [0, 3_000] {
            let mut bench = Bench::new(name);
            for (index, case) in cases(&g, &mut random).iter().enumerate() {
                run(&mut bench, &g, case, gaps, &mut random, &format!("{name}, case {index}, gaps {gaps}, seed 17"));
            }
        }
    }
}

#[test]
fn every_int8_value_meets_every_weight_exactly() {
    for (name, g) in ARRAYS.into_iter().filter(|(_, g)| g.planes == 8) {
        let mut bench = Bench::new(name);
        let mut random = Random::new(18);
        for code in WeightCode::ALL {
            for first in (i8::MIN..=i8::MAX).step_by(g.array_cols) {
                let x: Vec<i8> = (0..g.array_cols).map(|c| first.wrapping_add(c as i8)).collect();
                let values: Vec<i8> = (0..4 * g.array_rows * x.len()).map(|i| code.values()[i / 7 % code.values().len()]).collect();
                let words = tile::pack(4 * g.array_rows, x.len(), code, &values).unwrap();
                let matrix = TileMatrix::new(4 * g.array_rows, x.len(), code, &words).unwrap();
                let job = Job {
                    id: 0,
                    flags: JobFlags::new(code, ActivationCode::A8),
                    plane_groups: 1,
                    base: 0,
                    row_groups: 4,
                    col_beats: 1,
                    init: golden::vector_constant(code, &x),
                    digest: 0,
                };
                let tile = pack_tile_words(&g, &matrix, 0..4 * g.array_rows, 0..x.len());
                let act = pack_activations(&g, ActivationCode::A8, &x);
                assert_eq!(array_golden(&g, &job, &tile, &act), golden::gemv(4 * g.array_rows, x.len(), &values, &x));
                run(&mut bench, &g, &Case { job, tile, act }, 0, &mut random, &format!("{name}, x from {first}"));
            }
        }
    }
}

/// An issue of the sequencer.
#[derive(Clone, Copy)]
struct Issue {
    is_load: bool,
    group: usize,
    beat: usize,
    /// Activation word that is read with it.
    act: Option<usize>,
    /// Tile word that it meets.
    tile: Option<usize>,
}

/// What the sequencer issues for a job, in its order.
fn issues(g: &Geometry, job: &Job) -> VecDeque<Issue> {
    let (row_groups, col_beats) = (usize::from(job.row_groups), usize::from(job.col_beats));
    let mut all = VecDeque::new();
    match g.array {
        ArrayKind::Planes => {
            for row in 0..row_groups {
                for group in 0..usize::from(job.plane_groups) {
                    for beat in 0..col_beats {
                        let (act, tile) = (Some(group * col_beats + beat), Some(row * col_beats + beat));
                        all.push_back(Issue { is_load: false, group, beat, act, tile });
                    }
                }
            }
        }
        ArrayKind::Tables => {
            for beat in 0..col_beats {
                let load = |step| Issue { is_load: true, group: 0, beat, act: (step == 0).then_some(beat), tile: None };
                all.extend((0..cycles::TABLE_WORDS).map(load));
                let meet = |row| Issue { is_load: false, group: 0, beat, act: None, tile: Some(row * col_beats + beat) };
                all.extend((0..row_groups).map(meet));
            }
        }
    }
    all
}

/// Drives one job through the array as sequencer and stores would, with idle cycles in between.
fn run(bench: &mut Bench, g: &Geometry, case: &Case, gaps: u32, random: &mut Random, place: &str) {
    let job = &case.job;
    let (w, x, result) = (bench.port("w"), bench.port("x"), bench.port("result"));
    bench.set("ternary", u64::from(job.flags.ternary));
    bench.set("a2", u64::from(job.flags.a2));
    bench.set("init", u64::from(job.init as u32 & 0x00ff_ffff));
    let mut issues = issues(g, job);
    let drain = cycles::drain_cycles(g);
    let mut tiles: VecDeque<Option<usize>> = VecDeque::from(vec![None; cycles::MEMORY_STAGES + cycles::tile_delay(g)]);
    let mut acts: VecDeque<Option<usize>> = VecDeque::from(vec![None; cycles::MEMORY_STAGES]);
    let (mut sums, mut since_last, mut idle) = (Vec::new(), VecDeque::new(), 0);
    while idle <= drain + 2 {
        let issue = if random.chance(gaps) { None } else { issues.pop_front() };
        idle = if issue.is_some() || !issues.is_empty() { 0 } else { idle + 1 };
        let Issue { is_load, group, beat, act, tile } =
            issue.unwrap_or(Issue { is_load: random.chance(5_000), group: 0, beat: 0, act: None, tile: None });
        let at_last = group + 1 == usize::from(job.plane_groups) && beat + 1 == usize::from(job.col_beats);
        for (port, value) in [
            ("issue", issue.is_some()),
            ("is_load", is_load),
            ("is_first", group == 0 && beat == 0),
            ("is_shift", group > 0 && beat == 0),
            ("is_heavy", group == 0),
            ("is_last", at_last),
        ] {
            bench.set(port, u64::from(value));
        }
        // The words of an issue stand some cycles later. No beat, no tile word: noise stands instead. The activation
        // store keeps its last word for the tables; an array of planes takes each word once.
        tiles.push_back(tile);
        acts.push_back(act);
        let noise = |n: usize, random: &mut Random| (0..n).map(|_| random.next_u64() as u8).collect::<Vec<u8>>();
        match tiles.pop_front().flatten() {
            Some(tile) => bench.model.set_bytes(w, &case.tile[tile * g.tile_word_bytes()..][..g.tile_word_bytes()]),
            None => bench.model.set_bytes(w, &noise(g.tile_word_bytes(), random)),
        }
        match acts.pop_front().flatten() {
            Some(act) => bench.model.set_bytes(x, &case.act[act * g.act_word_bytes()..][..g.act_word_bytes()]),
            None if g.array == ArrayKind::Planes => bench.model.set_bytes(x, &noise(g.act_word_bytes(), random)),
            None => {}
        }
        if issue.is_some() && !is_load && at_last {
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
