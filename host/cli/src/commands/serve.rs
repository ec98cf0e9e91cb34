//! `nda serve`: OpenAI's chat and completion endpoints on loopback.

use crate::commands::run::SamplingArguments;
use crate::failure::{Failure, Outcome};
use crate::speak::loaded;
use crate::{backend, files, output};
use nda_chat::{ChatError, Dialect, Server, Settings, Speaker};
use nda_engine::Session;
use std::path::PathBuf;
use std::time::Duration;

/// Longest time that a request may be given: a day.
const MAX_TIMEOUT_S: u64 = 86_400;
/// Most requests that may wait.
const MAX_QUEUE: usize = 1024;

/// Answers clients of OpenAI's protocol: /v1/models, /v1/chat/completions, /v1/completions, and /health.
///
/// Listens on 127.0.0.1 alone. One request is answered at a time, others wait; the KV cache of the longest common
/// beginning is kept from one to the next. Ctrl-C ends the server. The sampling options hold for requests that say nothing of it.
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
    /// Seconds that a request may take, waiting included.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    #[command(flatten)]
    sampling: SamplingArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let name = backend::parse(&arguments.backend)?;
    let sampling = arguments.sampling.sampling()?;
    if !(1..=MAX_QUEUE).contains(&arguments.queue) {
        return Err(Failure::usage(format_args!("{} is no queue", arguments.queue), "--queue", "use 1 to 1024").into());
    }
    if !(1..=MAX_TIMEOUT_S).contains(&arguments.timeout) {
        return Err(Failure::usage(format_args!("{} s are no time limit", arguments.timeout), "--timeout", "use 1 to 86400").into());
    }
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
    let called = document.metadata().get("name").map_or(stem.unwrap_or_default(), str::to_owned);
    let deadline = Duration::from_secs(arguments.timeout);
    let settings = Settings { queue: arguments.queue, deadline, sampling, ..Settings::new(called.clone(), arguments.port) };
    // Before the model is loaded: a port that is taken is known at once.
    let mut server = Server::bind(settings)?;
    server.end_on_interrupt();
    let mut backend = backend::open_for_model(&name, &weights)?;
    let model = loaded(&weights, &mut backend, &arguments.model)?;
    let mut session = Session::new(&model, backend.gemv());
    session.on_print(|line| output::note(format_args!("the program prints: {line}")));
    output::line(format_args!("{called} on http://{}/v1", server.address()))?;
    Ok(server.run(&mut Speaker::new(session), dialect.as_ref())?)
}
