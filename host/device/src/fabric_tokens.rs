//! Whole tokens on a device: a token program beside its weights, and one sequence of tokens that no fault changes.

use crate::error::DeviceError;
use crate::fabric::{FabricGemv, MAX_BLOCK_TRIES};
use crate::token_place::{TokenPlace, program_pages};
use crate::tokens::{Begun, Ends, Made};
use crate::transport::Transport;
use nda_gemv::{Cost, GemvError, MatrixId, NoTokens, Start, Tokens, TokensId, Work};
use nda_spec::token::{Choice, Finish, Program, Reply, Request};
use nda_spec::width::RESULT_BYTES;
use nda_spec::wire::{GENERATE_BYTES, Generate, Making, TokensRequest, WAIT_CYCLES};
use std::ops::ControlFlow;

/// Answers without a token that are waited for beyond what the prompt explains.
const MAX_EMPTY: u64 = 64;
/// Times that a text is begun anew without a token in between.
const MAX_RESTARTS: u32 = MAX_BLOCK_TRIES;

/// The sequence of tokens.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// Tokens that have gone in, since it began.
    taken: Vec<u32>,
    /// Id of the request behind which the device stands, if it stands exactly behind those.
    held: Option<u16>,
}

/// A text in the making.
struct Text<'r> {
    request: &'r Request,
    made: Vec<u32>,
    cost: Cost,
}

