//! Calls of tools: how a model writes them, how they are told to it, and how they are found in what it says.

use nda_engine::Tokenizer;
use serde_json::{Value, json};

/// What ends a tagged call.
pub(crate) const CLOSE: &str = "</tool_call>";
/// What Llama 3 may say before a call.
pub(crate) const TAG: &str = "<|python_tag|>";
/// Calls of one answer after its first.
#[cfg(feature = "server")]
const MORE_CALLS: usize = 15;

/// How a model writes its calls: a family of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallForm {
    /// `<tool_call>` and `</tool_call>` around an object of `name` and `arguments`: Hermes, Qwen, and the default.
    Tagged,
    /// `[TOOL_CALLS]` and a list of such objects: Mistral.
    Listed,
    /// An object of `name` and `parameters` that is the whole answer: Llama 3.
    Bare,
}

/// A call that a model made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments, an object in JSON.
    pub arguments: String,
}

impl CallForm {
    /// The form that a template's source shows; one that shows none, or knows no tools, has the default.
    pub fn of(source: &str) -> CallForm {
        if source.contains("[TOOL_CALLS]") {
            CallForm::Listed
        } else if source.contains("\"parameters\": ") && !source.contains("<tool_call>") {
            CallForm::Bare
        } else {
            CallForm::Tagged
        }
    }

    /// What begins a call.
    pub const fn open(self) -> &'static str {
        match self {
            CallForm::Tagged => "<tool_call>",
            CallForm::Listed => "[TOOL_CALLS]",
            CallForm::Bare => "{\"name\"",
        }
    }

    /// What the arguments of a call are called.
    #[cfg(feature = "server")]
    const fn arguments(self) -> &'static str {
        match self {
            CallForm::Tagged | CallForm::Listed => "arguments",
            CallForm::Bare => "parameters",
        }
    }

    /// The control tokens whose texts mark a call: a reader of calls must see them.
    pub fn marks(self, tokenizer: &Tokenizer) -> Vec<u32> {
        let is_mark = |text: &str| [self.open(), CLOSE].contains(&text);
        tokenizer.controls().iter().filter(|(_, text)| is_mark(text)).map(|(token, _)| *token).collect()
    }

    /// The schema of a call of one of these tools.
    #[cfg(feature = "server")]
    fn schema(self, tools: &[&Value]) -> Value {
        let mut definitions = serde_json::Map::new();
        let any: Vec<Value> = tools.iter().enumerate().map(|(at, tool)| self.schema_of(tool, at, &mut definitions)).collect();
        let mut schema = match <[Value; 1]>::try_from(any) {
            Ok([only]) => only,
            Err(any) => json!({ "anyOf": any }),
        };
        if !definitions.is_empty() {
            schema["$defs"] = Value::Object(definitions);
        }
        schema
    }

    /// The schema of a call of one tool. References look for definitions at the root, so these go there, under the tool's number.
    #[cfg(feature = "server")]
    fn schema_of(self, tool: &Value, number: usize, definitions: &mut serde_json::Map<String, Value>) -> Value {
        let mut parameters = match &tool["function"]["parameters"] {
            Value::Null => json!({ "type": "object", "additionalProperties": false }),
            parameters => parameters.clone(),
        };
        redirect(&mut parameters, number);
        for key in ["$defs", "definitions"] {
            if let Some(found) = parameters.as_object_mut().and_then(|parameters| parameters.remove(key)) {
                definitions.insert(number.to_string(), found);
            }
        }
        json!({
            "type": "object", "properties": { "name": { "const": tool["function"]["name"] }, self.arguments(): parameters },
            "required": ["name", self.arguments()], "additionalProperties": false,
        })
    }

    /// A grammar in Lark's notation of answers that call these tools, or need not. `text` is what an answer without a call must
    /// be, where it is not anything.
    #[cfg(feature = "server")]
    pub(crate) fn grammar(self, tools: &[&Value], calling: Calling, tokenizer: &Tokenizer, text: Option<&str>) -> String {
        let [open, close] = [self.open(), CLOSE].map(|mark| in_lark(mark, tokenizer));
        let must = matches!(calling, Calling::Must | Calling::MustOnce);
        let more = if matches!(calling, Calling::MayOnce | Calling::MustOnce) { 0 } else { MORE_CALLS };
        let start = match (must, text, self) {
            (true, ..) => "start: call rest\n".to_owned(),
            (false, Some(text), _) => format!("start: call rest | text\ntext: {text}\n"),
            // What begins as a call does is one.
            (false, None, CallForm::Bare) => "start: call | TEXT\nTEXT: /([^{](.|\\n)*|\\{[^\"](.|\\n)*|\\{\"[^n](.|\\n)*)?/\n".to_owned(),
            // Text may come before a call; what follows the last one is nothing. A mark that is a token of its own is not text.
            (false, None, CallForm::Tagged) if open.starts_with('"') => {
                format!("start: TEXT | lead body rest\nlead[lazy]: TEXT {open}\nTEXT: /(.|\\n)*/\n")
            }
            (false, None, _) => "start: TEXT | TEXT call rest\nTEXT: /(.|\\n)*/\n".to_owned(),
        };
        let more = |item: &str| if more == 0 { String::new() } else { format!("({item}){{0,{more}}}") };
        let call = match self {
            CallForm::Tagged => format!("call: {open} body\nbody: \"\\n\" one \"\\n\" {close}\nrest: \"\" {}\n", more("\"\\n\" call")),
            CallForm::Listed => format!("call: {open} \"[\" one\nrest: {} \"]\"\n", more("\", \" one")),
            CallForm::Bare => "call: one\nrest: \"\"\n".to_owned(),
        };
        format!("{start}{call}one: {}\n", crate::grammar::json(&self.schema(tools)))
    }
}

