//! `nda run`: a prompt goes in, text comes out.

use crate::backend::Backend;
use crate::failure::{Failure, Outcome};
use crate::kv::KvArgument;
use crate::output::Progress;
use crate::prompt::{ContextArgument, PromptArguments};
use crate::report::{counters_text, work_json, work_text};
use crate::speak::{Offload, Speech, Task, speak};
use crate::threads::ThreadsArgument;
use crate::{backend, files, language, output};
use nda_backends::BackendName;
use nda_engine::{Sampling, Weights};
use nda_spec::Config;
use serde_json::json;
use std::path::PathBuf;

/// Continues a prompt, streams the text, and ends with what it took.
///
/// The text goes to standard output, the figures to standard error. When the context is full, its newer
/// half is taken again from position 0 and the text goes on.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document.
    model: PathBuf,
    #[command(flatten)]
    prompt: PromptArguments,
    /// Who multiplies; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// Tokens after the prompt.
    #[arg(long, default_value_t = 128)]
    max_tokens: usize,
    /// Run this program instead of the document's own.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// What the back end does; without this, whole tokens where it has a token machine, and products alone elsewhere.
    #[arg(long, value_enum)]
    offload: Option<Offload>,
    #[command(flatten)]
    context: ContextArgument,
    #[command(flatten)]
    kv: KvArgument,
    #[command(flatten)]
    threads: ThreadsArgument,
    #[command(flatten)]
    sampling: SamplingArguments,
    /// Print what was counted so far behind each token, a line on standard error.
    #[arg(long, conflicts_with = "json")]
    counters: bool,
    /// Print one JSON object instead of streaming.
    #[arg(long)]
    json: bool,
}

/// How tokens are drawn.
#[derive(clap::Args)]
pub struct SamplingArguments {
    /// 0 takes the likeliest token; higher is more surprising.
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Draw from the K likeliest tokens only.
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Draw from the fewest tokens that are P likely together.
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Seed of the generator (SplitMix64); the same seed gives the same text on every back end.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl SamplingArguments {
    /// The sampling, or what is wrong with it.
    pub fn sampling(&self) -> Outcome<Sampling> {
        let refuse = |what: String, at: &str, help: &str| Err(Failure::usage(what, at, help).into());
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            return refuse(
                format!("the temperature must be 0 or more, got {}", self.temperature),
                "--temperature",
                "use 0 to take the likeliest token every time",
            );
        }
        if let Some(p) = self.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return refuse(format!("top-p must be more than 0 and at most 1, got {p}"), "--top-p", "leave it out to draw from all tokens");
        }
        if self.top_k == Some(0) {
            return refuse("0 tokens leave nothing to draw from".into(), "--top-k", "use 1 or more");
        }
        Ok(Sampling { temperature: self.temperature, top_k: self.top_k, top_p: self.top_p, seed: self.seed })
    }
}

/// The configuration of a simulated board, if it is one.
fn simulated(name: &BackendName) -> Option<&Config> {
    match name {
        BackendName::Sim(config, _) => Some(config),
        BackendName::Fitting(board) => simulated(board),
        _ => None,
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    arguments.threads.grant()?;
    let name = backend::parse(&arguments.backend)?;
    let sampling = arguments.sampling.sampling()?;
    let prompt = arguments.prompt.bytes()?;
    let mapped = files::open_document(&arguments.model)?;
    let weights = language::weights(&arguments.model, &mapped.document(), arguments.program.as_deref())?;
    let context = arguments.context.of(weights.hyper().context)?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let task = Task {
        path: &arguments.model,
        prompt: &prompt,
        typed: arguments.prompt.typed(),
        context,
        max_tokens: arguments.max_tokens,
        sampling,
        kv: arguments.kv.asked(),
        offload: arguments.offload,
    };
    let prompt = String::from_utf8_lossy(&prompt);
    let mut bar = Progress::new("speaking");
    let mut done = 0;
    let speech = speak(&weights, &mut backend, &task, |piece, cost| {
        done += 1;
        if arguments.json {
            bar.set(done, arguments.max_tokens);
            return Ok(());
        }
        // The prompt waits for the first piece: until then the line belongs to progress bars.
        output::write(format_args!("{}{piece}", if done == 1 { &prompt } else { "" }))?;
        if arguments.counters && !piece.is_empty() {
            output::remark(counters_text(done, &cost));
        }
        Ok(())
    })?;
    drop(bar);
    if arguments.json {
        let name = backend.name();
        return output::json(&json!({
            "model": arguments.model, "backend": name, "prompt": prompt, "text": speech.text, "tokens": speech.tokens,
            "slides": speech.slides, "work": work_json(&speech.cost), "board_does_no_work": backend.idle(), "decode": speech.speed.json(), "prefill": speech.prompt_speed.json(), "on_cpu": backend::on_cpu(&backend, &weights),
        }));
    }
    end_text(&speech, context, (&name, &backend), &weights)
}

/// What stands behind the text.
fn end_text(speech: &Speech, context: usize, (board, backend): (&BackendName, &Backend<'_>), weights: &Weights<'_>) -> Outcome {
    output::line("")?;
    if speech.slides > 0 {
        output::note(format_args!(
            "the context of {} tokens was full {} times; its newer half was taken again each time",
            context, speech.slides
        ));
    }
    backend::remark(backend, weights).iter().for_each(output::note);
    output::remark(format_args!("prompt: {}", speech.prompt_speed.rate()));
    let name = backend.name();
    output::remark(speech.speed.text(&name));
    // A model that does not fit the board that is named runs on others.
    let config = simulated(board).filter(|config| name.contains(&config.name));
    config.and_then(|config| speech.speed.at_clock(config)).iter().for_each(output::remark);
    output::remark(format_args!("  {}", work_text(&speech.cost)));
    Ok(())
}
