//! `nda eval`: bits per byte of a text.

use crate::failure::Outcome;
use crate::output::{self, Progress};
use crate::prompt::positions;
use crate::report::{Speed, work_json, work_text};
use crate::speak::{Offload, loaded_for, session};
use crate::{backend, files};
use nda_engine::evaluate;
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Measures how well a model predicts a text: bits per byte.
///
/// The text is taken in windows of the model's context. A window starts empty and predicts the token after
/// each of its own, the next one starts with the last token predicted: every token but the text's first
/// counts exactly once.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document.
    model: PathBuf,
    /// The text.
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Tokens of a window; the model's context unless given.
    #[arg(long, value_name = "N", visible_alias = "context")]
    window: Option<usize>,
    /// Only so many bytes from the text's start.
    #[arg(long, value_name = "N")]
    max_bytes: Option<usize>,
    /// Who multiplies; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// What the back end does: whole blocks, or products alone.
    #[arg(long, value_enum, default_value = "gemv")]
    offload: Offload,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let name = backend::parse(&arguments.backend)?;
    let text = files::read(&arguments.text)?;
    let text = &text[..text.len().min(arguments.max_bytes.unwrap_or(usize::MAX))];
    let mapped = files::open_document(&arguments.model)?;
    let weights = files::weights(&arguments.model, &mapped.document())?;
    let context = positions(arguments.window, weights.hyper().context, "--window")?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let model = loaded_for(&weights, &mut backend, &arguments.model, Some(arguments.offload), None)?;
    let tokens = model.tokenizer().encode(text).map_err(|e| files::in_file(&arguments.model, e.into()))?;
    let mut session = session(&model, &mut backend);
    let started = Instant::now();
    let mut bar = Progress::new("evaluating");
    let found = evaluate(&mut session, &tokens, context, |done, total| bar.set(done, total))
        .map_err(|e| files::in_file(&arguments.text, e.into()))?;
    drop(bar);
    let speed = Speed { tokens: found.predicted, elapsed: started.elapsed(), cost: session.cost() };
    drop(session);
    let name = backend.name();
    if arguments.json {
        return output::json(&json!({
            "model": arguments.model, "text": arguments.text, "backend": name, "context": context, "predicted_tokens": found.predicted,
            "predicted_bytes": found.bytes, "bits": found.bits, "bits_per_byte": found.bits_per_byte(), "perplexity": found.perplexity(), "work": work_json(&speed.cost), "board_does_no_work": backend.idle(), "speed": speed.json(),
        }));
    }
    output::line(format_args!(
        "{:.4} bits/byte over {} bytes (perplexity {:.3} per token, windows of {})",
        found.bits_per_byte(),
        found.bytes,
        found.perplexity(),
        context
    ))?;
    backend::remark(&backend, &weights).iter().for_each(output::note);
    output::remark(speed.text(&name));
    output::remark(format_args!("  {}", work_text(&speed.cost)));
    Ok(())
}
