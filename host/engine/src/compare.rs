//! How far the predictions of one session are from those of another, token by token.

use crate::error::EngineError;
use crate::evaluate::Evaluation;
use crate::model::Session;
use crate::ops::surprise_bits;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// What the reference predicts.
    pub reference: Evaluation,
    /// What the other session predicts.
    pub other: Evaluation,
    /// The mean of the Kullback-Leibler divergence of the other's predictions from the reference's, in nats per token.
    pub divergence: f64,
    /// The share of tokens for which both hold the same one for the likeliest.
    pub same_first: f64,
}

/// The largest logit, its place, and the logarithm of the sum of all powers.
fn normalized(logits: &[f32]) -> (usize, f64) {
    let best = logits.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (at, &v)| if v > best.1 { (at, v) } else { best });
    let sum: f64 = logits.iter().map(|&v| f64::from(v - best.1).exp()).sum();
    (best.0, f64::from(best.1) + sum.ln())
}

/// Compares two sessions of models with the same tokens over a text, in windows of `context` tokens that start empty, as
/// [`crate::evaluate()`] takes them.
///
/// # Errors
/// A text of fewer than two tokens, a token outside a vocabulary, or a failure of a back end.
pub fn compare(
    reference: &mut Session<'_, '_>,
    other: &mut Session<'_, '_>,
    tokens: &[u32],
    context: usize,
    mut progress: impl FnMut(usize, usize),
) -> Result<Comparison, EngineError> {
    if tokens.len() < 2 {
        return Err(EngineError::Empty { what: "the text", needed: 2 });
    }
    let total = tokens.len() - 1;
    let context = context.clamp(1, reference.context().min(other.context()));
    let nothing = Evaluation { predicted: 0, bytes: 0, bits: 0.0 };
    let mut found = Comparison { reference: nothing, other: nothing, divergence: 0.0, same_first: 0.0 };
    let tokenizer = reference.tokenizer();
    let (mut rows, mut spelled): (Vec<Vec<f32>>, _) = (Vec::new(), Vec::new());
    for first in (0..total).step_by(context) {
        reference.clear();
        other.clear();
        let window = first..total.min(first + context);
        for at in window.clone().step_by(reference.batch()) {
            let chunk = at..window.end.min(at + reference.batch());
            rows.clear();
            reference.predict_all(&tokens[chunk.clone()], |_, logits| {
                rows.push(logits.to_vec());
                Ok::<_, EngineError>(())
            })?;
            other.predict_all(&tokens[chunk.clone()], |row, logits| {
                let target = tokens[chunk.start + row + 1];
                let known = logits.len().min(rows[row].len());
                let index =
                    usize::try_from(target).ok().filter(|&at| at < known).ok_or(EngineError::Token { token: target, vocab_size: known })?;
                spelled.clear();
                tokenizer.decode_into(target, &mut spelled);
                for (evaluation, logits) in [(&mut found.reference, rows[row].as_slice()), (&mut found.other, logits)] {
                    evaluation.predicted += 1;
                    evaluation.bytes += spelled.len();
                    evaluation.bits += surprise_bits(logits, index);
                }
                let ((best, sum), (other_best, other_sum)) = (normalized(&rows[row]), normalized(logits));
                found.same_first += f64::from(u8::from(best == other_best));
                let part = |(p, q): (&f32, &f32)| (f64::from(*p) - sum).exp() * ((f64::from(*p) - sum) - (f64::from(*q) - other_sum));
                found.divergence += rows[row].iter().zip(logits).map(part).sum::<f64>();
                Ok::<_, EngineError>(())
            })?;
            progress(chunk.end, total);
        }
    }
    found.divergence /= total as f64;
    found.same_first /= total as f64;
    Ok(found)
}
