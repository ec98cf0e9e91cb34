//! Whole tokens in integers, on a board or on the CPU: what `--offload token` runs.

use crate::backend::{self, Backend, BackendName};
use crate::failure::{Failure, Outcome};
use crate::output::{self, Progress};
use crate::report::Speed;
use crate::speak::{Offload, Speech, Task};
use crate::{files, kv};
use nda_backends::Adapter;
use nda_engine::{CacheForm, EngineError, Evaluation, Sampling, TokenModel, TokenSession, Utf8Stream, Weights, token_program};
use nda_gemv::Cost;
use nda_spec::token::{Choice, Program, Request};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// Whether texts are made by the token program: somebody asks for it, or nobody asks for anything that it is not, a board has a token
/// machine, and the document a cache for it.
///
/// # Errors
/// Another cache than the document's is asked for besides.
pub fn is_asked(offload: Option<Offload>, weights: &Weights<'_>, backend: &mut Backend<'_>, kv: Option<CacheForm>) -> Outcome<bool> {
    match offload {
        Some(Offload::Token) => kv::refuse(kv).map(|()| true),
        Some(_) => Ok(false),
        None => Ok(kv.is_none() && weights.kv().is_some() && runs(weights, backend)),
    }
}

/// Whether a board runs the model's token program; says why not if it has a token machine.
fn runs(weights: &Weights<'_>, backend: &mut Backend<'_>) -> bool {
    let Some(tokens) = backend.gemv().tokens() else { return false };
    let found = match token_program(weights) {
        Ok(found) => tokens.runs(&found.program).map_err(|reason| reason.to_string()),
        Err(reason) => Err(reason.to_string()),
    };
    found.inspect_err(|reason| output::note(format_args!("products alone, no whole tokens: {reason}"))).is_ok()
}

/// [`is_asked`] of one text: if nobody asks, it is also one that is chosen as a token machine chooses.
pub fn is_asked_for(weights: &Weights<'_>, backend: &mut Backend<'_>, task: &Task<'_>) -> Outcome<bool> {
    let Task { sampling, context, offload, kv, .. } = task;
    let plain = sampling.top_k.is_none() && sampling.top_p.is_none() && *context == weights.hyper().context;
    Ok((plain || offload.is_some()) && is_asked(*offload, weights, backend, *kv)?)
}

/// Why these back ends do not all make whole tokens of a model, if they do not.
pub fn obstacle(weights: &Weights<'_>, names: &[BackendName]) -> Option<String> {
    match token_program(weights) {
        Err(error) => Some(error.to_string()),
        Ok(found) => names.iter().find_map(|name| refusal(name, &found.program)),
    }
}

/// Why a back end makes no whole tokens of a program, as far as its name tells.
fn refusal(name: &BackendName, program: &Program) -> Option<String> {
    let absent = || Some(format!("'{name}' has no token machine"));
    match name {
        BackendName::Cpu(_) | BackendName::Serial { .. } => None,
        BackendName::Sim(config, _) | BackendName::Loopback(config, _) => match config.token {
            Some(sizes) => sizes.fit(program, &config.geometry).err().map(|reason| format!("'{name}': {reason}")),
            None => absent(),
        },
        BackendName::Fitting(board) => refusal(board, program),
        // Which adapter a name means is known once it is open.
        BackendName::Gpu(_) => match nda_backends::adapters() {
            Ok(all) if all.iter().all(Adapter::makes_tokens) => None,
            Ok(_) => Some(format!("'{name}' may be an adapter without integers of 64 bits")),
            Err(_) => absent(),
        },
        BackendName::Boards(_) => absent(),
    }
}

/// Says a text by the model's token program.
pub fn speak<'m>(
    weights: &'m Weights<'_>,
    backend: &mut Backend<'m>,
    task: &Task<'_>,
    mut piece: impl FnMut(&str, Cost) -> Outcome,
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
    let mut session = session(&model, backend, task.path)?;
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
        piece(&new, cost)?;
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
    piece(&rest, cost)?;
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
    let mut session = session(&model, backend, path)?;
    let mut bar = Progress::new("evaluating");
    let found = session.evaluate(tokens, context, |done, total| bar.set(done, total)).map_err(failed)?;
    Ok((found, session.cost()))
}

/// The model's token program on the back end, which must be able to run it.
pub fn prepare<'m>(weights: &'m Weights<'_>, backend: &mut Backend<'m>, path: &Path) -> Outcome<TokenModel<'m>> {
    prepare_texts(weights, backend, path, 1)
}

/// The same with room for as many texts at once as are wanted, as far as there is any.
pub fn prepare_texts<'m>(weights: &'m Weights<'_>, backend: &mut Backend<'m>, path: &Path, wanted: usize) -> Outcome<TokenModel<'m>> {
    let model = TokenModel::prepare_texts(weights, backend.gemv(), wanted).map_err(|e| files::in_file(path, e.into()))?;
    // A router has the name of whoever its products were given to, so it is asked behind that.
    let name = backend.name();
    if let Err(reason) = model.on_device()
        && !name.starts_with("cpu")
    {
        let help = "use --backend cpu, where the same integers run, or --offload gemv";
        return Err(Failure::usage(format_args!("'{name}' makes no whole tokens of this model: {reason}"), "--offload", help).into());
    }
    backend.set_form("whole tokens");
    backend::upload(backend)?;
    Ok(model)
}

/// A session of a model on the back end that prepared it.
pub fn session<'a, 'm>(model: &'a TokenModel<'m>, backend: &'a mut Backend<'m>, path: &Path) -> Outcome<TokenSession<'a, 'm>> {
    TokenSession::new(model, backend.gemv()).map_err(|e| files::in_file(path, e.into()))
}

/// Tokens are chosen in one pass over their logits, which has no room for a set of the likeliest.
fn choice(sampling: &Sampling) -> Outcome<Choice> {
    for (given, option) in [(sampling.top_k.is_some(), "--top-k"), (sampling.top_p.is_some(), "--top-p")] {
        if given {
            let help = "use --offload gemv, or --temperature alone";
            return Err(Failure::usage("a token program chooses by temperature alone", option, help).into());
        }
    }
    let refused = || {
        Failure::usage(
            format_args!("the temperature must be 0 or more, got {}", sampling.temperature),
            "--temperature",
            "use 0 to take the likeliest token every time",
        )
        .into()
    };
    Choice::at(sampling.temperature.into(), sampling.seed).ok_or_else(refused)
}
