//! A document's model, and what is asked of it.

use crate::document::Document;
use crate::fault::Fault;
use nda_engine::{Sampling, Typed, Weights};
use nda_gemv::Cost;
use self_cell::self_cell;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

self_cell!(
    struct Compiled {
        owner: Arc<Document>,

        #[covariant]
        dependent: Weights,
    }
);

/// A document's program and tensors, compiled and tried, for any device.
pub struct Model {
    compiled: Compiled,
    offload: Offload,
}

/// What a device does of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offload {
    /// Whole tokens where it has a token machine for them, and products alone elsewhere.
    #[default]
    Best,
    /// Products alone; all else is floats.
    Gemv,
    /// Whole tokens in integers.
    Token,
}

impl FromStr for Offload {
    type Err = Fault;

    fn from_str(name: &str) -> Result<Offload, Fault> {
        match name {
            "gemv" => Ok(Offload::Gemv),
            "token" => Ok(Offload::Token),
            _ => Err(Fault::argument(
                format_args!("'{name}' is nothing that a device does of a model"),
                "offload",
                "use 'gemv', 'token' or None",
            )),
        }
    }
}

impl Model {
    /// Compiles a document's program and finds every tensor that it names.
    ///
    /// # Errors
    /// A document that holds no model.
    pub fn open(document: &Arc<Document>, offload: Offload) -> Result<Arc<Model>, Fault> {
        let compiled = Compiled::try_new(Arc::clone(document), |document| Weights::new(&document.content()));
        let compiled = compiled.map_err(|error| Fault::from(error).in_file(document.path()))?;
        Ok(Arc::new(Model { compiled, offload }))
    }

    /// The document.
    pub fn document(&self) -> &Arc<Document> {
        self.compiled.borrow_owner()
    }

    /// The model itself.
    pub fn weights(&self) -> &Weights<'_> {
        self.compiled.borrow_dependent()
    }

    /// What devices do of it.
    pub fn offload(&self) -> Offload {
        self.offload
    }

    /// The tokens of a prompt, with the one in front that the model expects there. Control tokens' names are plain text.
    ///
    /// # Errors
    /// A text that has no tokens here.
    pub fn encode(&self, text: &[u8]) -> Result<Vec<u32>, Fault> {
        let tokens = self.weights().tokenizer().encode_prompt(text, Typed::AsText);
        let tokens = tokens.map_err(|error| Fault::from(error).in_file(self.document().path()))?;
        Ok(self.weights().bounds().plain(tokens))
    }

    /// The bytes of tokens.
    ///
    /// # Errors
    /// An unknown token.
    pub fn decode(&self, tokens: &[u32]) -> Result<Vec<u8>, Fault> {
        let vocab_size = self.weights().hyper().vocab_size;
        if let Some(&token) = tokens.iter().find(|token| **token as usize >= vocab_size) {
            return Err(nda_engine::EngineError::Token { token, vocab_size }.into());
        }
        Ok(self.weights().tokenizer().decode(tokens))
    }
}

/// What is to be said.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'t> {
    /// The prompt.
    pub prompt: &'t [u8],
    /// Tokens after it, at most.
    pub max_tokens: usize,
    /// How they are drawn.
    pub sampling: Sampling,
}

impl Asked<'_> {
    /// Refuses what no text can be drawn by.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Sampling { temperature, top_k, top_p, .. } = self.sampling;
        if self.prompt.is_empty() {
            return Err(Fault::argument("the prompt is empty", "prompt", "give at least one character"));
        }
        if !temperature.is_finite() || temperature < 0.0 {
            return Err(Fault::argument(
                format_args!("the temperature must be 0 or more, got {temperature}"),
                "temperature",
                "use 0 to take the likeliest token every time",
            ));
        }
        if let Some(p) = top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return Err(Fault::argument(
                format_args!("top_p must be more than 0 and at most 1, got {p}"),
                "top_p",
                "leave it out to draw from all tokens",
            ));
        }
        if top_k == Some(0) {
            return Err(Fault::argument("0 tokens leave nothing to draw from", "top_k", "use 1 or more"));
        }
        Ok(())
    }

    /// What a device does of the model for this text: a token machine chooses by temperature alone.
    pub(crate) fn form(&self, model: &Model) -> Result<Offload, Fault> {
        let is_plain = nda_engine::choice(self.sampling).is_some();
        match model.offload() {
            Offload::Token if !is_plain => {
                let help = "use offload='gemv', or temperature alone";
                Err(Fault::argument("a token program chooses by temperature alone", "top_k, top_p", help))
            }
            Offload::Best if !is_plain => Ok(Offload::Gemv),
            offload => Ok(offload),
        }
    }
}

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The text after the prompt.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// How often the context was full, and its newer half was taken again.
    pub slides: usize,
    /// What prompt and tokens cost together.
    pub cost: Cost,
    /// How long they took.
    pub elapsed: Duration,
}
