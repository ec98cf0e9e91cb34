//! From scores to a token: what was asked for changes scores, a rule takes some away, and one of the rest is drawn.

use crate::error::ChatError;
use crate::guide::{Guide, Next};
use crate::text::Draws;
use nda_engine::{Bounds, greedy};
use std::collections::HashMap;

/// What changes tokens' scores before one is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steering {
    /// Tokens and what is added to their scores.
    pub bias: Vec<(u32, f32)>,
    /// Tokens that are less likely than this share of the likeliest, at the temperature, are not drawn.
    pub min_p: Option<f32>,
    /// Taken from the score of every token that was drawn.
    pub presence: f32,
    /// Taken from the score of a token each time it was drawn.
    pub frequency: f32,
    /// Makes tokens of the prompt and the answer less likely.
    pub repetition: Option<Repetition>,
    /// Tokens that end an answer as the model's own do.
    pub stop_tokens: Vec<u32>,
    /// Tokens before which the model cannot end an answer.
    pub min_tokens: usize,
}

/// Positive scores are divided by a factor, negative ones multiplied (Keskar et al., CTRL, 2019).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repetition {
    /// The factor; more than 1 repeats less.
    pub factor: f32,
    /// Tokens looked back at; all unless given.
    pub reach: Option<usize>,
}

impl Steering {
    /// Whether a token may be chosen otherwise than the model's own scores say.
    pub(crate) fn changes_scores(&self) -> bool {
        let Steering { bias, min_p, presence, frequency, repetition, stop_tokens: _, min_tokens } = self;
        let weighs = *presence != 0.0 || *frequency != 0.0 || repetition.is_some();
        !bias.is_empty() || min_p.is_some() || weighs || *min_tokens > 0
    }
}

/// Draws the tokens of one answer.
pub(crate) struct Chooser<'m> {
    draws: Draws,
    temperature: f32,
    steering: &'m Steering,
    bounds: &'m Bounds,
    /// The prompt and what was drawn after it, if anybody asks.
    before: Vec<u32>,
    /// How often each token was drawn.
    counts: HashMap<u32, u32>,
    drawn: usize,
    scores: Vec<f32>,
}

