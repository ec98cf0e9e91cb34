//! What every layer of a model sees of a text: the second moments of its inputs, for the fit.

use crate::error::ConvertError;
use nda_engine::{EngineError, Model, Session, Weights};
use nda_fit::{FitError, Hessian};
use nda_kernels::CpuGemv;
use nda_ndf::MappedDocument;
use std::collections::HashMap;
use std::path::Path;

/// Tokens of a window: as many as perplexities are usually measured with.
const WINDOW: usize = 512;

/// Second moments by the name of a tensor; tensors that share an input share them.
#[derive(Debug, Default)]
pub struct Moments {
    of: HashMap<String, usize>,
    moments: Vec<Hessian>,
}

impl Moments {
    /// Those of a tensor's inputs.
    pub fn get(&self, tensor: &str) -> Option<&Hessian> {
        self.of.get(tensor).map(|&at| &self.moments[at])
    }

    /// Runs a document, whose weights are floats, over the beginning of a text and adds up what its layers see.
    /// `progress` hears how many of how many tokens are done.
    ///
    /// # Errors
    /// A document that the engine refuses, a text of fewer than two tokens.
    pub fn of_text(
        document: &Path,
        text: &str,
        max_tokens: usize,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Moments, ConvertError> {
        let mapped = MappedDocument::open(document)?;
        let document = mapped.document();
        let weights = Weights::new(&document)?;
        let mut gemv = CpuGemv::new();
        let pool = gemv.pool().clone();
        let model = Model::prepare(&weights, &mut gemv)?;
        let mut tokens = model.tokenizer().encode(text.as_bytes())?;
        tokens.truncate(max_tokens);
        if tokens.len() < 2 {
            return Err(EngineError::Empty { what: "the calibration text", needed: 2 }.into());
        }
        let mut found = Moments::default();
        let mut failed: Option<FitError> = None;
        {
            let mut session = Session::new(&model, &mut gemv);
            session.use_threads(pool);
            session.on_input(|names, cols, x| {
                if let Err(error) = found.add(names, cols, x) {
                    failed.get_or_insert(error);
                }
            });
            let window = WINDOW.min(session.context());
            for (index, tokens_here) in tokens.chunks(window).enumerate() {
                session.clear();
                session.predict_all(tokens_here, |at, _| {
                    progress(index * window + at + 1, tokens.len());
                    Ok::<_, EngineError>(())
                })?;
            }
        }
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(found),
        }
    }

    pub(crate) fn add(&mut self, names: &[String], cols: usize, x: &[f32]) -> Result<(), FitError> {
        let Some(first) = names.first() else { return Ok(()) };
        let at = match self.of.get(first) {
            Some(&at) => at,
            None => {
                self.moments.push(Hessian::new(cols));
                let at = self.moments.len() - 1;
                names.iter().for_each(|name| {
                    self.of.insert(name.clone(), at);
                });
                at
            }
        };
        self.moments[at].add(x)
    }
}
