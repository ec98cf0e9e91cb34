//! The loop: a prompt in, tokens out, until one stops it or enough are made.

use super::machine::{Machine, Products};
use super::noise::Choice;
use std::ops::ControlFlow;

/// Most stop tokens of a request.
pub const MAX_STOPS: usize = 16;

/// What a device is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What goes in; at least one token.
    pub prompt: Vec<u32>,
    /// Most tokens that come out.
    pub most_tokens: usize,
    /// Tokens that end the answer; they are not part of it.
    pub stops: Vec<u32>,
    /// How tokens are chosen.
    pub choice: Choice,
}

/// Why a request cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing to go on from.
    #[error("the prompt is empty: a token follows at least one")]
    Empty,
    /// Of the prompt.
    #[error("token {token}: the program knows 0 to {}", tokens - 1)]
    Token {
        /// Which.
        token: u32,
        /// How many there are.
        tokens: usize,
    },
    /// Too many of them.
    #[error("{0} stop tokens: at most {MAX_STOPS} are looked for")]
    Stops(usize),
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// A stop token came.
    Stop,
    /// As many tokens as were asked for.
    Length,
    /// The caller wanted no more.
    Cancelled,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What was made.
    pub tokens: Vec<u32>,
    /// Why no more.
    pub finish: Finish,
}

impl Request {
    /// Whether a program with that many tokens can meet it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, tokens: usize) -> Result<(), RequestError> {
        if self.prompt.is_empty() {
            return Err(RequestError::Empty);
        }
        if self.stops.len() > MAX_STOPS {
            return Err(RequestError::Stops(self.stops.len()));
        }
        match self.prompt.iter().find(|&&t| t as usize >= tokens) {
            Some(&token) => Err(RequestError::Token { token, tokens }),
            None => Ok(()),
        }
    }
}

/// Goes on from where the machine is. The last token made is not taken in: the next prompt begins with it.
///
/// # Errors
/// The products'. A request that was not checked may panic.
pub fn generate<P: Products>(
    machine: &mut Machine,
    products: &mut P,
    request: &Request,
    mut made: impl FnMut(u32) -> ControlFlow<()>,
) -> Result<Reply, P::Error> {
    let mut reply = Reply { tokens: Vec::new(), finish: Finish::Length };
    let Some((&last, first)) = request.prompt.split_last() else { return Ok(reply) };
    first.iter().try_for_each(|&token| machine.take(products, token))?;
    let mut token = last;
    while reply.tokens.len() < request.most_tokens {
        token = machine.next(products, token, request.choice)?;
        if request.stops.contains(&token) {
            reply.finish = Finish::Stop;
            break;
        }
        reply.tokens.push(token);
        if made(token).is_break() {
            reply.finish = Finish::Cancelled;
            break;
        }
    }
    Ok(reply)
}
