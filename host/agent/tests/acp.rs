//! An editor drives `nda agent --acp`: the protocol's Python client prompts, approves, denies and cancels.

mod common;

use std::path::Path;
use std::process::Command;

#[test]
fn an_editor_prompts_approves_denies_and_cancels() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/mcp/bin/python");
    if !python.exists() {
        return nda_tests::skip("the editor", "its client is not installed; run './tools.sh mcp'");
    }
    let (_folder, root) = common::project();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/acp_client.py");
    let agent = [env!("CARGO_BIN_EXE_nda-agent-server"), "acp", "ENDPOINT"];
    let output = Command::new(python).arg(script).args(agent).arg(&root).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{out}");
    assert!(output.status.success(), "{out}\n{error}");
}
