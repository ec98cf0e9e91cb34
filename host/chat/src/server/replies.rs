//! Answers in OpenAI's words, whole and in chunks.

use super::problem::Problem;
use super::protocol::Delivery;
use super::worker::News;
use crate::speaker::{Answer, Finish};
use axum::response::sse;
use serde_json::{Value, json};

/// Which of the two endpoints answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completion,
}

/// What all chunks of an answer have in common.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    pub endpoint: Endpoint,
    pub id: String,
    pub created: u64,
    pub model: String,
    pub delivery: Delivery,
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length | Finish::Interrupted => "length",
    }
}

fn usage(answer: &Answer) -> Value {
    json!({
        "prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.drawn_tokens,
        "total_tokens": answer.prompt_tokens + answer.drawn_tokens, "prompt_tokens_details": { "cached_tokens": answer.kept_tokens },
    })
}

impl Envelope {
    /// The body of an answer as a whole.
    pub fn whole(&self, answer: &Answer) -> Value {
        let reason = reason(answer.finish);
        let (object, choice) = match self.endpoint {
            Endpoint::Chat => (
                "chat.completion",
                json!({ "index": 0, "message": { "role": "assistant", "content": answer.text, "refusal": null }, "logprobs": null, "finish_reason": reason }),
            ),
            Endpoint::Completion => {
                ("text_completion", json!({ "index": 0, "text": answer.text, "logprobs": null, "finish_reason": reason }))
            }
        };
        json!({ "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": [choice], "usage": usage(answer) })
    }

    /// The events that a piece of news becomes in a stream.
    pub fn events(&self, news: News) -> Vec<sse::Event> {
        match news {
            News::Begun if self.endpoint == Endpoint::Chat => vec![self.chunk(json!({ "role": "assistant", "content": "" }), None)],
            News::Begun => vec![],
            News::Text(text) => vec![self.chunk(self.piece(&text), None)],
            News::Done(answer) => {
                let last = match self.endpoint {
                    Endpoint::Chat => json!({}),
                    Endpoint::Completion => self.piece(""),
                };
                let mut events = vec![self.chunk(last, Some(reason(answer.finish)))];
                if self.delivery == Delivery::StreamWithUsage {
                    events.push(self.event(json!([]), usage(&answer)));
                }
                events.push(done());
                events
            }
            News::Failed(problem) => vec![failed(&problem), done()],
        }
    }

    /// What a chunk's choice holds of a text.
    fn piece(&self, text: &str) -> Value {
        match self.endpoint {
            Endpoint::Chat => json!({ "content": text }),
            Endpoint::Completion => json!(text),
        }
    }

    fn chunk(&self, piece: Value, reason: Option<&str>) -> sse::Event {
        let name = match self.endpoint {
            Endpoint::Chat => "delta",
            Endpoint::Completion => "text",
        };
        self.event(json!([{ "index": 0, name: piece, "logprobs": null, "finish_reason": reason }]), Value::Null)
    }

    fn event(&self, choices: Value, usage: Value) -> sse::Event {
        let object = match self.endpoint {
            Endpoint::Chat => "chat.completion.chunk",
            Endpoint::Completion => "text_completion",
        };
        let mut chunk = json!({ "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices });
        // A client that asked for figures expects the field in every chunk.
        if self.delivery == Delivery::StreamWithUsage {
            chunk["usage"] = usage;
        }
        sse::Event::default().data(chunk.to_string())
    }
}

/// The end of every stream.
fn done() -> sse::Event {
    sse::Event::default().data("[DONE]")
}

/// An error in the midst of a stream; only the end follows it.
fn failed(problem: &Problem) -> sse::Event {
    sse::Event::default().data(problem.body().to_string())
}
