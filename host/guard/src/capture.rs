//! The files of a folder as a tree in the store: what git knows or would take, byte for byte.

use crate::beneath::Root;
use crate::cache::Cache;
use crate::entry::{Found, Stamp};
use crate::error::GuardError;
use crate::path::{RelPath, escape};
use crate::store::{Store, Tree, TreeEntry};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Files above this size are large: they are kept as long as they fit the budget.
pub const LARGE_BYTES: u64 = 5 << 20;
/// Bytes of large files that a checkpoint keeps; the rest is named in it and protected from being overwritten.
pub const LARGE_BUDGET_BYTES: u64 = 256 << 20;
/// How often a file is read anew because somebody was writing it.
const REREADS: usize = 8;

/// A file that a checkpoint names and does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its path, escaped.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// A nested repository or submodule: recorded, never entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nested {
    /// Its path, escaped.
    pub path: String,
    /// What its `HEAD` says, if it can be read.
    pub head: String,
}

/// What a capture found.
#[derive(Debug, Default)]
pub struct Captured {
    /// The files kept.
    pub tree: Tree,
    /// Large files that are not.
    pub skipped: Vec<Skipped>,
    /// Repositories within.
    pub nested: Vec<Nested>,
}

impl Captured {
    /// Whether a path lies in, is, or holds a nested repository.
    pub fn is_nested(&self, path: &RelPath) -> bool {
        let nested: BTreeSet<&str> = self.nested.iter().map(|nested| nested.path.as_str()).collect();
        let is_within = std::iter::once(path.clone()).chain(path.ancestors()).any(|above| nested.contains(above.to_string().as_str()));
        is_within || nested.iter().any(|nested| nested.starts_with(&format!("{path}/")))
    }

    /// Whether a path is a file too large to be kept.
    pub fn is_skipped(&self, path: &RelPath) -> bool {
        let text = path.to_string();
        self.skipped.iter().any(|skipped| skipped.path == text)
    }
}

/// Takes in the bytes of a file that was read.
pub type Keep<'k> = dyn FnMut(&[u8]) -> Result<(), GuardError> + 'k;

/// Gives the bytes of all files that the cache does not know to `keep`; of those in `extra` too where they exist, whatever the ignore rules
/// say of them.
///
/// # Errors
/// A file that cannot be read, or what git says. A checkpoint without a file that it should have is never made.
pub fn capture(root: &Root, store: &Store, cache: &mut Cache, extra: &[RelPath], keep: &mut Keep<'_>) -> Result<Captured, GuardError> {
    let mut run = Run { root, store, cache, keep, captured: Captured::default(), large_bytes: 0 };
    for listed in store.listed()? {
        match listed.strip_suffix(b"/") {
            Some(folder) => run.nested(&RelPath::new(folder)?)?,
            None => run.path(&RelPath::new(&listed)?, Budget::Bounded)?,
        }
    }
    for path in extra {
        if !run.captured.tree.contains_key(path) && !run.captured.is_nested(path) {
            run.path(path, Budget::Whole)?;
        }
    }
    Ok(run.captured)
}

/// Whether a file counts against the budget of large files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Budget {
    Bounded,
    /// It is about to be written, so it is kept whatever its size.
    Whole,
}

struct Run<'r, 'k> {
    root: &'r Root,
    store: &'r Store,
    cache: &'r mut Cache,
    keep: &'r mut Keep<'k>,
    captured: Captured,
    large_bytes: u64,
}

impl Run<'_, '_> {
    fn nested(&mut self, path: &RelPath) -> Result<(), GuardError> {
        let head = match self.root.read(&path.join(b".git").join(b"HEAD")) {
            Ok(Some(Found::Entry(body))) => escape(body.bytes.trim_ascii()),
            _ => String::new(),
        };
        self.captured.nested.push(Nested { path: path.to_string(), head });
        Ok(())
    }

    fn path(&mut self, path: &RelPath, budget: Budget) -> Result<(), GuardError> {
        let stamp = match self.root.stamp(path) {
            // A file that git knows below what is a link now: it is not there.
            Err(GuardError::Link(_)) => return Ok(()),
            stamp => stamp?,
        };
        let Some(stamp) = stamp else { return Ok(()) };
        let Some(kind) = stamp.kind() else {
            // Also where git knows a file and a folder stands now: its files are listed by themselves.
            let is_repository = stamp.is_folder() && self.root.stamp(&path.join(b".git"))?.is_some();
            return if is_repository && budget == Budget::Bounded { self.nested(path) } else { Ok(()) };
        };
        if stamp.bytes > LARGE_BYTES && budget == Budget::Bounded {
            if self.large_bytes + stamp.bytes > LARGE_BUDGET_BYTES {
                self.captured.skipped.push(Skipped { path: path.to_string(), bytes: stamp.bytes });
                return Ok(());
            }
            self.large_bytes += stamp.bytes;
        }
        if let Some(object) = self.cache.get(path, &stamp) {
            self.captured.tree.insert(path.clone(), TreeEntry { kind, object });
            return Ok(());
        }
        self.content(path, stamp)
    }

    /// Reads a file until it holds still, and sends it.
    fn content(&mut self, path: &RelPath, mut stamp: Stamp) -> Result<(), GuardError> {
        for _ in 0..REREADS {
            let Some(Found::Entry(body)) = self.root.read(path)? else { return Ok(()) };
            let after = self.root.stamp(path)?;
            if after == Some(stamp) {
                let object = self.store.format().blob(&body.bytes);
                (self.keep)(&body.bytes)?;
                self.cache.put(path, stamp, &object);
                self.captured.tree.insert(path.clone(), TreeEntry { kind: body.kind, object });
                return Ok(());
            }
            match after {
                Some(after) => stamp = after,
                None => return Ok(()),
            }
        }
        Err(GuardError::Changed(path.clone()))
    }
}
