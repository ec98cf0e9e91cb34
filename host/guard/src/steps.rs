//! Several files from one state to another: all of them or none, also when the process is killed in between.
//!
//! What shall happen is written down first ([`Intent`]), with every content before and after in the store. Then each file changes
//! in one atomic step. Whoever opens the workspace next finds the intent and finishes it or takes it back.

use crate::beneath::Root;
use crate::entry::{Body, Found, New};
use crate::error::GuardError;
use crate::object::Format;
use crate::path::{RelPath, escape, unescape};
use crate::state::write_file;
use crate::store::TreeEntry;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One file's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The path, escaped.
    path: String,
    /// What stands there.
    pub before: Option<TreeEntry>,
    /// What shall stand there.
    pub after: Option<TreeEntry>,
    /// Time of the last write and permissions of what stands there, for the way back.
    pub old: Option<Old>,
}

/// What a content does not say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Old {
    /// Time of the last write, seconds and nanoseconds.
    pub modified: (i64, u32),
    /// Permission bits.
    pub permissions: u32,
}

impl Step {
    /// A step; what stands there now is looked at for the way back.
    ///
    /// # Errors
    /// A path through a link.
    pub fn new(root: &Root, path: &RelPath, before: Option<TreeEntry>, after: Option<TreeEntry>) -> Result<Step, GuardError> {
        let old = match before {
            None => None,
            Some(_) => root.stamp(path)?.map(|stamp| Old {
                modified: (stamp.modified_ns.div_euclid(1_000_000_000) as i64, stamp.modified_ns.rem_euclid(1_000_000_000) as u32),
                permissions: stamp.mode & 0o777,
            }),
        };
        Ok(Step { path: path.to_string(), before, after, old })
    }

    /// The path.
    pub fn path(&self) -> Result<RelPath, GuardError> {
        RelPath::new(unescape(&self.path))
    }

    /// Whether it does what another one does, whatever times and permissions it found.
    pub(crate) fn does_the_same(&self, other: &Step) -> bool {
        (&self.path, &self.before, &self.after) == (&other.path, &other.before, &other.after)
    }

    fn permissions(&self) -> Option<u32> {
        self.old.map(|old| old.permissions)
    }
}

/// Where an interrupted change goes when the workspace is opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Everything as it was: a commit whose gates have not spoken.
    Back,
    /// Everything as it shall be: a restore.
    Forward,
}

/// A change in the making, on the disk before its first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Names the change and its temporary files.
    pub name: String,
    /// Where it goes if it is interrupted.
    pub way: Way,
    /// Its steps.
    pub steps: Vec<Step>,
}

impl Intent {
    fn file(folder: &Path) -> PathBuf {
        folder.join("intent.json")
    }

    /// Writes the intent down.
    ///
    /// # Errors
    /// The system's answer.
    pub fn begin(&self, folder: &Path) -> Result<(), GuardError> {
        let text = serde_json::to_vec(self).map_err(|error| GuardError::Damaged { path: Intent::file(folder), why: error.to_string() })?;
        write_file(&Intent::file(folder), &text)
    }

    /// The intent of a change that was interrupted.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn left(folder: &Path) -> Result<Option<Intent>, GuardError> {
        let file = Intent::file(folder);
        match std::fs::read(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(GuardError::io("read", file)(error)),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| GuardError::Damaged { path: file, why: error.to_string() }),
        }
    }

    /// Ends the change.
    ///
    /// # Errors
    /// The system's answer.
    pub fn end(folder: &Path) -> Result<(), GuardError> {
        crate::state::remove_file(&Intent::file(folder))
    }

    fn temporary(&self, number: usize) -> String {
        format!(".nda-{}-{number}", self.name)
    }
}

/// Reads contents: from the proposal at hand, else from the store.
pub type Contents<'c> = dyn FnMut(&TreeEntry) -> Result<Vec<u8>, GuardError> + 'c;

/// Whether what was found is this entry.
pub fn is_entry(format: Format, found: Option<&Found>, entry: Option<&TreeEntry>) -> bool {
    match (found, entry) {
        (None, None) => true,
        (Some(Found::Entry(Body { kind, bytes })), Some(entry)) => *kind == entry.kind && format.blob(bytes) == entry.object,
        _ => false,
    }
}

/// Which end of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Before,
    After,
}

impl End {
    fn of(self, step: &Step) -> Option<&TreeEntry> {
        match self {
            End::Before => step.before.as_ref(),
            End::After => step.after.as_ref(),
        }
    }
}

