//! `nda agent`: a model works on this folder.

use crate::asking::{self, Level};
use crate::failure::{Exit, Failure, Outcome};
use crate::output;
use nda_agent::openai::OpenAi;
use nda_agent::talk::{Event, talk};
use std::path::PathBuf;

/// Characters of a call or an answer that are shown.
const SHOWN: usize = 400;

/// Lets a model change this folder by calling tools: every change is shown and asked about, and commands run in the sandbox.
///
/// The model is behind an endpoint of OpenAI's protocol, by default 'nda serve' on this machine. A key is taken from OPENAI_API_KEY.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to do.
    task: String,
    /// The endpoint, plain HTTP.
    #[arg(long, default_value = "http://127.0.0.1:8080/v1")]
    endpoint: String,
    /// The model's name there; by default the first that it lists.
    #[arg(long)]
    model: Option<String>,
    /// Answers of the model at most.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1000))]
    steps: u64,
    /// Tokens of an answer at most.
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_tokens: u32,
    /// The folder.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// The sandbox's level; by default the best there is.
    #[arg(long, value_enum)]
    level: Option<Level>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let root = asking::folder(arguments.root.as_deref())?;
    let tools = asking::tools(&root, vec![asking::terminal(), asking::door(&root)?], asking::helper(arguments.level)?)?;
    tools.context().set_who("nda agent");
    let key = std::env::var("OPENAI_API_KEY").ok();
    let failed = |e: String| {
        Failure::new(Exit::Failed, e, &arguments.endpoint, "see that the endpoint runs: 'nda serve MODEL', or --endpoint ADDRESS")
    };
    let mut model = OpenAi::new(&arguments.endpoint, arguments.model.as_deref(), key, arguments.max_tokens).map_err(failed)?;
    let cut = |text: &str| text.chars().take(SHOWN).collect::<String>();
    let mut watch = |event: Event<'_>| match event {
        Event::Called { name, arguments } => output::remark(format_args!("> {name} {}", cut(arguments))),
        Event::Answered { text, .. } => output::remark(format_args!("  {}", cut(text))),
    };
    let talked = talk(&tools, &mut model, &arguments.task, arguments.steps as usize, &mut watch).map_err(failed)?;
    output::remark(format_args!("{} calls, {} well-formed", talked.calls, talked.well_formed));
    match talked.done {
        Some(summary) => output::line(summary),
        None => {
            let why = format!("the model came to no end in {} answers", arguments.steps);
            Err(Failure::new(Exit::Failed, why, "nda agent", "give it more --steps, or a smaller task").into())
        }
    }
}
