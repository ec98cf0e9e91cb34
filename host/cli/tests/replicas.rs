//! Three servers behind HAProxy, set up as docs/haproxy.cfg says.
#![cfg(feature = "serve")]

mod models;

use models::common::{CHAT, TEMPLATE, post, receive, send, tiny};
use models::{Running, serve, serving};
use serde_json::{Value, json};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const REQUESTS: usize = 200;
/// Clients at a time.
const CLIENTS: usize = 16;
/// Requests that the balancer sends a server at a time: `maxconn` in docs/haproxy.cfg.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a request may take, waiting included: what 'nda serve' and docs/haproxy.cfg grant it.
const DEADLINE: Duration = Duration::from_secs(600);
/// Tokens of a long answer: seconds of work, beside which that server answers others.
const LONG: usize = 4000;

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

/// What came back for a request.
enum Came {
    Whole,
    /// A stream that had begun and stopped before its end.
    Broken,
    /// Neither: this text.
    Nothing(String),
}

fn ask(front: SocketAddr, number: usize) -> Came {
    let streams = number.is_multiple_of(2);
    let body = talk(number % 37, &[], json!({ "stream": streams }));
    let stream = send(front, "POST", CHAT, "", &body.to_string());
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let (status, text) = receive(stream);
    let is_whole = if streams { text.ends_with("data: [DONE]\n\n") } else { serde_json::from_str::<Value>(&text).is_ok() };
    match (status, is_whole) {
        (200, true) => Came::Whole,
        (200, false) if streams => Came::Broken,
        _ => Came::Nothing(format!("{status}: {text}")),
    }
}

/// A long stream that curl reads into a file; its exit status says whether all of it came.
struct Long {
    curl: Child,
    file: PathBuf,
}

impl Long {
    fn begin(front: SocketAddr, number: usize, folder: &Path) -> Long {
        let file = folder.join(format!("talk-{number}"));
        let body = talk(number, &[], json!({ "stream": true, "max_tokens": LONG, "ignore_eos": true }));
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--no-buffer", "--max-time", &DEADLINE.as_secs().to_string(), "--data", &body.to_string()]);
        curl.args(["--header", "Content-Type: application/json", "--output"]).arg(&file).arg(format!("http://{front}{CHAT}"));
        Long { curl: curl.stderr(Stdio::piped()).spawn().expect("curl is installed"), file }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    /// curl's exit status, and what came.
    fn end(mut self) -> (Option<i32>, String) {
        (self.curl.wait().unwrap().code(), self.text())
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Requests that a server has answered.
fn answered(server: SocketAddr) -> u64 {
    let (_, page) = receive(send(server, "GET", "/metrics", "", ""));
    let line = page.lines().find_map(|line| line.strip_prefix("nda_requests_total{endpoint=\"chat\",status=\"200\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn requests_to_three_servers_are_answered_though_one_is_killed() {
    let Some((program, libraries)) = haproxy() else {
        return nda_tests::skip("three servers behind HAProxy", "HAProxy is not installed; './tools.sh chat' installs it");
    };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("tiny.ndf");
    fs::write(&model, &*tiny(&[("chat_template", TEMPLATE), ("name", "tiny"), ("context", "20000")])).unwrap();
    let servers: Vec<(Running, SocketAddr)> = (0..3)
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
    kill_one_in_the_midst(front, &servers, folder.path());
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

/// For each server the number of a talk that the balancer gives it.
fn talks_of(front: SocketAddr, servers: &[SocketAddr]) -> Vec<usize> {
    let mut talks = vec![None; servers.len()];
    for number in 1000.. {
        let before: Vec<u64> = servers.iter().copied().map(answered).collect();
        assert_eq!(post(front, CHAT, &talk(number, &[], json!({ "max_tokens": 1 }))).0, 200);
        let place = (0..servers.len()).position(|at| answered(servers[at]) > before[at]).expect("a server has answered");
        talks[place].get_or_insert(number);
        if let Some(all) = talks.iter().copied().collect() {
            return all;
        }
        assert!(number < 1100, "a hundred talks, and none for some server: {talks:?}");
    }
    unreachable!("talks do not end")
}

/// A long stream on every server; then one is killed in the midst of 200 requests.
fn kill_one_in_the_midst(front: SocketAddr, servers: &[(Running, SocketAddr)], folder: &Path) {
    let addresses: Vec<SocketAddr> = servers.iter().map(|(_, address)| *address).collect();
    let long: Vec<Long> = talks_of(front, &addresses).into_iter().map(|number| Long::begin(front, number, folder)).collect();
    until("every server streams", || long.iter().all(|long| long.text().contains("\"content\"")));
    let next = AtomicUsize::new(0);
    let came: Vec<(usize, Came)> = thread::scope(|scope| {
        let client = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|number| *number < REQUESTS);
            numbers.map(|number| (number, ask(front, number))).collect::<Vec<_>>()
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        until("every client asks", || next.load(Ordering::Relaxed) >= CLIENTS);
        servers[1].0.signal("KILL");
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(came.len(), REQUESTS);
    for (number, came) in &came {
        match came {
            Came::Whole => {}
            // The client saw the stream stop, and asks again.
            Came::Broken => assert!(matches!(ask(front, *number), Came::Whole), "request {number} a second time"),
            Came::Nothing(text) => panic!("request {number}: {text}"),
        }
    }
    // The dead server was writing at most as many answers as the balancer sends it, the long one among them.
    let broken = came.iter().filter(|(_, came)| matches!(came, Came::Broken)).count();
    assert!(broken < AT_ONCE, "{broken} streams broke");
    for (at, long) in long.into_iter().enumerate() {
        let (status, text) = long.end();
        let last = text.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
        // 18 is curl's word for a transfer that ended before its end.
        assert_eq!((status, last == "data: [DONE]"), if at == 1 { (Some(18), false) } else { (Some(0), true) }, "server {at}: {last}");
    }
}
