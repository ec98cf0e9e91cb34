//! Which state of a text is the saved one, and where the cursors were. It follows the text's own undo step by step.

use crate::cursor::Cursor;
use crate::journal::Event;
use nda_text::{MAX_UNDO, Step};
use std::collections::VecDeque;

/// States of a text by numbers: the present one, those to go back to, those to go on to.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    now: u64,
    next: u64,
    saved: u64,
    back: VecDeque<(u64, Vec<Cursor>)>,
    on: Vec<(u64, Vec<Cursor>)>,
    has_step: bool,
}

impl Steps {
    /// After an edit that was made with the cursors there.
    pub fn edit(&mut self, step: Step, cursors: &[Cursor]) {
        if step == Step::New || !self.has_step {
            self.back.push_back((self.now, cursors.to_vec()));
            if self.back.len() > MAX_UNDO {
                self.back.pop_front();
            }
            self.has_step = true;
        }
        self.on.clear();
        self.next += 1;
        self.now = self.next;
    }

    /// After a step back; where the cursors were comes back.
    pub fn undo(&mut self, cursors: &[Cursor]) -> Vec<Cursor> {
        self.has_step = false;
        let Some((state, then)) = self.back.pop_back() else { return Vec::new() };
        self.on.push((self.now, cursors.to_vec()));
        self.now = state;
        then
    }

    /// After a step on.
    pub fn redo(&mut self, cursors: &[Cursor]) -> Vec<Cursor> {
        self.has_step = false;
        let Some((state, then)) = self.on.pop() else { return Vec::new() };
        self.back.push_back((self.now, cursors.to_vec()));
        self.now = state;
        then
    }

    /// The present state is the file's.
    pub fn saved(&mut self) {
        self.saved = self.now;
    }

    /// Whether it is.
    pub fn is_saved(&self) -> bool {
        self.saved == self.now
    }

    /// The steps of a log.
    pub fn replayed(events: &[Event]) -> Steps {
        let mut steps = Steps::default();
        for event in events {
            match event {
                Event::Edit(step) => steps.edit(*step, &[]),
                Event::Undo => drop(steps.undo(&[])),
                Event::Redo => drop(steps.redo(&[])),
                Event::Saved => steps.saved(),
            }
        }
        steps
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
        steps.saved();
        steps.undo(&[]);
        assert!(!steps.is_saved());
        steps.edit(Step::New, &[]);
        steps.undo(&[]);
        assert!(!steps.is_saved(), "the saved state cannot be reached any more");
    }
}
