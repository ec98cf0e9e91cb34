//! Texts of others in a template's, told apart from the template's own.

use nda_engine::Tokenizer;
use serde_json::Value;

/// Characters for private use that stand in for the first character of what looks like a control token in a message,
/// while a template is rendered: afterwards a control token in the text is the template's own.
///
/// A stand-in is one character for one character, so trimming and cutting in a template do what they would have done.
pub(crate) struct Disguise<'w> {
    tokenizer: &'w Tokenizer,
    /// A character and its stand-in.
    pairs: Vec<(char, char)>,
    is_worn: bool,
}

/// Where stand-ins are looked for: the last plane of characters for private use.
const STAND_INS: std::ops::RangeInclusive<char> = '\u{100000}'..='\u{10FFFD}';

impl<'w> Disguise<'w> {
    /// Stand-ins that occur in none of these texts.
    pub fn new(tokenizer: &'w Tokenizer, texts: &[&str]) -> Disguise<'w> {
        let mut free = STAND_INS.filter(|c| !texts.iter().any(|text| text.contains(*c)));
        let mut pairs: Vec<(char, char)> = Vec::new();
        for first in tokenizer.controls().iter().filter_map(|(_, text)| text.chars().next()) {
            if pairs.iter().all(|(known, _)| *known != first) {
                pairs.extend(free.next().map(|stand_in| (first, stand_in)));
            }
        }
        Disguise { tokenizer, pairs, is_worn: false }
    }

    /// Whether anything was disguised.
    pub fn is_worn(&self) -> bool {
        self.is_worn
    }

    pub fn put_on(&mut self, content: &str) -> String {
        let mut disguised = String::with_capacity(content.len());
        for (at, c) in content.char_indices() {
            let stand_in = self.pairs.iter().find(|(first, _)| *first == c).map(|(_, stand_in)| *stand_in);
            let stand_in = stand_in.filter(|_| self.tokenizer.control_at(&content[at..]).is_some());
            self.is_worn |= stand_in.is_some();
            disguised.push(stand_in.unwrap_or(c));
        }
        disguised
    }

    /// [`Self::put_on`] for all texts of a value, its keys included.
    pub fn put_on_all(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.put_on(text)),
            Value::Array(items) => items.iter().map(|item| self.put_on_all(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (self.put_on(key), self.put_on_all(value))).collect::<serde_json::Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }

    pub fn take_off(&self, text: &str) -> String {
        let original = |c: char| self.pairs.iter().find(|(_, stand_in)| *stand_in == c).map_or(c, |(first, _)| *first);
        text.chars().map(original).collect()
    }
}
