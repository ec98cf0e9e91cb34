//! The commands of the token machine between a host, a command processor and a machine that are each a few lines here.

use nda_cores::netlist::{Emit, Evaluation};
use nda_cores::token::commands::{Layout, commands};
use nda_spec::token::{Choice, Sizes};
use nda_spec::wire::{Generate, Making, Op, PROTOCOL_VERSION, PageDigest, Request, Response, Status, TokensReply, TokensRequest, crc32};
use std::collections::VecDeque;

const LAYOUT: Layout = Layout {
    sizes: Sizes {
        token_bytes: 1,
        queue_tokens: 1024,
        prompt_tokens: 64,
        ring: 102,
        layers: 5,
        kv_width: 128,
        wide_words: 64,
        steps: 100,
        constant_words: 1000,
        weight_words: 200,
        embedding_codes: 32_768,
        embedding_scales: 1024,
        floors: 8,
        gates: 2,
        phases: 16,
        matrices: 21,
    },
    tile_words: 8,
    word_bytes: 64,
    page_words: 2,
    tile_pages: 4,
    program_words: 4,
    array_rows: 8,
};

/// Words of a row.
const ROW_WORDS: usize = 5;
/// Of a page.
const PAGE_BYTES: usize = 128;

/// What follows the tokens taken so far.
fn next_token(taken: &[u32]) -> u32 {
    let sum: u32 = taken.iter().enumerate().map(|(i, token)| token * (2 * i as u32 + 7)).sum();
    (sum ^ sum >> 5) % 251
}

/// The machine: a token takes some cycles.
#[derive(Default)]
struct Machine {
    taken: Vec<u32>,
    busy: u32,
    want: u64,
    rows_left: usize,
    token_cycles: u32,
}

struct Bench {
    core: Evaluation,
    frames: VecDeque<Vec<u8>>,
    out: Vec<u8>,
    answers: VecDeque<Vec<u8>>,
    machine: Machine,
    program: Vec<u64>,
    row: Vec<[u64; 3]>,
    /// What the command processor still says, and whether it is done then.
    command: VecDeque<u8>,
    command_status: Status,
    was_passed: bool,
    seq: u16,
    random: u64,
    aborts: u32,
}

impl Bench {
    fn new() -> Bench {
        let mut core = Evaluation::new(&commands("token_commands", &LAYOUT));
        core.set("last_token", &[250]);
        let machine = Machine { token_cycles: 20, ..Machine::default() };
        Bench {
            core,
            frames: VecDeque::new(),
            out: Vec::new(),
            answers: VecDeque::new(),
            machine,
            program: vec![0; 32],
            row: vec![[0; 3]; 64],
            command: VecDeque::new(),
            command_status: Status::Ok,
            was_passed: false,
            seq: 0,
            random: 9,
            aborts: 0,
        }
    }

