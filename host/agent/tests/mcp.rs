//! The official Python client drives the tools: read, patch, approve, deny, run, restore; and the protocol's inspector.

mod common;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn the_official_client_reads_patches_approves_denies_runs_and_restores() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/mcp/bin/python");
    if !python.exists() {
        return nda_tests::skip("the official client", "it is not installed; run './tools.sh mcp'");
    }
    let (_folder, root) = common::project();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp_client.py");
    let output = Command::new(python).arg(script).arg(env!("CARGO_BIN_EXE_nda-agent-server")).arg(&root).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{out}");
    assert!(output.status.success(), "{out}\n{error}");
}

/// The inspector of the protocol, with Node; none if they are not installed.
fn inspector() -> Option<[PathBuf; 2]> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    let both =
        [tools.join("chat/bin/node"), tools.join("mcp/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js")];
    both.iter().all(|path| path.exists()).then_some(both)
}

/// What the inspector prints for a method, and its exit code. Nobody can be asked: it has no terminal, and tells the server so.
fn inspected([node, script]: &[PathBuf; 2], root: &Path, arguments: &[&str]) -> (Value, Option<i32>) {
    let home = root.parent().unwrap();
    let output = Command::new(node)
        .arg(script)
        .args(["--cli", env!("CARGO_BIN_EXE_nda-agent-server")])
        .arg(root)
        .args(arguments)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answer = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{out}\n{error}"));
    (answer, output.status.code())
}

#[test]
fn the_inspector_lists_reads_runs_and_is_refused_where_nobody_can_be_asked() {
    let Some(inspector) = inspector() else {
        return nda_tests::skip("the inspector", "it is not installed; run './tools.sh mcp'");
    };
    let (_folder, root) = common::project();
    let of = |arguments: &[&str]| inspected(&inspector, &root, arguments);
    let call = |tool: &str, pairs: &[&str]| {
        let mut words = vec!["--method", "tools/call", "--tool-name", tool];
        pairs.iter().for_each(|pair| words.extend(["--tool-arg", pair]));
        of(&words)
    };
    // Strict: it finds fault with schemas that some clients would not take.
    let (listed, code) = of(&["--method", "tools/list", "--strict"]);
    let names: Vec<&str> = listed["tools"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!((code, names.len()), (Some(0), 12), "{names:?}");
    let (read, _) = call("read_file", &["path=a.txt"]);
    assert_eq!(read["structuredContent"]["text"], "first\n", "{read}");
    let (patched, _) = call("patch_file", &["path=a.txt", r#"edits=[{"old":"first","new":"1st"}]"#]);
    assert!(patched["isError"] == true && patched.to_string().contains("nobody to ask"), "{patched}");
    let (ran, _) = call("run", &["command=cat b.txt; echo x > a.txt"]);
    let told = &ran["structuredContent"];
    assert_eq!((told["output"].as_str(), told["written"].is_null()), (Some("second\n"), true), "{ran}");
    assert!(told["refused"].as_str().unwrap().contains("nobody to ask"), "{ran}");
    assert_eq!(std::fs::read_to_string(root.join("a.txt")).unwrap(), "first\n");
}
