//! The vector unit on whole boards: programs against `nda_spec::vector::Machine`, cycles against their model, refusals against
//! the software model of the device.

use nda_device::testing::RandomMatrix;
use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort, Random, Transport};
use nda_gemv::{Gemv, GemvError, MatrixId, Programs, Start};
use nda_sim::{Port, SimBoard, Stalls};
use nda_spec::vector::cycles::answer_bytes;
use nda_spec::vector::{Fault, Machine, Op, Placed, Program, STEP_BYTES, Step, StepWord, WIDE_MAX};
use nda_spec::wire::{self, Request, Status, encode_frame};
use nda_spec::{Config, WeightCode, golden};
use std::collections::HashMap;
use std::time::Duration;

/// The configurations that have the unit.
const CONFIGS: [&str; 4] = ["vector16", "vector256t", "wide256", "blocks256"];

fn options() -> DriverOptions {
    DriverOptions { seed: 1, ..DriverOptions::default() }
}

/// A wide value: small, large or extreme.
fn value(random: &mut Random) -> i32 {
    let value = (random.next_u64() as i32 & WIDE_MAX) >> random.below(24);
    if random.chance(5_000) { -value } else { value }
}

fn bytes(values: impl IntoIterator<Item = i32>) -> Vec<u8> {
    values.into_iter().flat_map(|v| v.to_le_bytes().into_iter().take(3)).collect()
}

/// Where things are in the wide memory: ranges that a step reads and writes are the same or apart.
struct Draft<'r> {
    random: &'r mut Random,
    /// Wide values of a third of the memory.
    third: usize,
    steps: Vec<Step>,
    input: Vec<u8>,
    /// Codes that there are; 0 before the first.
    codes: usize,
    answered: usize,
    room: usize,
}

impl Draft<'_> {
    fn word(&mut self, op: Op, most: usize) -> StepWord {
        let count = 1 + self.random.below(most);
        StepWord { count: count as u16, src: self.place(), dst: self.place(), shift: self.random.below(40) as u8, ..StepWord::new(op) }
    }

    fn place(&mut self) -> u16 {
        (self.random.below(3) * self.third) as u16
    }

    fn push(&mut self, word: StepWord) {
        self.steps.push(Step::new(word));
    }

    fn step(&mut self, matrices: &[RandomMatrix]) {
        match self.random.below(13) {
            0 => {
                let word = self.word(Op::TakeWide, 24);
                let values: Vec<i32> = (0..word.count).map(|_| value(self.random)).collect();
                self.input.extend(bytes(values));
                self.push(word);
            }
            1 => {
                let cols = matrices[self.random.below(matrices.len())].cols;
                let largest = self.random.next_u64() as u32 & WIDE_MAX as u32;
                self.input.extend_from_slice(&largest.to_le_bytes()[..3]);
                self.input.push((self.random.below(60) as i32 - 20) as i8 as u8);
                self.input.extend((0..cols).map(|_| self.random.next_u64() as u8));
                self.push(StepWord { count: cols as u16, ..StepWord::new(Op::TakeCodes) });
                self.codes = cols;
            }
            2 | 3 => {
                let fits: Vec<usize> = (0..matrices.len()).filter(|&m| matrices[m].cols == self.codes).collect();
                if fits.is_empty() {
                    return;
                }
                let matrix = fits[self.random.below(fits.len())];
                let rows = matrices[matrix].rows;
                let word = StepWord {
                    count: rows as u16,
                    with: matrix as u16,
                    dst: self.place(),
                    shift: self.random.below(24) as u8,
                    ..StepWord::new(Op::Product)
                };
                let constants = (0..rows).map(|_| value(self.random)).collect();
                self.steps.push(Step::with(word, constants));
            }
            4 => {
                let word = self.word(Op::Scale, self.third);
                let (flag, bias) = (self.random.chance(5_000), self.random.below(200) as i32 - 100);
                self.push(StepWord { flag, bias: bias as i8, ..word });
            }
            5 => {
                let word = self.word(Op::Weight, 24);
                let constants = (0..word.count).map(|_| value(self.random)).collect();
                self.steps.push(Step::with(word, constants));
            }
            6 => {
                let word = self.word(Op::Squares, self.third);
                let floor = self.random.next_u64() >> self.random.below(64);
                self.steps.push(Step { floor, ..Step::new(word) });
            }
            7 => {
                let cols = matrices[self.random.below(matrices.len())].cols;
                let (flag, bias) = (self.random.chance(5_000), self.random.below(60) as i32 - 30);
                // Nearest codes, upper parts, lower parts, and what a number with both bits means.
                let with = [0, 0, 1, 2, 1 << 15 | 3][self.random.below(5)];
                let word = StepWord { count: cols as u16, src: self.place(), flag, bias: bias as i8, with, ..StepWord::new(Op::Codes) };
                self.push(word);
                self.codes = cols;
            }
            8 => {
                let (flag, bias) = (self.random.chance(5_000), self.random.below(60) as i32 - 30);
                let word = self.word(Op::SendCodes, 40);
                self.answer(StepWord { flag, bias: bias as i8, ..word }, usize::from(word.count) + 4);
            }
            9 => {
                let word = self.word(Op::Silu, self.third);
                self.push(word);
            }
            10 => {
                let word = self.word(Op::Multiply, self.third);
                let with = self.place();
                self.push(StepWord { with, ..word });
            }
            11 => {
                let word = self.word(Op::SendWide, 24);
                self.answer(word, 3 * usize::from(word.count));
            }
            _ => {
                let word = self.word(Op::SendLargest, 12);
                let with = self.random.below(15) as u16;
                self.answer(StepWord { with, ..word }, 5 * usize::from(with));
            }
        }
    }

    fn answer(&mut self, word: StepWord, count: usize) {
        if self.answered + count <= self.room {
            self.answered += count;
            self.push(word);
        }
    }
}

