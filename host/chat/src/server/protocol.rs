//! Requests of OpenAI's chat and completion endpoints, checked.

use super::problem::Problem;
use crate::dialect::{Message, Role};
use crate::speaker::Manner;
use axum::http::StatusCode;
use nda_engine::{Sampling, Typed};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Stops of one request, at most, and bytes of each.
const MAX_STOPS: usize = 16;
const MAX_STOP_BYTES: usize = 256;
/// Tokens of a completion that says nothing of it, as in OpenAI's.
const COMPLETION_TOKENS: usize = 16;

/// What is asked, and what for.
#[derive(Debug)]
pub(crate) struct Request {
    pub prompt: Prompt,
    pub manner: Manner,
    /// Whether the answer comes piece by piece, and whether figures follow it.
    pub delivery: Delivery,
}

/// How an answer is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Stream,
    StreamWithUsage,
}

/// What a model is to go on from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Messages(Vec<Message>),
    Text { text: String, typed: Typed },
    Tokens(Vec<u32>),
}

/// Fields that both endpoints know.
#[derive(Debug, Deserialize)]
struct Common {
    model: Option<String>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<usize>,
    seed: Option<i64>,
    stop: Option<OneOrMany>,
    #[serde(default)]
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WirePrompt {
    Text(String),
    Tokens(Vec<u32>),
    Texts(Vec<String>),
}

/// What a server does unless it is told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    /// The model's name.
    pub model: String,
    /// How tokens are drawn; the seed is this request's own.
    pub sampling: Sampling,
}

/// A request to `/v1/chat/completions`.
pub(crate) fn chat(body: &[u8], defaults: &Defaults) -> Result<Request, Problem> {
    #[derive(Deserialize)]
    struct Body {
        messages: Vec<WireMessage>,
    }
    let value = parse(body)?;
    let common: Common = read(&value)?;
    let wire: Body = read(&value)?;
    if wire.messages.is_empty() {
        return Err(Problem::field("messages", "there are no messages; give at least one"));
    }
    let messages = wire.messages.into_iter().map(message).collect::<Result<Vec<_>, _>>()?;
    common.request(Prompt::Messages(messages), None, defaults)
}

/// A request to `/v1/completions`.
pub(crate) fn completion(body: &[u8], defaults: &Defaults) -> Result<Request, Problem> {
    #[derive(Deserialize)]
    struct Body {
        prompt: WirePrompt,
        /// Whether the texts of control tokens in the prompt are these tokens, as a template means them; llama.cpp's name.
        parse_special: Option<bool>,
    }
    let value = parse(body)?;
    let common: Common = read(&value)?;
    let wire: Body = read(&value)?;
    let typed = if wire.parse_special == Some(true) { Typed::Recognised } else { Typed::AsText };
    let prompt = match wire.prompt {
        WirePrompt::Text(text) => Prompt::Text { text, typed },
        WirePrompt::Tokens(tokens) => Prompt::Tokens(tokens),
        WirePrompt::Texts(mut texts) if texts.len() == 1 => Prompt::Text { text: texts.remove(0), typed },
        WirePrompt::Texts(texts) => {
            return Err(Problem::field("prompt", format_args!("{} prompts in one request; send one at a time", texts.len())));
        }
    };
    common.request(prompt, Some(COMPLETION_TOKENS), defaults)
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    let bad = |message: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_json", message);
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(format!("the body is no JSON: {error}")))?;
    if !value.is_object() {
        return Err(bad("the body must be a JSON object".into()));
    }
    refuse_what_is_not_done(&value)?;
    Ok(value)
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    T::deserialize(value).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "invalid_value", error))
}

