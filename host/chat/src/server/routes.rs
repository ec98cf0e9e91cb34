//! What is answered where.

use super::Handle;
use super::guards::{Doors, guard};
use super::hearing::Hearing;
use super::meters::{Meters, Open};
use super::problem::Problem;
use super::protocol::{self, Defaults, Delivery, Request};
use super::queue::Queue;
use super::replies::{Choice, Endpoint, Envelope};
use super::slots::{self, Keeping};
use super::vocabulary::{self, Vocabulary};
use super::worker::{Job, News};
use crate::calls::{CallForm, Calling};
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt, stream};
use nda_engine::Sampling;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// The page for people: one file, which asks nobody else for anything.
const PAGE: &str = include_str!("page.html");
/// What that page may do: run its own script and talk to this server.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:";

/// What every request needs.
pub(super) struct Shared {
    pub queue: Arc<Queue<Job>>,
    /// Positions of the model: no answer has more tokens.
    pub context: usize,
    /// How long a request's body may take.
    pub body: Duration,
    pub deadline: Duration,
    pub defaults: Defaults,
    /// How the model writes calls of tools.
    pub calls: CallForm,
    pub vocabulary: Vocabulary,
    /// The texts, and where they are saved; none of whole tokens.
    pub keeping: Option<Keeping>,
    pub meters: Arc<Meters>,
    pub doors: Doors,
    /// Requests so far: they number answers and seeds.
    pub requests: AtomicU64,
    pub started: SystemTime,
    pub handle: Handle,
}

pub(super) type App = State<Arc<Shared>>;

pub(super) fn router(shared: Shared, body_bytes: usize) -> Router {
    let shared = Arc::new(shared);
    Router::new()
        .route("/", get(page))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/v1/models", get(models))
        .route("/v1/models/{*model}", get(model))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completion))
        .route("/slots", get(slots::list))
        .route("/slots/{number}", post(slots::act))
        .route("/tokenize", post(vocabulary::tokenize))
        .route("/detokenize", post(vocabulary::detokenize))
        .route("/tokenizer_info", get(vocabulary::info))
        .fallback(|uri: Uri| async move { not_found(&uri) })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address takes another method")
        })
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(from_fn_with_state(Arc::clone(&shared), in_time))
        .layer(from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

fn not_found(uri: &Uri) -> Problem {
    let message = format!(
        "no '{}'; there are /v1/models, /v1/chat/completions, /v1/completions, /slots, /tokenize, /health and /metrics",
        uri.path()
    );
    Problem::new(StatusCode::NOT_FOUND, "not_found", message)
}

/// The deadline up to the answer's head: for slow bodies, for waiting, for answers that come as a whole.
/// The model's thread keeps it for streams.
async fn in_time(State(shared): App, request: axum::extract::Request, next: Next) -> Response {
    let answered = timeout(shared.deadline, next.run(request)).await;
    answered.unwrap_or_else(|_| Problem::timeout(shared.deadline.as_secs_f32()).into_response())
}

async fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], PAGE).into_response()
}

async fn health(State(shared): App) -> Json<Value> {
    let (waiting, places, meters) = (shared.queue.waiting(), shared.queue.places(), &shared.meters);
    let open = meters.opened();
    Json(json!({
        "status": "ok", "model": shared.defaults.model, "waiting": waiting, "queue": places, "open": open,
        // 0 is idle; 1 is as many requests as are answered at once and a full queue behind them.
        "load": open as f64 / (places + shared.queue.takers()) as f64, "parallel": shared.queue.takers(), "context": shared.context, "cached": meters.positions(), "board_jobs": meters.jobs(),
    }))
}