/// A program of random steps and a request for it.
fn random_program(random: &mut Random, config: &Config, matrices: &[RandomMatrix]) -> (Program, Vec<u8>) {
    let g = &config.geometry;
    let third = g.vector_words / 3 / 8 * 8;
    let steps = 1 + random.below(9);
    let mut draft =
        Draft { random, third, steps: Vec::new(), input: Vec::new(), codes: 0, answered: 0, room: answer_bytes(g).min(config.mtu() - 16) };
    for _ in 0..steps {
        if draft.input.len() + 200 < config.mtu() {
            draft.step(matrices);
        }
    }
    let input = std::mem::take(&mut draft.input);
    (Program { steps: draft.steps }, input)
}

/// Matrices whose rows and columns are whole on a board.
fn matrices(config: &Config, random: &mut Random) -> Vec<RandomMatrix> {
    let g = &config.geometry;
    let most = g.vector_words / 3 / g.array_rows;
    [(1, 1), (2, 2), (5, 1), (most.min(40), 1)]
        .into_iter()
        .zip(WeightCode::ALL.into_iter().cycle())
        .filter(|((_, beats), _)| beats * g.array_cols <= g.vector_words / 3)
        .map(|((groups, beats), code)| RandomMatrix::new(groups * g.array_rows, beats * g.array_cols, code, random))
        .collect()
}

#[test]
fn programs_equal_golden_and_take_the_predicted_cycles_on_every_board() {
    for config in CONFIGS {
        let config = Config::named(config).unwrap();
        let mut used = HashMap::new();
        for seed in 71..79 {
            let per_256 = if seed % 2 == 0 { 90 } else { 0 };
            let mut random = Random::new(seed);
            let matrices = matrices(&config, &mut random);
            let board = SimBoard::new(&config.name, Port::Parallel).unwrap().with_stalls(Stalls::new(seed, per_256));
            let mut fabric = FabricGemv::new(Driver::open(board, options()).unwrap());
            let ids: Vec<MatrixId> = matrices.iter().map(|m| fabric.prepare(&[m.view()]).unwrap()).collect();
            let mut machine = Machine::new(config.geometry.vector_words);
            let mut programs = Vec::new();
            for _ in 0..20 {
                let (program, input) = random_program(&mut random, &config, &matrices);
                let id = fabric.prepare_program(&program, &|m| ids.get(m).copied()).unwrap();
                // The smallest board has room for some.
                let Some(id) = id else { break };
                program.steps.iter().for_each(|step| *used.entry(step.word.op).or_insert(0) += 1);
                programs.push((program, id, input));
            }
            for (index, (program, id, input)) in programs.iter().enumerate() {
                let expected = machine.run::<Fault>(program, input, |matrix, codes, sums| {
                    let m = &matrices[matrix];
                    sums.copy_from_slice(&golden::gemv(m.rows, m.cols, &m.values, &codes[..m.cols]));
                    Ok(())
                });
                let mut found = Vec::new();
                let cost = fabric.run_program(*id, if index > 0 { Start::Continues } else { Start::Anew }, input, &mut found).unwrap();
                let place = format!(
                    "{}, seed {seed}, program {index}: {:?}",
                    config.name,
                    program.steps.iter().map(|s| s.word).collect::<Vec<_>>()
                );
                assert_eq!(found, expected.unwrap(), "{place}");
                let predicted = fabric.program_cost(*id).unwrap();
                assert_eq!((cost.jobs, cost.run_cycles, cost.beats), (1, predicted.cycles, predicted.beats), "{place}");
            }
            assert_eq!(fabric.driver().stats().retransmits, 0);
        }
        for op in Op::ALL.into_iter().filter(|op| !matches!(op, Op::Begin | Op::End)) {
            assert!(used.get(&op).is_some_and(|n| *n >= 8), "{}: {op:?} was used {:?} times only", config.name, used.get(&op));
        }
    }
}