    fn chance(&mut self, of: u64) -> bool {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33).is_multiple_of(of)
    }

    fn cycle(&mut self) {
        let frame = self.frames.front().cloned();
        let ready = self.chance(2);
        self.core.set("frame_valid", &[frame.is_some().into()]);
        self.core.set("frame_bytes", &[frame.as_ref().map_or(0, Vec::len) as u64]);
        self.core.set("out_ready", &[ready.into()]);
        self.command_processor(frame.as_deref());
        self.machine_ports();
        let [asks, address] = ["read_enable", "read_address"].map(|port| self.core.get(port));
        let [done, sends, byte, last] = ["frame_done", "out_valid", "out_data", "out_last"].map(|port| self.core.get(port));
        self.machine_step();
        let [loads, at, data] = ["load_valid", "load_address", "load_data"].map(|port| self.core.get(port));
        let (peek, row) = (self.core.get("peek_address") as usize, self.core.get("row_read_address") as usize);
        let command_ready = self.core.get("command_ready") == 1;
        self.core.clock();
        if asks == 1 {
            let byte = frame.as_ref().and_then(|frame| frame.get(address as usize)).copied().unwrap_or(0xee);
            self.core.set("read_data", &[byte.into()]);
        }
        if command_ready {
            self.command.pop_front();
        }
        if loads == 1 {
            self.program[at as usize] = data;
        }
        self.core.set("peek_data", &[self.program[peek % 32]]);
        self.core.set("row_data", &self.row[row % 64]);
        if sends == 1 && ready {
            self.out.push(byte as u8);
            if last == 1 {
                self.answers.push_back(std::mem::take(&mut self.out));
            }
        }
        if done == 1 {
            self.frames.pop_front();
        }
    }

    /// Answers every frame that it is given with one status.
    fn command_processor(&mut self, frame: Option<&[u8]>) {
        let passes = self.core.get("command_frame") == 1;
        if passes && !self.was_passed {
            let request = Request::from_bytes(frame.unwrap().first_chunk().unwrap());
            let header = Response { op: request.op | 0x80, status: self.command_status as u8, seq: request.seq, aux: request.addr };
            self.command = header.to_bytes().into();
            self.core.set("command_done", &[0]);
        }
        let over = passes && self.was_passed && self.command.is_empty();
        self.was_passed = passes && !over;
        self.core.set("command_done", &[over.into()]);
        self.core.set("command_valid", &[(passes && !self.command.is_empty()).into()]);
        self.core.set("command_last", &[(self.command.len() == 1).into()]);
        self.core.set("command_data", &[self.command.front().copied().unwrap_or(0).into()]);
    }

    fn machine_ports(&mut self) {
        let m = &self.machine;
        let made = m.busy == 1 && m.want == 1;
        let row = m.busy == 1 && m.want == 2;
        self.core.set("token_ready", &[(m.busy == 0).into()]);
        self.core.set("busy", &[(m.busy > 0).into()]);
        self.core.set("made_valid", &[made.into()]);
        self.core.set("made_token", &[next_token(&m.taken).into()]);
        self.core.set("row_valid", &[row.into()]);
        self.core.set("row_last", &[(row && m.rows_left == 1).into()]);
    }

    fn machine_step(&mut self) {
        let [valid, token, want, abort, clear] = ["token_valid", "token", "token_want", "abort", "clear"].map(|port| self.core.get(port));
        let at = self.core.get("row_write_address") as usize;
        let is_idle = self.machine.busy == 0;
        let m = &mut self.machine;
        if m.busy == 1 && m.want == 2 {
            let word = m.taken.len() as u64 * 1000 + at as u64;
            self.row[at] = [word, word * 3, word * 5];
            m.rows_left -= 1;
            m.busy += u32::from(m.rows_left > 0);
        }
        m.busy = m.busy.saturating_sub(1);
        if valid == 1 && is_idle {
            m.taken.push(token as u32);
            (m.busy, m.want, m.rows_left) = (m.token_cycles, want, ROW_WORDS);
        }
        if abort == 1 {
            m.busy = 0;
            self.aborts += 1;
        }
        if clear == 1 {
            assert_eq!(m.busy, 0, "cleared while it worked");
            m.taken.clear();
        }
    }

    /// Sends a frame; its number.
    fn send(&mut self, op: Op, arg: u8, addr: u32, payload: &[u8]) -> u16 {
        self.seq += 1;
        let header = Request { op: op as u8, arg, seq: self.seq, addr }.to_bytes();
        self.frames.push_back([&header[..], payload, &[1, 2, 3, 4]].concat());
        self.seq
    }

    fn receive(&mut self, what: &str) -> (Status, u32, Vec<u8>) {
        for _ in 0..400_000 {
            if let Some(answer) = self.answers.pop_front() {
                let response = Response::from_bytes(answer.first_chunk().unwrap());
                return (Status::from_byte(response.status).unwrap(), response.aux, answer[8..].to_vec());
            }
            self.cycle();
        }
        panic!("no answer: {what}");
    }

    fn ask(&mut self, op: Op, arg: u8, addr: u32, payload: &[u8]) -> (Status, u32, Vec<u8>) {
        self.send(op, arg, addr, payload);
        self.receive(&format!("{op:?}"))
    }

    fn tokens(&mut self, id: u16, first: u32, count: u8, wait: u8, arg: u8) -> (Status, TokensReply) {
        let asked = TokensRequest { id, first, count, wait };
        let (status, _, payload) = self.ask(Op::Tokens, arg, asked.addr(), &asked.to_bytes());
        (status, TokensReply::from_bytes(&payload, 1).unwrap_or(TokensReply { making: Making::On, tokens: vec![] }))
    }

    /// Everything sealed: two pages of weights, the program memory.
    fn ready(&mut self) -> u32 {
        assert_eq!(self.ask(Op::Sync, PROTOCOL_VERSION, 77, &[]), (Status::Ok, 77, vec![]));
        let mut crcs = Vec::new();
        for page in 0..2_u32 {
            crcs.push(0x1111_0000 + page);
            assert_eq!(self.ask(Op::Seal, 0, page, &crcs[page as usize].to_le_bytes()).0, Status::Ok);
        }
        for page in 0..2_usize {
            let bytes: Vec<u8> = (0..PAGE_BYTES).map(|i| (i * 7 + page) as u8).collect();
            let at = 8 + 2 * page as u32;
            assert_eq!(self.ask(Op::Write, 0, at, &bytes), (Status::Ok, at, vec![]));
            let crc = crc32(&bytes);
            assert_eq!(self.ask(Op::Seal, 0, 4 + page as u32, &(crc ^ 1).to_le_bytes()), (Status::CrcMismatch, crc, vec![]));
            assert_eq!(self.ask(Op::Seal, 0, 4 + page as u32, &crc.to_le_bytes()), (Status::Ok, crc, vec![]));
            crcs.push(crc);
        }
        PageDigest::of(crcs)
    }
}

