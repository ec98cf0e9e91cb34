//! A host, a command processor and a machine that are each a few lines, around the commands of the token machine.

use nda_cores::netlist::Evaluation;
use nda_cores::token::commands::{Layout, commands};
use nda_spec::random::Random;
use nda_spec::token::{Choice, Sizes};
use nda_spec::wire::{Generate, Making, Op, PROTOCOL_VERSION, PageDigest, Request, Response, Status, TokensReply, TokensRequest, crc32};
use std::collections::VecDeque;

pub const LAYOUT: Layout = Layout {
    sizes: Sizes {
        token_bytes: 1,
        queue_tokens: 1024,
        prompt_tokens: 64,
        ring: 102,
        layers: 5,
        kv_width: 128,
        heads: 4,
        head_dim: 32,
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
pub const PAGE_BYTES: usize = 128;

/// What follows the tokens taken so far.
pub fn next_token(taken: &[u32]) -> u32 {
    let sum: u32 = taken.iter().enumerate().map(|(i, token)| token * (2 * i as u32 + 7)).sum();
    (sum ^ sum >> 5) % 251
}

/// The machine: a token takes some cycles.
#[derive(Default)]
pub struct Machine {
    pub taken: Vec<u32>,
    busy: u32,
    want: u64,
    rows_left: usize,
    pub token_cycles: u32,
}

pub struct Bench {
    pub core: Evaluation,
    frames: VecDeque<Vec<u8>>,
    out: Vec<u8>,
    answers: VecDeque<Vec<u8>>,
    pub machine: Machine,
    program: Vec<u64>,
    row: Vec<[u64; 3]>,
    /// What the command processor still says, and whether it is done then.
    command: VecDeque<u8>,
    pub command_status: Status,
    was_passed: bool,
    seq: u16,
    random: Random,
    pub aborts: u32,
}

impl Bench {
    pub fn new() -> Bench {
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
            random: Random::new(9),
            aborts: 0,
        }
    }

    pub fn cycle(&mut self) {
        let frame = self.frames.front().cloned();
        let ready = self.random.chance(5_000);
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
    pub fn send(&mut self, op: Op, arg: u8, addr: u32, payload: &[u8]) -> u16 {
        self.seq += 1;
        let header = Request { op: op as u8, arg, seq: self.seq, addr }.to_bytes();
        self.frames.push_back([&header[..], payload, &[1, 2, 3, 4]].concat());
        self.seq
    }

    pub fn receive(&mut self, what: &str) -> (Status, u32, Vec<u8>) {
        for _ in 0..400_000 {
            if let Some(answer) = self.answers.pop_front() {
                let response = Response::from_bytes(answer.first_chunk().unwrap());
                return (Status::from_byte(response.status).unwrap(), response.aux, answer[8..].to_vec());
            }
            self.cycle();
        }
        panic!("no answer: {what}");
    }

    pub fn ask(&mut self, op: Op, arg: u8, addr: u32, payload: &[u8]) -> (Status, u32, Vec<u8>) {
        self.send(op, arg, addr, payload);
        self.receive(&format!("{op:?}"))
    }

    pub fn tokens(&mut self, id: u16, first: u32, count: u8, wait: u8, arg: u8) -> (Status, TokensReply) {
        let asked = TokensRequest { id, first, count, wait };
        let (status, _, payload) = self.ask(Op::Tokens, arg, asked.addr(), &asked.to_bytes());
        (status, TokensReply::from_bytes(&payload, 1).unwrap_or(TokensReply { making: Making::On, tokens: vec![] }))
    }

    /// Everything sealed: two pages of weights, the program memory.
    pub fn ready(&mut self) -> u32 {
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

pub fn request(id: u16, after: u16, digest: u32, most_tokens: u32, prompt: &[u32]) -> Generate {
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
pub fn text(taken: &mut Vec<u32>, prompt: &[u32], most: usize, stops: &[u32]) -> (Vec<u32>, Making) {
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

pub fn collect(b: &mut Bench, id: u16) -> (Vec<u32>, Making) {
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
