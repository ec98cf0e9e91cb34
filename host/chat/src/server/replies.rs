//! Answers in OpenAI's words, whole and in chunks.

use super::problem::Problem;
use super::protocol::Delivery;
use super::scores::{completion_scores, scores};
use super::worker::{News, Piece, Usage};
use crate::calls::{CallForm, ToolCall};
use crate::scanner::{Scanner, Spoken};
use crate::scores::Scored;
use crate::speaker::{Answer, Finish, Telling};
use axum::response::sse;
use nda_engine::Random;
use serde_json::{Value, json};

/// Which of the two endpoints answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completion,
}

impl Endpoint {
    /// Its name in counters.
    pub const fn name(self) -> &'static str {
        match self {
            Endpoint::Chat => "chat",
            Endpoint::Completion => "completion",
        }
    }
}

/// What all chunks of an answer have in common, and where each of the answers is.
#[derive(Debug)]
pub(super) struct Envelope {
    pub endpoint: Endpoint,
    pub id: String,
    pub number: u64,
    pub created: u64,
    pub model: String,
    pub delivery: Delivery,
    pub telling: Telling,
    pub choices: Vec<Choice>,
}

/// One of the answers to a request, as far as it has come.
#[derive(Debug)]
pub(super) struct Choice {
    /// Finds calls, if there may be some.
    scanner: Option<Scanner>,
    text: String,
    calls: Vec<ToolCall>,
    scored: Vec<Scored>,
    /// Characters of the text before the next token.
    offset: usize,
    finish: Finish,
}

impl Choice {
    pub fn new(form: Option<CallForm>) -> Choice {
        let scanner = form.map(Scanner::new);
        Choice { scanner, text: String::new(), calls: Vec::new(), scored: Vec::new(), offset: 0, finish: Finish::Length }
    }

    /// What a piece of text comes to.
    fn push(&mut self, text: String) -> Vec<Spoken> {
        match &mut self.scanner {
            Some(scanner) => scanner.push(&text),
            None if text.is_empty() => Vec::new(),
            None => vec![Spoken::Text(text)],
        }
    }

    /// What is left at the end.
    fn end(&mut self, answer: &Answer) -> Vec<Spoken> {
        self.finish = answer.finish;
        self.scanner.take().map(Scanner::finish).unwrap_or_default()
    }

    fn keep(&mut self, spoken: Vec<Spoken>) {
        for spoken in spoken {
            match spoken {
                Spoken::Text(text) => self.text.push_str(&text),
                Spoken::Call(call) => self.calls.push(call),
            }
        }
    }

    fn reason(&self) -> &'static str {
        match self.finish {
            Finish::Stop if !self.calls.is_empty() => "tool_calls",
            Finish::Stop => "stop",
            Finish::Length | Finish::Interrupted => "length",
        }
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt, "completion_tokens": usage.drawn, "total_tokens": usage.prompt + usage.drawn,
        "prompt_tokens_details": { "cached_tokens": usage.kept },
    })
}

impl Envelope {
    /// Keeps news of an answer that is handed over as a whole.
    pub fn keep(&mut self, news: News) {
        match news {
            News::Piece(Piece { choice, text, scored }) => {
                let choice = &mut self.choices[choice];
                let spoken = choice.push(text);
                choice.keep(spoken);
                choice.scored.extend(scored);
            }
            News::Ended { choice, answer } => {
                let choice = &mut self.choices[choice];
                let spoken = choice.end(&answer);
                choice.keep(spoken);
            }
            News::Begun | News::Done(_) | News::Failed(_) => {}
        }
    }

