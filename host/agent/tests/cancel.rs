//! A call that its client cancels ends its command and writes nothing, said in the protocol's own lines.

#![allow(clippy::disallowed_methods, reason = "tests make the files that they are about")]

mod common;

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A client that writes and reads lines.
struct Client {
    server: Child,
    says: Option<ChildStdin>,
    hears: Lines<BufReader<ChildStdout>>,
}

impl Client {
    /// Greets a server on this project; it can be asked.
    fn start(root: &Path) -> Client {
        let home = root.parent().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nda-agent-server"));
        command.arg(root).env("HOME", home).env("XDG_RUNTIME_DIR", home).env("XDG_STATE_HOME", home);
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let hears = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut client = Client { says: server.stdin.take(), hears, server };
        let capabilities = json!({ "elicitation": { "form": {} } });
        let hello =
            json!({ "protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": { "name": "raw", "version": "1" } });
        client.say(&json!({ "id": 1, "method": "initialize", "params": hello }));
        client.hear(|line| line["id"] == 1 && line["result"].is_object());
        client.say(&json!({ "method": "notifications/initialized" }));
        client
    }

    fn say(&mut self, message: &Value) {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        writeln!(self.says.as_mut().unwrap(), "{message}").unwrap();
    }

    fn call(&mut self, id: u32, tool: &str, arguments: Value) {
        self.say(&json!({ "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } }));
    }

    fn cancel(&mut self, id: u32) {
        self.say(&json!({ "method": "notifications/cancelled", "params": { "requestId": id, "reason": "a test" } }));
    }

    /// The next line that is this.
    fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        self.hears.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).find(is_it).expect("the server goes on")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.says.take());
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Whether a process with this command line runs.
fn runs(line: &[u8]) -> bool {
    let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.into_iter().any(|other| other == line)
}

/// Waits until something holds, for ten seconds at most.
fn soon(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !holds() && start.elapsed().as_secs() < 10 {
        std::thread::sleep(Duration::from_millis(5));
    }
    holds()
}

#[test]
fn a_cancelled_run_ends_and_a_rule_that_allows_everything_writes_nothing_of_it() {
    const SLEEP: &[u8] = b"sleep\x0061.5\x00";
    let (_folder, root) = common::project();
    fs::create_dir(root.join(".nda")).unwrap();
    fs::write(root.join(".nda/policy.toml"), "[[rule]]\nname = \"all\"\ntools = [\"run\"]\npaths = [\"**\"]\n").unwrap();
    let mut client = Client::start(&root);
    client.call(2, "run", json!({ "command": "echo x > a.txt; sleep 61.5" }));
    assert!(soon(|| runs(SLEEP)), "it runs");
    client.cancel(2);
    assert!(soon(|| !runs(SLEEP)), "it ends");
    // What comes after it is answered, and a run that is not cancelled is written.
    client.call(3, "run", json!({ "command": "echo y > b.txt" }));
    let answer = client.hear(|line| line["id"] == 3);
    assert!(answer["result"]["structuredContent"]["written"].is_object(), "{answer}");
    let text = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    assert_eq!((text("a.txt").as_str(), text("b.txt").as_str()), ("first\n", "y\n"));
}

#[test]
fn a_yes_that_comes_after_the_cancellation_writes_nothing() {
    let (_folder, root) = common::project();
    let mut client = Client::start(&root);
    let calls = [
        ("write_file", json!({ "path": "a.txt", "text": "x\n" })),
        ("patch_file", json!({ "path": "a.txt", "edits": [{ "old": "first", "new": "x" }] })),
        ("run", json!({ "command": "echo x > a.txt" })),
    ];
    for (number, (tool, arguments)) in calls.into_iter().enumerate() {
        let id = 10 + number as u32;
        client.call(id, tool, arguments);
        let asked = client.hear(|line| line["method"] == "elicitation/create");
        client.cancel(id);
        // The server takes lines in their order: when this is answered, it has taken the cancellation.
        client.say(&json!({ "id": 100 + id, "method": "ping" }));
        client.hear(|line| line["id"] == 100 + id);
        client.say(&json!({ "id": asked["id"], "result": { "action": "accept", "content": { "approve": true } } }));
        // A cancelled call has no answer, so this is as long as it takes to write a file many times.
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "first\n", "{tool}");
    }
    client.call(2, "write_file", json!({ "path": "a.txt", "text": "x\n" }));
    let asked = client.hear(|line| line["method"] == "elicitation/create");
    client.say(&json!({ "id": asked["id"], "result": { "action": "accept", "content": { "approve": true } } }));
    client.hear(|line| line["id"] == 2);
    assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "x\n", "a yes to a call that goes on");
}
