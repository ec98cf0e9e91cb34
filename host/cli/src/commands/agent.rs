//! `nda agent`: a model works on this folder.

use crate::asking::{self, Level};
use crate::failure::{self, Exit, Failure, Outcome};
use crate::output;
use nda_agent::acp::{self, Setup};
use nda_agent::openai::OpenAi;
use nda_agent::talk::{Conversation, Event, Finish, Model, talk};
use nda_agent::{Ask, Stop, Tools, in_a_line};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Characters of a call or an answer that are shown.
const SHOWN: usize = 400;

/// Lets a model change this folder by calling tools, and asks about every change.
///
/// Commands run in the sandbox. The model is behind an endpoint of OpenAI's protocol, by default 'nda serve' on this machine. A key is taken from OPENAI_API_KEY.
/// With --acp an editor that speaks the Agent Client Protocol says what to do, in which folder, and asks its user.
#[derive(Clone, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[arg(required_unless_present = "acp")]
    task: Option<String>,
    /// Serves an editor over standard input and output.
    #[arg(long, conflicts_with_all = ["task", "root"])]
    acp: bool,
    /// Takes further tasks of the same conversation from standard input, one per line.
    #[arg(long, conflicts_with = "acp")]
    more: bool,
    /// The endpoint: http://ADDRESS or https://ADDRESS.
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
    match &arguments.task {
        Some(task) => work(arguments, task),
        None => host(arguments),
    }
}

fn model(arguments: &Arguments) -> Result<OpenAi, String> {
    let key = std::env::var("OPENAI_API_KEY").ok();
    OpenAi::new(&arguments.endpoint, arguments.model.as_deref(), key, arguments.max_tokens)
}

const RUNS: &str = "see that the endpoint runs: 'nda serve MODEL', or --endpoint ADDRESS";

fn work(arguments: &Arguments, task: &str) -> Outcome {
    let root = asking::folder(arguments.root.as_deref())?;
    let tools = asking::tools(&root, vec![asking::terminal(), asking::door(&root)?], asking::helper(arguments.level)?)?;
    tools.context().set_who("nda agent");
    let failed = |e: String| Failure::new(Exit::Failed, in_a_line(&e), &arguments.endpoint, RUNS);
    let mut model = model(arguments).map_err(failed)?;
    let mut conversation = Conversation::default();
    let first = turn(arguments, &tools, &mut model, &mut conversation, task);
    if !arguments.more {
        return first;
    }
    said(first)?;
    for task in std::io::stdin().lines().map_while(Result::ok).filter(|task| !task.trim().is_empty()) {
        said(turn(arguments, &tools, &mut model, &mut conversation, &task))?;
    }
    Ok(())
}

/// Says what went wrong: the next task may do better.
fn said(outcome: Outcome) -> Outcome {
    match outcome {
        Err(stop @ failure::Stop::Failure(_)) => {
            output::remark(stop);
            Ok(())
        }
        other => other,
    }
}

/// Lets the model work on one task of a conversation.
fn turn(arguments: &Arguments, tools: &Tools, model: &mut OpenAi, conversation: &mut Conversation, task: &str) -> Outcome {
    let cut = |text: &str| in_a_line(&text.chars().take(SHOWN).collect::<String>());
    let mut watch = |event: Event<'_>| match event {
        Event::Said { text } => text.lines().for_each(|line| output::remark(in_a_line(line))),
        Event::Called { name, arguments } => output::remark(format_args!("> {} {}", cut(name), cut(arguments))),
        Event::Answered { text, .. } => output::remark(format_args!("  {}", cut(text))),
    };
    let failed = |e: String| Failure::new(Exit::Failed, in_a_line(&e), &arguments.endpoint, RUNS);
    let talked = talk(tools, model, conversation, task, arguments.steps as usize, &mut watch).map_err(failed)?;
    output::remark(format_args!("{} calls, {} well-formed", talked.calls, talked.well_formed));
    match talked.finish {
        Finish::Done(summary) => output::line(in_a_line(&summary)),
        Finish::OutOfSteps | Finish::Stopped => {
            let why = format!("the model did not finish within {} answers", arguments.steps);
            Err(Failure::new(Exit::Failed, why, "nda agent", "give it more --steps, or a smaller task").into())
        }
    }
}

/// Serves an editor.
fn host(arguments: &Arguments) -> Outcome {
    let level = arguments.level;
    let open = move |root: &Path, person: Arc<dyn Ask>| -> Outcome<Tools> {
        let root = asking::folder(Some(root))?;
        asking::tools(&root, vec![person, asking::door(&root)?], asking::helper(level)?)
    };
    let own = arguments.clone();
    let model = move |stop: Stop| match model(&own) {
        Ok(model) => Ok(Box::new(model.until(stop)) as Box<dyn Model>),
        Err(e) => Err(format!("{e}; {RUNS}")),
    };
    let setup = Setup {
        open: Box::new(move |root, person| open(root, person).map_err(|e| e.to_string())),
        model: Box::new(model),
        steps: arguments.steps as usize,
    };
    let help = "start it from an editor that speaks the Agent Client Protocol";
    acp::serve(setup, std::io::stdin().lock(), output::pipe()).map_err(|e| Failure::new(Exit::Failed, e, "standard input", help).into())
}
