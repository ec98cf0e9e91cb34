//! Text from a prompt.

use crate::error::EngineError;
use crate::model::Session;
use crate::sampler::{Sampler, Sampling};
use nda_gemv::Cost;
use std::ops::ControlFlow;

/// What a generation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The tokens after the prompt.
    pub tokens: Vec<u32>,
    /// How often the context was full and its newer half was taken again from position 0.
    pub slides: usize,
    /// Tokens taken again by those slides.
    pub refed: usize,
}

/// What a callback hears of.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Tokens of the prompt were taken; the last one is taken with the first draw.
    Prompt {
        /// Tokens taken.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// A token was drawn.
    Token {
        /// The token.
        token: u32,
        /// What the session has cost up to here.
        cost: Cost,
    },
}

/// Takes the prompt and then draws up to `max_tokens` tokens, each told to `each`, which may end the text.
///
/// A context that is full slides: the newest `context / 2` tokens are taken again from position 0, which
/// costs as many steps. Every back end slides at the same token, so texts stay equal.
///
/// # Errors
/// An empty prompt, a prompt longer than the context, a failure of the back end or of `each`.
pub fn generate<E: From<EngineError>>(
    session: &mut Session<'_, '_>,
    prompt: &[u32],
    max_tokens: usize,
    sampling: Sampling,
    mut each: impl FnMut(Step) -> Result<ControlFlow<()>, E>,
) -> Result<Generated, E> {
    let context = session.context();
    let Some((&last, before)) = prompt.split_last() else {
        return Err(EngineError::Empty { what: "the prompt", needed: 1 }.into());
    };
    if prompt.len() > context {
        return Err(EngineError::Context { position: prompt.len() - 1, context }.into());
    }
    session.clear();
    let mut done = Generated { tokens: Vec::new(), slides: 0, refed: 0 };
    let mut taken = 0;
    for tokens in before.chunks(session.batch()) {
        session.feed_all(tokens)?;
        taken += tokens.len();
        if each(Step::Prompt { done: taken, total: prompt.len() })?.is_break() {
            return Ok(done);
        }
    }
    let mut sampler = Sampler::new(sampling);
    let mut text = prompt.to_vec();
    let mut token = last;
    for _ in 0..max_tokens {
        if session.position() == context {
            done.refed += slide(session, &text[..text.len() - 1])?;
            done.slides += 1;
        }
        token = sampler.choose(session.predict(token)?);
        text.push(token);
        done.tokens.push(token);
        if each(Step::Token { token, cost: session.cost() })?.is_break() {
            break;
        }
    }
    Ok(done)
}

/// Starts again from position 0 with the newest half of the context; returns how many tokens that took.
fn slide(session: &mut Session<'_, '_>, text: &[u32]) -> Result<usize, EngineError> {
    let kept = (session.context() / 2).min(text.len());
    session.clear();
    session.feed_all(&text[text.len() - kept..])?;
    Ok(kept)
}
