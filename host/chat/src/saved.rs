//! A conversation on disk: its keys and values, and beside them what was said, as JSON.

use crate::conversation::Conversation;
use crate::dialect::{Message, Role};
use crate::error::ChatError;
use crate::speaker::Speaker;
use nda_engine::saved::{FileError, Saved};
use serde_json::{Value, json};

fn messages_json(messages: &[Message]) -> Vec<u8> {
    let all: Vec<Value> = messages.iter().map(|m| json!({ "role": m.role.name(), "content": m.content })).collect();
    Value::Array(all).to_string().into_bytes()
}

fn messages_of(note: &[u8]) -> Option<Vec<Message>> {
    let all: Value = serde_json::from_slice(note).ok()?;
    let message = |value: &Value| {
        let name = value.get("role")?.as_str()?;
        let role = [Role::System, Role::User, Role::Assistant].into_iter().find(|role| role.name() == name)?;
        Some(Message::new(role, value.get("content")?.as_str()?))
    };
    all.as_array()?.iter().map(message).collect()
}

impl Speaker<'_, '_> {
    /// The text's keys and values as the bytes of a file, with a note; `None` of floats and of whole tokens, which are not saved.
    pub fn saved(&self, model: &str, note: &[u8]) -> Option<Vec<u8>> {
        self.text.saved(model, note)
    }

    /// Goes on with a saved text; a refused one changes nothing.
    ///
    /// # Errors
    /// Whose it is, or that it is longer than the context; whole tokens have no saved texts.
    pub fn restore(&mut self, saved: Saved) -> Result<(), ChatError> {
        self.taken = self.text.restore(saved)?;
        Ok(())
    }
}

impl Conversation<'_, '_, '_> {
    /// The conversation as the bytes of a file; `None` if the cache is floats, which are not saved.
    pub fn saved(&self, model: &str) -> Option<Vec<u8>> {
        self.speaker().saved(model, &messages_json(self.messages()))
    }

    /// Goes on with a saved conversation in place of this one, which stays as it is if the bytes are refused.
    ///
    /// # Errors
    /// What is wrong with the bytes, whose they are, or that they hold a text and no conversation.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), ChatError> {
        let saved = nda_engine::saved::read(bytes).map_err(ChatError::Saved)?;
        let wrong = || FileError::Number { place: "the note".into(), what: "list of messages", value: saved.note.len() };
        let messages = messages_of(&saved.note).ok_or_else(|| ChatError::Saved(wrong()))?;
        self.restore_speaker(saved, messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_comes_back_and_nothing_else_does() {
        let said =
            [Message::new(Role::System, "Be \"brief\"."), Message::new(Role::User, "a\nb"), Message::new(Role::Assistant, "\u{1f600}")];
        assert_eq!(messages_of(&messages_json(&said)).as_deref(), Some(&said[..]));
        for wrong in ["", "{}", "[1]", r#"[{"role":"tool","content":"a"}]"#, r#"[{"role":"user"}]"#] {
            assert_eq!(messages_of(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