fn request(id: u16, after: u16, digest: u32, most_tokens: u32, prompt: &[u32]) -> Generate {
    Generate {
        id,
        after,
        first_page: 0,
        pages: 2,
        most_tokens,
        digest,
        token_cycles: 100,
        choice: Choice { inverse_temperature: 1280, seed: 0x0123_4567_89ab_cdef },
        stops: vec![],
        prompt: prompt.to_vec(),
    }
}

/// What the machine makes of a prompt.
fn text(taken: &mut Vec<u32>, prompt: &[u32], most: usize, stops: &[u32]) -> (Vec<u32>, Making) {
    let (last, first) = prompt.split_last().unwrap();
    taken.extend(first);
    let (mut token, mut made) = (*last, Vec::new());
    while made.len() < most {
        taken.push(token);
        token = next_token(taken);
        if stops.contains(&token) {
            return (made, Making::Stop);
        }
        made.push(token);
    }
    (made, Making::Length)
}

fn collect(b: &mut Bench, id: u16) -> (Vec<u32>, Making) {
    let mut all = Vec::new();
    loop {
        let count = [1, 64, 200, 0, 17][all.len() % 5];
        let (status, reply) = b.tokens(id, all.len() as u32, count, 1, 0);
        assert_eq!(status, Status::Ok);
        all.extend(reply.tokens);
        if reply.making != Making::On {
            return (all, reply.making);
        }
    }
}

