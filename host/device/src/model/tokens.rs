//! Whole tokens: `GENERATE`, `TOKENS`, `STEP` by the golden token machine.

use super::job::is_newer;
use super::{Answer, Kind, LastJob, ModelDevice};
use nda_spec::WeightCode;
use nda_spec::config::{Config, Geometry};
use nda_spec::token::cycles::{self, Fabric};
use nda_spec::token::wired::row_order;
use nda_spec::token::{Choice, Golden, Image, Machine, Sizes};
use nda_spec::width;
use nda_spec::wire::{Generate, GenerateError, Making, Request, Status, TOKEN_CYCLES_BITS, TokensReply, TokensRequest, WAIT_CYCLES};
use std::collections::VecDeque;

/// What the token machine holds.
#[derive(Debug)]
pub(super) struct TokenUnit {
    pub(super) sizes: Sizes,
    pub(super) program_words: usize,
    fabric: Fabric,
    /// Id of the last `GENERATE` or `STEP`.
    last_id: Option<u16>,
    sequence: Option<Sequence>,
    /// The program that the pages with a digest hold, so that it is read once.
    known: Option<((u16, u16, u32), Loaded)>,
    /// A `TOKENS` that waits, and until which cycle.
    waiting: Option<(Request, TokensRequest, u64)>,
}

/// A program and its weights, checked.
#[derive(Debug, Clone)]
struct Loaded {
    machine: Machine,
    products: Golden,
}

/// A sequence of tokens and what is being done with it.
#[derive(Debug)]
struct Sequence {
    /// Of the request that was last.
    id: u16,
    loaded: Loaded,
    making: Making,
    /// What goes in; the last of it has a successor.
    pending: VecDeque<u32>,
    most_tokens: u32,
    token_cycles: u64,
    stops: Vec<u32>,
    choice: Choice,
    /// Tokens that the host has not let go.
    kept: VecDeque<u32>,
    /// Index of the first of them.
    first: u32,
    /// Tokens made by this request.
    made: u32,
}

impl TokenUnit {
    pub(super) fn new(sizes: Sizes, config: &Config) -> TokenUnit {
        let Geometry { array_rows, array_cols, .. } = config.geometry;
        let fabric = Fabric { rows: array_rows, cols: array_cols, ..Fabric::TOKEN_1024 };
        TokenUnit { sizes, program_words: config.program_words(), fabric, last_id: None, sequence: None, known: None, waiting: None }
    }

    /// Ends what goes on; no sequence is held any more.
    pub(super) fn forget(&mut self) {
        self.last_id = None;
        self.sequence = None;
        self.waiting = None;
    }

    /// Whether tokens are being made.
    pub(super) fn is_making(&self) -> bool {
        self.sequence.as_ref().is_some_and(|s| s.making == Making::On)
    }

    /// Whether the next token has room.
    fn can_make(&self) -> bool {
        self.sequence.as_ref().is_some_and(|s| s.making == Making::On && s.kept.len() < self.sizes.queue_tokens)
    }

    /// Takes one token in, and makes the next if it is the prompt's last; returns the cycles.
    fn work(&mut self) -> u64 {
        let Some(s) = &mut self.sequence else { return 0 };
        let Loaded { machine, products } = &mut s.loaded;
        let Some(token) = s.pending.pop_front() else { return 0 };
        let cycles = cycles::token(machine.program(), &self.fabric, machine.position()).1;
        if cycles > s.token_cycles {
            s.making = Making::Failed;
            return s.token_cycles;
        }
        if !s.pending.is_empty() {
            let Ok(()) = machine.take(products, token);
            s.settle();
            return cycles;
        }
        let Ok(next) = machine.next(products, token, s.choice);
        if s.stops.contains(&next) {
            s.making = Making::Stop;
            return cycles;
        }
        s.kept.push_back(next);
        s.made += 1;
        s.pending.push_back(next);
        s.settle();
        cycles
    }
}

