//! 'nda chat' and 'nda serve' as a person runs them.

#[path = "../../chat/tests/common/mod.rs"]
mod common;

use common::{TEMPLATE, post, tiny};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NDA: &str = env!("CARGO_BIN_EXE_nda");

/// The tiny model with a chat template, in a folder of its own.
fn model() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.ndf");
    fs::write(&path, &*tiny(&[("chat_template", TEMPLATE), ("name", "tiny")])).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The same model with a program that takes minutes for every call but the first, which reads the prompt: nothing asks for Ctrl-C
/// meanwhile.
fn slow_model(folder: &Path, model: &str) -> String {
    let start = "    let count = len(tokens);\n";
    let delay = "    let turns = 0;\n    if position > 0 {\n        loop 200000000000 as turn {\n            turns = turns + turn % 3;\n        }\n    }\n";
    let source = nda_engine::LLAMA;
    assert_eq!(source.matches(start).count(), 1, "the forward pass begins otherwise");
    let (program, slow) = (folder.join("slow.nda"), folder.join("slow.ndf"));
    let wanted = format!("{start}{delay}    expect(turns >= 0, \"{{turns}} turns\");\n");
    fs::write(&program, source.replace(start, &wanted)).unwrap();
    let output = Command::new(NDA).args(["convert", model]).arg(&slow).arg("--program").arg(&program).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    slow.to_str().unwrap().to_owned()
}

/// A chat whose input is a pipe.
fn chat(model: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(NDA);
    command.args(["chat", model]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn every_line_of_a_pipe_is_a_turn() {
    let (_folder, model) = model();
    let talk = chat(&model, &["--max-tokens", "8", "--system", "Be old."], "Hello\n\nAnd?\n/reset\nHello\n/nothing\n/exit\nnever said\n");
    assert!(talk.status.success(), "{}", text(&talk.stderr));
    let (said, notes) = (text(&talk.stdout), text(&talk.stderr));
    assert!(notes.contains("no command '/nothing'") && notes.matches("cut after 8 tokens").count() == 3, "{notes}");
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
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf");
    for (code, model, arguments, input, expected) in [
        (3, plain.to_str().unwrap(), &[][..], "Hello\n", "no chat template"),
        (2, &model, &[][..], &"x".repeat(400), "context has 256"),
        (2, &model, &["--max-tokens", "0"][..], "Hello\n", "no answer"),
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

/// Ends a server that a failed test leaves behind.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_answers_and_ends_with_ctrl_c() {
    let (_folder, model) = model();
    let mut command = Command::new(NDA);
    command.args(["serve", &model, "--port", "0", "--queue", "2"]).stdout(Stdio::piped());
    let mut serving = Serving(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("tiny on http://").and_then(|rest| rest.strip_suffix("/v1")).unwrap_or_else(|| panic!("{line}"));
    let address = address.parse().unwrap();
    let (status, answer) = post(address, "/v1/completions", &json!({ "model": "tiny", "prompt": "She was ", "max_tokens": 5 }));
    assert_eq!((status, &answer["usage"]["completion_tokens"]), (200, &json!(5)));
    let taken = Command::new(NDA).args(["serve", &model, "--port", &format!("{}", port(address))]).output().unwrap();
    assert_eq!(taken.status.code(), Some(1), "{}", text(&taken.stderr));
    assert!(Command::new("kill").args(["-INT", &serving.0.id().to_string()]).status().unwrap().success());
    let until = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = serving.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "Ctrl-C did not end the server");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}

fn port(address: std::net::SocketAddr) -> u16 {
    address.port()
}
