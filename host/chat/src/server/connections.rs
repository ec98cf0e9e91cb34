//! Connections: how many there may be, and how long each may take for what.

use super::Handle;
use super::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long connections may take to end once the server does.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a refused client may take to read why and go.
const REFUSAL: Duration = Duration::from_secs(1);
/// Refused clients that are waited for at a time; others are told why and closed at once.
const MAX_REFUSALS: usize = 64;
/// Bytes that a refused client may have sent.
const MAX_UNREAD: u64 = 1 << 20;
/// Bytes that a connection keeps of what comes and of what goes.
const BUFFER_BYTES: usize = 1 << 16;
/// The pause after an accept that failed: the system has no more descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a server grants its connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grants {
    /// Connections at a time.
    pub connections: usize,
    /// From one answer, or from the start, to the end of the next request's head.
    pub head: Duration,
    /// From a request's head to the last byte of its answer.
    pub exchange: Duration,
}

/// Accepts and serves connections until the server ends, and then within [`FAREWELL`].
pub(super) async fn serve(listener: TcpListener, router: Router, grants: Grants, handle: &Handle) {
    let graceful = GracefulShutdown::new();
    let (places, refusals) = (Arc::new(Semaphore::new(grants.connections)), Arc::new(Semaphore::new(MAX_REFUSALS)));
    let accept_all = async {
        loop {
            let stream = accept(&listener).await;
            match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let connection = connection(stream, router.clone(), grants, &graceful);
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(_) => {
                    // A socket that nobody could write to has nobody who would read.
                    let Ok(stream) = refuse(stream, grants.connections) else { continue };
                    if let Ok(turn) = Arc::clone(&refusals).try_acquire_owned() {
                        tokio::spawn(async move {
                            let _ = timeout(REFUSAL, read_rest(stream)).await;
                            drop(turn);
                        });
                    }
                }
            }
        }
    };
    tokio::select! {
        () = accept_all => {}
        () = handle.ended() => {}
    }
    drop(listener);
    let _ = timeout(FAREWELL, graceful.shutdown()).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A token is a few bytes, and must not wait for the next. Slower, and nothing else, if the system refuses.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            // The client was faster in going than we in accepting.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves a connection to its end, or to the end of its time.
fn connection(stream: TcpStream, router: Router, grants: Grants, graceful: &GracefulShutdown) -> impl Future<Output = ()> + Send + 'static {
    let bound = Arc::new(Bound::new(grants));
    let service = Timed { service: TowerToHyperService::new(router), bound: Arc::clone(&bound) };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(grants.head).max_buf_size(BUFFER_BYTES);
    let served = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    async move {
        tokio::select! {
            // An error is a client that went, or that sent what is no HTTP and was told so.
            _ = served => {}
            () = bound.passed() => {}
        }
    }
}

/// When a connection must be over, whatever it waits for: hyper bounds a request's head, and this all else.
struct Bound {
    grants: Grants,
    at: Mutex<Instant>,
}

impl Bound {
    fn new(grants: Grants) -> Bound {
        Bound { grants, at: Mutex::new(Instant::now() + grants.head + grants.exchange) }
    }

    fn at(&self) -> Instant {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has begun: it has its time, and whoever comes after it on this connection the time for a head.
    fn move_on(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + self.grants.exchange + self.grants.head;
    }

    async fn passed(&self) {
        let mut at = self.at();
        loop {
            sleep_until(at).await;
            let now = self.at();
            if now <= at {
                return;
            }
            at = now;
        }
    }
}

/// A service that notes when its requests begin.
struct Timed {
    service: TowerToHyperService<Router>,
    bound: Arc<Bound>,
}

impl Service<Request<Incoming>> for Timed {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.bound.move_on();
        self.service.call(request)
    }
}

/// Says why there is no connection, before any request was read.
fn refuse(stream: TcpStream, connections: usize) -> io::Result<TcpStream> {
    let problem = Problem::too_many_connections(connections);
    let body = problem.body().to_string();
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n",
        problem.status,
        body.len()
    );
    // At once: a socket that is new has room for so little.
    let stream = stream.into_std()?;
    (&stream).write_all((head + &body).as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    TcpStream::from_std(stream)
}

/// Reads what a refused client sent: a socket that is closed with bytes unread resets the connection, and the refusal may be
/// lost with it.
async fn read_rest(stream: TcpStream) -> io::Result<()> {
    tokio::io::copy(&mut stream.take(MAX_UNREAD), &mut tokio::io::sink()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_its_time_from_each_request_on() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let [head, exchange] = [100, 200].map(Duration::from_millis);
        runtime.block_on(async {
            let bound = Bound::new(Grants { connections: 1, head, exchange });
            let started = Instant::now();
            bound.passed().await;
            assert!(started.elapsed() >= head + exchange);
            bound.move_on();
            let renewed = Instant::now();
            let later = async {
                sleep(exchange).await;
                bound.move_on();
            };
            tokio::join!(bound.passed(), later);
            assert!(renewed.elapsed() >= exchange + exchange + head, "the second request's time is its own");
        });
    }
}
