//! `patch_file`: edits that match exactly once, or a refusal that shows the nearest places. `Workspace::patch` says what matches.

use super::read::MOST_LINES;
use super::write::{written, written_schema};
use super::{Call, Effect, Tool, arguments};
use crate::error::ToolError;
use nda_guard::{Hash, Planned, RelPath, Workspace};
use nda_text::patch::{Action, Edit, FilePatch};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const TOOLS: &[Tool] = &[Tool {
    name: "patch_file",
    title: "Change parts of files",
    description: "Changes a file by 'edits', or files by 'patch': a unified diff or '*** Begin Patch'. Each old text must be there exactly once, \
                  with its blanks; else nothing is changed and the answer shows the nearest places. All files or none. Nothing is written before a \
                  person or a rule says so.",
    effect: Effect::ProposesOnce,
    schema: || {
        let edit = json!({
            "type": "object",
            "properties": {
                "old": { "type": "string", "description": "text that is there exactly once" },
                "new": { "type": "string", "description": "what replaces it" },
                "first": { "type": "integer", "minimum": 1, "maximum": MOST_LINES, "description": "in place of 'old': the first line" },
                "last": { "type": "integer", "minimum": 1, "maximum": MOST_LINES, "description": "the last line" },
                "expect": { "type": "string", "description": "what these lines are now" },
            },
            "required": ["new"],
            "additionalProperties": false,
        });
        let input = json!({
            "path": { "type": "string" },
            "base": { "type": "string", "description": "the hash from read_file; refused if the file has changed since" },
            "edits": { "type": "array", "items": edit, "minItems": 1 },
            "patch": { "type": "string", "description": "in place of path and edits" },
        });
        let mut output = written_schema();
        output["ranges"] =
            json!({ "type": "array", "items": { "type": "object" }, "description": "path, first and last line of each edit now" });
        output["already_applied"] = json!({ "type": "boolean" });
        (input, &[], output)
    },
    run: patch,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenEdit {
    old: Option<String>,
    new: String,
    first: Option<usize>,
    last: Option<usize>,
    expect: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: Option<String>,
    base: Option<String>,
    edits: Option<Vec<GivenEdit>>,
    patch: Option<String>,
}

fn wrong(why: &str) -> ToolError {
    ToolError::Unfit { tool: "patch_file", why: why.into() }
}

fn edit(given: GivenEdit) -> Result<Edit, ToolError> {
    match given {
        GivenEdit { old: Some(old), new, first: None, last: None, expect: None } => Ok(Edit::Replace { old, new }),
        GivenEdit { old: None, new, first: Some(first), last, expect: Some(expect) } => {
            Ok(Edit::Lines { first, last: last.unwrap_or(first), expect, new })
        }
        _ => Err(wrong("an edit has 'old' and 'new', or 'first', 'last', 'expect' and 'new'")),
    }
}

fn patch(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Arguments { path, base, edits, patch } = arguments("patch_file", value)?;
    let files = match (path, edits, patch) {
        (Some(path), Some(edits), None) => {
            let edits = edits.into_iter().map(edit).collect::<Result<_, _>>()?;
            vec![FilePatch { path, action: Action::Update { edits, to: None }, executable: None }]
        }
        (None, None, Some(patch)) if base.is_none() => Workspace::read_patch(&patch)?,
        _ => return Err(wrong("give 'path' and 'edits', or 'patch' alone")),
    };
    let mut bases = BTreeMap::new();
    if let Some(base) = base {
        let hash = Hash::parse(&base).ok_or_else(|| wrong("'base' is a hash from read_file"))?;
        bases.insert(RelPath::new(&files[0].path)?, hash);
    }
    let (mut told, answers, already) = match context.workspace.plan_patch(context.origin("patch_file", ""), &files, &bases)? {
        Planned::New(proposal, answers) => (written(&context.submit(proposal)?), answers, false),
        Planned::Already(answers) => (json!({ "files": [], "unchanged": true }), answers, true),
    };
    let ranges = answers.iter().flat_map(|answer| {
        answer.ranges.iter().map(|range| json!({ "path": answer.path.to_string(), "first": range.first, "last": range.last }))
    });
    told["ranges"] = ranges.collect();
    told["already_applied"] = json!(already);
    Ok(told)
}
