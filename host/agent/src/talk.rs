//! A loop of our own: a model calls the tools until it says that it is done.
//!
//! The model answers with calls alone (`tool_choice: required`), of which [`DONE`] ends the loop. So an endpoint that constrains calls by their
//! schemas, as ours does, gives nothing that is not well-formed, however small the model.

use crate::tools::Tools;
use serde_json::{Value, json};

/// The tool that ends the loop.
pub const DONE: &str = "done";

/// Bytes of an answer of a tool that the model gets to see.
const ANSWER_BYTES: usize = 32_000;

const SYSTEM: &str = "You change files of one project by calling tools. Read a file before you change it, and make small changes with patch_file. \
                      A refusal says why; do not repeat what was refused. When the task is done, or cannot be done, call done.";

/// One call that a model made.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its number, as the model gave it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments as text: a model may send what is no JSON.
    pub arguments: String,
}

/// Whoever answers with calls.
pub trait Model {
    /// The calls that follow on these messages; text alone is not a call.
    ///
    /// # Errors
    /// The endpoint's failure.
    fn next(&mut self, messages: &[Value], tools: &[Value]) -> Result<Vec<Call>, String>;
}

/// What happens in the loop, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'e> {
    /// A tool is called.
    Called {
        /// Which.
        name: &'e str,
        /// With what.
        arguments: &'e str,
    },
    /// It answered.
    Answered {
        /// What.
        text: &'e str,
        /// Whether it did what it was asked.
        well: bool,
    },
}

/// How a loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// What the model says that it did; none if it did not come to an end.
    pub done: Option<String>,
    /// Calls, all of them.
    pub calls: usize,
    /// Calls of a tool that exists, with arguments that are what its schema says.
    pub well_formed: usize,
}

/// The tools as an endpoint of OpenAI's protocol takes them.
pub fn descriptions(tools: &Tools) -> Vec<Value> {
    let describe = |name: &str, description: &str, parameters: Value| json!({ "type": "function", "function": { "name": name, "description": description, "parameters": parameters } });
    let summary = json!({
        "type": "object",
        "properties": { "summary": { "type": "string" } },
        "required": ["summary"],
        "additionalProperties": false,
    });
    let own = tools.all().map(|tool| describe(tool.name, tool.description, tool.input()));
    own.chain([describe(DONE, "Ends the work: says in a sentence what was done, or why it cannot be.", summary)]).collect()
}

/// Lets a model work on a task, for at most `steps` answers.
///
/// # Errors
/// The endpoint's failure.
pub fn talk(tools: &Tools, model: &mut dyn Model, task: &str, steps: usize, watch: &mut dyn FnMut(Event<'_>)) -> Result<Talked, String> {
    let described = descriptions(tools);
    let mut messages = vec![json!({ "role": "system", "content": SYSTEM }), json!({ "role": "user", "content": task })];
    let mut talked = Talked { done: None, calls: 0, well_formed: 0 };
    for _ in 0..steps {
        let calls = model.next(&messages, &described)?;
        let told: Vec<Value> = calls.iter().map(told).collect();
        messages.push(json!({ "role": "assistant", "content": null, "tool_calls": told }));
        if calls.is_empty() {
            messages.pop();
            messages.push(json!({ "role": "user", "content": "Call a tool, or done." }));
        }
        for call in calls {
            talked.calls += 1;
            watch(Event::Called { name: &call.name, arguments: &call.arguments });
            let answer = answered(tools, &call, &mut talked);
            if call.name == DONE && talked.done.is_some() {
                return Ok(talked);
            }
            let (text, well) = match &answer {
                Ok(value) => (value.to_string(), true),
                Err(why) => (format!("error: {why}"), false),
            };
            let end = (0..=ANSWER_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            watch(Event::Answered { text: &text[..end], well });
            messages.push(json!({ "role": "tool", "tool_call_id": call.id, "content": &text[..end] }));
        }
    }
    Ok(talked)
}

fn told(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

fn answered(tools: &Tools, call: &Call, talked: &mut Talked) -> Result<Value, String> {
    let arguments: Value = serde_json::from_str(&call.arguments).map_err(|e| format!("the arguments are not JSON: {e}"))?;
    if call.name == DONE {
        let summary = arguments["summary"].as_str().ok_or("done has a summary")?;
        talked.done = Some(summary.to_owned());
        talked.well_formed += 1;
        return Ok(Value::Null);
    }
    let answer = tools.call(&call.name, arguments);
    use crate::error::ToolError::{Arguments, Unknown};
    if !matches!(answer, Err(Unknown(_) | Arguments { .. })) {
        talked.well_formed += 1;
    }
    answer.map_err(|e| e.to_string())
}
