//! Whole tokens over the link: `GENERATE`, `TOKENS`, `STEP`.

use crate::call::Call;
use crate::error::DeviceError;
use crate::link::MAX_RESPONSE;
use crate::request::JobRequest;
use crate::session::Driver;
use crate::transport::Transport;
use nda_spec::token::text::FRAME_TOKENS;
use nda_spec::wire::{Generate, JobFlags, Op, Status, TOKENS_BYTES, TokensReply, TokensRequest, WAIT_CYCLES};

/// New ids that one request may need: each is another fault at the worst moment.
const MAX_TRIES: u32 = 16;

/// How a request for tokens began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It did, under this id.
    Id(u16),
    /// A page that it needs is not sealed, or with other contents.
    Pages,
    /// What it should go on from is gone.
    Gone,
}

/// What a request for tokens gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made<A> {
    /// This.
    Here(A),
    /// A page that it needs is not sealed, or with other contents.
    Pages,
    /// What it is about, or should go on from, is gone.
    Gone,
}

impl<T: Transport> Driver<T> {
    /// Begins to make tokens. Ids in the request are the driver's to give: of `after` it says alone what it goes on from, `None`
    /// begins a new sequence.
    ///
    /// # Errors
    /// The link's or the device's failure.
    pub fn generate(&mut self, request: &Generate, after: Option<u16>) -> Result<Begun, DeviceError> {
        let mut recoveries = 0;
        for _ in 0..MAX_TRIES {
            self.job_id = self.job_id.wrapping_add(1);
            let id = self.job_id;
            let payload = self.generate_bytes(request, after);
            let work = self.work(payload.len() as u64 * 2);
            match self.link.exchange_one(&Call { payload, ..Call::plain(Op::Generate, 0, work) }) {
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
                Ok(reply) if reply.is(Status::TileDirty) || reply.is(Status::OtherPages) => return Ok(Begun::Pages),
                Ok(reply) if reply.is(Status::StaleJob) => {
                    self.job_id = self.newest(reply.aux as u16);
                    if after.is_some() {
                        return Ok(Begun::Gone);
                    }
                }
                // This host asked once, so another frame with this id began something first.
                Ok(reply) if reply.is(Status::Dup) && reply.tries == 1 => {}
                Ok(_) => return Ok(Begun::Id(id)),
            }
            if after.is_some() {
                return Ok(Begun::Gone);
            }
            self.link.stats.reissued_jobs += 1;
        }
        Err(self.unsettled("the beginning of a text", MAX_TRIES))
    }

    /// Asks for tokens. The answer comes when `count` are there, and at the latest after `wait` units of
    /// [`WAIT_CYCLES`]; `ends` ends the making.
    ///
    /// # Errors
    /// The link's or the device's failure.
    pub fn tokens(&mut self, asked: TokensRequest, ends: Ends, token_cycles: u32) -> Result<Made<TokensReply>, DeviceError> {
        let width = self.token_bytes();
        let most = 1 + usize::from(asked.count) * width;
        let work = self.work(u64::from(asked.wait) * WAIT_CYCLES + u64::from(token_cycles));
        let arg = u8::from(ends == Ends::Now);
        let call = Call { arg, addr: asked.addr(), payload: asked.to_bytes().to_vec(), ..Call::plain(Op::Tokens, most, work) };
        debug_assert_eq!(call.payload.len(), TOKENS_BYTES);
        let mut recoveries = 0;
        match self.link.exchange_one(&call) {
            Err(trouble) => {
                self.recover(trouble, &mut recoveries)?;
                Ok(Made::Gone)
            }
            Ok(reply) if reply.is(Status::StaleJob) || reply.is(Status::Range) => Ok(Made::Gone),
            Ok(reply) => {
                let found = TokensReply::from_bytes(&reply.payload, width);
                found.map(Made::Here).ok_or_else(|| self.link.malformed(&call.name(), reply.payload.len(), most))
            }
        }
    }

    /// Takes one token in; the head's row as result words, and the id under which it was done.
    ///
    /// # Errors
    /// The link's or the device's failure.
    pub fn step(&mut self, request: &Generate, after: Option<u16>, row_groups: u16) -> Result<Made<(Vec<u8>, u16)>, DeviceError> {
        let g = *self.geometry();
        let work = self.work(request.token_cycles.into());
        let job = JobRequest { flags: JobFlags::from_byte(0), plane_groups: 0, base: 0, row_groups, col_beats: 0, init: 0, digest: 0 };
        let mut recoveries = 0;
        for _ in 0..MAX_TRIES {
            self.job_id = self.job_id.wrapping_add(1);
            let id = self.job_id;
            let payload = self.generate_bytes(request, after);
            let inline = (MAX_RESPONSE.min(self.link.noise.frame_bytes()) / g.result_word_bytes()).min(usize::from(row_groups));
            let call = Call { addr: inline as u32, payload, ..Call::plain(Op::Step, inline * g.result_word_bytes(), work) };
            match self.link.exchange_one(&call) {
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
                Ok(reply) if reply.is(Status::TileDirty) || reply.is(Status::OtherPages) => return Ok(Made::Pages),
                Ok(reply) if reply.is(Status::StaleJob) => self.job_id = self.newest(reply.aux as u16),
                Ok(reply) if reply.is(Status::Dup) && reply.tries == 1 => {}
                Ok(reply) => {
                    let mut row = reply.payload;
                    match self.read_rest(&job, inline, &mut row) {
                        Ok(true) => return Ok(Made::Here((row, id))),
                        Ok(false) => {}
                        Err(trouble) => self.recover(trouble, &mut recoveries)?,
                    }
                }
            }
            if after.is_some() {
                return Ok(Made::Gone);
            }
            self.link.stats.reissued_jobs += 1;
        }
        Err(self.unsettled("a token's row", MAX_TRIES))
    }

    /// Tokens of a `TOKENS` that get through the link as it is.
    pub(crate) fn frame_tokens(&self) -> u8 {
        let room = self.link.noise.frame_bytes().saturating_sub(1) / self.token_bytes();
        FRAME_TOKENS.min(u8::try_from(room).unwrap_or(u8::MAX)).max(1)
    }

    /// Tokens of a prompt that one request takes through the link as it is.
    pub(crate) fn prompt_tokens(&self, head_bytes: usize) -> usize {
        let most = self.token().map_or(1, |sizes| sizes.prompt_tokens);
        let room = self.frame_bytes().saturating_sub(head_bytes) / self.token_bytes();
        // Two at least: of a prompt in pieces the last token of each begins the next.
        room.clamp(2, most.max(2))
    }

    fn token_bytes(&self) -> usize {
        self.token().map_or(1, |sizes| sizes.token_bytes)
    }

    /// The payload of a request under the driver's present id.
    fn generate_bytes(&self, request: &Generate, after: Option<u16>) -> Vec<u8> {
        Generate { id: self.job_id, after: after.unwrap_or(self.job_id), ..request.clone() }.to_bytes(self.token_bytes())
    }

    /// The later of the device's last id and the driver's own.
    fn newest(&self, of_device: u16) -> u16 {
        if (of_device.wrapping_sub(self.job_id) as i16) > 0 { of_device } else { self.job_id }
    }

    fn unsettled(&self, what: &str, tries: u32) -> DeviceError {
        DeviceError::Unsettled { device: self.link.device.clone(), what: what.into(), tries }
    }
}

/// Whether a `TOKENS` ends the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It goes on.
    No,
    /// Behind the token that is being made.
    Now,
}
