//! A text from a model on a back end: what `run`, `demo`, `chat` and `serve` share.

use crate::backend::{self, Backend};
use crate::failure::Outcome;
use crate::files;
use crate::output::{self, Progress};
use crate::report::Speed;
use crate::{kv, token};
use nda_engine::{CacheForm, Model, Sampling, Session, Step, Typed, Utf8Stream, Weights, generate};
use nda_gemv::Cost;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// What a board does of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Offload {
    /// Products alone; all else is floats.
    Gemv,
    /// Whole tokens in integers, with a cache of four bits per value: on a board with a token machine, or on the CPU.
    Token,
}

/// What is to be said.
pub struct Task<'t> {
    /// The model's file, for messages.
    pub path: &'t Path,
    /// The prompt.
    pub prompt: &'t [u8],
    /// What the texts of control tokens in it are.
    pub typed: Typed,
    /// Positions that are used, at most the model's.
    pub context: usize,
    /// Tokens after the prompt, at most.
    pub max_tokens: usize,
    /// How they are drawn.
    pub sampling: Sampling,
    /// How keys and values are kept, if it is asked for.
    pub kv: Option<CacheForm>,
    /// What the back end does; if nothing is said, all that it can.
    pub offload: Option<Offload>,
}

/// What was said.
pub struct Speech {
    /// The tokens after the prompt.
    pub tokens: Vec<u32>,
    /// Their text.
    pub text: String,
    /// How often the context was full and slid.
    pub slides: usize,
    /// What the prompt and the tokens cost together.
    pub cost: Cost,
    /// From the first drawn token to the last: decoding alone, without the prompt.
    pub speed: Speed,
    /// From the first prompt token to the first drawn one.
    pub prompt_speed: Speed,
}

/// Hands a model's matrices to a back end, with a bar.
pub fn loaded<'m>(weights: &'m Weights<'_>, backend: &mut Backend<'m>, path: &Path) -> Outcome<Model<'m>> {
    let mut bar = Progress::new("loading");
    let model =
        Model::prepare_with(weights, backend.gemv(), |done, total| bar.set(done, total)).map_err(|e| files::in_file(path, e.into()))?;
    drop(bar);
    backend.idle().iter().for_each(|reason| output::note(format_args!("the board does no work: {reason}")));
    backend::upload(backend)?;
    Ok(model)
}

/// A session of a model on the back end that prepared it: a form of its cache, the back end's threads, and the program's lines on
/// standard error.
pub fn session<'a, 'm>(model: &'a Model<'m>, backend: &'a mut Backend<'m>, kv: CacheForm) -> Session<'a, 'm> {
    let threads = backend.threads();
    let mut session = Session::new(model, backend.gemv());
    session.use_threads(threads);
    session.use_cache(kv);
    session.on_print(|line| output::note(format_args!("the program prints: {line}")));
    session
}

/// Prepares the model and says the text, each piece handed to `piece` as it comes, with what everything has cost until then.
pub fn speak<'m>(
    weights: &'m Weights<'_>,
    backend: &mut Backend<'m>,
    task: &Task<'_>,
    mut piece: impl FnMut(&str, Cost) -> Outcome,
) -> Outcome<Speech> {
    if token::is_asked_for(weights, backend, task)? {
        return token::speak(weights, backend, task, piece);
    }
    let model = loaded(weights, backend, task.path)?;
    if task.offload.is_none() && weights.kv().is_none() && backend.idle().is_none() && backend.gemv().tokens().is_some() {
        output::note("products alone, no whole tokens: the document has no cache for them, frame 'kv'");
    }
    let tokenizer = model.tokenizer();
    let prompt = tokenizer.encode_prompt(task.prompt, task.typed).map_err(|e| files::in_file(task.path, e.into()))?;
    let prompt = model.bounds().plain(prompt);
    let mut session = session(&model, backend, kv::form(task.kv, weights));
    session.limit_context(task.context);
    let mut stream = Utf8Stream::default();
    let (mut text, mut bytes) = (String::new(), Vec::new());
    let started = Instant::now();
    let mut first: Option<(Instant, Cost)> = None;
    let mut last = Cost::default();
    let mut count = 0;
    let mut bar = Some(Progress::new("prompt"));
    let said = generate(&mut session, &prompt, task.max_tokens, task.sampling, |step| -> Outcome<ControlFlow<()>> {
        let (token, cost) = match step {
            Step::Prompt { done, total } => {
                bar.iter_mut().for_each(|bar| bar.set(done, total));
                return Ok(ControlFlow::Continue(()));
            }
            Step::Token { token, cost } => (token, cost),
        };
        bar = None;
        first.get_or_insert((Instant::now(), cost));
        last = cost;
        count += 1;
        if model.bounds().is_end(token) {
            return Ok(ControlFlow::Break(()));
        }
        bytes.clear();
        tokenizer.decode_into(token, &mut bytes);
        let new = stream.push(&bytes);
        piece(&new, cost)?;
        text.push_str(&new);
        Ok(ControlFlow::Continue(()))
    })
    .map_err(|stop| files::in_file(task.path, stop))?;
    let rest = stream.finish();
    piece(&rest, last)?;
    text.push_str(&rest);
    let (first_at, first_cost) = first.unwrap_or((started, Cost::default()));
    let prompt_speed = Speed { tokens: prompt.len(), elapsed: first_at - started, cost: first_cost };
    let speed = Speed { tokens: usize::saturating_sub(count, 1), elapsed: first_at.elapsed(), cost: last - first_cost };
    let cost = session.cost();
    Ok(Speech { tokens: said.tokens, text, slides: said.slides, cost, speed, prompt_speed })
}
