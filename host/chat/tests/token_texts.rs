//! Several requests at once in whole tokens: a step takes a token of each, and each has the answer that it has alone.

mod common;
#[path = "../../engine/tests/common/several.rs"]
mod several;

use common::{CHAT, Running, TEMPLATE, post, receive, send, settings, tiny};
use nda_chat::{Dialect, Server, Settings, Speaker};
use nda_engine::{TokenModel, TokenSession, Weights};
use nda_ndf::Document;
use serde_json::{Value, json};
use several::{Several, Steps};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// Tokens of a prompt and its answer, at most: more than the ring has positions.
const CONTEXT: usize = 900;

/// Serves the tiny model in whole tokens on a machine that holds at most this many texts.
fn serve(settings: Settings, texts: usize, rest: Duration, steps: &Arc<Steps>) -> Running {
    let server = Server::bind(settings).unwrap();
    let (address, handle, steps) = (server.address(), server.handle(), Arc::clone(steps));
    let thread = thread::spawn(move || {
        let bytes = tiny(&[("chat_template", TEMPLATE)]);
        let document = Document::open(&bytes).unwrap();
        let weights = Weights::new(&document).unwrap();
        let mut gemv = Several::new(texts, rest, steps);
        let model = TokenModel::prepare_texts(&weights, &mut gemv, 8).unwrap();
        let dialect = Dialect::new(document.metadata(), &weights).ok();
        let session = TokenSession::new(&model, &mut gemv).unwrap();
        server.run(&mut Speaker::of_tokens(session, CONTEXT), dialect.as_ref())
    });
    Running::new(address, handle, thread)
}

/// Requests with seeds: drawn by the machine, by scores, greedy, with penalties, of several answers, of prompts longer than a step.
fn requests() -> Vec<Value> {
    let long = "She said that it was not so. ".repeat(12);
    let extras = [
        json!({}),
        json!({ "logprobs": true, "top_logprobs": 3 }),
        json!({ "temperature": 0 }),
        json!({ "frequency_penalty": 0.8, "top_p": 0.9 }),
        json!({ "n": 2, "max_tokens": 20 }),
        json!({ "messages": [{ "role": "user", "content": long }] }),
        json!({ "stop": ["e"], "temperature": 1.4 }),
        json!({ "response_format": { "type": "json_object" }, "max_tokens": 40 }),
    ];
    let whole = |(seed, extra): (usize, Value)| {
        let content = format!("Request {seed}: say something.");
        let mut body = json!({ "messages": [{ "role": "user", "content": content }], "temperature": 1, "seed": seed, "max_tokens": 30 });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    extras.into_iter().enumerate().map(whole).collect()
}

/// What an answer says, without what differs from request to request.
fn said(body: &Value, server: &Running) -> Value {
    let (status, answer) = post(server.address, CHAT, body);
    assert_eq!(status, 200, "{answer}");
    json!([answer["choices"], answer["usage"]["completion_tokens"]])
}

fn at_once(requests: &[Value], server: &Running) -> Vec<Value> {
    thread::scope(|scope| {
        let asked: Vec<_> = requests.iter().map(|body| scope.spawn(move || said(body, server))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    })
}

#[test]
fn eight_clients_get_the_answers_that_each_gets_alone() {
    let (requests, steps) = (requests(), Arc::<Steps>::default());
    let alone: Vec<Value> = {
        let server = serve(settings(), 1, Duration::ZERO, &steps);
        requests.iter().map(|body| said(body, &server)).collect()
    };
    for texts in [2, 8] {
        let steps = Arc::<Steps>::default();
        let server = serve(Settings { queue: 40, ..settings() }, texts, Duration::from_millis(2), &steps);
        for _ in 0..2 {
            for (number, (found, alone)) in at_once(&requests, &server).iter().zip(&alone).enumerate() {
                assert_eq!(found, alone, "request {number} of {texts} at once");
            }
        }
        let most = steps.most_texts.load(Ordering::Relaxed);
        assert!(2 <= most && most <= texts, "{most} texts in a step, at most {texts}");
        let (_, health) = receive(send(server.address, "GET", "/health", "", ""));
        assert!(health.contains(&format!("\"parallel\":{texts}")), "{health}");
    }
}

#[test]
fn no_more_are_answered_at_once_than_are_wanted() {
    let steps = Arc::<Steps>::default();
    let server = serve(Settings { parallel: 3, queue: 40, ..settings() }, 8, Duration::from_millis(1), &steps);
    at_once(&requests(), &server);
    assert_eq!(steps.most_texts.load(Ordering::Relaxed), 3);
}

#[test]
fn a_conversation_goes_on_where_it_stands_while_others_are_answered() {
    let steps = Arc::<Steps>::default();
    let server = serve(settings(), 8, Duration::ZERO, &steps);
    let first = json!({ "prompt": "She was", "max_tokens": 10, "temperature": 0 });
    let (_, answer) = post(server.address, "/v1/completions", &first);
    let text = answer["choices"][0]["text"].as_str().unwrap();
    at_once(&requests()[..3], &server);
    let next = json!({ "prompt": format!("She was{text} and"), "max_tokens": 5, "temperature": 0 });
    let (_, answer) = post(server.address, "/v1/completions", &next);
    // The last token of the first answer has not gone in.
    let kept = answer["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap();
    assert!(kept >= 16, "{answer}");
    // A prompt that begins differently leaves nothing of a ring to go on from.
    let other = json!({ "prompt": "She wanted", "max_tokens": 2, "temperature": 0 });
    let (_, answer) = post(server.address, "/v1/completions", &other);
    assert_eq!(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 0, "{answer}");
}
