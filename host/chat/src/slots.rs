//! The texts of a server: as many as are answered at once. A new prompt goes on where the text stands that begins most like it.

use nda_engine::Sequence;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All slots.
pub(crate) struct Slots {
    state: Mutex<State>,
}

struct State {
    slots: Vec<Slot>,
    clock: u64,
}

struct Slot {
    /// None while somebody has it.
    sequence: Option<Sequence>,
    /// When it was given back last.
    used: u64,
}

/// A slot's text in somebody's hands.
pub(crate) struct Held {
    pub number: usize,
    pub sequence: Sequence,
}

impl Slots {
    /// A slot for each of these texts.
    pub fn new(texts: impl Iterator<Item = Sequence>) -> Slots {
        let slots = texts.map(|sequence| Slot { sequence: Some(sequence), used: 0 }).collect();
        Slots { state: Mutex::new(State { slots, clock: 0 }) }
    }

    /// A panic elsewhere leaves the state whole: every change of it is one step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text that begins most like these tokens, if that is half of it or more or all of the tokens, and else the one that was used
    /// longest ago.
    ///
    /// # Panics
    /// If more are taken than there are.
    pub fn take(&self, tokens: &[u32]) -> Held {
        let mut state = self.state();
        let free = || state.slots.iter().enumerate().filter_map(|(number, slot)| Some((number, slot.used, slot.sequence.as_ref()?)));
        let like = |sequence: &Sequence| sequence.tokens().iter().zip(tokens).take_while(|(a, b)| a == b).count();
        let near = free().map(|(number, _, sequence)| (like(sequence), sequence.position(), number));
        let near = near
            .filter(|(like, all, _)| *like > 0 && (2 * like >= *all || *like == tokens.len()))
            .max_by_key(|(like, _, number)| (*like, usize::MAX - number));
        let oldest = || free().min_by_key(|(number, used, _)| (*used, *number)).map(|(number, ..)| number);
        let number = near.map(|(.., number)| number).or_else(oldest).expect("there is a slot for everybody who takes one");
        let sequence = state.slots[number].sequence.take().unwrap_or_default();
        Held { number, sequence }
    }

    /// Puts a text back.
    pub fn give_back(&self, held: Held) {
        let mut state = self.state();
        state.clock += 1;
        state.slots[held.number] = Slot { sequence: Some(held.sequence), used: state.clock };
    }

    /// Positions of all texts that nobody has.
    pub fn positions(&self) -> usize {
        self.state().slots.iter().filter_map(|slot| slot.sequence.as_ref()).map(Sequence::position).sum()
    }
}
