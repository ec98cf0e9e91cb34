//! Checkpoints of a folder: made, listed, pruned.

use crate::beneath::Root;
use crate::cache::Cache;
use crate::capture::{Captured, Nested, Skipped, capture};
use crate::error::GuardError;
use crate::objects::Import;
use crate::path::RelPath;
use crate::state::write_cache;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the references of checkpoints are: no default refspec takes them anywhere.
const REFERENCES: &str = "refs/nda/checkpoints/";
/// Checkpoints made before commits and restores that are kept; the oldest of them go. Those that somebody asked for stay.
const AUTOMATIC_KEPT: usize = 500;
/// How many of those a workspace makes before it looks again for what goes; it also looks when it is opened.
const EXPIRED_EVERY: usize = 50;

/// Why a checkpoint was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Somebody asked for it.
    Asked,
    /// Before a proposal was written.
    BeforeCommit,
    /// Before a restore, which it takes back.
    BeforeRestore,
}

/// What a checkpoint says of itself, in its commit's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Particulars {
    /// What somebody called it.
    pub label: String,
    /// Why it was made.
    pub reason: Reason,
    /// Which root of the repository it is of: a linked work tree's name, and the path in it, escaped.
    pub place: String,
    /// Large files that it does not have.
    pub skipped: Vec<Skipped>,
    /// Repositories within, which it does not have.
    pub nested: Vec<Nested>,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its name: the time it was made (UTC) and a few digits more.
    pub id: String,
    /// Its commit.
    pub commit: String,
    /// When it was made, in seconds since 1970.
    pub seconds: u64,
    /// What it says of itself.
    pub particulars: Particulars,
}

/// What a checkpoint is made of.
pub(crate) struct Maker<'m> {
    pub root: &'m Root,
    pub store: &'m Store,
    pub folder: &'m Path,
    /// How many were made by themselves since the workspace was opened.
    pub automatic: &'m AtomicUsize,
}

/// Which checkpoints `prune` keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// At least this many, the newest.
    pub newest: usize,
    /// All that are younger.
    pub younger_than: Option<Duration>,
}

