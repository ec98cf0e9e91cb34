//! Frames that get there: sequence numbers, a window, retransmission, deadlines.

use crate::call::{Call, Pending, Reply};
use crate::error::DeviceError;
use crate::frame::{FrameDecoder, FrameEvent, encode_frame};
use crate::noise::Noise;
use crate::options::{DriverOptions, DriverStats};
use crate::spans::Spans;
use crate::transport::{Transport, TransportError, wire_time};
use nda_spec::wire::{Op, Request, Status};
use std::ops::Range;
use std::time::Duration;

/// Most payload bytes of a response that the driver asks for: a damaged one is sent again whole.
pub const MAX_RESPONSE: usize = nda_spec::plan::MAX_RESPONSE_BYTES;

/// Bytes that a session's start throws away at most before it speaks.
const MAX_DRAIN_BYTES: usize = 1 << 20;
/// A frame that is sent again waits at most 2 to this power times as long.
const MAX_BACKOFF_SHIFT: u32 = 2;
/// On a noisy link an answer is waited for this many times as long as the slowest one of late took, and this much longer.
const EAGER: (u32, Duration) = (4, Duration::from_millis(1));

/// Why an exchange ended early.
pub(crate) enum Trouble {
    Device(DeviceError),
    /// A frame was sent as often as allowed, or the device takes it in a new session only.
    Silence {
        waiting_for: String,
        tries: u32,
        /// Bytes of the frame and its response.
        wire_bytes: usize,
    },
}

impl From<DeviceError> for Trouble {
    fn from(error: DeviceError) -> Trouble {
        Trouble::Device(error)
    }
}

impl From<TransportError> for Trouble {
    fn from(error: TransportError) -> Trouble {
        Trouble::Device(error.into())
    }
}

/// A transport with what is known of it.
#[derive(Debug)]
pub(crate) struct Link<T: Transport> {
    pub transport: T,
    /// What a person calls the other end.
    pub device: String,
    pub options: DriverOptions,
    pub stats: DriverStats,
    pub noise: Noise,
    /// Frames that may be on their way: the device's slots.
    pub window: usize,
    decoder: FrameDecoder,
    seq: u16,
    order: u64,
    /// How long the slowest answer of late took besides its bytes.
    slowest: Duration,
}

impl<T: Transport> Link<T> {
    /// A link whose next sequence number is the one behind `seq`.
    pub(crate) fn new(transport: T, options: DriverOptions, seq: u16) -> Link<T> {
        Link {
            device: transport.describe(),
            transport,
            options,
            stats: DriverStats::default(),
            noise: Noise::new(),
            window: 1,
            decoder: FrameDecoder::new(MAX_RESPONSE),
            seq,
            order: 0,
            slowest: Duration::ZERO,
        }
    }

    /// Flushes half a frame of a dead host, and throws away what the device still sends to it.
    pub(crate) fn flush(&mut self) -> Result<(), DeviceError> {
        let quiet = self.transport.latency();
        let deadline = self.transport.now() + quiet * 2 + Duration::from_secs(1);
        self.delimit()?;
        let mut buffer = [0; 4096];
        let mut drained = 0;
        while drained < MAX_DRAIN_BYTES {
            let now = self.transport.now();
            let n = self.transport.receive(&mut buffer, (now + quiet).min(deadline))?;
            if n == 0 || self.transport.now() >= deadline {
                break;
            }
            drained += n;
        }
        self.stats.bytes_in += drained as u64;
        Ok(())
    }

    /// Ends whatever frame the device believes to be in.
    pub(crate) fn delimit(&mut self) -> Result<(), DeviceError> {
        self.send(&[0])
    }

