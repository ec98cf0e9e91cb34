//! `nda eval`: bits per byte of a text.

use crate::backend::{Backend, BackendName};
use crate::failure::{Failure, Outcome, Stop};
use crate::kv::KvArgument;
use crate::output::{self, Progress};
use crate::prompt::positions;
use crate::report::{Speed, work_json, work_text};
use crate::speak::{Offload, loaded, session};
use crate::threads::ThreadsArgument;
use crate::{backend, files, kv, token};
use nda_engine::{CacheForm, Comparison, Evaluation, Session, Weights, compare, evaluate, evaluate_on};
use nda_gemv::Cost;
use nda_kernels::{granted_threads, limit_threads};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
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
    /// Only this many bytes from the text's start.
    #[arg(long, value_name = "N")]
    max_bytes: Option<usize>,
    /// Who multiplies; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// What the back end does: products alone, or whole tokens; without this, whole tokens where it has a token machine, and
    /// products alone elsewhere.
    #[arg(long, value_enum)]
    offload: Option<Offload>,
    #[command(flatten)]
    kv: KvArgument,
    /// Say besides how far the predictions are from those with another form of the cache: the divergence in nats per token, and how
    /// often both hold the same token for the likeliest.
    #[arg(long, value_name = "FORM")]
    against: Option<CacheForm>,
    #[command(flatten)]
    threads: ThreadsArgument,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    arguments.threads.grant()?;
    let name = backend::parse(&arguments.backend)?;
    let text = files::read(&arguments.text)?;
    let text = &text[..text.len().min(arguments.max_bytes.unwrap_or(usize::MAX))];
    let mapped = files::open_document(&arguments.model)?;
    let weights = files::weights(&arguments.model, &mapped.document())?;
    let context = positions(arguments.window, weights.hyper().context, "--window")?;
    let tokens = weights.tokenizer().encode(text).map_err(|e| files::in_file(&arguments.model, e.into()))?;
    let Arguments { model, text, offload, .. } = arguments;
    let job = Job { name, weights: &weights, model, text, tokens: &tokens, context, offload: *offload, kv: arguments.kv.asked() };
    if let Some(reference) = arguments.against {
        return job.report_comparison(reference, arguments);
    }
    let started = Instant::now();
    let (found, Done { cost, name, remark, idle, kv }) = job.measure()?;
    let speed = Speed { tokens: found.predicted, elapsed: started.elapsed(), cost };
    if arguments.json {
        return output::json(&json!({
            "model": arguments.model, "text": arguments.text, "backend": name, "kv": kv, "context": context, "predicted_tokens": found.predicted,
            "predicted_bytes": found.bytes, "bits": found.bits, "bits_per_byte": found.bits_per_byte(), "perplexity": found.perplexity(), "work": work_json(&speed.cost), "board_does_no_work": idle, "speed": speed.json(),
        }));
    }
    output::line(format_args!(
        "{:.4} bits/byte over {} bytes (perplexity {:.3} per token, windows of {})",
        found.bits_per_byte(),
        found.bytes,
        found.perplexity(),
        context
    ))?;
    remark.iter().for_each(output::note);
    output::remark(speed.text(&name));
    output::remark(format_args!("  {}", work_text(&speed.cost)));
    Ok(())
}

/// What is measured.
struct Job<'j, 'd> {
    name: BackendName,
    weights: &'j Weights<'d>,
    /// The model's file, for messages.
    model: &'j Path,
    /// The text's file, for messages.
    text: &'j Path,
    tokens: &'j [u32],
    context: usize,
    offload: Option<Offload>,
    /// The cache, if one is asked for.
    kv: Option<CacheForm>,
}

/// What one session did.
#[derive(Default)]
struct Done {
    cost: Cost,
    name: String,
    remark: Option<String>,
    /// Why the boards did nothing, if they did.
    idle: Option<String>,
    /// What keys and values were kept as.
    kv: &'static str,
}

/// What `--json` calls the cache of whole tokens.
const DOCUMENTS: &str = "document";

impl Job<'_, '_> {
    /// A board has one session; the CPU has one on every thread.
    fn measure(&self) -> Outcome<(Evaluation, Done)> {
        if matches!((&self.name, self.offload), (BackendName::Cpu(_), None | Some(Offload::Gemv))) {
            return self.on_threads();
        }
        let mut backend = backend::open_for_model(&self.name, self.weights)?;
        if token::is_asked(self.offload, self.weights, &mut backend, self.kv)? {
            return self.in_whole_tokens(backend);
        }
        self.in_one_session(backend)
    }

