//! Documents, products and models for Python.
//!
//! Everything else here borrows: matrices lie in a mapped file, a model lies in a document, a back end has the weights of both. Objects
//! of Python are shared and live as long as somebody holds them. This crate ties the two together ([`Document`], [`Device`], [`Model`]);
//! behind the feature `bindings` it is the extension module `nda._nda`, built by `make wheel`.
//!
//! # Example
//!
//! ```
//! use nda_python::{Device, Document};
//! use nda_gemv::Activations;
//! use nda_spec::ActivationCode;
//!
//! let document = Document::open("../../models/tiny.ndf".as_ref())?;
//! let part = document.part("blk.0.q", 0)?;
//! let (rows, cols) = part.shape();
//! let mut y = vec![0; rows];
//! let x = Activations { code: ActivationCode::A8, values: &vec![1; cols] };
//! Device::open("cpu")?.gemv(&part, 1, x, &mut y)?;
//! # Ok::<(), nda_python::Fault>(())
//! ```

#![forbid(unsafe_code)]

#[cfg(feature = "bindings")]
mod bindings;
mod device;
mod document;
mod fault;
mod model;
mod products;
mod text;

pub use device::Device;
pub use document::{Document, Part};
pub use fault::{Fault, Kind};
pub use model::{Asked, Model, Offload, Said};
