//! A document as a model: its program compiled, and every tensor that it names found and tried.

use crate::bounds::Bounds;
use crate::error::EngineError;
use crate::hyper::Hyper;
use crate::tensors::{Products, Tensors, names};
use crate::tokenizer::Tokenizer;
use crate::trial::Trial;
use crate::view::View;
use nda_compile::{Untraceable, fuse, trace};
use nda_ir::Graph;
use nda_kv::CacheForm;
use nda_lang::{Argument, Entry, Instance, Limits, Links, Program, RETIRED_HINT, Tier, Type, Value};
use nda_ndf::{Document, Kv, Tokenizer as Stored};
use std::sync::Arc;

/// The program of a Llama: what `nda convert` puts into a document, and what one without a program runs.
pub const LLAMA: &str = include_str!("../programs/llama.nda");
/// The program of a Gemma 3.
pub const GEMMA3: &str = include_str!("../programs/gemma3.nda");
/// The program of a BitNet b1.58.
pub const BITNET: &str = include_str!("../programs/bitnet.nda");
/// The architecture that [`LLAMA`] is the program of.
const ARCHITECTURE: &str = "llama";
/// What messages call a document's own program.
const PROGRAM: &str = "program.nda";

/// Name of the embedding: a table (vector frame) or a matrix, `vocab_size x d_model`.
pub const EMBEDDING: &str = "embed";
/// Name of the last norm's weights.
pub const FINAL_NORM: &str = "norm";
/// Name of the head: a matrix or a table, `vocab_size x d_model`; absent if metadata `tied_head` is `true`.
pub const HEAD: &str = "head";

/// Metadata that recommends how keys and values are kept: the name of a [`CacheForm`].
pub const KV_FORM: &str = "kv_form";

/// Name of a block's tensor: `blk.3.q`. The parts are `attn_norm`, `q`, `k`, `v`, `o`, `ffn_norm`, `gate`, `up`, `down`.
pub fn block_tensor(block: usize, part: &str) -> String {
    format!("blk.{block}.{part}")
}

/// What the engine calls in a model's program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries {
    /// The last block's output.
    pub forward: Forward,
    /// `fn logits(x: vec) -> vec`: what follows such an output.
    pub logits: Entry,
}

/// How a program takes tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Forward {
    /// `fn forward(token: int, position: int) -> vec`: one.
    One(Entry),
    /// `fn forward(tokens: ints, position: int) -> vec`: several, whose outputs follow one another.
    Rows(Entry),
}

/// Tokens that the trial of a program takes at once, if it can: more than one, so that a row too few is found.
const TRIAL_TOKENS: usize = 2;

/// The tensors of a model, in place, and its program. Lives as long as the models that are prepared from it.
#[derive(Debug)]
pub struct Weights<'d> {
    hyper: Hyper,
    bounds: Bounds,
    tokenizer: Arc<Tokenizer>,
    kv: Option<Kv>,
    kv_form: Option<CacheForm>,
    /// The document's hash, and the program's text, if it is a model's.
    document_hash: [u8; 32],
    program_text: String,
    program: Program,
    links: Links,
    /// None of a program that is not a model's.
    entries: Option<Entries>,
    tensors: Tensors<'d>,
    /// Layers of matrices in the order in which they are first multiplied.
    order: Vec<usize>,
}

/// Products that share an input, with their common name: `blk.0.q+k+v`.
pub type FusedLayer<'w, 'd> = (String, Products<'w, 'd>);

impl<'d> Weights<'d> {
    /// Reads a document's metadata, compiles its program and finds every tensor that it names. The program takes one
    /// token on zeros, so that every shape is known to fit.
    ///
    /// # Errors
    /// The first key or tensor that is missing or contradicts another; faults of the program.
    pub fn new(document: &Document<'d>) -> Result<Weights<'d>, EngineError> {
        if let Some(source) = document.program() {
            return Weights::with_program(document, PROGRAM, source, Tier::default());
        }
        if let Some(value) = document.metadata().get("architecture").filter(|a| *a != ARCHITECTURE) {
            let rule = "'llama' unless the document has a program";
            return Err(EngineError::BadMetadata { key: "architecture", value: value.into(), rule });
        }
        Weights::with_program(document, "llama.nda", LLAMA, Tier::default())
    }

    /// [`Self::new`] with another program than the document's own; `file` is what messages call it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_program(document: &Document<'d>, file: &str, source: &str, tier: Tier) -> Result<Weights<'d>, EngineError> {
        let mut weights = Weights::linked(document, compiled(file, source, tier)?)?;
        weights.program_text = source.to_owned();
        let entries = entries(&weights.program)?;
        weights.entries = Some(entries);
        weights.order = weights.tried(entries)?;
        weights.keep_matrices();
        Ok(weights)
    }

