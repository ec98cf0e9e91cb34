//! Ends: SIGTERM and SIGHUP end what runs as Ctrl-C does, within five seconds and with a last word to whoever listens.

mod models;

use models::common::{PATIENCE, events, post, receive, send};
use models::{NDA, Running, heeding_signals, model, serve, serving, slow_model};
use serde_json::json;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
/// The promise.
const IN_TIME: Duration = Duration::from_secs(5);

fn hello(streams: bool) -> String {
    json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 200, "stream": streams }).to_string()
}

#[test]
fn every_signal_ends_a_server_in_the_midst_of_a_stream_with_a_last_event() {
    let (_folder, model) = model();
    for name in ["INT", "TERM", "HUP"] {
        // The simulated link makes tokens slow enough to be in the midst of an answer.
        let (mut server, address, _) = serving(&mut serve(&model, &["--backend", "loopback"]));
        let mut stream = send(address, "POST", CHAT, "", &hello(true));
        stream.read_exact(&mut [0; 12]).unwrap();
        server.signal(name);
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let events = events(&text);
        let [.., error, done] = events.as_slice() else { panic!("{name}: {text}") };
        assert_eq!((&error["error"]["code"], done), (&json!("shutting_down"), &json!("[DONE]")), "{name}");
        assert_eq!(server.ended(IN_TIME).code(), Some(0), "{name}");
    }
}

#[test]
fn a_signal_ends_a_server_whose_model_is_in_the_midst_of_a_token() {
    let (folder, model) = model();
    let slow = slow_model(folder.path(), &model);
    // One that waits behind the other, and both at once.
    for (parallel, taken) in [("1", "\"waiting\":1,"), ("2", "\"waiting\":0,\"queue\":8,\"open\":2,")] {
        let (mut server, address, _) = serving(&mut serve(&slow, &["--parallel", parallel]));
        let requests = [true, false].map(|streams| send(address, "POST", CHAT, "", &hello(streams)));
        let until = std::time::Instant::now() + PATIENCE;
        while !receive(send(address, "GET", "/health", "", "")).1.contains(taken) {
            assert!(std::time::Instant::now() < until, "the model took no request");
        }
        // Past the prompt, in the midst of the first token.
        std::thread::sleep(Duration::from_secs(2));
        server.signal("TERM");
        for request in requests {
            let (status, body) = receive(request);
            assert!(status == 503 && body.contains("\"shutting_down\""), "{status}: {body}");
        }
        assert_eq!(server.ended(IN_TIME).code(), Some(143), "{parallel} at once");
    }
}

#[test]
fn a_server_that_is_to_outlive_its_terminal_does() {
    let (_folder, model) = model();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" serve \"$1\" --port 0", NDA, &model]);
    let (mut server, address, _) = serving(&mut command);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(post(address, "/v1/completions", &json!({ "prompt": "She", "max_tokens": 2 })).0, 200);
    server.signal("TERM");
    assert_eq!(server.ended(IN_TIME).code(), Some(0));
}

#[test]
fn a_chat_in_a_pipe_ends_with_a_signal_in_the_midst_of_an_answer() {
    let (folder, model) = model();
    let slow = slow_model(folder.path(), &model);
    for (model, backend, name, code) in [(&model, "loopback", "TERM", 143), (&model, "loopback", "HUP", 129), (&slow, "cpu", "TERM", 143)] {
        let mut command = heeding_signals();
        command.args(["chat", model, "--backend", backend]).stdin(Stdio::piped());
        let mut chat = Running::start(&mut command);
        chat.0.stdin.as_mut().unwrap().write_all(b"Hello\n").unwrap();
        if backend == "cpu" {
            std::thread::sleep(Duration::from_secs(1));
        } else {
            chat.0.stdout.as_mut().unwrap().read_exact(&mut [0; 2]).unwrap();
        }
        chat.signal(name);
        assert_eq!(chat.ended(IN_TIME).code(), Some(code), "{name} on {backend}");
    }
}

#[test]
fn every_signal_ends_work_that_nobody_waits_for_at_once() {
    let (folder, model) = model();
    let slow = slow_model(folder.path(), &model);
    let text = folder.path().join("text");
    std::fs::write(&text, "She was not the same side of the house. ".repeat(20)).unwrap();
    let text = text.to_str().unwrap();
    for arguments in [&["run", &slow, "--prompt", "She was"][..], &["eval", &slow, "--text", text]] {
        for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            let mut running = Running::start(heeding_signals().args(arguments));
            std::thread::sleep(Duration::from_millis(400));
            running.signal(name);
            assert_eq!(running.ended(IN_TIME).signal(), Some(number), "{arguments:?}, SIG{name}");
        }
    }
}
