//! The operations of a session: write, seal, run, read.

use crate::call::Call;
use crate::error::DeviceError;
use crate::link::{MAX_RESPONSE, Trouble};
use crate::request::{JobRequest, RunOutcome, RunResult};
use crate::session::Driver;
use crate::spans::Spans;
use crate::transport::Transport;
use nda_spec::cycles;
use nda_spec::wire::{JOB_BYTES, Op, Status};
use std::collections::BTreeMap;

/// New ids that one job may need: each is another fault at the worst moment.
const MAX_JOB_TRIES: u32 = 16;

impl<T: Transport> Driver<T> {
    /// Writes whole tile words from `first_word` on; their pages are unsealed. `progress` is given
    /// the bytes of each frame that was acknowledged.
    pub fn write(&mut self, first_word: usize, bytes: &[u8], mut progress: impl FnMut(usize)) -> Result<(), DeviceError> {
        let g = *self.geometry();
        let word_bytes = g.tile_word_bytes();
        let words = bytes.len().div_ceil(word_bytes);
        self.at_most("the end of a write in tile words", first_word + words, self.words())?;
        let mtu = usize::from(self.ident.mtu);
        let work = self.work(mtu as u64 * 2);
        let part = |words: &std::ops::Range<usize>| &bytes[words.start * word_bytes..(words.end * word_bytes).min(bytes.len())];
        self.exchange_all(
            &mut Spans::new(0..words, word_bytes, mtu),
            |words| {
                let addr = (first_word + words.start) as u32;
                Call { addr, payload: part(&words).to_vec(), ..Call::plain(Op::Write, 0, work) }
            },
            |words, _| {
                progress(part(&words).len());
                Ok(())
            },
        )
    }

    /// Seals pages: each `(page, CRC-32 of its bytes)`. Returns for each whether its contents were those.
    pub fn seal(&mut self, pages: &[(usize, u32)]) -> Result<Vec<bool>, DeviceError> {
        let g = *self.geometry();
        for &(page, _) in pages {
            self.at_most("a page", page, self.words() / g.page_words - 1)?;
        }
        let work = self.work((g.page_words * g.tile_word_bytes()) as u64 * 2);
        let mut sealed = vec![false; pages.len()];
        self.exchange_all(
            &mut Spans::one_by_one(pages.len()),
            |one| {
                let (page, crc) = pages[one.start];
                Call { addr: page as u32, payload: crc.to_le_bytes().to_vec(), ..Call::plain(Op::Seal, 0, work) }
            },
            |one, reply| {
                sealed[one.start] = reply.is(Status::Ok) && reply.aux == pages[one.start].1;
                Ok(())
            },
        )?;
        Ok(sealed)
    }

    /// Runs a job on activation words and fetches all of its results.
    pub fn run(&mut self, job: &JobRequest, act: &[u8]) -> Result<RunOutcome, DeviceError> {
        let g = *self.geometry();
        self.at_most("result words of a job", usize::from(job.row_groups), g.result_words)?;
        self.at_most("payload bytes of a job", JOB_BYTES + act.len(), usize::from(self.ident.mtu))?;
        let work = self.work(cycles::run_cycles(&g, &job.with_id(0)) + act.len() as u64 * 2);
        let (mut reissues, mut recoveries) = (0, 0);
        while reissues < MAX_JOB_TRIES {
            self.job_id = self.job_id.wrapping_add(1);
            let payload = [&job.with_id(self.job_id).to_bytes()[..], act].concat();
            // The first results come with the answer, as far as it does not make a frame that is too long for the link.
            let inline = (MAX_RESPONSE.min(self.link.noise.frame_bytes()) / g.result_word_bytes()).min(usize::from(job.row_groups));
            let call = Call { addr: inline as u32, payload, ..Call::plain(Op::Run, inline * g.result_word_bytes(), work) };
            match self.link.exchange_one(&call) {
                Err(trouble) => self.recover(trouble, &mut recoveries)?,
                Ok(reply) if reply.is(Status::TileDirty) || reply.is(Status::OtherPages) => return Ok(RunOutcome::Pages),
                // A frame of an earlier session got in between; go on from where the device is.
                Ok(reply) if reply.is(Status::StaleJob) => {
                    self.job_id = reply.aux as u16;
                    reissues += 1;
                }
                // This host asked once, so another frame with this id ran first: what is stored may be its results.
                Ok(reply) if reply.is(Status::Dup) && reply.tries == 1 => reissues += 1,
                Ok(reply) => {
                    let mut results = reply.payload;
                    match self.read_rest(job, inline, &mut results) {
                        Ok(true) => return Ok(RunOutcome::Done(RunResult { results, run_cycles: reply.aux })),
                        Ok(false) => reissues += 1,
                        Err(trouble) => self.recover(trouble, &mut recoveries)?,
                    }
                }
            }
            self.link.stats.reissued_jobs += 1;
        }
        let what = format!("a job at tile word {}", job.base);
        Err(DeviceError::Unsettled { device: self.link.device.clone(), what, tries: MAX_JOB_TRIES })
    }

    /// Fetches the result words from `first` on; false if the device knows the job no more.
    pub(crate) fn read_rest(&mut self, job: &JobRequest, first: usize, results: &mut Vec<u8>) -> Result<bool, Trouble> {
        let word_bytes = self.geometry().result_word_bytes();
        let work = self.work((MAX_RESPONSE / word_bytes) as u64);
        let (id, mut stale) = (u32::from(self.job_id), false);
        let mut parts = BTreeMap::new();
        self.link.exchange(
            &mut Spans::new(first..usize::from(job.row_groups), word_bytes, MAX_RESPONSE),
            |words| {
                let payload = (words.len() as u32).to_le_bytes().to_vec();
                Call { addr: id << 16 | words.start as u32, payload, ..Call::plain(Op::Read, words.len() * word_bytes, work) }
            },
            |words, reply| {
                stale |= reply.is(Status::StaleJob);
                parts.insert(words.start, reply.payload);
                Ok(())
            },
        )?;
        parts.values().for_each(|part| results.extend_from_slice(part));
        Ok(!stale)
    }

    /// Words that can be written: the tile store's, then the token program's.
    fn words(&self) -> usize {
        let g = self.geometry();
        g.tile_words + self.token.map_or(0, |sizes| sizes.program_words(g.tile_word_bytes(), g.page_words))
    }

    fn at_most(&self, what: &'static str, found: usize, limit: usize) -> Result<(), DeviceError> {
        if found <= limit { Ok(()) } else { Err(DeviceError::TooLarge { device: self.link.device.clone(), what, found, limit }) }
    }
}
