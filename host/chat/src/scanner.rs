//! Calls of tools, found in what a model says.

use crate::calls::{CLOSE, CallForm, TAG, ToolCall};
use serde_json::{Map, Value};

/// What a piece of an answer comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spoken {
    /// Text for a reader.
    Text(String),
    /// A call.
    Call(ToolCall),
}

/// Finds calls in a text that comes piece by piece. What may become a call is held back.
#[derive(Debug)]
pub struct Scanner {
    form: CallForm,
    held: String,
    /// Whether anything but spaces was let through.
    has_spoken: bool,
    /// Whether a call was the last thing: line ends behind it are not text.
    is_after_call: bool,
}

impl Scanner {
    /// A scanner of an answer that begins.
    pub fn new(form: CallForm) -> Scanner {
        Scanner { form, held: String::new(), has_spoken: false, is_after_call: false }
    }

    /// What is certain now.
    pub fn push(&mut self, text: &str) -> Vec<Spoken> {
        self.held.push_str(text);
        let mut spoken = Vec::new();
        match self.form {
            CallForm::Tagged => while self.tagged(&mut spoken) {},
            CallForm::Listed => self.until_open(&mut spoken),
            CallForm::Bare => {
                let begin = self.held.trim_start();
                let may_be_one = match begin.strip_prefix(TAG) {
                    Some(rest) => rest.is_empty() || rest.starts_with('{'),
                    None => TAG.starts_with(begin) || begin.starts_with('{'),
                };
                if self.has_spoken || !may_be_one {
                    let held = std::mem::take(&mut self.held);
                    self.say(held, &mut spoken);
                }
            }
        }
        spoken
    }

    /// What is left at the end: calls that are complete, and as text what is none.
    pub fn finish(mut self) -> Vec<Spoken> {
        let (mut spoken, held) = (Vec::new(), std::mem::take(&mut self.held));
        let rest = match self.form {
            CallForm::Tagged => None,
            CallForm::Listed => held.strip_prefix(self.form.open()),
            CallForm::Bare => Some(held.trim_start().trim_start_matches(TAG)),
        };
        let calls = rest.and_then(|rest| serde_json::from_str::<Value>(rest.trim()).ok()).and_then(|value| match value {
            Value::Array(all) => all.iter().map(|one| self.call(one)).collect::<Option<Vec<_>>>(),
            one => self.call(&one).map(|call| vec![call]),
        });
        match calls {
            Some(calls) => spoken.extend(calls.into_iter().map(Spoken::Call)),
            None => self.say(held, &mut spoken),
        }
        spoken
    }

    /// Lets through what is before the next call, and the call if it is complete.
    fn tagged(&mut self, spoken: &mut Vec<Spoken>) -> bool {
        self.until_open(spoken);
        let Some(inside) = self.held.strip_prefix(self.form.open()) else { return false };
        let Some(end) = inside.find(CLOSE) else { return false };
        let call = serde_json::from_str::<Value>(inside[..end].trim()).ok().and_then(|value| self.call(&value));
        let taken = self.form.open().len() + end + CLOSE.len();
        let rest = self.held.split_off(taken);
        let text = std::mem::replace(&mut self.held, rest);
        match call {
            Some(call) => {
                spoken.push(Spoken::Call(call));
                self.is_after_call = true;
            }
            None => self.say(text, spoken),
        }
        true
    }

    /// Lets through what is certainly before the next call.
    fn until_open(&mut self, spoken: &mut Vec<Spoken>) {
        let open = self.form.open();
        let at = self.held.find(open).unwrap_or_else(|| {
            let begins = (1..open.len()).rev().find(|count| self.held.ends_with(&open[..*count]));
            self.held.len() - begins.unwrap_or(0)
        });
        // Spaces before a call are not text either, but nobody knows yet whether one comes.
        let kept = if self.held[..at].trim().is_empty() { 0 } else { self.held[..at].trim_end().len() };
        let is_call = self.held[at..].starts_with(open);
        let (text, rest) = (self.held[..kept].to_owned(), self.held[if is_call { at } else { kept }..].to_owned());
        self.held = rest;
        self.say(text, spoken);
    }

    fn say(&mut self, text: String, spoken: &mut Vec<Spoken>) {
        let text = if self.is_after_call { text.trim_start_matches('\n').to_owned() } else { text };
        if !text.is_empty() {
            self.is_after_call = false;
            self.has_spoken |= !text.trim().is_empty();
            spoken.push(Spoken::Text(text));
        }
    }

