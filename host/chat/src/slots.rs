//! The texts of a server: as many as are answered at once. A new prompt goes on where the text stands that begins most like it.

use crate::shared::SharedText;
use nda_engine::Sequence;
use nda_engine::saved::FileError;
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
    text: Option<SharedText>,
    /// When it was given back last.
    used: u64,
}

/// Why a slot's text is not saved, restored or forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlotError {
    /// A number that no slot has.
    #[error("there are slots 0 to {last}, but no {number}", last = slots.saturating_sub(1))]
    Unknown { number: usize, slots: usize },
    /// Somebody's answer goes on in it.
    #[error("slot {number} is being answered; ask again when it is over")]
    Busy { number: usize },
    /// A cache of floats.
    #[error("a cache of floats is not saved; start the server with '--kv b4'")]
    Floats,
    /// A ring on a device.
    #[error("a text in whole tokens is not saved; start the server with '--offload gemv --kv b4'")]
    Tokens,
    /// The bytes are refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A slot's text in somebody's hands.
pub(crate) struct Held {
    pub number: usize,
    pub text: SharedText,
}

impl Slots {
    /// A slot for each of these texts.
    pub fn new(texts: Vec<SharedText>) -> Slots {
        let slots = texts.into_iter().map(|text| Slot { text: Some(text), used: 0 }).collect();
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
        let free = || state.slots.iter().enumerate().filter_map(|(number, slot)| Some((number, slot.used, slot.text.as_ref()?)));
        let near = free().map(|(number, _, text)| (text.common(tokens), text.position(), number));
        let near = near
            .filter(|(like, all, _)| *like > 0 && (2 * like >= *all || *like == tokens.len()))
            .max_by_key(|(like, _, number)| (*like, usize::MAX - number));
        let oldest = || free().min_by_key(|(number, used, _)| (*used, *number)).map(|(number, ..)| number);
        let number = near.map(|(.., number)| number).or_else(oldest);
        let held = number.and_then(|number| Some(Held { number, text: state.slots[number].text.take()? }));
        held.expect("there is a slot for everybody who takes one")
    }

    /// Puts a text back.
    pub fn give_back(&self, held: Held) {
        let mut state = self.state();
        state.clock += 1;
        state.slots[held.number] = Slot { text: Some(held.text), used: state.clock };
    }

    /// Positions of each text, none of one that somebody has.
    pub fn positions_each(&self) -> Vec<Option<usize>> {
        self.state().slots.iter().map(|slot| slot.text.as_ref().map(SharedText::position)).collect()
    }

    /// Forgets a text; returns how many positions it had.
    pub fn erase(&self, number: usize) -> Result<usize, SlotError> {
        self.with(number, |text| {
            let positions = text.position();
            text.clear();
            Ok(positions)
        })
    }

    /// A text as the bytes of a file, and its positions.
    pub fn save(&self, number: usize, model: &str) -> Result<(Vec<u8>, usize), SlotError> {
        self.with_sequence(number, |sequence| Ok((sequence.saved(model, b"").ok_or(SlotError::Floats)?, sequence.position())))
    }

    /// Puts a saved text into a slot, whose own stays as it is if the bytes are refused; returns its positions.
    pub fn restore(&self, number: usize, bytes: &[u8], context: usize, wanted: &str) -> Result<usize, SlotError> {
        // Read before the slots are locked: others answer meanwhile.
        let saved = nda_engine::saved::read(bytes)?;
        self.with_sequence(number, |sequence| {
            sequence.restore(saved, context, wanted)?;
            Ok(sequence.position())
        })
    }

    fn with_sequence<T>(&self, number: usize, work: impl FnOnce(&mut Sequence) -> Result<T, SlotError>) -> Result<T, SlotError> {
        self.with(number, |text| work(text.sequence_mut().ok_or(SlotError::Tokens)?))
    }

    fn with<T>(&self, number: usize, work: impl FnOnce(&mut SharedText) -> Result<T, SlotError>) -> Result<T, SlotError> {
        let mut state = self.state();
        let slots = state.slots.len();
        let slot = state.slots.get_mut(number).ok_or(SlotError::Unknown { number, slots })?;
        let done = work(slot.text.as_mut().ok_or(SlotError::Busy { number })?)?;
        state.clock += 1;
        state.slots[number].used = state.clock;
        Ok(done)
    }

    /// Positions of all texts that nobody has.
    pub fn positions(&self) -> usize {
        self.state().slots.iter().filter_map(|slot| slot.text.as_ref()).map(SharedText::position).sum()
    }
}
