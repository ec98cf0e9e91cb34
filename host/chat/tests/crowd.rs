//! Two hundred requests at once, many of which go away: nothing is left of them, and nobody gets another's answer.

mod common;

use common::{CHAT, PATIENCE, receive, send, serve, settings};
use nda_chat::Settings;
use nda_engine::Random;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

const REQUESTS: usize = 200;
/// Different conversations among them.
const TALKS: usize = 20;

fn body(talk: usize) -> String {
    let messages = json!([{ "role": "user", "content": format!("Talk {talk} of many.") }]);
    json!({ "messages": messages, "max_tokens": 30, "temperature": 1, "seed": talk, "stream": talk.is_multiple_of(2) }).to_string()
}

/// The text of a whole answer, streamed or not.
fn said(answer: &str) -> String {
    match serde_json::from_str::<Value>(answer) {
        Ok(whole) => whole["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(),
        Err(_) => {
            assert!(answer.ends_with("data: [DONE]\n\n"), "{answer}");
            let pieces = common::events(answer);
            pieces.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
        }
    }
}

/// Asks and reads the answer, or goes after some bytes or at once.
fn ask(address: SocketAddr, number: usize) -> Option<(usize, String)> {
    let (talk, mut random) = (number % TALKS, Random::new(number as u64));
    let mut stream = send(address, "POST", CHAT, "", &body(talk));
    if random.below(3) == 0 {
        thread::sleep(Duration::from_millis(random.below(40) as u64));
        let mut some = vec![0; random.below(600)];
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let _ = stream.read(&mut some);
        return None;
    }
    let (status, answer) = receive(stream);
    assert_eq!(status, 200, "{answer}");
    Some((talk, said(&answer)))
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn two_hundred_requests_with_clients_that_go_leave_nothing_and_mix_nothing() {
    let server = serve(Settings { queue: REQUESTS, connections: 2 * REQUESTS, ..settings() }, Duration::from_micros(20));
    let alone: HashMap<usize, String> =
        (0..TALKS).map(|talk| (talk, said(&receive(send(server.address, "POST", CHAT, "", &body(talk))).1))).collect();
    let files_before = files();
    let address = server.address;
    let clients: Vec<_> = (0..REQUESTS).map(|number| thread::spawn(move || ask(address, number))).collect();
    let answers: Vec<(usize, String)> = clients.into_iter().filter_map(|client| client.join().unwrap()).collect();
    assert!(answers.len() > REQUESTS / 2 && answers.len() < REQUESTS, "{} were waited for", answers.len());
    for (talk, text) in &answers {
        assert_eq!(text, &alone[talk], "talk {talk}");
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let health: Value = serde_json::from_str(&receive(send(address, "GET", "/health", "", "")).1).unwrap();
        if (&health["open"], &health["waiting"]) == (&json!(0), &json!(0)) && files() <= files_before + 2 {
            break;
        }
        assert!(Instant::now() < until, "{health}, {} files open, {files_before} before", files());
        thread::sleep(Duration::from_millis(50));
    }
}
