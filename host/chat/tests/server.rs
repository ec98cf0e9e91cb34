//! The server over HTTP, as a client meets it.

mod common;

use common::{CHAT, PATIENCE, SLOW, events, post, receive, send, serve, serve_with, settings, until_waiting, with_speaker};
use nda_chat::{Manner, Names, Server, Settings};
use nda_engine::Sampling;
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

const COMPLETE: &str = "/v1/completions";

fn hello(extra: Value) -> Value {
    let mut body = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 20 });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[test]
fn an_answer_is_what_the_model_says_and_is_counted() {
    let server = serve(settings(), Duration::ZERO);
    let (status, answer) = post(server.address, CHAT, &hello(json!({})));
    let expected = with_speaker(&[], Duration::ZERO, |mut speaker, _| {
        let prompt = speaker.plain("u: Hello\na: ").unwrap();
        let manner = Manner { max_tokens: Some(20), ..Manner::new(Sampling::GREEDY) };
        speaker.answer(&prompt, &manner, |_| ControlFlow::Continue(())).unwrap()
    });
    assert_eq!((status, &answer["object"], &answer["model"]), (200, &json!("chat.completion"), &json!("tiny")));
    assert_eq!(answer["choices"][0]["message"], json!({ "role": "assistant", "content": expected.text, "refusal": null }));
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(
        (&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"], &answer["usage"]["total_tokens"]),
        (&json!(12), &json!(20), &json!(32))
    );
    // Again: the KV cache holds all but the last token, and the answer is the same.
    let (_, again) = post(server.address, CHAT, &hello(json!({})));
    assert_eq!((&again["choices"], &again["usage"]["prompt_tokens_details"]["cached_tokens"]), (&answer["choices"], &json!(11)));
    let (_, plain) = post(server.address, COMPLETE, &json!({ "prompt": "u: Hello\na: ", "max_tokens": 20 }));
    assert_eq!((&plain["choices"][0]["text"], &plain["object"]), (&json!(expected.text), &json!("text_completion")));
    let (_, tokens) = post(server.address, COMPLETE, &json!({ "prompt": "u: Hello\na: ".bytes().collect::<Vec<_>>(), "max_tokens": 20 }));
    assert_eq!(tokens["choices"], plain["choices"]);
}

#[test]
fn a_stream_holds_the_same_text_in_pieces_and_ends_with_done() {
    let server = serve(settings(), Duration::ZERO);
    for (path, body) in [(CHAT, hello(json!({}))), (COMPLETE, json!({ "prompt": "She was ", "max_tokens": 20 }))] {
        let (_, whole) = post(server.address, path, &body);
        let mut streamed = body.clone();
        streamed["stream"] = json!(true);
        streamed["stream_options"] = json!({ "include_usage": true });
        let (status, text) = receive(send(server.address, "POST", path, "", &streamed.to_string()));
        let events = events(&text);
        let (end, chunks) = events.split_last().unwrap();
        let (usage, chunks) = chunks.split_last().unwrap();
        assert_eq!((status, end), (200, &json!("[DONE]")));
        assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(20)));
        let is_chat = path == CHAT;
        let piece = |chunk: &Value| {
            let choice = &chunk["choices"][0];
            let text = if is_chat { &choice["delta"]["content"] } else { &choice["text"] };
            text.as_str().unwrap_or_default().to_owned()
        };
        let all: String = chunks.iter().map(piece).collect();
        let expected = if is_chat { &whole["choices"][0]["message"]["content"] } else { &whole["choices"][0]["text"] };
        assert_eq!(&json!(all), expected);
        assert!(chunks.len() > 15, "{} chunks for 20 tokens", chunks.len());
        assert!(chunks.iter().all(|chunk| chunk["usage"].is_null() && chunk["id"] == chunks[0]["id"]));
        assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "length");
        assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
        if is_chat {
            assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        }
    }
    let (_, whole) = post(server.address, CHAT, &hello(json!({})));
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    let stop: String = text.chars().skip(8).take(3).collect();
    let (_, body) = receive(send(server.address, "POST", CHAT, "", &hello(json!({ "stop": ["\u{1}", stop], "stream": true })).to_string()));
    let events = events(&body);
    let all: String = events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(all, text[..text.find(&stop).unwrap()]);
    assert_eq!(events[events.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert!(events.iter().all(|e| e.get("usage").is_none()), "nobody asked for figures");
}

#[test]
fn a_seed_repeats_an_answer_and_requests_without_one_differ() {
    let server = serve(settings(), Duration::ZERO);
    let say = |extra: Value| post(server.address, CHAT, &hello(extra)).1["choices"][0]["message"]["content"].clone();
    let seven = say(json!({ "temperature": 1.5, "seed": 7 }));
    assert_eq!(seven, say(json!({ "temperature": 1.5, "seed": 7 })));
    assert_ne!(seven, say(json!({ "temperature": 1.5, "seed": 8 })));
    assert_ne!(say(json!({ "temperature": 1.5 })), say(json!({ "temperature": 1.5 })));
}

#[test]
fn the_lists_say_what_there_is() {
    let server = serve(settings(), Duration::ZERO);
    let get = |path: &str| {
        let (status, body) = receive(send(server.address, "GET", path, "", ""));
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    assert_eq!(get("/v1/models").1["data"][0]["id"], "tiny");
    assert_eq!(get("/v1/models/tiny").1["object"], "model");
    let idle = json!({ "status": "ok", "model": "tiny", "waiting": 0, "queue": 8, "open": 0, "load": 0.0, "parallel": 8, "context": 256, "cached": 0, "board_jobs": 0 });
    assert_eq!(get("/health"), (200, idle));
    for (path, expected) in [("/v1/models/other", "model_not_found"), ("/v2", "not_found")] {
        let (status, body) = get(path);
        assert_eq!((status, code(&body)), (404, expected));
    }
    let (status, body) = get(CHAT);
    assert_eq!((status, code(&body)), (405, "method_not_allowed"));
}

#[test]
fn a_bad_request_is_told_why_and_harms_nobody() {
    let server = serve(Settings { body_bytes: 4000, names: Names::Own, ..settings() }, Duration::ZERO);
    let long = "x".repeat(300);
    let huge = "x".repeat(5000);
    let good = hello(json!({})).to_string();
    for (status, expected, path, headers, body) in [
        (400, "invalid_json", CHAT, "", "{"),
        (400, "invalid_value", CHAT, "", "{}"),
        (400, "unsupported_value", CHAT, "", &hello(json!({ "audio": {} })).to_string()),
        (400, "context_length_exceeded", CHAT, "", &hello(json!({ "messages": [{ "role": "user", "content": long }] })).to_string()),
        (400, "context_length_exceeded", COMPLETE, "", &json!({ "prompt": long }).to_string()),
        (400, "invalid_value", COMPLETE, "", &json!({ "prompt": "" }).to_string()),
        (400, "invalid_value", COMPLETE, "", &json!({ "prompt": [256] }).to_string()),
        (404, "model_not_found", CHAT, "", &hello(json!({ "model": "gpt-4" })).to_string()),
        (413, "body_too_large", CHAT, "", &hello(json!({ "user": huge })).to_string()),
        (415, "unsupported_media_type", CHAT, "Content-Type: text/plain\r\n", &good),
        (403, "wrong_host", CHAT, "Host: evil.example:80\r\n", &good),
    ] {
        let (found, answer) = receive(send(server.address, "POST", path, headers, body));
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
        assert_eq!((found, code(&answer)), (status, expected), "{answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|m| m.len() > 10) && answer["error"]["type"] == "invalid_request_error");
    }
    // A stream that cannot begin has the same status.
    let streamed = hello(json!({ "stream": true, "messages": [{ "role": "user", "content": long }] }));
    assert_eq!(receive(send(server.address, "POST", CHAT, "", &streamed.to_string())).0, 400);
    assert_eq!(post(server.address, CHAT, &hello(json!({}))).0, 200);
}

#[test]
fn a_full_queue_refuses_at_once_and_serves_those_who_wait() {
    let server = serve(Settings { queue: 1, parallel: 1, ..settings() }, SLOW);
    let body = hello(json!({ "max_tokens": 10 })).to_string();
    let first = send(server.address, "POST", CHAT, "", &hello(json!({ "max_tokens": 10, "stream": true })).to_string());
    // The first is being answered once its head is there; only then does the second wait alone.
    let mut head = [0; 12];
    (&first).read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.0 200");
    let second = send(server.address, "POST", CHAT, "", &body);
    until_waiting(&server, 1, PATIENCE);
    let (status, answer) = receive(send(server.address, "POST", CHAT, "", &body));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, code(&answer), &answer["error"]["type"]), (429, "queue_full", &json!("rate_limit_error")));
    assert_eq!(receive(second).0, 200);
    let mut rest = String::new();
    (&first).read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("data: [DONE]\n\n"), "{rest}");
}

