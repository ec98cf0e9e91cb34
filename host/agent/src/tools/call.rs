//! One call of a tool, which may be cancelled.

use crate::context::Context;
use crate::error::ToolError;
use crate::stop::Stop;
use nda_guard::{Change, Proposal};
use std::ops::Deref;

/// A call: what it works on, and the wish that it ends. It is its context in everything else.
pub struct Call<'c> {
    context: &'c Context,
    /// Ends this call: its command is killed, and nothing of it is written any more.
    pub stop: Stop,
}

impl<'c> Call<'c> {
    /// A call on this context until `stop` is set.
    pub fn new(context: &'c Context, stop: Stop) -> Call<'c> {
        Call { context, stop }
    }

    /// Asks for the decision on a proposal and writes it, unless the call was cancelled meanwhile.
    ///
    /// # Errors
    /// A check, a refusal, a gate, or the cancellation: nothing was written.
    pub fn submit(&self, proposal: Proposal) -> Result<Change, ToolError> {
        let grant = self.context.workspace.decide(proposal)?;
        Ok(self.context.workspace.commit_while(grant, &|| !self.stop.is_set())?)
    }
}

impl Deref for Call<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.context
    }
}
