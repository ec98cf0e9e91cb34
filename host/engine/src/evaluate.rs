//! How well a model predicts a text.

use crate::error::EngineError;
use crate::model::Session;
use crate::ops::surprise_bits;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

/// What an evaluation found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Tokens predicted: all but the text's first.
    pub predicted: usize,
    /// Bytes that those tokens stand for.
    pub bytes: usize,
    /// What they cost together, in bits.
    pub bits: f64,
}

impl Evaluation {
    /// What windows found, added token after token: a sum of floats depends on its order, and not on who found what.
    fn of<'f>(windows: impl Iterator<Item = &'f Found>) -> Evaluation {
        windows.fold(Evaluation { predicted: 0, bytes: 0, bits: 0.0 }, |all, found| Evaluation {
            predicted: all.predicted + found.bits.len(),
            bytes: all.bytes + found.bytes,
            bits: found.bits.iter().fold(all.bits, |sum, bits| sum + bits),
        })
    }

    /// Bits per byte: the measure that does not depend on the tokenizer.
    pub fn bits_per_byte(&self) -> f64 {
        self.bits / self.bytes as f64
    }

    /// Perplexity per token: `2^(bits / tokens)`.
    pub fn perplexity(&self) -> f64 {
        (self.bits / self.predicted as f64).exp2()
    }
}

/// What a window found.
#[derive(Debug, Default)]
struct Found {
    bytes: usize,
    /// What each token cost.
    bits: Vec<f64>,
}

/// A text in windows of `context` tokens.
///
/// A window starts empty, takes up to `context` tokens and predicts the token after each; the next window
/// starts with the last token that was predicted. So every token but the text's first is predicted exactly
/// once, with 1 to `context` tokens before it, and the stride is the context's length.
struct Windows<'t> {
    tokens: &'t [u32],
    context: usize,
}

impl<'t> Windows<'t> {
    fn new(tokens: &'t [u32], context: usize) -> Result<Windows<'t>, EngineError> {
        if tokens.len() < 2 {
            return Err(EngineError::Empty { what: "the text", needed: 2 });
        }
        Ok(Windows { tokens, context: context.max(1) })
    }

    /// Tokens that all windows predict together.
    fn predicted(&self) -> usize {
        self.tokens.len() - 1
    }

    fn count(&self) -> usize {
        self.predicted().div_ceil(self.context)
    }

    /// The tokens that a window takes.
    fn window(&self, index: usize) -> Range<usize> {
        let first = index * self.context;
        first..(first + self.context).min(self.predicted())
    }

    /// Predicts a window's tokens, each told to `each`.
    fn evaluate(&self, index: usize, session: &mut Session<'_, '_>, mut each: impl FnMut()) -> Result<Found, EngineError> {
        session.clear();
        let (window, tokenizer) = (self.window(index), session.tokenizer());
        let (mut found, mut spelled) = (Found::default(), Vec::new());
        session.predict_all(&self.tokens[window.clone()], |at, logits| {
            let (target, known) = (self.tokens[window.start + at + 1], logits.len());
            let index = usize::try_from(target).ok().filter(|&t| t < known);
            let index = index.ok_or(EngineError::Token { token: target, vocab_size: known })?;
            spelled.clear();
            tokenizer.decode_into(target, &mut spelled);
            found.bytes += spelled.len();
            found.bits.push(surprise_bits(logits, index));
            each();
            Ok::<_, EngineError>(())
        })?;
        Ok(found)
    }
}

/// Bits of every token after the first, in windows of `context` tokens, at most the session's: each window starts empty, and
/// the next one starts with the last token that was predicted. `progress` hears how many of how many tokens are done.
///
/// # Errors
/// A text of fewer than two tokens, or a failure of the back end.
pub fn evaluate(
    session: &mut Session<'_, '_>,
    tokens: &[u32],
    context: usize,
    mut progress: impl FnMut(usize, usize),
) -> Result<Evaluation, EngineError> {
    let windows = Windows::new(tokens, context.min(session.context()))?;
    let mut done = 0;
    let mut tell = || {
        done += 1;
        progress(done, windows.predicted());
    };
    let found = (0..windows.count()).map(|index| windows.evaluate(index, session, &mut tell)).collect::<Result<Vec<_>, _>>()?;
    Ok(Evaluation::of(found.iter()))
}

/// [`evaluate`] by several threads, to the bit: windows know nothing of each other, so threads that take whole ones never
/// wait for each other, as they do within the small products of a single one. `with_session` is called on every thread, the
/// caller's included, and hands a session of its own to the work that it is given; `context` is at most that session's.
///
/// # Errors
/// As [`evaluate`], or what `with_session` returns: the first that fails ends the others.
pub fn evaluate_on<E: From<EngineError> + Send>(
    threads: usize,
    tokens: &[u32],
    context: usize,
    with_session: impl Fn(&mut dyn FnMut(&mut Session<'_, '_>) -> Result<(), EngineError>) -> Result<(), E> + Sync,
    progress: impl FnMut(usize, usize) + Send,
) -> Result<Evaluation, E> {
    let windows = Windows::new(tokens, context)?;
    let found: Vec<OnceLock<Found>> = (0..windows.count()).map(|_| OnceLock::new()).collect();
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (progress, failure) = (Mutex::new((0, progress)), Mutex::new(None));
    let tell = || {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.0 += 1;
        let done = progress.0;
        (progress.1)(done, windows.predicted());
    };
    let take_windows = || {
        let taken = with_session(&mut |session| {
            while !is_over.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(place) = found.get(index) else { break };
                let _ = place.set(windows.evaluate(index, session, &tell)?);
            }
            Ok(())
        });
        if let Err(error) = taken {
            is_over.store(true, Ordering::Relaxed);
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(windows.count()) {
            // A thread that the system refuses is done without: the caller's takes all windows that nobody else takes.
            let _ = thread::Builder::new().name("nda-window".into()).spawn_scoped(scope, take_windows);
        }
        take_windows();
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(Evaluation::of(found.iter().filter_map(OnceLock::get)))
}
