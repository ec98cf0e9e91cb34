//! Opening a file: what the disk has, and what a journal knows beyond it.

use super::{Buffer, Disk, Steps};
use crate::cursor::Cursor;
use crate::journal::{Journal, MOST_BYTES, Replayed, replay};
use nda_guard::{Drafts, GuardError, Hash, Mode, RelPath};
use nda_text::{Opened, Snapshot, Text, TextError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes from which on a file is mapped instead of read: from a private copy, so that nobody can change or shorten it under the view.
pub const MAPPED_BYTES: u64 = 8 << 20;

/// Why a file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system's answer.
    #[error("cannot read '{path}': {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not hold text.
    #[error("'{path}' is not UTF-8 text: {source}; 'nda info' says what a document holds")]
    Text {
        /// Which file.
        path: PathBuf,
        /// Where.
        source: TextError,
    },
    /// The journal cannot give steps back.
    #[error("the older steps of '{path}' cannot be taken back: its journal leads to another text")]
    Steps {
        /// Which file.
        path: PathBuf,
    },
    /// The journal cannot be used.
    #[error("{0}")]
    Journal(#[from] GuardError),
}

/// A mapped copy.
struct Mapped(mmap_guard::FileData);

impl Opened for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn map(path: &Path) -> Result<Text, OpenError> {
    let io = |source| OpenError::Io { path: path.into(), source };
    let mapped = mmap_guard::map_file(path).map_err(io)?;
    Text::opened(Arc::new(Mapped(mapped))).map_err(|source| OpenError::Text { path: path.into(), source })
}

/// A file as the disk has it.
struct Found {
    text: Text,
    hash: Option<Hash>,
    mode: Mode,
    mapped: bool,
}

impl Buffer {
    /// Opens a file of a project, or a new one. What a journal has of it and the disk has not comes back as unsaved text.
    ///
    /// # Errors
    /// A file that cannot be read or is not text.
    pub fn open(root: &Path, path: RelPath, drafts: &Drafts) -> Result<Buffer, OpenError> {
        Buffer::open_as(root, path, drafts, None)
    }

    /// Opens a text that lies within another file, with a journal of its own; it is never read from a file of that path, or written to one.
    ///
    /// # Errors
    /// A journal that cannot be used.
    pub fn open_within(root: &Path, path: RelPath, drafts: &Drafts, text: String) -> Result<Buffer, OpenError> {
        Buffer::open_as(root, path, drafts, Some(text))
    }

    fn open_as(root: &Path, path: RelPath, drafts: &Drafts, within: Option<String>) -> Result<Buffer, OpenError> {
        let place = root.join(path.as_path());
        let draft = drafts.open(&path)?;
        let log = draft.as_ref().map(nda_guard::Draft::read).transpose()?.unwrap_or_default();
        // The private copy is that of the studio which has the journal.
        let drafts_here = draft.is_some().then_some(drafts);
        let read = || match &within {
            Some(text) => Found::within(&place, text),
            None => read(&place, &path, drafts_here),
        };
        let (found, steps, kept, state) = match replayed(&log, &path, drafts) {
            Some(replayed) => {
                let disk = within.as_ref().map_or_else(|| hash_of(&place), |text| Ok(Some(Hash::of(text.as_bytes()))))?;
                judged(replayed, disk, mode_of(&place), read)?
            }
            None => (read()?, Steps::default(), 0, Disk::Same),
        };
        let locked = draft
            .is_none()
            .then(|| "another studio has this file open: end it there, close this tab and open the file again to edit it".to_owned());
        let journal = draft.map(|draft| Journal::on(draft, kept)).transpose()?;
        let line_end = line_end_of(&found.text);
        let is_written = kept > 0 && state == Disk::Same && !steps.is_saved();
        let mut buffer = Buffer {
            path,
            place,
            text: found.text,
            cursors: vec![Cursor::at(0)],
            top: 0,
            left: 0,
            file: found.hash,
            mode: found.mode,
            steps,
            drafts: drafts.clone(),
            journal,
            locked,
            disk: state,
            line_end,
            typing: false,
            revision: 0,
            mapped: found.mapped,
            within,
        };
        // A kill came between the write and the journal's word of it.
        if let Some(hash) = buffer.file.filter(|file| is_written && *file == buffer.hash()) {
            buffer.saved(hash);
        }
        Ok(buffer)
    }

    /// Reads the steps around the present text from the journal: memory keeps the nearest ones alone.
    pub(super) fn read_steps(&mut self) -> Result<(), OpenError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let found = replayed(&journal.read()?, &self.path, &self.drafts);
        let Some(found) = found.filter(|found| is_same(found.text.now(), self.now())) else {
            return Err(OpenError::Steps { path: self.place.clone() });
        };
        self.steps.read(found.steps);
        self.text = found.text;
        Ok(())
    }

    /// Whether the disk has something else than is known. If nothing was typed, it is taken over; else it is a conflict.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn look_at_disk(&mut self) -> Result<(), OpenError> {
        if self.within.is_some() {
            return Ok(());
        }
        let hash = hash_of(&self.place)?;
        match hash {
            _ if hash == self.file => self.disk = Disk::Same,
            Some(hash) if hash == self.hash() => self.saved(hash),
            Some(_) if !self.is_dirty() && self.disk == Disk::Same => return self.reload(),
            // A file that is gone leaves its text here.
            _ => self.disk = Disk::Conflict,
        }
        Ok(())
    }

    /// The file that the text lies within has another text there now.
    pub fn is_within(&mut self, text: String) {
        let hash = Hash::of(text.as_bytes());
        if self.file != Some(hash) {
            self.disk = Disk::Conflict;
        }
        self.within = Some(text);
    }

    /// The file that the text lies within has it there now, as it was in a state.
    pub fn put_back(&mut self, state: u64, text: String) {
        self.saved_at(state, Hash::of(text.as_bytes()));
        self.within = Some(text);
    }

    /// Takes over what the disk has; what was typed and not saved is forgotten.
    ///
    /// # Errors
    /// A file that cannot be read or is not text; nothing is forgotten then.
    pub fn reload(&mut self) -> Result<(), OpenError> {
        let found = match &self.within {
            Some(text) => Found::within(&self.place, text)?,
            None => read(&self.place, &self.path, self.journal.is_some().then_some(&self.drafts))?,
        };
        let line = self.now().line_of(self.cursor().head);
        (self.text, self.file, self.mode, self.mapped) = (found.text, found.hash, found.mode, found.mapped);
        (self.steps, self.disk) = (Steps::default(), Disk::Same);
        self.line_end = line_end_of(&self.text);
        if let Some(journal) = &mut self.journal {
            journal.clear()?;
        }
        self.revision += 1;
        self.go_to(line + 1, 1);
        Ok(())
    }

    /// What the disk has now becomes what the next save replaces: a person has decided that what was typed is right.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn take_side(&mut self) -> Result<(), OpenError> {
        self.file = match &self.within {
            Some(text) => Some(Hash::of(text.as_bytes())),
            None => hash_of(&self.place)?,
        };
        self.disk = Disk::Same;
        Ok(())
    }
}

