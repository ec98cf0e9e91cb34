//! `plan` and `board_status`: what the command knows, as JSON.

use super::{Call, Effect, Tool, arguments};
use crate::context::Context;
use crate::error::ToolError;
use nda_guard::RelPath;
use serde::Deserialize;
use serde_json::{Value, json};

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "plan",
        title: "Plan a model on a board",
        description: "Where the products of a document run and what a token costs: cycles, bytes, the limiting term.",
        effect: Effect::Reads,
        schema: || {
            let input = json!({
                "document": { "type": "string", "description": "an .ndf file, from the root" },
                "board": { "type": "string", "description": "a board of 'nda devices'" },
            });
            (input, &["document"], json!({ "plan": {} }))
        },
        run: plan,
    },
    Tool {
        name: "board_status",
        title: "Boards and configurations",
        description: "Which configurations and boards there are, and what of them this machine can open.",
        effect: Effect::Reads,
        schema: || (json!({}), &[], json!({ "devices": {} })),
        run: board_status,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    document: String,
    board: Option<String>,
}

/// The answer of the command, as JSON if it is some.
fn asked(context: &Context, words: &[&str]) -> Result<Value, ToolError> {
    let text = context.facts.ask(words, &[]).map_err(ToolError::Other)?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn plan(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Plan { document, board } = arguments("plan", value)?;
    let path = context.workspace.root().join(RelPath::new(document)?.as_path());
    let path = path.to_str().ok_or_else(|| ToolError::Other("the document's path is not UTF-8".into()))?;
    let mut words = vec!["plan", path, "--json"];
    if let Some(board) = &board {
        if board.starts_with('-') {
            return Err(ToolError::Unfit { tool: "plan", why: format!("'{board}' is not a board") });
        }
        words.extend(["--board", board]);
    }
    Ok(json!({ "plan": asked(context, &words)? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn board_status(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Nothing {} = arguments("board_status", value)?;
    Ok(json!({ "devices": asked(context, &["devices", "--json"])? }))
}