#[test]
fn texts_are_made_kept_and_told_whatever_their_length_in_turns() {
    let mut b = Bench::new();
    let digest = b.ready();
    let mut taken = Vec::new();
    // A prompt and its text; a prompt alone; one with stops; a turn that goes on.
    let mut after = 10;
    for (i, (prompt, most, stops)) in
        [(vec![1, 2, 3], 300, vec![]), (vec![9; 64], 0, vec![]), (vec![9, 4], 40, vec![]), (vec![5], 300, vec![17, 3, 200])]
            .iter()
            .enumerate()
    {
        let id = 10 + i as u16;
        let wanted = Generate { stops: stops.clone(), ..request(id, after, digest, *most, prompt) };
        assert_eq!(b.ask(Op::Generate, 0, 0, &wanted.to_bytes(1)), (Status::Ok, 0, vec![]), "{i}");
        assert_eq!(b.ask(Op::Generate, 0, 0, &wanted.to_bytes(1)).0, Status::Dup, "{i}");
        let expected = text(&mut taken, prompt, *most as usize, stops);
        assert_eq!(collect(&mut b, id), expected, "{i}");
        let ports = ["greedy", "inverse_temperature", "seed"].map(|port| b.core.get(port));
        assert_eq!(ports, [0, 1280, 0x0123_4567_89ab_cdef]);
        after = id;
    }
    assert_eq!(b.machine.taken, taken);
    assert_eq!(b.aborts, 2, "SYNC's and the new sequence's");
}

#[test]
fn a_full_queue_waits_for_the_host_and_a_further_frame_ends_a_wait() {
    let mut b = Bench::new();
    let digest = b.ready();
    let wanted = request(1, 1, digest, 5000, &[7]);
    assert_eq!(b.ask(Op::Generate, 0, 0, &wanted.to_bytes(1)).0, Status::Ok);
    (0..27_000).for_each(|_| b.cycle());
    assert_eq!(b.machine.taken.len(), 1024, "a token per place of the queue");
    let expected = text(&mut Vec::new(), &[7], 5000, &[]);
    assert_eq!(b.tokens(1, 0, 255, 1, 0).1.tokens, expected.0[..255]);
    // Told again until the host goes on.
    assert_eq!(b.tokens(1, 0, 5, 1, 0).1.tokens, expected.0[..5]);
    assert_eq!(b.tokens(1, 1025, 5, 1, 0).0, Status::Range);
    assert_eq!(b.tokens(1, 1024, 0, 0, 0).1, TokensReply { making: Making::On, tokens: vec![] });
    assert_eq!(b.tokens(1, 1000, 5, 0, 0).0, Status::Range, "they were let go");
    // 200 tokens take 4,000 cycles; the next frame comes at once.
    let asked = TokensRequest { id: 1, first: 1024, count: 200, wait: 255 };
    b.send(Op::Tokens, 0, asked.addr(), &asked.to_bytes());
    b.send(Op::Ident, 0, 1, &[]);
    let (_, _, payload) = b.receive("TOKENS");
    assert!(payload.len() < 60, "{} bytes", payload.len());
    assert_eq!(b.receive("IDENT"), (Status::Ok, 0, LAYOUT.sizes.to_page().to_vec()));
    // The end, by the host.
    let (status, reply) = b.tokens(1, 1024, 255, 9, 1);
    assert_eq!((status, reply.making), (Status::Ok, Making::Cancelled));
    assert_eq!(reply.tokens[..], expected.0[1024..1024 + reply.tokens.len()]);
}

