//! A text in progress, in floats or in whole tokens of integers: what a speaker takes its tokens with.
//!
//! In integers a token is chosen as a token machine chooses it, wherever that can be done: a device then makes a whole answer by
//! itself, and an answer whose scores are looked at has the same tokens.

use crate::error::ChatError;
#[cfg(feature = "server")]
use crate::lane::{Facts, Lane};
#[cfg(feature = "server")]
use crate::shared::{Kind, SharedText, Taker};
use nda_engine::saved::Saved;
use nda_engine::{
    Bounds, Choice, Cost, EngineError, MAX_STOPS, Sampler, Sampling, Session, TokenSampler, TokenSession, Tokenizer, choice, real,
};
use std::sync::Arc;

/// Tokens of a prompt that go in at once: between two of them a listener is asked whether to go on.
const PIECE: usize = 64;

/// A text in progress.
pub(crate) enum Text<'a, 'm> {
    Floats(Box<Session<'a, 'm>>),
    Integers(Box<Integers<'a, 'm>>),
    /// One of several that are answered at once.
    #[cfg(feature = "server")]
    Shared(Box<Lane<'m>>),
}

/// A text in whole tokens of integers.
pub(crate) struct Integers<'a, 'm> {
    pub session: TokenSession<'a, 'm>,
    /// Tokens of a prompt and its answer, at most.
    context: usize,
    logits: Vec<f32>,
}

impl<'a, 'm> Text<'a, 'm> {
    pub fn integers(session: TokenSession<'a, 'm>, context: usize) -> Text<'a, 'm> {
        Text::Integers(Box::new(Integers { session, context, logits: Vec::new() }))
    }

    pub fn clear(&mut self) {
        match self {
            Text::Floats(session) => session.clear(),
            Text::Integers(integers) => integers.session.clear(),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.clear(),
        }
    }

    pub fn context(&self) -> usize {
        match self {
            Text::Floats(session) => session.context(),
            Text::Integers(integers) => integers.context,
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.facts.context,
        }
    }

    pub fn position(&self) -> usize {
        match self {
            Text::Floats(session) => session.position(),
            Text::Integers(integers) => integers.session.position(),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.position(),
        }
    }

    pub fn vocab_size(&self) -> usize {
        match self {
            Text::Floats(session) => session.vocab_size(),
            Text::Integers(integers) => integers.session.vocab_size(),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.facts.vocab_size,
        }
    }

    pub fn tokenizer(&self) -> &'m Tokenizer {
        match self {
            Text::Floats(session) => session.tokenizer(),
            Text::Integers(integers) => integers.session.tokenizer(),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.facts.tokenizer,
        }
    }

    pub fn shared_tokenizer(&self) -> Arc<Tokenizer> {
        match self {
            Text::Floats(session) => session.shared_tokenizer(),
            Text::Integers(integers) => integers.session.shared_tokenizer(),
            #[cfg(feature = "server")]
            Text::Shared(lane) => Arc::clone(&lane.facts.shared_tokenizer),
        }
    }

