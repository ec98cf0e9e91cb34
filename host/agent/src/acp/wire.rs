//! JSON-RPC 2.0 in lines, as the Agent Client Protocol speaks it: one message per line, requests in both directions.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Bytes of a line: an editor may embed files in a prompt.
const LINE_BYTES: u64 = 64 << 20;

/// An error as JSON-RPC has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub code: i64,
    /// What is wrong, for a person.
    pub why: String,
}

impl Fault {
    /// The line is not JSON.
    pub const PARSE: i64 = -32700;
    /// The request does not fit now.
    pub const REQUEST: i64 = -32600;
    /// There is no such method.
    pub const METHOD: i64 = -32601;
    /// The parameters are wrong.
    pub const PARAMS: i64 = -32602;
    /// The work failed.
    pub const INTERNAL: i64 = -32603;

    pub fn params(why: impl Into<String>) -> Fault {
        Fault { code: Fault::PARAMS, why: why.into() }
    }

    fn message(&self) -> &'static str {
        match self.code {
            Fault::PARSE => "Parse error",
            Fault::REQUEST => "Invalid request",
            Fault::METHOD => "Method not found",
            Fault::PARAMS => "Invalid params",
            _ => "Internal error",
        }
    }
}

/// A message that came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// It wants an answer.
    Request { id: Value, method: String, params: Value },
    /// It wants none.
    Notification { method: String, params: Value },
    /// The answer to a request of ours.
    Response { id: u64, result: Result<Value, Fault> },
    /// No message; what is answered.
    Broken(Fault),
}

/// The next message; none at the end.
///
/// # Errors
/// The system's answer, or a line that is too long.
pub fn next(input: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut line = String::new();
    let count = input.take(LINE_BYTES).read_line(&mut line)? as u64;
    if count == LINE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line has more than {LINE_BYTES} bytes")));
    }
    Ok((count > 0).then(|| message(&line)))
}

fn message(line: &str) -> Message {
    let Ok(Value::Object(mut object)) = serde_json::from_str(line) else {
        return Message::Broken(Fault { code: Fault::PARSE, why: "a line is not a JSON object".into() });
    };
    let mut take = |key: &str| object.remove(key);
    match (take("method"), take("id"), take("params").unwrap_or(Value::Null)) {
        (Some(Value::String(method)), Some(id), params) => Message::Request { id, method, params },
        (Some(Value::String(method)), None, params) => Message::Notification { method, params },
        (None, Some(id), _) if id.is_u64() => {
            let result = match (take("result"), take("error")) {
                (Some(result), None) => Ok(result),
                (_, error) => {
                    let error = error.unwrap_or(Value::Null);
                    let why = error["message"].as_str().unwrap_or("no reason is given").to_owned();
                    Err(Fault { code: error["code"].as_i64().unwrap_or(Fault::INTERNAL), why })
                }
            };
            Message::Response { id: id.as_u64().unwrap_or(0), result }
        }
        _ => Message::Broken(Fault { code: Fault::REQUEST, why: "a message has a method, or the id of a request".into() }),
    }
}

/// The parameters of a method.
///
/// # Errors
/// What is wrong with them.
pub fn parameters<P: DeserializeOwned>(params: Value) -> Result<P, Fault> {
    serde_json::from_value(params).map_err(|e| Fault::params(e.to_string()))
}

/// The way to the other side, for any number of threads.
pub struct Wire {
    output: Mutex<Box<dyn Write + Send>>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Value, Fault>>>>,
    next: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    pub fn new(output: Box<dyn Write + Send>) -> Wire {
        Wire { output: Mutex::new(output), waiting: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Sends a message. Whoever has gone hears nothing: the end of the input says so.
    fn send(&self, message: &Value) {
        let mut output = locked(&self.output);
        let _ = output.write_all(format!("{message}\n").as_bytes()).and_then(|()| output.flush());
    }

    pub fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub fn respond(&self, id: Value, result: Result<Value, Fault>) {
        self.send(&match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(fault) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": fault.code, "message": fault.message(), "data": fault.why } })
            }
        });
    }

    /// Asks the other side, and waits for its answer for as long as the caller likes: dropped, the answer is not waited for any more.
    pub async fn request(&self, method: &str, params: Value) -> Result<Value, Fault> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        locked(&self.waiting).insert(id, sender);
        let waiting = Waiting { wire: self, id };
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let gone = Fault { code: Fault::INTERNAL, why: "the other side has gone".into() };
        let result = answer.await.unwrap_or(Err(gone));
        drop(waiting);
        result
    }

    /// Gives an answer to whoever waits for it.
    pub fn answered(&self, id: u64, result: Result<Value, Fault>) {
        if let Some(sender) = locked(&self.waiting).remove(&id) {
            let _ = sender.send(result);
        }
    }

    /// Nothing comes any more: nobody waits any more.
    pub fn close(&self) {
        locked(&self.waiting).clear();
    }
}

/// A request that is waited for.
struct Waiting<'w> {
    wire: &'w Wire,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        locked(&self.wire.waiting).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_requests_notifications_responses_or_faults() {
        let told = |line: &str| message(line);
        let params = json!({ "a": 1 });
        assert_eq!(
            told(r#"{"jsonrpc":"2.0","id":"x","method":"m","params":{"a":1}}"#),
            Message::Request { id: json!("x"), method: "m".into(), params: params.clone() }
        );
        assert_eq!(told(r#"{"method":"m","params":{"a":1}}"#), Message::Notification { method: "m".into(), params });
        assert_eq!(told(r#"{"id":3,"result":null}"#), Message::Response { id: 3, result: Ok(Value::Null) });
        let fault = Fault { code: -32601, why: "no".into() };
        assert_eq!(told(r#"{"id":3,"error":{"code":-32601,"message":"no"}}"#), Message::Response { id: 3, result: Err(fault) });
        for (line, code) in
            [("", Fault::PARSE), ("[]", Fault::PARSE), ("{", Fault::PARSE), ("{}", Fault::REQUEST), (r#"{"id":"x"}"#, Fault::REQUEST)]
        {
            assert!(matches!(told(line), Message::Broken(fault) if fault.code == code), "{line}");
        }
    }
}