#[test]
fn every_refusal_is_the_one_that_the_protocol_names() {
    let mut b = Bench::new();
    let digest = b.ready();
    let generate = |b: &mut Bench, request: &Generate| b.ask(Op::Generate, 0, 0, &request.to_bytes(1));
    let fine = request(100, 100, digest, 3, &[1, 2]);
    let bytes = fine.to_bytes(1);
    assert_eq!(b.ask(Op::Generate, 0, 0, &bytes[..37]).0, Status::BadLen);
    assert_eq!(b.ask(Op::Generate, 0, 0, &[&bytes[..], &[0]].concat()).0, Status::BadLen);
    assert_eq!(b.ask(Op::Step, 0, 0, &bytes).0, Status::BadLen, "two tokens");
    assert_eq!(generate(&mut b, &Generate { stops: vec![1; 17], ..fine.clone() }).0, Status::Range);
    for wrong in [
        Generate { pages: 0, ..fine.clone() },
        Generate { first_page: 3, ..fine.clone() },
        Generate { prompt: vec![], ..fine.clone() },
        Generate { prompt: vec![1; 65], ..fine.clone() },
        Generate { prompt: vec![1, 251], ..fine.clone() },
    ] {
        assert_eq!(generate(&mut b, &wrong).0, Status::Range, "{wrong:?}");
    }
    assert_eq!(generate(&mut b, &Generate { pages: 3, ..fine.clone() }), (Status::TileDirty, 2, vec![]));
    assert_eq!(generate(&mut b, &Generate { digest: 5, ..fine.clone() }), (Status::OtherPages, digest, vec![]));
    assert_eq!(generate(&mut b, &Generate { after: 99, ..fine.clone() }), (Status::StaleJob, 0, vec![]));
    assert_eq!(b.tokens(100, 0, 1, 0, 0).0, Status::StaleJob);
    assert_eq!(generate(&mut b, &fine).0, Status::Ok);
    assert_eq!(generate(&mut b, &Generate { id: 99, after: 99, ..fine.clone() }), (Status::StaleJob, 100, vec![]));
    assert_eq!(collect(&mut b, 100), text(&mut Vec::new(), &[1, 2], 3, &[]));
    // A WRITE takes the program's seal, and an old pair of WRITE and SEAL brings older weights back: sealed, and refused.
    assert_eq!(b.ask(Op::Write, 0, 10, &[3; 64]).0, Status::Ok);
    let next = request(101, 100, digest, 3, &[1]);
    assert_eq!(generate(&mut b, &next), (Status::TileDirty, 5, vec![]));
    let bytes: Vec<u8> = (0..PAGE_BYTES).map(|i| (i * 7 + 1) as u8).collect();
    assert_eq!(b.ask(Op::Write, 0, 10, &bytes).0, Status::Ok);
    assert_eq!(b.ask(Op::Seal, 0, 5, &crc32(&bytes).to_le_bytes()).0, Status::Ok);
    b.core.set("tile_write", &[1]);
    b.core.set("write_address", &[3]);
    b.cycle();
    b.core.set("tile_write", &[0]);
    assert_eq!(generate(&mut b, &next), (Status::TileDirty, 1, vec![]));
    assert_eq!(b.ask(Op::Seal, 0, 1, &[9; 4]).0, Status::Ok);
    assert_eq!(generate(&mut b, &next).0, Status::OtherPages);
    b.command_status = Status::CrcMismatch;
    assert_eq!(b.ask(Op::Seal, 0, 1, &[9; 4]).0, Status::CrcMismatch);
    assert_eq!(generate(&mut b, &next), (Status::TileDirty, 1, vec![]));
    b.command_status = Status::Ok;
    assert_eq!(b.ask(Op::Seal, 0, 1, &0x1111_0001_u32.to_le_bytes()).0, Status::Ok);
    for (op, addr, payload, status) in [
        (Op::Write, 8, vec![0; 63], Status::BadLen),
        (Op::Write, 12, vec![0; 64], Status::Range),
        (Op::Write, 11, vec![0; 128], Status::Range),
        (Op::Seal, 6, vec![0; 4], Status::Range),
        (Op::Seal, 5, vec![0; 3], Status::BadLen),
        (Op::Tokens, 100 << 16, vec![0; 3], Status::BadLen),
    ] {
        assert_eq!(b.ask(op, 0, addr, &payload).0, status, "{op:?} at {addr}");
    }
    // Beside a text: what would disturb it is refused, a new text ends it, a SYNC too.
    let long = request(102, 100, digest, 100_000, &[1]);
    assert_eq!(generate(&mut b, &long).0, Status::Ok);
    for op in [Op::Write, Op::Seal, Op::Run, Op::Step] {
        assert_eq!(b.ask(op, 0, 0, &[0; 64]).0, Status::Busy, "{op:?}");
    }
    assert_eq!(generate(&mut b, &Generate { id: 103, after: 102, ..long.clone() }).0, Status::Busy);
    assert_eq!(generate(&mut b, &request(104, 104, digest, 2, &[8])).0, Status::Ok);
    assert_eq!(collect(&mut b, 104), text(&mut Vec::new(), &[8], 2, &[]));
    assert_eq!(generate(&mut b, &Generate { id: 105, after: 104, ..long }).0, Status::Ok);
    assert_eq!(b.ask(Op::Sync, PROTOCOL_VERSION, 5, &[]), (Status::Ok, 5, vec![]));
    assert_eq!(b.tokens(105, 0, 1, 0, 0).0, Status::StaleJob);
    let taken = b.machine.taken.len();
    (0..1000).for_each(|_| b.cycle());
    assert_eq!(b.machine.taken.len(), taken, "nothing goes on behind a SYNC");
    assert_eq!(generate(&mut b, &request(7, 7, digest, 2, &[8])).0, Status::Ok, "after SYNC any id begins");
    assert_eq!(collect(&mut b, 7), text(&mut Vec::new(), &[8], 2, &[]));
}

