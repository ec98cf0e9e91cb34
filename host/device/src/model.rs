//! A software model of the device: the protocol as a byte-in, byte-out state machine.
//!
//! It shares the contract (`nda_spec`) with the driver and nothing else: framing, checks and
//! arithmetic are the golden models'. The board's Verilog does exactly this.

use crate::loopback::ByteDevice;
use nda_spec::config::{Config, Geometry};
use nda_spec::job::{Job, array_golden, pack_activations, plane_groups_allowed};
use nda_spec::vector::cycles::{answer_bytes, probe, product, program_cost};
use nda_spec::vector::{Machine, Op as VectorOp, STEP_BYTES, Step, StepWord, WIDE_BYTES};
use nda_spec::wire::{
    CRC_BYTES, ENGINE_VERSION, HEADER_BYTES, Ident, JOB_BYTES, Op, PROGRAM_BYTES, PROTOCOL_VERSION, READ_BYTES, RESPONSE_BIT, Request,
    Response, SEAL_BYTES, Stat, Status, cobs_decode, crc32, encode_frame,
};
use nda_spec::{ActivationCode, cycles, width};
use std::collections::VecDeque;

/// How bytes reach the device: what happens to a frame that finds no free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelPort {
    /// It is dropped and counted.
    Uart,
    /// Its bytes wait.
    Parallel,
}

/// The device, in software.
#[derive(Debug)]
pub struct ModelDevice {
    ident: Ident,
    slot_bytes: usize,
    port: ModelPort,
    /// Bytes since the last delimiter, cut off above what a slot holds.
    block: Vec<u8>,
    too_long: bool,
    /// Bytes that wait for a slot (parallel port).
    held: VecDeque<u8>,
    /// Received frames without their CRC.
    slots: VecDeque<Vec<u8>>,
    tiles: Vec<u8>,
    sealed: Vec<bool>,
    last: Option<LastJob>,
    /// The vector unit's memory, of a device that has one.
    machine: Option<Machine>,
    /// The last program, if nothing ran since.
    chain: Option<LastProgram>,
    stat: Stat,
    cycles: u64,
}

#[derive(Debug, Clone)]
struct LastJob {
    id: u16,
    row_groups: usize,
    run_cycles: u32,
    results: Vec<u8>,
}

#[derive(Debug, Clone)]
struct LastProgram {
    id: u16,
    cycles: u32,
    output: Vec<u8>,
}

/// Status, aux and payload of a response.
type Answer = (Status, u32, Vec<u8>);

impl ModelDevice {
    /// A device of that configuration, just reset: no page sealed, no job known.
    pub fn new(config: &Config, port: ModelPort) -> ModelDevice {
        let ident = Ident {
            protocol: PROTOCOL_VERSION,
            engine: ENGINE_VERSION,
            board: 0,
            geometry: config.geometry,
            // Both are bounded by Config::check.
            mtu: u16::try_from(config.mtu()).unwrap_or(u16::MAX),
            slots: u8::try_from(config.slots).unwrap_or(u8::MAX),
            clk_hz: config.clk_hz,
            baud: if port == ModelPort::Uart { config.baud } else { 0 },
            config: config.name.clone(),
            ring: config.token.map_or(0, |sizes| sizes.ring as u16),
            build: 0x006d_6f64_656c,
        };
        let mut device = ModelDevice {
            ident,
            slot_bytes: config.slot_bytes,
            port,
            block: Vec::new(),
            too_long: false,
            held: VecDeque::new(),
            slots: VecDeque::new(),
            tiles: Vec::new(),
            sealed: Vec::new(),
            last: None,
            machine: None,
            chain: None,
            stat: Stat::default(),
            cycles: 0,
        };
        device.reset();
        device
    }

    /// A reset board: memories hold anything, nothing is sealed, counters are zero, half a frame is gone.
    pub fn reset(&mut self) {
        let g = self.geometry();
        self.tiles = (0..g.tile_words * g.tile_word_bytes()).map(|i| (i % 251) as u8).collect();
        self.sealed = vec![false; g.pages()];
        self.last = None;
        self.machine = (g.vector_words > 0).then(|| Machine::new(g.vector_words));
        self.chain = None;
        self.stat = Stat::default();
        self.block.clear();
        self.too_long = false;
        self.held.clear();
        self.slots.clear();
    }

    /// The page that `IDENT` returns, to make a device that a host must refuse.
    pub fn ident_mut(&mut self) -> &mut Ident {
        &mut self.ident
    }