    /// Exchanges one request.
    pub(crate) fn exchange_one(&mut self, call: &Call) -> Result<Reply, Trouble> {
        let mut found = None;
        self.exchange(
            &mut Spans::one_by_one(1),
            |_| call.clone(),
            |_, reply| {
                found = Some(reply);
                Ok(())
            },
        )?;
        found.ok_or_else(|| Trouble::Silence { waiting_for: call.name(), tries: 0, wire_bytes: call.wire_bytes() })
    }

    /// Exchanges independent requests, with as many on their way as the device has slots, in frames that are as long as
    /// the link's noise lets them be. After an error `todo` has what was not answered.
    pub(crate) fn exchange(
        &mut self,
        todo: &mut Spans,
        make: impl FnMut(Range<usize>) -> Call,
        done: impl FnMut(Range<usize>, Reply) -> Result<(), DeviceError>,
    ) -> Result<(), Trouble> {
        let mut pending = Vec::with_capacity(self.window);
        let outcome = self.exchange_pending(todo, &mut pending, make, done);
        pending.drain(..).rev().for_each(|p| todo.put_back(p.units));
        outcome
    }

    fn exchange_pending(
        &mut self,
        todo: &mut Spans,
        pending: &mut Vec<Pending>,
        mut make: impl FnMut(Range<usize>) -> Call,
        mut done: impl FnMut(Range<usize>, Reply) -> Result<(), DeviceError>,
    ) -> Result<(), Trouble> {
        let mut buffer = [0; 4096];
        loop {
            while pending.len() < self.window.max(1) {
                let Some(units) = todo.take(self.noise.frame_bytes()) else { break };
                let call = make(units.clone());
                self.start(units, call, pending)?;
            }
            let Some(deadline) = pending.iter().map(|p| p.deadline).min() else { return Ok(()) };
            let n = self.transport.receive(&mut buffer, deadline)?;
            self.stats.bytes_in += n as u64;
            for &byte in &buffer[..n] {
                let Some(event) = self.decoder.push(byte) else { continue };
                if let Some((units, reply)) = self.accept(event, pending)? {
                    done(units, reply)?;
                }
            }
            // Noise without end must not keep a frame from its deadline, so this is looked at after every chunk.
            self.resend_late(pending)?;
        }
    }

    fn start(&mut self, units: Range<usize>, call: Call, pending: &mut Vec<Pending>) -> Result<(), Trouble> {
        self.seq = self.seq.wrapping_add(1);
        let request = Request { op: call.op as u8, arg: call.arg, seq: self.seq, addr: call.addr };
        let frame = encode_frame(&request.to_bytes(), &call.payload);
        let sent = self.transport.now();
        self.send(&frame)?;
        self.stats.frames_sent += 1;
        self.order += 1;
        pending.push(Pending { units, seq: self.seq, call, frame, tries: 1, order: self.order, sent, deadline: Duration::ZERO });
        let deadline = self.deadline(pending);
        if let Some(last) = pending.last_mut() {
            last.deadline = deadline;
        }
        Ok(())
    }

    /// When the youngest of the requests on their way must be answered: twice the wire time of all of
    /// them, the device's work, and the link's own latency.
    fn deadline(&self, pending: &[Pending]) -> Duration {
        let bytes: usize = pending.iter().map(Pending::wire_bytes).sum();
        let work: Duration = pending.iter().map(|p| p.call.work).sum();
        self.transport.now() + self.latency(pending) + 2 * wire_time(bytes, self.transport.bytes_per_second()) + work
    }

    /// How long an answer may take besides its bytes and the device's work. Where frames are lost all the time, waiting for
    /// them is what costs, so little more is waited there than answers have taken; but a SYNC decides whether the device lives.
    fn latency(&self, pending: &[Pending]) -> Duration {
        let is_sync = pending.iter().any(|p| p.call.op == Op::Sync);
        let longest = self.transport.latency();
        if is_sync || !self.noise.is_noisy() { longest } else { (EAGER.0 * self.slowest + EAGER.1).min(longest) }
    }

