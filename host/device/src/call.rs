//! One request and what its response must be.

use nda_spec::wire::{Op, RESPONSE_BIT, Response, Status, max_wire_bytes};
use std::ops::Range;
use std::time::Duration;

/// A request and what its response must be.
#[derive(Clone)]
pub(crate) struct Call {
    pub op: Op,
    pub arg: u8,
    pub addr: u32,
    pub payload: Vec<u8>,
    /// Payload bytes of the response if the status is `Ok` or `Dup`; of `TOKENS` at most.
    pub reply_bytes: usize,
    /// Time that the device works on it.
    pub work: Duration,
}

impl Call {
    /// A request without a payload.
    pub(crate) fn plain(op: Op, reply_bytes: usize, work: Duration) -> Call {
        Call { op, arg: 0, addr: 0, payload: Vec::new(), reply_bytes, work }
    }

    /// Most bytes on the wire of the request and its response.
    pub(crate) fn wire_bytes(&self) -> usize {
        max_wire_bytes(self.payload.len()) + max_wire_bytes(self.reply_bytes)
    }

    /// What a person calls it.
    pub(crate) fn name(&self) -> String {
        let id = || self.payload.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        match self.op {
            Op::Sync => "SYNC (the start of a session)".into(),
            Op::Ident => "IDENT".into(),
            Op::Stat => "STAT".into(),
            Op::Write => format!("WRITE of {} bytes at tile word {}", self.payload.len(), self.addr),
            Op::Seal => format!("SEAL of page {}", self.addr),
            Op::Run => format!("RUN of job {} with {} payload bytes", id(), self.payload.len()),
            Op::Generate => format!("GENERATE {} with {} payload bytes", id(), self.payload.len()),
            Op::Step => format!("STEP {}", id()),
            Op::Tokens => format!("TOKENS from index {} of GENERATE {}", self.addr & 0xffff, self.addr >> 16),
            Op::Seed => format!("SEED operation {} of {} elements", self.arg, self.addr & 0xffff),
            Op::Read => format!("READ of {} bytes from result word {} of job {}", self.reply_bytes, self.addr & 0xffff, self.addr >> 16),
        }
    }

    /// Whether an `Ok` response may have a payload of that many bytes.
    pub(crate) fn takes(&self, bytes: usize) -> bool {
        if self.op == Op::Tokens { (1..=self.reply_bytes).contains(&bytes) } else { bytes == self.reply_bytes }
    }

    /// Whether a status besides `Ok` and `Dup` is one that the caller of this operation handles.
    pub(crate) fn expects(&self, status: u8) -> bool {
        let expected: &[Status] = match self.op {
            Op::Sync => &[Status::Version],
            Op::Seal => &[Status::CrcMismatch],
            Op::Run | Op::Generate | Op::Step => &[Status::TileDirty, Status::OtherPages, Status::StaleJob],
            Op::Read => &[Status::StaleJob],
            Op::Tokens => &[Status::StaleJob, Status::Range],
            Op::Ident | Op::Write | Op::Stat | Op::Seed => &[],
        };
        expected.iter().any(|&e| e as u8 == status)
    }
}

/// What the device answered.
pub(crate) struct Reply {
    pub status: u8,
    pub aux: u32,
    pub payload: Vec<u8>,
    /// How often the request had been sent by then.
    pub tries: u32,
}

impl Reply {
    /// Whether this is the status.
    pub(crate) fn is(&self, status: Status) -> bool {
        self.status == status as u8
    }
}

/// A request on its way.
pub(crate) struct Pending {
    /// The units that it is about.
    pub units: Range<usize>,
    pub seq: u16,
    pub call: Call,
    pub frame: Vec<u8>,
    pub tries: u32,
    /// Grows with every frame sent, so that an answer tells which earlier frames were lost.
    pub order: u64,
    /// When it was sent last.
    pub sent: Duration,
    pub deadline: Duration,
}

impl Pending {
    /// Bytes on the wire of the request and of its response.
    pub(crate) fn wire_bytes(&self) -> usize {
        self.frame.len() + max_wire_bytes(self.call.reply_bytes)
    }

    /// Whether a response belongs to this request: operation, sequence number, and the address where it is echoed.
    pub(crate) fn is_answered_by(&self, header: &Response) -> bool {
        let echoes = match self.call.op {
            Op::Sync => true,
            Op::Write | Op::Read | Op::Tokens => header.status == Status::Ok as u8,
            Op::Ident | Op::Seal | Op::Run | Op::Stat | Op::Generate | Op::Step | Op::Seed => false,
        };
        header.seq == self.seq && header.op == self.call.op as u8 | RESPONSE_BIT && (!echoes || header.aux == self.call.addr)
    }
}
