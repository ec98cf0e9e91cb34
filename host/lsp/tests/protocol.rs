//! The protocol, message by message, in one process.

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use nda_lsp::{Costs, Options, serve};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Says costs for one model, and notes nothing else.
struct Known;

impl Costs for Known {
    fn plan(&self, model: &Path, program: &str) -> Result<Value, String> {
        assert_eq!(model, Path::new("/m.ndf"));
        assert!(program.contains("gemv"));
        Ok(json!({ "config": "token1024", "layers": [
            { "layer": "head", "rows": 256, "cols": 64, "run_cycles": 1234, "bytes_out": 100, "bytes_in": 20, "link_cycles": 5000, "limit": "link", "reason": null }] }))
    }

    fn graph(&self, _: &Path, _: &str) -> Result<Value, String> {
        Ok(json!({ "nodes": [{ "line": 2, "rows": 1, "values": 256 }] }))
    }
}

/// An editor, and the server in a thread of its own.
struct Editor {
    connection: Connection,
    next: i32,
    server: Option<std::thread::JoinHandle<Result<(), String>>>,
}

const URI: &str = "file:///project/a%20b.nda";

impl Editor {
    fn new(options: &Value) -> Editor {
        let (ours, theirs) = Connection::memory();
        let server = std::thread::spawn(move || {
            serve(&theirs, Options { model: Some(PathBuf::from("/m.ndf")), costs: Arc::new(Known) }).map_err(|e| e.to_string())
        });
        let mut editor = Editor { connection: ours, next: 0, server: Some(server) };
        let capabilities = json!({ "workspace": { "inlayHint": { "refreshSupport": true } } });
        let offered = editor.ask("initialize", json!({ "capabilities": capabilities, "initializationOptions": options })).unwrap();
        assert_eq!(offered["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    fn tell(&self, method: &str, params: Value) {
        self.connection.sender.send(Notification { method: method.into(), params }.into()).unwrap();
    }

    fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.connection.sender.send(Request { id: id.clone(), method: method.into(), params }.into()).unwrap();
        loop {
            match self.connection.receiver.recv().unwrap() {
                Message::Response(response) if response.id == id => {
                    let value = serde_json::to_value(&response).unwrap();
                    return match value.get("error") {
                        Some(error) => Err(error["message"].as_str().unwrap().to_owned()),
                        None => Ok(value["result"].clone()),
                    };
                }
                Message::Response(response) => panic!("{response:?}"),
                _ => {}
            }
        }
    }

    fn at(&mut self, method: &str, line: u32, character: u32) -> Result<Value, String> {
        self.ask(method, json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } }))
    }

    fn open(&self, text: &str) {
        self.tell("textDocument/didOpen", json!({ "textDocument": { "uri": URI, "languageId": "nda", "version": 1, "text": text } }));
    }

    fn change(&self, version: i32, range: [u32; 4], text: &str) {
        let [line, character, last, end] = range;
        let range = json!({ "start": { "line": line, "character": character }, "end": { "line": last, "character": end } });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": URI, "version": version }, "contentChanges": [{ "range": range, "text": text }] }),
        );
    }

    /// The next message of this method that comes in by itself.
    fn wait(&self, method: &str) -> Value {
        loop {
            match self.connection.receiver.recv().unwrap() {
                Message::Notification(one) if one.method == method => return one.params,
                Message::Request(one) if one.method == method => return json!(one.method),
                _ => {}
            }
        }
    }

    fn end(mut self) {
        self.ask("shutdown", json!(null)).unwrap();
        self.tell("exit", json!(null));
        self.server.take().unwrap().join().unwrap().unwrap();
    }
}

