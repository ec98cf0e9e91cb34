//! The official Python client against the server.

mod common;

use common::{serve, settings};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn the_official_client_is_served() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".tools/chat/bin/python");
    if !python.exists() {
        return nda_tests::skip("the official client", "it is not installed; './tools.sh chat' installs it");
    }
    let server = serve(settings(), Duration::from_micros(200));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openai_client.py");
    let output = Command::new(python).arg(script).arg(format!("http://{}/v1", server.address)).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("all claims hold"), "{said}");
}