impl Sequence {
    /// Whether as many tokens are made as were wanted; the last one has not gone in.
    fn settle(&mut self) {
        if self.made >= self.most_tokens && self.pending.len() <= 1 {
            self.making = Making::Length;
        }
    }

    /// The tokens from an index on, at most that many; the state is told with the last ones.
    fn reply(&self, first: u32, count: usize) -> TokensReply {
        let tokens: Vec<u32> = self.kept.iter().skip((first - self.first) as usize).take(count).copied().collect();
        let is_all = first + tokens.len() as u32 == self.made;
        TokensReply { making: if is_all { self.making } else { Making::On }, tokens }
    }
}

impl ModelDevice {
    /// Makes the next token, if there is one to be made.
    pub(super) fn make_token(&mut self) {
        if let Some(unit) = self.tokens.as_mut().filter(|unit| unit.can_make()) {
            self.cycles += unit.work();
        }
    }

    /// Whether there is more to do without a frame.
    pub(super) fn can_make(&self) -> bool {
        self.tokens.as_ref().is_some_and(|unit| unit.can_make() || unit.waiting.is_some())
    }

    pub(super) fn generate(&mut self, payload: &[u8]) -> Answer {
        let Some(unit) = &self.tokens else { return (Status::BadOp, 0, Vec::new()) };
        let request = match Generate::from_bytes(payload, unit.sizes.token_bytes) {
            Err(GenerateError::Length) => return (Status::BadLen, 0, Vec::new()),
            Err(GenerateError::Stops) => return (Status::Range, 0, Vec::new()),
            Ok(request) => request,
        };
        let known = unit.sequence.as_ref().is_some_and(|s| s.id == request.id);
        if known && unit.last_id == Some(request.id) {
            return (Status::Dup, 0, Vec::new());
        }
        if let Err(refused) = self.begin(&request, unit.sizes.prompt_tokens) {
            return refused;
        }
        if let Some(s) = self.tokens.as_mut().and_then(|unit| unit.sequence.as_mut()) {
            s.most_tokens = request.most_tokens;
            s.settle();
        }
        (Status::Ok, 0, Vec::new())
    }

    /// Checks a request and makes it the sequence's.
    fn begin(&mut self, request: &Generate, most_prompt: usize) -> Result<(), Answer> {
        let refuse = |status, aux: u32| Err((status, aux, Vec::new()));
        let last_id = self.tokens.as_ref().and_then(|unit| unit.last_id);
        let last = u32::from(last_id.unwrap_or(0));
        if !is_newer(last_id, request.id) {
            return refuse(Status::StaleJob, last);
        }
        let held = self.tokens.as_ref().and_then(|unit| unit.sequence.as_ref()).filter(|s| s.id == request.after);
        match held.map(|s| s.making) {
            _ if request.is_new() => {}
            None | Some(Making::Failed) => return refuse(Status::StaleJob, last),
            Some(Making::On) => return refuse(Status::Busy, 0),
            Some(_) => {}
        }
        let pages = usize::from(request.first_page)..usize::from(request.first_page) + usize::from(request.pages);
        let tile_pages = self.geometry().pages();
        let fits = pages.end <= tile_pages && !pages.is_empty();
        let endless = request.token_cycles >> TOKEN_CYCLES_BITS > 0;
        if !fits || endless || request.prompt.is_empty() || request.prompt.len() > most_prompt {
            return refuse(Status::Range, 0);
        }
        self.check_pages(pages.chain(tile_pages..self.seals.len()), request.digest)?;
        let loaded = self.load(request)?;
        let tokens = loaded.machine.program().tokens();
        if let Some(unit) = self.tokens.as_mut().filter(|_| request.is_new()) {
            unit.sequence = None;
        }
        if request.prompt.iter().any(|&token| token as usize >= tokens) {
            return refuse(Status::Range, 0);
        }
        let Some(unit) = &mut self.tokens else { return refuse(Status::BadOp, 0) };
        unit.last_id = Some(request.id);
        let loaded = match unit.sequence.take() {
            Some(held) if !request.is_new() => held.loaded,
            _ => loaded,
        };
        unit.waiting = None;
        // Sums of its products take the place of the last job's results.
        self.last = Some(LastJob { id: request.id, kind: Kind::Tokens, row_groups: 0, run_cycles: 0, results: Vec::new() });
        unit.sequence = Some(Sequence {
            id: request.id,
            loaded,
            making: Making::On,
            pending: request.prompt.iter().copied().collect(),
            most_tokens: 0,
            token_cycles: request.token_cycles.into(),
            stops: request.stops.clone(),
            choice: request.choice,
            kept: VecDeque::new(),
            first: 0,
            made: 0,
        });
        Ok(())
    }

