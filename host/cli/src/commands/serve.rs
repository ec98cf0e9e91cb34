//! `nda serve`: OpenAI's chat and completion endpoints, and a page to talk on.

use crate::commands::run::SamplingArguments;
use crate::failure::{Failure, Outcome};
use crate::kv::SharedKvArgument;
use crate::prompt::ContextArgument;
use crate::signals::{CtrlC, Signals};
use crate::speak::{Offload, loaded, session};
use crate::threads::ThreadsArgument;
use crate::{backend, files, output, token};
use nda_chat::{ChatError, Dialect, Names, Server, Settings, Shelf, Speaker};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Longest time that a request may be given: a day.
const MAX_TIMEOUT_S: u64 = 86_400;
/// Most requests that may wait.
const MAX_QUEUE: usize = 1024;
/// Most requests that are answered at once: each has a thread and a text.
const MAX_PARALLEL: usize = 256;
/// Most connections: a system rarely grants a process more than 1024 files.
const MAX_CONNECTIONS: usize = 4096;
/// Longest API key.
const MAX_KEY_BYTES: usize = 512;
/// Longest name of a model.
const MAX_NAME_BYTES: usize = 256;

/// Answers clients of OpenAI's protocol, and people on a page at /.
///
/// /v1/models, /v1/chat/completions, /v1/completions; /health, /metrics; /tokenize, /detokenize. Listens on 127.0.0.1 unless
/// '--host' says otherwise; others are answered with an API key alone. Several requests are answered at once, their tokens in common steps, and others wait; the KV
/// cache of the longest common beginning is kept from one to the next. Ctrl-C, SIGTERM and SIGHUP end the server: open streams get a last event.
/// The sampling options hold for requests that do not set them.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document; without a chat template it completes plain text alone.
    model: PathBuf,
    /// The address; one that other machines reach needs an API key.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = address)]
    host: IpAddr,
    /// A file with the API key that clients must show; without it, the variable NDA_API_KEY is looked at.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// The origin whose pages in a browser may ask too, or '*' for every page.
    #[arg(long, value_name = "ORIGIN")]
    cors: Option<String>,
    /// Refuse requests for a model of another name; without it, a name says nothing.
    #[arg(long)]
    strict_model: bool,
    /// The port; 0 takes one that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Who multiplies; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// Requests that may wait; more are refused with status 429.
    #[arg(long, default_value_t = 8)]
    queue: usize,
    /// Requests that are answered at once: the weights are read once for a token of each, and no answer depends on the others. In whole
    /// tokens (--offload token) a GPU answers sixteen at most, as far as its memory has room for their caches, and all others one.
    #[arg(long, value_name = "N", default_value_t = 8)]
    parallel: usize,
    /// Connections that may be open; more are refused with status 503.
    #[arg(long, value_name = "N", default_value_t = 256)]
    connections: usize,
    /// A folder where POST /slots/N?action=save writes the text of a slot with its keys and values, and 'restore' reads it. Unless given,
    /// nothing is saved.
    #[arg(long, value_name = "FOLDER")]
    slot_save_path: Option<PathBuf>,
    /// What clients call the model; the document's own name unless given.
    #[arg(long, value_name = "NAME", visible_alias = "alias")]
    model_name: Option<String>,
    /// Seconds that a request may take, waiting included.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// What the back end does; without this, whole tokens where it has a token machine, and products alone elsewhere. In whole tokens a
    /// board makes answers by itself; what changes or asks for scores takes a token at a time.
    #[arg(long, value_enum)]
    offload: Option<Offload>,
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
    let mut settings = settings(arguments)?;
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
    if settings.model.is_empty() {
        let stem = arguments.model.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        settings.model = document.metadata().get("name").map(str::to_owned).or(stem).unwrap_or_default();
    }
    let called = settings.model.clone();
    // Before the model is loaded: a port that is taken is known at once.
    let server = Server::bind(settings)?;
    warn(arguments, server.address());
    let context = arguments.context.of(weights.hyper().context)?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let ready = |mut speaker: Speaker<'_, '_>| {
        let handle = server.handle();
        Signals::listen(CtrlC::Program, move || handle.end())?;
        output::line(format_args!("{called} on http://{}/v1", server.address()))?;
        Ok(server.run(&mut speaker, dialect.as_ref())?)
    };
    if token::is_asked(arguments.offload, &weights, &mut backend, arguments.kv.kv.asked())? {
        let model = token::prepare_texts(&weights, &mut backend, &arguments.model, arguments.parallel)?;
        return ready(Speaker::of_tokens(token::session(&model, &mut backend, &arguments.model)?, context));
    }
    let model = loaded(&weights, &mut backend, &arguments.model)?;
    let form = arguments.kv.kv.form(&weights);
    let mut session = session(&model, &mut backend, form);
    arguments.kv.apply(&mut session, form);
    session.limit_context(context);
    ready(Speaker::new(session))
}

