//! The official Python client drives the tools: read, patch, approve, deny, run, restore.

mod common;

use std::path::Path;
use std::process::Command;

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
