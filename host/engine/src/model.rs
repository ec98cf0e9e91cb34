//! A model on a back end, and a text in progress: the program's forward pass, a token or some at a time.

use crate::bounds::Bounds;
use crate::error::EngineError;
use crate::host::Host;
use crate::hyper::Hyper;
use crate::layer::Prepared;
use crate::tokenizer::Tokenizer;
use crate::weights::{Entries, Forward, Weights};
use nda_gemv::{Cost, Gemv};
use nda_kernels::ThreadPool;
use nda_lang::{Argument, Entry, Instance, Limits, RuntimeError, Value};
use std::sync::Arc;

/// A model whose matrices a back end has prepared.
#[derive(Debug)]
pub struct Model<'m> {
    weights: &'m Weights<'m>,
    /// By the numbers that the program's links give; none for a table of floats.
    layers: Vec<Option<Prepared>>,
}

impl<'m> Model<'m> {
    /// Hands every matrix to the back end, in the order in which a token meets them.
    ///
    /// # Errors
    /// What the back end says against a layer's shape, with the layer's name.
    pub fn prepare(weights: &'m Weights<'_>, gemv: &mut dyn Gemv<'m>) -> Result<Model<'m>, EngineError> {
        Model::prepare_with(weights, gemv, |_, _| ())
    }

    /// [`Self::prepare`] that tells `progress` how many of how many fused layers are ready.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_with(
        weights: &'m Weights<'_>,
        gemv: &mut dyn Gemv<'m>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Model<'m>, EngineError> {
        let fused = weights.fused_layers();
        let total = fused.len();
        let mut layers = vec![None; weights.tensors().layers.len()];
        for (done, (&layer, (name, products))) in weights.order().iter().zip(fused).enumerate() {
            layers[layer] = Some(Prepared::new(&name, &products, weights.hyper().activation, gemv)?);
            progress(done + 1, total);
        }
        Ok(Model { weights, layers })
    }

    /// The model's shape and constants.
    pub fn hyper(&self) -> &Hyper {
        self.weights.hyper()
    }

    /// Which tokens begin and end a text.
    pub fn bounds(&self) -> &Bounds {
        self.weights.bounds()
    }

    /// How text becomes this model's tokens.
    pub fn tokenizer(&self) -> &Tokenizer {
        self.weights.tokenizer()
    }
}

/// Tokens that a program takes at once: weights are read once for all of them, and their floats still fit a cache.
const BATCH: usize = 32;

/// One text in progress: its KV cache, and what it has cost so far.
pub struct Session<'a, 'm> {
    pub(crate) weights: &'m Weights<'m>,
    /// Positions that may be taken: the model's, or fewer.
    context: usize,
    pub(crate) host: Host<'a, 'm>,
    /// The program with its constants; made with the first token.
    instance: Option<Instance<'m>>,
    /// What the last call of `logits` gave.
    logits: Value,
    /// Whether tokens of several texts can be taken at once; known with the first that are.
    pub(crate) takes_together: Option<bool>,
}

impl<'a, 'm> Session<'a, 'm> {
    /// An empty session. `gemv` must be the back end that prepared the model.
    pub fn new(model: &'a Model<'m>, gemv: &'a mut dyn Gemv<'m>) -> Session<'a, 'm> {
        let weights = model.weights;
        let host = Host::new(weights.view(), &model.layers, gemv);
        Session { weights, context: weights.hyper().context, host, instance: None, logits: Value::Unit, takes_together: None }
    }

    /// Positions that this session has room for.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Grants the session fewer positions than the model has: at least 1, and no more than it has.
    pub fn limit_context(&mut self, context: usize) {
        self.context = context.clamp(1, self.weights.hyper().context);
    }

    /// Tokens that the model knows; its tokenizer may have fewer.
    pub fn vocab_size(&self) -> usize {
        self.weights.hyper().vocab_size
    }

    /// Which tokens begin and end a text.
    pub fn bounds(&self) -> &'m Bounds {
        self.weights.bounds()
    }

