//! The element operations of the articles, done where the matrices are.

use crate::cost::Cost;
use crate::error::GemvError;
use nda_spec::seed::{Answer, Call};

/// Does `nda_spec::seed`'s operations, to the bit as [`Call::golden`] says.
pub trait Seeds {
    /// What an operation gives, or `None` if this one is better done by the caller: a norm with an eps that is not this back
    /// end's, a vector without elements, or one that has to be there whole and is too long.
    ///
    /// # Errors
    /// A failure of the device.
    fn seed(&mut self, call: &Call<'_>) -> Result<Option<(Answer, Cost)>, GemvError>;
}
