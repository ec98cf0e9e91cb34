//! The tiny model with a chat template, a back end that is slow on purpose, and a client of a few lines.

// Each test file uses its share of these.
#![allow(dead_code)]

use nda_chat::{ChatError, Dialect, Handle, Server, Settings, Speaker};
use nda_engine::{Model, Session, Weights};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Shape};
use nda_kernels::CpuGemv;
use nda_ndf::{AlignedBytes, Document, DocumentWriter, FrameKind, MatrixContent, VectorContent};
use nda_spec::TileMatrix;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub const TEMPLATE: &str = "{% for m in messages %}{{ m.role[0] }}: {{ m.content }}\n{% endfor %}a: ";
/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const CHAT: &str = "/v1/chat/completions";
/// A rest before each of the tiny model's 21 products: an answer of a full context takes ten seconds.
pub const SLOW: Duration = Duration::from_millis(2);

/// The bytes of models/tiny.ndf, with more metadata.
pub fn tiny(more: &[(&str, &str)]) -> AlignedBytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf");
    let bytes = AlignedBytes::from(std::fs::read(path).unwrap().as_slice());
    let document = Document::open(&bytes).unwrap();
    let mut writer = DocumentWriter::new();
    for (key, value) in document.metadata().iter().chain(more.iter().copied()) {
        writer.metadata().set(key, value);
    }
    document.tokenizer().into_iter().for_each(|tokenizer| writer.set_tokenizer(tokenizer.clone()).unwrap());
    document.program().into_iter().for_each(|program| writer.set_program(program));
    for frame in document.frames() {
        let name = frame.name;
        match frame.kind {
            FrameKind::Matrix => {
                let matrix = document.matrix(name).unwrap();
                let stacks: Vec<_> = (0..matrix.stacks()).map(|stack| matrix.stack(stack)).collect();
                let (granularity, scales, outliers) = (matrix.granularity(), matrix.scales(), matrix.outliers());
                writer.add_matrix(&MatrixContent { name, granularity, scales, stacks: &stacks, outliers }).unwrap();
            }
            FrameKind::Vector => {
                let vector = document.vector(name).unwrap();
                writer.add_vector(&VectorContent { name, shape: vector.shape(), values: vector.values() }).unwrap();
            }
            FrameKind::Kv => writer.set_kv(document.kv().unwrap().clone()).unwrap(),
            FrameKind::Metadata | FrameKind::Tokenizer | FrameKind::Program | FrameKind::Grid => {}
        }
    }
    AlignedBytes::from(writer.finish().unwrap().as_slice())
}

/// The CPU, with a rest before every product.
pub struct Slow<'m> {
    cpu: CpuGemv<'m>,
    rest: Duration,
}

impl<'m> Gemv<'m> for Slow<'m> {
    fn name(&self) -> String {
        "slow".into()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.cpu.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        self.cpu.prepare(parts)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        if !self.rest.is_zero() {
            thread::sleep(self.rest);
        }
        self.cpu.run(id, x, y)
    }
}

/// Calls `work` with a speaker and its dialect.
pub fn with_speaker<T>(
    metadata: &[(&str, &str)],
    rest: Duration,
    work: impl FnOnce(Speaker<'_, '_>, Result<Dialect<'_>, ChatError>) -> T,
) -> T {
    let bytes = tiny(metadata);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = Slow { cpu: CpuGemv::new(), rest };
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let dialect = Dialect::new(document.metadata(), &weights);
    work(Speaker::new(Session::new(&model, &mut gemv)), dialect)
}

/// A server on a thread of its own, ended when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub handle: Handle,
    thread: Option<JoinHandle<Result<(), ChatError>>>,
}

impl Running {
    /// A server that runs on this thread.
    pub fn new(address: SocketAddr, handle: Handle, thread: JoinHandle<Result<(), ChatError>>) -> Running {
        Running { address, handle, thread: Some(thread) }
    }

    /// Waits until it has ended by itself.
    pub fn join(&mut self) -> Result<(), ChatError> {
        self.thread.take().expect("joined once").join().expect("the server did not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub fn settings() -> Settings {
    Settings::new("tiny", 0)
}

/// Serves the tiny model with [`TEMPLATE`].
pub fn serve(settings: Settings, rest: Duration) -> Running {
    serve_with(settings, rest, &[("chat_template", TEMPLATE)])
}

pub fn serve_with(settings: Settings, rest: Duration, metadata: &'static [(&'static str, &'static str)]) -> Running {
    let server = Server::bind(settings).unwrap();
    let (address, handle) = (server.address(), server.handle());
    let thread =
        thread::spawn(move || with_speaker(metadata, rest, |mut speaker, dialect| server.run(&mut speaker, dialect.ok().as_ref())));
    Running { address, handle, thread: Some(thread) }
}

/// Sends a request and leaves the answer to be read. HTTP 1.0, so that bodies come without chunks and end with the connection.
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = if headers.contains("Host:") { String::new() } else { format!("Host: {address}\r\n") };
    let kind = if headers.contains("Content-Type:") { "" } else { "Content-Type: application/json\r\n" };
    write!(stream, "{method} {path} HTTP/1.0\r\n{host}{kind}{headers}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream
}

/// Status and body of an answer.
pub fn receive(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {answer}")), body.to_owned())
}

pub fn post(address: SocketAddr, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
    let (status, body) = receive(send(address, "POST", path, "", &body.to_string()));
    (status, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}")))
}

/// Requests that wait in the queue.
pub fn waiting(server: &Running) -> u64 {
    let (_, body) = receive(send(server.address, "GET", "/health", "", ""));
    serde_json::from_str::<serde_json::Value>(&body).unwrap()["waiting"].as_u64().unwrap()
}

/// Waits until this many requests are queued.
pub fn until_waiting(server: &Running, count: u64, within: Duration) {
    let until = Instant::now() + within;
    while waiting(server) != count {
        assert!(Instant::now() < until, "{} requests wait, not {count}", waiting(server));
        thread::sleep(Duration::from_millis(10));
    }
}

/// The data of a stream's events; the last is `[DONE]` as a string.
pub fn events(body: &str) -> Vec<serde_json::Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into())).collect()
}