impl<'m> Chooser<'m> {
    /// `draws` sees changed scores if the steering or the guide changes them.
    pub fn new(draws: Draws, temperature: f32, steering: &'m Steering, bounds: &'m Bounds, prompt: &[u32]) -> Chooser<'m> {
        let before = if steering.repetition.is_some() { prompt.to_vec() } else { Vec::new() };
        Chooser { draws, temperature, steering, bounds, before, counts: HashMap::new(), drawn: 0, scores: Vec::new() }
    }

    /// The next token; `None` if the answer is complete and no further one may come.
    ///
    /// # Errors
    /// [`ChatError::Forbidden`] if one must come and biases forbid all that the rule allows; the rule's own.
    pub fn choose(&mut self, logits: &[f32], guide: &mut dyn Guide) -> Result<Option<u32>, ChatError> {
        let token = if guide.is_free() && !self.steering.changes_scores() {
            self.draws.choose(logits)
        } else {
            let mut scores = std::mem::take(&mut self.scores);
            scores.clear();
            scores.extend_from_slice(logits);
            self.steer(&mut scores);
            let next = guide.restrict(&mut scores)?;
            match (next, scores.iter().any(|score| *score > f32::NEG_INFINITY)) {
                (Next::Nothing, _) | (Next::TokenOrEnd, false) => return Ok(None),
                (Next::Token, false) => return Err(ChatError::Forbidden),
                (Next::Token | Next::TokenOrEnd, true) => {}
            }
            self.drop_unlikely(&mut scores);
            let token = self.draws.choose(&scores);
            self.scores = scores;
            token
        };
        guide.take(token)?;
        self.note(token);
        Ok(Some(token))
    }

    /// Whether a token ends the answer.
    pub fn is_end(&self, token: u32) -> bool {
        self.bounds.is_end(token) || self.steering.stop_tokens.contains(&token)
    }

    fn note(&mut self, token: u32) {
        self.drawn += 1;
        if self.steering.repetition.is_some() {
            self.before.push(token);
        }
        if self.steering.presence != 0.0 || self.steering.frequency != 0.0 {
            *self.counts.entry(token).or_default() += 1;
        }
    }

    fn steer(&self, scores: &mut [f32]) {
        let steering = self.steering;
        if let Some(Repetition { factor, reach }) = steering.repetition {
            let first = self.before.len().saturating_sub(reach.unwrap_or(usize::MAX));
            let mut seen = self.before[first..].to_vec();
            seen.sort_unstable();
            seen.dedup();
            for token in seen {
                if let Some(score) = scores.get_mut(token as usize) {
                    *score = if *score > 0.0 { *score / factor } else { *score * factor };
                }
            }
        }
        for (token, count) in &self.counts {
            if let Some(score) = scores.get_mut(*token as usize) {
                *score -= steering.presence + steering.frequency * *count as f32;
            }
        }
        for (token, bias) in &steering.bias {
            if let Some(score) = scores.get_mut(*token as usize) {
                *score += bias;
            }
        }
        if self.drawn < steering.min_tokens {
            for token in self.bounds.ends().iter().chain(&steering.stop_tokens) {
                if let Some(score) = scores.get_mut(*token as usize) {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
    }

    /// A share p of the likeliest's probability is a distance of ln p times the temperature between scores.
    fn drop_unlikely(&self, scores: &mut [f32]) {
        let Some(min_p) = self.steering.min_p.filter(|_| self.temperature > 0.0) else { return };
        let least = scores[greedy(scores) as usize] + min_p.ln() * self.temperature;
        scores.iter_mut().filter(|score| **score < least).for_each(|score| *score = f32::NEG_INFINITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Free;
    use nda_engine::Sampling;

    const LOGITS: [f32; 4] = [2.0, 1.5, -1.0, 0.0];

    fn greedily<'m>(steering: &'m Steering, bounds: &'m Bounds) -> Chooser<'m> {
        Chooser::new(Draws::floats(Sampling::GREEDY), 0.0, steering, bounds, &[])
    }

    fn draw(sampling: Sampling, steering: &Steering, prompt: &[u32], count: usize) -> Vec<u32> {
        let bounds = Bounds::default();
        let mut chooser = Chooser::new(Draws::floats(sampling), sampling.temperature, steering, &bounds, prompt);
        (0..count).map(|_| chooser.choose(&LOGITS, &mut Free).unwrap().unwrap()).collect()
    }

    #[test]
    fn each_wish_changes_what_is_drawn() {
        let greedy = |steering: Steering, prompt: &[u32]| draw(Sampling::GREEDY, &steering, prompt, 4);
        assert_eq!(greedy(Steering::default(), &[]), [0, 0, 0, 0]);
        assert_eq!(greedy(Steering { bias: vec![(3, 100.0), (77, 1.0)], ..Steering::default() }, &[]), [3, 3, 3, 3]);
        assert_eq!(greedy(Steering { presence: 1.0, ..Steering::default() }, &[]), [0, 1, 0, 0]);
        assert_eq!(greedy(Steering { frequency: 1.0, ..Steering::default() }, &[]), [0, 1, 0, 1]);
        let repetition = |reach| Steering { repetition: Some(Repetition { factor: 4.0, reach }), ..Steering::default() };
        assert_eq!(greedy(repetition(None), &[0]), [1, 0, 0, 0]);
        assert_eq!(greedy(repetition(Some(1)), &[0]), [1, 0, 1, 0]);
        let limited = |min_p| {
            let sampling = Sampling { temperature: 2.0, top_k: None, top_p: None, seed: 3 };
            let mut drawn = draw(sampling, &Steering { min_p, ..Steering::default() }, &[], 500);
            drawn.sort_unstable();
            drawn.dedup();
            drawn
        };
        // At temperature 2 the probabilities are to the likeliest as 1, 0.78, 0.22 and 0.37.
        assert_eq!((limited(None), limited(Some(0.3)), limited(Some(0.5))), (vec![0, 1, 2, 3], vec![0, 1, 3], vec![0, 1]));
    }

    #[test]
    fn ends_wait_for_the_fewest_tokens_and_a_rule_without_a_way_on_ends() {
        let bounds = Bounds::from_metadata(|key| (key == "eos_tokens").then_some("0"), 4).unwrap();
        let steering = Steering { min_tokens: 2, stop_tokens: vec![1], ..Steering::default() };
        let mut chooser = greedily(&steering, &bounds);
        let drawn: Vec<u32> = (0..3).map(|_| chooser.choose(&LOGITS, &mut Free).unwrap().unwrap()).collect();
        assert_eq!(drawn, [3, 3, 0]);
        assert!(chooser.is_end(0) && chooser.is_end(1) && !chooser.is_end(2));
        struct Only(u32);
        impl Guide for Only {
            fn restrict(&mut self, scores: &mut [f32]) -> Result<Next, ChatError> {
                (0..).zip(scores).filter(|(id, _)| *id != self.0).for_each(|(_, score)| *score = f32::NEG_INFINITY);
                Ok(if self.0 == 0 { Next::TokenOrEnd } else { Next::Token })
            }
            fn take(&mut self, token: u32) -> Result<(), ChatError> {
                assert_eq!(token, self.0);
                Ok(())
            }
        }
        let mut chooser = greedily(&steering, &bounds);
        assert_eq!(chooser.choose(&LOGITS, &mut Only(2)).unwrap(), Some(2));
        // The rule allows an end alone, the request forbids it: nothing is left to draw, and the answer is complete.
        assert_eq!(chooser.choose(&LOGITS, &mut Only(0)).unwrap(), None);
        // One must come, and the request forbids it: what there is so far is not an answer.
        let steering = Steering { bias: vec![(2, f32::NEG_INFINITY)], ..Steering::default() };
        let mut chooser = greedily(&steering, &bounds);
        assert!(matches!(chooser.choose(&LOGITS, &mut Only(2)), Err(ChatError::Forbidden)));
    }
}
