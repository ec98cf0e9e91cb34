//! OpenAI's protocol on loopback: one thread of HTTP, and the caller's thread, which owns the model.

mod problem;
mod protocol;
mod replies;
mod routes;
mod worker;

use crate::dialect::Dialect;
use crate::error::ChatError;
use crate::speaker::Speaker;
use axum::serve::Listener;
use nda_engine::Sampling;
use protocol::Defaults;
use routes::Shared;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

/// How long connections may take to end once the server does.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a server is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What clients call the model.
    pub model: String,
    /// The port on 127.0.0.1; 0 for one that is free.
    pub port: u16,
    /// Requests that may wait while one is answered; more are refused. At least 1.
    pub queue: usize,
    /// How long a request may take from its arrival to its last token.
    pub deadline: Duration,
    /// Bytes that a request's body may have.
    pub body_bytes: usize,
    /// How tokens are drawn unless a request says otherwise. Each request without a seed has the next one.
    pub sampling: Sampling,
}

impl Settings {
    /// Eight waiting requests, ten minutes, a mebibyte, greedy.
    pub fn new(model: impl Into<String>, port: u16) -> Settings {
        Settings {
            model: model.into(),
            port,
            queue: 8,
            deadline: Duration::from_secs(600),
            body_bytes: 1 << 20,
            sampling: Sampling::GREEDY,
        }
    }
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    listener: TcpListener,
    address: SocketAddr,
    handle: Handle,
    signals: Signals,
}

/// Whether the system's signals end a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signals {
    Heard,
    Ignored,
}

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Handle {
    end: Arc<watch::Sender<bool>>,
}

impl Handle {
    /// Ends the server: what is being answered breaks off, and [`Server::run`] returns.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    fn is_ended(&self) -> bool {
        *self.end.borrow()
    }

    /// Waits until it ends.
    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut end = self.end.subscribe();
        // An error means that nobody is left who could end it otherwise.
        async move {
            let _ = end.wait_for(|is_ended| *is_ended).await;
        }
    }
}

impl Server {
    /// Listens on 127.0.0.1.
    ///
    /// # Errors
    /// A port that cannot be had.
    pub fn bind(settings: Settings) -> Result<Server, ChatError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
        let failed = |source| ChatError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { settings, listener, address, handle: Handle { end: Arc::new(watch::Sender::new(false)) }, signals: Signals::Ignored })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Lets Ctrl-C end it too.
    pub fn end_on_interrupt(&mut self) {
        self.signals = Signals::Heard;
    }

    /// Answers until it is ended; the model stays on this thread. Without a dialect, conversations are refused and
    /// plain completions are not.
    ///
    /// # Errors
    /// What the system refuses to a server. Failures of the model are told to the client that met them.
    pub fn run(self, speaker: &mut Speaker<'_, '_>, dialect: Option<&Dialect<'_>>) -> Result<(), ChatError> {
        let failed = |action| move |source| ChatError::System { action, source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("start the server"))?;
        let (jobs, mut queue) = mpsc::channel(self.settings.queue.max(1));
        let shared = Arc::new(Shared {
            jobs,
            context: speaker.context(),
            waiting: self.settings.queue.max(1),
            deadline: self.settings.deadline,
            defaults: Defaults { model: self.settings.model, sampling: self.settings.sampling },
            requests: AtomicU64::new(0),
            started: std::time::SystemTime::now(),
        });
        let handle = self.handle.clone();
        let http = http(self.listener, shared, self.settings.body_bytes, handle.clone(), self.signals);
        thread::scope(|scope| {
            let spawned = thread::Builder::new().name("nda-http".into()).spawn_scoped(scope, move || {
                let done = runtime.block_on(http);
                // Takes what still runs with it, and with that the last way into the queue.
                runtime.shutdown_background();
                done
            });
            let http = spawned.map_err(failed("start the server's thread"))?;
            while let Some(job) = queue.blocking_recv() {
                worker::work(job, speaker, dialect, &handle);
            }
            // A thread that panicked has said so itself.
            http.join().unwrap_or(Ok(())).map_err(failed("serve"))
        })
    }
}

/// The server's own thread: accepts, answers, and ends within [`FAREWELL`] when it is told to.
async fn http(listener: TcpListener, shared: Arc<Shared>, body_bytes: usize, handle: Handle, signals: Signals) -> std::io::Result<()> {
    let listener = Loopback(tokio::net::TcpListener::from_std(listener)?);
    if signals == Signals::Heard {
        let handle = handle.clone();
        tokio::spawn(async move {
            // Without signals the server is ended by its handle alone.
            if tokio::signal::ctrl_c().await.is_ok() {
                handle.end();
            }
        });
    }
    let router = routes::router(shared, body_bytes);
    let serving = axum::serve(listener, router).with_graceful_shutdown(handle.ended());
    let farewell = async {
        handle.ended().await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        done = serving.into_future() => done,
        () = farewell => Ok(()),
    }
}

/// A listener whose connections send at once: a token is a few bytes, and must not wait for the next.
struct Loopback(tokio::net::TcpListener);

impl Listener for Loopback {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Slower, and nothing else, if the system refuses.
        let _ = stream.set_nodelay(true);
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
