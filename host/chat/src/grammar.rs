//! Answers that keep a grammar: llguidance says which tokens may come next, so nothing else is ever drawn.

use crate::error::ChatError;
use crate::gbnf;
use crate::guide::{Guide, Next};
use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use nda_engine::{Bounds, Tokenizer};
use serde_json::Value;
use std::sync::Arc;

/// What an answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A JSON value of a schema, without spaces that a reader does not need.
    Json(Value),
    /// A text of a grammar in the notation of Lark, with llguidance's extensions.
    Lark(String),
    /// A text of a grammar in llama.cpp's notation, GBNF.
    Gbnf(String),
}

impl Form {
    /// The form as a part of a Lark grammar, with rules of its own whatever their names. It must be whole by itself.
    ///
    /// # Errors
    /// [`ChatError::Grammar`] for what is not GBNF.
    pub(crate) fn nested(&self) -> Result<String, ChatError> {
        Ok(match self {
            Form::Json(schema) => json(schema),
            Form::Lark(text) => format!("%lark {{\n{text}\n}}"),
            Form::Gbnf(text) => format!("%lark {{\n{}\n}}", gbnf::to_lark(text)?),
        })
    }
}

/// A vocabulary that grammars are held against. Making it takes a look at every token; a grammar takes far less.
pub struct Grammars {
    factory: ParserFactory,
    ends: Vec<u32>,
    /// The number that stands for every end of a text: one behind the model's own.
    end: u32,
}

impl Grammars {
    /// The grammars of a model of `vocab_size` tokens; its tokenizer may have fewer.
    ///
    /// # Errors
    /// [`ChatError::Grammar`] if the vocabulary is none that llguidance takes.
    pub fn new(tokenizer: &Tokenizer, bounds: &Bounds, vocab_size: usize) -> Result<Grammars, ChatError> {
        let end = vocab_size as u32;
        let mut words: Vec<Vec<u8>> = (0..end).map(|token| word(tokenizer, token)).collect();
        words.push(special(b"<|end of the answer|>"));
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, end), &words);
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment).map_err(failed)?;
        factory.quiet();
        Ok(Grammars { factory, ends: bounds.ends().to_vec(), end })
    }

    /// A guide at the start of a grammar.
    ///
    /// # Errors
    /// [`ChatError::Grammar`] for a grammar or a schema that is wrong, or that asks for what is not supported.
    pub fn guide(&self, form: &Form) -> Result<GrammarGuide, ChatError> {
        let grammar = match form {
            Form::Json(schema) => TopLevelGrammar::from_lark(format!("start: {}", json(schema))),
            Form::Lark(text) => TopLevelGrammar::from_lark(text.clone()),
            Form::Gbnf(text) => TopLevelGrammar::from_lark(gbnf::to_lark(text)?),
        };
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.get_error() {
            Some(reason) => Err(ChatError::Grammar { reason }),
            None => Ok(GrammarGuide { matcher, ends: self.ends.clone(), end: self.end }),
        }
    }
}

/// A schema as a part of a Lark grammar. Spaces stand where Python's `json.dumps` writes them and nowhere else, so a model that
/// likes spaces cannot fill the context with them.
pub(crate) fn json(schema: &Value) -> String {
    let mut schema = match schema {
        Value::Bool(true) => serde_json::json!({}),
        schema => schema.clone(),
    };
    if let Some(schema) = schema.as_object_mut() {
        let options = serde_json::json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": " });
        schema.entry("x-guidance").or_insert(options);
    }
    format!("%json {schema}")
}

fn failed(error: impl ToString) -> ChatError {
    ChatError::Grammar { reason: error.to_string() }
}

/// A token as llguidance knows it: bytes, or one that no text has.
fn word(tokenizer: &Tokenizer, token: u32) -> Vec<u8> {
    let bytes = tokenizer.decode(&[token]);
    let is_text = !tokenizer.is_hidden(token) && bytes.first() != Some(&TokTrie::SPECIAL_TOKEN_MARKER);
    // No character has the marker's byte, so a token of it alone is not a loss.
    if is_text { bytes } else { special(&bytes) }
}

fn special(name: &[u8]) -> Vec<u8> {
    [&[TokTrie::SPECIAL_TOKEN_MARKER], name].concat()
}

/// Where an answer is in its grammar.
pub struct GrammarGuide {
    matcher: Matcher,
    ends: Vec<u32>,
    end: u32,
}

