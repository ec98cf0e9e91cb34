//! Files between the view and the disk.

use super::{Event, Studio, rel};
use crate::buffer::Disk;
use crate::save::Guarded;
use nda_guard::{GuardError, Hash, Mode, RelPath};
use nda_text::Snapshot;
use std::collections::HashMap;
use std::path::Path;

/// Bytes from which on a text is written, and its file looked at, beside the view.
const BESIDE_BYTES: usize = 1 << 20;

/// A text that is being written, as it was when the key was pressed.
struct Saving {
    path: RelPath,
    text: Snapshot,
    state: u64,
    then: Then,
}

/// What follows a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stay,
    Close,
}

/// A look at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Nobody has written the file since it began.
    Newest,
    /// Somebody has: it begins again.
    Older,
}

/// What goes on between the view and the disk.
#[derive(Default)]
pub struct Traffic {
    saving: Vec<Saving>,
    looks: HashMap<RelPath, Look>,
    /// Whether the studio ends with the last write.
    is_ending: bool,
}

/// What came of a write: the hash of what was written, and the checkpoint before it.
pub struct Written {
    hash: Hash,
    done: Result<String, GuardError>,
}

fn write(guarded: &Guarded, path: &RelPath, file: Option<Hash>, text: &Snapshot, mode: Mode) -> Written {
    let bytes = text.slice_bytes(0..text.bytes());
    let hash = Hash::of(&bytes);
    Written { hash, done: guarded.save(path, file, bytes, mode).map(|change| change.checkpoint.to_string()) }
}

impl Traffic {
    /// Whether a file is being written.
    pub fn is_saving(&self, path: &RelPath) -> bool {
        self.saving.iter().any(|one| one.path == *path)
    }
}

impl Studio {
    /// Writes the file through the guard, a large one beside the view. What somebody else wrote meanwhile is never written over.
    pub(super) fn save(&mut self) {
        let Some(buffer) = self.buffers.get(self.active) else { return };
        if let Some(why) = &buffer.locked {
            return self.message = format!("not written: {why}");
        }
        if buffer.disk == Disk::Conflict {
            return self.message = "not written: the file has changed on the disk; alt+d takes the disk's, alt+w writes yours".into();
        }
        if let Some(document) = self.panes.document.edited_in(Some(&buffer.path)) {
            return self.put_back(document);
        }
        let guarded = self.guarded.clone();
        let Some(buffer) = self.buffers.get_mut(self.active) else { return };
        let is_large = buffer.now().bytes() >= BESIDE_BYTES;
        if is_large {
            // What is typed while it is written is a step of its own.
            buffer.set_cursors(buffer.cursors().to_vec());
        }
        let (path, file, text, mode) = (buffer.path.clone(), buffer.file, buffer.snapshot(), buffer.mode);
        self.traffic.saving.push(Saving { path: path.clone(), text: text.clone(), state: buffer.state(), then: Then::Stay });
        if !is_large {
            return self.was_saved(&path, write(&guarded, &path, file, &text, mode));
        }
        self.message = format!("saving {path} ...");
        self.work.start(move |post| {
            let written = write(&guarded, &path, file, &text, mode);
            post.tell(Event::Saved(path, written));
        });
    }

    /// A write has ended.
    pub(super) fn was_saved(&mut self, path: &RelPath, Written { hash, done }: Written) {
        let Some(at) = self.traffic.saving.iter().position(|one| one.path == *path) else { return };
        let saving = self.traffic.saving.remove(at);
        let is_done = done.is_ok();
        let Some(buffer) = self.buffers.iter_mut().find(|buffer| buffer.path == *path) else { return };
        self.message = match done {
            Ok(checkpoint) => {
                buffer.saved_at(saving.state, hash);
                let since = if buffer.is_dirty() { "; what was typed since is not saved" } else { "" };
                format!("written; checkpoint {checkpoint} takes it back{since}")
            }
            Err(GuardError::Changed(path)) => {
                buffer.disk = Disk::Conflict;
                format!("not written: '{path}' has changed on the disk; alt+d takes the disk's, alt+w writes yours over it")
            }
            Err(error) => format!("not written: {error}"),
        };
        // Whoever wrote the file meanwhile was not looked at.
        if saving.text.bytes() >= BESIDE_BYTES && is_done {
            self.look_beside(path);
        }
        self.ask_costs();
        if is_done && saving.then == Then::Close {
            self.close_file(path);
        }
        self.is_over |= is_done && self.traffic.is_ending && self.traffic.saving.is_empty();
        self.traffic.is_ending &= is_done;
    }

    /// Ends the studio: with the last write, if one is on; asked for once more, at once.
    pub(super) fn quit(&mut self) {
        if self.traffic.saving.is_empty() || self.traffic.is_ending {
            return self.is_over = true;
        }
        self.traffic.is_ending = true;
        self.message = "saving ...; the studio ends when the file is written".into();
    }

