//! `nda serve`: OpenAI's chat and completion endpoints on loopback.

use crate::commands::run::SamplingArguments;
use crate::failure::{Failure, Outcome};
use crate::kv::SharedKvArgument;
use crate::prompt::ContextArgument;
use crate::signals::{CtrlC, Signals};
use crate::speak::{loaded, session};
use crate::threads::ThreadsArgument;
use crate::{backend, files, output};
use nda_chat::{ChatError, Dialect, Server, Settings, Speaker};
use std::path::PathBuf;
use std::time::Duration;

/// Longest time that a request may be given: a day.
const MAX_TIMEOUT_S: u64 = 86_400;
/// Most requests that may wait.
const MAX_QUEUE: usize = 1024;
/// Most connections: a system rarely grants a process more than 1024 files.
const MAX_CONNECTIONS: usize = 4096;
/// Longest name of a model.
const MAX_NAME_BYTES: usize = 256;

/// Answers clients of OpenAI's protocol: /v1/models, /v1/chat/completions, /v1/completions, and /health.
///
/// Listens on 127.0.0.1 alone. One request is answered at a time, others wait; the KV cache of the longest common
/// beginning is kept from one to the next. Ctrl-C, SIGTERM and SIGHUP end the server: open streams get a last event.
/// The sampling options hold for requests that say nothing of it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document; without a chat template it completes plain text alone.
    model: PathBuf,
    /// The port; 0 takes one that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Who multiplies; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// Requests that may wait; more are refused with status 429.
    #[arg(long, default_value_t = 8)]
    queue: usize,
    /// Connections that may be open; more are refused with status 503.
    #[arg(long, value_name = "N", default_value_t = 256)]
    connections: usize,
    /// What clients call the model; the document's own name unless given.
    #[arg(long, value_name = "NAME", visible_alias = "alias")]
    model_name: Option<String>,
    /// Seconds that a request may take, waiting included.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    #[command(flatten)]
    context: ContextArgument,
    #[command(flatten)]
    kv: SharedKvArgument,
    #[command(flatten)]
    threads: ThreadsArgument,
    #[command(flatten)]
    sampling: SamplingArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    arguments.threads.grant()?;
    let name = backend::parse(&arguments.backend)?;
    let sampling = arguments.sampling.sampling()?;
    if !(1..=MAX_QUEUE).contains(&arguments.queue) {
        let error = format_args!("the queue must hold 1 to {MAX_QUEUE} requests, got {}", arguments.queue);
        return Err(Failure::usage(error, "--queue", "use 8").into());
    }
    if !(1..=MAX_CONNECTIONS).contains(&arguments.connections) {
        let error = format_args!("the limit on connections must be 1 to {MAX_CONNECTIONS}, got {}", arguments.connections);
        return Err(Failure::usage(error, "--connections", "use 256").into());
    }
    if !(1..=MAX_TIMEOUT_S).contains(&arguments.timeout) {
        let error = format_args!("the time limit must be 1 to {MAX_TIMEOUT_S} seconds, got {}", arguments.timeout);
        return Err(Failure::usage(error, "--timeout", "use 600").into());
    }
    let model_name = arguments.model_name.as_deref().map(checked_name).transpose()?;
    let mapped = files::open_document(&arguments.model)?;
    let document = mapped.document();
    let weights = files::weights(&arguments.model, &document)?;
    let dialect = match Dialect::new(document.metadata(), &weights) {
        Ok(dialect) => Some(dialect),
        Err(ChatError::NoTemplate) => {
            output::note("the document has no chat template: /v1/completions alone is answered");
            None
        }
        Err(error) => return Err(files::in_file(&arguments.model, error.into())),
    };
    let stem = arguments.model.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let own_name = document.metadata().get("name").map(str::to_owned);
    let called = model_name.or(own_name).or(stem).unwrap_or_default();
    let settings = Settings {
        queue: arguments.queue,
        connections: arguments.connections,
        deadline: Duration::from_secs(arguments.timeout),
        sampling,
        ..Settings::new(called.clone(), arguments.port)
    };
    // Before the model is loaded: a port that is taken is known at once.
    let server = Server::bind(settings)?;
    let context = arguments.context.of(weights.hyper().context)?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let model = loaded(&weights, &mut backend, &arguments.model)?;
    let mut session = session(&model, &mut backend, arguments.kv.kv.form);
    arguments.kv.apply(&mut session);
    session.limit_context(context);
    let handle = server.handle();
    Signals::listen(CtrlC::Program, move || handle.end())?;
    output::line(format_args!("{called} on http://{}/v1", server.address()))?;
    Ok(server.run(&mut Speaker::new(session), dialect.as_ref())?)
}

/// A name that fits a line and a path.
fn checked_name(name: &str) -> Outcome<String> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let error = format_args!("a model's name must have 1 to {MAX_NAME_BYTES} bytes without spaces, got '{}'", name.escape_debug());
        return Err(Failure::usage(error, "--model-name", "use a name such as tiny").into());
    }
    Ok(name.to_owned())
}
