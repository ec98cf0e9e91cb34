//! A model behind an endpoint of OpenAI's chat protocol.

use crate::stop::Stop;
use crate::talk::{Call, Model, Reply};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{Method, Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long an answer may take: a small machine reads a long prompt slowly.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1800);
/// Bytes of an answer.
const ANSWER_BYTES: usize = 16 << 20;

/// An endpoint: plain HTTP for a server on this machine or in this network, HTTPS for others.
pub struct OpenAi {
    runtime: Runtime,
    base: String,
    /// Whom to believe; none for plain HTTP.
    tls: Option<Arc<ClientConfig>>,
    model: String,
    key: Option<String>,
    most_tokens: u32,
    stop: Stop,
}

impl OpenAi {
    /// The endpoint at a base address such as `http://127.0.0.1:8080/v1`; a key goes along if there is one. Without a name the first
    /// model that it lists is taken. HTTPS believes the system's certificates, or those that SSL_CERT_FILE names.
    ///
    /// # Errors
    /// An address of another kind; no certificates; no model is named and the endpoint lists none.
    pub fn new(base: &str, model: Option<&str>, key: Option<String>, most_tokens: u32) -> Result<OpenAi, String> {
        let tls = match base.split_once("://") {
            Some(("http", _)) => None,
            Some(("https", _)) => Some(system_certificates()?),
            _ => return Err(format!("'{base}' is not an address that begins with http:// or https://")),
        };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|e| e.to_string())?;
        let base = base.trim_end_matches('/').to_owned();
        let mut endpoint = OpenAi { runtime, base, tls, model: model.unwrap_or_default().into(), key, most_tokens, stop: Stop::default() };
        if model.is_none() {
            let listed = endpoint.asked(Method::GET, "models", Vec::new())?;
            let first = listed.pointer("/data/0/id").and_then(Value::as_str);
            endpoint.model = first.ok_or_else(|| format!("{}/models lists no model; name one with --model", endpoint.base))?.to_owned();
        }
        Ok(endpoint)
    }

    /// The same, whose answer is not waited for once this is set: the connection is closed, so a server need not go on.
    #[must_use]
    pub fn until(self, stop: Stop) -> OpenAi {
        OpenAi { stop, ..self }
    }

    /// A request and its answer, which is JSON.
    fn asked(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Value, String> {
        let address = format!("{}/{path}", self.base);
        let whole = self.runtime.block_on(async {
            let work = timeout(ANSWER_DEADLINE, self.exchange(&address, method, body));
            tokio::select! {
                whole = work => Some(whole),
                () = self.stop.wished() => None,
            }
        });
        let Some(whole) = whole else { return Err(format!("{address}: stopped before it answered")) };
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

/// Bytes there and back, encrypted or not.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<W: AsyncRead + AsyncWrite + Unpin + Send> Wire for W {}

/// TLS with the system's root certificates.
fn system_certificates() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        let why = found.errors.first().map_or_else(String::new, |e| format!(" ({e})"));
        return Err(format!("no certificates of authorities are found{why}; install ca-certificates, or name a file in SSL_CERT_FILE"));
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

impl OpenAi {
    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Wire>, Failed> {
        let host = uri.host().ok_or("an address has a host")?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(TlsConnector::from(tls.clone()).connect(ServerName::try_from(host.to_owned())?, stream).await?),
        })
    }

    /// One request over a connection of its own.
    async fn exchange(&self, address: &str, method: Method, body: Vec<u8>) -> Result<(StatusCode, Bytes), Failed> {
        let uri: Uri = address.parse()?;
        let (mut sender, connection) = handshake(TokioIo::new(self.connect(&uri).await?)).await?;
        tokio::spawn(connection);
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::builder().method(method).uri(target).header(header::CONTENT_TYPE, "application/json");
        request = request.header(header::HOST, uri.authority().map_or("", |authority| authority.as_str()));
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), ANSWER_BYTES).collect().await?.to_bytes();
        Ok((status, bytes))
    }
}

