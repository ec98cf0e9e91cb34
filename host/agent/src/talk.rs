//! A loop of our own: a model calls the tools until it says that it is done.
//!
//! The model is asked for calls (`tool_choice: required`), of which [`DONE`] ends the loop. So an endpoint that constrains calls by their
//! schemas, as ours does, gives nothing that is not well-formed, however small the model. One that answers in words instead has answered.

use crate::tools::Tools;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The tool that ends the loop.
pub const DONE: &str = "done";

/// Bytes of an answer of a tool that the model gets to see.
const ANSWER_BYTES: usize = 32_000;

const SYSTEM: &str = "You change files of one project by calling tools. Read a file before you change it, and make small changes with patch_file. \
                      A refusal says why; do not repeat what was refused. When the task is done, or cannot be done, call done.";

/// What a model is told that calls the same again and would get the same answer.
const SAME: &str = "this call was made before, with this very answer; it is above. Make another call: patch_file to change a file, or done";

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

/// An answer of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Its words; often none.
    pub text: String,
    /// Its calls.
    pub calls: Vec<Call>,
}

impl From<Vec<Call>> for Reply {
    fn from(calls: Vec<Call>) -> Reply {
        Reply { text: String::new(), calls }
    }
}

/// Whoever answers with words and calls.
pub trait Model {
    /// The answer to these messages.
    ///
    /// # Errors
    /// The endpoint's failure.
    fn next(&mut self, messages: &[Value], tools: &[Value]) -> Result<Reply, String>;
}

/// What happens in the loop, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'e> {
    /// The model says something beside its calls.
    Said {
        /// What.
        text: &'e str,
    },
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

/// Why a loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The model says what it did, why it cannot be done, or what it was asked.
    Done(String),
    /// It came to no end in its steps.
    OutOfSteps,
    /// A person stopped it.
    Stopped,
}

/// How a loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// Why.
    pub finish: Finish,
    /// Calls, all of them.
    pub calls: usize,
    /// Calls of a tool that exists, with arguments that are what its schema says.
    pub well_formed: usize,
}

/// What was said so far; a further task goes on from it.
#[derive(Debug, Clone)]
pub struct Conversation {
    messages: Vec<Value>,
    /// What was called since the task was given, and how it was answered.
    answered: HashMap<(String, String), Result<Value, String>>,
}

impl Default for Conversation {
    fn default() -> Conversation {
        Conversation { messages: vec![json!({ "role": "system", "content": SYSTEM })], answered: HashMap::new() }
    }
}

impl Conversation {
    /// The answer as the model gets it. One that has been given is not given again: a small model goes round in circles, and each round
    /// would fill its context.
    fn fresh(&mut self, call: &Call, answer: Result<Value, String>) -> Result<Value, String> {
        let known = self.answered.insert((call.name.clone(), call.arguments.clone()), answer.clone());
        if known.as_ref() == Some(&answer) { Err(SAME.into()) } else { answer }
    }

    fn user(&mut self, text: &str) {
        self.messages.push(json!({ "role": "user", "content": text }));
    }

    fn assistant(&mut self, Reply { text, calls }: &Reply) {
        let content = if text.is_empty() { Value::Null } else { json!(text) };
        if calls.is_empty() {
            return self.messages.push(json!({ "role": "assistant", "content": content }));
        }
        let told =
            |call: &Call| json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } });
        let told: Vec<Value> = calls.iter().map(told).collect();
        self.messages.push(json!({ "role": "assistant", "content": content, "tool_calls": told }));
    }

    fn answer(&mut self, call: &Call, text: &str) {
        self.messages.push(json!({ "role": "tool", "tool_call_id": call.id, "content": text }));
    }
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

/// Lets a model work on a task, for at most `steps` answers, or until the context's [`crate::Stop`] is set.
///
/// # Errors
/// The endpoint's failure.
pub fn talk(
    tools: &Tools,
    model: &mut dyn Model,
    conversation: &mut Conversation,
    task: &str,
    steps: usize,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Talked, String> {
    let (described, stop) = (descriptions(tools), &tools.context().stop);
    conversation.answered.clear();
    conversation.user(task);
    let mut talked = Talked { finish: Finish::OutOfSteps, calls: 0, well_formed: 0 };
    for _ in 0..steps {
        let answer = model.next(&conversation.messages, &described);
        if stop.is_set() {
            talked.finish = Finish::Stopped;
            return Ok(talked);
        }
        let reply = answer?;
        match (reply.calls.is_empty(), reply.text.is_empty()) {
            (true, true) => {
                conversation.user("Call a tool, or done.");
                continue;
            }
            (true, false) => {
                conversation.assistant(&reply);
                talked.finish = Finish::Done(reply.text);
                break;
            }
            (false, true) => {}
            (false, false) => watch(Event::Said { text: &reply.text }),
        }
        conversation.assistant(&reply);
        for call in &reply.calls {
            if talked.finish == Finish::OutOfSteps {
                let text = step(tools, call, conversation, &mut talked, watch);
                conversation.answer(call, &text);
            } else {
                // Endpoints want an answer to every call.
                conversation.answer(call, "not run: the work had ended");
            }
        }
        if talked.finish != Finish::OutOfSteps {
            break;
        }
    }
    Ok(talked)
}

/// Runs one call: what the model gets to see of its answer.
fn step(tools: &Tools, call: &Call, conversation: &mut Conversation, talked: &mut Talked, watch: &mut dyn FnMut(Event<'_>)) -> String {
    talked.calls += 1;
    watch(Event::Called { name: &call.name, arguments: &call.arguments });
    let answer = conversation.fresh(call, answered(tools, call, talked));
    let (mut text, well) = match &answer {
        Ok(value) => (value.to_string(), true),
        Err(why) => (format!("error: {why}"), false),
    };
    let end = (0..=ANSWER_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    if !matches!(talked.finish, Finish::Done(_)) {
        watch(Event::Answered { text: &text, well });
        if tools.context().stop.is_set() {
            talked.finish = Finish::Stopped;
        }
    }
    text
}

fn answered(tools: &Tools, call: &Call, talked: &mut Talked) -> Result<Value, String> {
    let arguments: Value = serde_json::from_str(&call.arguments).map_err(|e| format!("the arguments are not JSON: {e}"))?;
    if call.name == DONE {
        let summary = arguments["summary"].as_str().ok_or("done has a summary")?;
        talked.finish = Finish::Done(summary.to_owned());
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
