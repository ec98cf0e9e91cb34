//! What is answered where.

use super::problem::Problem;
use super::protocol::{self, Defaults, Delivery, Request};
use super::replies::{Endpoint, Envelope};
use super::worker::{Job, MORE_NEWS, News};
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use nda_engine::Sampling;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_stream::wrappers::ReceiverStream;

/// What every request needs.
pub(super) struct Shared {
    pub jobs: Sender<Job>,
    /// Positions of the model: no answer has more tokens.
    pub context: usize,
    /// Requests that may wait.
    pub waiting: usize,
    pub deadline: Duration,
    pub defaults: Defaults,
    /// Requests so far: they number answers and seeds.
    pub requests: AtomicU64,
    pub started: SystemTime,
}

type App = State<Arc<Shared>>;
type Body = Result<Bytes, BytesRejection>;

pub(super) fn router(shared: Arc<Shared>, body_bytes: usize) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/models", get(models))
        .route("/v1/models/{*model}", get(model))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completion))
        .fallback(|uri: Uri| async move { not_found(&uri) })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address takes another method")
        })
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(from_fn_with_state(Arc::clone(&shared), in_time))
        .layer(from_fn(local_alone))
        .with_state(shared)
}

fn not_found(uri: &Uri) -> Problem {
    let message = format!("there is no '{}'; there are /v1/models, /v1/chat/completions, /v1/completions and /health", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not_found", message)
}

/// Refuses what is not meant for this address: a page in a browser whose host's name was bent to 127.0.0.1.
async fn local_alone(request: axum::extract::Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if ["127.0.0.1", "localhost", "[::1]"].contains(&name) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "wrong_host", format_args!("this server is 127.0.0.1, not '{host}'")).into_response()
}

/// The deadline up to the answer's head: for slow bodies, for waiting, for answers that come as a whole.
/// The model's thread keeps it for streams.
async fn in_time(State(shared): App, request: axum::extract::Request, next: Next) -> Response {
    let answered = tokio::time::timeout(shared.deadline, next.run(request)).await;
    answered.unwrap_or_else(|_| Problem::timeout(shared.deadline.as_secs_f32()).into_response())
}

async fn health(State(shared): App) -> Json<Value> {
    let waiting = shared.waiting - shared.jobs.capacity();
    Json(json!({ "status": "ok", "model": shared.defaults.model, "waiting": waiting, "queue": shared.waiting }))
}

async fn models(State(shared): App) -> Json<Value> {
    Json(json!({ "object": "list", "data": [described(&shared)] }))
}

async fn model(State(shared): App, Path(name): Path<String>) -> Response {
    if name == shared.defaults.model {
        return Json(described(&shared)).into_response();
    }
    let message = format!("there is no model '{name}'; this server has '{}'", shared.defaults.model);
    Problem::new(StatusCode::NOT_FOUND, "model_not_found", message).into_response()
}

fn described(shared: &Shared) -> Value {
    json!({ "id": shared.defaults.model, "object": "model", "created": unix(shared.started), "owned_by": "nda", "context": shared.context })
}

async fn chat(State(shared): App, headers: HeaderMap, body: Body) -> Response {
    let request = checked(&shared, &headers, body, protocol::chat);
    answer(&shared, Endpoint::Chat, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn completion(State(shared): App, headers: HeaderMap, body: Body) -> Response {
    let request = checked(&shared, &headers, body, protocol::completion);
    answer(&shared, Endpoint::Completion, request).await.unwrap_or_else(IntoResponse::into_response)
}

/// A request with its number.
fn checked(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
    read: impl Fn(&[u8], &Defaults) -> Result<Request, Problem>,
) -> Result<(u64, Request), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A page elsewhere can send other types without asking, but never this one.
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let message = format!("the body must be application/json, not '{kind}'");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(rejection.status(), "body_too_large", "the body is larger than this server takes"),
        status => Problem::new(status, "bad_body", rejection.body_text()),
    })?;
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let sampling = Sampling { seed: shared.defaults.sampling.seed.wrapping_add(number), ..shared.defaults.sampling };
    let request = read(&body, &Defaults { sampling, ..shared.defaults.clone() })?;
    Ok((number, request))
}

/// Puts a request into the queue and hands its answer over.
async fn answer(shared: &Shared, endpoint: Endpoint, request: Result<(u64, Request), Problem>) -> Result<Response, Problem> {
    let (number, request) = request?;
    let prefix = match endpoint {
        Endpoint::Chat => "chatcmpl",
        Endpoint::Completion => "cmpl",
    };
    let (created, model, delivery) = (unix(SystemTime::now()), shared.defaults.model.clone(), request.delivery);
    let envelope = Envelope { endpoint, id: format!("{prefix}-{created}-{number}"), created, model, delivery };
    let mut news = queued(shared, request)?;
    match news.recv().await {
        Some(News::Failed(problem)) => Err(problem),
        None => Err(Problem::ending()),
        Some(_) if delivery == Delivery::Whole => whole(&envelope, news).await,
        Some(first) => {
            let news = stream::once(async { first }).chain(ReceiverStream::new(news));
            let events = news.flat_map(move |news| stream::iter(envelope.events(news)).map(Ok::<_, Infallible>));
            Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
        }
    }
}

fn queued(shared: &Shared, request: Request) -> Result<Receiver<News>, Problem> {
    let (sender, news) = mpsc::channel(shared.context + MORE_NEWS);
    let job = Job { request, until: Instant::now() + shared.deadline, deadline: shared.deadline, news: sender };
    match shared.jobs.try_send(job) {
        Ok(()) => Ok(news),
        Err(TrySendError::Full(_)) => Err(Problem::queue_full(shared.waiting)),
        Err(TrySendError::Closed(_)) => Err(Problem::ending()),
    }
}

async fn whole(envelope: &Envelope, mut news: Receiver<News>) -> Result<Response, Problem> {
    while let Some(news) = news.recv().await {
        match news {
            News::Done(answer) => return Ok(Json(envelope.whole(&answer)).into_response()),
            News::Failed(problem) => return Err(problem),
            News::Begun | News::Text(_) => {}
        }
    }
    Err(Problem::ending())
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
