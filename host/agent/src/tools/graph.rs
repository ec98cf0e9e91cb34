//! `graph_query`: what calls, emits, holds and shows what.

use super::search::files;
use super::{Call, Effect, Tool, arguments};
use crate::context::{Context, Facts as Command};
use crate::error::ToolError;
use nda_graph::{Facts, Graph, Kind, Place, Product, Store, tensors, tiles};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Endings of files that say something.
const ENDINGS: [&str; 8] = ["rs", "nda", "v", "sv", "vh", "vcd", "fst", "ndf"];
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
    pub fn of(&self, root: &Path, command: &dyn Command) -> Arc<Graph> {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let has_ending = |path: &Path| path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
        let mut now = BTreeMap::new();
        for path in files(root).into_iter().filter(|path| has_ending(path)) {
            let (name, whole) = (path.to_string_lossy().into_owned(), root.join(&path));
            let Ok(metadata) = whole.symlink_metadata() else { continue };
            let stamp = (metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len());
            if stamps.get(&name) != Some(&stamp) && metadata.len() <= FILE_BYTES {
                self.store.set(&name, scanned(&whole, &name, command));
            }
            now.insert(name, stamp);
        }
        stamps.keys().filter(|name| !now.contains_key(*name)).for_each(|name| self.store.set(name, None));
        *stamps = now;
        self.store.snapshot()
    }
}

/// What a file says; none if it cannot be read or is damaged.
fn scanned(path: &Path, name: &str, command: &dyn Command) -> Option<Facts> {
    let bytes = std::fs::read(path).ok()?;
    if name.ends_with(".ndf") {
        return tensors(&bytes).ok();
    }
    if name.ends_with(".fst") {
        return super::wave::head(command, &bytes);
    }
    Some(Facts::of(name, &String::from_utf8_lossy(&bytes)))
}

pub const TOOLS: &[Tool] = &[Tool {
    name: "graph_query",
    title: "Ask the code graph",
    description: "Across Rust, Rust-HDL cores, Verilog, NDA programs, documents and waves. Questions: 'defines' (where a name is defined), \
                      'callers', 'callees', 'emitted_from' (cores of a Verilog module), 'emits' (modules of a core), 'signals' (of a module), \
                      'instances' (in a core or module), 'shows' (a tensor: programs that use it, its tiles on a 'board', signals and waves of \
                      its product), 'tiles' (words of a 'board' that hold a tensor).",
    effect: Effect::Reads,
    schema: || {
        let questions = ["defines", "callers", "callees", "emitted_from", "emits", "signals", "instances", "shows", "tiles"];
        let input = json!({
            "question": { "type": "string", "enum": questions },
            "name": { "type": "string" },
            "board": { "type": "string", "description": "for 'tiles' and 'shows': a board of 'nda devices'" },
        });
        (input, &["question", "name"], json!({ "answers": { "type": "array" }, "symbols": { "type": "integer" } }))
    },
    run: graph_query,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    question: String,
    name: String,
    board: Option<String>,
}

fn place(place: &Place) -> Value {
    json!({ "file": place.file, "line": place.line, "within": place.within })
}

fn graph_query(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Question { question, name, board } = arguments("graph_query", value)?;
    let mut graph = context.graph.of(context.workspace.root(), context.facts.as_ref());
    if let Some(board) = &board {
        graph = Arc::new(placed(context, &graph, &name, board)?);
    } else if question == "tiles" {
        return Err(ToolError::Unfit { tool: "graph_query", why: "'tiles' wants a 'board'; board_status lists them".into() });
    }
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
        "tiles" => graph.tiles(&name).into_iter().map(|(document, tile)| {
            json!({ "document": document, "board": tile.board, "product": tile.product, "first_word": tile.first_word, "words": tile.words })
        }).collect(),
        other => {
            return Err(ToolError::Unfit { tool: "graph_query", why: format!("'{other}' is not a question; the schema lists them") });
        }
    };
    answers.truncate(MOST);
    Ok(json!({ "answers": answers, "symbols": graph.len() }))
}

/// The graph with the tiles of each document that has this tensor, as the command plans them for a board.
fn placed(context: &Context, graph: &Graph, tensor: &str, board: &str) -> Result<Graph, ToolError> {
    if board.starts_with('-') {
        return Err(ToolError::Unfit { tool: "graph_query", why: format!("'{board}' is not a board") });
    }
    let holds = graph.definitions(tensor).into_iter().filter(|(kind, _)| *kind == Kind::Tensor).map(|(_, at)| at.file);
    let mut graph = graph.clone();
    for document in holds {
        let path = context.workspace.root().join(&document).to_string_lossy().into_owned();
        let text = context.facts.ask(&["plan", &path, "--json", "--board", board], &[]).map_err(ToolError::Other)?;
        let plan: Value = serde_json::from_str(&text).map_err(|e| ToolError::Other(format!("the plan is not JSON: {e}")))?;
        let product = |layer: &Value| {
            let number = |key: &str| layer[key].as_u64();
            Some(Product { name: layer["layer"].as_str()?.into(), first_word: number("first_word")?, words: number("words")? })
        };
        let products: Vec<Product> = plan["layers"].as_array().into_iter().flatten().filter_map(product).collect();
        graph = graph.with(&format!("{document} on {board}"), Some(tiles(board, &document, &products)));
    }
    Ok(graph)
}