    pub fn bounds(&self) -> &'m Bounds {
        match self {
            Text::Floats(session) => session.bounds(),
            Text::Integers(integers) => integers.session.bounds(),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.facts.bounds,
        }
    }

    pub fn cost(&self) -> Cost {
        match self {
            Text::Floats(session) => session.cost(),
            Text::Integers(integers) => integers.session.cost(),
            #[cfg(feature = "server")]
            Text::Shared(_) => Cost::default(),
        }
    }

    /// Makes the beginning of `tokens` the text, as much of it as there is already; returns how many tokens that is. A ring of
    /// integers forgets, so it does not go back: `taken` is all of the text or nothing.
    pub fn resume(&mut self, taken: &[u32], tokens: &[u32]) -> usize {
        match self {
            Text::Floats(session) => session.resume(tokens),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.resume(tokens),
            Text::Integers(integers) => {
                // A session that failed is empty.
                if integers.session.position() != taken.len() || !tokens.starts_with(taken) {
                    integers.session.clear();
                }
                integers.session.position()
            }
        }
    }

    /// The cache as bytes, if it is one that is saved.
    pub fn saved(&self, model: &str, note: &[u8]) -> Option<Vec<u8>> {
        match self {
            Text::Floats(session) => session.saved(model, note),
            Text::Integers(_) => None,
            #[cfg(feature = "server")]
            Text::Shared(_) => None,
        }
    }

    /// Goes on with a saved text; returns its tokens.
    pub fn restore(&mut self, saved: Saved) -> Result<Vec<u32>, ChatError> {
        match self {
            Text::Floats(session) => Ok(session.restore(saved).map_err(ChatError::Saved)?.0),
            Text::Integers(_) => Err(ChatError::NotSaved),
            #[cfg(feature = "server")]
            Text::Shared(_) => Err(ChatError::NotSaved),
        }
    }

    /// Tokens that go in at once.
    pub fn batch(&self) -> usize {
        match self {
            Text::Floats(session) => session.batch(),
            Text::Integers(_) => PIECE,
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.facts.batch,
        }
    }

    /// Takes tokens that `next` follows.
    pub fn feed(&mut self, tokens: &[u32], next: u32) -> Result<(), EngineError> {
        match self {
            Text::Floats(session) => session.feed_all(tokens),
            Text::Integers(integers) => integers.session.feed(tokens, next),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.feed(tokens),
        }
    }

    /// Takes tokens and tells `each` the logits of what follows every one of them.
    pub fn predict_all(&mut self, tokens: &[u32], mut each: impl FnMut(usize, &[f32])) -> Result<(), EngineError> {
        match self {
            Text::Floats(session) => session.predict_all(tokens, |at, logits| {
                each(at, logits);
                Ok(())
            }),
            Text::Integers(integers) => tokens.iter().enumerate().try_for_each(|(at, token)| {
                each(at, integers.predict(*token)?);
                Ok(())
            }),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.predict_all(tokens, each),
        }
    }

    /// Takes a token; the logits of what follows it.
    pub fn predict(&mut self, token: u32) -> Result<&[f32], EngineError> {
        match self {
            Text::Floats(session) => session.predict(token),
            Text::Integers(integers) => integers.predict(token),
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.predict(token),
        }
    }

    /// As many texts that are answered at once as are `wanted`, or fewer; `None` if there is no more than one.
    #[cfg(feature = "server")]
    pub fn shared(&mut self, wanted: usize) -> Option<Vec<SharedText>> {
        match self {
            Text::Floats(session) => Some((0..wanted).map(|_| SharedText::Floats(session.new_sequence())).collect()),
            Text::Integers(integers) if integers.session.texts() > 1 => {
                Some(integers.session.new_texts().into_iter().take(wanted).map(SharedText::Integers).collect())
            }
            Text::Integers(_) | Text::Shared(_) => None,
        }
    }

    /// What such texts have in common, and who takes their tokens.
    #[cfg(feature = "server")]
    pub fn taker(&mut self) -> Option<(Facts<'m>, &mut dyn Taker)> {
        match self {
            Text::Floats(session) => Some((Facts::of(session), &mut **session)),
            Text::Integers(integers) => Some((Facts::of_tokens(&integers.session, integers.context), &mut integers.session)),
            Text::Shared(_) => None,
        }
    }

    /// Who draws the tokens of an answer from their logits, if nothing changes these. The text stands before the prompt's last token.
    pub fn draws(&self, sampling: Sampling) -> Draws {
        match (self, choice(sampling)) {
            (Text::Integers(integers), Some(choice)) => Draws::Integers(TokenSampler::new(choice, integers.session.position())),
            #[cfg(feature = "server")]
            (Text::Shared(lane), Some(choice)) if lane.facts.kind == Kind::Integers => {
                Draws::Integers(TokenSampler::new(choice, lane.position()))
            }
            _ => Draws::floats(sampling),
        }
    }

    /// How tokens are chosen where their logits are, one after another; `None` if they are not.
    pub fn chooses(&self, sampling: Sampling) -> Option<Choice> {
        let is_shared = match self {
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.facts.kind == Kind::Integers,
            Text::Floats(_) | Text::Integers(_) => false,
        };
        if is_shared { choice(sampling) } else { None }
    }

    /// Takes a token; the one that follows it, where [`Self::chooses`] says that it is chosen so.
    pub fn choose(&mut self, token: u32, choice: Choice) -> Result<Option<u32>, EngineError> {
        match self {
            #[cfg(feature = "server")]
            Text::Shared(lane) => lane.choose(token, choice),
            Text::Floats(_) | Text::Integers(_) => {
                let mut sampler = TokenSampler::new(choice, self.position());
                Ok(Some(sampler.choose(self.predict(token)?)))
            }
        }
    }

    /// The session that makes the tokens of an answer by itself, and how it chooses and ends them; `None` if scores have to be
    /// looked at.
    pub fn maker(&mut self, sampling: Sampling, stop_tokens: &[u32]) -> Option<(&mut TokenSession<'a, 'm>, Choice, Vec<u32>)> {
        let Text::Integers(integers) = self else { return None };
        let stops: Vec<u32> = integers.session.bounds().ends().iter().chain(stop_tokens).copied().collect();
        let choice = choice(sampling).filter(|_| stops.len() <= MAX_STOPS)?;
        Some((&mut integers.session, choice, stops))
    }
}

impl Integers<'_, '_> {
    fn predict(&mut self, token: u32) -> Result<&[f32], EngineError> {
        let logits = self.session.logits(token)?;
        self.logits.clear();
        self.logits.extend(logits.iter().map(|logit| real(*logit)));
        Ok(&self.logits)
    }
}

/// Who draws tokens from a model's own logits.
pub(crate) enum Draws {
    Floats(Sampler),
    Integers(TokenSampler),
}

impl Draws {
    /// Of scores, whoever gave them.
    pub fn floats(sampling: Sampling) -> Draws {
        Draws::Floats(Sampler::new(sampling))
    }

    /// The next token.
    pub fn choose(&mut self, logits: &[f32]) -> u32 {
        match self {
            Draws::Floats(sampler) => sampler.choose(logits),
            Draws::Integers(sampler) => sampler.choose(logits),
        }
    }
}
