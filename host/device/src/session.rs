//! A session: how it starts, what the device says of itself, how it goes on after silence.

use crate::call::{Call, Reply};
use crate::error::DeviceError;
use crate::link::{Link, Trouble};
use crate::options::{DriverOptions, DriverStats};
use crate::spans::Spans;
use crate::transport::{Transport, wire_time};
use nda_spec::config::{Config, Geometry};
use nda_spec::random::Random;
use nda_spec::token::Sizes;
use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, IDENT_BYTES, Ident, Op, PROTOCOL_VERSION, STAT_BYTES, Stat, Status, max_wire_bytes};
use std::ops::Range;
use std::time::Duration;

/// Cycles that the device may take for a frame besides moving its bytes.
const FRAME_CYCLES: u64 = 4096;
/// Sessions that are started anew for one request without any progress, however noisy the link.
const MAX_RECOVERIES: u32 = 64;

/// A session with a device.
#[derive(Debug)]
pub struct Driver<T: Transport = Box<dyn Transport>> {
    pub(crate) link: Link<T>,
    pub(crate) ident: Ident,
    /// The token machine, of a device that has one.
    pub(crate) token: Option<Sizes>,
    pub(crate) job_id: u16,
    /// Nonces.
    random: Random,
}

impl<T: Transport> Driver<T> {
    /// Starts a session: flushes the link, SYNC, IDENT.
    ///
    /// # Errors
    /// No answer, or a device that this host does not speak to.
    pub fn open(transport: T, options: DriverOptions) -> Result<Driver<T>, DeviceError> {
        let mut random = Random::new(options.seed);
        let seq = random.next_u64() as u16;
        let job_id = random.next_u64() as u16;
        let link = Link::new(transport, options, seq);
        let mut driver = Driver { link, ident: unknown(), token: None, job_id, random };
        driver.link.flush()?;
        let status = driver.sync("SYNC (the start of a session)", 0)?;
        driver.ident = driver.identify()?;
        driver.link.window = usize::from(driver.ident.slots);
        if status == Status::Version as u8 {
            return Err(DeviceError::Refused { device: driver.link.device, request: "SYNC".into(), status, aux: 0 });
        }
        if driver.ident.ring > 0 {
            driver.token = Some(driver.identify_token()?);
        }
        Ok(driver)
    }

    /// What the device is.
    pub fn ident(&self) -> &Ident {
        &self.ident
    }

    /// The token machine, of a device that has one.
    pub fn token(&self) -> Option<&Sizes> {
        self.token.as_ref()
    }

    /// The array and its memories.
    pub fn geometry(&self) -> &Geometry {
        &self.ident.geometry
    }

    /// What a person calls the device.
    pub fn describe(&self) -> &str {
        &self.link.device
    }

    /// What went over the link so far.
    pub fn stats(&self) -> DriverStats {
        self.link.stats
    }

    /// Payload bytes of the next frame, at most: fewer the noisier the link, and all that the device takes on a quiet one.
    pub fn frame_bytes(&self) -> usize {
        self.link.noise.frame_bytes().min(usize::from(self.ident.mtu))
    }

    /// Payload bytes that a job should be split to if one of the given number of bytes hardly ever gets through.
    pub(crate) fn job_limit(&self, payload_bytes: usize) -> Option<usize> {
        let noise = &self.link.noise;
        noise.is_hopeless(max_wire_bytes(payload_bytes)).then(|| noise.job_bytes())
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.link.transport
    }

