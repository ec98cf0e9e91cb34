//! Files between the view and the disk.

use super::Studio;
use crate::buffer::Disk;
use nda_guard::{GuardError, Hash};

impl Studio {
    /// Writes the file through the guard. What somebody else wrote meanwhile is never written over.
    pub(super) fn save(&mut self) {
        if let Some(document) = self.panes.document.edited_in(self.buffer().map(|buffer| &buffer.path)) {
            return self.put_back(document);
        }
        let guarded = self.guarded.clone();
        let Some(buffer) = self.buffer_mut() else { return };
        if buffer.disk == Disk::Conflict {
            return self.message = "not written: the file has changed on the disk; alt+d takes the disk's, alt+w writes yours".into();
        }
        let bytes = buffer.bytes();
        let hash = Hash::of(&bytes);
        self.message = match guarded.save(&buffer.path, buffer.file, bytes, buffer.mode) {
            Ok(change) => {
                buffer.saved(hash);
                format!("written; checkpoint {} takes it back", change.checkpoint)
            }
            Err(GuardError::Changed(path)) => {
                buffer.disk = Disk::Conflict;
                format!("not written: '{path}' has changed on the disk; alt+d takes the disk's, alt+w writes yours over it")
            }
            Err(error) => format!("not written: {error}"),
        };
        self.ask_costs();
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
        for buffer in &mut self.buffers {
            if let Err(error) = buffer.look_at_disk() {
                self.message = error.to_string();
            }
        }
        if let Some(buffer) = self.buffer().filter(|buffer| buffer.disk == Disk::Conflict) {
            self.message =
                format!("'{}' has changed on the disk under unsaved text: alt+d takes the disk's, alt+w writes yours", buffer.path);
        }
        if let Some(tree) = &mut self.tree {
            tree.refresh();
        }
        self.look();
    }
}
