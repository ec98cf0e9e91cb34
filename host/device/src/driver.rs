//! The host's side of the protocol: sequence numbers, window, retransmission, deadlines, SYNC recovery.

use crate::error::DeviceError;
use crate::frame::{FrameDecoder, FrameEvent, encode_frame};
use crate::random::Random;
use crate::transport::{Transport, wire_time};
use nda_spec::config::{Config, Geometry};
use nda_spec::cycles;
use nda_spec::job::Job;
use nda_spec::wire::{
    CRC_BYTES, HEADER_BYTES, IDENT_BYTES, Ident, JobFlags, Op, PROGRAM_BYTES, PROTOCOL_VERSION, RESPONSE_BIT, Request, Response,
    STAT_BYTES, Stat, Status, max_wire_bytes,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most payload bytes of a response that the driver asks for: a damaged one is sent again whole.
pub const MAX_RESPONSE: usize = nda_spec::plan::MAX_RESPONSE_BYTES;

/// Bytes that a session's start throws away at most before it speaks.
const MAX_DRAIN_BYTES: usize = 1 << 20;
/// Cycles that the device may take for a frame besides moving its bytes.
const FRAME_CYCLES: u64 = 4096;
/// A frame that is sent again waits at most 2 to this power times as long.
const MAX_BACKOFF_SHIFT: u32 = 2;
/// New ids that one job may need: each is another fault at the worst moment.
const MAX_JOB_TRIES: u32 = 16;

/// How a session is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriverOptions {
    /// Seed of nonces, sequence numbers and the first job id.
    pub seed: u64,
    /// How often a frame is sent before the session is started anew.
    pub max_tries: u32,
    /// How often a session is started anew before the device counts as gone.
    pub max_syncs: u32,
}

impl Default for DriverOptions {
    /// A seed of time and process: two sessions share no nonce but by chance.
    fn default() -> DriverOptions {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
        DriverOptions { seed: time ^ (u64::from(std::process::id()) << 40), max_tries: 8, max_syncs: 3 }
    }
}

/// What went over the link in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DriverStats {
    /// Frames sent, retransmissions included.
    pub frames_sent: u64,
    /// Good frames received.
    pub frames_received: u64,
    /// Frames sent again.
    pub retransmits: u64,
    /// Received frames that were none: COBS, CRC or length.
    pub bad_frames: u64,
    /// Good frames that nobody waited for: late, doubled, of an earlier session.
    pub stray_frames: u64,
    /// Sessions started, the first included.
    pub syncs: u64,
    /// Jobs that were given a new id because their answer was lost or could not be trusted.
    pub reissued_jobs: u64,
    /// Bytes sent, framing included.
    pub bytes_out: u64,
    /// Bytes received, framing and noise included.
    pub bytes_in: u64,
}

/// A job without its id, which the driver gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRequest {
    /// Codes of weights and activations.
    pub flags: JobFlags,
    /// Groups of activation planes.
    pub plane_groups: u8,
    /// First word of the weights in the tile store.
    pub base: u32,
    /// Groups of rows, at least 1.
    pub row_groups: u16,
    /// Beats of a row, at least 1.
    pub col_beats: u16,
    /// Initial value of every accumulator, 24 bits.
    pub init: i32,
}

impl JobRequest {
    /// The job that these numbers describe under an id.
    fn with_id(&self, id: u16) -> Job {
        let JobRequest { flags, plane_groups, base, row_groups, col_beats, init } = *self;
        Job { id, flags, plane_groups, base, row_groups, col_beats, init }
    }
}

/// What a job gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Result words in row order: [`nda_spec::width::RESULT_BYTES`] bytes a row, little endian.
    pub results: Vec<u8>,
    /// Cycles of the run phase, as the device counted them.
    pub run_cycles: u32,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// It ran.
    Done(RunResult),
    /// It did not: this page of its weights is not sealed.
    TileDirty(usize),
}