    /// The counters.
    pub fn stat(&self) -> Stat {
        self.stat
    }

    /// Whether a page is sealed.
    pub fn is_sealed(&self, page: usize) -> bool {
        self.sealed[page]
    }

    /// Flips one bit of the tile store, as a broken memory would.
    pub fn flip_tile_bit(&mut self, byte: usize, bit: u32) {
        self.tiles[byte] ^= 1 << (bit % 8);
    }

    /// The tile store's bytes.
    pub fn tiles(&self) -> &[u8] {
        &self.tiles
    }

    fn geometry(&self) -> Geometry {
        self.ident.geometry
    }

    /// Most COBS bytes of a frame that fits a slot; what is longer is cut off and refused.
    fn block_limit(&self) -> usize {
        self.slot_bytes + self.slot_bytes / 254 + 1
    }

    fn byte(&mut self, byte: u8) {
        if byte != 0 {
            self.too_long |= self.block.len() >= self.block_limit();
            if !self.too_long {
                self.block.push(byte);
            }
            return;
        }
        let block = std::mem::take(&mut self.block);
        let too_long = std::mem::take(&mut self.too_long);
        if block.is_empty() {
            return;
        }
        if too_long {
            self.stat.overrun += 1;
            return;
        }
        let Some(raw) = cobs_decode(&block) else {
            self.stat.bad_frame += 1;
            return;
        };
        if raw.len() > self.slot_bytes {
            self.stat.overrun += 1;
            return;
        }
        let crc_ok = raw.len() >= HEADER_BYTES + CRC_BYTES
            && raw.split_last_chunk::<CRC_BYTES>().is_some_and(|(body, crc)| crc32(body) == u32::from_le_bytes(*crc));
        if !crc_ok {
            self.stat.bad_crc += 1;
        } else if self.slots.len() >= usize::from(self.ident.slots) {
            self.stat.overrun += 1;
        } else {
            self.slots.push_back(raw[..raw.len() - CRC_BYTES].to_vec());
        }
    }

    /// Moves bytes that waited into free slots.
    fn admit(&mut self) {
        while self.slots.len() < usize::from(self.ident.slots) {
            let Some(byte) = self.held.pop_front() else { return };
            self.byte(byte);
        }
    }

    /// Acts on one frame and returns its response as it goes over the wire.
    fn handle(&mut self, frame: &[u8]) -> Vec<u8> {
        let Some((header, payload)) = frame.split_first_chunk::<HEADER_BYTES>() else { return Vec::new() };
        let request = Request::from_bytes(header);
        self.stat.frames_ok = self.stat.frames_ok.wrapping_add(1);
        self.cycles += (frame.len() + 16) as u64;
        if matches!(Op::from_byte(request.op), Some(Op::Run | Op::Sync)) {
            // What it leaves behind is not a program's.
            self.chain = None;
        }
        let (status, aux, answer) = match Op::from_byte(request.op) {
            None => (Status::BadOp, 0, Vec::new()),
            Some(Op::Sync | Op::Ident | Op::Stat) if !payload.is_empty() => (Status::BadLen, 0, Vec::new()),
            Some(Op::Sync) => self.sync(&request),
            Some(Op::Ident) => (Status::Ok, 0, self.ident.to_bytes().to_vec()),
            Some(Op::Stat) => self.stat_page(),
            Some(Op::Write) => self.write(&request, payload),
            Some(Op::Seal) => self.seal(&request, payload),
            Some(Op::Run) => self.run(&request, payload),
            Some(Op::Program) if self.machine.is_some() => self.program(&request, payload),
            Some(Op::Program | Op::Generate | Op::Tokens | Op::Step) => (Status::BadOp, 0, Vec::new()),
            Some(Op::Read) => self.read(&request, payload),
        };
        self.cycles += answer.len() as u64;
        let response = Response { op: request.op | RESPONSE_BIT, status: status as u8, seq: request.seq, aux };
        encode_frame(&response.to_bytes(), &answer)
    }

    fn sync(&mut self, request: &Request) -> Answer {
        self.last = None;
        let status = if request.arg == PROTOCOL_VERSION { Status::Ok } else { Status::Version };
        (status, request.addr, Vec::new())
    }

    fn stat_page(&mut self) -> Answer {
        self.stat.uptime = self.cycles as u32;
        let page = self.stat.to_words().into_iter().flat_map(u32::to_le_bytes).collect();
        (Status::Ok, 0, page)
    }