fn exchange(link: &mut impl Transport, request: Request, payload: &[u8]) -> (Status, u32, Vec<u8>) {
    link.send(&encode_frame(&request.to_bytes(), payload), link.now() + Duration::from_secs(1)).unwrap();
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    while !(got.len() > 2 && got.ends_with(&[0])) {
        let n = link.receive(&mut buffer, link.now() + Duration::from_millis(20)).unwrap();
        assert!(n > 0, "no answer to {request:?}");
        got.extend_from_slice(&buffer[..n]);
    }
    let raw = wire::cobs_decode(&got[1..got.len() - 1]).unwrap();
    let response = wire::Response::from_bytes(raw.first_chunk().unwrap());
    (Status::from_byte(response.status).unwrap(), response.aux, raw[8..raw.len() - 4].to_vec())
}

/// A request that is sent to the board and to the software model, whose answers must be equal.
struct Both {
    board: SimBoard,
    model: Loopback<ModelDevice>,
}

impl Both {
    fn ask(&mut self, op: wire::Op, arg: u8, addr: u32, payload: &[u8]) -> (Status, u32, Vec<u8>) {
        let request = Request { op: op as u8, arg, seq: 9, addr };
        let expected = exchange(&mut self.model, request, payload);
        assert_eq!(exchange(&mut self.board, request, payload), expected, "{request:?}, {payload:02x?}");
        expected
    }

    /// Writes a page's beginning and seals it.
    fn seal(&mut self, config: &Config, page: usize, bytes: &[u8]) {
        let g = &config.geometry;
        let mut whole = bytes.to_vec();
        whole.resize(g.page_words * g.tile_word_bytes(), 0);
        let step = config.mtu() / g.tile_word_bytes() * g.tile_word_bytes();
        for (i, part) in whole.chunks(step).enumerate() {
            let word = page * g.page_words + i * step / g.tile_word_bytes();
            assert_eq!(self.ask(wire::Op::Write, 0, word as u32, part).0, Status::Ok);
        }
        assert_eq!(self.ask(wire::Op::Seal, 0, page as u32, &wire::crc32(&whole).to_le_bytes()).0, Status::Ok);
    }

    fn program(&mut self, id: u16, after: u16, base: u16, words: u16, input: &[u8]) -> (Status, u32, Vec<u8>) {
        let payload = [&id.to_le_bytes()[..], &after.to_le_bytes(), input].concat();
        self.ask(wire::Op::Program, 0, u32::from(words) << 16 | u32::from(base), &payload)
    }
}

