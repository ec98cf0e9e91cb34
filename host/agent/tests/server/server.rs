//! `nda mcp` without everything else, for the tests. Its one argument is the root.

#![forbid(unsafe_code)]

use nda_agent::door::{Door, place};
use nda_agent::mcp::{Elicit, serve};
use nda_agent::{Ask, Asking, Context, Facts, Helper, Tools};
use nda_guard::{Policy, Settings};
use nda_sandbox::Wish;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Says which words it was asked with.
struct Echo;

impl Facts for Echo {
    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        Ok(format!("{arguments:?}"))
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, enter, stage] if enter == nda_sandbox::ENTER => nda_sandbox::enter(stage),
        [_, root] => {
            serve_root(Path::new(root));
            ExitCode::SUCCESS
        }
        _ => ExitCode::from(2),
    }
}

fn serve_root(root: &Path) {
    let elicit = Arc::new(Elicit::default());
    let askers: Vec<Arc<dyn Ask>> = vec![elicit.clone(), Arc::new(Door::new(place(root).expect("a private folder")))];
    let asking = Asking::new(root, Policy::of_folder(root).expect("a policy"), askers);
    let command = vec![std::env::current_exe().expect("this program").into()];
    let helper = Helper { command, wish: Wish::Best, reads: Vec::new() };
    let context = Context::open(root, Settings::default(), asking, helper, Box::new(Echo)).expect("a workspace");
    serve(Tools::new(context), elicit).expect("a client");
}
