//! Steps that go back and on: the edits that take an edit back, in a bounded memory.

use crate::snapshot::Snapshot;
use std::collections::VecDeque;
use std::ops::Range;

/// Bytes of memory that the steps of one direction take, about.
const HISTORY_BYTES: usize = 128 << 10;
/// Steps that stay however large they are.
const LEAST_STEPS: usize = 2;
/// Above these many bytes a step is the text before it, which is shared, instead of edits.
const STEP_BYTES: usize = 32 << 10;
/// Bytes of a step beside its turns: the step itself, cursors that somebody keeps with it, and what an allocation costs.
const STEP_OWN_BYTES: usize = 96;
/// Bytes of a turn beside its text.
const TURN_OWN_BYTES: usize = 48;

/// What takes an edit back.
#[derive(Debug)]
pub enum Turn {
    /// The opposite edit.
    Edit {
        /// Where.
        at: u32,
        /// Bytes that go.
        bytes: u32,
        /// What comes instead.
        text: Box<str>,
    },
    /// The text before it.
    Whole(Box<Snapshot>),
}

impl Turn {
    /// What takes back that a range of a text becomes these many bytes.
    pub fn of(before: &Snapshot, range: &Range<u32>, bytes: u32) -> Turn {
        if range.len() > STEP_BYTES {
            return Turn::Whole(Box::new(before.clone()));
        }
        let text = before.slice(range.start as usize..range.end as usize).into();
        Turn::Edit { at: range.start, bytes, text }
    }

    fn held_bytes(&self) -> usize {
        TURN_OWN_BYTES
            + match self {
                Turn::Edit { text, .. } => text.len(),
                Turn::Whole(text) => text.held_bytes(),
            }
    }
}

/// A step: what takes its edits back, the first edit first.
#[derive(Debug, Default)]
pub struct Turns {
    turns: Vec<Turn>,
    held: usize,
}

impl Turns {
    /// The step that goes to a text.
    pub fn whole(text: Snapshot) -> Turns {
        let mut turns = Turns::default();
        turns.push(Turn::Whole(Box::new(text)));
        turns
    }

    /// Adds what takes the next edit back. A letter behind a letter is one turn with it.
    pub fn push(&mut self, turn: Turn) {
        if let (Some(Turn::Edit { at, bytes, .. }), Turn::Edit { at: next, bytes: more, text }) = (self.turns.last_mut(), &turn)
            && text.is_empty()
            && *next == *at + *bytes
        {
            *bytes += more;
            return;
        }
        self.held += turn.held_bytes();
        self.turns.push(turn);
    }

    /// Whether the text before the step takes less memory.
    pub fn is_heavy(&self) -> bool {
        self.held > STEP_BYTES && !self.is_whole()
    }

    fn is_whole(&self) -> bool {
        matches!(self.turns[..], [Turn::Whole(_)])
    }

    /// In the order in which they are taken.
    pub fn last_first(self) -> impl Iterator<Item = Turn> {
        self.turns.into_iter().rev()
    }
}

/// Steps of one direction, the next one last.
#[derive(Debug, Default)]
pub struct History {
    steps: VecDeque<Turns>,
    held: usize,
}

impl History {
    /// How many.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Adds a step; those that are farthest go if there is no room.
    pub fn push(&mut self, step: Turns) {
        self.held += STEP_OWN_BYTES + step.held;
        self.steps.push_back(step);
        while self.held > HISTORY_BYTES && self.steps.len() > LEAST_STEPS {
            if let Some(gone) = self.steps.pop_front() {
                self.held -= STEP_OWN_BYTES + gone.held;
            }
        }
    }

    /// Takes the next step out.
    pub fn pop(&mut self) -> Option<Turns> {
        let step = self.steps.pop_back()?;
        self.held -= STEP_OWN_BYTES + step.held;
        Some(step)
    }

    /// Adds what takes the next edit back to the last step; `begin` is the text before that.
    pub fn join(&mut self, turn: Turn, begin: impl FnOnce() -> Snapshot) {
        let Some(mut step) = self.pop() else { return };
        if !step.is_whole() {
            step.push(turn);
            if step.is_heavy() {
                step = Turns::whole(begin());
            }
        }
        self.push(step);
    }
}
