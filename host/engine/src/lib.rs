//! Models on 2-bit weights: the document's program, tokenizer, KV cache, sampling, evaluation.
//!
//! The forward pass is an NDA program that the document carries (`nda_lang`, LANGUAGE.md); this crate gives it its
//! tensors, its products and its cache. The matrices go through [`nda_gemv::Gemv`], so nothing here knows which
//! back end runs; the rest is f32 in one fixed order, so every back end gives the same tokens. From a document to text:
//!
//! 1. [`Weights::new`] checks a document's metadata, compiles its program and finds and tries every tensor it names;
//! 2. [`Model::prepare`] hands the matrices to a back end, those that share an input as one;
//! 3. [`Session`] takes tokens and gives logits; [`generate()`] and [`evaluate()`] drive it.
//!
//! # Example
//!
//! ```no_run
//! use nda_engine::{EngineError, Model, Sampling, Session, Step, Weights, generate};
//! use nda_kernels::CpuGemv;
//! use nda_ndf::MappedDocument;
//! use std::ops::ControlFlow;
//!
//! let mapped = MappedDocument::open("models/tiny.ndf")?;
//! let weights = Weights::new(&mapped.document())?;
//! let mut cpu = CpuGemv::new();
//! let model = Model::prepare(&weights, &mut cpu)?;
//! let mut session = Session::new(&model, &mut cpu);
//! let greedy = Sampling { temperature: 0.0, top_k: None, top_p: None, seed: 0 };
//! let said = generate(&mut session, &[83, 104, 101], 16, greedy, |step| {
//!     if let Step::Token { token, .. } = step {
//!         println!("{token}");
//!     }
//!     Ok::<_, EngineError>(ControlFlow::Continue(()))
//! })?;
//! assert_eq!(said.tokens.len(), 16);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod bounds;
mod calibrate;
mod compare;
mod controls;
mod decoder;
mod error;
mod evaluate;
mod generate;
mod grid;
mod host;
mod hyper;
#[cfg(feature = "tokenizers")]
mod json;
#[cfg(not(feature = "tokenizers"))]
#[path = "json_absent.rs"]
mod json;
mod layer;
mod linear;
mod model;
mod projection;
mod quantized;
mod sampler;
mod sequence;
mod session_cache;
mod tensors;
mod texts;
mod together;
mod token;
mod token_sampler;
mod tokenizer;
mod trial;
mod view;
mod weights;

pub use bounds::Bounds;
pub use calibrate::calibrate_cache;
pub use compare::{Comparison, compare};
pub use controls::Typed;
pub use decoder::{Feature, decoder, gemma3};
pub use error::EngineError;
pub use evaluate::{Evaluation, evaluate, evaluate_on};
pub use generate::{Generated, Step, generate};
pub use grid::{Grid, GridLinear};
pub use hyper::Hyper;
pub use json::JsonTokenizer;
pub use layer::Prepared;
pub use linear::{Linear, Scratch};
pub use model::{Model, Session};
pub use nda_gemv::{Cost, Followed, Following};
pub use nda_kv::file as saved;
pub use nda_kv::{Cache, CacheForm, FrameStore, UnknownForm};
pub use nda_lang::{ops, quantize};
pub use nda_spec::random::Random;
pub use nda_spec::token::{Choice, Finish as MadeFinish, MAX_STOPS, Reply, Request};
pub use projection::Projection;
pub use sampler::{Sampler, Sampling, greedy};
pub use sequence::Sequence;
pub use tensors::Products;
pub use texts::{TokenPart, TokenText};
pub use together::{Advanced, Part, Wanted};
pub use token::{TokenModel, TokenSession, token_program, token_program_with};
pub use token_sampler::{TokenSampler, choice, real};
pub use tokenizer::{Merger, SPLIT_NONE, Segment, Tokenizer, Utf8Stream};
pub use weights::{BITNET, EMBEDDING, FINAL_NORM, FusedLayer, GEMMA3, HEAD, KV_FORM, LLAMA, Weights, block_tensor};