    /// The transport, to look at it or to break it.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.link.transport
    }

    /// Ends the session and gives the transport back.
    pub fn into_transport(self) -> T {
        self.link.transport
    }

    /// The device's counters.
    pub fn stat(&mut self) -> Result<Stat, DeviceError> {
        let page = self.ask_page(Call::plain(Op::Stat, STAT_BYTES, self.work(STAT_BYTES as u64)))?;
        Stat::from_bytes(&page).ok_or_else(|| self.link.malformed("STAT", page.len(), STAT_BYTES))
    }

    /// Twice the time that the device works for the given number of cycles.
    pub(crate) fn work(&self, cycles: u64) -> Duration {
        wire_time(usize::try_from((cycles + FRAME_CYCLES) * 2).unwrap_or(usize::MAX), u64::from(self.ident.clk_hz.max(1)))
    }

    /// Starts a session: the device forgets the last job, and the nonce's echo divides old from new.
    fn sync(&mut self, waiting_for: &str, tries_before: u32) -> Result<u8, DeviceError> {
        let started = self.link.transport.now();
        let DriverOptions { max_tries, max_syncs, .. } = self.link.options;
        for _ in 0..max_syncs {
            self.link.stats.syncs += 1;
            let nonce = self.random.next_u64() as u32;
            self.link.delimit()?;
            let call = Call { arg: PROTOCOL_VERSION, addr: nonce, ..Call::plain(Op::Sync, 0, self.work(0)) };
            match self.link.exchange_one(&call) {
                Ok(reply) => return Ok(reply.status),
                Err(Trouble::Device(error)) => return Err(error),
                Err(Trouble::Silence { .. }) => {}
            }
        }
        let waited = self.link.transport.now().saturating_sub(started);
        Err(DeviceError::NoAnswer {
            device: self.link.device.clone(),
            waiting_for: waiting_for.into(),
            tries: tries_before.max(max_tries),
            syncs: max_syncs,
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn identify(&mut self) -> Result<Ident, DeviceError> {
        let page = self.ask_page(Call::plain(Op::Ident, IDENT_BYTES, self.work(IDENT_BYTES as u64)))?;
        let ident = self.read_ident(&page)?;
        check_numbers(&ident).map_err(|source| DeviceError::Geometry { device: self.link.device.clone(), source })?;
        Ok(ident)
    }

    fn identify_token(&mut self) -> Result<Sizes, DeviceError> {
        let page = self.ask_page(Call { addr: 1, ..Call::plain(Op::Ident, IDENT_BYTES, self.work(IDENT_BYTES as u64)) })?;
        Sizes::from_page(&page, self.geometry()).map_err(|source| DeviceError::TokenPage { device: self.link.device.clone(), source })
    }

    fn read_ident(&self, page: &[u8]) -> Result<Ident, DeviceError> {
        Ident::from_bytes(page).map_err(|source| DeviceError::Ident { device: self.link.device.clone(), source })
    }

    /// One of the device's pages.
    fn ask_page(&mut self, call: Call) -> Result<Vec<u8>, DeviceError> {
        let mut page = Vec::new();
        self.exchange_all(
            &mut Spans::one_by_one(1),
            |_| call.clone(),
            |_, reply| {
                page = reply.payload;
                Ok(())
            },
        )?;
        Ok(page)
    }

    /// After silence: a new session with the same device, or an error.
    pub(crate) fn recover(&mut self, trouble: Trouble, recoveries: &mut u32) -> Result<(), DeviceError> {
        let (waiting_for, tries, wire_bytes) = match trouble {
            Trouble::Device(error) => return Err(error),
            Trouble::Silence { waiting_for, tries, wire_bytes } => (waiting_for, tries, wire_bytes),
        };
        if *recoveries >= self.most_recoveries(wire_bytes) {
            let device = self.link.device.clone();
            let what = format!("{waiting_for}, though the device answers SYNC,");
            return Err(DeviceError::Unsettled { device, what, tries: tries * (*recoveries + 1) });
        }
        *recoveries += 1;
        self.sync(&waiting_for, tries)?;
        // Before the first IDENT there is nothing to compare with.
        if self.ident.mtu == 0 {
            return Ok(());
        }
        let page = match self.link.exchange_one(&Call::plain(Op::Ident, IDENT_BYTES, self.work(IDENT_BYTES as u64))) {
            Ok(reply) => reply.payload,
            // The next frame will find out.
            Err(Trouble::Silence { .. }) => return Ok(()),
            Err(Trouble::Device(error)) => return Err(error),
        };
        let ident = self.read_ident(&page)?;
        if ident != self.ident {
            let name = |i: &Ident| format!("{}, build {:016x}", i.config, i.build);
            return Err(DeviceError::Replaced { device: self.link.device.clone(), before: name(&self.ident), after: name(&ident) });
        }
        Ok(())
    }

    /// How often a request of the given number of bytes is worth a new session: a device that answers SYNC lives, and on a noisy link a
    /// long frame needs many tries.
    fn most_recoveries(&self, wire_bytes: usize) -> u32 {
        let DriverOptions { max_tries, max_syncs, .. } = self.link.options;
        let wanted = self.link.noise.tries(wire_bytes) / f64::from(max_tries.max(1));
        // The cast saturates.
        (wanted as u32).clamp(max_syncs, MAX_RECOVERIES.max(max_syncs))
    }

    /// Exchanges independent, idempotent requests; goes on after a recovery with those not yet answered.
    pub(crate) fn exchange_all(
        &mut self,
        todo: &mut Spans,
        mut make: impl FnMut(Range<usize>) -> Call,
        mut done: impl FnMut(Range<usize>, Reply) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        let mut recoveries = 0;
        loop {
            let mut progress = false;
            let outcome = self.link.exchange(todo, &mut make, |units, reply| {
                progress = true;
                done(units, reply)
            });
            if progress {
                recoveries = 0;
            }
            match outcome {
                Ok(()) => return Ok(()),
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
            }
        }
    }
}

/// What a device is before it said so.
fn unknown() -> Ident {
    let geometry = Geometry {
        array: Default::default(),
        array_rows: 1,
        array_cols: 8,
        planes: 1,
        tile_words: 2,
        page_words: 2,
        act_words: 8,
        result_words: 2,
    };
    Ident {
        protocol: PROTOCOL_VERSION,
        engine: 0,
        board: 0,
        geometry,
        mtu: 0,
        slots: 1,
        clk_hz: 1_000_000,
        baud: 0,
        config: String::new(),
        ring: 0,
        seed: false,
        build: 0,
    }
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
        token: None,
        seed: false,
        weight_memory: Default::default(),
        baud: if parallel { 1 } else { ident.baud },
    };
    config.check()
}