    /// The program in the sealed pages.
    fn load(&mut self, request: &Generate) -> Result<Loaded, Answer> {
        let bad = || (Status::BadProgram, 0, Vec::new());
        let key = (request.first_page, request.pages, request.digest);
        if let Some((_, loaded)) = self.tokens.as_ref().and_then(|unit| unit.known.as_ref()).filter(|(known, _)| *known == key) {
            return Ok(loaded.clone());
        }
        let g = self.geometry();
        let unit = self.tokens.as_ref().ok_or_else(bad)?;
        let bytes = &self.tiles[g.tile_words * g.tile_word_bytes()..];
        let units: Vec<u64> = bytes.chunks_exact(8).map(|b| b.iter().rev().fold(0, |unit, &b| unit << 8 | u64::from(b))).collect();
        let image = Image::decode(&units, &unit.sizes, &g).ok_or_else(bad)?;
        image.program.check().map_err(|_| bad())?;
        let matrices = image.program.matrices.iter().zip(&image.places).enumerate();
        let weights = matrices.map(|(number, (m, place))| {
            let words = m.rows.div_ceil(g.array_rows).checked_mul(m.cols.div_ceil(g.array_cols))?;
            let end = (place.base as usize).checked_add(words).filter(|&end| end <= g.tile_words)?;
            let words = &self.tiles[place.base as usize * g.tile_word_bytes()..end * g.tile_word_bytes()];
            Some(weights(&g, words, &row_order(&image.program, number), m.cols, m.code))
        });
        let weights = weights.collect::<Option<Vec<_>>>().ok_or_else(bad)?;
        let products = Golden { shapes: image.program.matrices.clone(), weights };
        let loaded = Loaded { machine: Machine::new(image.program).map_err(|_| bad())?, products };
        if let Some(unit) = &mut self.tokens {
            unit.known = Some((key, loaded.clone()));
        }
        Ok(loaded)
    }

    pub(super) fn step(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let Some(unit) = &self.tokens else { return (Status::BadOp, 0, Vec::new()) };
        let step = match Generate::from_bytes(payload, unit.sizes.token_bytes) {
            Ok(step) if step.prompt.len() == 1 => step,
            Err(GenerateError::Stops) => return (Status::Range, 0, Vec::new()),
            _ => return (Status::BadLen, 0, Vec::new()),
        };
        let g = self.geometry();
        let inline = request.addr as usize;
        let row = |last: &LastJob, status| match inline <= last.row_groups {
            true => (status, last.run_cycles, last.results[..inline * g.result_word_bytes()].to_vec()),
            false => (Status::Range, 0, Vec::new()),
        };
        if let Some(last) = self.last.as_ref().filter(|last| last.kind == Kind::Step && last.id == step.id && unit.last_id == Some(step.id))
        {
            return row(last, Status::Dup);
        }
        if let Err(refused) = self.begin(&step, 1) {
            return refused;
        }
        let Some(unit) = self.tokens.as_mut() else { return (Status::BadOp, 0, Vec::new()) };
        let Some(s) = unit.sequence.as_mut() else { return (Status::BadOp, 0, Vec::new()) };
        s.making = Making::Length;
        let Loaded { machine, products } = &mut s.loaded;
        let cycles = cycles::token(machine.program(), &unit.fabric, machine.position()).1;
        if cycles > s.token_cycles {
            s.making = Making::Failed;
            return (Status::BadProgram, 0, Vec::new());
        }
        let Ok(logits) = machine.logits(products, step.prompt[0]);
        let row_groups = logits.len().div_ceil(g.array_rows);
        let mut results: Vec<u8> = logits.iter().flat_map(|sum| sum.to_le_bytes().into_iter().take(width::RESULT_BYTES)).collect();
        results.resize(row_groups * g.result_word_bytes(), 0);
        self.cycles += cycles;
        let last = LastJob { id: step.id, kind: Kind::Step, row_groups, run_cycles: cycles as u32, results };
        let answer = row(&last, Status::Ok);
        self.last = Some(last);
        answer
    }

