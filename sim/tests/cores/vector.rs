//! The vector unit's parts against `nda_spec::vector`, exhaustively where that is finite.

use crate::Bench;
use nda_cores::units::RUN_FRAMES;
use nda_device::Random;
use nda_spec::ActivationCode;
use nda_spec::job::{Job, pack_activations};
use nda_spec::vector::cycles::{MULTIPLIER_STAGES, QUANTIZER_CYCLES, ROOT_CYCLES, WORD_CYCLES};
use nda_spec::vector::{MAX_SHIFT, Op, Quantizer, Root, StepWord, WIDE_MAX, multiply, saturate, sigmoid};
use nda_spec::wire::{JobFlags, Request};
use std::collections::VecDeque;

const MASK: u64 = 0x00ff_ffff;

fn bits(value: i32) -> u64 {
    u64::from(value as u32) & MASK
}

fn signed(bits: u64) -> i32 {
    ((bits << 8) as u32 as i32) >> 8
}

/// Small, large and extreme wide values.
fn value(random: &mut Random) -> i32 {
    match random.below(8) {
        0 => [0, 1, -1, WIDE_MAX, -WIDE_MAX, WIDE_MAX - 1, 1 << 22, -(1 << 22)][random.below(8)],
        1 => random.below(1 << 8) as i32 - (1 << 7),
        _ => {
            let size = random.below(24);
            let value = (random.next_u64() as i32 & WIDE_MAX) >> size;
            if random.chance(5_000) { -value } else { value }
        }
    }
}

#[test]
fn multiplier_equals_golden_at_every_shift_and_extreme_under_gaps() {
    let mut bench = Bench::new("fixed_multiplier");
    let mut random = Random::new(61);
    let mut expected: VecDeque<Option<i32>> = VecDeque::from(vec![None; MULTIPLIER_STAGES]);
    let extremes = [0, 1, -1, WIDE_MAX, -WIDE_MAX, 1 << 22];
    let mut cases: VecDeque<(i32, i32, i32, i32)> = VecDeque::new();
    for shift in 0..=MAX_SHIFT {
        for a in extremes {
            for b in extremes {
                cases.extend([0, WIDE_MAX, -WIDE_MAX].map(|addend| (a, b, shift, addend)));
            }
        }
    }
    for _ in 0..200_000 {
        let addend = if random.chance(5_000) { 0 } else { value(&mut random) };
        cases.push_back((value(&mut random), value(&mut random), random.below(48) as i32, addend));
    }
    let mut idle = 0;
    while idle < 2 * MULTIPLIER_STAGES {
        let case = if random.chance(2_000) { None } else { cases.pop_front() };
        idle = if cases.is_empty() { idle + 1 } else { 0 };
        let (a, b, shift, addend) = case.unwrap_or((value(&mut random), 3, 7, 9));
        for (port, value) in
            [("issue", u64::from(case.is_some())), ("a", bits(a)), ("b", bits(b)), ("shift", shift as u64), ("addend", bits(addend))]
        {
            bench.set(port, value);
        }
        let result = |_| saturate(i64::from(addend) + i64::from(multiply(a, b, shift)));
        expected.push_back(case.map(result));
        bench.tick();
        expected.pop_front();
        match expected.front().copied().flatten() {
            Some(y) => assert_eq!((bench.is("y_valid"), signed(bench.get("y"))), (true, y)),
            None => assert!(!bench.is("y_valid")),
        }
    }
}

#[test]
fn scalar_unit_gives_every_quantizer_and_root_in_its_cycles() {
    let mut bench = Bench::new("scalar_unit");
    let mut random = Random::new(62);
    let mut run = |is_root: bool, largest: u32, squares: u64| {
        for (port, value) in [("is_root", u64::from(is_root)), ("largest", largest.into()), ("squares", squares), ("start", 1)] {
            bench.set(port, value);
        }
        bench.tick();
        bench.set("start", 0);
        bench.set("largest", 0);
        let cycles = if is_root { ROOT_CYCLES } else { QUANTIZER_CYCLES };
        for cycle in 1..=cycles {
            assert_eq!(bench.is("done"), cycle == cycles, "cycle {cycle}");
            if cycle < cycles {
                bench.tick();
            }
        }
        let found = ["normalised", "lift", "reciprocal", "root", "root_shift"].map(|port| bench.get(port));
        if is_root {
            let root = Root::inverse(squares);
            assert_eq!(found[3..], [u64::from(root.value), root.shift as u64], "the root of {squares}");
        } else {
            let q = Quantizer::new(largest);
            assert_eq!(found[..3], [u64::from(q.normalised), q.lift as u64, u64::from(q.reciprocal)], "the quantizer of {largest}");
        }
        bench.tick();
    };
    for bit in 0..64 {
        for near in [u64::MAX, 0, 1] {
            run(true, 0, (1_u64 << bit).wrapping_add(near));
        }
    }
    for bit in 0..23 {
        for near in [0, 1, (1 << bit) - 1] {
            run(false, ((1_u32 << bit) + near).min(WIDE_MAX as u32), 0);
        }
    }
    for _ in 0..4_000 {
        let down = random.below(64);
        run(true, 0, random.next_u64() >> down);
        run(false, value(&mut random).unsigned_abs(), 0);
    }
    run(false, 0, 0);
    run(true, 0, 0);
}