/// Fields that would change an answer and that this server does not know how to: refused unless they ask for nothing.
fn refuse_what_is_not_done(value: &Value) -> Result<(), Problem> {
    let is_one = |value: &Value| value.as_u64() == Some(1);
    let is_zero = |value: &Value| value.as_f64() == Some(0.0);
    let is_empty = |value: &Value| {
        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(|o| o.is_empty()) || value.as_str() == Some("")
    };
    let is_false = |value: &Value| value.as_bool() == Some(false);
    let is_text = |value: &Value| value.get("type").and_then(Value::as_str) == Some("text");
    type Neutral<'n> = (&'static str, &'n dyn Fn(&Value) -> bool);
    let fields: [Neutral<'_>; 13] = [
        ("n", &is_one),
        ("best_of", &is_one),
        ("echo", &is_false),
        ("suffix", &is_empty),
        ("logprobs", &is_false),
        ("top_logprobs", &is_zero),
        ("presence_penalty", &is_zero),
        ("frequency_penalty", &is_zero),
        ("logit_bias", &is_empty),
        ("tools", &is_empty),
        ("functions", &is_empty),
        ("response_format", &is_text),
        ("audio", &is_empty),
    ];
    for (field, is_neutral) in fields {
        let found = value.get(field).filter(|found| !found.is_null() && !is_neutral(found));
        if let Some(found) = found {
            let message = format!("'{field}' = {found} is not supported; leave it out");
            return Err(Problem { code: "unsupported_value", ..Problem::field(field, message) });
        }
    }
    Ok(())
}

fn message(wire: WireMessage) -> Result<Message, Problem> {
    let role = match wire.role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => {
            let message = format!("there is no role '{other}'; use system, developer, user or assistant");
            return Err(Problem::field("messages", message));
        }
    };
    let content = match wire.content {
        None => String::new(),
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => parts.into_iter().map(text_of).collect::<Result<String, _>>()?,
    };
    Ok(Message { role, content })
}

fn text_of(part: Part) -> Result<String, Problem> {
    match (part.kind.as_str(), part.text) {
        ("text", Some(text)) => Ok(text),
        (kind, _) => Err(Problem::field("messages", format_args!("a part of type '{kind}' is no text; this model reads text alone"))),
    }
}