#[test]
fn a_client_that_goes_frees_the_model() {
    let server = serve(Settings { queue: 2, parallel: 1, ..settings() }, SLOW);
    for streams in [true, false] {
        let started = Instant::now();
        let mut stream = send(server.address, "POST", CHAT, "", &hello(json!({ "max_tokens": 240, "stream": streams })).to_string());
        if streams {
            stream.read_exact(&mut [0; 12]).unwrap();
        } else {
            thread::sleep(Duration::from_millis(200));
        }
        drop(stream);
        let (status, _) = post(server.address, CHAT, &hello(json!({ "max_tokens": 1 })));
        assert_eq!(status, 200);
        // 240 tokens rest ten seconds between products alone.
        assert!(started.elapsed() < Duration::from_secs(8), "the model went on for {:?}", started.elapsed());
    }
}

#[test]
fn a_deadline_ends_answers_whole_and_streamed() {
    let server = serve(Settings { deadline: Duration::from_millis(700), ..settings() }, SLOW);
    let (status, answer) = post(server.address, CHAT, &hello(json!({ "max_tokens": 240 })));
    assert_eq!((status, code(&answer)), (504, "timeout"));
    let (status, body) = receive(send(server.address, "POST", CHAT, "", &hello(json!({ "max_tokens": 240, "stream": true })).to_string()));
    let events = events(&body);
    let [.., error, done] = events.as_slice() else { panic!("{body}") };
    assert_eq!((status, code(error), done), (200, "timeout", &json!("[DONE]")));
    assert!(events.len() > 2, "{body}");
}

#[test]
fn without_a_template_there_are_completions_and_no_chats() {
    let server = serve_with(settings(), Duration::ZERO, &[]);
    let (status, answer) = post(server.address, CHAT, &hello(json!({})));
    assert_eq!((status, code(&answer)), (400, "no_chat_template"));
    assert_eq!(post(server.address, COMPLETE, &json!({ "prompt": "She" })).0, 200);
    let refusing = serve_with(settings(), Duration::ZERO, &[("chat_template", "{{ raise_exception('Only poems') }}")]);
    let (status, answer) = post(refusing.address, CHAT, &hello(json!({})));
    assert_eq!((status, code(&answer)), (400, "invalid_messages"));
    assert!(answer["error"]["message"].as_str().unwrap().contains("Only poems"), "{answer}");
}

#[test]
fn a_port_that_is_taken_is_an_error_with_its_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Server::bind(Settings::new("tiny", port)).unwrap_err();
    assert_eq!(error.place(), format!("127.0.0.1:{port}"));
}
