//! Jobs: `RUN`, `READ`.

use super::{Answer, Kind, LastJob, ModelDevice};
use nda_spec::job::{Job, array_golden, plane_groups_allowed};
use nda_spec::wire::{JOB_BYTES, READ_BYTES, Request, Status};
use nda_spec::{cycles, width};

impl ModelDevice {
    pub(super) fn run(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let inline = request.addr as usize;
        let bad_length = (Status::BadLen, 0, Vec::new());
        let range = (Status::Range, 0, Vec::new());
        let Some((descriptor, act)) = payload.split_first_chunk::<JOB_BYTES>() else { return bad_length };
        let job = Job::from_bytes(descriptor);
        if act.len() != job.act_words() * g.act_word_bytes() {
            return bad_length;
        }
        if let Some(last_id) = self.last_id {
            if let Some(last) = self.last.as_ref().filter(|last| last.kind == Kind::Run && job.id == last.id && last.id == last_id) {
                return match inline <= last.row_groups {
                    true => (Status::Dup, last.run_cycles, last.results[..inline * g.result_word_bytes()].to_vec()),
                    false => range,
                };
            }
            if !is_newer(Some(last_id), job.id) {
                return (Status::StaleJob, u32::from(last_id), Vec::new());
            }
        }
        let (row_groups, base) = (usize::from(job.row_groups), job.base as usize);
        let fits = row_groups >= 1
            && job.col_beats >= 1
            // The golden model's coefficients are 32 bits wide.
            && plane_groups_allowed(&g, &job)
            && job.act_words() <= g.act_words
            && row_groups <= g.result_words
            && base + job.tile_words() <= g.tile_words
            && inline <= row_groups;
        if !fits {
            return range;
        }
        let pages = base / g.page_words..=(base + job.tile_words() - 1) / g.page_words;
        if let Err(refused) = self.check_pages(pages, job.digest) {
            return refused;
        }
        let tile = &self.tiles[base * g.tile_word_bytes()..(base + job.tile_words()) * g.tile_word_bytes()];
        let sums = array_golden(&g, &job, tile, act);
        let beats = (job.tile_words() * usize::from(job.plane_groups)) as u32;
        let run_cycles = cycles::run_cycles(&g, &job) as u32;
        self.cycles += u64::from(run_cycles);
        self.stat.jobs = self.stat.jobs.wrapping_add(1);
        self.stat.run_cycles = self.stat.run_cycles.wrapping_add(run_cycles);
        self.stat.beats = self.stat.beats.wrapping_add(beats);
        let results: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes().into_iter().take(width::RESULT_BYTES)).collect();
        let inline_results = results[..inline * g.result_word_bytes()].to_vec();
        self.last_id = Some(job.id);
        self.last = Some(LastJob { id: job.id, kind: Kind::Run, row_groups, run_cycles, results });
        (Status::Ok, run_cycles, inline_results)
    }

    pub(super) fn read(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let Ok(count) = <[u8; READ_BYTES]>::try_from(payload) else { return (Status::BadLen, 0, Vec::new()) };
        let (id, first, count) = ((request.addr >> 16) as u16, (request.addr & 0xffff) as usize, u32::from_le_bytes(count) as usize);
        match &self.last {
            Some(last) if last.id != id || last.kind == Kind::Tokens => (Status::StaleJob, last.id.into(), Vec::new()),
            None => (Status::StaleJob, 0, Vec::new()),
            Some(last) if first + count > last.row_groups => (Status::Range, 0, Vec::new()),
            Some(last) => {
                let bytes = first * g.result_word_bytes()..(first + count) * g.result_word_bytes();
                (Status::Ok, request.addr, last.results[bytes].to_vec())
            }
        }
    }
}

/// Whether a job with this id comes behind the last one; any does where there is none.
pub(super) fn is_newer(last: Option<u16>, id: u16) -> bool {
    last.is_none_or(|last| (id.wrapping_sub(last) as i16) > 0)
}