/// A mark as Lark's grammars write it: a text, or the one token that stands for it and that no text has.
#[cfg(feature = "server")]
fn in_lark(mark: &str, tokenizer: &Tokenizer) -> String {
    match tokenizer.control_at(mark) {
        Some((token, text)) if text == mark && tokenizer.is_hidden(token) => format!("<[{token}]>"),
        _ => Value::from(mark).to_string(),
    }
}

/// Points references at the definitions of the tool of a number.
#[cfg(feature = "server")]
fn redirect(schema: &mut Value, number: usize) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, number)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = value
                    .as_str()
                    .filter(|_| key == "$ref")
                    .and_then(|to| ["#/$defs/", "#/definitions/"].iter().find_map(|prefix| to.strip_prefix(prefix)).map(str::to_owned));
                match name {
                    Some(name) => *value = Value::from(format!("#/$defs/{number}/{name}")),
                    None => redirect(value, number),
                }
            }
        }
        _ => {}
    }
}

/// Whether an answer holds calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Calling {
    /// None.
    #[default]
    Never,
    /// As the model likes.
    May,
    /// As the model likes, one at most.
    MayOnce,
    /// One or more.
    Must,
    /// Exactly one.
    MustOnce,
}

/// What a model is told of tools that its template has no words for.
pub(crate) fn described(tools: &[Value]) -> String {
    let list: Vec<String> = tools.iter().map(|tool| plain_json(&tool["function"])).collect();
    format!(
        "You can call these functions, one in each line:\n<tools>\n{}\n</tools>\n\
         To call one, answer with its name and its arguments between two tags, as in\n\
         <tool_call>\n{{\"name\": \"NAME\", \"arguments\": {{\"ARGUMENT\": \"VALUE\"}}}}\n</tool_call>\n\
         What it returns comes between <tool_response> and </tool_response>.",
        list.join("\n")
    )
}

/// An earlier call in the words that [`described`] asks for.
pub(crate) fn written(call: &Value) -> String {
    let function = &call["function"];
    let object = json!({ "name": function["name"], "arguments": function["arguments"] });
    format!("<tool_call>\n{}\n</tool_call>", plain_json(&object))
}

/// What a tool returned, in the same words.
pub(crate) fn returned(content: &str) -> String {
    format!("<tool_response>\n{content}\n</tool_response>")
}

/// JSON with spaces where Python writes them: models read that most.
fn plain_json(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(plain_json).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| format!("{}: {}", Value::from(key.as_str()), plain_json(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_shows_its_form() {
        assert_eq!(CallForm::of("{{ '<tool_call>' }}{\"name\": , \"parameters\": }"), CallForm::Tagged);
        assert_eq!(CallForm::of("[TOOL_CALLS]"), CallForm::Listed);
        assert_eq!(CallForm::of("{{ '{\"name\": \"' + n + '\", \"parameters\": ' }}"), CallForm::Bare);
        assert_eq!(CallForm::of("{{ m.content }}"), CallForm::Tagged);
    }
}