    fn resend_late(&mut self, pending: &mut [Pending]) -> Result<(), Trouble> {
        let now = self.transport.now();
        for i in 0..pending.len() {
            let p = &pending[i];
            if p.deadline > now {
                continue;
            }
            self.noise.lost(p.wire_bytes());
            if p.tries >= self.options.max_tries {
                return Err(Trouble::Silence { waiting_for: p.call.name(), tries: p.tries, wire_bytes: p.wire_bytes() });
            }
            let frame = std::mem::take(&mut pending[i].frame);
            let sent = self.send(&frame);
            self.stats.frames_sent += 1;
            self.stats.retransmits += 1;
            self.order += 1;
            let p = &mut pending[i];
            p.frame = frame;
            p.tries += 1;
            p.order = self.order;
            p.sent = now;
            sent?;
            // Twice as long after each try, up to four times: a link that was dead for a moment comes back.
            let waits = 1 << (p.tries - 1).min(MAX_BACKOFF_SHIFT);
            pending[i].deadline = now + (self.deadline(pending) - now) * waits;
        }
        Ok(())
    }

    /// The reply of a frame that somebody waits for; everything else is counted and dropped.
    fn accept(&mut self, event: FrameEvent, pending: &mut Vec<Pending>) -> Result<Option<(Range<usize>, Reply)>, Trouble> {
        let (header, payload) = match event {
            FrameEvent::Bad => {
                self.stats.bad_frames += 1;
                return Ok(None);
            }
            FrameEvent::Frame(header, payload) => (header, payload),
        };
        self.stats.frames_received += 1;
        let Some(at) = pending.iter().position(|p| p.is_answered_by(&header)) else {
            self.stats.stray_frames += 1;
            return Ok(None);
        };
        let p = pending.remove(at);
        self.learn(&p);
        // The device answers in order: what was sent before this frame and is not answered was lost.
        let now = self.transport.now();
        for other in pending.iter_mut().filter(|other| other.order < p.order) {
            other.deadline = other.deadline.min(now);
        }
        let status = header.status;
        let ok = status == Status::Ok as u8 || status == Status::Dup as u8;
        if ok && !p.call.takes(payload.len()) {
            return Err(self.malformed(&p.call.name(), payload.len(), p.call.reply_bytes).into());
        }
        if status == Status::Busy as u8 {
            // Tokens are made that nobody here asked for: an old GENERATE came late. A new session ends it.
            return Err(Trouble::Silence { waiting_for: p.call.name(), tries: p.tries, wire_bytes: p.wire_bytes() });
        }
        if !ok && !p.call.expects(status) {
            return Err(DeviceError::Refused { device: self.device.clone(), request: p.call.name(), status, aux: header.aux }.into());
        }
        Ok(Some((p.units, Reply { status, aux: header.aux, payload, tries: p.tries })))
    }

    /// What an answer tells of the link.
    fn learn(&mut self, p: &Pending) {
        self.noise.arrived(p.wire_bytes());
        // Of a request that was sent twice nobody knows which one was answered (Karn and Partridge, 1987).
        if p.tries == 1 {
            let took = self.transport.now().saturating_sub(p.sent);
            let latency = took.saturating_sub(wire_time(p.wire_bytes(), self.transport.bytes_per_second()));
            self.slowest = latency.max(self.slowest * 7 / 8);
        }
    }

    /// A response that is not what was asked for.
    pub(crate) fn malformed(&self, request: &str, found: usize, expected: usize) -> DeviceError {
        DeviceError::Malformed { device: self.device.clone(), request: request.into(), found, expected }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        let wire = wire_time(bytes.len() + MAX_RESPONSE, self.transport.bytes_per_second());
        let deadline = self.transport.now() + 4 * wire + 4 * self.transport.latency() + Duration::from_secs(1);
        self.transport.send(bytes, deadline)?;
        self.stats.bytes_out += bytes.len() as u64;
        Ok(())
    }
}
