//! Queues and ends: whoever goes gives the place back, whoever is slow is not waited for, and everything ends.

mod common;

use common::{CHAT, PATIENCE, Running, SLOW, events, post, receive, send, serve, settings, until_waiting, waiting};
use nda_chat::Settings;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// What 'at once' may take on a machine that does other work too.
const AT_ONCE: Duration = Duration::from_secs(3);

fn hello(extra: Value) -> String {
    let mut body = json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 240 });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body.to_string()
}

/// A stream whose first bytes are there: the model is at work for it.
fn streaming(server: &Running) -> TcpStream {
    let mut stream = send(server.address, "POST", CHAT, "", &hello(json!({ "stream": true })));
    stream.read_exact(&mut [0; 12]).unwrap();
    stream
}

/// What comes on a connection up to its end, and how long that takes.
fn rest(mut stream: TcpStream) -> (String, Duration) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (started, mut bytes) = (Instant::now(), Vec::new());
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stayed for {:?}: {error}", started.elapsed()),
    }
    (String::from_utf8(bytes).unwrap(), started.elapsed())
}

#[test]
fn a_client_that_closes_while_queued_gives_its_place_back_at_once() {
    let server = serve(Settings { queue: 2, parallel: 1, ..settings() }, SLOW);
    let first = streaming(&server);
    let started = Instant::now();
    let [second, third] = [true, false].map(|stream| send(server.address, "POST", CHAT, "", &hello(json!({ "stream": stream }))));
    until_waiting(&server, 2, AT_ONCE);
    drop(second);
    until_waiting(&server, 1, AT_ONCE);
    let fourth = send(server.address, "POST", CHAT, "", &hello(json!({ "max_tokens": 1 })));
    until_waiting(&server, 2, AT_ONCE);
    drop(third);
    until_waiting(&server, 1, AT_ONCE);
    assert!(started.elapsed() < 2 * AT_ONCE, "the first answer may be over by now: {:?}", started.elapsed());
    drop(first);
    assert_eq!(receive(fourth).0, 200);
    assert_eq!(waiting(&server), 0);
}

#[test]
fn hundreds_of_half_open_connections_are_refused_or_end_with_the_time_for_a_head() {
    let head = Duration::from_millis(1500);
    let server = serve(Settings { connections: 50, head, ..settings() }, Duration::ZERO);
    let started = Instant::now();
    let all: Vec<TcpStream> = (0..400)
        .map(|i| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            let part = ["", "POST /v1", "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"][i % 3];
            // A connection that is refused already may be closed by now.
            let _ = stream.write_all(part.as_bytes());
            stream
        })
        .collect();
    let (mut refused, mut timed_out) = (0, 0);
    for stream in all {
        let (text, _) = rest(stream);
        if text.is_empty() {
            timed_out += 1;
        } else {
            assert!(
                text.starts_with("HTTP/1.1 503 ") && text.contains("\"too_many_connections\"") && text.contains("50 connections are open"),
                "{text}"
            );
            refused += 1;
        }
    }
    let took = started.elapsed();
    assert!(took >= head && took < head + 2 * AT_ONCE, "half-open connections stayed for {took:?}");
    // A reset may lose a refusal of those that nobody waits for, but not all of them.
    assert!(refused >= 100 && timed_out >= 50, "{refused} were told why, {timed_out} were not");
    assert_eq!(receive(send(server.address, "GET", "/health", "", "")).0, 200);
}

#[test]
fn a_full_server_says_so_and_serves_again_once_somebody_goes() {
    let server = serve(Settings { connections: 1, ..settings() }, Duration::ZERO);
    let held = TcpStream::connect(server.address).unwrap();
    let until = Instant::now() + AT_ONCE;
    let status = || receive(send(server.address, "GET", "/health", "", "")).0;
    while status() != 503 {
        assert!(Instant::now() < until, "a second connection was never refused");
    }
    drop(held);
    while status() != 200 {
        assert!(Instant::now() < until + AT_ONCE, "the place of a connection that went was not given back");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_head_that_drips_and_a_body_that_does_not_come_end_in_time() {
    let (head, body) = (Duration::from_millis(800), Duration::from_millis(700));
    let server = serve(Settings { head, body, ..settings() }, Duration::ZERO);
    let mut dripping = TcpStream::connect(server.address).unwrap();
    let started = Instant::now();
    while dripping.write_all(b"G").is_ok() {
        assert!(started.elapsed() < head + AT_ONCE, "a byte at a time keeps a connection");
        thread::sleep(Duration::from_millis(20));
    }
    for (sent, kind) in
        [("", "Content-Length: 100"), ("{\"messages\":", "Content-Length: 100"), ("5\r\n{\"mes", "Transfer-Encoding: chunked")]
    {
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{kind}\r\n\r\n{sent}").unwrap();
        let (text, took) = rest(stream);
        assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("\"body_timeout\""), "{text}");
        assert!(took < body + AT_ONCE, "it took {took:?}");
    }
}

#[test]
fn a_connection_that_is_kept_serves_again_and_idles_for_so_long_alone() {
    let head = Duration::from_millis(700);
    let server = serve(Settings { head, ..settings() }, Duration::ZERO);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..2 {
        thread::sleep(head / 2);
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }
    let (text, took) = rest(stream);
    assert!(text.is_empty() && took > head / 2 && took < head + AT_ONCE, "{text:?} after {took:?}");
}

#[test]
fn a_server_that_ends_gives_every_request_a_last_word() {
    let mut server = serve(Settings { parallel: 1, ..settings() }, SLOW);
    let stream = streaming(&server);
    let waits = [true, false].map(|stream| send(server.address, "POST", CHAT, "", &hello(json!({ "stream": stream }))));
    let idle = TcpStream::connect(server.address).unwrap();
    let mut half_open = TcpStream::connect(server.address).unwrap();
    half_open.write_all(b"POST /v1").unwrap();
    until_waiting(&server, 2, AT_ONCE);
    let ended = Instant::now();
    server.handle.end();
    let (text, _) = rest(stream);
    let events = events(&text);
    let [.., error, done] = events.as_slice() else { panic!("{text}") };
    assert_eq!((&error["error"]["code"], done), (&json!("shutting_down"), &json!("[DONE]")));
    for waits in waits {
        let (status, body) = receive(waits);
        assert!(status == 503 && body.contains("\"shutting_down\""), "{status}: {body}");
    }
    assert_eq!([rest(idle).0, rest(half_open).0], ["", ""]);
    server.join().unwrap();
    assert!(ended.elapsed() < Duration::from_secs(5), "it took {:?} to end", ended.elapsed());
    assert!(TcpStream::connect(server.address).is_err(), "it still listens");
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let server = serve(Settings { queue: 4, parallel: 1, connections: 20, ..settings() }, SLOW);
    let first = streaming(&server);
    // More than the queue and the connections hold, each gone before its turn.
    for _ in 0..60 {
        drop(send(server.address, "POST", CHAT, "", &hello(json!({}))));
        thread::sleep(Duration::from_millis(5));
    }
    until_waiting(&server, 0, AT_ONCE);
    drop(first);
    assert_eq!(post(server.address, CHAT, &json!({ "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 1 })).0, 200);
}