    /// A document with a program that is not asked for a forward pass: one to be called by [`crate::Session::call_main`].
    ///
    /// # Errors
    /// As [`Self::new`], but for what only a forward pass needs.
    pub fn with_main(document: &Document<'d>, program: Program) -> Result<Weights<'d>, EngineError> {
        let mut weights = Weights::linked(document, program)?;
        weights.keep_matrices();
        Ok(weights)
    }

    /// A document with the tensors that a program names.
    fn linked(document: &Document<'d>, program: Program) -> Result<Weights<'d>, EngineError> {
        let metadata = document.metadata();
        let mut hyper = Hyper::from_metadata(|key| metadata.get(key))?;
        let number = |(key, value): (&str, &str)| Some((key.to_string(), value.trim().parse().ok().filter(|v: &f64| v.is_finite())?));
        hyper.others = metadata.iter().filter_map(number).collect();
        let bounds = Bounds::from_metadata(|key| metadata.get(key), hyper.vocab_size)?;
        let tokenizer = Tokenizer::new(document.tokenizer().unwrap_or(&Stored::Bytes))?;
        if tokenizer.vocab_size() > hyper.vocab_size {
            let reason = format!("it has {} tokens, but the metadata's vocab_size is {}", tokenizer.vocab_size(), hyper.vocab_size);
            return Err(EngineError::Tokenizer { reason });
        }
        let links = program.link(&names(document))?;
        let tensors = Tensors::new(document, &links)?;
        let kv = document.kv().cloned();
        let kv_form = metadata.get(KV_FORM).map(kv_form).transpose()?;
        let (document_hash, program_text) = (document.hash(), String::new());
        let (entries, order) = (None, Vec::new());
        Ok(Weights {
            hyper,
            bounds,
            tokenizer: Arc::new(tokenizer),
            kv,
            kv_form,
            document_hash,
            program_text,
            program,
            links,
            entries,
            tensors,
            order,
        })
    }

    /// Adds the layers that the first token did not need and another may; takes tables of floats out.
    fn keep_matrices(&mut self) {
        let rest: Vec<usize> = (0..self.tensors.layers.len()).filter(|layer| !self.order.contains(layer)).collect();
        self.order.extend(rest);
        let tensors = &self.tensors;
        self.order.retain(|layer| tensors.products_of(*layer).is_some());
    }

    /// Runs the program's own checks and takes one token with products of zeros; gives the layers in the order of use.
    fn tried(&self, entries: Entries) -> Result<Vec<usize>, EngineError> {
        let mut trial = Trial::new(self.view());
        let failed = EngineError::of_run;
        let mut instance = Instance::new(&self.program, &self.links, Limits::default(), &mut trial).map_err(failed)?;
        if let Some(check) = self.program.entry("check") {
            instance.call(&mut trial, check, Vec::new()).map_err(failed)?;
        }
        let (x, tokens) = match entries.forward {
            Forward::One(entry) => (instance.call(&mut trial, entry, vec![Value::Int(0), Value::Int(0)]), 1),
            Forward::Rows(entry) => {
                let tokens = Argument::Ints(vec![0; TRIAL_TOKENS]);
                (instance.call_with(&mut trial, entry, vec![tokens, Argument::Int(0)]), TRIAL_TOKENS)
            }
        };
        let logits = instance.call(&mut trial, entries.logits, vec![x.map_err(failed)?]).map_err(failed)?;
        let found = logits.vector().map_or(0, <[f32]>::len);
        if found != self.hyper.vocab_size * tokens {
            let found = found / tokens;
            let reason = format!("logits() gives {found} values, but the metadata's vocab_size is {}", self.hyper.vocab_size);
            return Err(EngineError::Program { place: self.program.file().into(), reason });
        }
        Ok(trial.into_order())
    }

    /// The model's shape and constants.
    pub fn hyper(&self) -> &Hyper {
        &self.hyper
    }

    /// Which tokens begin and end a text.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The form of the cache of keys and values, if the document has one.
    pub fn kv(&self) -> Option<&Kv> {
        self.kv.as_ref()
    }

    /// The form of a cache in floats that the document recommends.
    pub fn kv_form(&self) -> Option<CacheForm> {
        self.kv_form
    }

    /// The hash of the document.
    pub fn document_hash(&self) -> [u8; 32] {
        self.document_hash
    }

    /// The text of the model's program; empty of a program that was compiled elsewhere.
    pub fn program_text(&self) -> &str {
        &self.program_text
    }

    /// How text becomes tokens.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The same, for a thread that outlives this.
    pub fn shared_tokenizer(&self) -> Arc<Tokenizer> {
        Arc::clone(&self.tokenizer)
    }

    /// The model's program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Every fused layer of matrices, in the order in which a token meets them.
    pub fn fused_layers(&self) -> Vec<FusedLayer<'_, 'd>> {
        let layer = |layer: usize| Some((self.tensors.layers[layer].name.clone(), self.tensors.products_of(layer)?));
        self.order.iter().filter_map(|&at| layer(at)).collect()
    }

    /// Every layer of floats with its shape: no back end has it, and the engine multiplies it on the CPU.
    pub fn float_layers(&self) -> Vec<(&str, (usize, usize))> {
        let floats = |layer: &usize| self.tensors.products_of(*layer).is_none();
        let layers = &self.tensors.layers;
        (0..layers.len()).filter(floats).map(|at| (layers[at].name.as_str(), (layers[at].rows, layers[at].cols))).collect()
    }

    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    pub(crate) fn entries(&self) -> Result<Entries, EngineError> {
        self.entries.map_or_else(|| entries(&self.program), Ok)
    }

    /// The graph of a token, traced from the program and fused: what back ends are compiled from.
    ///
    /// # Errors
    /// What in the program depends on numbers that only a run knows.
    pub fn graph(&self) -> Result<Graph, Untraceable> {
        trace(&self.program, &self.links, &self.view()).map(|graph| fuse(&graph))
    }

    /// What the program reads.
    pub(crate) fn view(&self) -> View<'_, 'd> {
        View { hyper: &self.hyper, tensors: &self.tensors }
    }

    pub(crate) fn tensors(&self) -> &Tensors<'d> {
        &self.tensors
    }
}

fn kv_form(name: &str) -> Result<CacheForm, EngineError> {
    let rule = "a form of the cache: b4, b4v2, b2, f16, f32 or seed";
    name.parse().map_err(|_| EngineError::BadMetadata { key: KV_FORM, value: name.into(), rule })
}

/// A source's program. One of an earlier version is told from one that is wrong.
fn compiled(file: &str, source: &str, tier: Tier) -> Result<Program, EngineError> {
    Program::compile(file, source, tier).map_err(|faults| match faults.all.iter().find(|fault| fault.hint == RETIRED_HINT) {
        Some(fault) => EngineError::OldProgram { place: faults.place(fault), reason: fault.message.clone() },
        None => faults.into(),
    })
}

fn entries(program: &Program) -> Result<Entries, EngineError> {
    let entry = |name: &str, params: &[Type]| program.entry(name).filter(|entry| program.signature(*entry) == (params.to_vec(), Type::Vec));
    let find = |name: &str, params: &[Type]| {
        let found = entry(name, params);
        let params: Vec<String> = params.iter().enumerate().map(|(i, of)| format!("p{i}: {}", of.name())).collect();
        let reason = format!("a model's program needs a function 'fn {name}({}) -> vec'", params.join(", "));
        found.ok_or(EngineError::Program { place: program.file().into(), reason })
    };
    if entry("forward", &[Type::Vec, Type::Int]).is_some() {
        let reason = "'forward' takes its tokens as a vec; they are ints now: fn forward(tokens: ints, position: int) -> vec".into();
        return Err(EngineError::OldProgram { place: program.file().into(), reason });
    }
    let forward = match entry("forward", &[Type::Ints, Type::Int]) {
        Some(rows) => Forward::Rows(rows),
        None => Forward::One(find("forward", &[Type::Int, Type::Int])?),
    };
    Ok(Entries { forward, logits: find("logits", &[Type::Vec])? })
}
