//! Several requests at once: each has the answer that it has alone, none waits for another's end, and none is more than were granted.

mod common;

use common::{CHAT, PATIENCE, Running, SLOW, TEMPLATE, post, receive, send, serve, serve_with, settings, until_waiting};
use nda_chat::Settings;
use serde_json::{Value, json};
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

/// A longer context than the model was trained with: what it says there is nonsense, and in form.
const ROOMY: &[(&str, &str)] = &[("chat_template", TEMPLATE), ("context", "2048")];

fn tool() -> Value {
    let parameters = json!({ "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": "integer", "minimum": 0, "maximum": 99 } } });
    json!([{ "type": "function", "function": { "name": "push", "description": "Moves a thing.", "parameters": parameters } }])
}

/// Requests of every kind, each with a seed: plain, with scores, of several answers, with penalties, in a form, with tools, of a long prompt.
fn requests() -> Vec<Value> {
    let long = "She said that it was not so. ".repeat(40);
    let extras = [
        json!({}),
        json!({ "logprobs": true, "top_logprobs": 3 }),
        json!({ "n": 2, "max_tokens": 20 }),
        json!({ "frequency_penalty": 0.8, "top_p": 0.9 }),
        json!({ "response_format": { "type": "json_object" }, "max_tokens": 120 }),
        json!({ "tools": tool(), "tool_choice": "required", "max_tokens": 400 }),
        json!({ "messages": [{ "role": "user", "content": long }] }),
        json!({ "stop": ["e"], "temperature": 1.4 }),
        json!({ "logit_bias": { "101": -5 }, "max_tokens": 200 }),
    ];
    let whole = |(seed, extra): (usize, Value)| {
        let content = format!("Request {seed}: say something.");
        let mut body = json!({ "messages": [{ "role": "user", "content": content }], "temperature": 1, "seed": seed, "max_tokens": 60 });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    extras.into_iter().enumerate().map(whole).collect()
}

/// What an answer says, without what differs from request to request.
fn said(body: &Value, server: &Running) -> Value {
    let (status, mut answer) = post(server.address, CHAT, body);
    assert_eq!(status, 200, "{answer}");
    for choice in answer["choices"].as_array_mut().unwrap() {
        if let Some(calls) = choice["message"]["tool_calls"].as_array_mut() {
            calls.iter_mut().for_each(|call| call["id"] = Value::Null);
        }
    }
    json!([answer["choices"], answer["usage"]["completion_tokens"]])
}

#[test]
fn seeded_answers_of_every_kind_are_those_of_requests_alone() {
    let requests = requests();
    let alone: Vec<Value> = {
        let server = serve_with(Settings { parallel: 1, ..settings() }, Duration::ZERO, ROOMY);
        requests.iter().map(|body| said(body, &server)).collect()
    };
    for parallel in [2, 9] {
        let server = serve_with(Settings { parallel, queue: 40, ..settings() }, Duration::ZERO, ROOMY);
        for _ in 0..2 {
            let server = &server;
            let found: Vec<Value> = thread::scope(|scope| {
                let ask = |body| scope.spawn(move || said(body, server));
                let asked: Vec<_> = requests.iter().map(ask).collect();
                asked.into_iter().map(|asked| asked.join().unwrap()).collect()
            });
            for (number, (found, alone)) in found.iter().zip(&alone).enumerate() {
                assert_eq!(found, alone, "request {number} of {parallel} at once");
            }
        }
    }
}

fn hello(max_tokens: usize) -> Value {
    json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": max_tokens })
}

/// A request that is answered as a whole.
fn asking(server: &Running, max_tokens: usize) -> std::net::TcpStream {
    send(server.address, "POST", CHAT, "", &hello(max_tokens).to_string())
}

/// A stream whose first bytes are there.
fn streaming(server: &Running) -> std::net::TcpStream {
    let mut body = hello(240);
    body["stream"] = json!(true);
    let mut stream = send(server.address, "POST", CHAT, "", &body.to_string());
    stream.read_exact(&mut [0; 12]).unwrap();
    stream
}

#[test]
fn a_short_answer_does_not_wait_for_a_long_one_to_end() {
    let server = serve(settings(), SLOW);
    let started = Instant::now();
    let long = streaming(&server);
    assert_eq!(receive(asking(&server, 3)).0, 200);
    let short = started.elapsed();
    let mut rest = String::new();
    (&long).read_to_string(&mut rest).unwrap();
    let whole = started.elapsed();
    assert!(rest.ends_with("data: [DONE]\n\n"), "{rest}");
    // 240 tokens rest ten seconds between products, some twenty of the short one's prompt and answer a second or two.
    assert!(2 * short < whole, "the short answer took {short:?}, the long one {whole:?}");
}

#[test]
fn texts_get_their_tokens_in_turn() {
    let server = serve(Settings { parallel: 4, ..settings() }, SLOW);
    let counts: Vec<usize> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = streaming(&server);
                    let until = Instant::now() + Duration::from_secs(4);
                    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                    let (mut text, mut some) = (Vec::new(), [0; 512]);
                    while Instant::now() < until {
                        if let Ok(count) = stream.read(&mut some) {
                            text.extend_from_slice(&some[..count]);
                        }
                    }
                    String::from_utf8_lossy(&text).matches("data: ").count()
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*least >= 5 && 2 * least >= *most, "tokens of four clients: {counts:?}");
}

#[test]
fn no_more_are_answered_and_wait_than_were_granted() {
    let server = serve(Settings { parallel: 2, queue: 1, ..settings() }, SLOW);
    let (first, _second) = (streaming(&server), streaming(&server));
    let third = asking(&server, 2);
    until_waiting(&server, 1, PATIENCE);
    let (status, answer) = receive(asking(&server, 2));
    assert!(status == 429 && answer.contains("\"queue_full\""), "{status}: {answer}");
    // Whoever goes makes room for the one that waits, long before the other long answer is over.
    drop(first);
    assert_eq!(receive(third).0, 200);
}

#[test]
fn clients_that_go_in_the_midst_leave_the_others_answers_as_they_are() {
    let server = serve(Settings { parallel: 6, ..settings() }, Duration::from_micros(100));
    let ask = |seed: usize| json!({ "messages": [{ "role": "user", "content": format!("Number {seed}") }], "max_tokens": 100, "temperature": 1, "seed": seed });
    let alone: Vec<Value> = (0..3).map(|seed| said(&ask(seed), &server)).collect();
    for _ in 0..5 {
        let found: Vec<Value> = thread::scope(|scope| {
            let leave: Vec<_> = (0..3).map(|_| scope.spawn(|| drop(streaming(&server)))).collect();
            let server = &server;
            let asked: Vec<_> = (0..3).map(|seed| scope.spawn(move || said(&ask(seed), server))).collect();
            leave.into_iter().for_each(|gone| gone.join().unwrap());
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        assert_eq!(found, alone);
    }
    assert_eq!(receive(asking(&server, 2)).0, 200);
}