    /// The answer to a `TOKENS`; `None` if it waits.
    pub(super) fn ask_tokens(&mut self, request: &Request, payload: &[u8]) -> Option<Answer> {
        let refuse = |status, aux| Some((status, aux, Vec::new()));
        let Some(asked) = TokensRequest::from_bytes(request.addr, payload) else { return refuse(Status::BadLen, 0) };
        let Some(unit) = &mut self.tokens else { return refuse(Status::BadOp, 0) };
        let last = u32::from(unit.last_id.unwrap_or(0));
        let Some(s) = unit.sequence.as_mut().filter(|s| s.id == asked.id) else {
            return refuse(Status::StaleJob, last);
        };
        if !(s.first..=s.made).contains(&asked.first) {
            return refuse(Status::Range, 0);
        }
        // What is asked for shows what has arrived.
        s.kept.drain(..(asked.first - s.first) as usize);
        s.first = asked.first;
        if request.arg == 1 && s.making == Making::On {
            s.making = Making::Cancelled;
        }
        let deadline = self.cycles + u64::from(asked.wait) * WAIT_CYCLES;
        unit.waiting = Some((*request, asked, deadline));
        None
    }

    /// The response to a `TOKENS` that has waited enough.
    pub(super) fn waited(&mut self) -> Option<Vec<u8>> {
        let is_asked = !self.slots.is_empty();
        let unit = self.tokens.as_mut()?;
        let (request, asked, deadline) = unit.waiting?;
        let s = unit.sequence.as_ref()?;
        let enough = s.kept.len() >= usize::from(asked.count).min(unit.sizes.queue_tokens) || s.making != Making::On;
        if !enough && !is_asked && self.cycles < deadline {
            return None;
        }
        unit.waiting = None;
        let payload = s.reply(s.first, asked.count.into()).to_bytes(unit.sizes.token_bytes);
        Some(self.response(&request, (Status::Ok, request.addr, payload)))
    }
}

/// The weights in tile words, row by row; `order` says which row stands in each of the array's.
fn weights(g: &Geometry, words: &[u8], order: &[usize], cols: usize, code: WeightCode) -> Vec<i8> {
    let (plane_bytes, beats) = (g.array_cols / 8, cols.div_ceil(g.array_cols));
    let affine = code.row().array.coefficients.affine();
    let weight = |at: usize, col: usize| {
        let word = &words[(at / g.array_rows * beats + col / g.array_cols) * g.tile_word_bytes()..];
        let lane = col % g.array_cols;
        let bit = |plane: usize| word[(plane * g.array_rows + at % g.array_rows) * plane_bytes + lane / 8] >> (lane % 8) & 1;
        let planes = affine.coefficients.iter().enumerate();
        (affine.offset + planes.map(|(plane, c)| c * i32::from(bit(plane))).sum::<i32>()) as i8
    };
    let mut out = vec![0; order.len() * cols];
    for (at, &row) in order.iter().enumerate() {
        (0..cols).for_each(|col| out[row * cols + col] = weight(at, col));
    }
    out
}