impl Maker<'_> {
    /// Makes a checkpoint; the files of `extra` are in it whatever the ignore rules say.
    pub fn make(&self, label: &str, reason: Reason, extra: &[RelPath]) -> Result<(Checkpoint, Captured), GuardError> {
        let file = self.folder.join("cache");
        // Objects that a garbage collection took away are read anew, once.
        let made = match self.make_with(Cache::load(&file), label, reason, extra) {
            Err(GuardError::Git { .. }) => self.make_with(Cache::empty(&file), label, reason, extra),
            made => made,
        }?;
        if reason != Reason::Asked && (self.automatic.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(EXPIRED_EVERY) {
            self.expire()?;
        }
        Ok(made)
    }

    fn make_with(&self, mut cache: Cache, label: &str, reason: Reason, extra: &[RelPath]) -> Result<(Checkpoint, Captured), GuardError> {
        let mut import = Import::begin(self.store)?;
        let captured = capture(self.root, self.store, &mut cache, extra, &mut |bytes| import.blob(bytes))?;
        captured.tree.iter().for_each(|(path, entry)| import.row(path, entry));
        let particulars = Particulars {
            label: label.to_owned(),
            reason,
            place: self.store.place(),
            skipped: captured.skipped.clone(),
            nested: captured.nested.clone(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = name(now);
        let title = if label.is_empty() { &id } else { label };
        let json = serde_json::to_string(&particulars).map_err(|error| GuardError::Blocked(error.to_string()))?;
        let message = format!("nda checkpoint: {}\n\n{json}\n", title.replace(['\n', '\0'], " "));
        let commit = import.finish(&format!("{REFERENCES}{id}"), now.as_secs(), &message)?;
        if let Some((path, text)) = cache.text() {
            write_cache(path, text.as_bytes())?;
        }
        Ok((Checkpoint { id, commit, seconds: now.as_secs(), particulars }, captured))
    }

    /// The files as they are, as [`Maker::make`] would take them; nothing is kept.
    pub fn look(&self, extra: &[RelPath]) -> Result<Captured, GuardError> {
        // What is read now is not in the store, so the cache is not saved.
        let mut cache = Cache::load(&self.folder.join("cache"));
        capture(self.root, self.store, &mut cache, extra, &mut |_| Ok(()))
    }

    /// The checkpoints of this root, the oldest first.
    pub fn list(&self) -> Result<Vec<Checkpoint>, GuardError> {
        let format = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents:body)%00";
        let output = self.store.run(&["for-each-ref", format, REFERENCES], b"")?;
        let text = String::from_utf8_lossy(&output).into_owned();
        let mut fields = text.split('\0').map(str::trim);
        let place = self.store.place();
        let mut all = Vec::new();
        while let (Some(reference), Some(commit), Some(seconds), Some(body)) = (fields.next(), fields.next(), fields.next(), fields.next())
        {
            let Some(id) = reference.strip_prefix(REFERENCES) else { continue };
            let Ok(particulars) = serde_json::from_str::<Particulars>(body) else { continue };
            if particulars.place == place {
                let seconds = seconds.parse().unwrap_or(0);
                all.push(Checkpoint { id: id.to_owned(), commit: commit.to_owned(), seconds, particulars });
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// The checkpoint whose name is, or alone begins with, `id`.
    pub fn find(&self, id: &str) -> Result<Checkpoint, GuardError> {
        let mut all = self.list()?;
        all.retain(|checkpoint| checkpoint.id.starts_with(id) && !id.is_empty());
        if let Some(at) = all.iter().position(|checkpoint| checkpoint.id == id) {
            return Ok(all.swap_remove(at));
        }
        match all.pop() {
            Some(only) if all.is_empty() => Ok(only),
            Some(last) => {
                let all = all.into_iter().chain([last]).map(|checkpoint| checkpoint.id).collect();
                Err(GuardError::Ambiguous { id: id.to_owned(), all })
            }
            None => Err(GuardError::NoCheckpoint(id.to_owned())),
        }
    }

    /// Forgets the oldest of the checkpoints that were made by themselves.
    pub fn expire(&self) -> Result<(), GuardError> {
        let mut all = self.list()?;
        all.retain(|checkpoint| checkpoint.particulars.reason != Reason::Asked);
        all.truncate(all.len().saturating_sub(AUTOMATIC_KEPT));
        self.forget(&all)
    }

    fn forget(&self, all: &[Checkpoint]) -> Result<(), GuardError> {
        let rows: String = all.iter().map(|gone| format!("delete {REFERENCES}{} {}\n", gone.id, gone.commit)).collect();
        if rows.is_empty() { Ok(()) } else { self.store.run(&["update-ref", "--stdin"], rows.as_bytes()).map(drop) }
    }

    /// Forgets checkpoints; in a store of our own their objects go at once, in a repository with git's next garbage collection.
    pub fn prune(&self, keep: Keep) -> Result<Vec<Checkpoint>, GuardError> {
        let mut all = self.list()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let kept_newest = all.len().saturating_sub(keep.newest);
        all.truncate(kept_newest);
        all.retain(|checkpoint| keep.younger_than.is_none_or(|age| now.saturating_sub(checkpoint.seconds) >= age.as_secs()));
        self.forget(&all)?;
        if self.store.is_own() && !all.is_empty() {
            self.store.run(&["gc", "--quiet", "--prune=now"], b"")?;
        }
        Ok(all)
    }
}

/// A name that sorts by time and that no other checkpoint has.
fn name(now: Duration) -> String {
    let salt = blake3::hash(format!("{} {}", now.as_nanos(), std::process::id()).as_bytes()).to_hex();
    let (days, second) = (now.as_secs() / 86_400, now.as_secs() % 86_400);
    let (year, month, day) = date(days as i64);
    let (hour, minute, rest) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{rest:02}.{:03}-{}", now.subsec_millis(), &salt[..4])
}

/// Year, month and day of a number of days since 1970 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_787), (2026, 11, 30));
        assert!(name(Duration::from_secs(20_787 * 86_400 + 3_661)).starts_with("20261130-010101.000-"));
    }
}