impl Model for OpenAi {
    fn next(&mut self, messages: &[Value], tools: &[Value]) -> Result<Reply, String> {
        let body = json!({
            "model": self.model,
            "messages": messages,
            "tools": tools,
            "tool_choice": "required",
            // One at a time: a small model would make up several before it has seen the first one's answer.
            "parallel_tool_calls": false,
            "temperature": 0,
            "max_tokens": self.most_tokens,
        });
        reply(&self.asked(Method::POST, "chat/completions", body.to_string().into_bytes())?)
    }
}

/// The words and calls of an answer.
fn reply(answer: &Value) -> Result<Reply, String> {
    let message = answer.pointer("/choices/0/message").ok_or_else(|| format!("an answer without a message: {answer}"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    let one = |call: &Value| Call {
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments: text(&call["function"]["arguments"]),
    };
    let mut all: Vec<Call> = all.iter().map(one).collect();
    // A call that the limit of tokens cut off is none.
    if answer.pointer("/choices/0/finish_reason").is_some_and(|reason| reason == "length") {
        all.retain(|call| serde_json::from_str::<Value>(&call.arguments).is_ok());
    }
    Ok(Reply { text: text(&message["content"]).trim().to_owned(), calls: all })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

    #[test]
    fn calls_and_words_are_read() {
        let answer =
            json!({ "choices": [{ "message": { "tool_calls": [{ "id": "1", "function": { "name": "done", "arguments": "{}" } }] } }] });
        assert_eq!(reply(&answer).unwrap().calls, [Call { id: "1".into(), name: "done".into(), arguments: "{}".into() }]);
        assert_eq!(
            reply(&json!({ "choices": [{ "message": { "content": "hi\n" } }] })).unwrap(),
            Reply { text: "hi".into(), calls: vec![] }
        );
        let cut = json!([{ "id": "1", "function": { "name": "done", "arguments": "{}" } }, { "id": "2", "function": { "name": "done", "arguments": "{\"su" } }]);
        let answer = json!({ "choices": [{ "message": { "tool_calls": cut }, "finish_reason": "length" }] });
        assert_eq!(reply(&answer).unwrap().calls.len(), 1, "a call that is cut off does not count");
        assert!(reply(&json!({})).is_err());
        assert!(OpenAi::new("ftp://x", Some("m"), None, 1).is_err());
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
        assert_eq!(model.next(&[json!({ "role": "user", "content": "x" })], &[]).unwrap().calls[0].name, "done");
        let asked = served.join().unwrap();
        assert!(asked[0].starts_with("GET /v1/models HTTP/1.1") && asked[0].contains("Bearer secret"));
        assert!(asked[1].contains(r#""model":"tiny""#) && asked[1].contains(r#""tool_choice":"required""#), "{}", asked[1]);
        assert!(asked[1].contains(r#""parallel_tool_calls":false"#), "{}", asked[1]);
    }

    /// A server that speaks TLS with a certificate of its own, for one connection; the certificate.
    fn tls_server(body: &'static str) -> (String, CertificateDer<'static>) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = own.cert.der().clone();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (stream, _) = listener.accept().unwrap();
            let mut wire = StreamOwned::new(ServerConnection::new(config.into()).unwrap(), stream);
            // A client that does not believe it ends here.
            if wire.read(&mut [0; 4096]).is_ok() {
                write!(wire, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
                wire.conn.send_close_notify();
                let _ = wire.flush();
            }
        });
        (address, certificate)
    }

    #[test]
    fn https_accepts_trusted_certificates_alone() {
        let body = r#"{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"done","arguments":"{}"}}]}}]}"#;
        let (address, _) = tls_server(body);
        let Ok(mut model) = OpenAi::new(&address, Some("m"), None, 7) else {
            return nda_tests::skip("HTTPS", "the system has no certificates; install ca-certificates");
        };
        let error = model.next(&[], &[]).unwrap_err();
        assert!(error.contains("certificate"), "a stranger: {error}");
        let (address, own) = tls_server(body);
        let mut roots = RootCertStore::empty();
        roots.add(own).unwrap();
        model.tls = Some(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()));
        model.base = address;
        assert_eq!(model.next(&[], &[]).unwrap().calls[0].name, "done");
        let (address, _) = tls_server(body);
        model.base = address;
        assert!(model.next(&[], &[]).unwrap_err().contains("certificate"), "another certificate");
    }
}
