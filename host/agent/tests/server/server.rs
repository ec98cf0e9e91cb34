//! `nda mcp ROOT`, and `nda agent --acp` with an endpoint, without everything else, for the tests.

#![forbid(unsafe_code)]

use nda_agent::acp::{self, Setup};
use nda_agent::door::{Door, place};
use nda_agent::mcp::{Elicit, serve};
use nda_agent::openai::OpenAi;
use nda_agent::talk::Model;
use nda_agent::{Ask, Asking, Context, Facts, Helper, Tools};
use nda_guard::{Policy, Settings};
use nda_sandbox::Wish;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Says which words it was asked with.
struct Echo;

impl Facts for Echo {
    fn ask(&self, arguments: &[&str], _: &[u8]) -> Result<String, String> {
        Ok(format!("{arguments:?}"))
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, enter, stage] if enter == nda_sandbox::ENTER => nda_sandbox::enter(stage),
        [_, acp, endpoint] if acp == "acp" => {
            serve_editor(endpoint.clone());
            ExitCode::SUCCESS
        }
        // As the command does in the box, for the tool 'emit'.
        [_, emit, out, folder] if emit == "emit" && out == "--out" => {
            emitted(Path::new(folder)).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        [_, root] => {
            serve_root(Path::new(root));
            ExitCode::SUCCESS
        }
        _ => ExitCode::from(2),
    }
}

#[allow(clippy::disallowed_methods, reason = "this is what a command in the box does")]
fn emitted(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("top.v"), "module top; endmodule\n")
}

fn serve_root(root: &Path) {
    let elicit = Arc::new(Elicit::default());
    serve(tools(root, elicit.clone()).expect("a workspace"), elicit).expect("a client");
}

fn serve_editor(endpoint: String) {
    let model = move |stop| Ok(Box::new(OpenAi::new(&endpoint, Some("scripted"), None, 100)?.until(stop)) as Box<dyn Model>);
    acp::serve(Setup { open: Box::new(tools), model: Box::new(model), steps: 8 }, std::io::stdin().lock(), Box::new(std::io::stdout()))
        .expect("an editor");
}

fn tools(root: &Path, asker: Arc<dyn Ask>) -> Result<Tools, String> {
    let askers: Vec<Arc<dyn Ask>> = vec![asker, Arc::new(Door::new(place(root).map_err(|e| e.to_string())?))];
    let asking = Asking::new(root, Policy::of_folder(root).map_err(|e| e.to_string())?, askers);
    let command = vec![std::env::current_exe().expect("this program").into()];
    let helper = Helper { command, wish: Wish::Best, reads: Vec::new() };
    let context = Context::open(root, Settings::default(), asking, helper, Box::new(Echo)).map_err(|e| e.to_string())?;
    Ok(Tools::new(context))
}
