//! Limits that the kernel does not know without cgroups: memory and processes of a whole box, its time, its files on a disk.

use crate::limits::{Exceeded, Limits};
use crate::processes;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two looks at the processes.
pub(crate) const TICK: Duration = Duration::from_millis(20);
/// Between two looks at the files, which take longer.
const FILES_TICK: Duration = Duration::from_millis(200);
/// Bytes of a block in `stat`.
const BLOCK_BYTES: u64 = 512;
/// The helper's own processes at most: the one that made the namespaces, and the supervisor.
const OWN: u64 = 2;

/// A look at a box from time to time.
pub(crate) struct Watch {
    limits: Limits,
    helper: i32,
    /// A scratch on a disk; one in memory has its own limit.
    files: Option<PathBuf>,
    start: Instant,
    next: Instant,
    next_files: Instant,
    page_bytes: u64,
}

impl Watch {
    pub fn new(limits: &Limits, helper: u32, files: Option<PathBuf>) -> Watch {
        let now = Instant::now();
        let page_bytes = rustix::param::page_size() as u64;
        Watch { limits: limits.clone(), helper: helper as i32, files, start: now, next: now, next_files: now, page_bytes }
    }

    /// What the box has gone over, as far as it is time to look.
    pub fn exceeded(&mut self) -> Option<Exceeded> {
        let now = Instant::now();
        if now - self.start > Duration::from_millis(self.limits.wall_ms) {
            return Some(Exceeded::Time);
        }
        if now < self.next {
            return None;
        }
        self.next = now + TICK;
        self.of_processes().or_else(|| self.of_files(now))
    }

    fn of_processes(&self) -> Option<Exceeded> {
        let all = processes::all();
        let ours: Vec<_> = processes::below(self.helper, &all).into_iter().map(|number| all[&number]).filter(|p| !p.is_zombie).collect();
        let threads: u64 = ours.iter().map(|process| process.threads).sum();
        let pages: u64 = ours.iter().map(|process| process.pages).sum();
        if threads > self.limits.processes + OWN {
            return Some(Exceeded::Processes);
        }
        (pages.saturating_mul(self.page_bytes) > self.limits.memory_bytes).then_some(Exceeded::Memory)
    }

    fn of_files(&mut self, now: Instant) -> Option<Exceeded> {
        let folder = self.files.as_ref().filter(|_| now >= self.next_files)?;
        let bytes = bytes_below(folder, self.limits.scratch_bytes);
        self.next_files = Instant::now() + FILES_TICK;
        (bytes > self.limits.scratch_bytes).then_some(Exceeded::Scratch)
    }
}

/// Bytes on the disk below a folder, counted until they are more than `most`. The box writes while this looks; what is gone counts nothing.
fn bytes_below(folder: &Path, most: u64) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * BLOCK_BYTES;
            if bytes > most {
                return bytes;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bytes
}
