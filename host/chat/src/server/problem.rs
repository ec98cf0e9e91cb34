//! What a client is told when something is wrong: OpenAI's error object and a status.

use crate::error::ChatError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nda_engine::EngineError;
use serde_json::{Value, json};

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub status: StatusCode,
    /// A word that programs tell errors apart by.
    pub code: &'static str,
    /// The path of the field that is wrong.
    pub param: Option<String>,
    pub message: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Problem {
        Problem { status, code, param: None, message: message.to_string() }
    }

    /// A field of the request that is not what it must be.
    pub fn field(param: impl Into<String>, message: impl ToString) -> Problem {
        Problem { param: Some(param.into()), ..Problem::new(StatusCode::BAD_REQUEST, "invalid_value", message) }
    }

    pub fn queue_full(waiting: usize) -> Problem {
        let message = format!("{waiting} requests are waiting, and no more may; try again later");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", message)
    }

    pub fn too_many_connections(connections: usize) -> Problem {
        let message = format!("{connections} connections are open, and no more may be; close some, or try again later");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", message)
    }

    pub fn slow_body(seconds: f32) -> Problem {
        let message = format!("the request's body took longer than {seconds} s; send it at once");
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
    }

    pub fn timeout(seconds: f32) -> Problem {
        let message = format!("the request took longer than {seconds} s; ask for fewer tokens, or when less is waiting");
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    }

    pub fn ending() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", "the server is ending")
    }

    /// The object in a body or in an event of a stream.
    pub fn body(&self) -> Value {
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            StatusCode::UNAUTHORIZED => "authentication_error",
            status if status.is_client_error() => "invalid_request_error",
            _ => "server_error",
        };
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": self.code } })
    }
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Problem {
        let code = match &error {
            ChatError::TooLong { .. } => "context_length_exceeded",
            ChatError::NoTemplate => "no_chat_template",
            ChatError::Template { .. } => "invalid_messages",
            ChatError::Grammar { .. } => "invalid_grammar",
            ChatError::Forbidden => {
                return Problem::field("logit_bias", format_args!("{error}; {}", error.help()));
            }
            ChatError::Engine(EngineError::Empty { .. }) => "invalid_value",
            ChatError::Engine(_)
            | ChatError::Saved(_)
            | ChatError::NotSaved
            | ChatError::Listen { .. }
            | ChatError::Unguarded { .. }
            | ChatError::Origin { .. }
            | ChatError::System { .. } => {
                return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "model_failed", format_args!("{error} ({})", error.place()));
            }
        };
        Problem::new(StatusCode::BAD_REQUEST, code, format_args!("{error}; {}", error.help()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
