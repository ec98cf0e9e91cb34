//! What form an answer must have, and which tools it may call.

use super::super::problem::Problem;
use super::fields::{Fields, undone, wrong};
use crate::calls::Calling;
use crate::grammar::Form;
use serde_json::{Value, json};

/// Tools of one request.
const MAX_TOOLS: usize = 128;
/// Letters of a function's name.
const MAX_NAME: usize = 128;

/// The tools of a request, and whether they are to be called.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tools {
    /// All that there are, each as it came.
    pub all: Vec<Value>,
    /// The one that must be called, if it is one.
    pub only: Option<String>,
    pub calling: Calling,
}

impl Tools {
    /// Those that may be called.
    pub fn callable(&self) -> Vec<&Value> {
        self.all.iter().filter(|tool| self.only.as_deref().is_none_or(|only| tool["function"]["name"] == only)).collect()
    }
}

pub(super) fn tools(fields: &mut Fields) -> Result<Tools, Problem> {
    fields.neutral("functions", |value| value.as_array().is_some_and(Vec::is_empty))?;
    fields.neutral("function_call", |value| value == "none")?;
    let all = fields.list("tools")?.unwrap_or_default();
    if all.len() > MAX_TOOLS {
        return Err(Problem::field("tools", format_args!("{} tools are more than {MAX_TOOLS}", all.len())));
    }
    all.iter().enumerate().try_for_each(|(at, tool)| check(tool, format!("tools[{at}]")))?;
    let parallel = fields.flag("parallel_tool_calls")?.unwrap_or(true);
    let (calling, only) = match fields.take("tool_choice") {
        None => (Calling::May, None),
        Some(Value::String(choice)) => match choice.as_str() {
            "auto" => (Calling::May, None),
            "none" => (Calling::Never, None),
            "required" | "any" => (Calling::Must, None),
            _ => return Err(wrong("tool_choice", "auto, none, required or a function", &choice.into())),
        },
        Some(choice) => (Calling::MustOnce, Some(named(choice)?)),
    };
    let calling = match calling {
        Calling::May if !parallel => Calling::MayOnce,
        Calling::Must if !parallel => Calling::MustOnce,
        calling => calling,
    };
    if all.is_empty() {
        return match calling {
            Calling::Must | Calling::MustOnce => Err(Problem::field("tool_choice", "there are no tools to call")),
            _ => Ok(Tools::default()),
        };
    }
    if let Some(only) = only.as_ref().filter(|only| !all.iter().any(|tool| tool["function"]["name"] == only.as_str())) {
        return Err(Problem::field("tool_choice.function.name", format_args!("no tool '{only}'")));
    }
    // Tools that may not be called are not told of either.
    Ok(if calling == Calling::Never { Tools::default() } else { Tools { all, only, calling } })
}

fn check(tool: &Value, path: String) -> Result<(), Problem> {
    let mut tool = Fields::new(tool.clone(), path)?;
    let at = tool.at("type");
    match tool.text("type")?.as_deref() {
        Some("function") | None => {}
        Some(other) => return Err(undone(&at, &other.into())),
    }
    let mut function = tool.object("function")?.ok_or_else(|| Problem::field(tool.at("function"), "a tool needs a function"))?;
    let (at, name) = (function.at("name"), function.text("name")?.unwrap_or_default());
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(Problem::field(at, format_args!("a function needs a name of 1 to {MAX_NAME} bytes")));
    }
    let at = function.at("parameters");
    match function.take("parameters") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(other) => Err(wrong(&at, "a JSON schema", &other)),
    }
}

fn named(choice: Value) -> Result<String, Problem> {
    let mut choice = Fields::new(choice, "tool_choice")?;
    choice.neutral("type", |value| value == "function")?;
    let mut function = choice.object("function")?.ok_or_else(|| Problem::field("tool_choice.function", "a choice needs a function"))?;
    let name = function.text("name")?.ok_or_else(|| Problem::field("tool_choice.function.name", "a function needs a name"))?;
    function.end()?;
    choice.end()?;
    Ok(name)
}

/// What the answer must be, if anything, and the field that says so.
pub(super) fn form(fields: &mut Fields) -> Result<Option<(&'static str, Form)>, Problem> {
    let format = fields.object("response_format")?.map(response_format).transpose()?.flatten();
    let schema = fields.take("json_schema").map(Form::Json);
    let grammar = fields.text("grammar")?.filter(|text| !text.trim().is_empty());
    let grammar = grammar.map(|text| if text.contains("::=") { Form::Gbnf(text) } else { Form::Lark(text) });
    let mut forms =
        [("response_format", format), ("json_schema", schema), ("grammar", grammar)].into_iter().filter_map(|(n, f)| Some((n, f?)));
    let first = forms.next();
    match forms.next() {
        Some((name, _)) => Err(Problem::field(name, "one form at a time: an answer cannot be held to two")),
        None => Ok(first),
    }
}

fn response_format(mut format: Fields) -> Result<Option<Form>, Problem> {
    let at = format.at("type");
    let form = match format.text("type")?.as_deref() {
        Some("text") | None => None,
        Some("json_object") => {
            // llama.cpp's servers take the schema here.
            let schema = format.take("schema").unwrap_or_else(|| json!({ "type": "object" }));
            Some(Form::Json(schema))
        }
        Some("json_schema") => {
            let mut inner =
                format.object("json_schema")?.ok_or_else(|| Problem::field("response_format.json_schema", "a schema is missing"))?;
            let schema = inner.take("schema").ok_or_else(|| Problem::field(inner.at("schema"), "a schema is missing"))?;
            // A name and a description are for readers; every schema is kept strictly.
            let _ = (inner.text("name")?, inner.text("description")?, inner.flag("strict")?);
            inner.end()?;
            Some(Form::Json(schema))
        }
        Some(other) => return Err(undone(&at, &other.into())),
    };
    format.end()?;
    Ok(form)
}
