//! A model behind an endpoint of OpenAI's chat protocol.

use crate::talk::{Call, Model};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{Method, Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// How long an answer may take: a small machine reads a long prompt slowly.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1800);
/// Bytes of an answer.
const ANSWER_BYTES: usize = 16 << 20;

/// An endpoint, plain HTTP: a server on this machine or in this network.
pub struct OpenAi {
    runtime: Runtime,
    base: String,
    model: String,
    key: Option<String>,
    most_tokens: u32,
}

impl OpenAi {
    /// The endpoint at a base address such as `http://127.0.0.1:8080/v1`; a key goes along if there is one. Without a name the first
    /// model that it lists is taken.
    ///
    /// # Errors
    /// An address that is not plain HTTP; no model is named and the endpoint lists none.
    pub fn new(base: &str, model: Option<&str>, key: Option<String>, most_tokens: u32) -> Result<OpenAi, String> {
        if !base.starts_with("http://") {
            return Err(format!("'{base}' is not an address that begins with http://; put a proxy of your own before https"));
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|e| e.to_string())?;
        let base = base.trim_end_matches('/').to_owned();
        let mut endpoint = OpenAi { runtime, base, model: model.unwrap_or_default().into(), key, most_tokens };
        if model.is_none() {
            let listed = endpoint.asked(Method::GET, "models", Vec::new())?;
            let first = listed.pointer("/data/0/id").and_then(Value::as_str);
            endpoint.model = first.ok_or_else(|| format!("{}/models lists no model; name one with --model", endpoint.base))?.to_owned();
        }
        Ok(endpoint)
    }

    /// A request and its answer, which is JSON.
    fn asked(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Value, String> {
        let address = format!("{}/{path}", self.base);
        let whole = self.runtime.block_on(async { timeout(ANSWER_DEADLINE, exchange(&address, method, body, self.key.as_deref())).await });
        let (status, bytes) = match whole {
            Ok(answer) => answer.map_err(|e| format!("{address}: {e}"))?,
            Err(_) => return Err(format!("{address}: no answer within {} seconds", ANSWER_DEADLINE.as_secs())),
        };
        if !status.is_success() {
            return Err(format!("{address} answered {status}: {}", String::from_utf8_lossy(&bytes)));
        }
        serde_json::from_slice(&bytes).map_err(|e| format!("{address} answered no JSON: {e}"))
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// One request over a connection of its own.
async fn exchange(address: &str, method: Method, body: Vec<u8>, key: Option<&str>) -> Result<(StatusCode, Bytes), Failed> {
    let uri: Uri = address.parse()?;
    let host = uri.host().ok_or("an address has a host")?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request = Request::builder().method(method).uri(target).header(header::CONTENT_TYPE, "application/json");
    request = request.header(header::HOST, uri.authority().map_or(host, |authority| authority.as_str()));
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
    let status = response.status();
    let bytes = Limited::new(response.into_body(), ANSWER_BYTES).collect().await?.to_bytes();
    Ok((status, bytes))
}

impl Model for OpenAi {
    fn next(&mut self, messages: &[Value], tools: &[Value]) -> Result<Vec<Call>, String> {
        let body = json!({
            "model": self.model,
            "messages": messages,
            "tools": tools,
            "tool_choice": "required",
            "temperature": 0,
            "max_tokens": self.most_tokens,
        });
        calls(&self.asked(Method::POST, "chat/completions", body.to_string().into_bytes())?)
    }
}

/// The calls of an answer.
fn calls(answer: &Value) -> Result<Vec<Call>, String> {
    let message = answer.pointer("/choices/0/message").ok_or_else(|| format!("an answer without a message: {answer}"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    let one = |call: &Value| Call {
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments: text(&call["function"]["arguments"]),
    };
    Ok(all.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_and_text_is_none() {
        let answer =
            json!({ "choices": [{ "message": { "tool_calls": [{ "id": "1", "function": { "name": "done", "arguments": "{}" } }] } }] });
        assert_eq!(calls(&answer).unwrap(), [Call { id: "1".into(), name: "done".into(), arguments: "{}".into() }]);
        assert_eq!(calls(&json!({ "choices": [{ "message": { "content": "hi" } }] })).unwrap(), []);
        assert!(calls(&json!({})).is_err());
        assert!(OpenAi::new("https://x", Some("m"), None, 1).is_err());
    }

    /// A server that answers these bodies, one connection each, and gives what it was asked.
    fn server(bodies: Vec<&'static str>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let serve = move || {
            let one = |body: &str| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = vec![0; 1 << 16];
                let count = stream.read(&mut asked).unwrap();
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
                String::from_utf8_lossy(&asked[..count]).into_owned()
            };
            bodies.into_iter().map(one).collect()
        };
        (address, std::thread::spawn(serve))
    }

    #[test]
    fn the_first_model_is_asked_for_calls_alone() {
        let (address, served) = server(vec![
            r#"{"data":[{"id":"tiny"}]}"#,
            r#"{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"done","arguments":"{}"}}]}}]}"#,
        ]);
        let mut model = OpenAi::new(&address, None, Some("secret".into()), 7).unwrap();
        assert_eq!(model.next(&[json!({ "role": "user", "content": "x" })], &[]).unwrap()[0].name, "done");
        let asked = served.join().unwrap();
        assert!(asked[0].starts_with("GET /v1/models HTTP/1.1") && asked[0].contains("Bearer secret"));
        assert!(asked[1].contains(r#""model":"tiny""#) && asked[1].contains(r#""tool_choice":"required""#), "{}", asked[1]);
    }
}