async fn metrics(State(shared): App) -> Response {
    let page = shared.meters.page(shared.queue.waiting(), shared.queue.places(), shared.context);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

async fn models(State(shared): App) -> Json<Value> {
    Json(json!({ "object": "list", "data": [described(&shared)] }))
}

async fn model(State(shared): App, Path(name): Path<String>) -> Response {
    if name == shared.defaults.model {
        return Json(described(&shared)).into_response();
    }
    let message = format!("no model '{name}'; this server has '{}'", shared.defaults.model);
    Problem::new(StatusCode::NOT_FOUND, "model_not_found", message).into_response()
}

fn described(shared: &Shared) -> Value {
    json!({ "id": shared.defaults.model, "object": "model", "created": unix(shared.started), "owned_by": "nda", "context": shared.context })
}

async fn chat(State(shared): App, request: axum::extract::Request) -> Response {
    respond(&shared, Endpoint::Chat, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn completion(State(shared): App, request: axum::extract::Request) -> Response {
    respond(&shared, Endpoint::Completion, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn respond(shared: &Shared, endpoint: Endpoint, request: axum::extract::Request) -> Result<Response, Problem> {
    let open = shared.meters.open();
    let answered = async {
        let body = body(shared, request).await?;
        let (number, request) = numbered(shared, endpoint, &body)?;
        answer(shared, endpoint, number, request, open).await
    }
    .await;
    let status = answered.as_ref().map_or_else(|problem| problem.status, Response::status);
    shared.meters.answered(endpoint.name(), status.as_u16());
    answered
}

/// A page elsewhere can send other types without asking, but never this one.
fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let message = format!("the body must be application/json, not '{kind}'");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// A request's body, JSON, which has a size and a time.
pub(super) async fn body(shared: &Shared, request: axum::extract::Request) -> Result<Bytes, Problem> {
    expect_json(request.headers())?;
    let read = timeout(shared.body, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| Problem::slow_body(shared.body.as_secs_f32()))?;
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(rejection.status(), "body_too_large", "the body is larger than this server takes"),
        status => Problem::new(status, "bad_body", rejection.body_text()),
    })
}

/// A request with its number.
fn numbered(shared: &Shared, endpoint: Endpoint, body: &[u8]) -> Result<(u64, Request), Problem> {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let sampling = Sampling { seed: shared.defaults.sampling.seed.wrapping_add(number), ..shared.defaults.sampling };
    let defaults = Defaults { sampling, ..shared.defaults.clone() };
    let request = match endpoint {
        Endpoint::Chat => protocol::chat(body, &defaults),
        Endpoint::Completion => protocol::completion(body, &defaults),
    };
    Ok((number, request?))
}

/// Puts a request into the queue and hands its answer over; it is open until then.
async fn answer(shared: &Shared, endpoint: Endpoint, number: u64, request: Request, open: Open) -> Result<Response, Problem> {
    let prefix = match endpoint {
        Endpoint::Chat => "chatcmpl",
        Endpoint::Completion => "cmpl",
    };
    let (created, model, delivery) = (unix(SystemTime::now()), shared.defaults.model.clone(), request.delivery);
    let calls = Some(shared.calls).filter(|_| request.tools.calling != Calling::Never);
    let choices = (0..request.choices()).map(|_| Choice::new(calls)).collect();
    let (id, telling) = (format!("{prefix}-{created}-{number}"), request.manner.telling);
    let mut envelope = Envelope { endpoint, id, number, created, model, delivery, telling, choices };
    let mut hearing = Hearing::begin(&shared.queue, request, shared.context, shared.deadline, &shared.handle)?;
    match hearing.next().await {
        News::Failed(problem) => Err(problem),
        first if delivery == Delivery::Whole => whole(envelope, first, hearing).await,
        first => {
            let told = news(first, hearing, open).flat_map(move |news| stream::iter(envelope.events(news)).map(Ok::<_, Infallible>));
            Ok(Sse::new(told).keep_alive(KeepAlive::default()).into_response())
        }
    }
}

/// All news of a request, the last one included.
fn news(first: News, hearing: Hearing, open: Open) -> impl Stream<Item = News> {
    let rest = stream::unfold((first.is_last(), hearing, open), |(is_over, mut hearing, open)| async move {
        if is_over {
            return None;
        }
        let news = hearing.next().await;
        let is_over = news.is_last();
        Some((news, (is_over, hearing, open)))
    });
    stream::once(async { first }).chain(rest)
}

async fn whole(mut envelope: Envelope, first: News, mut hearing: Hearing) -> Result<Response, Problem> {
    let mut news = first;
    loop {
        match news {
            News::Done(usage) => return Ok(Json(envelope.whole(usage)).into_response()),
            News::Failed(problem) => return Err(problem),
            more => {
                envelope.keep(more);
                news = hearing.next().await;
            }
        }
    }
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