    /// Closes the file that is shown, one that is being written when it is.
    pub(super) fn close(&mut self) {
        let Some(path) = self.buffer().map(|buffer| buffer.path.clone()) else { return };
        match self.traffic.saving.iter_mut().find(|one| one.path == path) {
            Some(saving) => {
                saving.then = Then::Close;
                self.message = format!("saving {path} ...; it is closed when it is written");
            }
            None => self.close_file(&path),
        }
    }

    fn close_file(&mut self, path: &RelPath) {
        let Some(at) = self.buffers.iter().position(|buffer| buffer.path == *path) else { return };
        let closed = self.buffers.remove(at);
        self.insights.remove(path);
        if closed.is_dirty() {
            self.message = format!("{path} is closed; its unsaved text stays in the journal and comes back when it is opened");
        }
        self.active = if self.active > at { self.active - 1 } else { self.active }.min(self.buffers.len().saturating_sub(1));
    }

    /// Whether the file that is shown is being written; says so, because what was asked for has to wait for that.
    pub(super) fn waits_for_save(&mut self) -> bool {
        let is_saving = self.buffer().is_some_and(|buffer| self.traffic.is_saving(&buffer.path));
        if is_saving {
            self.message = "the file is being saved: press the key again when it is written".into();
        }
        is_saving
    }

    /// Takes over what the disk has.
    pub(super) fn reload(&mut self) {
        let Some(buffer) = self.buffer_mut() else { return };
        self.message = match buffer.reload() {
            Ok(()) => "this is what the disk has".into(),
            Err(error) => error.to_string(),
        };
    }

    /// Writes what was typed over what the disk has: asked for by its own key alone.
    pub(super) fn overwrite(&mut self) {
        let Some(buffer) = self.buffer_mut() else { return };
        if buffer.disk != Disk::Conflict {
            return self.message = "the file is as it was read: ctrl+s writes it".into();
        }
        match buffer.take_side() {
            Ok(()) => self.save(),
            Err(error) => self.message = error.to_string(),
        }
    }

    /// Looks whether somebody else has written one of the open files: after the window was left, and after others' writes.
    pub fn look_at_disk(&mut self) {
        let mut large = Vec::new();
        for buffer in &mut self.buffers {
            if buffer.now().bytes() >= BESIDE_BYTES {
                large.push(buffer.path.clone());
            } else if let Err(error) = buffer.look_at_disk() {
                self.message = error.to_string();
            }
        }
        large.iter().for_each(|path| self.look_beside(path));
        self.have_looked();
    }

    /// Looks at a large file beside the view.
    fn look_beside(&mut self, path: &RelPath) {
        if self.traffic.looks.insert(path.clone(), Look::Newest).is_some() {
            self.traffic.looks.insert(path.clone(), Look::Older);
            return;
        }
        let (place, path) = (self.root.join(path.as_path()), path.clone());
        self.work.start(move |post| {
            let hash = std::fs::read(place).ok().map(|bytes| Hash::of(&bytes));
            post.tell(Event::OnDisk(path, hash));
        });
    }

    /// A look at a large file has ended.
    pub(super) fn is_on_disk(&mut self, path: &RelPath, hash: Option<Hash>) {
        if self.traffic.looks.remove(path) == Some(Look::Older) {
            return self.look_beside(path);
        }
        if self.traffic.is_saving(path) {
            return;
        }
        let Some(buffer) = self.buffers.iter_mut().find(|buffer| buffer.path == *path && buffer.file != hash) else { return };
        if let Err(error) = buffer.look_at_disk() {
            self.message = error.to_string();
        }
        self.have_looked();
    }

    fn have_looked(&mut self) {
        if let Some(buffer) = self.buffer().filter(|buffer| buffer.disk == Disk::Conflict) {
            self.message = format!(
                "'{}' has changed on the disk, or is gone, under the text here: alt+d takes the disk's, alt+w writes yours",
                buffer.path
            );
        }
        if let Some(tree) = &mut self.tree {
            tree.refresh();
        }
        self.look();
    }

    /// The path of a file from the root, behind all links.
    ///
    /// # Errors
    /// A file out of the project, in words with the next step.
    pub(super) fn within(&self, path: &Path) -> Result<RelPath, String> {
        let asked = self.root.join(path);
        // What is not there yet lies in the last folder of its path that is.
        let there = asked.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(&self.root);
        let real = there.canonicalize().map_err(|error| format!("'{}' is a link that leads nowhere: {error}", path.display()))?;
        let whole = real.join(asked.strip_prefix(there).unwrap_or(Path::new("")));
        let Ok(own) = whole.strip_prefix(&self.root) else {
            let folder = real.parent().unwrap_or(&real).display();
            return Err(format!(
                "'{}' leads out of the project, to '{}'; 'nda studio {folder}' opens that",
                path.display(),
                whole.display()
            ));
        };
        rel(own).map_err(|error| error.to_string())
    }
}
