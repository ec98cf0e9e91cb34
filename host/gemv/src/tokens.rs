//! Whole tokens, made where the matrices are.

use crate::cost::Cost;
use crate::error::GemvError;
use crate::shape::MatrixId;
use nda_spec::token::{Misfit, Program, Reply, Request};
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

/// Makes whole tokens: `nda_spec::token::Machine` and its loop, where the matrices are.
///
/// There is one sequence of tokens. [`Start::Anew`] begins it, [`Start::Continues`] goes on behind what the last call gave: its
/// tokens are in the sequence, but for the last one unless a stop token followed it (`nda_spec::token::generate`).
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
}
