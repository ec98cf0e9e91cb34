//! Requests of OpenAI's chat and completion endpoints, checked. A field that would change the answer and is not done is refused
//! by its path.

mod fields;
mod manner;
mod messages;
#[cfg(test)]
mod tests;
mod tools;

use super::problem::Problem;
use crate::dialect::{Ending, Role, Talk};
use crate::grammar::Form;
use crate::speaker::{Manner, Telling};
use axum::http::StatusCode;
pub(super) use fields::undone;
use fields::{Fields, whole, wrong};
use nda_engine::{Sampling, Typed};
use serde_json::{Map, Value};
pub(crate) use tools::Tools;

/// Tokens of a completion that says nothing of it, as in OpenAI's.
const COMPLETION_TOKENS: usize = 16;
/// Answers to one request, all prompts together.
const MAX_CHOICES: usize = 128;

/// What is asked, and what for.
#[derive(Debug)]
pub(crate) struct Request {
    pub prompt: Prompt,
    pub manner: Manner,
    /// Answers to each prompt.
    pub count: usize,
    /// What every answer must be.
    pub form: Option<Form>,
    /// The field that says so.
    pub form_field: &'static str,
    pub tools: Tools,
    /// Whether the prompt stands in front of the answer.
    pub echo: Echo,
    /// Whether the answer comes piece by piece, and whether figures follow it.
    pub delivery: Delivery,
}

impl Request {
    /// Answers that it asks for.
    pub fn choices(&self) -> usize {
        match &self.prompt {
            Prompt::Talk(_) => self.count,
            Prompt::Plain(prompts) => prompts.len() * self.count,
        }
    }
}

/// How an answer is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Stream,
    StreamWithUsage,
}

/// Whether the prompt is told again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Echo {
    #[default]
    Off,
    On,
}

/// What a model is to go on from.
#[derive(Debug, PartialEq)]
pub(crate) enum Prompt {
    Talk(Box<Talk>),
    Plain(Vec<Plain>),
}

/// A prompt of a completion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Text { text: String, typed: Typed },
    Tokens(Vec<u32>),
}

/// What a server does unless it is told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    /// The model's name.
    pub model: String,
    /// Which names of models are taken.
    pub names: Names,
    /// How tokens are drawn; the seed is this request's own.
    pub sampling: Sampling,
}

/// Whose requests are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Names {
    /// All: clients send the names that they were built with.
    #[default]
    Any,
    /// Those for this model, or for none.
    Own,
}

/// Fields that change no answer here: clients send them to everybody.
const IDLE: [&str; 9] = [
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "cache_prompt",
    "timings_per_token",
];

/// A request to `/v1/chat/completions`.
pub(crate) fn chat(body: &[u8], defaults: &Defaults) -> Result<Request, Problem> {
    let mut fields = parse(body, defaults)?;
    let messages = fields.list("messages")?.ok_or_else(|| Problem::field("messages", "there are no messages; give at least one"))?;
    let messages = messages::messages(messages)?;
    let is_prefilled = messages.last().is_some_and(|last| last.role == Role::Assistant && !last.fields.contains_key("tool_calls"));
    let ending = match (fields.flag("continue_final_message")?, fields.flag("add_generation_prompt")?) {
        (Some(true), _) if !is_prefilled => {
            return Err(Problem::field(
                "continue_final_message",
                "the last message is not the assistant's text: there is nothing to go on with",
            ));
        }
        (Some(true), Some(true)) => {
            return Err(Problem::field("add_generation_prompt", "an answer either begins or goes on; leave one of the two fields out"));
        }
        (Some(true), _) => Ending::Continue,
        (None, None) if is_prefilled => Ending::Continue,
        (_, Some(false)) => Ending::Bare,
        _ => Ending::Answer,
    };
    let telling = match (fields.flag("logprobs")?.unwrap_or(false), fields.count("top_logprobs", manner::MAX_TOP)?) {
        (false, None | Some(0)) => Telling::Nothing,
        (false, Some(_)) => return Err(Problem::field("top_logprobs", "this is allowed with 'logprobs' = true alone")),
        (true, top) => Telling::Drawn(top.unwrap_or(0)),
    };
    let variables = variables(&mut fields)?;
    let tools = tools::tools(&mut fields)?;
    fields.neutral("modalities", |value| value.as_array().is_some_and(|all| all.iter().all(|one| one == "text")))?;
    let talk = Talk { messages, tools: tools.all.clone(), ending, variables };
    let mut request = common(fields, Prompt::Talk(Box::new(talk)), None, defaults)?;
    request.tools = tools;
    request.manner.telling = telling;
    Ok(request)
}

/// Further variables of the template.
fn variables(fields: &mut Fields) -> Result<Map<String, Value>, Problem> {
    let mut variables = fields.object("chat_template_kwargs")?.map(Fields::rest).unwrap_or_default();
    let own = ["messages", "tools", "documents", "add_generation_prompt", "bos_token", "eos_token"];
    if let Some(name) = own.iter().find(|name| variables.contains_key(**name)) {
        return Err(Problem::field(format!("chat_template_kwargs.{name}"), "the request's other fields say this"));
    }
    if let Some(effort) = fields.text("reasoning_effort")? {
        variables.insert("reasoning_effort".into(), effort.into());
    }
    Ok(variables)
}

