//! `graph_query` and `wave_query`: what calls, emits and shows what.

use super::search::files;
use super::{Effect, Tool, arguments};
use crate::context::Context;
use crate::error::ToolError;
use nda_graph::{Facts, Graph, Kind, Place, Store, tensors};
use nda_guard::RelPath;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Endings of files that say something.
const ENDINGS: [&str; 7] = ["rs", "nda", "v", "sv", "vh", "vcd", "ndf"];
/// Files of more bytes are left out; of a wave the head is enough.
const FILE_BYTES: u64 = 64 << 20;
/// Answers that come back at most.
const MOST: usize = 300;

/// The graph of a workspace, brought up to date before each question: files that look the same are not scanned again.
#[derive(Default)]
pub struct Known {
    store: Store,
    stamps: Mutex<BTreeMap<String, (SystemTime, u64)>>,
}

impl Known {
    /// The graph of the project as it is now.
    pub fn of(&self, root: &Path) -> Arc<Graph> {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let has_ending = |path: &Path| path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
        let mut now = BTreeMap::new();
        for path in files(root).into_iter().filter(|path| has_ending(path)) {
            let (name, whole) = (path.to_string_lossy().into_owned(), root.join(&path));
            let Ok(metadata) = whole.symlink_metadata() else { continue };
            let stamp = (metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len());
            if stamps.get(&name) != Some(&stamp) && metadata.len() <= FILE_BYTES {
                self.store.set(&name, scanned(&whole, &name));
            }
            now.insert(name, stamp);
        }
        stamps.keys().filter(|name| !now.contains_key(*name)).for_each(|name| self.store.set(name, None));
        *stamps = now;
        self.store.snapshot()
    }
}

/// What a file says; none if it cannot be read or is damaged.
fn scanned(path: &Path, name: &str) -> Option<Facts> {
    let bytes = std::fs::read(path).ok()?;
    if name.ends_with(".ndf") {
        return tensors(&bytes, None).ok();
    }
    Some(Facts::of(name, &String::from_utf8_lossy(&bytes)))
}

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "graph_query",
        title: "Ask the code graph",
        description: "Across Rust, Rust-HDL cores, Verilog, NDA programs, documents and waves. Questions: 'defines' (where a name is defined), \
                      'callers', 'callees', 'emitted_from' (cores of a Verilog module), 'emits' (modules of a core), 'signals' (of a module), \
                      'instances' (in a core or module), 'shows' (a tensor: programs that use it, signals and waves of its product).",
        effect: Effect::Reads,
        schema: || {
            let questions = ["defines", "callers", "callees", "emitted_from", "emits", "signals", "instances", "shows"];
            let input = json!({ "question": { "type": "string", "enum": questions }, "name": { "type": "string" } });
            (input, &["question", "name"], json!({ "answers": { "type": "array" }, "symbols": { "type": "integer" } }))
        },
        run: graph_query,
    },
    Tool {
        name: "wave_query",
        title: "Read a wave",
        description: "Variables of a VCD file whose scope and name contain 'signal', and how their values change from 'from' to 'to' (in the \
                      file's time unit).",
        effect: Effect::Reads,
        schema: || {
            let input = json!({
                "file": { "type": "string" },
                "signal": { "type": "string" },
                "from": { "type": "integer", "minimum": 0 },
                "to": { "type": "integer", "minimum": 0 },
            });
            (
                input,
                &["file", "signal"],
                json!({ "variables": { "type": "array" }, "changes": { "type": "array" }, "more": { "type": "boolean" } }),
            )
        },
        run: wave_query,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    question: String,
    name: String,
}

fn place(place: &Place) -> Value {
    json!({ "file": place.file, "line": place.line, "within": place.within })
}

fn graph_query(context: &Context, value: Value) -> Result<Value, ToolError> {
    let Question { question, name } = arguments("graph_query", value)?;
    let graph = context.graph.of(context.workspace.root());
    let mut answers: Vec<Value> = match question.as_str() {
        "defines" => {
            let told = |(kind, at): &(Kind, Place)| json!({ "kind": kind.name(), "file": at.file, "line": at.line, "within": at.within });
            graph.definitions(&name).iter().map(told).collect()
        }
        "callers" => graph.callers(&name).iter().map(place).collect(),
        "callees" => graph.callees(&name).iter().map(|(name, line)| json!({ "name": name, "line": line })).collect(),
        "emitted_from" => graph.emitted_from(&name).iter().map(|core| json!(core)).collect(),
        "emits" => graph.emits(&name).iter().map(|module| json!(module)).collect(),
        "signals" => graph.signals(&name).iter().map(|(signal, line)| json!({ "name": signal, "line": line })).collect(),
        "instances" => graph.instances(&name).iter().map(|(instance, of)| json!({ "name": instance, "of": of })).collect(),
        "shows" => {
            let shown = graph.shows(&name);
            let programs: Vec<Value> = shown.programs.iter().map(place).collect();
            vec![json!({ "programs": programs, "tiles": shown.tiles, "signals": shown.signals, "waves": shown.waves })]
        }
        other => {
            return Err(ToolError::Arguments { tool: "graph_query", why: format!("'{other}' is not a question; the schema lists them") });
        }
    };
    answers.truncate(MOST);
    Ok(json!({ "answers": answers, "symbols": graph.len() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wave {
    file: String,
    signal: String,
    from: Option<u64>,
    to: Option<u64>,
}

fn wave_query(context: &Context, value: Value) -> Result<Value, ToolError> {
    let Wave { file, signal, from, to } = arguments("wave_query", value)?;
    let path = RelPath::new(file)?;
    let (_, text) = super::read::text(context, &path)?;
    let facts = Facts::of("wave.vcd", &text);
    let full = |symbol: &nda_graph::Symbol| format!("{}.{}", symbol.within, symbol.name);
    let chosen: BTreeMap<&str, String> = facts
        .symbols()
        .iter()
        .filter(|symbol| symbol.kind == Kind::Wave && full(symbol).contains(&signal))
        .filter_map(|symbol| Some((symbol.parts.first()?.0.as_str(), full(symbol))))
        .collect();
    let (mut changes, mut time, mut more) = (Vec::new(), 0_u64, false);
    let mut words = text.split_once("$enddefinitions").map_or("", |(_, body)| body).split_ascii_whitespace();
    while let Some(word) = words.next() {
        let (value, code) = match word.as_bytes()[0] {
            b'#' => {
                time = word[1..].parse().unwrap_or(time);
                continue;
            }
            b'b' | b'B' | b'r' | b'R' => (&word[1..], words.next().unwrap_or("")),
            b'0' | b'1' | b'x' | b'X' | b'z' | b'Z' => word.split_at(1),
            _ => continue,
        };
        if time > to.unwrap_or(u64::MAX) || changes.len() >= MOST {
            more = true;
            break;
        }
        if let (Some(name), true) = (chosen.get(code), time >= from.unwrap_or(0)) {
            changes.push(json!({ "time": time, "name": name, "value": value }));
        }
    }
    Ok(json!({ "variables": chosen.values().collect::<Vec<_>>(), "changes": changes, "more": more }))
}