#[test]
fn all_faults_come_at_every_change_with_hint_and_utf16_places() {
    let editor = Editor::new(&json!(null));
    editor.open("fn main() -> int {\n    let ä = 1;\n    let s = \"𝄞\"; let y = totl; let z = s + 1;\n    return total;\n}\n");
    let told = editor.wait("textDocument/publishDiagnostics");
    let all = told["diagnostics"].as_array().unwrap();
    assert!(all.len() >= 4, "{told:#}");
    let totl = all.iter().find(|one| one["message"].as_str().unwrap().contains("totl")).unwrap();
    // Two UTF-16 units for the clef, so the columns are those of an editor and not those of bytes.
    assert_eq!((totl["range"]["start"]["line"].as_u64(), totl["range"]["start"]["character"].as_u64()), (Some(2), Some(26)));
    assert!(totl["message"].as_str().unwrap().contains("help: "));
    editor.change(2, [0, 0, 4, 1], "fn main() -> int { return 1; }");
    let told = editor.wait("textDocument/publishDiagnostics");
    assert_eq!((told["diagnostics"].as_array().unwrap().len(), told["version"].as_i64()), (0, Some(2)));
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    assert_eq!(editor.wait("textDocument/publishDiagnostics")["diagnostics"], json!([]));
    editor.end();
}

#[test]
fn hover_definition_references_rename_format_and_symbols() {
    let mut editor = Editor::new(&json!(null));
    editor.open("let scale_by = 2.0;\nfn f(x: vec) -> vec { return scale(x, scale_by); }\n");
    let hover = editor.at("textDocument/hover", 1, 40).unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("let scale_by: float"), "{hover}");
    let definition = editor.at("textDocument/definition", 1, 40).unwrap();
    assert_eq!(definition["range"]["start"], json!({ "line": 0, "character": 4 }));
    assert_eq!(editor.at("textDocument/references", 0, 5).unwrap().as_array().unwrap().len(), 2);
    let position = json!({ "line": 1, "character": 40 });
    let renamed = |name: &str| json!({ "textDocument": { "uri": URI }, "position": position, "newName": name });
    let edits = editor.ask("textDocument/rename", renamed("factor")).unwrap();
    assert_eq!(edits["changes"][URI].as_array().unwrap().len(), 2, "{edits}");
    let refused = editor.ask("textDocument/rename", renamed("x")).unwrap_err();
    assert!(refused.contains("something else"), "{refused}");
    let formatted = editor.ask("textDocument/formatting", json!({ "textDocument": { "uri": URI }, "options": {} })).unwrap();
    assert!(formatted[0]["newText"].as_str().unwrap().ends_with("{\n    return scale(x, scale_by);\n}\n"));
    let symbols = editor.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": URI } })).unwrap();
    assert_eq!(symbols.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), ["f", "scale_by"]);
    assert!(editor.at("textDocument/nothing", 0, 0).unwrap_err().contains("no method"));
    editor.change(2, [0, 0, 0, 3], "lett");
    assert!(
        editor.ask("textDocument/formatting", json!({ "textDocument": { "uri": URI }, "options": {} })).unwrap_err().contains("broken")
    );
    editor.end();
}

#[test]
fn products_have_their_costs_beside_them_and_vectors_their_shapes() {
    let mut editor = Editor::new(&json!({ "model": "/m.ndf" }));
    editor.open("fn logits(x: vec) -> vec {\n    let y = gemv(\"head\", x);\n    return y;\n}\n");
    editor.wait("workspace/inlayHint/refresh");
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let hints = editor.ask("textDocument/inlayHint", json!({ "textDocument": { "uri": URI }, "range": range })).unwrap();
    assert_eq!(hints[0]["label"], "limit link, 5,000 cycles, 120 bytes, 1,234 run cycles, 256 x 64");
    assert_eq!(hints[0]["position"], json!({ "line": 1, "character": 28 }));
    let lenses = editor.ask("textDocument/codeLens", json!({ "textDocument": { "uri": URI } })).unwrap();
    assert_eq!(lenses[0]["command"]["title"], hints[0]["label"]);
    let hover = editor.at("textDocument/hover", 2, 11).unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("shape: 1 row of 256 values per token"), "{hover}");
    editor.end();
}

#[test]
fn an_editor_whose_text_differs_gets_no_wrong_answers() {
    let mut editor = Editor::new(&json!(null));
    editor.open("fn f() { }\n");
    editor.change(2, [0, 5, 0, 2], "x");
    assert!(editor.at("textDocument/hover", 0, 3).unwrap_err().contains("no open program"));
    editor.end();
}