    fn write(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let word_bytes = g.tile_word_bytes();
        if payload.is_empty() || !payload.len().is_multiple_of(word_bytes) {
            return (Status::BadLen, 0, Vec::new());
        }
        let (first, words) = (request.addr as usize, payload.len() / word_bytes);
        if first + words > g.tile_words {
            return (Status::Range, 0, Vec::new());
        }
        self.tiles[first * word_bytes..(first + words) * word_bytes].copy_from_slice(payload);
        self.sealed[first / g.page_words..=(first + words - 1) / g.page_words].fill(false);
        (Status::Ok, request.addr, Vec::new())
    }

    fn seal(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let Ok(expected) = <[u8; SEAL_BYTES]>::try_from(payload) else { return (Status::BadLen, 0, Vec::new()) };
        let page = request.addr as usize;
        if page >= g.pages() {
            return (Status::Range, 0, Vec::new());
        }
        let page_bytes = g.page_words * g.tile_word_bytes();
        let found = crc32(&self.tiles[page * page_bytes..(page + 1) * page_bytes]);
        self.cycles += page_bytes as u64;
        self.sealed[page] = found == u32::from_le_bytes(expected);
        let status = if self.sealed[page] { Status::Ok } else { Status::CrcMismatch };
        (status, found, Vec::new())
    }

