//! Whole tokens, made where the matrices are.

use crate::cost::Cost;
use crate::error::GemvError;
use crate::shape::MatrixId;
use nda_spec::token::{Choice, Misfit, Program, Reply, Request};
use std::ops::ControlFlow;

/// A prepared token program; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokensId(pub usize);

/// Which sequence of tokens a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A new one.
    Anew,
    /// The one that the last call left.
    Continues,
}

/// Why a back end does not make a program's tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTokens {
    /// There is nothing that makes tokens.
    #[error("there is no token machine")]
    Absent,
    /// It has no room for the program, or runs no such.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// Weights lie elsewhere, or in several pieces.
    #[error("matrix {number} of the token program does not lie on the board in one piece")]
    Apart {
        /// Which.
        number: usize,
    },
    /// A step reads values where it writes others.
    #[error("a step of the token program writes over values that it still reads, which this token machine has no order for")]
    InPlace,
    /// The device failed while the program was made ready.
    #[error("{reason}")]
    Failed {
        /// What it says.
        reason: String,
    },
    /// A token takes longer than a request can say.
    #[error("a token takes up to {cycles} cycles, more than a request can wait for")]
    Slow {
        /// How long.
        cycles: u64,
    },
}

/// What is asked for behind the tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// Nothing: they are a part of a prompt.
    Nothing,
    /// The logits of what follows.
    Logits,
    /// The token that follows, chosen so.
    Token(Choice),
}

/// What followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// Nobody asked.
    Nothing,
    /// A logit per token, 12 bits behind the point.
    Logits(Vec<i32>),
    /// A token. It is not in the text yet.
    Token(u32),
}

/// What one of several texts takes in a step.
#[derive(Debug, Clone, Copy)]
pub struct TextStep<'t> {
    /// The text's number, from 0.
    pub text: usize,
    /// Whether the text begins with these tokens.
    pub start: Start,
    /// The next tokens of the text, at least one, all of them known to the program.
    pub tokens: &'t [u32],
    /// What is asked for behind the last one.
    pub following: Following,
}

