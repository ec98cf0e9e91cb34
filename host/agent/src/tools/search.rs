//! `search`: files by name, lines by pattern.

use super::{Call, Effect, Tool, arguments};
use crate::error::ToolError;
use ignore::WalkBuilder;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Hits that come back at most.
const HITS: usize = 200;
/// Files of more bytes are not searched.
const FILE_BYTES: u64 = 4 << 20;
/// Bytes of a line that are shown.
const LINE_BYTES: usize = 300;

pub const TOOLS: &[Tool] = &[Tool {
    name: "search",
    title: "Search the project",
    description: "Finds lines that match a regular expression, or files whose path matches 'path' if no pattern is given. Files that git \
                  ignores are left out. At most 200 hits.",
    effect: Effect::Reads,
    schema: || {
        let input = json!({
            "pattern": { "type": "string", "description": "a regular expression on lines" },
            "path": { "type": "string", "description": "a regular expression on paths from the root" },
        });
        let hit = json!({ "type": "object", "properties": { "path": { "type": "string" }, "line": { "type": "integer" }, "text": { "type": "string" } } });
        (input, &[], json!({ "hits": { "type": "array", "items": hit }, "more": { "type": "boolean" } }))
    },
    run: search,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    pattern: Option<String>,
    path: Option<String>,
}

fn expression(text: &str) -> Result<Regex, ToolError> {
    RegexBuilder::new(text).size_limit(1 << 20).build().map_err(|e| ToolError::Unfit { tool: "search", why: e.to_string() })
}

/// Files of the project that git would take, by path from the root, sorted.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false).ignore(false).git_global(false).require_git(false).follow_links(false);
    walk.filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != ".nda");
    let plain = walk.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let mut files: Vec<PathBuf> = plain.filter_map(|entry| entry.path().strip_prefix(root).ok().map(Path::to_owned)).collect();
    files.sort();
    files
}

fn search(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Arguments { pattern, path } = arguments("search", value)?;
    let pattern = pattern.as_deref().map(expression).transpose()?;
    let path = path.as_deref().map(expression).transpose()?;
    let root = context.workspace.root();
    let named = |file: &PathBuf| path.as_ref().is_none_or(|path| path.is_match(&file.to_string_lossy()));
    let mut hits = Vec::new();
    for file in files(root).into_iter().filter(named) {
        let name = file.to_string_lossy().into_owned();
        match &pattern {
            None => hits.push(json!({ "path": name })),
            Some(pattern) => hits.extend(
                lines(&root.join(&file), pattern).into_iter().map(|(line, text)| json!({ "path": name, "line": line, "text": text })),
            ),
        }
        if hits.len() > HITS {
            break;
        }
    }
    let more = hits.len() > HITS;
    hits.truncate(HITS);
    Ok(json!({ "hits": hits, "more": more }))
}

/// Lines of a file that match, from 1.
fn lines(file: &Path, pattern: &Regex) -> Vec<(usize, String)> {
    let is_small = std::fs::metadata(file).is_ok_and(|metadata| metadata.len() <= FILE_BYTES);
    let Some(text) = is_small.then(|| std::fs::read_to_string(file).ok()).flatten() else { return Vec::new() };
    let hits = text.lines().enumerate().filter(|(_, line)| pattern.is_match(line)).take(HITS + 1);
    hits.map(|(i, line)| (i + 1, line.char_indices().take_while(|(at, _)| *at < LINE_BYTES).map(|(_, c)| c).collect())).collect()
}