    /// How text becomes the model's tokens.
    pub fn tokenizer(&self) -> &'m Tokenizer {
        self.weights.tokenizer()
    }

    /// The same, for a thread that outlives this.
    pub fn shared_tokenizer(&self) -> Arc<Tokenizer> {
        self.weights.shared_tokenizer()
    }

    /// Tokens taken so far.
    pub fn position(&self) -> usize {
        self.host.sequence.position()
    }

    /// What products have cost so far, over all texts of this session: the back end's, and the engine's own of tables of floats.
    pub fn cost(&self) -> Cost {
        self.host.cost
    }

    /// Lets threads share what stands between products: those of the back end, if it has some, because they are awake. Without
    /// them the caller's thread does it alone. No bit depends on it.
    pub fn use_threads(&mut self, pool: ThreadPool) {
        self.host.use_threads(pool);
    }

    /// Says where the lines go that the program prints; without it they go nowhere.
    pub fn on_print(&mut self, take: impl FnMut(&str) + 'a) {
        self.host.print = Some(Box::new(take));
    }

    /// Says who hears what every layer is given: the names of its tensors, their columns, and vectors one after another,
    /// before they are quantized. What a program quantized itself is not told.
    pub fn on_input(&mut self, observe: impl FnMut(&[String], usize, &[f32]) + 'a) {
        self.host.input = Some(Box::new(observe));
    }

    /// Says who hears what every block attends with: its number, then queries, keys and values, position after position.
    pub fn on_attention(&mut self, observe: impl FnMut(usize, [&[f32]; 3]) + 'a) {
        self.host.attended = Some(Box::new(observe));
    }

    /// Calls a function of the program that is not part of a forward pass, within its own limits, at position 0.
    /// Texts among the arguments are made of strings.
    ///
    /// # Errors
    /// What the run ends in.
    ///
    /// # Panics
    /// If the arguments are not of the function's types.
    pub fn call_main(&mut self, entry: Entry, args: Vec<Argument>, limits: Limits) -> Result<Value, RuntimeError> {
        let weights = self.weights;
        self.host.sequence.clear();
        let mut instance = Instance::new(weights.program(), weights.links(), limits, &mut self.host)?;
        instance.call_with(&mut self.host, entry, args)
    }

    /// Forgets the text; the memory is kept.
    pub fn clear(&mut self) {
        self.host.sequence.clear();
    }

    /// Forgets all tokens from a position on, as if they had never been taken; the memory is kept. A position that was not reached
    /// yet forgets nothing. A cache of closed frames may have to forget some more: [`Self::position`] says how many are left.
    pub fn truncate(&mut self, position: usize) {
        self.host.sequence.truncate(position);
    }

    /// Takes a token without asking what follows it: the head is not computed.
    ///
    /// # Errors
    /// An unknown token, a full context, or the back end's failure.
    pub fn feed(&mut self, token: u32) -> Result<(), EngineError> {
        self.feed_all(&[token])
    }

    /// Tokens that [`Self::feed_all`] takes at once.
    pub fn batch(&self) -> usize {
        let takes_rows = matches!(self.weights.entries(), Ok(Entries { forward: Forward::Rows(_), .. }));
        if takes_rows { BATCH } else { 1 }
    }

    /// Takes tokens, several at once if the program can, to the bit as one by one.
    ///
    /// # Errors
    /// As [`Self::feed`]; tokens before the one that failed are taken.
    pub fn feed_all(&mut self, tokens: &[u32]) -> Result<(), EngineError> {
        for chunk in tokens.chunks(self.batch()) {
            let residual = self.forward(chunk)?;
            self.release(residual);
        }
        Ok(())
    }

    /// Takes tokens and tells `each` the logits of what follows every one of them.
    ///
    /// # Errors
    /// As [`Self::feed_all`], or what `each` returns.
    pub fn predict_all<E: From<EngineError>>(
        &mut self,
        tokens: &[u32],
        mut each: impl FnMut(usize, &[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (vocab_size, batch) = (self.weights.hyper().vocab_size, self.batch());
        for (first, chunk) in tokens.chunks(batch).enumerate() {
            let residual = self.forward(chunk)?;
            let logits = self.call(self.weights.entries()?.logits, vec![residual])?;
            let rows = logits.vector().unwrap_or_default().chunks_exact(vocab_size.max(1));
            rows.enumerate().try_for_each(|(row, logits)| each(first * batch + row, logits))?;
            self.release(logits);
        }
        Ok(())
    }

    /// Takes a token and returns the logits of what follows it.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn predict(&mut self, token: u32) -> Result<&[f32], EngineError> {
        let residual = self.forward(&[token])?;
        let old = std::mem::take(&mut self.logits);
        self.release(old);
        self.logits = self.call(self.weights.entries()?.logits, vec![residual])?;
        Ok(self.logits.vector().unwrap_or_default())
    }

    /// Runs the program's blocks on tokens; gives what the last one left of each. One token, if the program takes one.
    pub(crate) fn forward(&mut self, tokens: &[u32]) -> Result<Value, EngineError> {
        self.check(self.position(), tokens)?;
        let residual = self.call_forward(tokens);
        match residual {
            Ok(_) => self.host.sequence.commit(tokens),
            Err(_) => self.host.sequence.forget_unfinished(),
        }
        residual
    }

    /// Refuses tokens that there are not, and those that the context has no room for behind a position.
    pub(crate) fn check(&self, position: usize, tokens: &[u32]) -> Result<(), EngineError> {
        let vocab_size = self.vocab_size();
        if position + tokens.len() > self.context {
            return Err(EngineError::Context { position: self.context, context: self.context });
        }
        let unknown = tokens.iter().find(|&&token| token as usize >= vocab_size);
        unknown.map_or(Ok(()), |&token| Err(EngineError::Token { token, vocab_size }))
    }

    fn call_forward(&mut self, tokens: &[u32]) -> Result<Value, EngineError> {
        let at = Argument::Int(self.position() as i64);
        let (entry, args) = match self.weights.entries()?.forward {
            Forward::One(entry) => (entry, vec![Argument::Int(i64::from(tokens[0])), at]),
            Forward::Rows(entry) => (entry, vec![Argument::Ints(tokens.iter().map(|&token| i64::from(token)).collect()), at]),
        };
        self.call_with(entry, args)
    }

    fn call(&mut self, entry: Entry, args: Vec<Value>) -> Result<Value, EngineError> {
        self.with_instance(|instance, host| instance.call(host, entry, args))
    }

    pub(crate) fn call_with(&mut self, entry: Entry, args: Vec<Argument>) -> Result<Value, EngineError> {
        self.with_instance(|instance, host| instance.call_with(host, entry, args))
    }

    fn with_instance(
        &mut self,
        run: impl FnOnce(&mut Instance<'m>, &mut Host<'a, 'm>) -> Result<Value, RuntimeError>,
    ) -> Result<Value, EngineError> {
        let weights = self.weights;
        let instance = match &mut self.instance {
            Some(instance) => instance,
            None => {
                let made = Instance::new(weights.program(), weights.links(), Limits::default(), &mut self.host);
                self.instance.insert(made.map_err(EngineError::of_run)?)
            }
        };
        run(instance, &mut self.host).map_err(EngineError::of_run)
    }

    pub(crate) fn release(&mut self, value: Value) {
        if let Some(instance) = &mut self.instance {
            instance.release(value);
        }
    }
}
