//! Three servers behind HAProxy, set up as docs/haproxy.cfg says.
#![cfg(feature = "serve")]

mod models;

use models::common::{CHAT, TEMPLATE, post, receive, send, tiny};
use models::{Running, serve, serving};
use serde_json::{Value, json};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const REQUESTS: usize = 200;
/// Clients at a time.
const CLIENTS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// HAProxy, where './tools.sh chat' puts it, and the folder of its libraries.
fn haproxy() -> Option<(PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/haproxy");
    let program = root.join("usr/sbin/haproxy");
    let has_them = |folder: &PathBuf| folder.join("liblua5.3.so.0").exists();
    let libraries = fs::read_dir(root.join("usr/lib")).ok()?.filter_map(Result::ok).map(|entry| entry.path()).find(has_them);
    program.exists().then_some((program, libraries.unwrap_or(root)))
}

/// The documented configuration with other ports.
fn configured(front: u16, servers: &[SocketAddr]) -> String {
    let mut text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/haproxy.cfg")).unwrap();
    for (documented, port) in [(8080, front), (8081, servers[0].port()), (8082, servers[1].port()), (8083, servers[2].port())] {
        let documented = format!("127.0.0.1:{documented}");
        assert_eq!(text.matches(&documented).count(), 1, "{documented}");
        text = text.replace(&documented, &format!("127.0.0.1:{port}"));
    }
    text
}

fn talk(number: usize, turns: &[&str], more: Value) -> Value {
    let mut messages = vec![json!({ "role": "user", "content": format!("Talk {number} begins.") })];
    messages.extend(
        turns.iter().enumerate().map(|(at, text)| json!({ "role": if at % 2 == 0 { "assistant" } else { "user" }, "content": text })),
    );
    let mut body = json!({ "messages": messages, "max_tokens": 40 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Whether an answer came whole; else what came.
fn ask(front: SocketAddr, number: usize) -> Result<(), String> {
    let streams = number.is_multiple_of(2);
    let body = talk(number % 37, &[], json!({ "stream": streams }));
    let (status, text) = receive(send(front, "POST", CHAT, "", &body.to_string()));
    let is_whole = if streams { text.ends_with("data: [DONE]\n\n") } else { serde_json::from_str::<Value>(&text).is_ok() };
    if status == 200 && is_whole { Ok(()) } else { Err(format!("{status}: {text}")) }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn open(server: SocketAddr) -> u64 {
    let (_, body) = receive(send(server, "GET", "/health", "", ""));
    serde_json::from_str::<Value>(&body).unwrap()["open"].as_u64().unwrap()
}

// Behind HAProxy some answers did not come within the client's minute on a busy machine, for a reason that was not found yet.
#[ignore = "not green: 'cargo test --release -p nda-cli --test replicas -- --ignored' runs it"]
#[test]
fn requests_to_three_servers_are_answered_though_one_is_killed() {
    let Some((program, libraries)) = haproxy() else {
        return nda_tests::skip("three servers behind HAProxy", "HAProxy is not installed; './tools.sh chat' installs it");
    };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("tiny.ndf");
    fs::write(&model, &*tiny(&[("chat_template", TEMPLATE), ("name", "tiny"), ("context", "20000")])).unwrap();
    let mut servers: Vec<(Running, SocketAddr)> = (0..3)
        .map(|_| serving(&mut serve(model.to_str().unwrap(), &["--threads", "1"])))
        .map(|(running, address, _)| (running, address))
        .collect();
    let addresses: Vec<SocketAddr> = servers.iter().map(|(_, address)| *address).collect();
    // A port that is free now; nobody else takes one of these while the test runs, most likely.
    let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configuration = folder.path().join("haproxy.cfg");
    fs::write(&configuration, configured(front.port(), &addresses)).unwrap();
    let mut command = Command::new(program);
    command.arg("-f").arg(&configuration).env("LD_LIBRARY_PATH", libraries).stdout(Stdio::null()).stderr(Stdio::null());
    let _proxy = Running::start(&mut command);
    until("HAProxy answers", || std::net::TcpStream::connect(front).is_ok() && receive(send(front, "GET", "/health", "", "")).0 == 200);

    second_turns_meet_the_server_of_the_first(front);
    kill_one_in_the_midst(front, &servers);
    for (server, _) in &mut servers {
        let _ = server.0.kill();
    }
}

fn second_turns_meet_the_server_of_the_first(front: SocketAddr) {
    for number in 0..6 {
        let first = post(front, CHAT, &talk(number, &[], json!({}))).1;
        let said = first["choices"][0]["message"]["content"].as_str().unwrap();
        let second = post(front, CHAT, &talk(number, &[said, "And then?"], json!({}))).1;
        let (kept, before) = (&second["usage"]["prompt_tokens_details"]["cached_tokens"], &first["usage"]["prompt_tokens"]);
        assert!(kept.as_u64() >= before.as_u64(), "talk {number}: {kept} of {before} tokens were kept");
    }
}

/// Long streams on every server; then one is killed in the midst of 200 requests.
fn kill_one_in_the_midst(front: SocketAddr, servers: &[(Running, SocketAddr)]) {
    let mut streams = Vec::new();
    until("every server streams", || {
        let body = talk(1000 + streams.len(), &[], json!({ "stream": true, "max_tokens": -1 }));
        streams.push(send(front, "POST", CHAT, "", &body.to_string()));
        thread::sleep(Duration::from_millis(100));
        servers.iter().all(|(_, address)| open(*address) > 0)
    });
    let next = AtomicUsize::new(0);
    let results: Vec<(usize, Result<(), String>)> = thread::scope(|scope| {
        let client = || {
            let mut results = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= REQUESTS {
                    return results;
                }
                results.push((number, ask(front, number)));
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        servers[1].0.signal("KILL");
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let long: Vec<(u16, String)> = streams.into_iter().map(receive).collect();
    let broken = long.iter().filter(|(_, text)| !text.ends_with("data: [DONE]\n\n")).count();
    assert!(broken >= 1 && broken < long.len(), "{broken} of {} long streams broke", long.len());
    let failed: Vec<&(usize, Result<(), String>)> = results.iter().filter(|(_, result)| result.is_err()).collect();
    // A stream that had begun on the dead server cannot be whole, and its client sees that; all others are answered.
    assert!(results.len() == REQUESTS && failed.iter().all(|(number, _)| number.is_multiple_of(2)), "{failed:?}");
    assert!(failed.len() <= CLIENTS, "{} of {REQUESTS} failed", failed.len());
}