    /// Two sessions side by side, one with another form of the cache.
    fn compared(&self, reference: CacheForm) -> Outcome<Comparison> {
        if !matches!(self.offload, None | Some(Offload::Gemv)) {
            let error = format_args!("the forms of a cache are compared where products alone are on the back end");
            return Err(Failure::usage(error, "--against", "leave --offload out").into());
        }
        let [mut one, mut two] = [backend::open_for_model(&self.name, self.weights)?, backend::open_for_model(&self.name, self.weights)?];
        let [first, second] = [&mut one, &mut two].map(|backend| loaded(self.weights, backend, self.model));
        let (first, second) = (first?, second?);
        let (mut reference, mut other) =
            (session(&first, &mut one, reference), session(&second, &mut two, kv::form(self.kv, self.weights)));
        let mut bar = Progress::new("comparing");
        let found = compare(&mut reference, &mut other, self.tokens, self.context, |done, total| bar.set(done, total));
        found.map_err(|e| files::in_file(self.text, e.into()))
    }

    fn report_comparison(&self, reference: CacheForm, arguments: &Arguments) -> Outcome {
        let found = self.compared(reference)?;
        let change = found.other.perplexity() / found.reference.perplexity() - 1.0;
        if arguments.json {
            return output::json(&json!({
                "model": arguments.model, "text": arguments.text, "context": self.context, "predicted_tokens": found.other.predicted,
                "kv": kv::form(self.kv, self.weights).name(), "against": reference.name(), "perplexity": found.other.perplexity(), "against_perplexity": found.reference.perplexity(),
                "divergence_nats": found.divergence, "same_first": found.same_first,
            }));
        }
        output::line(format_args!(
            "{}: perplexity {:.3} per token, {:+.2} % against {} ({:.3}); divergence {:.4} nats per token; the same likeliest token {:.1} % of the time (windows of {})",
            kv::form(self.kv, self.weights),
            found.other.perplexity(),
            100.0 * change,
            reference,
            found.reference.perplexity(),
            found.divergence,
            100.0 * found.same_first,
            self.context
        ))
    }

    fn in_whole_tokens<'b>(&'b self, mut backend: Backend<'b>) -> Outcome<(Evaluation, Done)> {
        let (found, cost) = token::evaluate(self.weights, &mut backend, self.model, self.tokens, self.context)?;
        Ok((found, Done { cost, name: backend.name(), kv: DOCUMENTS, ..Done::default() }))
    }

    fn in_one_session<'b>(&'b self, backend: Backend<'b>) -> Outcome<(Evaluation, Done)> {
        let mut bar = Progress::new("evaluating");
        let mut found = None;
        let work = |session: &mut Session<'_, '_>| {
            let evaluated = evaluate(session, self.tokens, self.context, |done, total| bar.set(done, total));
            found = Some(evaluated.map_err(|e| files::in_file(self.text, e.into()))?);
            Ok(())
        };
        let done = self.with_session(backend, work)?;
        Ok((found.unwrap_or(Evaluation { predicted: 0, bytes: 0, bits: 0.0 }), done))
    }

    /// Windows know nothing of each other. Threads that share the small products of one window wait for each other
    /// all the time; so each has windows of its own instead, and a back end of one thread.
    fn on_threads(&self) -> Outcome<(Evaluation, Done)> {
        let threads = granted_threads();
        limit_threads(1);
        let mut bar = Progress::new("evaluating");
        let all = Mutex::new(Done::default());
        let with_session = |work: &mut dyn FnMut(&mut Session<'_, '_>) -> Result<(), nda_engine::EngineError>| {
            let backend = backend::open_for_model(&self.name, self.weights)?;
            let done = self.with_session(backend, |session| work(session).map_err(|e| files::in_file(self.text, e.into())))?;
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            let mut cost = all.cost;
            cost += done.cost;
            *all = Done { cost, ..done };
            Ok::<_, Stop>(())
        };
        let found = evaluate_on(threads, self.tokens, self.context, with_session, |done, total| bar.set(done, total))?;
        Ok((found, all.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    fn with_session<'b>(&'b self, mut backend: Backend<'b>, work: impl FnOnce(&mut Session<'_, '_>) -> Outcome) -> Outcome<Done> {
        let model = loaded(self.weights, &mut backend, self.model)?;
        let form = kv::form(self.kv, self.weights);
        let mut session = session(&model, &mut backend, form);
        work(&mut session)?;
        let cost = session.cost();
        drop(session);
        Ok(Done { cost, name: backend.name(), remark: backend::remark(&backend, self.weights), idle: backend.idle(), kv: form.name() })
    }
}
