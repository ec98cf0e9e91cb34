//! Tokens chosen from logits of integers as a token machine chooses them.

use crate::sampler::Sampling;
use nda_spec::token::{Choice, Chooser, LOGIT_POINT};

/// A logit of integers as a number; exact, because it has 24 bits.
pub fn real(logit: i32) -> f32 {
    logit as f32 / (1 << LOGIT_POINT) as f32
}

/// How a token machine draws tokens so; `None` if it cannot, because it has no room for a set of the likeliest.
pub fn choice(sampling: Sampling) -> Option<Choice> {
    let Sampling { temperature, top_k, top_p, seed } = sampling;
    Choice::at(temperature.into(), seed).filter(|_| top_k.is_none() && top_p.is_none())
}

/// Draws token after token of a text as a token machine does: from logits, seed and position alone.
#[derive(Debug, Clone)]
pub struct TokenSampler {
    choice: Choice,
    position: usize,
}

impl TokenSampler {
    /// A sampler of what follows the token at `position`, and then of what follows the next ones.
    pub fn new(choice: Choice, position: usize) -> TokenSampler {
        TokenSampler { choice, position }
    }

    /// The next token; `logits` are a token program's own, as [`real`] numbers.
    pub fn choose(&mut self, logits: &[f32]) -> u32 {
        // The noise counts positions in 32 bits.
        let mut chooser = Chooser::new(self.choice, self.position as u32);
        logits.iter().for_each(|logit| chooser.offer((logit * (1 << LOGIT_POINT) as f32) as i32));
        self.position += 1;
        chooser.token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_exact_at_both_extremes_and_the_choice_is_the_machines() {
        let logits = [-(1 << 23) + 1, -4097, -1, 0, 1, 4095, (1 << 23) - 2, (1 << 23) - 1];
        let reals = logits.map(real);
        assert_eq!(reals.map(|v| (v * 4096.0) as i32), logits);
        for temperature in [0.0, 0.5, 900.0] {
            let choice = choice(Sampling { temperature, seed: 5, ..Sampling::GREEDY }).unwrap();
            let mut sampler = TokenSampler::new(choice, 3);
            for position in 3..40 {
                let mut chooser = Chooser::new(choice, position);
                logits.iter().for_each(|logit| chooser.offer(*logit));
                assert_eq!(sampler.choose(&reals), chooser.token(), "temperature {temperature}, position {position}");
            }
        }
        assert_eq!(choice(Sampling { top_k: Some(3), ..Sampling::GREEDY }), None);
        assert_eq!(choice(Sampling { top_p: Some(0.5), ..Sampling::GREEDY }), None);
    }
}
