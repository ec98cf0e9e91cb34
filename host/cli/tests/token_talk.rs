//! 'nda chat' and 'nda serve' in whole tokens: a device's answers are those of the CPU in the same integers.

mod models;

use models::common::{CHAT, post, receive, send};
use models::{NDA, model, nda, serve, serving, text};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;

const BOARD: [&str; 2] = ["--backend", "loopback:token1024"];
const CPU: [&str; 2] = ["--offload", "token"];

fn said(model: &str, arguments: &[&str], input: &str) -> String {
    let output = nda(&[&["chat", model, "--max-tokens", "40"], arguments].concat(), input.as_bytes());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn completed(model: &str, prompt: &str, max_tokens: &str) -> String {
    let output = Command::new(NDA)
        .args(["run", model, "--json", "--offload", "token", "--max-tokens", max_tokens, "--prompt", prompt])
        .output()
        .unwrap();
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["text"].as_str().unwrap().to_owned()
}

/// Greedy and drawn; the second turn goes on from the first, and `/reset` begins anew.
#[test]
fn a_conversation_on_a_device_is_the_cpus_to_the_letter() {
    let (_folder, model) = model();
    let turns = "Hello\nAnd what did she say to him then?\n/reset\nHello\n";
    let drawn = ["--temperature", "0.8", "--seed", "5"];
    // Of these the device gives rows of logits, and the host draws.
    let chosen = ["--temperature", "0.8", "--seed", "5", "--top-k", "4"];
    let cases: [&[&str]; 3] = [&[], &drawn, &chosen];
    let texts = cases.map(|sampling| {
        let [board, cpu] = [BOARD, CPU].map(|whose| said(&model, &[&whose[..], sampling].concat(), turns));
        assert_eq!(board, cpu, "{sampling:?}");
        board
    });
    assert!(texts[0] != texts[1] && texts[1] != texts[2]);
    let first = completed(&model, "u: Hello\na: ", "40");
    let second = completed(&model, &format!("u: Hello\na: {first}\nu: And what did she say to him then?\na: "), "40");
    assert_eq!(texts[0], format!("{first}\n{second}\n{first}\n"));
    assert_ne!(said(&model, &["--offload", "gemv"], turns), texts[0], "floats are another form of the model");
}

#[test]
fn what_a_conversation_in_whole_tokens_cannot_do_is_refused_with_the_way_out() {
    let (folder, model) = model();
    let file = folder.path().join("talk.kv");
    let file = file.to_str().unwrap();
    for (arguments, expected) in [
        (&["--offload", "token", "--save", file][..], "leave --save and --resume out"),
        (&["--offload", "token", "--kv", "b2"], "leave --kv out"),
        (&["--offload", "token", "--backend", "loopback:wide256"], "no token machine"),
    ] {
        let output = nda(&[&["chat", &model], arguments].concat(), b"Hello\n");
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{arguments:?}: {said}");
    }
    // A conversation that is kept is one in floats, on any board.
    let saved = said(&model, &["--backend", "loopback:token1024", "--save", file], "Hello\n");
    assert_eq!(saved, said(&model, &["--backend", "cpu"], "Hello\n"));
}

fn choices(address: SocketAddr, path: &str, request: &Value) -> Value {
    let (status, answer) = post(address, path, request);
    assert_eq!(status, 200, "{request}: {answer}");
    json!({ "choices": answer["choices"], "usage": answer["usage"] })
}

/// Requests that a device meets by itself, and those for which it gives a row of logits per token.
fn requests() -> Vec<(&'static str, Value)> {
    let prompt = "She was not the first of them, and he said to her: ";
    let plain = |more: Value| {
        let mut request = json!({ "prompt": prompt, "max_tokens": 24, "temperature": 0.0, "seed": 3 });
        more.as_object().unwrap().iter().for_each(|(key, value)| request[key] = value.clone());
        ("/v1/completions", request)
    };
    let talk = json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 30, "temperature": 0.9, "seed": 8 });
    vec![
        plain(json!({})),
        plain(json!({ "temperature": 0.8 })),
        plain(json!({ "temperature": 0.8, "n": 2 })),
        plain(json!({ "temperature": 0.8, "stop": ["e "] })),
        plain(json!({ "stop_token_ids": [101] })),
        plain(json!({ "prompt": format!("{}{prompt}", "And so it went on. ".repeat(7)), "max_tokens": 500 })),
        plain(json!({ "temperature": 0.8, "logprobs": 3 })),
        plain(json!({ "logprobs": 2, "echo": true, "max_tokens": 4 })),
        plain(json!({ "temperature": 0.8, "top_k": 3 })),
        plain(json!({ "temperature": 0.8, "top_p": 0.5 })),
        plain(json!({ "logit_bias": { "101": -100 } })),
        plain(json!({ "frequency_penalty": 1.5, "presence_penalty": 0.5 })),
        plain(json!({ "temperature": 0.8, "grammar": "root ::= [0-9]+ \".\"" })),
        (CHAT, talk),
    ]
}

#[test]
fn a_server_on_a_device_answers_every_request_as_the_cpu_does() {
    let (_folder, model) = model();
    let (_board, on_board, _) = serving(&mut serve(&model, &BOARD));
    let (_cpu, on_cpu, _) = serving(&mut serve(&model, &CPU));
    let mut answers = Vec::new();
    for (path, request) in requests() {
        let [found, expected] = [on_board, on_cpu].map(|address| choices(address, path, &request));
        assert_eq!(found, expected, "{request}");
        answers.push(found);
    }
    let text = |at: usize| answers[at]["choices"][0]["text"].as_str().unwrap();
    // Who looks at scores gets the tokens that come without looking.
    assert_eq!(text(6), text(1));
    assert_ne!(text(0), text(1));
    assert!(!text(10).contains('e') && text(0).contains('e'), "{} / {}", text(10), text(0));
    assert!(text(1).starts_with(text(3)) && answers[3]["choices"][0]["finish_reason"] == "stop", "{}", answers[3]);
    let (_, page) = receive(send(on_board, "GET", "/metrics", "", ""));
    let count = |name: &str| -> f64 {
        let line = page.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} is not in\n{page}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(count("nda_products_total{place=\"cpu\"}"), 0.0);
    assert!(count("nda_products_total{place=\"board\"}") > 0.0 && count("nda_board_cycles_total") > 0.0);
}
