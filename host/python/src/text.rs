//! A model on a back end: texts, and logits.

use crate::fault::{Fault, Kind};
use crate::model::{Asked, Model, Offload, Said};
use nda_backends::{Backend, BackendName};
use nda_engine::{CacheForm, EngineError, Session, Step, TokenModel, TokenSession, Utf8Stream, Weights, generate, real, token_program};
use nda_gemv::Cost;
use nda_spec::token::Request;
use self_cell::self_cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// How keys and values of floats are kept: the command's own choice.
const CACHE: &str = "b4";

/// A back end and a model that it has prepared.
pub(crate) struct Text<'m> {
    weights: &'m Weights<'m>,
    backend: Backend<'m>,
    prepared: Prepared<'m>,
}

enum Prepared<'m> {
    /// Products on the back end, all else floats.
    Products(nda_engine::Model<'m>),
    /// Whole tokens in integers.
    Tokens(Box<TokenModel<'m>>),
}

/// The model, and what was asked of its device.
type Owner = (Arc<Model>, Offload);

self_cell!(
    /// A model and the back end that has its weights.
    pub(crate) struct Running {
        owner: Owner,

        #[not_covariant]
        dependent: Text,
    }
);

/// Takes pieces of a text; may end it.
pub(crate) type Piece<'p> = dyn FnMut(&str) -> ControlFlow<()> + 'p;

impl Running {
    /// A model on the back end of that name; its weights are there afterwards.
    pub fn of(model: &Arc<Model>, name: &BackendName, offload: Offload) -> Result<Running, Fault> {
        Running::try_new((Arc::clone(model), offload), |(model, offload)| {
            Text::new(model.weights(), name, *offload).map_err(|fault| fault.in_file(model.document().path()))
        })
    }

    /// Whether it is that model, run so.
    pub fn is_of(&self, model: &Arc<Model>, offload: Offload) -> bool {
        let (own, form) = self.borrow_owner();
        Arc::ptr_eq(own, model) && *form == offload
    }

    /// A text from an empty cache.
    pub fn generate(&mut self, asked: &Asked<'_>, piece: &mut Piece<'_>) -> Result<Said, Fault> {
        self.with_dependent_mut(|(model, _), text| {
            let prompt = model.encode(asked.prompt)?;
            text.generate(prompt, asked, piece).map_err(|error| Fault::from(error).in_file(model.document().path()))
        })
    }

    /// The logits behind every token, row by row.
    pub fn logits(&mut self, tokens: &[u32]) -> Result<Vec<f32>, Fault> {
        self.with_dependent_mut(|(model, _), text| text.logits(tokens).map_err(|error| Fault::from(error).in_file(model.document().path())))
    }
}

impl<'m> Text<'m> {
    fn new(weights: &'m Weights<'m>, name: &BackendName, offload: Offload) -> Result<Text<'m>, Fault> {
        let layers: Vec<_> = weights.fused_layers().into_iter().flat_map(|(_, products)| products.integer_layers()).collect();
        let mut backend = Backend::open_for_model(name, &layers)?;
        let prepared = match offload {
            Offload::Token => Prepared::Tokens(Box::new(whole_tokens(weights, &mut backend)?)),
            Offload::Best if runs(weights, &mut backend) => Prepared::Tokens(Box::new(whole_tokens(weights, &mut backend)?)),
            _ => Prepared::Products(nda_engine::Model::prepare(weights, backend.gemv())?),
        };
        backend.upload(|_, _| ())?;
        Ok(Text { weights, backend, prepared })
    }

    fn generate(&mut self, prompt: Vec<u32>, asked: &Asked<'_>, piece: &mut Piece<'_>) -> Result<Said, EngineError> {
        let weights = self.weights;
        let (mut stream, mut bytes, mut text) = (Utf8Stream::default(), Vec::new(), String::new());
        let mut say = |token: u32| -> ControlFlow<()> {
            bytes.clear();
            weights.tokenizer().decode_into(token, &mut bytes);
            let new = stream.push(&bytes);
            text.push_str(&new);
            piece(&new)
        };
        let started = Instant::now();
        let (tokens, slides, cost) = match &self.prepared {
            Prepared::Products(model) => products(model, &mut self.backend, &prompt, asked, &mut say)?,
            Prepared::Tokens(model) => tokens(model, &mut self.backend, prompt, asked, &mut say)?,
        };
        let elapsed = started.elapsed();
        let rest = stream.finish();
        if !rest.is_empty() {
            // The text is over, whatever is answered.
            let _ = piece(&rest);
            text.push_str(&rest);
        }
        Ok(Said { text, tokens, slides, cost, elapsed })
    }

    fn logits(&mut self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let mut all = Vec::with_capacity(tokens.len() * self.weights.hyper().vocab_size);
        match &self.prepared {
            Prepared::Products(model) => session(model, &mut self.backend).predict_all(tokens, |_, logits| {
                all.extend_from_slice(logits);
                Ok::<_, EngineError>(())
            })?,
            Prepared::Tokens(model) => {
                let mut session = TokenSession::new(model, self.backend.gemv())?;
                for &token in tokens {
                    all.extend(session.logits(token)?.iter().map(|&logit| real(logit)));
                }
            }
        }
        Ok(all)
    }
}