/// A program's place and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramRequest {
    /// First tile word.
    pub base: u16,
    /// Tile words.
    pub words: u16,
    /// Job ids that a run takes.
    pub jobs: u16,
    /// Bytes of the answer.
    pub output_bytes: usize,
    /// Cycles that it takes.
    pub cycles: u64,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramOutcome {
    /// It ran.
    Done {
        /// Its answer.
        output: Vec<u8>,
        /// Cycles that it took, as the device counted them.
        cycles: u32,
    },
    /// A page that it needs is not sealed; what wide values the device holds is not known.
    TileDirty(usize),
    /// What it should go on from is gone: a new session, a reset, another job in between. All from the first on must run again.
    Gone,
}

/// A request and what its response must be.
struct Call {
    op: Op,
    arg: u8,
    addr: u32,
    payload: Vec<u8>,
    /// Payload bytes of the response if the status is `Ok` or `Dup`.
    reply_bytes: usize,
    /// Time that the device works on it.
    work: Duration,
}

impl Call {
    fn name(&self) -> String {
        match self.op {
            Op::Sync => "SYNC (the start of a session)".into(),
            Op::Ident => "IDENT".into(),
            Op::Stat => "STAT".into(),
            Op::Write => format!("WRITE of {} bytes at tile word {}", self.payload.len(), self.addr),
            Op::Seal => format!("SEAL of page {}", self.addr),
            Op::Run => {
                let id = self.payload.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
                format!("RUN of job {id} with {} payload bytes", self.payload.len())
            }
            Op::Program => {
                let id = self.payload.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
                format!("PROGRAM {id} at tile word {} with {} payload bytes", self.addr & 0xffff, self.payload.len())
            }
            Op::Read => format!("READ of {} bytes from result word {} of job {}", self.reply_bytes, self.addr & 0xffff, self.addr >> 16),
        }
    }
}

struct Reply {
    status: u8,
    aux: u32,
    payload: Vec<u8>,
    /// How often the request had been sent by then.
    tries: u32,
}

impl Reply {
    fn is(&self, status: Status) -> bool {
        self.status == status as u8
    }
}

/// A request on its way.
struct Pending {
    index: usize,
    seq: u16,
    call: Call,
    frame: Vec<u8>,
    tries: u32,
    /// Grows with every frame sent, so that an answer tells which earlier frames were lost.
    order: u64,
    deadline: Duration,
}

impl Pending {
    /// Time on the wire of the request and of its response.
    fn wire_bytes(&self) -> usize {
        self.frame.len() + max_wire_bytes(self.call.reply_bytes)
    }
}

enum Trouble {
    Device(DeviceError),
    /// A frame was sent as often as allowed.
    Silence {
        waiting_for: String,
        tries: u32,
    },
}

impl From<DeviceError> for Trouble {
    fn from(error: DeviceError) -> Trouble {
        Trouble::Device(error)
    }
}

impl From<crate::TransportError> for Trouble {
    fn from(error: crate::TransportError) -> Trouble {
        Trouble::Device(error.into())
    }
}

/// A session with a device.
#[derive(Debug)]
pub struct Driver<T: Transport = Box<dyn Transport>> {
    transport: T,
    device: String,
    ident: Ident,
    options: DriverOptions,
    stats: DriverStats,
    random: Random,
    decoder: FrameDecoder,
    seq: u16,
    job_id: u16,
    order: u64,
    /// `STAT`'s frame count at the last audit, and the frames answered since.
    audited_frames: Option<u32>,
    answered: u32,
    /// Id of the last program that ran.
    program_id: u16,
}

