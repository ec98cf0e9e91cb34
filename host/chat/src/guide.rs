//! What tokens may come next.

use crate::error::ChatError;

/// Whether an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A token must come.
    Token,
    /// A token may come, or the answer ends here.
    TokenOrEnd,
    /// None may: the answer is complete.
    Nothing,
}

/// A rule that an answer keeps, token by token.
pub trait Guide {
    /// Sets the score of each token that may not come now to minus infinity.
    ///
    /// # Errors
    /// A rule that went beyond its own limits.
    fn restrict(&mut self, scores: &mut [f32]) -> Result<Next, ChatError>;

    /// Hears what was drawn of those that might come.
    ///
    /// # Errors
    /// As [`Self::restrict`].
    fn take(&mut self, token: u32) -> Result<(), ChatError>;

    /// Whether every token may always come: scores need no copy then.
    fn is_free(&self) -> bool {
        false
    }
}

/// No rule.
#[derive(Debug, Clone, Copy, Default)]
pub struct Free;

impl Guide for Free {
    fn restrict(&mut self, _scores: &mut [f32]) -> Result<Next, ChatError> {
        Ok(Next::Token)
    }

    fn take(&mut self, _token: u32) -> Result<(), ChatError> {
        Ok(())
    }

    fn is_free(&self) -> bool {
        true
    }
}
