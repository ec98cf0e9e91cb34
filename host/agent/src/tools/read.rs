//! `read_file`.

use super::{Call, Effect, Tool, arguments};
use crate::context::Context;
use crate::error::ToolError;
use nda_guard::{FileState, Hash, RelPath};
use serde::Deserialize;
use serde_json::{Value, json};

/// Lines that come back at most, unless more are asked for.
const LINES: usize = 2000;

/// A line's number at most: what a schema allows is always a number here.
pub const MOST_LINES: u32 = 1_000_000_000;

pub const TOOLS: &[Tool] = &[Tool {
    name: "read_file",
    title: "Read a file",
    description: "Returns lines of a text file of the project, and the hash of all of it: pass the hash as 'base' when you change the file.",
    effect: Effect::Reads,
    schema: || {
        let input = json!({
            "path": { "type": "string", "description": "from the project's root, without '..'" },
            "first": { "type": "integer", "minimum": 1, "maximum": MOST_LINES, "description": "first line, from 1" },
            "lines": { "type": "integer", "minimum": 1, "maximum": MOST_LINES, "description": "how many lines; 2000 by default" },
        });
        let output = json!({
            "text": { "type": "string" },
            "hash": { "type": "string" },
            "first": { "type": "integer" },
            "total_lines": { "type": "integer" },
        });
        (input, &["path"], output)
    },
    run: read,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    first: Option<usize>,
    lines: Option<usize>,
}

fn read(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Arguments { path, first, lines } = arguments("read_file", value)?;
    let (state, text) = text(context, &RelPath::new(&path)?)?;
    let first = first.unwrap_or(1).max(1);
    let part: String = text.split_inclusive('\n').skip(first - 1).take(lines.unwrap_or(LINES)).collect();
    let total = text.split_inclusive('\n').count();
    Ok(json!({ "text": part, "hash": state.hash().to_string(), "first": first, "total_lines": total }))
}

/// A text file of the project, and its text.
pub fn text(context: &Context, path: &RelPath) -> Result<(FileState, String), ToolError> {
    let state = context.workspace.read(path)?.ok_or_else(|| ToolError::Other(format!("'{path}' is not there; 'search' finds files")))?;
    let text = String::from_utf8(state.bytes.clone()).map_err(|_| ToolError::Other(format!("'{path}' is not UTF-8 text")))?;
    Ok((state, text))
}

/// A base as the model gives it: the hash of the file as it read it. None was given: the file as it is now.
pub fn base(given: Option<&str>, now: Option<&FileState>) -> Result<Option<Hash>, ToolError> {
    match given {
        None => Ok(now.map(FileState::hash)),
        Some(text) => {
            let hash = Hash::parse(text).ok_or_else(|| ToolError::Other(format!("'{text}' is not a hash; take it from read_file")))?;
            Ok(Some(hash))
        }
    }
}