/// A request to `/v1/completions`.
pub(crate) fn completion(body: &[u8], defaults: &Defaults) -> Result<Request, Problem> {
    let mut fields = parse(body, defaults)?;
    // Whether the texts of control tokens in the prompt are these tokens, as a template means them; llama.cpp's name.
    let typed = if fields.flag("parse_special")? == Some(true) { Typed::Recognised } else { Typed::AsText };
    let prompt = fields.take("prompt").ok_or_else(|| Problem::field("prompt", "there is no prompt"))?;
    let prompts = prompts(prompt, typed)?;
    fields.neutral("suffix", |value| value == "")?;
    let echo = if fields.flag("echo")? == Some(true) { Echo::On } else { Echo::Off };
    let top = match fields.take("logprobs") {
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(1),
        Some(value) => {
            let top = whole(&value).and_then(|top| usize::try_from(top).ok()).filter(|top| *top <= manner::MAX_TOP);
            Some(top.ok_or_else(|| wrong("logprobs", &format!("a whole number from 0 to {}", manner::MAX_TOP), &value))?)
        }
    };
    let best_of = fields.count("best_of", MAX_CHOICES)?;
    let mut request = common(fields, Prompt::Plain(prompts), Some(COMPLETION_TOKENS), defaults)?;
    if let Some(best_of) = best_of.filter(|best_of| *best_of > request.count) {
        return Err(undone("best_of", &best_of.into()));
    }
    request.echo = echo;
    request.manner.telling = match (top, echo) {
        (None, _) => Telling::Nothing,
        (Some(top), Echo::Off) => Telling::Drawn(top),
        (Some(top), Echo::On) => Telling::All(top),
    };
    Ok(request)
}

/// A text, a list of texts, a list of tokens, or a list of such lists.
fn prompts(value: Value, typed: Typed) -> Result<Vec<Plain>, Problem> {
    let items = match value {
        Value::String(text) => return Ok(vec![Plain::Text { text, typed }]),
        Value::Array(items) => items,
        other => return Err(wrong("prompt", "a text, a list of tokens, or a list of these", &other)),
    };
    if items.iter().all(Value::is_number) {
        return Ok(vec![Plain::Tokens(tokens(&items, "prompt")?)]);
    }
    let plain = |(at, item): (usize, Value)| match item {
        Value::String(text) => Ok(Plain::Text { text, typed }),
        Value::Array(items) => Ok(Plain::Tokens(tokens(&items, &format!("prompt[{at}]"))?)),
        other => Err(wrong(&format!("prompt[{at}]"), "a text or a list of tokens", &other)),
    };
    items.into_iter().enumerate().map(plain).collect()
}

fn tokens(items: &[Value], path: &str) -> Result<Vec<u32>, Problem> {
    let token = |(at, item): (usize, &Value)| {
        let token = whole(item).and_then(|token| u32::try_from(token).ok());
        token.ok_or_else(|| wrong(&format!("{path}[{at}]"), "the number of a token", item))
    };
    items.iter().enumerate().map(token).collect()
}

fn parse(body: &[u8], defaults: &Defaults) -> Result<Fields, Problem> {
    let bad = |message: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_json", message);
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(format!("the body is no JSON: {error}")))?;
    if !value.is_object() {
        return Err(bad("the body must be a JSON object".into()));
    }
    let mut fields = Fields::new(value, "")?;
    let model = fields.text("model")?.filter(|model| defaults.names == Names::Own && !model.is_empty() && *model != defaults.model);
    if let Some(model) = model {
        let message = format!("no model '{model}'; this server has '{}'", defaults.model);
        return Err(Problem { param: Some("model".into()), ..Problem::new(StatusCode::NOT_FOUND, "model_not_found", message) });
    }
    for name in IDLE {
        let _ = fields.take(name);
    }
    Ok(fields)
}

/// What both endpoints know; refuses what is left.
fn common(mut fields: Fields, prompt: Prompt, most: Option<usize>, defaults: &Defaults) -> Result<Request, Problem> {
    let manner = manner::manner(&mut fields, defaults.sampling, most)?;
    let (form_field, form) = tools::form(&mut fields)?.map_or(("", None), |(name, form)| (name, Some(form)));
    let prompts = match &prompt {
        Prompt::Talk(_) => 1,
        Prompt::Plain(prompts) => prompts.len(),
    };
    let count = fields.count("n", MAX_CHOICES)?.unwrap_or(1);
    if count == 0 || count.saturating_mul(prompts) > MAX_CHOICES {
        let message = format!("'n' must be 1 to {MAX_CHOICES}, all prompts together, got {count} for {prompts} prompts");
        return Err(Problem::field("n", message));
    }
    let delivery = delivery(&mut fields)?;
    fields.end()?;
    Ok(Request { prompt, manner, count, form, form_field, tools: Tools::default(), echo: Echo::Off, delivery })
}

fn delivery(fields: &mut Fields) -> Result<Delivery, Problem> {
    let streams = fields.flag("stream")?.unwrap_or(false);
    let with_usage = match fields.object("stream_options")? {
        None => false,
        Some(mut options) => {
            let with_usage = options.flag("include_usage")?.unwrap_or(false);
            let _ = options.flag("include_obfuscation")?;
            options.neutral("continuous_usage_stats", |value| value == false)?;
            options.end()?;
            with_usage
        }
    };
    Ok(match (streams, with_usage) {
        (false, _) => Delivery::Whole,
        (true, true) => Delivery::StreamWithUsage,
        (true, false) => Delivery::Stream,
    })
}
