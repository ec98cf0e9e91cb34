//! A text of several that are answered at once: its tokens are taken by the thread that owns the model.

use crate::line::{Ask, Asker, Reply};
use crate::shared::{Asked, Kind, Told};
use crate::slots::{Held, Slots};
use nda_engine::{Bounds, Choice, EngineError, Session, TokenSession, Tokenizer};
use std::sync::Arc;

/// What every text of a model has in common.
#[derive(Clone)]
pub(crate) struct Facts<'m> {
    pub kind: Kind,
    pub context: usize,
    /// Tokens of a prompt that are asked for at once.
    pub batch: usize,
    pub vocab_size: usize,
    pub tokenizer: &'m Tokenizer,
    pub shared_tokenizer: Arc<Tokenizer>,
    pub bounds: &'m Bounds,
}

impl<'m> Facts<'m> {
    pub fn of(session: &Session<'_, 'm>) -> Facts<'m> {
        Facts {
            kind: Kind::Floats,
            context: session.context(),
            batch: session.batch(),
            vocab_size: session.vocab_size(),
            tokenizer: session.tokenizer(),
            shared_tokenizer: session.shared_tokenizer(),
            bounds: session.bounds(),
        }
    }

    /// Of texts in whole tokens, whose prompts and answers have at most `context` tokens.
    pub fn of_tokens(session: &TokenSession<'_, 'm>, context: usize) -> Facts<'m> {
        Facts {
            kind: Kind::Integers,
            context,
            batch: session.step_tokens(),
            vocab_size: session.vocab_size(),
            tokenizer: session.tokenizer(),
            shared_tokenizer: session.shared_tokenizer(),
            bounds: session.bounds(),
        }
    }
}

/// A text in a slot, and whom it asks.
pub(crate) struct Lane<'m> {
    pub facts: Facts<'m>,
    asker: Asker,
    slots: Arc<Slots>,
    held: Option<Held>,
    logits: Vec<f32>,
}

impl<'m> Lane<'m> {
    pub fn new(facts: Facts<'m>, asker: Asker, slots: Arc<Slots>) -> Lane<'m> {
        Lane { facts, asker, slots, held: None, logits: Vec::new() }
    }

    /// Tokens of the text; none between two answers.
    pub fn position(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.text.position())
    }

    /// Begins a text anew.
    pub fn clear(&mut self) {
        self.resume(&[]);
    }

    /// Makes the beginning of `tokens` the text, as much of it as there is; returns how many tokens that is.
    pub fn resume(&mut self, tokens: &[u32]) -> usize {
        self.give_back();
        let held = self.held.insert(self.slots.take(tokens));
        held.text.resume(tokens)
    }

    /// Gives the slot back: the answer is over.
    pub fn rest(&mut self) {
        self.give_back();
        // Four bytes for every token of the vocabulary, and a thread waits longer than it answers.
        self.logits = Vec::new();
        self.asker.rest();
    }

    fn give_back(&mut self) {
        if let Some(held) = self.held.take() {
            self.slots.give_back(held);
        }
    }

    /// Takes a token; the logits of what follows it.
    pub fn predict(&mut self, token: u32) -> Result<&[f32], EngineError> {
        self.logits = self.logits_of(&[token], Asked::Last)?;
        Ok(&self.logits)
    }

    /// Takes a token of a text in whole tokens; the token that follows it, chosen where its logits are.
    pub fn choose(&mut self, token: u32, choice: Choice) -> Result<Option<u32>, EngineError> {
        Ok(if let Told::Token(token) = self.ask(&[token], Asked::Token(choice))? { Some(token) } else { None })
    }

    /// Takes tokens.
    pub fn feed(&mut self, tokens: &[u32]) -> Result<(), EngineError> {
        self.ask(tokens, Asked::Nothing).map(|_| ())
    }

    /// Takes tokens and tells `each` the logits of what follows every one of them.
    pub fn predict_all(&mut self, tokens: &[u32], mut each: impl FnMut(usize, &[f32])) -> Result<(), EngineError> {
        if self.facts.kind == Kind::Integers {
            for (at, token) in tokens.iter().enumerate() {
                each(at, self.predict(*token)?);
            }
            return Ok(());
        }
        let logits = self.logits_of(tokens, Asked::All)?;
        logits.chunks_exact(self.facts.vocab_size.max(1)).enumerate().for_each(|(at, logits)| each(at, logits));
        Ok(())
    }

    fn logits_of(&mut self, tokens: &[u32], asked: Asked) -> Result<Vec<f32>, EngineError> {
        Ok(if let Told::Logits(logits) = self.ask(tokens, asked)? { logits } else { Vec::new() })
    }

    fn ask(&mut self, tokens: &[u32], asked: Asked) -> Result<Told, EngineError> {
        let Held { number, text } = self.held.take().unwrap_or_else(|| self.slots.take(&[]));
        let Reply { text, done } = self.asker.ask(Ask { text, tokens: tokens.to_vec(), asked });
        self.held = Some(Held { number, text });
        done
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}
