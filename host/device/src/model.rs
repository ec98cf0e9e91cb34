//! A software model of the device: the protocol as a byte-in, byte-out state machine.
//!
//! It shares the contract (`nda_spec`) with the driver and nothing else: framing, checks and
//! arithmetic are the golden models'. The board's Verilog does exactly this.

mod job;
mod receive;
mod seeds;
mod store;
mod tokens;

use crate::loopback::ByteDevice;
use nda_spec::config::{Config, Geometry};
use nda_spec::wire::{
    ENGINE_VERSION, HEADER_BYTES, Ident, Op, PROTOCOL_VERSION, RESPONSE_BIT, Request, Response, Stat, Status, encode_frame,
};
use std::collections::VecDeque;
use tokens::TokenUnit;

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
    /// The tile store, and behind it the token machine's program memory.
    tiles: Vec<u8>,
    /// Of each sealed page the CRC-32 of what it holds.
    seals: Vec<Option<u32>>,
    /// Id of the last `RUN`.
    last_id: Option<u16>,
    /// The last job that left results.
    last: Option<LastJob>,
    /// The token machine, of a device that has one.
    tokens: Option<TokenUnit>,
    stat: Stat,
    cycles: u64,
}

#[derive(Debug, Clone)]
struct LastJob {
    id: u16,
    kind: Kind,
    row_groups: usize,
    run_cycles: u32,
    results: Vec<u8>,
}

/// Whose results are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A `RUN`'s.
    Run,
    /// A `STEP`'s.
    Step,
    /// None: the making of tokens took their place.
    Tokens,
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
            seed: config.seed,
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
            seals: Vec::new(),
            last_id: None,
            last: None,
            tokens: config.token.map(|sizes| TokenUnit::new(sizes, config)),
            stat: Stat::default(),
            cycles: 0,
        };
        device.reset();
        device
    }

    /// A reset board: memories hold anything, nothing is sealed, counters are zero, half a frame is gone.
    pub fn reset(&mut self) {
        let g = self.geometry();
        self.tiles = (0..self.words() * g.tile_word_bytes()).map(|i| (i % 251) as u8).collect();
        self.seals = vec![None; self.words() / g.page_words];
        self.forget();
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
        self.seals[page].is_some()
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

    /// Words that can be written: the tile store's, then the program memory's.
    fn words(&self) -> usize {
        self.geometry().tile_words + self.tokens.as_ref().map_or(0, |unit| unit.program_words)
    }

    /// Forgets all jobs and ends what goes on.
    fn forget(&mut self) {
        self.last_id = None;
        self.last = None;
        if let Some(unit) = &mut self.tokens {
            unit.forget();
        }
    }

    /// Acts on one frame and returns its response as it goes over the wire; `None` of one that waits for tokens.
    fn handle(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (header, payload) = frame.split_first_chunk::<HEADER_BYTES>()?;
        let request = Request::from_bytes(header);
        self.stat.frames_ok = self.stat.frames_ok.wrapping_add(1);
        self.cycles += (frame.len() + 16) as u64;
        let answer = self.act(&request, payload)?;
        Some(self.response(&request, answer))
    }

    /// A response as it goes over the wire.
    fn response(&mut self, request: &Request, (status, aux, payload): Answer) -> Vec<u8> {
        self.cycles += payload.len() as u64;
        let response = Response { op: request.op | RESPONSE_BIT, status: status as u8, seq: request.seq, aux };
        encode_frame(&response.to_bytes(), &payload)
    }

    fn act(&mut self, request: &Request, payload: &[u8]) -> Option<Answer> {
        let refuse = |status| Some((status, 0, Vec::new()));
        let op = Op::from_byte(request.op);
        let is_making = self.tokens.as_ref().is_some_and(TokenUnit::is_making);
        match op {
            None => refuse(Status::BadOp),
            Some(Op::Generate | Op::Tokens | Op::Step) if self.tokens.is_none() => refuse(Status::BadOp),
            Some(Op::Seed) if !self.ident.seed => refuse(Status::BadOp),
            Some(Op::Sync | Op::Ident | Op::Stat) if !payload.is_empty() => refuse(Status::BadLen),
            Some(Op::Sync) => Some(self.sync(request)),
            Some(Op::Ident) => Some(self.ident_page(request)),
            Some(Op::Stat) => Some(self.stat_page()),
            Some(Op::Tokens) => self.ask_tokens(request, payload),
            Some(Op::Generate) => Some(self.generate(payload)),
            Some(Op::Read) => Some(self.read(request, payload)),
            Some(Op::Write | Op::Seal | Op::Run | Op::Step) if is_making => refuse(Status::Busy),
            Some(Op::Step) => Some(self.step(request, payload)),
            Some(Op::Seed) => Some(self.seed(request, payload)),
            Some(Op::Write) => Some(self.write(request, payload)),
            Some(Op::Seal) => Some(self.seal(request, payload)),
            Some(Op::Run) => Some(self.run(request, payload)),
        }
    }

    fn sync(&mut self, request: &Request) -> Answer {
        self.forget();
        let status = if request.arg == PROTOCOL_VERSION { Status::Ok } else { Status::Version };
        (status, request.addr, Vec::new())
    }

    /// An odd address asks for the token machine's page, if there is one.
    fn ident_page(&self, request: &Request) -> Answer {
        let page = match &self.tokens {
            Some(unit) if request.addr & 1 == 1 => unit.sizes.to_page(),
            _ => self.ident.to_bytes(),
        };
        (Status::Ok, 0, page.to_vec())
    }

    fn stat_page(&mut self) -> Answer {
        self.stat.uptime = self.cycles as u32;
        let page = self.stat.to_words().into_iter().flat_map(u32::to_le_bytes).collect();
        (Status::Ok, 0, page)
    }
}

impl ByteDevice for ModelDevice {
    fn describe(&self) -> String {
        format!("software model of {}", self.ident.config)
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.receive(bytes);
    }

    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(response) = self.waited() {
            out.extend(response);
        }
        match self.slots.pop_front() {
            Some(frame) => out.extend(self.handle(&frame).unwrap_or_default()),
            None => self.make_token(),
        }
        self.admit();
        !self.slots.is_empty() || self.can_make()
    }

    fn cycles(&self) -> u64 {
        self.cycles
    }

    fn clk_hz(&self) -> u32 {
        self.ident.clk_hz
    }
}

#[cfg(test)]
mod tests;