#[test]
fn sigmoid_equals_golden_at_every_value_of_the_table_and_beyond_it() {
    let mut bench = Bench::new("sigmoid_table");
    bench.set("enable", 1);
    let beyond = [WIDE_MAX, -WIDE_MAX, 1 << 20, -(1 << 20)];
    for x in (-66_000..=66_000).chain(beyond) {
        bench.set("x", bits(x));
        bench.tick();
        assert_eq!(bench.get("s"), u64::from(sigmoid(x)), "{x}");
    }
}

#[test]
fn step_register_spells_a_steps_fields() {
    let mut bench = Bench::new("step_register");
    let mut random = Random::new(63);
    for _ in 0..500 {
        let r = random.next_u64();
        let word = StepWord {
            op: Op::ALL[random.below(Op::ALL.len())],
            flag: r & 1 == 1,
            count: (r >> 1) as u16,
            src: (r >> 17) as u16,
            dst: (r >> 33) as u16,
            shift: (r >> 49) as u8,
            bias: (r >> 56) as i8,
            with: random.next_u64() as u16,
            groups: random.next_u64() as u16,
            beats: random.next_u64() as u16,
        };
        for byte in word.to_bytes() {
            while random.chance(3_000) {
                bench.set("enable", 0);
                bench.set("byte_data", random.next_u64() & 255);
                bench.tick();
            }
            bench.set("enable", 1);
            bench.set("byte_data", byte.into());
            bench.tick();
        }
        let found = ["op", "flag", "count", "src", "dst", "shift", "bias", "other", "groups", "beats"].map(|port| bench.get(port));
        let expected = [
            word.op as u64,
            word.flag.into(),
            word.count.into(),
            word.src.into(),
            word.dst.into(),
            word.shift.into(),
            u64::from(word.bias as u8),
            word.with.into(),
            word.groups.into(),
            word.beats.into(),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn constant_reader_gives_every_byte_once_and_waits_for_words_alone() {
    let mut bench = Bench::new("constant_reader");
    let mut random = Random::new(64);
    let memory: Vec<u32> = (0..64).map(|_| random.next_u64() as u32).collect();
    let mut fetched = [0_u64; 2];
    for words in 0..6_usize {
        let base = random.below(50);
        for (port, value) in [("start", 1), ("base", base as u64), ("words", words as u64), ("want", 0)] {
            bench.set(port, value);
        }
        bench.tick();
        bench.set("start", 0);
        let (mut got, mut waited) = (Vec::new(), 0);
        for _ in 0..200 {
            let want = random.chance(7_000);
            bench.set("want", want.into());
            bench.eval();
            let (valid, byte) = (bench.is("valid"), bench.get("byte_data"));
            if want && valid {
                got.push(byte as u8);
            }
            let exhausted = bench.is("exhausted");
            waited += usize::from(want && !valid && !exhausted);
            let asked = bench.is("tile_read_enable").then(|| u64::from(memory[bench.get("tile_read_address") as usize]));
            bench.tick();
            // The store's two stages.
            fetched = [asked.unwrap_or(fetched[0]), fetched[0]];
            bench.set("tile_read_data", fetched[1]);
        }
        let expected: Vec<u8> = memory[base..base + words].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(got, expected, "{words} words from {base}");
        assert!(waited <= WORD_CYCLES * words, "{waited} cycles for {words} words");
        assert!(bench.is("exhausted"));
    }
}

#[test]
fn run_frame_gives_the_bytes_of_the_hosts_frame_for_every_geometry() {
    for (name, g) in RUN_FRAMES {
        let mut bench = Bench::new(name);
        let header = bench.port("header");
        let mut random = Random::new(65);
        for beats in [1, 2, g.vector_words / g.array_cols] {
            let codes: Vec<i8> = (0..beats * g.array_cols).map(|_| random.next_u64() as i8).collect();
            bench.set("ask", 0);
            bench.set("start", 0);
            for (i, code) in codes.iter().enumerate() {
                while random.chance(3_000) {
                    bench.set("code_enable", 0);
                    bench.tick();
                }
                bench.set("code_enable", 1);
                bench.set("code_first", u64::from(i == 0));
                bench.set("code", u64::from(*code as u8));
                bench.tick();
            }
            bench.set("code_enable", 0);
            let job = Job {
                id: random.next_u64() as u16,
                flags: JobFlags::from_byte(1),
                plane_groups: 8 / g.planes as u8,
                base: 77,
                row_groups: 5,
                col_beats: beats as u16,
                init: -9,
            };
            let request = Request { op: 0x20, arg: 0, seq: 3, addr: 5 };
            let head = [&request.to_bytes()[..], &job.to_bytes()].concat();
            let expected = [&head[..], &pack_activations(&g, ActivationCode::A8, &codes)].concat();
            bench.model.set_bytes(header, &head);
            bench.set("beats", beats as u64);
            bench.set("start", 1);
            bench.tick();
            bench.set("start", 0);
            let mut found = Vec::new();
            while found.len() < expected.len() {
                let asked = random.chance(7_000);
                bench.set("ask", asked.into());
                bench.tick();
                if asked {
                    found.push(bench.get("byte_data") as u8);
                }
            }
            assert_eq!(found, expected, "{name}, {beats} beats");
        }
    }
}