impl<T: Transport> FabricGemv<'_, T> {
    /// The pages that a token program needs.
    fn token_pages(&self, place: usize) -> impl Iterator<Item = usize> + use<T> {
        let tile_pages = self.driver.geometry().pages();
        self.token_places[place].pages.clone().chain(tile_pages..tile_pages + program_pages(&self.driver))
    }

    /// Makes the device hold what a token program needs.
    pub(crate) fn settle_tokens(&mut self, place: usize) -> Result<(), DeviceError> {
        let tile_pages = self.driver.geometry().pages();
        self.settle(self.token_places[place].pages.clone())?;
        self.settle(tile_pages..tile_pages + program_pages(&self.driver))
    }

    /// A request for tokens of a program without its tokens.
    fn token_request(&self, place: usize, choice: Choice) -> Generate {
        let TokenPlace { pages, token_cycles, .. } = &self.token_places[place];
        Generate {
            id: 0,
            after: 0,
            // Pages are at most 128.
            first_page: pages.start as u16,
            pages: pages.len() as u16,
            most_tokens: 0,
            digest: self.store.digest(self.token_pages(place)),
            token_cycles: *token_cycles,
            choice,
            stops: Vec::new(),
            prompt: Vec::new(),
        }
    }

    /// What the machine multiplies for tokens that go in, and for those of them whose successors it makes.
    fn work(&self, place: usize, taken: usize, made: usize) -> Work {
        let [body, head] = self.token_places[place].work;
        let mut work = body.times(taken as u64);
        work += head.times(made as u64);
        work
    }

    /// Brings the device behind all but the last of these tokens, and adds what that multiplies to `work`; what is left of them
    /// for the next request, and behind what it goes on. `None` if the device lost what it stood behind.
    fn bring(
        &mut self,
        place: usize,
        input: Vec<u32>,
        head_bytes: usize,
        work: &mut Work,
    ) -> Result<Option<(Vec<u32>, Option<u16>)>, DeviceError> {
        let mut held = self.sequence.held;
        let mut rest = input;
        while rest.len() > self.driver.prompt_tokens(head_bytes) {
            let piece = rest[..self.driver.prompt_tokens(head_bytes)].to_vec();
            let request = Generate { prompt: piece.clone(), ..self.token_request(place, Choice::GREEDY) };
            let id = match self.driver.generate(&request, held)? {
                Begun::Id(id) => id,
                Begun::Pages => {
                    self.doubt_tokens(place)?;
                    continue;
                }
                Begun::Gone => return Ok(None),
            };
            if !self.wait(id, place, piece.len())? {
                return Ok(None);
            }
            *work += self.work(place, piece.len() - 1, 0);
            rest.drain(..piece.len() - 1);
            held = Some(id);
        }
        Ok(Some((rest, held)))
    }

    /// Waits until a prompt without a text is in; false if the device lost it.
    fn wait(&mut self, id: u16, place: usize, prompt: usize) -> Result<bool, DeviceError> {
        let mut patience = self.patience(place, prompt);
        while let Some(left) = patience.checked_sub(1) {
            patience = left;
            let asked = TokensRequest { id, first: 0, count: 1, wait: u8::MAX };
            match self.driver.tokens(asked, Ends::No, self.token_places[place].token_cycles)? {
                Made::Here(reply) if reply.making == Making::On => {}
                Made::Here(reply) if reply.making == Making::Failed => return Err(self.slow_token(place)),
                Made::Here(_) => return Ok(true),
                Made::Gone | Made::Pages => return Ok(false),
            }
        }
        Err(self.unsettled_text())
    }

    /// Answers without a token that a prompt of that many explains, and some.
    fn patience(&self, place: usize, prompt: usize) -> u64 {
        let cycles = u64::from(self.token_places[place].token_cycles) * (prompt as u64 + 1);
        MAX_EMPTY + cycles / (WAIT_CYCLES * u64::from(u8::MAX))
    }

    fn doubt_tokens(&mut self, place: usize) -> Result<(), DeviceError> {
        for page in self.token_pages(place) {
            self.store.doubt(page..page + 1);
        }
        self.settle_tokens(place)
    }

    /// Makes a text; goes on from where it was whenever the device loses it, since the same tokens come again.
    fn make(
        &mut self,
        place: usize,
        text: &mut Text<'_>,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
        count: &dyn Fn(&Self, &mut Cost),
    ) -> Result<Finish, DeviceError> {
        let request = text.request;
        let head_bytes = GENERATE_BYTES + request.stops.len() * self.driver.token().map_or(1, |sizes| sizes.token_bytes);
        let (mut restarts, mut known) = (0, 0);
        while restarts < MAX_RESTARTS {
            restarts = if text.made.len() > known { 0 } else { restarts + 1 };
            known = text.made.len();
            let input = match self.sequence.held {
                Some(_) => request.prompt.clone(),
                None => [&self.sequence.taken[..], &request.prompt, &text.made].concat(),
            };
            self.settle_tokens(place)?;
            let begun = self.bring(place, input, head_bytes, &mut text.cost.device)?;
            // What it stood behind is behind it.
            self.sequence.held = None;
            let Some((prompt, after)) = begun else { continue };
            let length = prompt.len();
            let wanted = Generate {
                most_tokens: u32::try_from(request.most_tokens - text.made.len()).unwrap_or(u32::MAX),
                stops: request.stops.clone(),
                prompt,
                ..self.token_request(place, request.choice)
            };
            match self.driver.generate(&wanted, after)? {
                Begun::Id(id) => {
                    if let Some(finish) = self.collect(id, place, length, text, made, count)? {
                        return Ok(finish);
                    }
                }
                Begun::Pages => self.doubt_tokens(place)?,
                Begun::Gone => {}
            }
        }
        Err(self.unsettled_text())
    }

    /// Fetches a text's tokens; `None` if the device lost it.
    fn collect(
        &mut self,
        id: u16,
        place: usize,
        prompt: usize,
        text: &mut Text<'_>,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
        count: &dyn Fn(&Self, &mut Cost),
    ) -> Result<Option<Finish>, DeviceError> {
        let (mut first, mut patience) = (0_u32, self.patience(place, prompt));
        let token_cycles = self.token_places[place].token_cycles;
        while patience > 0 {
            // The first token comes alone, at once; the rest in whole frames.
            let asked = if first == 0 { 1 } else { self.driver.frame_tokens() };
            let wait = (u64::from(asked) * u64::from(token_cycles)).div_ceil(WAIT_CYCLES).clamp(1, u64::from(u8::MAX)) as u8;
            let reply = match self.driver.tokens(TokensRequest { id, first, count: asked, wait }, Ends::No, token_cycles)? {
                Made::Here(reply) => reply,
                Made::Gone | Made::Pages => return Ok(None),
            };
            patience = if reply.tokens.is_empty() { patience - 1 } else { self.patience(place, 0) };
            count(self, &mut text.cost);
            text.cost.jobs += u64::from(!reply.tokens.is_empty());
            // All of the prompt but its last token is in once anything is answered to it.
            if first == 0 && (!reply.tokens.is_empty() || reply.making != Making::On) {
                text.cost.device += self.work(place, prompt - 1, 0);
            }
            for &token in &reply.tokens {
                text.made.push(token);
                text.cost.device += self.work(place, 1, 1);
                if made(token, text.cost).is_break() {
                    self.end(id, first + reply.tokens.len() as u32, token_cycles)?;
                    return Ok(Some(Finish::Cancelled));
                }
            }
            first += reply.tokens.len() as u32;
            let finish = match reply.making {
                Making::On => continue,
                Making::Stop => {
                    // The stop was made too.
                    text.cost.device += self.work(place, 1, 1);
                    Finish::Stop
                }
                Making::Length | Making::Cancelled => Finish::Length,
                Making::Failed => return Err(self.slow_token(place)),
            };
            self.sequence.held = Some(id);
            return Ok(Some(finish));
        }
        Err(self.unsettled_text())
    }

    /// Ends a text that nobody wants any more. Where the device then stands is not where the caller does.
    fn end(&mut self, id: u16, first: u32, token_cycles: u32) -> Result<(), DeviceError> {
        let asked = TokensRequest { id, first, count: 0, wait: u8::MAX };
        self.driver.tokens(asked, Ends::Now, token_cycles).map(|_| ())
    }

    fn slow_token(&self, place: usize) -> DeviceError {
        DeviceError::SlowToken { device: self.driver.describe().into(), cycles: self.token_places[place].token_cycles }
    }

    fn unsettled_text(&self) -> DeviceError {
        DeviceError::Unsettled { device: self.driver.describe().into(), what: "a text".into(), tries: MAX_RESTARTS }
    }

    /// The head's row behind one more token.
    fn take_step(&mut self, place: usize, token: u32, work: &mut Work) -> Result<Vec<u8>, DeviceError> {
        let row_groups = self.token_places[place].tokens.div_ceil(self.driver.geometry().array_rows) as u16;
        for _ in 0..MAX_RESTARTS {
            let input = match self.sequence.held {
                Some(_) => vec![token],
                None => [&self.sequence.taken[..], &[token]].concat(),
            };
            self.settle_tokens(place)?;
            // A step takes one token, so all that goes before it is brought.
            let begun = self.bring_all(place, input, work)?;
            self.sequence.held = None;
            let Some((token, after)) = begun else { continue };
            let request = Generate { prompt: vec![token], ..self.token_request(place, Choice::GREEDY) };
            match self.driver.step(&request, after, row_groups)? {
                Made::Here((row, id)) => {
                    self.sequence.held = Some(id);
                    *work += self.work(place, 1, 1);
                    return Ok(row);
                }
                Made::Pages => self.doubt_tokens(place)?,
                Made::Gone => {}
            }
        }
        Err(self.unsettled_text())
    }

    /// As [`Self::bring`], until one token is left.
    fn bring_all(&mut self, place: usize, input: Vec<u32>, work: &mut Work) -> Result<Option<(u32, Option<u16>)>, DeviceError> {
        let Some((mut rest, mut held)) = self.bring(place, input, GENERATE_BYTES, work)? else { return Ok(None) };
        if rest.len() > 1 {
            let request = Generate { prompt: rest.clone(), ..self.token_request(place, Choice::GREEDY) };
            let Begun::Id(id) = self.driver.generate(&request, held)? else {
                self.doubt_tokens(place)?;
                return Ok(None);
            };
            if !self.wait(id, place, rest.len())? {
                return Ok(None);
            }
            *work += self.work(place, rest.len() - 1, 0);
            rest.drain(..rest.len() - 1);
            held = Some(id);
        }
        Ok(rest.pop().map(|token| (token, held)))
    }

    fn place_of(&mut self, id: TokensId, start: Start) -> Result<usize, GemvError> {
        if id.0 >= self.token_places.len() {
            return Err(GemvError::UnknownTokens { id });
        }
        if start == Start::Anew {
            self.sequence = Sequence::default();
        }
        Ok(id.0)
    }
}

