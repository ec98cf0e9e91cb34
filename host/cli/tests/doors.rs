//! Who may ask a server, by what name, and what a prompt's control tokens are.
#![cfg(feature = "serve")]

mod models;

use models::common::{CHAT, post, receive, send};
use models::{NDA, Running, heeding_signals, model, serve, serving, text};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

const HELLO: &str = r#"{ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 3 }"#;

/// A server that all machines reach, and what it has said when it began.
fn shared(model: &str, more: &[&str], key: &str) -> (Running, SocketAddr, String) {
    let mut command = heeding_signals();
    command.args(["serve", model, "--port", "0", "--host", "0.0.0.0"]).args(more).env("NDA_API_KEY", key).stderr(Stdio::piped());
    let (mut running, address, _) = serving(&mut command);
    running.signal("INT");
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (running, address, said)
}

#[test]
fn a_server_that_others_reach_asks_for_a_key_and_warns_aloud() {
    let (folder, model) = model();
    let without = Command::new(NDA).args(["serve", &model, "--port", "0", "--host", "0.0.0.0"]).env_remove("NDA_API_KEY").output().unwrap();
    let said = text(&without.stderr);
    assert!(without.status.code() == Some(2) && said.contains("0.0.0.0") && said.contains("no API key"), "{said}");

    let elsewhere = Command::new(NDA).args(["serve", &model, "--port", "0", "--host", "my-machine"]).output().unwrap();
    let said = text(&elsewhere.stderr);
    assert!(elsewhere.status.code() == Some(2) && said.contains("my-machine") && said.contains("or localhost"), "{said}");
    let (_here, address, _) = serving(&mut serve(&model, &["--host", "localhost"]));
    assert!(address.is_ipv4() && address.ip().is_loopback(), "{address}");

    let (_ended, address, said) = shared(&model, &["--cors", "*"], "secret");
    let reached = format!("WARNING: other machines reach {address}");
    assert!(said.contains(&reached) && said.contains("nothing is encrypted") && said.contains("WARNING: every page"), "{said}");

    let key = folder.path().join("key");
    fs::write(&key, "secret\n").unwrap();
    let (_running, address, _) = serving(&mut serve(&model, &["--api-key-file", key.to_str().unwrap(), "--alias", "mine"]));
    let ask = |headers: &str| receive(send(address, "POST", CHAT, headers, HELLO));
    assert_eq!((ask("").0, ask("Authorization: Bearer other\r\n").0), (401, 401));
    let (status, answer) = ask("Authorization: Bearer secret\r\n");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["model"]), (200, &json!("mine")));
}

#[test]
fn texts_of_control_tokens_in_a_prompt_are_these_tokens_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let gguf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../convert/tests/models/llama.gguf");
    let document = folder.path().join("model.ndf");
    let made = Command::new(NDA).arg("convert").arg(gguf).arg(&document).args(["--weights", "f32"]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let (_running, address, _) = serving(&mut serve(document.to_str().unwrap(), &[]));
    let complete = |extra: Value| {
        let mut body = json!({ "prompt": "<|im_start|>user\nHi<|im_end|>\n", "max_tokens": 8, "temperature": 0, "ignore_eos": true });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (status, answer) = post(address, "/v1/completions", &body);
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let said = |answer: &Value| answer["choices"][0]["text"].clone();
    let (_, told) = post(address, "/tokenize", &json!({ "prompt": "<|im_start|>user\nHi<|im_end|>\n", "add_special_tokens": false }));
    let [plain, recognised] = [complete(json!({})), complete(json!({ "parse_special": true }))];
    let tokens = complete(json!({ "prompt": told["tokens"] }));
    assert_eq!((&recognised["usage"]["prompt_tokens"], said(&recognised)), (&tokens["usage"]["prompt_tokens"], said(&tokens)));
    assert!(plain["usage"]["prompt_tokens"].as_u64() > recognised["usage"]["prompt_tokens"].as_u64());
    assert_ne!(said(&plain), said(&recognised));
}
