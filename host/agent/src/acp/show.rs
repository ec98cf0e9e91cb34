//! What editors show: calls, changes, and what a prompt's parts say.

use super::person::Asked;
use crate::ask::{Question, QuestionFile};
use crate::diff::shown;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;

/// Bytes of an answer that an editor gets to show.
const SHOWN_BYTES: usize = 8_000;
/// Bytes of both texts of a change beyond which it is shown as a diff, cut off at [`SHOWN_BYTES`].
const CHANGE_BYTES: usize = 4 << 20;
/// Characters of a title.
const TITLE_CHARACTERS: usize = 80;

/// A part of a prompt.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    Text {
        text: String,
    },
    ResourceLink {
        uri: String,
    },
    Resource {
        resource: Embedded,
    },
    /// Images and sound, which the greeting does not offer.
    #[serde(other)]
    Other,
}

/// A file that is a part of a prompt.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Embedded {
    uri: String,
    text: Option<String>,
}

/// A prompt as one text: links are named, embedded texts follow.
///
/// # Errors
/// What of it is not text.
pub fn task(prompt: &[Block]) -> Result<String, &'static str> {
    let part = |block: &Block| match block {
        Block::Text { text } => Ok(text.clone()),
        Block::ResourceLink { uri } => Ok(format!("(see {uri})")),
        Block::Resource { resource: Embedded { uri, text: Some(text) } } => Ok(format!("(from {uri})\n{text}")),
        Block::Resource { .. } => Err("an embedded resource is not text"),
        Block::Other => Err("a part of the prompt is neither text nor a link"),
    };
    let parts = prompt.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    if parts.iter().all(|part| part.trim().is_empty()) {
        return Err("the prompt is empty");
    }
    Ok(parts.join("\n"))
}

fn text(text: &str) -> Value {
    json!({ "type": "content", "content": { "type": "text", "text": text } })
}

/// A file of the project by its whole path, as editors want it.
fn at(root: &Path, path: &str) -> String {
    root.join(path).to_string_lossy().into_owned()
}

/// A call that begins.
pub fn called(id: &str, name: &str, arguments: &str, root: &Path) -> Value {
    let input = serde_json::from_str(arguments).unwrap_or(Value::String(arguments.into()));
    let said = |keys: &[&str]| keys.iter().find_map(|key| input[*key].as_str()).map(str::to_owned);
    let named = said(&["path", "file", "document", "out"]);
    let about = named.clone().or_else(|| said(&["command", "pattern", "name", "id", "label"]));
    let title = about.map_or_else(|| name.to_owned(), |about| format!("{name}: {about}"));
    let title = shown(&title).replace('\n', " ").chars().take(TITLE_CHARACTERS).collect::<String>();
    let locations: Vec<Value> = named.iter().map(|path| json!({ "path": at(root, path) })).collect();
    json!({
        "sessionUpdate": "tool_call", "toolCallId": id, "title": title, "kind": kind(name), "status": "in_progress",
        "locations": locations, "rawInput": input,
    })
}

fn kind(tool: &str) -> &'static str {
    match tool {
        "read_file" => "read",
        "search" | "graph_query" | "wave_query" => "search",
        "patch_file" | "write_file" | "restore" => "edit",
        "run" | "emit" => "execute",
        _ => "other",
    }
}

/// What a proposal of a call would change, for the question about it.
pub fn change(call: &str, question: &Question, root: &Path) -> Value {
    let bytes = |file: &QuestionFile| {
        let texts = file.texts.iter().flat_map(|texts| [&texts.before, &texts.after]);
        texts.flatten().map(String::len).sum::<usize>()
    };
    let mut content: Vec<Value> = question.remarks.iter().map(|remark| text(&format!("NOTE: {remark}"))).collect();
    if question.files.iter().map(bytes).sum::<usize>() > CHANGE_BYTES {
        content.push(text(&question.text(SHOWN_BYTES)));
    } else {
        content.extend(question.files.iter().flat_map(|file| file_change(file, root)));
    }
    let locations: Vec<Value> = question.files.iter().map(|file| json!({ "path": at(root, &file.path) })).collect();
    json!({ "toolCallId": call, "content": content, "locations": locations })
}

/// A file beside its old text. A deletion is said: an empty new text does not tell it from an empty file.
fn file_change(file: &QuestionFile, root: &Path) -> Vec<Value> {
    let Some(texts) = &file.texts else { return vec![text(&file.diff)] };
    let after = texts.after.as_deref().unwrap_or("");
    let diff = json!({ "type": "diff", "path": at(root, &file.path), "oldText": texts.before, "newText": after });
    let deleted = texts.after.is_none().then(|| text(&format!("{} would be deleted", file.path)));
    let mode = file.diff.lines().last().filter(|line| line.starts_with(&format!("{}: ", file.path))).map(text);
    deleted.into_iter().chain(mode).chain([diff]).collect()
}

/// A call that has ended, as `completed` or `failed`. Where the user was asked, its content stays the change; a refusal is shown in its place.
pub fn answered(id: &str, status: &str, answer: &str, asked: Asked) -> Value {
    let mut update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": status });
    if status != "completed" || asked == Asked::No {
        let end = (0..=SHOWN_BYTES.min(answer.len())).rev().find(|end| answer.is_char_boundary(*end)).unwrap_or(0);
        update["content"] = json!([text(&shown(&answer[..end]))]);
    }
    update
}