    fn call(&self, value: &Value) -> Option<ToolCall> {
        let name = value.get("name")?.as_str()?.to_owned();
        let arguments = ["arguments", "parameters"].iter().find_map(|key| value.get(*key));
        let arguments = match arguments {
            None => Value::Object(Map::new()),
            Some(Value::String(text)) => serde_json::from_str(text).ok()?,
            Some(object) => object.clone(),
        };
        arguments.is_object().then(|| ToolCall { name, arguments: arguments.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(form: CallForm, text: &str, cut: usize) -> (String, Vec<(String, String)>) {
        let (mut scanner, chars) = (Scanner::new(form), text.chars().collect::<Vec<_>>());
        let mut spoken: Vec<Spoken> = chars.chunks(cut).flat_map(|piece| scanner.push(&piece.iter().collect::<String>())).collect();
        spoken.extend(scanner.finish());
        let (mut said, mut calls) = (String::new(), Vec::new());
        for spoken in spoken {
            match spoken {
                Spoken::Text(text) => said += &text,
                Spoken::Call(call) => calls.push((call.name, call.arguments)),
            }
        }
        (said, calls)
    }

    #[test]
    fn calls_are_found_however_the_text_is_cut() {
        let one = ("f".to_owned(), "{\"a\":1}".to_owned());
        let two = ("g".to_owned(), "{}".to_owned());
        let tagged = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>";
        for (form, text, said, calls) in [
            (CallForm::Tagged, "No <tool at all.".to_owned(), "No <tool at all.", vec![]),
            (CallForm::Tagged, format!("I look.\n{tagged}"), "I look.", vec![one.clone()]),
            (CallForm::Tagged, format!("{tagged}\n<tool_call>{{\"name\":\"g\"}}</tool_call>\n"), "", vec![one.clone(), two.clone()]),
            (CallForm::Tagged, "<tool_call>x</tool_call>".into(), "<tool_call>x</tool_call>", vec![]),
            (CallForm::Tagged, "<tool_call>{\"name\":".into(), "<tool_call>{\"name\":", vec![]),
            (
                CallForm::Listed,
                "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\"}]".into(),
                "",
                vec![one.clone(), two],
            ),
            (CallForm::Listed, "a [TOOL".into(), "a [TOOL", vec![]),
            (CallForm::Bare, " {\"name\": \"f\", \"parameters\": {\"a\": 1}}".into(), "", vec![one.clone()]),
            (CallForm::Bare, "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}".into(), "", vec![one]),
            (CallForm::Bare, "{\"names\": 1} is not a call".into(), "{\"names\": 1} is not a call", vec![]),
            (CallForm::Bare, "Well, {}".into(), "Well, {}", vec![]),
        ] {
            for cut in [1, 2, 3, 7, 200] {
                assert_eq!(scan(form, &text, cut), (said.to_owned(), calls.clone()), "{text} in pieces of {cut}");
            }
        }
    }

    #[cfg(feature = "server")]
    #[test]
    fn what_the_grammar_lets_through_the_scanner_finds() {
        use crate::calls::Calling;
        use crate::grammar::{Form, Grammars};
        use crate::guide::{Guide, Next};
        use nda_engine::{Bounds, Random, Tokenizer};
        use serde_json::json;
        let tool = json!({ "type": "function", "function": { "name": "add", "parameters": {
            "type": "object", "required": ["a", "op"], "additionalProperties": false,
            "properties": { "a": { "type": "integer", "minimum": 0, "maximum": 9 }, "op": { "$ref": "#/$defs/op" } },
            "$defs": { "op": { "enum": ["+", "-"] } } } } });
        let other = json!({ "type": "function", "function": { "name": "now" } });
        let grammars = Grammars::new(&Tokenizer::Bytes, &Bounds::default(), 256).unwrap();
        for form in [CallForm::Tagged, CallForm::Listed, CallForm::Bare] {
            let (mut names, mut ended) = (std::collections::BTreeSet::new(), 0);
            for (seed, calling) in (0..12).map(|seed| (seed, if seed % 2 == 0 { Calling::Must } else { Calling::MustOnce })) {
                let grammar = Form::Lark(form.grammar(&[&tool, &other], calling, &Tokenizer::Bytes, None));
                let mut guide = grammars.guide(&grammar).unwrap();
                let (mut random, mut text) = (Random::new(seed), Vec::new());
                while text.len() < 3000 {
                    let mut scores = [0.0_f32; 256];
                    if guide.restrict(&mut scores).unwrap() == Next::Nothing {
                        ended += 1;
                        break;
                    }
                    let allowed: Vec<u8> = (0..=255).filter(|byte| scores[usize::from(*byte)] == 0.0).collect();
                    let byte = allowed[random.below(allowed.len())];
                    text.push(byte);
                    guide.take(u32::from(byte)).unwrap();
                }
                let text = String::from_utf8(text).unwrap();
                let (said, calls) = scan(form, &text, 5);
                assert!(said.trim().is_empty() && !calls.is_empty() && (calling == Calling::Must || calls.len() == 1), "{text}");
                for (name, arguments) in calls {
                    let arguments: Value = serde_json::from_str(&arguments).unwrap();
                    assert!(name == "now" || (arguments["a"].is_u64() && arguments["op"].is_string()), "{text}");
                    names.insert(name);
                }
            }
            assert_eq!((names.len(), ended), (2, 12), "{form:?}");
        }
    }
}
