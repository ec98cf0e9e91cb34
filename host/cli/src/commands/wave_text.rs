//! `nda wave MODEL --max-tokens N`: the waves of a text that a board makes whole.

use super::wave::WantedText;
use crate::backend::SimPort;
use crate::failure::{Failure, Outcome};
use crate::files;
use nda_backends::{Watched, WaveFormat};
use nda_engine::{EngineError, TokenModel, TokenSession};
use nda_spec::Config;
use nda_spec::token::{Choice, Request};
use std::fs::File;
use std::ops::ControlFlow;

/// Writes the waves and says what they are.
pub(super) fn run(wanted: &WantedText<'_>, config: &Config, port: SimPort, sink: File, format: WaveFormat) -> Outcome<String> {
    let in_file = |error: EngineError| files::in_file(wanted.model, error.into());
    let mapped = files::open_document(wanted.model)?;
    let weights = files::weights(wanted.model, &mapped.document())?;
    let tokenizer = weights.tokenizer();
    let prompt = weights.bounds().plain(tokenizer.encode(wanted.prompt.as_bytes()).map_err(in_file)?);
    if prompt.is_empty() {
        return Err(Failure::usage("the prompt is empty", "--prompt", "give at least one character").into());
    }
    let (mut fabric, handle) = nda_backends::tap(config, port, Watched::Text, sink, format)?;
    let model = TokenModel::prepare(&weights, &mut fabric).map_err(in_file)?;
    if let Err(reason) = model.on_device() {
        let help = "use --config token1024 and a model that fits it, or trace a job with --token and --job";
        return Err(
            Failure::usage(format_args!("{} makes no whole tokens of this model: {reason}", config.name), "--max-tokens", help).into()
        );
    }
    let request = Request {
        prompt: prompt.clone(),
        most_tokens: wanted.most_tokens,
        stops: weights.bounds().ends().to_vec(),
        choice: Choice::GREEDY,
    };
    let mut session = TokenSession::new(&model, &mut fabric).map_err(in_file)?;
    let made = session.generate(&request, |_, _| Ok::<_, EngineError>(ControlFlow::Continue(()))).map_err(in_file)?.tokens;
    drop(session);
    nda_backends::end_tap(fabric)?;
    let mut bytes = Vec::new();
    made.iter().for_each(|&token| tokenizer.decode_into(token, &mut bytes));
    let cycles = handle.traced().map_or(0..0, |traced| traced.first_cycle..traced.end_cycle);
    Ok(format!(
        "a text of {} tokens behind a prompt of {} on {}: {:?}, cycles {} to {}",
        made.len(),
        prompt.len(),
        config.name,
        String::from_utf8_lossy(&bytes),
        cycles.start,
        cycles.end
    ))
}
