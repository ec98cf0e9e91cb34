//! A model on a back end, and a text in progress: the program's forward pass, one token at a time.

use crate::bounds::Bounds;
use crate::error::EngineError;
use crate::host::Host;
use crate::hyper::Hyper;
use crate::linear::Linear;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
use nda_kernels::{Cost, Gemv};
use nda_lang::{Argument, Entry, Instance, Limits, RuntimeError, Value};

/// A model whose matrices a back end has prepared.
#[derive(Debug)]
pub struct Model<'m> {
    weights: &'m Weights<'m>,
    /// By the numbers that the program's links give; none for a table of floats.
    layers: Vec<Option<Linear>>,
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
        for (done, (&layer, (name, projections))) in weights.order().iter().zip(fused).enumerate() {
            layers[layer] = Some(Linear::prepare(&name, &projections, weights.hyper().activation, gemv)?);
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

/// One text in progress: its KV cache, and what it has cost so far.
pub struct Session<'a, 'm> {
    weights: &'m Weights<'m>,
    host: Host<'a, 'm>,
    /// The program with its constants; made with the first token.
    instance: Option<Instance<'m>>,
    /// What the last call of `logits` gave.
    logits: Value,
}

impl<'a, 'm> Session<'a, 'm> {
    /// An empty session. `gemv` must be the back end that prepared the model.
    pub fn new(model: &'a Model<'m>, gemv: &'a mut dyn Gemv<'m>) -> Session<'a, 'm> {
        let weights = model.weights;
        let host = Host::new(weights.hyper(), weights.tensors(), &model.layers, gemv);
        Session { weights, host, instance: None, logits: Value::Unit }
    }

    /// Positions that this session has room for.
    pub fn context(&self) -> usize {
        self.weights.hyper().context
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

    /// Tokens taken so far.
    pub fn position(&self) -> usize {
        self.host.position
    }

    /// What the back end's runs have cost so far, over all texts of this session.
    pub fn cost(&self) -> Cost {
        self.host.cost
    }

    /// Says where the lines go that the program prints; without it they go nowhere.
    pub fn on_print(&mut self, take: impl FnMut(&str) + 'a) {
        self.host.print = Some(Box::new(take));
    }

    /// Calls a function of the program that is no part of a forward pass, within its own limits, at position 0.
    /// Texts among the arguments are made of strings.
    ///
    /// # Errors
    /// What the run ends in.
    ///
    /// # Panics
    /// If the arguments are not of the function's types.
    pub fn call_main(&mut self, entry: Entry, args: Vec<Argument>, limits: Limits) -> Result<Value, RuntimeError> {
        let weights = self.weights;
        self.host.clear();
        let mut instance = Instance::new(weights.program(), weights.links(), limits, &mut self.host)?;
        instance.call_with(&mut self.host, entry, args)
    }

    /// Forgets the text; the memory is kept.
    pub fn clear(&mut self) {
        self.host.clear();
    }

    /// Forgets all tokens from a position on, as if they had never been taken; the memory is kept.
    /// A position that was not reached yet forgets nothing.
    pub fn truncate(&mut self, position: usize) {
        self.host.truncate(position);
    }

    /// Takes a token without asking what follows it: the head is not computed.
    ///
    /// # Errors
    /// A token that there is not, a full context, or the back end's failure.
    pub fn feed(&mut self, token: u32) -> Result<(), EngineError> {
        let residual = self.forward(token)?;
        self.release(residual);
        Ok(())
    }

    /// Takes a token and returns the logits of what follows it.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn predict(&mut self, token: u32) -> Result<&[f32], EngineError> {
        let residual = self.forward(token)?;
        let old = std::mem::take(&mut self.logits);
        self.release(old);
        self.logits = self.call(self.weights.entries()?.logits, vec![residual])?;
        Ok(self.logits.vector().unwrap_or_default())
    }

    /// Runs the program's blocks on a token; gives what the last one left.
    fn forward(&mut self, token: u32) -> Result<Value, EngineError> {
        let (position, hyper) = (self.host.position, self.weights.hyper());
        if position >= hyper.context {
            return Err(EngineError::Context { position, context: hyper.context });
        }
        if token as usize >= hyper.vocab_size {
            return Err(EngineError::Token { token, vocab_size: hyper.vocab_size });
        }
        let args = vec![Value::Int(i64::from(token)), Value::Int(position as i64)];
        let residual = self.call(self.weights.entries()?.forward, args);
        match residual {
            Ok(_) => self.host.position += 1,
            Err(_) => self.host.forget_unfinished(),
        }
        residual
    }

    fn call(&mut self, entry: Entry, args: Vec<Value>) -> Result<Value, EngineError> {
        let weights = self.weights;
        let instance = match &mut self.instance {
            Some(instance) => instance,
            None => {
                let made = Instance::new(weights.program(), weights.links(), Limits::default(), &mut self.host);
                self.instance.insert(made.map_err(EngineError::of_run)?)
            }
        };
        instance.call(&mut self.host, entry, args).map_err(EngineError::of_run)
    }

    fn release(&mut self, value: Value) {
        if let Some(instance) = &mut self.instance {
            instance.release(value);
        }
    }
}