/// Whether whole tokens are made by a machine of the back end's.
fn runs(weights: &Weights<'_>, backend: &mut Backend<'_>) -> bool {
    let Some(tokens) = backend.gemv().tokens().filter(|_| weights.kv().is_some()) else { return false };
    token_program(weights).is_ok_and(|found| tokens.runs(&found.program).is_ok())
}

/// The model's token program, on a board that has a machine for it, or here on the CPU.
fn whole_tokens<'m>(weights: &'m Weights<'m>, backend: &mut Backend<'m>) -> Result<TokenModel<'m>, Fault> {
    let model = TokenModel::prepare(weights, backend.gemv())?;
    let name = backend.name();
    match model.on_device() {
        Err(reason) if !name.starts_with("cpu") => {
            let help = "use Device('cpu'), where the same integers run, or offload='gemv'";
            Err(Fault::new(Kind::Argument, format_args!("'{name}' makes no whole tokens of this model: {reason}"), "offload", help))
        }
        _ => Ok(model),
    }
}

fn session<'a, 'm>(model: &'a nda_engine::Model<'m>, backend: &'a mut Backend<'m>) -> Session<'a, 'm> {
    let threads = backend.threads();
    let mut session = Session::new(model, backend.gemv());
    session.use_threads(threads);
    session.use_cache(CACHE.parse::<CacheForm>().unwrap_or_default());
    session
}

/// Tokens, slides of the context, and what they cost.
type Drawn = (Vec<u32>, usize, Cost);

fn products<'m>(
    model: &nda_engine::Model<'m>,
    backend: &mut Backend<'m>,
    prompt: &[u32],
    asked: &Asked<'_>,
    say: &mut dyn FnMut(u32) -> ControlFlow<()>,
) -> Result<Drawn, EngineError> {
    let mut session = session(model, backend);
    let said = generate(&mut session, prompt, asked.max_tokens, asked.sampling, |step| {
        Ok::<_, EngineError>(match step {
            Step::Token { token, .. } if model.bounds().is_end(token) => ControlFlow::Break(()),
            Step::Token { token, .. } => say(token),
            Step::Prompt { .. } => ControlFlow::Continue(()),
        })
    })?;
    Ok((said.tokens, said.slides, session.cost()))
}

fn tokens<'m>(
    model: &TokenModel<'m>,
    backend: &mut Backend<'m>,
    prompt: Vec<u32>,
    asked: &Asked<'_>,
    say: &mut dyn FnMut(u32) -> ControlFlow<()>,
) -> Result<Drawn, EngineError> {
    let mut session = TokenSession::new(model, backend.gemv())?;
    let choice = nda_engine::choice(asked.sampling)
        .ok_or_else(|| EngineError::NoTokenProgram { reason: "it chooses by temperature alone".into() })?;
    let request = Request { prompt, most_tokens: asked.max_tokens, stops: session.bounds().ends().to_vec(), choice };
    let reply = session.generate(&request, |token, _| Ok::<_, EngineError>(say(token)))?;
    Ok((reply.tokens, 0, session.cost()))
}