impl<T: Transport> Driver<T> {
    /// Starts a session: flushes the link, SYNC, IDENT.
    ///
    /// # Errors
    /// No answer, or a device that this host does not speak to.
    pub fn open(transport: T, options: DriverOptions) -> Result<Driver<T>, DeviceError> {
        let mut random = Random::new(options.seed);
        let nothing = Geometry {
            array: Default::default(),
            array_rows: 1,
            array_cols: 8,
            planes: 1,
            tile_words: 2,
            page_words: 2,
            act_words: 8,
            result_words: 2,
            vector_words: 0,
        };
        let mut driver = Driver {
            device: transport.describe(),
            transport,
            ident: Ident {
                protocol: PROTOCOL_VERSION,
                engine: 0,
                board: 0,
                geometry: nothing,
                mtu: 0,
                slots: 1,
                clk_hz: 1_000_000,
                baud: 0,
                config: String::new(),
                build: 0,
            },
            options,
            stats: DriverStats::default(),
            seq: random.next_u64() as u16,
            job_id: random.next_u64() as u16,
            random,
            decoder: FrameDecoder::new(MAX_RESPONSE),
            order: 0,
            audited_frames: None,
            answered: 0,
            program_id: 0,
        };
        driver.flush()?;
        let status = driver.sync("SYNC (the start of a session)", 0)?;
        driver.ident = driver.identify()?;
        if status == Status::Version as u8 {
            return Err(DeviceError::Refused { device: driver.device, request: "SYNC".into(), status, aux: 0 });
        }
        Ok(driver)
    }

    /// What the device is.
    pub fn ident(&self) -> &Ident {
        &self.ident
    }

    /// The array and its memories.
    pub fn geometry(&self) -> &Geometry {
        &self.ident.geometry
    }

    /// What a person calls the device.
    pub fn describe(&self) -> &str {
        &self.device
    }

