//! How well a model predicts a text.

use crate::error::EngineError;
use crate::model::Session;
use crate::ops::surprise_bits;

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
    /// Bits a byte: the measure that does not depend on the tokenizer.
    pub fn bits_per_byte(&self) -> f64 {
        self.bits / self.bytes as f64
    }

    /// Perplexity a token: `2^(bits / tokens)`.
    pub fn perplexity(&self) -> f64 {
        (self.bits / self.predicted as f64).exp2()
    }
}

/// Bits of every token after the first, in windows of `context` tokens, at most the model's context.
///
/// A window starts empty, takes up to `context` tokens and predicts the token after each; the next window
/// starts with the last token that was predicted. So every token but the text's first is predicted exactly
/// once, with 1 to `context` tokens before it, and the stride is the context's length.
/// `progress` hears how many of how many tokens are done.
///
/// # Errors
/// A text of fewer than two tokens, or a failure of the back end.
pub fn evaluate(
    session: &mut Session<'_, '_>,
    tokens: &[u32],
    context: usize,
    mut progress: impl FnMut(usize, usize),
) -> Result<Evaluation, EngineError> {
    if tokens.len() < 2 {
        return Err(EngineError::Empty { what: "the text", needed: 2 });
    }
    let context = context.clamp(1, session.context());
    let total = tokens.len() - 1;
    let mut result = Evaluation { predicted: 0, bytes: 0, bits: 0.0 };
    let mut spelled = Vec::new();
    while result.predicted < total {
        session.clear();
        let first = result.predicted;
        let count = (total - first).min(context);
        let tokenizer = session.tokenizer();
        session.predict_all(&tokens[first..first + count], |at, logits| {
            let (target, known) = (tokens[first + at + 1], logits.len());
            let index = usize::try_from(target).ok().filter(|&t| t < known);
            let index = index.ok_or(EngineError::Token { token: target, vocab_size: known })?;
            result.bits += surprise_bits(logits, index);
            result.predicted += 1;
            spelled.clear();
            tokenizer.decode_into(target, &mut spelled);
            result.bytes += spelled.len();
            progress(result.predicted, total);
            Ok::<_, EngineError>(())
        })?;
    }
    Ok(result)
}