#[test]
fn every_refusal_of_a_program_is_the_software_models() {
    let config = Config::named("vector16").unwrap();
    let g = config.geometry;
    let model = Loopback::with_line(ModelDevice::new(&config, ModelPort::Parallel), u64::from(config.clk_hz), Duration::ZERO);
    let mut both = Both { board: SimBoard::new("vector16", Port::Parallel).unwrap(), model };
    assert_eq!(both.ask(wire::Op::Sync, wire::PROTOCOL_VERSION, 1, &[]).0, Status::Ok);
    let word = |op: Op, count: u16| StepWord { count, ..StepWord::new(op) };
    let keep = Program { steps: vec![Step::new(word(Op::TakeWide, 4)), Step::new(word(Op::SendWide, 4))] };
    let read = Program { steps: vec![Step::new(StepWord { src: 1, ..word(Op::SendWide, 2) })] };
    let multiply = |placed: Placed| {
        let steps = vec![Step::new(word(Op::TakeCodes, 16)), Step::with(StepWord { dst: 8, ..word(Op::Product, 2) }, vec![3, 4])];
        Program { steps }.to_bytes(|_| placed).unwrap()
    };
    let placed = Placed { base: 0, groups: 2, beats: 1, code: WeightCode::Ternary };
    let words = |bytes: &[u8]| bytes.len().div_ceil(g.tile_word_bytes()) as u16;
    let page = g.page_words as u16;
    let none = |p: &Program| p.to_bytes(|_| placed).unwrap();
    let (keep, read) = (none(&keep), none(&read));
    let (kept, got) = (words(&keep), words(&read));
    let wide = bytes([5, -6, WIDE_MAX, -1 << 23]);
    // Nothing is sealed; then too short, of no words, beyond the store.
    assert_eq!(both.program(10, 10, page, kept, &wide).0, Status::TileDirty);
    both.seal(&config, 1, &keep);
    both.seal(&config, 2, &read);
    assert_eq!(both.ask(wire::Op::Program, 0, 0, &[1, 2, 3]).0, Status::BadLen);
    assert_eq!(both.program(10, 10, page, 0, &wide).0, Status::Range);
    assert_eq!(both.program(10, 10, 2047, 2, &wide).0, Status::Range);
    assert_eq!(both.program(10, 9, page, kept, &wide), (Status::StaleJob, 10, vec![]), "there is nothing to go on from");
    let (status, cycles, answer) = both.program(10, 10, page, kept, &wide);
    assert_eq!((status, &answer), (Status::Ok, &bytes([5, -6, WIDE_MAX, -WIDE_MAX])));
    assert_eq!(both.program(10, 10, page, kept, &wide), (Status::Dup, cycles, answer.clone()));
    assert_eq!(both.program(12, 11, 2 * page, got, &[]), (Status::StaleJob, 12, vec![]));
    assert_eq!(both.program(12, 10, 2 * page, got, &[]).2, bytes([-6, WIDE_MAX]), "goes on from 10");
    assert_eq!(both.program(9, 9, page, kept, &wide), (Status::StaleJob, 12, vec![]));
    assert_eq!(both.program(13, 12, page, kept, &wide[1..]).0, Status::BadLen);
    assert_eq!(both.program(15, 12, 2 * page, got, &[]).0, Status::StaleJob, "what was there is gone");
    // A job in between takes what a program left.
    assert_eq!(both.program(16, 16, page, kept, &wide).0, Status::Ok);
    both.ask(wire::Op::Run, 0, 0, &[0; 16]);
    assert_eq!(both.program(18, 16, 2 * page, got, &[]).0, Status::StaleJob);
    // Programs that are none.
    let mut bad = |from: u16, program: Vec<u8>| {
        both.seal(&config, 3, &program);
        let found = both.program(from, from, 3 * page, words(&program), &wide);
        assert_eq!(found.0, Status::BadProgram, "{program:02x?}");
        assert!(found.2.is_empty());
    };
    bad(30, vec![99; 64]);
    bad(31, vec![0; STEP_BYTES]);
    bad(32, keep[..keep.len() - STEP_BYTES].to_vec());
    bad(33, [&keep[..STEP_BYTES], &keep].concat());
    let changed = |at: usize, byte: u8| {
        let mut program = keep.clone();
        program[at] = byte;
        program
    };
    bad(34, changed(10, 255));
    bad(35, changed(11, 3));
    bad(36, changed(STEP_BYTES + 2, 0));
    bad(37, changed(STEP_BYTES + 2, 3));
    bad(38, changed(2 * STEP_BYTES, 14));
    bad(39, [&keep[..2 * STEP_BYTES], &StepWord { with: 256, ..word(Op::SendLargest, 4) }.to_bytes(), &keep[3 * STEP_BYTES..]].concat());
    // A product whose weights are not sealed, whose frame is wrong, and one that is right.
    let codes: Vec<u8> = [&[0, 0, 64, 20][..], &[7; 16]].concat();
    for (id, at, status) in [
        (50, Placed { base: 4 * page, ..placed }, Status::TileDirty),
        (52, Placed { groups: 0, ..placed }, Status::Range),
        (54, Placed { beats: 0, ..placed }, Status::Range),
        (56, Placed { beats: 600, ..placed }, Status::BadLen),
        (58, Placed { base: page, ..placed }, Status::Ok),
    ] {
        let program = multiply(at);
        both.seal(&config, 3, &program);
        assert_eq!(both.program(id, id, 3 * page, words(&program), &codes).0, status, "{at:?}");
        assert_eq!(both.ask(wire::Op::Ident, 0, 0, &[1]).0, Status::BadLen, "the board answers on");
    }
    // A product runs out of constants.
    let program = multiply(Placed { base: page, ..placed });
    both.seal(&config, 3, &program[..4 * STEP_BYTES]);
    assert_eq!(both.program(70, 70, 3 * page, words(&program) - 6, &codes).0, Status::BadProgram);
    assert_eq!(both.ask(wire::Op::Sync, wire::PROTOCOL_VERSION, 5, &[]).0, Status::Ok);
    assert_eq!(both.program(1, 1, page, kept, &wide).0, Status::Ok, "after SYNC any id runs");
}

