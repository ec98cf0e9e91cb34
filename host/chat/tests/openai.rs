//! Clients of others against the server: OpenAI's own in two languages, and an agent framework.

mod common;

use common::{TEMPLATE, serve_with, settings};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Room for tools and schemas; the model is no wiser for it.
const ROOMY: &[(&str, &str)] = &[("chat_template", TEMPLATE), ("context", "4096")];

/// Runs a program of a client against a server, and expects its last words.
fn claims(program: &Path, arguments: &[&str], what: &str) {
    let server = serve_with(settings(), Duration::from_micros(50), ROOMY);
    let output = Command::new(program).args(arguments).arg(format!("http://{}/v1", server.address)).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("all claims hold"), "{what}: {said}");
}

/// What './tools.sh chat' installed, or none.
fn installed(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/chat").join(what);
    path.exists().then_some(path)
}

fn script(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).to_str().unwrap().to_owned()
}

#[test]
fn the_official_python_client_is_served() {
    match installed("bin/python") {
        Some(python) => claims(&python, &[&script("openai_client.py")], "the Python client"),
        None => nda_tests::skip("the official Python client", "it is not installed; './tools.sh chat' installs it"),
    }
}

#[test]
fn the_official_javascript_client_is_served() {
    match installed("bin/node").zip(installed("node_modules/openai")) {
        Some((node, folder)) => claims(&node, &[&script("openai_client.mjs"), folder.to_str().unwrap()], "the JavaScript client"),
        None => nda_tests::skip("the official JavaScript client", "it is not installed; './tools.sh chat' installs it"),
    }
}

#[test]
fn the_tool_loop_of_an_agent_framework_ends_with_what_its_tools_returned() {
    match installed("bin/python") {
        Some(python) => claims(&python, &[&script("agent_client.py")], "Pydantic AI"),
        None => nda_tests::skip("the agent framework", "it is not installed; './tools.sh chat' installs it"),
    }
}
