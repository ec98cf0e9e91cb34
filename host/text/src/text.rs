//! A text that is edited: the newest snapshot, and the roots to go back to.

use crate::buffers::Opened;
use crate::snapshot::{Root, Snapshot};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Most bytes of a text: sums have 32 bits.
pub const MAX_BYTES: usize = (u32::MAX / 2) as usize;
/// Steps of undo that are kept; the oldest go first.
pub const MAX_UNDO: usize = 1000;

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

/// A text that is edited. Undo and redo are roots of earlier trees, so each is a pointer's exchange.
#[derive(Debug, Default)]
pub struct Text {
    now: Snapshot,
    undo: VecDeque<Root>,
    redo: Vec<Root>,
    /// Whether the next joined edit has a step to join.
    has_step: bool,
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
        if step == Step::New || !self.has_step {
            self.undo.push_back(self.now.root());
            if self.undo.len() > MAX_UNDO {
                self.undo.pop_front();
            }
            self.has_step = true;
        }
        self.redo.clear();
        self.now.replace(range.start as u32..range.end as u32, text);
        Ok(())
    }

    /// Takes the last step back; whether there was one.
    pub fn undo(&mut self) -> bool {
        self.has_step = false;
        let Some(root) = self.undo.pop_back() else { return false };
        self.redo.push(self.now.root());
        self.now.become_like(&root);
        true
    }

    /// Takes the last undo back; whether there was one.
    pub fn redo(&mut self) -> bool {
        self.has_step = false;
        let Some(root) = self.redo.pop() else { return false };
        self.undo.push_back(self.now.root());
        self.now.become_like(&root);
        true
    }
}