impl Guide for GrammarGuide {
    fn restrict(&mut self, scores: &mut [f32]) -> Result<Next, ChatError> {
        if self.matcher.is_stopped() {
            return self.stopped().map(|()| Next::Nothing);
        }
        let mask = self.matcher.compute_mask().map_err(failed)?;
        let may_end = mask.is_allowed(self.end);
        let mut is_stuck = true;
        for (token, score) in (0..).zip(scores.iter_mut()) {
            let may_come = if self.ends.contains(&token) { may_end } else { mask.is_allowed(token) };
            if may_come {
                is_stuck = false;
            } else {
                *score = f32::NEG_INFINITY;
            }
        }
        match (is_stuck, may_end) {
            // A model without an end of its own ends where the grammar may.
            (true, true) => Ok(Next::Nothing),
            (true, false) => Err(ChatError::Forbidden),
            (false, true) => Ok(Next::TokenOrEnd),
            (false, false) => Ok(Next::Token),
        }
    }

    fn take(&mut self, token: u32) -> Result<(), ChatError> {
        // The model's own end is the end of the answer, which the grammar allowed.
        if self.ends.contains(&token) {
            return Ok(());
        }
        self.matcher.consume_token(token).map_err(failed)
    }
}

impl GrammarGuide {
    /// A grammar that ended is complete; one that failed is not.
    fn stopped(&self) -> Result<(), ChatError> {
        match self.matcher.get_error() {
            Some(reason) => Err(ChatError::Grammar { reason }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_engine::Random;
    use serde_json::json;

    /// A text drawn blindly from what the form allows, bytes being tokens; `None` where it did not end in time.
    fn drawn(form: &Form, seed: u64, most: usize) -> Option<String> {
        let grammars = Grammars::new(&Tokenizer::Bytes, &Bounds::default(), 256).unwrap();
        let mut guide = grammars.guide(form).unwrap();
        let (mut random, mut text) = (Random::new(seed), Vec::new());
        while text.len() < most {
            let mut scores = [0.0_f32; 256];
            if guide.restrict(&mut scores).unwrap() == Next::Nothing {
                return Some(String::from_utf8(text).unwrap());
            }
            // Quotes and brackets more often, so that texts end.
            let allowed: Vec<u8> = (0..=255).filter(|byte| scores[usize::from(*byte)] == 0.0).collect();
            let closing: Vec<u8> = allowed.iter().copied().filter(|byte| b"\"}],".contains(byte)).collect();
            let among = if random.below(3) == 0 && !closing.is_empty() { &closing } else { &allowed };
            let byte = among[random.below(among.len())];
            text.push(byte);
            guide.take(u32::from(byte)).unwrap();
        }
        None
    }

    #[test]
    fn whatever_is_drawn_is_json_of_the_schema() {
        let schema = json!({ "type": "object", "additionalProperties": false, "required": ["name", "age", "tags"], "properties": {
            "name": { "type": "string", "maxLength": 8 }, "age": { "type": "integer", "minimum": 0, "maximum": 120 },
            "tags": { "type": "array", "maxItems": 3, "items": { "enum": ["a", "b"] } } } });
        let texts: Vec<String> = (0..40).filter_map(|seed| drawn(&Form::Json(schema.clone()), seed, 200)).collect();
        assert!(texts.len() > 30, "{} of 40 ended", texts.len());
        for text in texts {
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert!(value["name"].is_string() && value["age"].as_u64().is_some_and(|age| age <= 120), "{text}");
            assert!(value["tags"].as_array().is_some_and(|tags| tags.iter().all(|tag| tag == "a" || tag == "b")), "{text}");
        }
    }

    #[test]
    fn grammars_of_both_notations_are_kept() {
        for form in [Form::Lark("start: \"ab\" /[0-9]{2}/".into()), Form::Gbnf("root ::= \"ab\" dig dig\ndig ::= [0-9]".into())] {
            let text = drawn(&form, 7, 20).unwrap();
            assert!(text.len() == 4 && text.starts_with("ab") && text[2..].bytes().all(|b| b.is_ascii_digit()), "{form:?}: {text}");
        }
    }

    #[test]
    fn what_is_no_grammar_is_refused() {
        let grammars = Grammars::new(&Tokenizer::Bytes, &Bounds::default(), 256).unwrap();
        for form in [Form::Lark("start: nobody".into()), Form::Gbnf("root = 3".into()), Form::Json(json!({ "type": "wizard" }))] {
            assert!(matches!(grammars.guide(&form), Err(ChatError::Grammar { .. })), "{form:?}");
        }
    }
}
