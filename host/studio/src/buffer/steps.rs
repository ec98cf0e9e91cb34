//! Which state of a text is the saved one, and where the cursors were. It follows the text's own undo step by step.

use crate::cursor::Cursor;
use nda_text::{Step, Text};
use std::collections::VecDeque;

/// States of a text by numbers: the present one, those to go back to, those to go on to.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    now: u64,
    next: u64,
    saved: u64,
    back: VecDeque<(u64, Vec<Cursor>)>,
    on: VecDeque<(u64, Vec<Cursor>)>,
    /// Steps before those of `back`, in the journal alone.
    older: usize,
    /// Steps behind those of `on`, in the journal alone.
    later: usize,
    has_step: bool,
}

impl Steps {
    /// Before the first step of a log with these many edits, of which the file has one's state.
    pub fn before(edits: u64, saved: u64) -> Steps {
        Steps { next: edits, saved, ..Steps::default() }
    }

    /// After an edit that was made with the cursors there.
    pub fn edit(&mut self, step: Step, cursors: &[Cursor]) {
        self.next += 1;
        if step == Step::New || !self.has_step {
            self.step(self.next, cursors);
        }
        self.on.clear();
        (self.now, self.later) = (self.next, 0);
    }

    /// After a step to a state, made with the cursors there.
    pub fn step(&mut self, state: u64, cursors: &[Cursor]) {
        self.back.push_back((self.now, cursors.to_vec()));
        (self.now, self.has_step) = (state, true);
    }

    /// Forgets the steps that the text has forgotten.
    pub fn fit(&mut self, text: &Text) {
        let (older, later) = (self.back.len().saturating_sub(text.steps_back()), self.on.len().saturating_sub(text.steps_on()));
        self.back.drain(..older);
        self.on.drain(..later);
        (self.older, self.later) = (self.older + older, self.later + later);
    }

    /// Steps behind all that were read are in the journal.
    pub fn read_on(&mut self, later: usize) {
        self.later += later;
    }

    /// Whether the journal alone has the next step back.
    pub fn are_older_in_journal(&self) -> bool {
        self.back.is_empty() && self.older > 0
    }

    /// Whether the journal alone has the next step on.
    pub fn are_later_in_journal(&self) -> bool {
        self.on.is_empty() && self.later > 0
    }

    /// Takes over the same steps as the journal has them.
    pub fn read(&mut self, journal: Steps) {
        *self = Steps { saved: self.saved, ..journal };
    }

    /// After a step back; where the cursors were comes back.
    pub fn undo(&mut self, cursors: &[Cursor]) -> Vec<Cursor> {
        self.has_step = false;
        let Some((state, then)) = self.back.pop_back() else { return Vec::new() };
        self.on.push_back((self.now, cursors.to_vec()));
        self.now = state;
        then
    }

    /// After a step on.
    pub fn redo(&mut self, cursors: &[Cursor]) -> Vec<Cursor> {
        self.has_step = false;
        let Some((state, then)) = self.on.pop_back() else { return Vec::new() };
        self.back.push_back((self.now, cursors.to_vec()));
        self.now = state;
        then
    }

    /// The number of the present state.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// A state that was the present one is the file's.
    pub fn saved_at(&mut self, state: u64) {
        self.saved = state;
    }

    /// Whether the present state is the file's.
    pub fn is_saved(&self) -> bool {
        self.saved == self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_saved_where_it_was_saved_whichever_way_it_comes_there() {
        let mut steps = Steps::default();
        assert!(steps.is_saved());
        steps.edit(Step::New, &[Cursor::at(3)]);
        steps.edit(Step::Joined, &[Cursor::at(4)]);
        assert!(!steps.is_saved());
        assert_eq!(steps.undo(&[Cursor::at(5)]), [Cursor::at(3)]);
        assert!(steps.is_saved());
        assert_eq!(steps.redo(&[]), [Cursor::at(5)]);
        steps.saved_at(steps.now());
        steps.undo(&[]);
        assert!(!steps.is_saved());
        steps.edit(Step::New, &[]);
        steps.undo(&[]);
        assert!(!steps.is_saved(), "the saved state cannot be reached any more");
    }
}