    /// What went over the link so far.
    pub fn stats(&self) -> DriverStats {
        self.stats
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport, to look at it or to break it.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Ends the session and gives the transport back.
    pub fn into_transport(self) -> T {
        self.transport
    }

    /// The device's counters.
    pub fn stat(&mut self) -> Result<Stat, DeviceError> {
        let mut page = Vec::new();
        let work = self.work(STAT_BYTES as u64);
        self.exchange_all(
            1,
            |_| Call { op: Op::Stat, arg: 0, addr: 0, payload: Vec::new(), reply_bytes: STAT_BYTES, work },
            |_, reply| {
                page = reply.payload;
                Ok(())
            },
        )?;
        Stat::from_bytes(&page).ok_or_else(|| self.malformed("STAT", page.len(), STAT_BYTES))
    }

    /// Whether the device acted, since the last audit, on exactly the frames that this session was
    /// answered. If not, a frame that was doubled, retransmitted or older than it seems was acted on
    /// too, and what it did to the tile store must be looked at. The first audit says no.
    pub fn audit(&mut self) -> Result<bool, DeviceError> {
        // STAT is behind every answer, so each answered frame was acted on at least once before it.
        // Whether the count includes STAT itself does not matter: the difference of two is the same.
        let frames = self.stat()?.frames_ok;
        let answered = std::mem::take(&mut self.answered);
        let before = self.audited_frames.replace(frames);
        Ok(before.is_some_and(|before| frames.wrapping_sub(before) == answered))
    }

    /// Whether an audit has been made in this session.
    pub fn is_audited(&self) -> bool {
        self.audited_frames.is_some()
    }

    /// Writes whole tile words from `first_word` on; their pages are unsealed. `progress` is given
    /// the bytes of each frame that was acknowledged.
    pub fn write(&mut self, first_word: usize, bytes: &[u8], mut progress: impl FnMut(usize)) -> Result<(), DeviceError> {
        let g = *self.geometry();
        let word_bytes = g.tile_word_bytes();
        self.at_most("the end of a write in tile words", first_word + bytes.len().div_ceil(word_bytes), g.tile_words)?;
        let frame_words = usize::from(self.ident.mtu) / word_bytes;
        let chunk = |i: usize| i * frame_words * word_bytes..((i + 1) * frame_words * word_bytes).min(bytes.len());
        let work = self.work(u64::from(self.ident.mtu) * 2);
        self.exchange_all(
            bytes.len().div_ceil(frame_words * word_bytes),
            |i| Call {
                op: Op::Write,
                arg: 0,
                addr: (first_word + i * frame_words) as u32,
                payload: bytes[chunk(i)].to_vec(),
                reply_bytes: 0,
                work,
            },
            |i, _| {
                progress(chunk(i).len());
                Ok(())
            },
        )
    }

    /// Seals pages: each `(page, CRC-32 of its bytes)`. Returns for each whether its contents were those.
    pub fn seal(&mut self, pages: &[(usize, u32)]) -> Result<Vec<bool>, DeviceError> {
        let g = *self.geometry();
        for &(page, _) in pages {
            self.at_most("a page", page, g.pages() - 1)?;
        }
        let work = self.work((g.page_words * g.tile_word_bytes()) as u64 * 2);
        let mut sealed = vec![false; pages.len()];
        self.exchange_all(
            pages.len(),
            |i| Call { op: Op::Seal, arg: 0, addr: pages[i].0 as u32, payload: pages[i].1.to_le_bytes().to_vec(), reply_bytes: 0, work },
            |i, reply| {
                sealed[i] = reply.is(Status::Ok) && reply.aux == pages[i].1;
                Ok(())
            },
        )?;
        Ok(sealed)
    }

    /// Runs a job on activation words and fetches all of its results.
    pub fn run(&mut self, job: &JobRequest, act: &[u8]) -> Result<RunOutcome, DeviceError> {
        let g = *self.geometry();
        self.at_most("result words of a job", usize::from(job.row_groups), g.result_words)?;
        self.at_most("payload bytes of a job", nda_spec::wire::JOB_BYTES + act.len(), usize::from(self.ident.mtu))?;
        let word_bytes = g.result_word_bytes();
        let inline = (MAX_RESPONSE / word_bytes).min(usize::from(job.row_groups));
        let work = self.work(cycles::run_cycles(&g, &job.with_id(0)) + act.len() as u64 * 2);
        let mut recoveries = 0;
        for attempt in 0..MAX_JOB_TRIES {
            self.stats.reissued_jobs += u64::from(attempt > 0);
            self.job_id = self.job_id.wrapping_add(1);
            let descriptor = job.with_id(self.job_id);
            let payload = [&descriptor.to_bytes()[..], act].concat();
            let call =
                |_| Call { op: Op::Run, arg: 0, addr: inline as u32, payload: payload.clone(), reply_bytes: inline * word_bytes, work };
            let reply = match self.exchange_one(call) {
                Err(trouble) => {
                    self.recover(trouble, &mut recoveries)?;
                    continue;
                }
                Ok(reply) => reply,
            };
            if reply.is(Status::TileDirty) {
                return Ok(RunOutcome::TileDirty(reply.aux as usize));
            }
            if reply.is(Status::StaleJob) {
                // A frame of an earlier session got in between; go on from where the device is.
                self.job_id = reply.aux as u16;
                continue;
            }
            if reply.is(Status::Dup) && reply.tries == 1 {
                // This host asked once, so another frame with this id ran first: what is stored may be its results.
                continue;
            }
            let mut results = reply.payload;
            match self.read_rest(job, inline, &mut results) {
                Ok(true) => return Ok(RunOutcome::Done(RunResult { results, run_cycles: reply.aux })),
                Ok(false) => {}
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
            }
        }
        Err(DeviceError::Unsettled { device: self.device.clone(), what: format!("a job at tile word {}", job.base), tries: MAX_JOB_TRIES })
    }

    /// Runs a program of the vector unit on its input. With `continues` it goes on from the program that ran before it.
    ///
    /// A program that goes on is not repeated under a new id, as a job is: the wide values that it began with may be gone.
    ///
    /// # Errors
    /// The link's or the device's failure, a program that the device refuses.
    pub fn run_program(&mut self, program: &ProgramRequest, continues: bool, input: &[u8]) -> Result<ProgramOutcome, DeviceError> {
        self.at_most("payload bytes of a program", PROGRAM_BYTES + input.len(), usize::from(self.ident.mtu))?;
        let work = self.work(program.cycles + (input.len() + 2 * program.output_bytes) as u64);
        let mut recoveries = 0;
        for attempt in 0..MAX_JOB_TRIES {
            self.stats.reissued_jobs += u64::from(attempt > 0);
            let id = self.job_id.wrapping_add(1);
            // Its products take the ids that follow.
            self.job_id = self.job_id.wrapping_add(program.jobs);
            let after = if continues { self.program_id } else { id };
            let payload = [&id.to_le_bytes()[..], &after.to_le_bytes(), input].concat();
            let addr = u32::from(program.words) << 16 | u32::from(program.base);
            let call = |_| Call { op: Op::Program, arg: 0, addr, payload: payload.clone(), reply_bytes: program.output_bytes, work };
            match self.exchange_one(call) {
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
                Ok(reply) if reply.is(Status::TileDirty) => return Ok(ProgramOutcome::TileDirty(reply.aux as usize)),
                // A frame of an earlier session got in between, or, of one that goes on, what it goes on from is gone.
                Ok(reply) if reply.is(Status::StaleJob) => self.job_id = reply.aux as u16,
                // Asked once, so another frame with this id ran first: what is stored may be its answer.
                Ok(reply) if reply.is(Status::Dup) && reply.tries == 1 => {}
                Ok(reply) => {
                    self.program_id = id;
                    return Ok(ProgramOutcome::Done { output: reply.payload, cycles: reply.aux });
                }
            }
            if continues {
                return Ok(ProgramOutcome::Gone);
            }
        }
        let what = format!("a program at tile word {}", program.base);
        Err(DeviceError::Unsettled { device: self.device.clone(), what, tries: MAX_JOB_TRIES })
    }

    /// Fetches the result words from `first` on; false if the device knows the job no more.
    fn read_rest(&mut self, job: &JobRequest, first: usize, results: &mut Vec<u8>) -> Result<bool, Trouble> {
        let g = *self.geometry();
        let word_bytes = g.result_word_bytes();
        let rows = usize::from(job.row_groups);
        let chunk = MAX_RESPONSE / word_bytes;
        let count = (rows - first).div_ceil(chunk);
        if count == 0 {
            return Ok(true);
        }
        let work = self.work(chunk as u64);
        let (id, mut parts, mut stale) = (u32::from(self.job_id), vec![Vec::new(); count], false);
        let todo: Vec<usize> = (0..count).collect();
        self.exchange(
            &todo,
            |i| {
                let at = first + i * chunk;
                let words = chunk.min(rows - at);
                let payload = (words as u32).to_le_bytes().to_vec();
                Call { op: Op::Read, arg: 0, addr: id << 16 | at as u32, payload, reply_bytes: words * word_bytes, work }
            },
            |i, reply| {
                stale |= reply.is(Status::StaleJob);
                parts[i] = reply.payload;
                Ok(())
            },
        )?;
        parts.iter().for_each(|part| results.extend_from_slice(part));
        Ok(!stale)
    }

    /// Twice the time that the device works for so many cycles.
    fn work(&self, cycles: u64) -> Duration {
        wire_time(usize::try_from((cycles + FRAME_CYCLES) * 2).unwrap_or(usize::MAX), u64::from(self.ident.clk_hz.max(1)))
    }

    fn at_most(&self, what: &'static str, found: usize, limit: usize) -> Result<(), DeviceError> {
        if found <= limit { Ok(()) } else { Err(DeviceError::TooLarge { device: self.device.clone(), what, found, limit }) }
    }

    fn malformed(&self, request: &str, found: usize, expected: usize) -> DeviceError {
        DeviceError::Malformed { device: self.device.clone(), request: request.into(), found, expected }
    }

    /// Flushes half a frame of a dead host, and throws away what the device still sends to it.
    fn flush(&mut self) -> Result<(), DeviceError> {
        let quiet = self.transport.latency();
        let deadline = self.transport.now() + quiet * 2 + Duration::from_secs(1);
        self.send(&[0])?;
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

    /// Starts a session: the device forgets the last job, and the nonce's echo divides old from new.
    fn sync(&mut self, waiting_for: &str, tries_before: u32) -> Result<u8, DeviceError> {
        let started = self.transport.now();
        for _ in 0..self.options.max_syncs {
            self.stats.syncs += 1;
            let nonce = self.random.next_u64() as u32;
            self.send(&[0])?;
            let work = self.work(0);
            let call = |_| Call { op: Op::Sync, arg: PROTOCOL_VERSION, addr: nonce, payload: Vec::new(), reply_bytes: 0, work };
            match self.exchange_one(call) {
                Ok(reply) => return Ok(reply.status),
                Err(Trouble::Device(error)) => return Err(error),
                Err(Trouble::Silence { .. }) => {}
            }
        }
        let waited = self.transport.now().saturating_sub(started);
        Err(DeviceError::NoAnswer {
            device: self.device.clone(),
            waiting_for: waiting_for.into(),
            tries: tries_before.max(self.options.max_tries),
            syncs: self.options.max_syncs,
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn identify(&mut self) -> Result<Ident, DeviceError> {
        let mut page = Vec::new();
        let work = self.work(IDENT_BYTES as u64);
        self.exchange_all(
            1,
            |_| Call { op: Op::Ident, arg: 0, addr: 0, payload: Vec::new(), reply_bytes: IDENT_BYTES, work },
            |_, reply| {
                page = reply.payload;
                Ok(())
            },
        )?;
        let ident = Ident::from_bytes(&page).map_err(|source| DeviceError::Ident { device: self.device.clone(), source })?;
        check_numbers(&ident).map_err(|source| DeviceError::Geometry { device: self.device.clone(), source })?;
        Ok(ident)
    }

    /// After silence: a new session with the same device, or an error.
    fn recover(&mut self, trouble: Trouble, recoveries: &mut u32) -> Result<(), DeviceError> {
        let (waiting_for, tries) = match trouble {
            Trouble::Device(error) => return Err(error),
            Trouble::Silence { waiting_for, tries } => (waiting_for, tries),
        };
        if *recoveries >= self.options.max_syncs {
            let device = self.device.clone();
            let what = format!("{waiting_for}, though the device answers SYNC,");
            return Err(DeviceError::Unsettled { device, what, tries: tries * (*recoveries + 1) });
        }
        *recoveries += 1;
        self.sync(&waiting_for, tries)?;
        // Before the first IDENT there is nothing to compare with.
        if self.ident.mtu == 0 {
            return Ok(());
        }
        let mut page = None;
        let work = self.work(IDENT_BYTES as u64);
        let call = |_| Call { op: Op::Ident, arg: 0, addr: 0, payload: Vec::new(), reply_bytes: IDENT_BYTES, work };
        match self.exchange_one(call) {
            Ok(reply) => page = Some(reply.payload),
            // The next frame will find out.
            Err(Trouble::Silence { .. }) => {}
            Err(Trouble::Device(error)) => return Err(error),
        }
        let Some(page) = page else { return Ok(()) };
        let ident = Ident::from_bytes(&page).map_err(|source| DeviceError::Ident { device: self.device.clone(), source })?;
        if ident != self.ident {
            let name = |i: &Ident| format!("{}, build {:016x}", i.config, i.build);
            return Err(DeviceError::Replaced { device: self.device.clone(), before: name(&self.ident), after: name(&ident) });
        }
        Ok(())
    }

    fn exchange_one(&mut self, call: impl FnMut(usize) -> Call) -> Result<Reply, Trouble> {
        let mut found = None;
        self.exchange(&[0], call, |_, reply| {
            found = Some(reply);
            Ok(())
        })?;
        found.ok_or_else(|| Trouble::Silence { waiting_for: "an answer".into(), tries: 0 })
    }

    /// Exchanges `count` independent, idempotent requests; goes on after a recovery with those not yet answered.
    fn exchange_all(
        &mut self,
        count: usize,
        mut make: impl FnMut(usize) -> Call,
        mut done: impl FnMut(usize, Reply) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        let mut todo: Vec<usize> = (0..count).collect();
        let mut recoveries = 0;
        while !todo.is_empty() {
            let mut answered = vec![];
            let outcome = self.exchange(&todo, &mut make, |i, reply| {
                answered.push(i);
                done(i, reply)
            });
            match outcome {
                Ok(()) => return Ok(()),
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
            }
            answered.sort_unstable();
            todo.retain(|i| answered.binary_search(i).is_err());
        }
        Ok(())
    }

    /// Exchanges independent requests with as many on their way as the device has slots.
    fn exchange(
        &mut self,
        todo: &[usize],
        mut make: impl FnMut(usize) -> Call,
        mut done: impl FnMut(usize, Reply) -> Result<(), DeviceError>,
    ) -> Result<(), Trouble> {
        let window = usize::from(self.ident.slots.max(1));
        let mut pending: Vec<Pending> = Vec::with_capacity(window);
        let mut next = todo.iter().copied();
        let mut buffer = [0; 4096];
        loop {
            while pending.len() < window {
                let Some(index) = next.next() else { break };
                self.start(index, make(index), &mut pending)?;
            }
            let Some(deadline) = pending.iter().map(|p| p.deadline).min() else { return Ok(()) };
            let n = self.transport.receive(&mut buffer, deadline)?;
            self.stats.bytes_in += n as u64;
            for &byte in &buffer[..n] {
                let Some(event) = self.decoder.push(byte) else { continue };
                if let Some((index, reply)) = self.accept(event, &mut pending)? {
                    done(index, reply)?;
                }
            }
            // Noise without end must not keep a frame from its deadline, so this is looked at after every chunk.
            self.resend_late(&mut pending)?;
        }
    }

    fn start(&mut self, index: usize, call: Call, pending: &mut Vec<Pending>) -> Result<(), Trouble> {
        self.seq = self.seq.wrapping_add(1);
        let request = Request { op: call.op as u8, arg: call.arg, seq: self.seq, addr: call.addr };
        let frame = encode_frame(&request.to_bytes(), &call.payload);
        self.send(&frame)?;
        self.stats.frames_sent += 1;
        self.order += 1;
        pending.push(Pending { index, seq: self.seq, call, frame, tries: 1, order: self.order, deadline: Duration::ZERO });
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
        self.transport.now() + self.transport.latency() + 2 * wire_time(bytes, self.transport.bytes_per_second()) + work
    }

    fn resend_late(&mut self, pending: &mut [Pending]) -> Result<(), Trouble> {
        let now = self.transport.now();
        for i in 0..pending.len() {
            if pending[i].deadline > now {
                continue;
            }
            let p = &pending[i];
            if p.tries >= self.options.max_tries {
                return Err(Trouble::Silence { waiting_for: p.call.name(), tries: p.tries });
            }
            let frame = std::mem::take(&mut pending[i].frame);
            let sent = self.send(&frame);
            self.stats.frames_sent += 1;
            self.stats.retransmits += 1;
            self.order += 1;
            pending[i].frame = frame;
            pending[i].tries += 1;
            pending[i].order = self.order;
            sent?;
            // Twice as long after each try, up to four times: a link that was dead for a moment comes back.
            let waits = 1 << (pending[i].tries - 1).min(MAX_BACKOFF_SHIFT);
            pending[i].deadline = now + (self.deadline(pending) - now) * waits;
        }
        Ok(())
    }

    /// The reply of a frame that somebody waits for; everything else is counted and dropped.
    fn accept(&mut self, event: FrameEvent, pending: &mut Vec<Pending>) -> Result<Option<(usize, Reply)>, Trouble> {
        let (header, payload) = match event {
            FrameEvent::Bad => {
                self.stats.bad_frames += 1;
                return Ok(None);
            }
            FrameEvent::Frame(header, payload) => (header, payload),
        };
        self.stats.frames_received += 1;
        let Some(at) = pending.iter().position(|p| answers(&header, p)) else {
            self.stats.stray_frames += 1;
            return Ok(None);
        };
        let p = pending.remove(at);
        self.answered = self.answered.wrapping_add(1);
        // The device answers in order: what was sent before this frame and is not answered was lost.
        let now = self.transport.now();
        for other in pending.iter_mut().filter(|other| other.order < p.order) {
            other.deadline = other.deadline.min(now);
        }
        let status = header.status;
        let ok = status == Status::Ok as u8 || status == Status::Dup as u8;
        if ok && payload.len() != p.call.reply_bytes {
            return Err(self.malformed(&p.call.name(), payload.len(), p.call.reply_bytes).into());
        }
        if !ok && !is_expected(p.call.op, status) {
            return Err(DeviceError::Refused { device: self.device.clone(), request: p.call.name(), status, aux: header.aux }.into());
        }
        Ok(Some((p.index, Reply { status, aux: header.aux, payload, tries: p.tries })))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        let wire = wire_time(bytes.len() + MAX_RESPONSE, self.transport.bytes_per_second());
        let deadline = self.transport.now() + 4 * wire + 4 * self.transport.latency() + Duration::from_secs(1);
        self.transport.send(bytes, deadline)?;
        self.stats.bytes_out += bytes.len() as u64;
        Ok(())
    }
}

/// Whether a response belongs to a request: operation, sequence number, and the address where it is echoed.
fn answers(header: &Response, p: &Pending) -> bool {
    let echoes = match p.call.op {
        Op::Sync => true,
        Op::Write | Op::Read => header.status == Status::Ok as u8,
        Op::Ident | Op::Seal | Op::Run | Op::Program | Op::Stat => false,
    };
    header.seq == p.seq && header.op == p.call.op as u8 | RESPONSE_BIT && (!echoes || header.aux == p.call.addr)
}

/// Statuses besides `Ok` and `Dup` that the caller of an operation handles.
fn is_expected(op: Op, status: u8) -> bool {
    let expected: &[Status] = match op {
        Op::Sync => &[Status::Version],
        Op::Seal => &[Status::CrcMismatch],
        Op::Run | Op::Program => &[Status::TileDirty, Status::StaleJob],
        Op::Read => &[Status::StaleJob],
        Op::Ident | Op::Write | Op::Stat => &[],
    };
    expected.iter().any(|&e| e as u8 == status)
}

/// The identification's numbers must be those of a configuration that can be built: they size what the host allocates.
fn check_numbers(ident: &Ident) -> Result<(), nda_spec::config::ConfigError> {
    let parallel = ident.baud == 0;
    let config = Config {
        name: if ident.config.is_empty() { "unnamed".into() } else { ident.config.clone() },
        geometry: ident.geometry,
        slot_bytes: usize::from(ident.mtu) + HEADER_BYTES + CRC_BYTES,
        slots: usize::from(ident.slots),
        // A parallel port has no divisor to check.
        clk_hz: if parallel { 8 } else { ident.clk_hz },
        weight_memory: Default::default(),
        baud: if parallel { 1 } else { ident.baud },
    };
    config.check()
}
