//! Texts to tokens and back, for harnesses that count tokens: the addresses and fields of vLLM's servers, and llama.cpp's names.

use super::problem::Problem;
use super::protocol::undone;
use super::routes::{App, Shared, body};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nda_engine::{Bounds, Tokenizer, Typed};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is told of tokens.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    pub tokenizer: Arc<Tokenizer>,
    pub bounds: Bounds,
    /// Tokens in the vocabulary.
    pub size: usize,
    /// The source of the chat template.
    pub template: Option<String>,
}

impl Vocabulary {
    fn text(&self, tokens: &[u32]) -> String {
        String::from_utf8_lossy(&self.tokenizer.decode(tokens)).into_owned()
    }
}

/// The tokens of a text, control tokens recognised unless it says otherwise.
pub(super) async fn tokenize(State(shared): App, request: Request) -> Result<Response, Problem> {
    let value = object(&shared, request).await?;
    let text = ["prompt", "content"].iter().find_map(|name| value[*name].as_str()).map(str::to_owned);
    let text = text.ok_or_else(|| Problem::field("prompt", "a text is missing"))?;
    refuse_others(&value, &["prompt", "content", "parse_special", "add_special_tokens", "add_special", "model"])?;
    let flag = |name: &str| value[name].as_bool();
    let typed = if flag("parse_special") == Some(false) { Typed::AsText } else { Typed::Recognised };
    // vLLM adds the token in front unless it is not wanted, llama.cpp if it is; the name of the text says who asks.
    let begins = flag("add_special_tokens").or(flag("add_special")).unwrap_or(value["prompt"].is_string());
    let vocabulary = shared.vocabulary.clone();
    // A long text takes long, and streams must not wait for it.
    let tokens = tokio::task::spawn_blocking(move || {
        let tokens = vocabulary.tokenizer.encode_prompt(text.as_bytes(), typed)?;
        Ok::<_, nda_engine::EngineError>(if begins { vocabulary.bounds.plain(tokens) } else { tokens })
    });
    let failed = |error: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "model_failed", error);
    let tokens = tokens.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
    Ok(Json(json!({ "count": tokens.len(), "max_model_len": shared.context, "tokens": tokens })).into_response())
}

/// The text of tokens.
pub(super) async fn detokenize(State(shared): App, request: Request) -> Result<Response, Problem> {
    let value = object(&shared, request).await?;
    let items = value["tokens"].as_array().ok_or_else(|| Problem::field("tokens", "a list of tokens is missing"))?;
    let token = |item: &Value| item.as_u64().and_then(|token| u32::try_from(token).ok());
    let tokens: Option<Vec<u32>> = items.iter().map(token).collect();
    let tokens = tokens.ok_or_else(|| Problem::field("tokens", "a token is a whole number from 0"))?;
    refuse_others(&value, &["tokens", "model"])?;
    let known = shared.vocabulary.size;
    if let Some((at, token)) = tokens.iter().enumerate().find(|(_, token)| **token as usize >= known) {
        return Err(Problem::field(format!("tokens[{at}]"), format_args!("token {token} is not in the vocabulary of {known}")));
    }
    let text = shared.vocabulary.text(&tokens);
    Ok(Json(json!({ "prompt": text, "content": text })).into_response())
}

/// The texts of the tokens that begin and end a text, and the chat template.
pub(super) async fn info(State(shared): App) -> Json<Value> {
    let vocabulary = &shared.vocabulary;
    let text = |token: Option<u32>| token.map(|token| vocabulary.text(&[token]));
    Json(json!({
        "tokenizer_class": "nda", "bos_token": text(vocabulary.bounds.begin()),
        "eos_token": text(vocabulary.bounds.ends().first().copied()), "chat_template": vocabulary.template,
    }))
}

/// Refuses a field of a request's object that is not one of these.
fn refuse_others(value: &Value, known: &[&str]) -> Result<(), Problem> {
    let fields = value.as_object().into_iter().flatten();
    match fields.filter(|(_, value)| !value.is_null()).find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, value)) => Err(undone(name, value)),
        None => Ok(()),
    }
}

pub(super) async fn object(shared: &Shared, request: Request) -> Result<Value, Problem> {
    let body = body(shared, request).await?;
    let value: Value = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "invalid_json", format_args!("the body is no JSON: {error}")))?;
    Some(value)
        .filter(Value::is_object)
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "invalid_json", "the body must be a JSON object"))
}
