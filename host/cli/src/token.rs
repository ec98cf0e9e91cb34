//! Whole tokens in integers, on a board or on the CPU: what `--offload token` runs.

use crate::backend::{self, Backend};
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::output::Progress;
use crate::report::Speed;
use crate::speak::{Speech, Task};
use nda_engine::{EngineError, Evaluation, Sampling, TokenModel, TokenSession, Utf8Stream, Weights};
use nda_gemv::Cost;
use nda_spec::token::{Choice, Request};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// Whether a text is said by the token program although nobody asked for a form: a board has a token machine, the document a
/// cache for it, and the text is chosen as it chooses.
pub fn is_default(weights: &Weights<'_>, backend: &mut Backend<'_>, task: &Task<'_>) -> bool {
    let Task { sampling, context, .. } = task;
    let plain = sampling.top_k.is_none() && sampling.top_p.is_none() && *context == weights.hyper().context;
    plain && weights.kv().is_some() && backend.gemv().tokens().is_some()
}

/// Says a text by the model's token program.
pub fn speak<'m>(
    weights: &'m Weights<'_>,
    backend: &mut Backend<'m>,
    task: &Task<'_>,
    mut piece: impl FnMut(&str) -> Outcome,
) -> Outcome<Speech> {
    let choice = choice(&task.sampling)?;
    if task.context < weights.hyper().context {
        let help = "leave --context out, or use --offload gemv";
        return Err(Failure::usage("a token program keeps its ring of positions", "--context", help).into());
    }
    let failed = |e: EngineError| files::in_file(task.path, e.into());
    let model = prepare(weights, backend, task.path)?;
    let tokenizer = weights.tokenizer();
    let prompt = weights.bounds().plain(tokenizer.encode_prompt(task.prompt, task.typed).map_err(failed)?);
    let mut session = TokenSession::new(&model, backend.gemv()).map_err(failed)?;
    let mut stream = Utf8Stream::default();
    let (mut text, mut bytes) = (String::new(), Vec::new());
    // The first token comes with the prompt; what follows is decoding alone.
    let started = Instant::now();
    let mut first: Option<(Instant, Cost)> = None;
    let say = |token: u32, cost: Cost| -> Outcome<ControlFlow<()>> {
        first.get_or_insert_with(|| (Instant::now(), cost));
        bytes.clear();
        tokenizer.decode_into(token, &mut bytes);
        let new = stream.push(&bytes);
        piece(&new)?;
        text.push_str(&new);
        Ok(ControlFlow::Continue(()))
    };
    let request = Request { prompt, most_tokens: task.max_tokens, stops: weights.bounds().ends().to_vec(), choice };
    let tokens = session.generate(&request, say).map_err(|stop| files::in_file(task.path, stop))?.tokens;
    let (first_at, first_cost) = first.unwrap_or((started, session.cost()));
    let prompt_speed = Speed { tokens: request.prompt.len(), elapsed: first_at - started, cost: first_cost };
    let cost = session.cost();
    let speed = Speed { tokens: tokens.len().saturating_sub(1), elapsed: first_at.elapsed(), cost: cost - first_cost };
    let rest = stream.finish();
    piece(&rest)?;
    text.push_str(&rest);
    Ok(Speech { tokens, text, slides: 0, cost, speed, prompt_speed })
}

/// Bits of a text by the model's token program, and what its products cost.
pub fn evaluate<'m>(
    weights: &'m Weights<'_>,
    backend: &mut Backend<'m>,
    path: &Path,
    tokens: &[u32],
    context: usize,
) -> Outcome<(Evaluation, Cost)> {
    let failed = |e: EngineError| files::in_file(path, e.into());
    let model = prepare(weights, backend, path)?;
    let mut session = TokenSession::new(&model, backend.gemv()).map_err(failed)?;
    let mut bar = Progress::new("evaluating");
    let found = session.evaluate(tokens, context, |done, total| bar.set(done, total)).map_err(failed)?;
    Ok((found, session.cost()))
}

fn prepare<'m>(weights: &'m Weights<'_>, backend: &mut Backend<'m>, path: &Path) -> Outcome<TokenModel<'m>> {
    let model = TokenModel::prepare(weights, backend.gemv()).map_err(|e| files::in_file(path, e.into()))?;
    // A router has the name of whoever its products were given to, so it is asked behind that.
    let name = backend.name();
    if !model.is_on_device() && !name.starts_with("cpu") {
        let help = "use --backend cpu, where the same integers run, or --offload gemv";
        let what = if backend.gemv().tokens().is_some() { "no room for this token program" } else { "no token machine" };
        return Err(Failure::usage(format_args!("'{name}' has {what}"), "--offload", help).into());
    }
    backend.set_form("whole tokens");
    backend::upload(backend)?;
    Ok(model)
}

/// Tokens are chosen in one pass over their logits, which has no room for a set of the likeliest.
fn choice(sampling: &Sampling) -> Outcome<Choice> {
    for (given, option) in [(sampling.top_k.is_some(), "--top-k"), (sampling.top_p.is_some(), "--top-p")] {
        if given {
            let help = "use --offload gemv, or --temperature alone";
            return Err(Failure::usage("a token program chooses by temperature alone", option, help).into());
        }
    }
    let refused =
        || Failure::usage(format_args!("{} cannot be a temperature", sampling.temperature), "--temperature", "use 0 or more").into();
    Choice::at(sampling.temperature.into(), sampling.seed).ok_or_else(refused)
}