#[test]
fn a_reset_or_a_job_in_between_makes_the_chain_run_again_and_no_number_wrong() {
    let config = Config::named("vector16").unwrap();
    let mut random = Random::new(81);
    let matrix = RandomMatrix::new(8, 32, WeightCode::Quaternary, &mut random);
    let mut fabric = FabricGemv::new(Driver::open(SimBoard::new("vector16", Port::Parallel).unwrap(), options()).unwrap());
    let id = fabric.prepare(&[matrix.view()]).unwrap();
    let word = |op: Op, count: u16| StepWord { count, ..StepWord::new(op) };
    let product = || Step::with(StepWord { dst: 100, shift: 10, ..word(Op::Product, 8) }, vec![5_000_000; 8]);
    let begin = Program { steps: vec![Step::new(word(Op::TakeWide, 32)), Step::new(word(Op::SendWide, 1))] };
    let on = Program {
        steps: vec![
            Step::new(StepWord { dst: 0, shift: 0, with: 0, src: 0, ..word(Op::Silu, 32) }),
            Step::new(word(Op::Codes, 32)),
            product(),
            Step::new(StepWord { src: 100, bias: 10, ..word(Op::Scale, 8) }),
            Step::new(word(Op::SendWide, 32)),
        ],
    };
    let programs = [&begin, &on].map(|program| fabric.prepare_program(program, &|_| Some(id)).unwrap().unwrap());
    let mut machine = Machine::new(config.geometry.vector_words);
    let gemv = |_: usize, codes: &[i8], sums: &mut [i32]| -> Result<(), Fault> {
        sums.copy_from_slice(&golden::gemv(8, 32, &matrix.values, &codes[..32]));
        Ok(())
    };
    for round in 0..8 {
        let input = bytes((0..32).map(|_| value(&mut random)));
        let mut found = Vec::new();
        let mut run = |fabric: &mut FabricGemv<'_, SimBoard>, which: usize| -> Result<Vec<u8>, GemvError> {
            fabric.run_program(
                programs[which],
                if which > 0 { Start::Continues } else { Start::Anew },
                if which == 0 { &input } else { &[] },
                &mut found,
            )?;
            Ok(found.clone())
        };
        assert_eq!(run(&mut fabric, 0).unwrap(), machine.run(&begin, &input, gemv).unwrap());
        for step in 0..3 {
            if round == step + 1 {
                // Another job, by the same host.
                fabric.run(id, nda_gemv::Activations { code: nda_spec::ActivationCode::A8, values: &[3; 32] }, &mut [0; 8]).unwrap();
            }
            if round == step + 5 {
                *fabric.driver_mut().transport_mut() = SimBoard::new("vector16", Port::Parallel).unwrap();
            }
            assert_eq!(run(&mut fabric, 1).unwrap(), machine.run(&on, &[], gemv).unwrap(), "round {round}, step {step}");
        }
    }
}
