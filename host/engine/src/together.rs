//! Tokens of several texts in one step: the weights are read once for all of them, and every text gets the bits that it gets alone.

use crate::error::EngineError;
use crate::model::Session;
use crate::sequence::{Sequence, Together};
use crate::weights::{Entries, Forward};
use nda_lang::Argument;

/// Whose logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nobody's: a part of a prompt.
    Nothing,
    /// What follows the last token.
    Last,
    /// What follows each token.
    All,
}

/// What one text has in a step.
#[derive(Debug)]
pub struct Part<'p> {
    /// The text.
    pub sequence: &'p mut Sequence,
    /// Its next tokens; at least one.
    pub tokens: &'p [u32],
    /// Whose logits are wanted.
    pub wanted: Wanted,
}

/// The logits that a part wanted, a row after another, or why its text is as it was.
pub type Advanced = Result<Vec<f32>, EngineError>;

impl Session<'_, '_> {
    /// Whether the program takes tokens of several texts at once: it has a graph, which holds for any tokens at any positions.
    pub fn takes_together(&mut self) -> bool {
        let weights = self.weights;
        let takes_rows = || matches!(weights.entries(), Ok(Entries { forward: Forward::Rows(_), .. }));
        *self.takes_together.get_or_insert_with(|| takes_rows() && weights.graph().is_ok())
    }

    /// Takes every text's tokens, at once if the program can: to the bit as each alone. [`Self::batch`] rows or fewer are fastest.
    /// The session's own text stays as it is.
    pub fn advance(&mut self, parts: &mut [Part<'_>]) -> Vec<Advanced> {
        let checked: Vec<_> = parts.iter().map(|part| self.check(part.sequence.position(), part.tokens)).collect();
        let fit: Vec<usize> = (0..parts.len()).filter(|&at| checked[at].is_ok()).collect();
        let mut found: Vec<Advanced> = checked.into_iter().map(|checked| checked.map(|()| Vec::new())).collect();
        if fit.len() > 1 && self.takes_together() {
            // A failure is found again where it belongs, text by text.
            if let Ok(rows) = self.advance_together(parts, &fit) {
                fit.iter().zip(rows).for_each(|(&at, rows)| found[at] = Ok(rows));
                return found;
            }
        }
        for at in fit {
            found[at] = self.advance_alone(&mut parts[at]);
        }
        found
    }

    fn advance_alone(&mut self, part: &mut Part<'_>) -> Advanced {
        std::mem::swap(part.sequence, &mut self.host.sequence);
        let done = self.rows_of(part.tokens, part.wanted);
        std::mem::swap(part.sequence, &mut self.host.sequence);
        done
    }

    fn rows_of(&mut self, tokens: &[u32], wanted: Wanted) -> Advanced {
        let mut found = Vec::new();
        let (batch, mut left) = (self.batch(), tokens.len());
        for chunk in tokens.chunks(batch) {
            let residual = self.forward(chunk)?;
            left -= chunk.len();
            let wanted = if wanted == Wanted::Last && left > 0 { Wanted::Nothing } else { wanted };
            let picked = picked(residual.vector().unwrap_or_default(), chunk.len(), std::iter::once((chunk.len(), wanted)));
            self.release(residual);
            found.extend(self.logits_of(picked)?);
        }
        Ok(found)
    }

    /// One step for the parts at these places; none of them has taken anything if it fails.
    fn advance_together(&mut self, parts: &mut [Part<'_>], fit: &[usize]) -> Result<Vec<Vec<f32>>, EngineError> {
        let (mut together, mut tokens) = (Together::default(), Vec::new());
        for &at in fit {
            let part = &mut parts[at];
            together.add(std::mem::take(part.sequence), part.tokens.len());
            tokens.extend_from_slice(part.tokens);
        }
        let wanted: Vec<(usize, Wanted)> = fit.iter().map(|&at| (parts[at].tokens.len(), parts[at].wanted)).collect();
        self.host.together = Some(together);
        let done = self.step_together(&tokens, &wanted);
        let texts = self.host.together.take().into_iter().flat_map(Together::into_texts);
        for (&at, mut sequence) in fit.iter().zip(texts) {
            match done {
                Ok(_) => sequence.commit(parts[at].tokens),
                Err(_) => sequence.forget_unfinished(),
            }
            *parts[at].sequence = sequence;
        }
        let logits = done?;
        let vocab_size = self.vocab_size();
        let mut rest = logits.as_slice();
        let cut = |(tokens, wanted): &(usize, Wanted)| {
            let (own, behind) = rest.split_at((wanted.rows(*tokens) * vocab_size).min(rest.len()));
            rest = behind;
            own.to_vec()
        };
        Ok(wanted.iter().map(cut).collect())
    }

    fn step_together(&mut self, tokens: &[u32], wanted: &[(usize, Wanted)]) -> Advanced {
        let Entries { forward: Forward::Rows(entry), .. } = self.weights.entries()? else { return Ok(Vec::new()) };
        // Rows say where they stand, counted from here.
        let args = vec![Argument::Ints(tokens.iter().map(|&token| i64::from(token)).collect()), Argument::Int(0)];
        let residual = self.call_with(entry, args)?;
        let picked = picked(residual.vector().unwrap_or_default(), tokens.len(), wanted.iter().copied());
        self.release(residual);
        self.logits_of(picked)
    }

    fn logits_of(&mut self, residuals: Vec<f32>) -> Advanced {
        if residuals.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.call_with(self.weights.entries()?.logits, vec![Argument::Vector(residuals)])?;
        let found = logits.vector().unwrap_or_default().to_vec();
        self.release(logits);
        Ok(found)
    }
}

impl Wanted {
    /// Rows of logits for that many tokens.
    fn rows(self, tokens: usize) -> usize {
        match self {
            Wanted::Nothing => 0,
            Wanted::Last => tokens.min(1),
            Wanted::All => tokens,
        }
    }
}

/// The residuals whose logits are wanted, of texts that follow one another.
fn picked(residuals: &[f32], rows: usize, wanted: impl Iterator<Item = (usize, Wanted)>) -> Vec<f32> {
    let (width, mut first, mut picked) = (residuals.len() / rows.max(1), 0, Vec::new());
    for (tokens, wanted) in wanted {
        let end = first + tokens;
        picked.extend_from_slice(&residuals[(end - wanted.rows(tokens)) * width..end * width]);
        first = end;
    }
    picked
}