    fn run(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let inline = request.addr as usize;
        let bad_length = (Status::BadLen, 0, Vec::new());
        let range = (Status::Range, 0, Vec::new());
        let Some((descriptor, act)) = payload.split_first_chunk::<JOB_BYTES>() else { return bad_length };
        let job = Job::from_bytes(descriptor);
        if act.len() != job.act_words() * g.act_word_bytes() {
            return bad_length;
        }
        if let Some(last) = &self.last {
            if job.id == last.id {
                return match inline <= last.row_groups {
                    true => (Status::Dup, last.run_cycles, last.results[..inline * g.result_word_bytes()].to_vec()),
                    false => range,
                };
            }
            if (job.id.wrapping_sub(last.id) as i16) < 0 {
                return (Status::StaleJob, u32::from(last.id), Vec::new());
            }
        }
        let (row_groups, base) = (usize::from(job.row_groups), job.base as usize);
        let fits = row_groups >= 1
            && job.col_beats >= 1
            // The golden model's coefficients are 32 bits wide.
            && plane_groups_allowed(&g, job.flags.a2, job.plane_groups)
            && job.act_words() <= g.act_words
            && row_groups <= g.result_words
            && base + job.tile_words() <= g.tile_words
            && inline <= row_groups;
        if !fits {
            return range;
        }
        let pages = base / g.page_words..=(base + job.tile_words() - 1) / g.page_words;
        if let Some(page) = pages.into_iter().find(|&page| !self.sealed[page]) {
            return (Status::TileDirty, page as u32, Vec::new());
        }
        let tile = &self.tiles[base * g.tile_word_bytes()..(base + job.tile_words()) * g.tile_word_bytes()];
        let sums = array_golden(&g, &job, tile, act);
        let beats = (job.tile_words() * usize::from(job.plane_groups)) as u32;
        let run_cycles = cycles::run_cycles(&g, &job) as u32;
        self.cycles += u64::from(run_cycles);
        self.stat.jobs = self.stat.jobs.wrapping_add(1);
        self.stat.run_cycles = self.stat.run_cycles.wrapping_add(run_cycles);
        self.stat.beats = self.stat.beats.wrapping_add(beats);
        let results: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes().into_iter().take(width::RESULT_BYTES)).collect();
        let inline_results = results[..inline * g.result_word_bytes()].to_vec();
        self.last = Some(LastJob { id: job.id, row_groups, run_cycles, results });
        (Status::Ok, run_cycles, inline_results)
    }

    fn program(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let refuse = |status, aux| (status, aux, Vec::new());
        let Some((&[a, b, c, d], input)) = payload.split_first_chunk::<PROGRAM_BYTES>() else { return refuse(Status::BadLen, 0) };
        let (id, after) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if let Some(chain) = self.chain.as_ref().filter(|chain| chain.id == id) {
            return (Status::Dup, chain.cycles, chain.output.clone());
        }
        if after != id && self.chain.as_ref().is_none_or(|chain| chain.id != after) {
            return refuse(Status::StaleJob, id.into());
        }
        let (base, words) = (request.addr as u16, (request.addr >> 16) as u16);
        let g = self.geometry();
        // The seals of the program's own words, asked for as a job's are.
        if let Err(refused) = self.run_inside(&probe(id, base, words), 0, &vec![0; g.act_word_bytes()]) {
            return refused;
        }
        self.chain = None;
        let bytes = usize::from(base) * g.tile_word_bytes()..(usize::from(base) + usize::from(words)) * g.tile_word_bytes();
        let bytes = self.tiles[bytes].to_vec();
        match self.steps(id, &bytes, input) {
            Err(refused) => refused,
            Ok(output) => {
                let cost = program_cost(&g, base, &bytes).map_or(0, |cost| cost.cycles) as u32;
                self.cycles += u64::from(cost);
                self.chain = Some(LastProgram { id, cycles: cost, output: output.clone() });
                (Status::Ok, cost, output)
            }
        }
    }

    /// A job of a program's. Its id may be another job's: then the program is older than it seems.
    fn run_inside(&mut self, job: &Job, inline: u16, act: &[u8]) -> Result<Vec<u8>, Answer> {
        let payload = [&job.to_bytes()[..], act].concat();
        let request = Request { op: Op::Run as u8, arg: 0, seq: 0, addr: inline.into() };
        match self.run(&request, &payload) {
            (Status::Ok, _, results) => Ok(results),
            (Status::Dup, ..) => Err((Status::StaleJob, job.id.into(), Vec::new())),
            (status, aux, _) => Err((status, aux, Vec::new())),
        }
    }

    /// The steps of a program whose words are sealed; returns what it answers.
    fn steps(&mut self, id: u16, bytes: &[u8], mut input: &[u8]) -> Result<Vec<u8>, Answer> {
        let g = self.geometry();
        let bad = |status| (status, 0, Vec::new());
        let none = bad(Status::BadProgram);
        let mut rest = bytes;
        let mut declared = None;
        let (mut output, mut run_id) = (Vec::new(), id);
        loop {
            let (step, after) = rest.split_first_chunk::<STEP_BYTES>().ok_or_else(|| none.clone())?;
            let word = StepWord::from_bytes(step).ok_or_else(|| none.clone())?;
            if declared.is_some() == (word.op == VectorOp::Begin) {
                return Err(none);
            }
            let mut sums = Vec::new();
            match word.op {
                VectorOp::Begin if usize::from(word.count) != input.len() => return Err(bad(Status::BadLen)),
                VectorOp::Begin if usize::from(word.with) > answer_bytes(&g) => return Err(none),
                VectorOp::Begin => declared = Some(usize::from(word.with)),
                VectorOp::End if input.is_empty() && declared == Some(output.len()) => return Ok(output),
                VectorOp::End => return Err(none),
                VectorOp::Product => {
                    run_id = run_id.wrapping_add(1);
                    sums = self.product(run_id, &word)?;
                }
                _ => {}
            }
            let (constants, later) = after.split_at_checked(word.constant_bytes(&g)).ok_or_else(|| none.clone())?;
            rest = later;
            let mut step = Step::new(word);
            if word.op == VectorOp::Squares {
                step.floor = constants.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            } else {
                let wide = |b: &[u8]| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8;
                step.constants = constants.chunks_exact(WIDE_BYTES).map(wide).collect();
            }
            let machine = self.machine.as_mut().ok_or_else(|| none.clone())?;
            machine.device_step(&step, &sums, &mut input, &mut output).map_err(|_| none.clone())?;
        }
    }

    /// The sums of a product step.
    fn product(&mut self, id: u16, word: &StepWord) -> Result<Vec<i32>, Answer> {
        let g = self.geometry();
        let Some(machine) = &self.machine else { return Err((Status::BadOp, 0, Vec::new())) };
        let cols = usize::from(word.beats) * g.array_cols;
        // The frame that the unit makes has a length of 13 bits.
        if cols + JOB_BYTES + HEADER_BYTES + CRC_BYTES >= 1 << 13 {
            return Err((Status::BadLen, 0, Vec::new()));
        }
        let codes: Vec<i8> = machine.codes.iter().cycle().take(cols).copied().collect();
        let job = product(&g, id, word, machine.sum);
        let results = self.run_inside(&job, word.groups, &pack_activations(&g, ActivationCode::A8, &codes))?;
        Ok(results.chunks_exact(width::RESULT_BYTES).map(|b| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8).collect())
    }

    fn read(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let Ok(count) = <[u8; READ_BYTES]>::try_from(payload) else { return (Status::BadLen, 0, Vec::new()) };
        let (id, first, count) = ((request.addr >> 16) as u16, (request.addr & 0xffff) as usize, u32::from_le_bytes(count) as usize);
        match &self.last {
            Some(last) if last.id != id => (Status::StaleJob, u32::from(last.id), Vec::new()),
            None => (Status::StaleJob, 0, Vec::new()),
            Some(last) if first + count > last.row_groups => (Status::Range, 0, Vec::new()),
            Some(last) => {
                let bytes = first * g.result_word_bytes()..(first + count) * g.result_word_bytes();
                (Status::Ok, request.addr, last.results[bytes].to_vec())
            }
        }
    }
}