/// What a log says. If it begins with a private copy it needs that one, and no other: edits of one text would garble another.
fn replayed(log: &[u8], path: &RelPath, drafts: &Drafts) -> Option<Replayed> {
    let copy = |hash: Option<Hash>| {
        let text = map(&drafts.copied(path)?).ok()?;
        (Some(hash_of_text(&text)) == hash).then_some(text)
    };
    replay(log, &mut { copy }).ok().flatten()
}

pub(super) fn hash_of_text(text: &Text) -> Hash {
    Hash::of_parts(text.now().parts(0..text.now().bytes()).into_iter().map(str::as_bytes))
}

fn is_same(one: &Snapshot, other: &Snapshot) -> bool {
    let bytes = |text: &Snapshot| text.parts(0..text.bytes()).concat();
    one.bytes() == other.bytes() && bytes(one) == bytes(other)
}

/// What a log is worth beside what the disk has.
fn judged(
    replayed: Replayed,
    disk: Option<Hash>,
    mode: Mode,
    read: impl FnOnce() -> Result<Found, OpenError>,
) -> Result<(Found, Steps, usize, Disk), OpenError> {
    let steps = replayed.steps;
    // What the disk has is what was saved, or the text itself, if a kill came before the journal's word of it.
    let is_same = replayed.file == disk || disk.is_some_and(|disk| disk == hash_of_text(&replayed.text));
    // A file that is gone leaves its text in the log.
    let is_gone = disk.is_none() && replayed.file.is_some();
    if !is_gone && steps.is_saved() && (!is_same || replayed.bytes > MOST_BYTES) {
        // Nothing is unsaved; the file went on, or the log has grown too long.
        return Ok((read()?, Steps::default(), 0, Disk::Same));
    }
    let mapped = replayed.text.now().bytes() as u64 >= MAPPED_BYTES;
    let found = Found { text: replayed.text, hash: if is_same { disk } else { replayed.file }, mode, mapped };
    Ok((found, steps, replayed.bytes, if is_same { Disk::Same } else { Disk::Conflict }))
}

impl Found {
    /// A text within another file.
    fn within(place: &Path, text: &str) -> Result<Found, OpenError> {
        let hash = Some(Hash::of(text.as_bytes()));
        let text = Text::new(text).map_err(|source| OpenError::Text { path: place.into(), source })?;
        Ok(Found { text, hash, mode: Mode::Plain, mapped: false })
    }
}

/// A file as the disk has it; a large one is mapped where there are `drafts` for a private copy.
fn read(place: &Path, path: &RelPath, drafts: Option<&Drafts>) -> Result<Found, OpenError> {
    let io = |source| OpenError::Io { path: place.into(), source };
    let not_text = |source| OpenError::Text { path: place.into(), source };
    let metadata = match place.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Found { text: Text::default(), hash: None, mode: Mode::Plain, mapped: false });
        }
        metadata => metadata.map_err(io)?,
    };
    if !metadata.is_file() {
        return Err(io(io::Error::other("it is not a plain file")));
    }
    let mode = mode_of(place);
    if let Some(drafts) = drafts.filter(|_| metadata.len() >= MAPPED_BYTES) {
        let text = map(&drafts.copy(path, place)?)?;
        let hash = hash_of_text(&text);
        return Ok(Found { text, hash: Some(hash), mode, mapped: true });
    }
    let bytes = std::fs::read(place).map_err(io)?;
    let hash = Hash::of(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| not_text(TextError::NotText(error.utf8_error().valid_up_to())))?;
    Ok(Found { text: Text::new(text).map_err(not_text)?, hash: Some(hash), mode, mapped: false })
}

/// Whether a file may be executed.
pub fn mode_of(place: &Path) -> Mode {
    let is_executable = place.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0);
    if is_executable { Mode::Executable } else { Mode::Plain }
}

fn hash_of(place: &Path) -> Result<Option<Hash>, OpenError> {
    match std::fs::read(place) {
        Ok(bytes) => Ok(Some(Hash::of(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenError::Io { path: place.into(), source }),
    }
}

/// How the first line ends; later ones are kept as they are.
fn line_end_of(text: &Text) -> &'static str {
    let end = text.now().line_start(1);
    let is_two = end >= 2 && text.now().lines() > 1 && text.now().slice_bytes(end - 2..end) == b"\r\n";
    if is_two { "\r\n" } else { "\n" }
}