impl<T: Transport> Tokens for FabricGemv<'_, T> {
    fn runs(&mut self, program: &Program) -> Result<(), NoTokens> {
        self.runs_tokens(program)
    }

    fn prepare_tokens(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens> {
        let place = self.place_tokens(program, matrix)?;
        // The program memory holds one program.
        self.token_places = vec![place];
        Ok(TokensId(0))
    }

    fn generate(
        &mut self,
        id: TokensId,
        start: Start,
        request: &Request,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
    ) -> Result<(Reply, Cost), GemvError> {
        let place = self.place_of(id, start)?;
        let before = (self.driver.stats(), self.driver.transport().cycles());
        let count = |this: &Self, cost: &mut Cost| this.count(before, cost);
        let mut text = Text { request, made: Vec::new(), cost: Cost::default() };
        let finish = self.make(place, &mut text, made, &count).map_err(|error| GemvError::Device(Box::new(error)))?;
        count(self, &mut text.cost);
        let Text { made, cost, .. } = text;
        self.sequence.taken.extend(request.prompt.iter().chain(&made));
        if finish != Finish::Stop {
            self.sequence.taken.pop();
        }
        Ok((Reply { tokens: made, finish }, cost))
    }

    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
        let place = self.place_of(id, start)?;
        let before = (self.driver.stats(), self.driver.transport().cycles());
        let mut cost = Cost { jobs: 1, ..Cost::default() };
        let row = self.take_step(place, token, &mut cost.device).map_err(|error| GemvError::Device(Box::new(error)))?;
        self.sequence.taken.push(token);
        let wide = |b: &[u8]| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8;
        logits.clear();
        logits.extend(row.chunks_exact(RESULT_BYTES).take(self.token_places[place].tokens).map(wide));
        self.count(before, &mut cost);
        Ok(cost)
    }
}
