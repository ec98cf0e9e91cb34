//! 'nda chat' and 'nda serve' as a person runs them.

mod models;

use models::common::post;
use models::{NDA, PLAIN, model, nda, serve, serving, slow_model, text};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// A chat whose input is a pipe.
fn chat(model: &str, arguments: &[&str], input: &str) -> Output {
    nda(&[&["chat", model], arguments].concat(), input.as_bytes())
}

#[test]
fn every_line_of_a_pipe_is_a_turn() {
    let (_folder, model) = model();
    let talk = chat(
        &model,
        &["--max-tokens", "8", "--system", "Be old."],
        "Hello\n\nAnd?\n/reset\n\"\"\"\nHello\n\"\"\"\n/nothing\n/exit\nnever said\n",
    );
    assert!(talk.status.success(), "{}", text(&talk.stderr));
    let (said, notes) = (text(&talk.stdout), text(&talk.stderr));
    assert!(notes.contains("no such command: '/nothing'") && notes.matches("cut after 8 tokens").count() == 3, "{notes}");
    let completed = |prompt: &str| {
        let output = Command::new(NDA).args(["run", &model, "--json", "--max-tokens", "8", "--prompt", prompt]).output().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        value["text"].as_str().unwrap().to_owned()
    };
    let first = completed("s: Be old.\nu: Hello\na: ");
    let second = completed(&format!("s: Be old.\nu: Hello\na: {first}\nu: And?\na: "));
    assert_eq!(said, format!("{first}\n{second}\n{first}\n"));
}

#[test]
fn a_chat_that_cannot_be_held_says_why() {
    let (_folder, model) = model();
    for (code, model, arguments, input, expected) in [
        (3, PLAIN, &[][..], "Hello\n", "no chat template"),
        (2, &model, &[][..], &"x".repeat(400), "context has 256"),
        (2, &model, &["--max-tokens", "0"][..], "Hello\n", "at least 1 token"),
        (1, &model, &[][..], &"x".repeat(2 << 20), "more than 1048576 bytes"),
    ] {
        let output = chat(model, arguments, input);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected) && said.contains("\n  at: ") && said.contains("\n  help: "), "{said}");
    }
}

#[test]
fn ctrl_c_ends_the_answer_and_not_the_program() {
    let (folder, model) = model();
    let slow = slow_model(folder.path(), &model);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal.py");
    let output = match Command::new("python3").arg(script).args([NDA, &model, &slow]).output() {
        Ok(output) => output,
        Err(error) => return nda_tests::skip("Ctrl-C in a terminal", format_args!("python3 gives the test its terminal: {error}")),
    };
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && said.contains("all claims hold"), "{said}");
}

#[test]
fn a_server_answers_and_ends_with_ctrl_c() {
    let (_folder, model) = model();
    let (mut server, address, line) = serving(&mut serve(&model, &["--queue", "2"]));
    assert!(line.starts_with("tiny on "), "{line}");
    let (status, answer) = post(address, "/v1/completions", &json!({ "model": "tiny", "prompt": "She was ", "max_tokens": 5 }));
    assert_eq!((status, &answer["usage"]["completion_tokens"]), (200, &json!(5)));
    let taken = Command::new(NDA).args(["serve", &model, "--port", &address.port().to_string()]).output().unwrap();
    assert_eq!(taken.status.code(), Some(1), "{}", text(&taken.stderr));
    server.signal("INT");
    assert_eq!(server.ended(Duration::from_secs(5)).code(), Some(0));
}