impl ByteDevice for ModelDevice {
    fn describe(&self) -> String {
        format!("software model of {}", self.ident.config)
    }

    fn feed(&mut self, bytes: &[u8]) {
        match self.port {
            ModelPort::Uart => bytes.iter().for_each(|&byte| self.byte(byte)),
            ModelPort::Parallel => {
                self.held.extend(bytes);
                self.admit();
            }
        }
    }

    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(frame) = self.slots.pop_front() {
            let response = self.handle(&frame);
            out.extend_from_slice(&response);
        }
        self.admit();
        !self.slots.is_empty()
    }

    fn cycles(&self) -> u64 {
        self.cycles
    }

    fn clk_hz(&self) -> u32 {
        self.ident.clk_hz
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::wire::{IDENT_BYTES, JobFlags, STAT_BYTES};
    use nda_spec::{ActivationCode, WeightCode};

    /// A model with a host that does nothing but ask.
    struct Bench(ModelDevice);

    impl Bench {
        fn new() -> Bench {
            Bench(ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Uart))
        }

        fn raw(&mut self, bytes: &[u8]) -> Vec<u8> {
            self.0.feed(bytes);
            let mut out = Vec::new();
            while self.0.drain(&mut out) {}
            out
        }

        fn ask(&mut self, op: u8, arg: u8, addr: u32, payload: &[u8]) -> (u8, u32, Vec<u8>) {
            let header = Request { op, arg, seq: 77, addr }.to_bytes();
            let out = self.raw(&encode_frame(&header, payload));
            let raw = cobs_decode(&out[1..out.len() - 1]).unwrap();
            let response = Response::from_bytes(raw.first_chunk().unwrap());
            assert_eq!((response.op, response.seq), (op | RESPONSE_BIT, 77));
            (response.status, response.aux, raw[HEADER_BYTES..raw.len() - CRC_BYTES].to_vec())
        }

        fn status(&mut self, op: Op, addr: u32, payload: &[u8]) -> (Status, u32) {
            let (status, aux, _) = self.ask(op as u8, 0, addr, payload);
            (Status::from_byte(status).unwrap(), aux)
        }

        /// Seals page 0 with ones in every plane.
        fn seal_ones(&mut self) {
            assert_eq!(self.status(Op::Write, 0, &[255; 64 * 4]), (Status::Ok, 0));
            let crc = crc32(&[255; 64 * 4]);
            assert_eq!(self.status(Op::Seal, 0, &crc.to_le_bytes()), (Status::Ok, crc));
        }
    }

    fn job(id: u16) -> Job {
        let flags = JobFlags::new(WeightCode::Ternary, ActivationCode::A8);
        Job { id, flags, plane_groups: 8, base: 0, row_groups: 3, col_beats: 1, init: 0 }
    }

    fn run(job: Job) -> Vec<u8> {
        [&job.to_bytes()[..], &vec![255; job.act_words() * 2]].concat()
    }

    #[test]
    fn every_refusal_is_the_one_that_the_protocol_names() {
        let mut b = Bench::new();
        assert_eq!(b.ask(0x77, 0, 0, &[]).0, Status::BadOp as u8);
        assert_eq!(b.ask(Op::Sync as u8, 9, 5, &[]), (Status::Version as u8, 5, vec![]));
        for op in [Op::Sync, Op::Ident, Op::Stat, Op::Write, Op::Seal, Op::Run, Op::Read] {
            assert_eq!(b.status(op, 0, &[1, 2, 3]).0, Status::BadLen, "{op:?}");
        }
        assert_eq!(b.status(Op::Write, 2047, &[0; 8]).0, Status::Range);
        assert_eq!(b.status(Op::Seal, 32, &[0; 4]).0, Status::Range);
        assert_eq!(b.status(Op::Seal, 0, &[0; 4]).0, Status::CrcMismatch);
        assert_eq!(b.status(Op::Read, 0, &[0; 4]), (Status::StaleJob, 0));
        for wrong in [
            Job { row_groups: 0, ..job(1) },
            Job { row_groups: 257, ..job(1) },
            Job { base: 2046, ..job(1) },
            Job { col_beats: 17, ..job(1) },
        ] {
            assert_eq!(b.status(Op::Run, 0, &run(wrong)).0, Status::Range, "{wrong:?}");
        }
        assert_eq!(b.status(Op::Run, 4, &run(job(1))).0, Status::Range, "more results than rows");
        assert_eq!(b.status(Op::Run, 0, &run(Job { base: 63, ..job(1) })), (Status::TileDirty, 0));
        b.seal_ones();
        assert_eq!(b.status(Op::Run, 0, &run(Job { base: 63, ..job(1) })), (Status::TileDirty, 1));
        assert_eq!(b.ask(Op::Ident as u8, 0, 0, &[]).2.len(), IDENT_BYTES);
        assert_eq!(b.ask(Op::Stat as u8, 0, 0, &[]).2.len(), STAT_BYTES);
    }

    #[test]
    fn a_job_runs_once_and_its_results_stay_until_the_next() {
        let mut b = Bench::new();
        b.seal_ones();
        // 16 columns of weight 1 and activation -1.
        let minus_16 = (-16_i32).to_le_bytes()[..3].to_vec();
        let (status, cycles, results) = b.ask(Op::Run as u8, 0, 2, &run(job(65_535)));
        assert_eq!((status, &results), (Status::Ok as u8, &minus_16.repeat(2)));
        assert_eq!(b.ask(Op::Run as u8, 0, 1, &run(job(65_535))), (Status::Dup as u8, cycles, minus_16.clone()));
        assert_eq!(b.status(Op::Run, 4, &run(job(65_535))).0, Status::Range);
        assert_eq!(b.status(Op::Run, 0, &run(job(65_534))), (Status::StaleJob, 65_535));
        assert_eq!(b.ask(Op::Read as u8, 0, 0xffff_0001, &2_u32.to_le_bytes()), (Status::Ok as u8, 0xffff_0001, minus_16.repeat(2)));
        assert_eq!(b.status(Op::Read, 0xffff_0001, &3_u32.to_le_bytes()).0, Status::Range);
        assert_eq!(b.status(Op::Run, 0, &run(job(0))).0, Status::Ok, "0 comes after 65,535");
        assert_eq!(b.status(Op::Read, 0xffff_0000, &1_u32.to_le_bytes()), (Status::StaleJob, 0));
        assert_eq!(b.0.stat().jobs, 2);
        assert_eq!(b.status(Op::Sync, 1, &[]).0, Status::Version, "argument 0 is no version");
        assert_eq!(b.status(Op::Run, 0, &run(job(65_000))).0, Status::Ok, "after SYNC any id runs");
        b.status(Op::Write, 0, &[0; 4]);
        assert_eq!(b.status(Op::Run, 0, &run(job(65_001))), (Status::TileDirty, 0));
    }

    #[test]
    fn bad_frames_are_counted_and_answered_by_silence() {
        let mut b = Bench::new();
        let good = encode_frame(&Request { op: Op::Stat as u8, arg: 0, seq: 1, addr: 0 }.to_bytes(), &[]);
        let mut flipped = good.clone();
        flipped[4] ^= 0x10;
        let long = encode_frame(&Request { op: Op::Write as u8, arg: 0, seq: 1, addr: 0 }.to_bytes(), &[7; 504]);
        let most = encode_frame(&Request { op: Op::Write as u8, arg: 0, seq: 1, addr: 0 }.to_bytes(), &[7; 500]);
        for silent in [&[0, 0, 0][..], &flipped, &[0, 5, 1, 0], &[0, 3, 1, 1, 0], &long, &vec![9; 10_000], &[0]] {
            assert!(b.raw(silent).is_empty(), "{silent:?}");
        }
        assert!(!b.raw(&most).is_empty(), "a frame that just fits");
        let stat = b.0.stat();
        assert_eq!((stat.frames_ok, stat.bad_crc, stat.bad_frame, stat.overrun), (1, 2, 1, 2));
        // Three frames at once and two slots: a UART drops the third, a parallel port lets it wait.
        assert_eq!(b.raw(&good.repeat(3)).len(), 2 * b.raw(&good).len());
        let mut parallel = Bench(ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Parallel));
        assert_eq!(parallel.raw(&good.repeat(3)).len(), 3 * parallel.raw(&good).len());
    }
}
