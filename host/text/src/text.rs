//! A text that is edited: the newest snapshot, and the steps that go back and on.

use crate::buffers::Opened;
use crate::compact::PIECE_BYTES;
use crate::snapshot::{Root, Snapshot};
use crate::undo::{History, Turn, Turns};
use std::ops::Range;
use std::sync::Arc;

/// Most bytes of a text: sums have 32 bits.
pub const MAX_BYTES: usize = (u32::MAX / 2) as usize;
/// Bytes that edits may have added, at least, before the text is compacted.
const SLACK_BYTES: usize = 128 << 10;

/// Why an edit is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A range that is not in the text.
    #[error("bytes {start}..{end} are not in a text of {bytes} bytes")]
    Range {
        /// The first byte.
        start: usize,
        /// The byte behind the last.
        end: usize,
        /// The text's bytes.
        bytes: usize,
    },
    /// A range that cuts a character.
    #[error("byte {0} is within a character")]
    Boundary(usize),
    /// A text that would have more than 2 GiB.
    #[error("a text has at most {MAX_BYTES} bytes, not {0}")]
    TooLong(usize),
    /// Bytes that are not UTF-8.
    #[error("byte {0} is not UTF-8")]
    NotText(usize),
}

/// Whether an edit is a step of undo of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// It is.
    #[default]
    New,
    /// It belongs to the step before: a letter of a word, a further place of a patch.
    Joined,
}

/// A text that is edited. Steps that can be taken back are kept in a bounded memory; the oldest go first.
#[derive(Debug, Default)]
pub struct Text {
    now: Snapshot,
    back: History,
    on: History,
    /// The text before the step that the next joined edit joins, if there is one.
    begin: Option<Root>,
    /// Bytes that edits have added since the text was compacted, at most.
    added: usize,
    /// Bytes that it took then.
    held: usize,
}

impl Text {
    /// A text.
    ///
    /// # Errors
    /// One that is too long.
    pub fn new(text: impl Into<String>) -> Result<Text, TextError> {
        let text = text.into();
        if text.len() > MAX_BYTES {
            return Err(TextError::TooLong(text.len()));
        }
        Ok(Text { now: Snapshot::new(text), ..Text::default() })
    }

    /// A text that somebody else holds, a mapped file: it is read where it lies and never copied as a whole.
    ///
    /// # Errors
    /// One that is too long, or not UTF-8.
    pub fn opened(text: Arc<dyn Opened>) -> Result<Text, TextError> {
        if text.bytes().len() > MAX_BYTES {
            return Err(TextError::TooLong(text.bytes().len()));
        }
        std::str::from_utf8(text.bytes()).map_err(|error| TextError::NotText(error.valid_up_to()))?;
        Ok(Text { now: Snapshot::opened(text), ..Text::default() })
    }

    /// The text as it is now, to be read.
    pub fn now(&self) -> &Snapshot {
        &self.now
    }

    /// The text as it is now, to be kept or sent elsewhere; later edits do not change it.
    pub fn snapshot(&self) -> Snapshot {
        self.now.clone()
    }

    /// Replaces bytes.
    ///
    /// # Errors
    /// A range that is not in the text or cuts a character, or a text that would be too long; nothing is changed then.
    pub fn edit(&mut self, range: Range<usize>, text: &str, step: Step) -> Result<(), TextError> {
        let bytes = self.now.bytes();
        if range.start > range.end || range.end > bytes {
            return Err(TextError::Range { start: range.start, end: range.end, bytes });
        }
        if let Some(at) = [range.start, range.end].into_iter().find(|&at| !self.now.is_boundary(at)) {
            return Err(TextError::Boundary(at));
        }
        let after = bytes - (range.end - range.start) + text.len();
        if after > MAX_BYTES {
            return Err(TextError::TooLong(after));
        }
        if step == Step::New || self.begin.is_none() {
            self.compact();
            self.begin = Some(self.now.root());
            self.back.push(Turns::default());
        }
        self.on = History::default();
        let turn = self.replace(range.start as u32..range.end as u32, text);
        if let Some(begin) = &self.begin {
            self.back.join(turn, || self.now.at(begin));
        }
        Ok(())
    }

    /// Takes the last step back; whether there was one.
    pub fn undo(&mut self) -> bool {
        self.begin = None;
        let Some(turns) = self.back.pop() else { return false };
        let turns = self.turned(turns);
        self.on.push(turns);
        true
    }

    /// Takes the last undo back; whether there was one.
    pub fn redo(&mut self) -> bool {
        self.begin = None;
        let Some(turns) = self.on.pop() else { return false };
        let turns = self.turned(turns);
        self.back.push(turns);
        true
    }

    /// Steps that [`Text::undo`] can take.
    pub fn steps_back(&self) -> usize {
        self.back.steps()
    }

    /// Steps that [`Text::redo`] can take.
    pub fn steps_on(&self) -> usize {
        self.on.steps()
    }

    /// Takes a step; the one that takes it back.
    fn turned(&mut self, turns: Turns) -> Turns {
        let before = self.now.clone();
        let mut back = Turns::default();
        for turn in turns.last_first() {
            back.push(match turn {
                Turn::Edit { at, bytes, text } => self.replace(at..at + bytes, &text),
                Turn::Whole(text) => Turn::Whole(Box::new(std::mem::replace(&mut self.now, *text))),
            });
        }
        self.compact();
        if back.is_heavy() { Turns::whole(before) } else { back }
    }

    /// Replaces bytes; what takes that back.
    fn replace(&mut self, range: Range<u32>, text: &str) -> Turn {
        let back = Turn::of(&self.now, &range, text.len() as u32);
        self.now.replace(range, text);
        // A cut through a piece makes two more.
        self.added += 2 * PIECE_BYTES + text.len();
        back
    }

    /// Compacts the text if the edits since the last time may have grown it by a quarter. Never within a step: that could not go back
    /// to where it began.
    fn compact(&mut self) {
        if self.added > SLACK_BYTES.max(self.held / 4) {
            self.now = self.now.compacted();
            (self.added, self.held) = (0, self.now.held_bytes());
        }
    }
}
