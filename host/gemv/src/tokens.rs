//! Whole tokens, made where the matrices are.

use crate::cost::Cost;
use crate::error::GemvError;
use crate::programs::Start;
use crate::shape::MatrixId;
use nda_spec::token::{Program, Reply, Request};
use std::ops::ControlFlow;

/// A prepared token program; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokensId(pub usize);

/// Makes whole tokens: `nda_spec::token::Machine` and its loop, where the matrices are.
///
/// There is one sequence of tokens. [`Start::Anew`] begins it, [`Start::Continues`] goes on behind what the last call gave: its
/// tokens are in the sequence, but for the last one unless a stop token followed it (`nda_spec::token::generate`).
pub trait Tokens {
    /// Makes a program ready; `matrix` says which prepared matrix a number in it means. `None` if it does not fit, or a matrix
    /// lies elsewhere: the caller then runs it on `nda_spec::token::Machine`.
    ///
    /// # Errors
    /// A failure of the device.
    fn prepare_tokens(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<Option<TokensId>, GemvError>;

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
}
