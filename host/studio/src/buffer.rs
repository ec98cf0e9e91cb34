//! An open file: its text, cursors, undo and journal.

mod edit;
mod open;
mod steps;

pub use open::{OpenError, mode_of};
pub use steps::Steps;

use crate::cursor::{Cursor, Keep, Motion, joined, moved};
use crate::journal::{Journal, Record};
use nda_guard::{Drafts, GuardError, Hash, Mode, RelPath};
use nda_text::{Snapshot, Step, Text};
use std::path::PathBuf;

/// Whether the disk has what the buffer knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// It has.
    Same,
    /// Somebody else wrote the file while something was typed here: nothing is written over it until a person decides.
    Conflict,
}

/// An open file.
pub struct Buffer {
    /// Its path from the root.
    pub path: RelPath,
    /// Where it is.
    pub place: PathBuf,
    text: Text,
    /// Cursors, in order, at least one.
    cursors: Vec<Cursor>,
    /// The first line that is shown.
    pub top: usize,
    /// The first column that is shown.
    pub left: usize,
    /// What the file has, as it was last read or written; none if there is no file.
    pub file: Option<Hash>,
    /// Whether the file may be executed.
    pub mode: Mode,
    steps: Steps,
    drafts: Drafts,
    journal: Option<Journal>,
    /// Why nothing can be typed, if nothing can.
    pub locked: Option<String>,
    /// Whether the disk has what is known.
    pub disk: Disk,
    /// How a line ends here.
    pub line_end: &'static str,
    /// Whether the next character belongs to the step before.
    typing: bool,
    /// Counts changes: whoever shows something of the text sees that it is another.
    pub revision: u64,
    /// Whether the text lies in a private copy of the file, which is mapped.
    pub mapped: bool,
    /// What the file would have, of a text that lies within another file.
    within: Option<String>,
}

impl Buffer {
    /// The text.
    pub fn now(&self) -> &Snapshot {
        self.text.now()
    }

    /// The text to be kept or sent elsewhere.
    pub fn snapshot(&self) -> Snapshot {
        self.text.snapshot()
    }

    /// The cursors, in order.
    pub fn cursors(&self) -> &[Cursor] {
        &self.cursors
    }

    /// The cursor that the view follows: the last one.
    pub fn cursor(&self) -> Cursor {
        *self.cursors.last().expect("there is always a cursor")
    }

    /// Puts the cursors elsewhere; those that overlap become one.
    pub fn set_cursors(&mut self, cursors: Vec<Cursor>) {
        self.typing = false;
        if !cursors.is_empty() {
            self.cursors = joined(cursors);
        }
    }

    /// Whether something was typed and not saved.
    pub fn is_dirty(&self) -> bool {
        !self.steps.is_saved()
    }

    /// Whether the program is one of ours.
    pub fn is_program(&self) -> bool {
        self.path.as_path().extension().is_some_and(|ending| ending == "nda")
    }

    /// Moves all cursors.
    pub fn go(&mut self, motion: Motion, keep: Keep) {
        let cursors = self.cursors.iter().map(|cursor| moved(self.text.now(), *cursor, motion, keep)).collect();
        self.set_cursors(cursors);
    }

    /// What is selected, line by line of cursors; none if nothing is.
    pub fn selected(&self) -> Option<String> {
        let parts: Vec<String> =
            self.cursors.iter().map(Cursor::range).filter(|range| !range.is_empty()).map(|range| self.now().slice(range)).collect();
        (!parts.is_empty()).then(|| parts.join("\n"))
    }

    /// Takes the last step back, and puts the cursors where they were.
    ///
    /// # Errors
    /// A journal that cannot be read; nothing is changed then.
    pub fn undo(&mut self) -> Result<(), OpenError> {
        if self.locked.is_some() {
            return Ok(());
        }
        if self.steps.are_older_in_journal() {
            self.read_steps()?;
        }
        if self.text.undo() {
            self.log(&Record::Undo);
            let cursors = self.steps.undo(&self.cursors);
            self.after_turn(cursors);
        }
        Ok(())
    }

    /// Takes the last undo back.
    ///
    /// # Errors
    /// A journal that cannot be read; nothing is changed then.
    pub fn redo(&mut self) -> Result<(), OpenError> {
        if self.locked.is_some() {
            return Ok(());
        }
        if self.steps.are_later_in_journal() {
            self.read_steps()?;
        }
        if self.text.redo() {
            self.log(&Record::Redo);
            let cursors = self.steps.redo(&self.cursors);
            self.after_turn(cursors);
        }
        Ok(())
    }

    fn after_turn(&mut self, cursors: Vec<Cursor>) {
        self.steps.fit(&self.text);
        self.revision += 1;
        let end = self.now().bytes();
        let is_there = |at: usize| at <= end && self.now().is_boundary(at);
        let cursors: Vec<Cursor> = cursors.into_iter().filter(|cursor| is_there(cursor.anchor) && is_there(cursor.head)).collect();
        self.set_cursors(if cursors.is_empty() { vec![Cursor::at(0)] } else { cursors });
    }

    /// Replaces bytes; the journal has it before the text.
    fn change(&mut self, range: std::ops::Range<usize>, text: &str, step: Step) {
        if self.journal.as_ref().is_some_and(Journal::is_empty) {
            self.begin_log();
        }
        self.log(&Record::Edit(range.clone(), text.to_owned(), step));
        if self.text.edit(range, text, step).is_ok() {
            self.steps.edit(step, &self.cursors);
            self.steps.fit(&self.text);
            self.revision += 1;
        }
    }

    /// Writes what the log begins with. The text is still the file's.
    fn begin_log(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let begun = journal.begin(self.file.as_ref(), (!self.mapped).then(|| self.text.now()));
        self.is_kept(begun);
    }

    fn log(&mut self, record: &Record) {
        let Some(journal) = &mut self.journal else { return };
        let added = journal.add(record);
        self.is_kept(added);
    }

    /// After a record was written, or was not: the text goes on, and a person sees that a kill would lose it.
    fn is_kept(&mut self, written: Result<(), GuardError>) {
        if let Err(error) = written {
            self.journal = None;
            self.locked = Some(format!("what is typed is not kept any more, save what you have: {error}"));
        }
    }

    /// What is to be written.
    pub fn bytes(&self) -> Vec<u8> {
        self.now().slice_bytes(0..self.now().bytes())
    }

    /// The file has the text now.
    pub fn saved(&mut self, hash: Hash) {
        self.saved_at(self.state(), hash);
    }

    /// The number of the text's state: what is typed afterwards is another one.
    pub fn state(&self) -> u64 {
        self.steps.now()
    }

    /// The file has the text as it was in a state; what was typed since is not saved.
    pub fn saved_at(&mut self, state: u64, hash: Hash) {
        (self.file, self.disk) = (Some(hash), Disk::Same);
        self.steps.saved_at(state);
        if self.journal.as_ref().is_some_and(|journal| !journal.is_empty()) {
            self.log(&Record::SavedAt(state, hash));
        }
    }

    /// The hash of the text.
    pub fn hash(&self) -> Hash {
        open::hash_of_text(&self.text)
    }

    /// The line and column of the cursor, from 1.
    pub fn place_of_cursor(&self) -> (usize, usize) {
        let head = self.cursor().head;
        let line = self.now().line_of(head);
        let column: usize = self.now().parts(self.now().line_start(line)..head).into_iter().map(|part| part.chars().count()).sum();
        (line + 1, column + 1)
    }
}
