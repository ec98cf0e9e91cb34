//! Several texts on one token machine: a step takes tokens of any of them, and every text gets the bits that it gets alone.

use crate::error::EngineError;
use crate::token::{Maker, Matrices, TokenSession, add, refused};
use nda_gemv::{Followed, Following, GemvError, Start, TextStep, check_steps};
use nda_spec::token::Machine;

/// Tokens of prompts in a step that a device answers within a moment: as many as a GPU takes in one submission.
const STEP_TOKENS: usize = 32;

/// One of the texts that a token machine holds: which, and the tokens that have gone in.
#[derive(Debug)]
pub struct TokenText {
    number: usize,
    tokens: Vec<u32>,
}

impl TokenText {
    /// Tokens taken so far.
    pub fn position(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens taken so far.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        self.tokens.clear();
    }

    /// Goes on with the text if `tokens` begin with all of it, and else forgets it: a ring does not go back. Returns how many of the
    /// tokens have gone in.
    pub fn resume(&mut self, tokens: &[u32]) -> usize {
        if !tokens.starts_with(&self.tokens) {
            self.clear();
        }
        self.position()
    }
}

/// What one text has in a step.
#[derive(Debug)]
pub struct TokenPart<'p> {
    /// The text.
    pub text: &'p mut TokenText,
    /// Its next tokens; at least one.
    pub tokens: &'p [u32],
    /// What is asked for behind the last one.
    pub following: Following,
}

impl TokenSession<'_, '_> {
    /// How many texts the token machine holds: what `TokenModel::prepare_texts` found room for.
    pub fn texts(&self) -> usize {
        self.model.texts()
    }

    /// All of the machine's texts, empty. The session's own text is the first of them, so it is over; [`Self::clear`] begins another.
    pub fn new_texts(&mut self) -> Vec<TokenText> {
        self.clear();
        (0..self.texts()).map(|number| TokenText { number, tokens: Vec::new() }).collect()
    }

    /// Tokens of a step, all texts together, that keep nobody waiting for long.
    pub fn step_tokens(&self) -> usize {
        STEP_TOKENS
    }

    /// Takes the tokens of different texts in one step; what followed each, or why its text is empty now.
    pub fn advance(&mut self, parts: &mut [TokenPart<'_>]) -> Vec<Result<Followed, EngineError>> {
        let vocab_size = self.vocab_size();
        let check = |part: &TokenPart<'_>| match part.tokens.iter().find(|&&token| token as usize >= vocab_size) {
            Some(&token) => Err(EngineError::Token { token, vocab_size }),
            None if part.tokens.is_empty() => Err(EngineError::Empty { what: "a part of a step", needed: 1 }),
            None => Ok(Followed::Nothing),
        };
        let mut found: Vec<Result<Followed, EngineError>> = parts.iter().map(check).collect();
        let fit: Vec<usize> = (0..parts.len()).filter(|&at| found[at].is_ok()).collect();
        let steps: Vec<TextStep<'_>> = fit.iter().map(|&at| parts[at].step()).collect();
        match self.step_together(&steps) {
            Ok(followed) => {
                for (&at, followed) in fit.iter().zip(followed) {
                    parts[at].text.tokens.extend_from_slice(parts[at].tokens);
                    found[at] = Ok(followed);
                }
            }
            Err(error) => {
                // All of them have failed, and each hears why.
                let said = error.to_string();
                fit.iter().for_each(|&at| found[at] = Err(failed(GemvError::Device(said.clone().into()))));
                fit.first().into_iter().zip([error]).for_each(|(&at, error)| found[at] = Err(error));
            }
        }
        for (part, _) in parts.iter_mut().zip(&found).filter(|(_, found)| found.is_err()) {
            part.text.clear();
        }
        found
    }

    fn step_together(&mut self, steps: &[TextStep<'_>]) -> Result<Vec<Followed>, EngineError> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let TokenSession { model, gemv, maker, cost, .. } = self;
        match maker {
            Maker::Device(id, _) => {
                let tokens = gemv.tokens().ok_or_else(|| refused("the back end has no token machine any more"))?;
                let (followed, more) = tokens.step_together(*id, steps).map_err(failed)?;
                add(cost, more);
                Ok(followed)
            }
            Maker::Here(machine) => {
                check_steps(steps, 1).map_err(failed)?;
                let mut products = Matrices { gemv: &mut **gemv, matrices: &model.matrices, cost };
                steps.iter().map(|step| step_here(machine, &mut products, step)).collect()
            }
        }
    }
}

impl TokenPart<'_> {
    fn step(&self) -> TextStep<'_> {
        let start = if self.text.tokens.is_empty() { Start::Anew } else { Start::Continues };
        TextStep { text: self.text.number, start, tokens: self.tokens, following: self.following }
    }
}

fn failed(source: GemvError) -> EngineError {
    EngineError::Gemv { layer: "the token program".into(), source }
}

/// A step of the only text that a machine here has.
fn step_here(machine: &mut Machine, products: &mut Matrices<'_, '_>, step: &TextStep<'_>) -> Result<Followed, EngineError> {
    if step.start == Start::Anew {
        machine.clear();
    }
    let Some((&last, before)) = step.tokens.split_last() else { return Ok(Followed::Nothing) };
    before.iter().try_for_each(|&token| machine.take(products, token))?;
    Ok(match step.following {
        Following::Nothing => {
            machine.take(products, last)?;
            Followed::Nothing
        }
        Following::Logits => Followed::Logits(machine.logits(products, last)?.to_vec()),
        Following::Token(choice) => Followed::Token(machine.next(products, last, choice)?),
    })
}