/// What the command line asks for; the model's name is empty unless it is given there.
fn settings(arguments: &Arguments) -> Outcome<Settings> {
    let sampling = arguments.sampling.sampling()?;
    if !(1..=MAX_QUEUE).contains(&arguments.queue) {
        let error = format_args!("the queue must hold 1 to {MAX_QUEUE} requests, got {}", arguments.queue);
        return Err(Failure::usage(error, "--queue", "use 8").into());
    }
    if !(1..=MAX_PARALLEL).contains(&arguments.parallel) {
        let error = format_args!("1 to {MAX_PARALLEL} requests can be answered at once, got {}", arguments.parallel);
        return Err(Failure::usage(error, "--parallel", "use 8").into());
    }
    if !(1..=MAX_CONNECTIONS).contains(&arguments.connections) {
        let error = format_args!("the limit on connections must be 1 to {MAX_CONNECTIONS}, got {}", arguments.connections);
        return Err(Failure::usage(error, "--connections", "use 256").into());
    }
    if !(1..=MAX_TIMEOUT_S).contains(&arguments.timeout) {
        let error = format_args!("the time limit must be 1 to {MAX_TIMEOUT_S} seconds, got {}", arguments.timeout);
        return Err(Failure::usage(error, "--timeout", "use 600").into());
    }
    let model = arguments.model_name.as_deref().map(checked_name).transpose()?.unwrap_or_default();
    Ok(Settings {
        names: if arguments.strict_model { Names::Own } else { Names::Any },
        host: arguments.host,
        key: key(arguments.api_key_file.as_deref())?,
        origin: arguments.cors.clone(),
        queue: arguments.queue,
        parallel: arguments.parallel,
        shelf: arguments.slot_save_path.as_deref().map(|folder| shelf(folder, &arguments.model)).transpose()?,
        connections: arguments.connections,
        deadline: Duration::from_secs(arguments.timeout),
        sampling,
        ..Settings::new(model, arguments.port)
    })
}

/// A folder of saved texts.
#[derive(Debug)]
struct Folder {
    folder: PathBuf,
    /// What must not be written over.
    model: PathBuf,
}

impl Shelf for Folder {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.folder.join(name);
        nda_files::write(&path, &[&self.model], bytes).map_err(|error| format!("{error}; {}", error.help()))
    }

    fn take(&self, name: &str) -> Result<Vec<u8>, String> {
        nda_files::read(&self.folder.join(name)).map_err(|error| format!("{error}; {}", error.help()))
    }
}

fn shelf(folder: &Path, model: &Path) -> Outcome<Arc<dyn Shelf>> {
    if !folder.is_dir() {
        let error = format_args!("'{}' is not a folder", folder.display());
        return Err(Failure::usage(error, "--slot-save-path", "give an existing folder").into());
    }
    Ok(Arc::new(Folder { folder: folder.to_owned(), model: model.to_owned() }))
}

/// An address to listen on. No other name is looked up: it could be a machine's that is not this one.
fn address(text: &str) -> Result<IpAddr, String> {
    let local = (text == "localhost").then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    local.or_else(|| text.parse().ok()).ok_or_else(|| "must be an IP address such as 127.0.0.1, ::1 or 0.0.0.0, or localhost".into())
}

/// Says aloud who can ask besides programs of this machine.
fn warn(arguments: &Arguments, address: SocketAddr) {
    if !arguments.host.is_loopback() {
        output::note(format_args!(
            "WARNING: other machines reach {address}; whoever has the API key may use it, and whoever listens may read along: \
             nothing is encrypted"
        ));
    }
    if arguments.cors.as_deref() == Some("*") {
        output::note("WARNING: every page that a browser of this machine shows may ask this server");
    }
}

/// The API key, from a file or the environment. A command line would show it to every user of the machine.
fn key(file: Option<&Path>) -> Outcome<Option<String>> {
    let (key, place) = match file {
        Some(path) => {
            let read = std::fs::read_to_string(path);
            (Some(read.map_err(|error| Failure::io("read", path, &error))?), "--api-key-file")
        }
        None => (std::env::var("NDA_API_KEY").ok(), "NDA_API_KEY"),
    };
    let Some(key) = key.map(|key| key.trim().to_owned()) else { return Ok(None) };
    if !(1..=MAX_KEY_BYTES).contains(&key.len()) || key.chars().any(|c| !c.is_ascii_graphic()) {
        let error = format_args!("an API key must have 1 to {MAX_KEY_BYTES} letters, digits and signs, got {} bytes", key.len());
        return Err(Failure::usage(error, place, "make one with 'openssl rand -hex 32'").into());
    }
    Ok(Some(key))
}

/// A name that fits a line and a path.
fn checked_name(name: &str) -> Outcome<String> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let error = format_args!("a model's name must have 1 to {MAX_NAME_BYTES} bytes without spaces, got '{}'", name.escape_debug());
        return Err(Failure::usage(error, "--model-name", "use a name such as tiny").into());
    }
    Ok(name.to_owned())
}