/// Takes the steps of a change, deletions first; `done` has the numbers of those taken, also after an error.
///
/// # Errors
/// A file that is not as the step expects, or the system's answer.
pub fn advance(root: &Root, format: Format, intent: &Intent, contents: &mut Contents<'_>, done: &mut Vec<usize>) -> Result<(), GuardError> {
    let all: Vec<usize> = (0..intent.steps.len()).collect();
    walk(root, format, intent, contents, &all, (End::Before, End::After), done)
}

fn walk(
    root: &Root,
    format: Format,
    intent: &Intent,
    contents: &mut Contents<'_>,
    numbers: &[usize],
    (from, to): (End, End),
    done: &mut Vec<usize>,
) -> Result<(), GuardError> {
    let is_deletion = |number: &&usize| to.of(&intent.steps[**number]).is_none();
    let (deletions, writes): (Vec<&usize>, Vec<&usize>) = numbers.iter().partition(is_deletion);
    for &number in deletions.into_iter().rev().chain(writes) {
        let step = &intent.steps[number];
        let path = step.path()?;
        let is_expected = |found: Option<&Found>| is_entry(format, found, from.of(step));
        match to.of(step) {
            None => {
                root.exchange(&path, &intent.temporary(number), None, &is_expected)?;
                root.prune_above(&path);
            }
            Some(entry) => {
                if root.stamp(&path)?.is_some_and(|stamp| stamp.is_folder()) {
                    root.remove_empty(&path)?;
                }
                let bytes = contents(entry)?;
                let back = if to == End::Before { step.old } else { None };
                let modified_ns = back.map(|old| i128::from(old.modified.0) * 1_000_000_000 + i128::from(old.modified.1));
                let new = New { kind: entry.kind, bytes: &bytes, permissions: step.permissions(), modified_ns };
                root.exchange(&path, &intent.temporary(number), Some(&new), &is_expected)?;
            }
        }
        done.push(number);
    }
    Ok(())
}

/// Takes back the steps with these numbers; the paths that could not be.
pub fn retreat(root: &Root, format: Format, intent: &Intent, contents: &mut Contents<'_>, numbers: &[usize]) -> Vec<String> {
    finish(root, format, intent, contents, numbers, (End::After, End::Before))
}

/// Step by step, past those that fail; deletions of all first.
fn finish(root: &Root, format: Format, intent: &Intent, contents: &mut Contents<'_>, numbers: &[usize], ends: (End, End)) -> Vec<String> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let is_deletion = |number: &usize| ends.1.of(&intent.steps[*number]).is_none();
    let (deletions, writes): (Vec<usize>, Vec<usize>) = sorted.into_iter().partition(is_deletion);
    let mut left = Vec::new();
    for number in deletions.into_iter().rev().chain(writes) {
        if let Err(error) = walk(root, format, intent, contents, &[number], ends, &mut Vec::new()) {
            left.push(format!("{} ({error})", escape(intent.steps[number].path.as_bytes())));
        }
    }
    left
}

/// Finishes or takes back what was interrupted; the files that neither state explains stay as they are and come back by name.
///
/// # Errors
/// The system's answer.
pub fn recover(root: &Root, format: Format, intent: &Intent, contents: &mut Contents<'_>) -> Result<Vec<String>, GuardError> {
    let ends = if intent.way == Way::Back { (End::After, End::Before) } else { (End::Before, End::After) };
    let (mut numbers, mut left) = (Vec::new(), Vec::new());
    for (number, step) in intent.steps.iter().enumerate() {
        let path = step.path()?;
        let aside = intent.temporary(number);
        let is = |found: &Option<Found>, end: End| is_entry(format, found.as_ref(), end.of(step));
        // A parent that is a link now, or a file: then nothing of ours is aside, and the path itself is judged below.
        let found = root.aside(&path, &aside).unwrap_or(None);
        let is_ours = is(&found, End::Before) || is(&found, End::After);
        if found.is_some() && !is_ours && is(&root.read(&path)?, End::After) {
            root.put_back(&path, &aside)?;
        } else if found.is_some() {
            // A content of ours, whole in the store, or a new file that was half written.
            root.drop_aside(&path, &aside)?;
        }
        let now = match root.read(&path) {
            Ok(Some(Found::Folder)) | Err(GuardError::Link(_)) => None,
            now => now?,
        };
        if is(&now, ends.1) {
            continue;
        }
        if is(&now, ends.0) { numbers.push(number) } else { left.push(path.to_string()) }
    }
    left.extend(finish(root, format, intent, contents, &numbers, ends));
    Ok(left)
}