#[test]
fn rows_are_read_like_results_and_a_token_without_end_is_given_up() {
    let mut b = Bench::new();
    let digest = b.ready();
    let word = |word: u64| [word, word * 3, word * 5].map(u64::to_le_bytes).concat();
    let step = |id: u16, after: u16, token: u32| request(id, after, digest, 0, &[token]).to_bytes(1);
    let (status, cycles, row) = b.ask(Op::Step, 0, 2, &step(1, 1, 50));
    assert_eq!((status, row), (Status::Ok, [word(1000), word(1001)].concat()));
    assert!((20..40).contains(&cycles), "{cycles}");
    assert_eq!(b.ask(Op::Step, 0, 1, &step(1, 1, 50)), (Status::Dup, cycles, word(1000)));
    assert_eq!(b.ask(Op::Read, 0, 1 << 16 | 3, &2_u32.to_le_bytes()), (Status::Ok, 1 << 16 | 3, [word(1003), word(1004)].concat()));
    assert_eq!(b.ask(Op::Read, 0, 1 << 16 | 4, &2_u32.to_le_bytes()).0, Status::Range);
    assert_eq!(b.ask(Op::Read, 0, 9 << 16, &2_u32.to_le_bytes()), (Status::StaleJob, 1, vec![]));
    assert_eq!(b.ask(Op::Step, 0, 6, &step(2, 1, 60)).0, Status::Range, "six of five words");
    assert_eq!(b.ask(Op::Step, 0, 0, &step(3, 2, 70)).0, Status::Ok);
    assert_eq!(b.ask(Op::Generate, 0, 0, &request(4, 3, digest, 5, &[80]).to_bytes(1)).0, Status::Ok);
    assert_eq!(collect(&mut b, 4), text(&mut vec![50, 60, 70], &[80], 5, &[]));
    // A machine that does not come to an end.
    b.machine.token_cycles = 1_000_000;
    let aborts = b.aborts;
    assert_eq!(b.ask(Op::Generate, 0, 0, &request(5, 4, digest, 5, &[80]).to_bytes(1)).0, Status::Ok);
    assert_eq!(b.tokens(5, 0, 1, 255, 0).1.making, Making::Failed);
    assert_eq!(b.aborts, aborts + 1);
    assert_eq!(b.ask(Op::Step, 0, 0, &step(6, 5, 70)).0, Status::StaleJob, "the sequence is lost");
    assert_eq!(b.ask(Op::Step, 0, 0, &step(7, 7, 70)).0, Status::BadProgram);
    b.machine.token_cycles = 20;
    assert_eq!(b.ask(Op::Step, 0, 0, &step(8, 8, 70)).0, Status::Ok);
}

#[test]
fn the_configurations_commands_are_verilog_of_one_module() {
    let config = nda_spec::Config::named("token1024").unwrap();
    let layout = Layout::of(&config).unwrap();
    assert_eq!((layout.tile_pages, layout.page_units(), layout.row_bytes()), (67, 512, 24));
    let verilog = commands("token_commands", &layout).emit("token_commands").unwrap();
    assert!(verilog.matches("endmodule").count() <= 2 && verilog.contains("token_valid"), "{} bytes", verilog.len());
}
