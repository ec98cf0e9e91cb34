//! `write_file`, and how a tool's proposal ends.

use super::read::base;
use super::{Call, Effect, Tool, arguments};
use crate::error::ToolError;
use nda_guard::{Change, FileChange, FileState, Mode, Proposal, RelPath};
use serde::Deserialize;
use serde_json::{Value, json};

pub const TOOLS: &[Tool] = &[Tool {
    name: "write_file",
    title: "Write a file",
    description: "Proposes the whole text of a file, new or not; with 'executable' alone its mode; with neither, to delete it. Nothing is written before \
                  a person or a rule says so. For small changes use patch_file.",
    effect: Effect::ProposesOnce,
    schema: || {
        let input = json!({
            "path": { "type": "string" },
            "text": { "type": "string", "description": "all of the file; without it and without 'executable' the file is deleted" },
            "base": { "type": "string", "description": "the hash from read_file; refused if the file has changed since" },
            "executable": { "type": "boolean", "description": "alone it changes the file's mode" },
        });
        (input, &["path"], written_schema())
    },
    run: write,
}];

/// The schema of what [`written`] gives.
pub fn written_schema() -> Value {
    json!({
        "files": { "type": "array", "items": { "type": "object", "properties": { "path": { "type": "string" }, "hash": { "type": ["string", "null"] } } } },
        "checkpoint": { "type": "string", "description": "restore takes the change back with it" },
        "gates": { "type": "array", "items": { "type": "string" } },
        "unchanged": { "type": "boolean" },
    })
}

/// What was written, for the model.
pub fn written(change: &Change) -> Value {
    let files: Vec<Value> =
        change.files.iter().map(|(path, hash)| json!({ "path": path.to_string(), "hash": hash.map(|hash| hash.to_string()) })).collect();
    json!({ "files": files, "checkpoint": change.checkpoint, "gates": change.gates, "unchanged": false })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    text: Option<String>,
    base: Option<String>,
    executable: Option<bool>,
}

fn write(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Arguments { path, text, base: given, executable } = arguments("write_file", value)?;
    let path = RelPath::new(&path)?;
    let now = context.workspace.read(&path)?;
    let mode = match executable {
        Some(true) => Mode::Executable,
        Some(false) => Mode::Plain,
        None => now.as_ref().map_or(Mode::Plain, |state| state.mode),
    };
    let bytes = match (text, &now, executable) {
        (Some(text), ..) => Some(text.into_bytes()),
        // Who speaks of the mode alone means the file to stay.
        (None, Some(now), Some(_)) => Some(now.bytes.clone()),
        (None, None, Some(_)) => {
            return Err(ToolError::Unfit { tool: "write_file", why: format!("'{path}' is not there; 'executable' alone changes a file") });
        }
        (None, _, None) => None,
    };
    let after = bytes.map(|bytes| FileState { bytes, mode });
    if after == now {
        return Ok(json!({ "files": [], "unchanged": true }));
    }
    let change = FileChange { path, base: base(given.as_deref(), now.as_ref())?, after };
    Ok(written(&context.submit(Proposal::new(context.origin("write_file", ""), vec![change]))?))
}
