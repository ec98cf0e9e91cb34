//! Texts that are saved and come back, at llama.cpp's addresses: `/slots`, `/slots/N?action=save|restore|erase`.

use super::problem::Problem;
use super::routes::App;
use super::vocabulary::object;
use crate::slots::{SlotError, Slots};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use nda_engine::saved::FileError;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

/// Longest name of a file.
const MAX_NAME: usize = 128;

/// Where texts are saved, by plain names of files.
pub trait Shelf: Debug + Send + Sync {
    /// Writes a file: the new one stands there, or the old one.
    ///
    /// # Errors
    /// What kept it, for a person.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String>;

    /// Reads a file.
    ///
    /// # Errors
    /// What kept it, for a person.
    fn take(&self, name: &str) -> Result<Vec<u8>, String>;
}

/// What saving and restoring needs.
#[derive(Clone)]
pub(super) struct Keeping {
    pub slots: Arc<Slots>,
    pub shelf: Option<Arc<dyn Shelf>>,
    /// The model's name, and what its files are saved for.
    pub model: String,
    pub wanted: String,
    pub context: usize,
}

/// All slots.
pub(super) async fn list(State(shared): App) -> Result<Json<Value>, Problem> {
    let keeping = keeping(&shared.keeping)?;
    let slot = |(id, positions): (usize, Option<usize>)| json!({ "id": id, "n_ctx": keeping.context, "is_processing": positions.is_none(), "n_past": positions });
    Ok(Json(keeping.slots.positions_each().into_iter().enumerate().map(slot).collect()))
}

/// Saves, restores or forgets the text of a slot.
pub(super) async fn act(State(shared): App, Path(number): Path<usize>, uri: Uri, request: Request) -> Result<Response, Problem> {
    let keeping = keeping(&shared.keeping)?.clone();
    let action = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("action=")).unwrap_or_default().to_owned();
    if action == "erase" {
        let erased = keeping.slots.erase(number).map_err(problem)?;
        return Ok(Json(json!({ "id_slot": number, "n_erased": erased })).into_response());
    }
    let Some(shelf) = keeping.shelf.clone() else {
        let message = "this server saves no slots; start it with '--slot-save-path FOLDER'";
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "slots_not_saved", message));
    };
    if action != "save" && action != "restore" {
        return Err(Problem::field("action", format_args!("'{}' is not save, restore or erase", action.escape_debug())));
    }
    let name = file_name(&object(&shared, request).await?)?;
    // Files and hashes take long, and streams must not wait for them.
    let work = move || if action == "save" { save(&keeping, &*shelf, number, &name) } else { restore(&keeping, &*shelf, number, &name) };
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "model_failed", error))?;
    done.map(|told| Json(told).into_response())
}

fn keeping(keeping: &Option<Keeping>) -> Result<&Keeping, Problem> {
    let message = "whole tokens have no slots; start the server with '--offload gemv'";
    keeping.as_ref().ok_or_else(|| Problem::new(StatusCode::NOT_IMPLEMENTED, "no_slots", message))
}

/// A plain name: no folder, nothing hidden.
fn file_name(body: &Value) -> Result<String, Problem> {
    let name = body["filename"].as_str().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.chars().all(is_plain) {
        let rule = "a name is 1 to 128 letters, digits, '.', '_' and '-', and does not begin with '.'";
        return Err(Problem::field("filename", rule));
    }
    Ok(name.to_owned())
}

fn save(keeping: &Keeping, shelf: &dyn Shelf, number: usize, name: &str) -> Result<Value, Problem> {
    let started = Instant::now();
    let (bytes, positions) = keeping.slots.save(number, &keeping.model).map_err(problem)?;
    shelf.put(name, &bytes).map_err(|reason| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not_saved", reason))?;
    let ms = started.elapsed().as_secs_f64() * 1e3;
    Ok(json!({ "id_slot": number, "filename": name, "n_saved": positions, "n_written": bytes.len(), "timings": { "save_ms": ms } }))
}

fn restore(keeping: &Keeping, shelf: &dyn Shelf, number: usize, name: &str) -> Result<Value, Problem> {
    let started = Instant::now();
    let bytes = shelf.take(name).map_err(|reason| Problem::new(StatusCode::NOT_FOUND, "file_not_read", reason))?;
    let positions = keeping.slots.restore(number, &bytes, keeping.context, &keeping.wanted).map_err(problem)?;
    let ms = started.elapsed().as_secs_f64() * 1e3;
    Ok(json!({ "id_slot": number, "filename": name, "n_restored": positions, "n_read": bytes.len(), "timings": { "restore_ms": ms } }))
}

fn problem(error: SlotError) -> Problem {
    let (status, code) = match &error {
        SlotError::Unknown { .. } => (StatusCode::NOT_FOUND, "slot_not_found"),
        SlotError::Busy { .. } => (StatusCode::CONFLICT, "slot_busy"),
        SlotError::Floats | SlotError::Tokens => (StatusCode::BAD_REQUEST, "not_saved"),
        SlotError::File(FileError::Foreign { .. }) => (StatusCode::CONFLICT, "saved_by_another_model"),
        SlotError::File(_) => (StatusCode::BAD_REQUEST, "bad_file"),
    };
    Problem::new(status, code, error)
}