    /// The body of an answer as a whole, once all of it was kept.
    pub fn whole(mut self, total: Usage) -> Value {
        let object = match self.endpoint {
            Endpoint::Chat => "chat.completion",
            Endpoint::Completion => "text_completion",
        };
        let choices: Vec<Value> = (0..self.choices.len()).map(|at| self.choice(at)).collect();
        json!({ "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices, "usage": usage(total) })
    }

    fn choice(&mut self, at: usize) -> Value {
        let scored = std::mem::take(&mut self.choices[at].scored);
        let (logprobs, choice) = (self.logprobs(at, &scored), &self.choices[at]);
        if self.endpoint == Endpoint::Completion {
            return json!({ "index": at, "text": choice.text, "logprobs": logprobs, "finish_reason": choice.reason() });
        }
        let mut message = json!({ "role": "assistant", "content": choice.text, "refusal": null });
        if !choice.calls.is_empty() {
            message["tool_calls"] = choice.calls.iter().enumerate().map(|(number, call)| self.call(at, number, call)).collect();
            if choice.text.is_empty() {
                message["content"] = Value::Null;
            }
        }
        json!({ "index": at, "message": message, "logprobs": logprobs, "finish_reason": choice.reason() })
    }

    /// A call in OpenAI's words. Nine letters and digits: the templates of some models insist on it.
    fn call(&self, choice: usize, number: usize, call: &ToolCall) -> Value {
        let mut random = Random::new(self.created ^ self.number << 32 ^ (choice << 8 | number) as u64);
        let id: String = (0..9).map(|_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[random.below(36)])).collect();
        json!({ "id": id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
    }

    /// The scores of some tokens in the endpoint's words, if anybody asked for them.
    fn logprobs(&mut self, at: usize, scored: &[Scored]) -> Value {
        let choice = &mut self.choices[at];
        match (self.telling, self.endpoint) {
            (Telling::Nothing, _) => Value::Null,
            (_, Endpoint::Chat) => scores(scored),
            (Telling::Drawn(top) | Telling::All(top), Endpoint::Completion) => completion_scores(scored, top, &mut choice.offset),
        }
    }

    /// The events that a piece of news becomes in a stream.
    pub fn events(&mut self, news: News) -> Vec<sse::Event> {
        match news {
            News::Begun if self.endpoint == Endpoint::Chat => {
                (0..self.choices.len()).map(|at| self.chunk(at, json!({ "role": "assistant", "content": "" }), Value::Null, None)).collect()
            }
            News::Begun => vec![],
            News::Piece(Piece { choice, text, scored }) => {
                let spoken = self.choices[choice].push(text);
                let logprobs = if scored.is_empty() { Value::Null } else { self.logprobs(choice, &scored) };
                self.pieces(choice, spoken, logprobs)
            }
            News::Ended { choice, answer } => {
                let spoken = self.choices[choice].end(&answer);
                let mut events = self.pieces(choice, spoken, Value::Null);
                let last = match self.endpoint {
                    Endpoint::Chat => json!({}),
                    Endpoint::Completion => json!(""),
                };
                let reason = self.choices[choice].reason();
                events.push(self.chunk(choice, last, Value::Null, Some(reason)));
                events
            }
            News::Done(total) => {
                let figures = (self.delivery == Delivery::StreamWithUsage).then(|| self.event(json!([]), usage(total)));
                figures.into_iter().chain([done()]).collect()
            }
            News::Failed(problem) => vec![failed(&problem), done()],
        }
    }

    /// Chunks of what was spoken; scores go with the first.
    fn pieces(&mut self, at: usize, spoken: Vec<Spoken>, mut logprobs: Value) -> Vec<sse::Event> {
        let mut events = Vec::new();
        for spoken in spoken {
            let piece = match (spoken, self.endpoint) {
                (Spoken::Text(text), Endpoint::Chat) => json!({ "content": text }),
                (Spoken::Text(text), Endpoint::Completion) => json!(text),
                (Spoken::Call(call), _) => {
                    let number = self.choices[at].calls.len();
                    let mut told = self.call(at, number, &call);
                    told["index"] = number.into();
                    self.choices[at].calls.push(call);
                    json!({ "tool_calls": [told] })
                }
            };
            events.push(self.chunk(at, piece, logprobs.take(), None));
        }
        if !logprobs.is_null() {
            let nothing = if self.endpoint == Endpoint::Chat { json!({ "content": "" }) } else { json!("") };
            events.push(self.chunk(at, nothing, logprobs, None));
        }
        events
    }

    fn chunk(&self, at: usize, piece: Value, logprobs: Value, reason: Option<&str>) -> sse::Event {
        let name = match self.endpoint {
            Endpoint::Chat => "delta",
            Endpoint::Completion => "text",
        };
        self.event(json!([{ "index": at, name: piece, "logprobs": logprobs, "finish_reason": reason }]), Value::Null)
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
