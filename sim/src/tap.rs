//! Waves of a part of a session: a board that is traced from one `RUN` frame to the end of its results, or from a `GENERATE` on.

use crate::wave::WaveSink;
use crate::{SimBoard, SimError, WaveFormat};
use nda_device::{Transport, TransportError};
use nda_spec::job::Job;
use nda_spec::wire::{HEADER_BYTES, Op, Request, cobs_decode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the waves are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// The job with this number, counted from [`TapHandle::start_counting`] on.
    Job(usize),
    /// The first text that the board makes, up to the last frame of its tokens.
    Text,
}

/// What was traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traced {
    /// The job as it stood in its `RUN`; none of a text.
    pub job: Option<Job>,
    /// The board's cycle in which the waves begin.
    pub first_cycle: u64,
    /// The cycle in which they end.
    pub end_cycle: u64,
}

#[derive(Debug, Default)]
struct State {
    counting: bool,
    jobs: usize,
    traced: Option<Traced>,
    failed: Option<SimError>,
}

/// Says which jobs count, while the board is in a driver's hands.
#[derive(Debug, Clone, Default)]
pub struct TapHandle(Arc<Mutex<State>>);

impl TapHandle {
    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts the jobs from here on; the first of them has the number 0.
    pub fn start_counting(&self) {
        self.with(|state| state.counting = true);
    }

    /// Jobs counted so far.
    pub fn jobs(&self) -> usize {
        self.with(|state| state.jobs)
    }

    /// What was traced, if it came.
    pub fn traced(&self) -> Option<Traced> {
        self.with(|state| state.traced)
    }
}

/// A simulated board whose waves are those of a part of a session.
pub struct WaveTap {
    board: SimBoard,
    handle: TapHandle,
    wanted: Watched,
    sink: Option<(Box<dyn WaveSink>, WaveFormat)>,
    tracing: bool,
}

impl WaveTap {
    /// Writes the waves of what is wanted, when it comes.
    pub fn new(board: SimBoard, wanted: Watched, sink: impl WaveSink + 'static, format: WaveFormat) -> (WaveTap, TapHandle) {
        let handle = TapHandle::default();
        (WaveTap { board, handle: handle.clone(), wanted, sink: Some((Box::new(sink), format)), tracing: false }, handle)
    }

    /// Ends the waves and says whether they are whole.
    ///
    /// # Errors
    /// [`SimError::Wave`] if they could not be written.
    pub fn finish(mut self) -> Result<(), SimError> {
        self.end();
        self.handle.with(|state| state.failed.take()).map_or(Ok(()), Err)
    }

    fn look_at(&mut self, frame: &[u8]) {
        match operation(frame) {
            // The results that did not come with the answer belong to the job, as the tokens do to the text.
            None | Some((Op::Read | Op::Tokens, _)) => {}
            Some((Op::Generate, _)) if self.wanted == Watched::Text => self.begin(None),
            Some((Op::Run, Some(job))) => {
                self.end();
                let number = self.handle.with(|state| {
                    let number = state.jobs;
                    state.jobs += usize::from(state.counting);
                    state.counting.then_some(number)
                });
                if number.map(Watched::Job) == Some(self.wanted) {
                    self.begin(Some(job));
                }
            }
            Some(_) => self.end(),
        }
    }

    fn begin(&mut self, job: Option<Job>) {
        let Some((sink, format)) = self.sink.take() else { return };
        let cycle = Transport::cycles(&self.board).unwrap_or(0);
        let outcome = self.board.trace_to(sink, format);
        self.tracing = outcome.is_ok();
        self.handle.with(|state| {
            state.traced = Some(Traced { job, first_cycle: cycle, end_cycle: cycle });
            state.failed = outcome.err();
        });
    }

    fn end(&mut self) {
        if !std::mem::take(&mut self.tracing) {
            return;
        }
        let outcome = self.board.trace_end();
        let cycle = Transport::cycles(&self.board).unwrap_or(0);
        self.handle.with(|state| {
            if let Some(traced) = &mut state.traced {
                traced.end_cycle = cycle;
            }
            state.failed = state.failed.take().or(outcome.err());
        });
    }
}

/// What a frame asks for, and the job of a `RUN`; `None` if it is not a frame.
fn operation(frame: &[u8]) -> Option<(Op, Option<Job>)> {
    let block = frame.strip_prefix(&[0]).unwrap_or(frame);
    let raw = cobs_decode(block.strip_suffix(&[0])?)?;
    let (header, rest) = raw.split_first_chunk::<HEADER_BYTES>()?;
    let op = Op::from_byte(Request::from_bytes(header).op)?;
    Some((op, rest.first_chunk().filter(|_| op == Op::Run).map(Job::from_bytes)))
}

impl Transport for WaveTap {
    fn describe(&self) -> String {
        Transport::describe(&self.board)
    }

    fn now(&self) -> Duration {
        self.board.now()
    }

    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        self.look_at(bytes);
        self.board.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        self.board.receive(buffer, deadline)
    }

    fn latency(&self) -> Duration {
        self.board.latency()
    }

    fn bytes_per_second(&self) -> u64 {
        self.board.bytes_per_second()
    }

    fn cycles(&self) -> Option<u64> {
        Transport::cycles(&self.board)
    }
}
