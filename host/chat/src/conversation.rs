//! A conversation of many turns.

use crate::dialect::{Dialect, Message, Role};
use crate::error::ChatError;
use crate::speaker::{Answer, Event, Finish, Manner, Speaker};
use nda_engine::saved::Saved;
use std::ops::ControlFlow;

/// A speaker, its dialect, and what was said so far. The KV cache is kept from turn to turn.
pub struct Conversation<'a, 'm, 'w> {
    speaker: Speaker<'a, 'm>,
    dialect: Dialect<'w>,
    system: Option<Message>,
    messages: Vec<Message>,
}

impl<'a, 'm, 'w> Conversation<'a, 'm, 'w> {
    /// A conversation in which nothing was said yet; `system` stands in front of all that will be.
    pub fn new(speaker: Speaker<'a, 'm>, dialect: Dialect<'w>, system: Option<String>) -> Conversation<'a, 'm, 'w> {
        let system = system.map(|content| Message::new(Role::System, content));
        Conversation { speaker, dialect, messages: system.iter().cloned().collect(), system }
    }

    pub(crate) fn speaker(&self) -> &Speaker<'a, 'm> {
        &self.speaker
    }

    pub(crate) fn restore_speaker(&mut self, saved: Saved, messages: Vec<Message>) -> Result<(), ChatError> {
        self.speaker.restore(saved)?;
        self.messages = messages;
        Ok(())
    }

    /// What was said so far, what stands in front included.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Forgets what was said.
    pub fn reset(&mut self) {
        self.messages = self.system.iter().cloned().collect();
    }

    /// Says something and takes the answer, which becomes part of the conversation, interrupted or not. A turn that
    /// fails, or is interrupted before the first word, was never said.
    ///
    /// # Errors
    /// A template that refuses the turn, a conversation that is longer than the context, a failure of the back end.
    pub fn say(&mut self, text: &str, manner: &Manner, each: impl FnMut(Event<'_>) -> ControlFlow<()>) -> Result<Answer, ChatError> {
        self.messages.push(Message::new(Role::User, text));
        let answer = self.answer(manner, each);
        match &answer {
            Ok(answer) if answer.finish != Finish::Interrupted || !answer.text.is_empty() => {
                self.messages.push(Message::new(Role::Assistant, answer.text.clone()));
            }
            _ => {
                self.messages.pop();
            }
        }
        answer
    }

    fn answer(&mut self, manner: &Manner, each: impl FnMut(Event<'_>) -> ControlFlow<()>) -> Result<Answer, ChatError> {
        let prompt = self.dialect.prompt(&self.messages)?;
        let prompt = self.speaker.continued(prompt);
        self.speaker.answer(&prompt, manner, each)
    }
}
