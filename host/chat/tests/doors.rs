//! Who is let in, what is counted, and the page for people.

mod common;

use common::{CHAT, SLOW, post, receive, send, serve, settings, until_waiting};
use nda_chat::{ChatError, Server, Settings};
use serde_json::{Value, json};
use std::io::Read;
use std::net::Ipv4Addr;
use std::time::Duration;

fn hello() -> Value {
    json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 5 })
}

#[test]
fn a_key_is_asked_for_where_there_is_one_and_must_be_where_others_reach() {
    let server = serve(Settings { key: Some("secret".into()), ..settings() }, Duration::ZERO);
    let ask = |headers: &str| receive(send(server.address, "POST", CHAT, headers, &hello().to_string()));
    let (status, body) = ask("");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["error"]["code"], &body["error"]["type"]), (401, &json!("invalid_api_key"), &json!("authentication_error")));
    assert_eq!(ask("Authorization: Bearer wrong!\r\n").0, 401);
    assert_eq!(ask("Authorization: Bearer secret\r\nHost: behind.a.proxy\r\n").0, 200);
    for (path, status) in [("/health", 200), ("/", 200), ("/metrics", 401), ("/v1/models", 401)] {
        assert_eq!(receive(send(server.address, "GET", path, "", "")).0, status, "{path}");
    }
    let shared = Settings { host: Ipv4Addr::UNSPECIFIED.into(), ..settings() };
    assert!(matches!(Server::bind(shared.clone()), Err(ChatError::Unguarded { .. })));
    assert!(Server::bind(Settings { key: Some("secret".into()), ..shared }).is_ok());
}

#[test]
fn pages_of_others_may_ask_only_if_they_are_named() {
    let ask = |settings: Settings, method: &str| {
        let server = serve(settings, Duration::ZERO);
        let mut text = String::new();
        let headers = "Origin: https://chat.example\r\nAccess-Control-Request-Method: POST\r\n";
        send(server.address, method, CHAT, headers, &hello().to_string()).read_to_string(&mut text).unwrap();
        text.to_lowercase()
    };
    let named = Settings { origin: Some("https://chat.example".into()), ..settings() };
    for method in ["OPTIONS", "POST"] {
        let text = ask(named.clone(), method);
        assert!(text.contains("access-control-allow-origin: https://chat.example\r\n"), "{text}");
    }
    assert!(ask(named, "OPTIONS").starts_with("http/1.0 204"));
    assert!(!ask(settings(), "OPTIONS").contains("access-control") && ask(settings(), "OPTIONS").starts_with("http/1.0 405"));
}

#[test]
fn what_happens_is_counted() {
    let server = serve(Settings { parallel: 1, ..settings() }, SLOW);
    let get = |path: &str| receive(send(server.address, "GET", path, "", "")).1;
    for _ in 0..2 {
        assert_eq!(post(server.address, CHAT, &hello()).0, 200);
    }
    assert_eq!(post(server.address, "/v1/completions", &json!({ "prompt": 3 })).0, 400);
    let busy = send(
        server.address,
        "POST",
        CHAT,
        "",
        &json!({ "messages": [{ "role": "user", "content": "Hello" }], "stream": true }).to_string(),
    );
    (&busy).read_exact(&mut [0; 12]).unwrap();
    let queued = send(server.address, "POST", CHAT, "", &hello().to_string());
    until_waiting(&server, 1, Duration::from_secs(5));
    let health: Value = serde_json::from_str(&get("/health")).unwrap();
    assert_eq!((&health["waiting"], &health["open"], &health["load"]), (&json!(1), &json!(2), &json!(2.0 / 9.0)));
    let page = get("/metrics");
    for line in [
        "nda_requests_total{endpoint=\"chat\",status=\"200\"} 3",
        "nda_requests_total{endpoint=\"completion\",status=\"400\"} 1",
        "nda_requests_open 2",
        "nda_requests_waiting 1",
        "nda_prompt_tokens_total 24",
        "nda_cached_tokens_total 11",
        "nda_generated_tokens_total 10",
        "nda_time_to_first_token_seconds_count 3",
        "nda_kv_cache_positions 16",
        "nda_context_positions 256",
        "nda_board_jobs_total 0",
    ] {
        assert!(page.lines().any(|l| l == line), "{line} is not in\n{page}");
    }
    let products = page.lines().find_map(|line| line.strip_prefix("nda_products_total{place=\"cpu\"} ")).unwrap();
    assert!(products.parse::<u64>().unwrap() > 21 * 10, "{products}");
    drop((busy, queued));
}

#[test]
fn an_origin_is_what_a_browser_sends() {
    for (origin, is_one) in [
        ("*", true),
        ("https://chat.example", true),
        ("http://127.0.0.1:8080", true),
        ("notanorigin", false),
        ("https://chat.example/", false),
        ("https://", false),
        ("https://a b", false),
    ] {
        let bound = nda_chat::Server::bind(nda_chat::Settings { origin: Some(origin.into()), ..settings() });
        let served = bound.and_then(|server| {
            server.handle().end();
            common::with_speaker(&[], Duration::ZERO, |mut speaker, _| server.run(&mut speaker, None))
        });
        assert_eq!(served.is_ok(), is_one, "{origin}: {served:?}");
    }
}

#[test]
fn the_page_asks_nobody_else() {
    let server = serve(settings(), Duration::ZERO);
    let mut text = String::new();
    send(server.address, "GET", "/", "", "").read_to_string(&mut text).unwrap();
    let (head, page) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/html") && head.contains("default-src 'none'"), "{head}");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("innerHTML"));
    assert!(page.contains("v1/chat/completions"));
}
