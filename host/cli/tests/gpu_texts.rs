//! 'nda serve --backend gpu' in whole tokens: several clients at once, each with the answer that the CPU gives it alone.

#![cfg(all(feature = "gpu", feature = "serve"))]

mod models;

use models::common::{post, receive, send};
use models::{model, nda, serve, serving, text};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::thread;

/// Clients with seeds of their own: drawn, greedy, by scores, of prompts that fill the ring and go beyond it.
fn requests() -> Vec<Value> {
    let extras = [
        json!({}),
        json!({ "temperature": 0 }),
        json!({ "logprobs": 2 }),
        json!({ "prompt": "And so it went on, and on. ".repeat(9) }),
        json!({ "max_tokens": 90 }),
        json!({ "top_k": 4 }),
        json!({ "n": 2 }),
        json!({ "stop": ["e "], "temperature": 1.3 }),
    ];
    let whole = |(seed, extra): (usize, Value)| {
        let prompt = format!("{} of them went to the river, ", seed + 2);
        let mut request = json!({ "prompt": prompt, "max_tokens": 24, "temperature": 0.8, "seed": seed });
        extra.as_object().unwrap().iter().for_each(|(key, value)| request[key] = value.clone());
        request
    };
    extras.into_iter().enumerate().map(whole).collect()
}

fn choices(address: SocketAddr, request: &Value) -> Value {
    let (status, answer) = post(address, "/v1/completions", request);
    assert_eq!(status, 200, "{request}: {answer}");
    json!([answer["choices"], answer["usage"]["completion_tokens"]])
}

#[test]
fn eight_clients_of_a_gpu_get_the_answers_that_the_cpu_gives_each_alone() {
    let adapters = nda(&["devices"], b"");
    if !text(&adapters.stdout).contains("whole tokens") {
        return nda_tests::skip("several clients of a GPU", "there is no GPU adapter; './tools.sh gpu' installs the software one");
    }
    let ((_folder, model), requests) = (model(), requests());
    let (_cpu, on_cpu, _) = serving(&mut serve(&model, &["--offload", "token"]));
    let alone: Vec<Value> = requests.iter().map(|request| choices(on_cpu, request)).collect();
    let (_gpu, on_gpu, _) = serving(&mut serve(&model, &["--backend", "gpu", "--offload", "token"]));
    let (_, health) = receive(send(on_gpu, "GET", "/health", "", ""));
    assert!(health.contains("\"parallel\":8"), "{health}");
    for _ in 0..2 {
        let found: Vec<Value> = thread::scope(|scope| {
            let asked: Vec<_> = requests.iter().map(|request| scope.spawn(move || choices(on_gpu, request))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        for ((request, found), alone) in requests.iter().zip(&found).zip(&alone) {
            assert_eq!(found, alone, "{request}");
        }
    }
}