/// Refuses steps that are not of different texts among the first `texts`, each with a token.
///
/// # Errors
/// [`GemvError::Text`].
pub fn check_steps(steps: &[TextStep<'_>], texts: usize) -> Result<(), GemvError> {
    for (number, step) in steps.iter().enumerate() {
        let text = step.text;
        let reason = if text >= texts {
            format!("the token machine holds {texts}")
        } else if step.tokens.is_empty() {
            "it has no tokens".into()
        } else if steps[..number].iter().any(|other| other.text == text) {
            "it is in the step twice".into()
        } else {
            continue;
        };
        return Err(GemvError::Text { text, reason });
    }
    Ok(())
}

/// Makes whole tokens: `nda_spec::token::Machine` and its loop, where the matrices are.
///
/// There is one sequence of tokens. [`Start::Anew`] begins it, [`Start::Continues`] goes on behind what the last call gave: its
/// tokens are in the sequence, but for the last one unless a stop token followed it (`nda_spec::token::generate`).
///
/// A back end may hold several texts ([`Self::prepare_texts`]), each with a cache of its own; the one sequence is then text 0.
pub trait Tokens {
    /// Whether an empty device has room for a program and its weights, and runs it.
    ///
    /// # Errors
    /// Why not.
    fn runs(&mut self, program: &Program) -> Result<(), NoTokens>;

    /// Makes a program ready; `matrix` says which prepared matrix a number in it means. A program that is not made here the caller
    /// runs on `nda_spec::token::Machine`.
    ///
    /// # Errors
    /// Why its tokens are not made here.
    fn prepare_tokens(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens>;

    /// Takes a checked request's prompt in and makes tokens. `made` is told each with what the call has cost by then, and ends
    /// the making by a break: its token is the reply's last.
    ///
    /// # Errors
    /// A program that was not prepared here, a failure of the device.
    fn generate(
        &mut self,
        id: TokensId,
        start: Start,
        request: &Request,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
    ) -> Result<(Reply, Cost), GemvError>;

    /// Takes one token in; `logits` are those of what follows, 12 bits behind the point.
    ///
    /// # Errors
    /// A program that was not prepared here, a failure of the device.
    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError>;

    /// [`Self::prepare_tokens`] with room for as many texts as are `wanted`, or for fewer; returns for how many, at least one.
    ///
    /// # Errors
    /// As [`Self::prepare_tokens`].
    fn prepare_texts(
        &mut self,
        program: &Program,
        matrix: &dyn Fn(usize) -> Option<MatrixId>,
        wanted: usize,
    ) -> Result<(TokensId, usize), NoTokens> {
        let _ = wanted;
        Ok((self.prepare_tokens(program, matrix)?, 1))
    }

    /// Takes tokens of several texts, and returns what followed each, in the order of `steps`: to the bit what follows each text
    /// alone, whatever else is in the step. Texts that are not in it stay as they are. After a failure the texts of the step must
    /// begin anew.
    ///
    /// # Errors
    /// What [`check_steps`] refuses, a program that was not prepared here, a failure of the device.
    fn step_together(&mut self, id: TokensId, steps: &[TextStep<'_>]) -> Result<(Vec<Followed>, Cost), GemvError> {
        check_steps(steps, 1)?;
        let (mut all, mut cost) = (Vec::with_capacity(steps.len()), Cost::default());
        for step in steps {
            let (followed, more) = step_alone(self, id, step)?;
            all.push(followed);
            cost += more;
        }
        Ok((all, cost))
    }
}

/// A step of the only text.
fn step_alone<T: Tokens + ?Sized>(tokens: &mut T, id: TokensId, step: &TextStep<'_>) -> Result<(Followed, Cost), GemvError> {
    let Some((&last, before)) = step.tokens.split_last() else { return Ok((Followed::Nothing, Cost::default())) };
    let mut feed = |start, prompt: Vec<u32>, most_tokens, choice| {
        let request = Request { prompt, most_tokens, stops: Vec::new(), choice };
        tokens.generate(id, start, &request, &mut |_, _| ControlFlow::Continue(()))
    };
    match step.following {
        Following::Nothing => {
            // The last token of a prompt without an answer does not go in.
            let prompt = step.tokens.iter().copied().chain([last]).collect();
            let (_, cost) = feed(step.start, prompt, 0, Choice::GREEDY)?;
            Ok((Followed::Nothing, cost))
        }
        Following::Token(choice) => {
            let (reply, cost) = feed(step.start, step.tokens.to_vec(), 1, choice)?;
            Ok((reply.tokens.first().map_or(Followed::Nothing, |token| Followed::Token(*token)), cost))
        }
        Following::Logits => {
            let (mut cost, mut start) = (Cost::default(), step.start);
            if !before.is_empty() {
                cost += feed(start, step.tokens.to_vec(), 0, Choice::GREEDY)?.1;
                start = Start::Continues;
            }
            let mut logits = Vec::new();
            cost += tokens.step(id, start, last, &mut logits)?;
            Ok((Followed::Logits(logits), cost))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::token::Finish;

    /// Writes down what goes in; what follows is how much that is.
    #[derive(Default)]
    struct Counting(Vec<u32>);

    impl Counting {
        fn take(&mut self, start: Start, tokens: &[u32]) {
            if start == Start::Anew {
                self.0.clear();
            }
            self.0.extend(tokens);
        }
    }

    impl Tokens for Counting {
        fn runs(&mut self, _: &Program) -> Result<(), NoTokens> {
            Ok(())
        }

        fn prepare_tokens(&mut self, _: &Program, _: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens> {
            Ok(TokensId(0))
        }

        fn generate(
            &mut self,
            _: TokensId,
            start: Start,
            request: &Request,
            _: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
        ) -> Result<(Reply, Cost), GemvError> {
            let taken = request.prompt.len() - usize::from(request.most_tokens == 0);
            self.take(start, &request.prompt[..taken]);
            let tokens = vec![self.0.len() as u32; request.most_tokens];
            Ok((Reply { tokens, finish: Finish::Length }, Cost::default()))
        }

        fn step(&mut self, _: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
            self.take(start, &[token]);
            *logits = vec![self.0.len() as i32];
            Ok(Cost::default())
        }
    }

    fn step(text: usize, start: Start, tokens: &[u32], following: Following) -> TextStep<'_> {
        TextStep { text, start, tokens, following }
    }

    #[test]
    fn a_machine_of_one_text_takes_its_steps_as_before() {
        let (mut machine, id) = (Counting::default(), TokensId(0));
        let mut take = |start, tokens: &[u32], following| machine.step_together(id, &[step(0, start, tokens, following)]).unwrap().0;
        assert_eq!(take(Start::Anew, &[1, 2], Following::Nothing), [Followed::Nothing]);
        assert_eq!(take(Start::Continues, &[3], Following::Logits), [Followed::Logits(vec![3])]);
        assert_eq!(take(Start::Continues, &[4, 5, 6], Following::Logits), [Followed::Logits(vec![6])]);
        assert_eq!(take(Start::Continues, &[7, 8], Following::Token(Choice::GREEDY)), [Followed::Token(8)]);
        assert_eq!(machine.0, [1, 2, 3, 4, 5, 6, 7, 8]);
        let anew = machine.step_together(id, &[step(0, Start::Anew, &[9, 9], Following::Logits)]).unwrap().0;
        assert_eq!((anew, machine.0), (vec![Followed::Logits(vec![2])], vec![9, 9]));
    }

    #[test]
    fn steps_of_unknown_or_doubled_texts_and_without_tokens_are_refused() {
        let of = |text, tokens| step(text, Start::Anew, tokens, Following::Nothing);
        let refusal = |steps: &[TextStep<'_>], texts| check_steps(steps, texts).map_err(|error| error.to_string());
        assert_eq!(refusal(&[of(1, &[1]), of(0, &[1])], 2), Ok(()));
        assert_eq!(refusal(&[of(1, &[1])], 1).unwrap_err(), "text 1 cannot take part in a step: the token machine holds 1");
        assert_eq!(refusal(&[of(0, &[])], 1).unwrap_err(), "text 0 cannot take part in a step: it has no tokens");
        assert_eq!(refusal(&[of(0, &[1]), of(0, &[2])], 2).unwrap_err(), "text 0 cannot take part in a step: it is in the step twice");
    }
}