impl Common {
    fn request(self, prompt: Prompt, max_tokens: Option<usize>, defaults: &Defaults) -> Result<Request, Problem> {
        if let Some(model) = self.model.as_ref().filter(|model| **model != defaults.model) {
            let message = format!("there is no model '{model}'; this server has '{}'", defaults.model);
            return Err(Problem { param: Some("model"), ..Problem::new(StatusCode::NOT_FOUND, "model_not_found", message) });
        }
        let max_tokens = match self.max_completion_tokens.or(self.max_tokens) {
            Some(0) => return Err(Problem::field("max_tokens", "an answer needs at least 1 token")),
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None => max_tokens,
        };
        let manner = Manner { sampling: self.sampling(defaults.sampling)?, max_tokens, stops: self.stops()? };
        let with_usage = self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false);
        let delivery = match self.stream.unwrap_or(false) {
            false if self.stream_options.is_some() => {
                return Err(Problem::field("stream_options", "this is allowed with 'stream' = true alone"));
            }
            false => Delivery::Whole,
            true if with_usage => Delivery::StreamWithUsage,
            true => Delivery::Stream,
        };
        Ok(Request { prompt, manner, delivery })
    }

    fn sampling(&self, default: Sampling) -> Result<Sampling, Problem> {
        if let Some(temperature) = self.temperature.filter(|t| !(0.0..=2.0).contains(t)) {
            return Err(Problem::field("temperature", format_args!("{temperature} is not one of 0 to 2")));
        }
        if let Some(top_p) = self.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return Err(Problem::field("top_p", format_args!("{top_p} is not more than 0 and at most 1")));
        }
        if self.top_k == Some(0) {
            return Err(Problem::field("top_k", "0 tokens leave nothing to draw from"));
        }
        Ok(Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_p: self.top_p.or(default.top_p),
            top_k: self.top_k.or(default.top_k),
            // Any 64 bits are a seed.
            seed: self.seed.map_or(default.seed, i64::cast_unsigned),
        })
    }

    fn stops(&self) -> Result<Vec<String>, Problem> {
        let stops = match &self.stop {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop.clone()],
            Some(OneOrMany::Many(stops)) => stops.clone(),
        };
        if stops.len() > MAX_STOPS {
            return Err(Problem::field("stop", format_args!("{} stops are more than {MAX_STOPS}", stops.len())));
        }
        if stops.iter().any(|stop| stop.is_empty() || stop.len() > MAX_STOP_BYTES) {
            return Err(Problem::field("stop", format_args!("a stop has 1 to {MAX_STOP_BYTES} bytes")));
        }
        Ok(stops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn defaults() -> Defaults {
        Defaults { model: "tiny".into(), sampling: Sampling { seed: 5, ..Sampling::GREEDY } }
    }

    fn read_chat(extra: Value) -> Result<Request, Problem> {
        let mut body = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "hi" }] });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        chat(body.to_string().as_bytes(), &defaults())
    }

    #[test]
    fn fields_are_read_and_defaults_filled() {
        let request = read_chat(json!({
            "max_tokens": 9, "max_completion_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": -1, "stop": "x", "stream": true,
            "stream_options": { "include_usage": true }, "n": 1, "tools": [], "user": "anyone", "logprobs": null
        }))
        .unwrap();
        assert_eq!((request.manner.max_tokens, request.delivery), (Some(7), Delivery::StreamWithUsage));
        assert_eq!(request.manner.sampling, Sampling { temperature: 0.5, top_k: None, top_p: Some(0.9), seed: u64::MAX });
        assert_eq!(request.manner.stops, ["x"]);
        let plain = read_chat(json!({})).unwrap();
        assert_eq!((plain.manner.max_tokens, plain.manner.sampling.seed, plain.delivery), (None, 5, Delivery::Whole));
        let body = br#"{"prompt": ["once"]}"#;
        let request = completion(body, &defaults()).unwrap();
        assert_eq!((request.prompt, request.manner.max_tokens), (Prompt::Text { text: "once".into(), typed: Typed::AsText }, Some(16)));
        let request = completion(br#"{"prompt": "once", "parse_special": true}"#, &defaults()).unwrap();
        assert_eq!(request.prompt, Prompt::Text { text: "once".into(), typed: Typed::Recognised });
        assert_eq!(completion(br#"{"prompt": [1, 2]}"#, &defaults()).unwrap().prompt, Prompt::Tokens(vec![1, 2]));
    }

    #[test]
    fn messages_are_texts_or_parts_of_text() {
        let body = json!({ "messages": [
            { "role": "developer", "content": "a" },
            { "role": "user", "content": [{ "type": "text", "text": "b" }, { "type": "text", "text": "c" }] },
            { "role": "assistant", "content": null }
        ] });
        let request = chat(body.to_string().as_bytes(), &defaults()).unwrap();
        let expected = [(Role::System, "a"), (Role::User, "bc"), (Role::Assistant, "")].map(|(role, text)| Message::new(role, text));
        assert_eq!(request.prompt, Prompt::Messages(expected.into()));
    }

    #[test]
    fn what_this_server_cannot_do_is_refused_by_its_field() {
        for (extra, param) in [
            (json!({ "n": 2 }), "n"),
            (json!({ "stop": "" }), "stop"),
            (json!({ "stop": vec!["a"; 17] }), "stop"),
            (json!({ "temperature": 2.5 }), "temperature"),
            (json!({ "top_p": 0 }), "top_p"),
            (json!({ "top_k": 0 }), "top_k"),
            (json!({ "max_tokens": 0 }), "max_tokens"),
            (json!({ "tools": [{}] }), "tools"),
            (json!({ "logprobs": true }), "logprobs"),
            (json!({ "response_format": { "type": "json_object" } }), "response_format"),
            (json!({ "frequency_penalty": 0.5 }), "frequency_penalty"),
            (json!({ "messages": [] }), "messages"),
            (json!({ "messages": [{ "role": "wizard", "content": "" }] }), "messages"),
            (json!({ "messages": [{ "role": "user", "content": [{ "type": "image_url" }] }] }), "messages"),
            (json!({ "stream_options": {} }), "stream_options"),
        ] {
            let problem = read_chat(extra.clone()).unwrap_err();
            assert_eq!((problem.status, problem.param), (StatusCode::BAD_REQUEST, Some(param)), "{extra}: {problem:?}");
        }
        assert_eq!(read_chat(json!({ "model": "gpt-4" })).unwrap_err().status, StatusCode::NOT_FOUND);
        for body in ["", "[]", "{", "{}", r#"{"messages": 3}"#, r#"{"messages": [{"content": "x"}]}"#] {
            assert_eq!(chat(body.as_bytes(), &defaults()).unwrap_err().status, StatusCode::BAD_REQUEST, "{body}");
        }
        for body in ["{}", r#"{"prompt": ["a", "b"]}"#, r#"{"prompt": [-1]}"#, r#"{"prompt": "a", "echo": true}"#] {
            assert_eq!(completion(body.as_bytes(), &defaults()).unwrap_err().status, StatusCode::BAD_REQUEST, "{body}");
        }
    }
}
