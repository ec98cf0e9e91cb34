//! Model files of others as documents: GGUF files and Hugging Face folders.
//!
//! A [`Source`] says what a model is made of, under the names that documents use, and gives its tensors one at a
//! time; [`convert`] writes the document beside its place, tries it as the engine will, and only then puts it there.
//! What a source cannot give faithfully is refused by name, never left out silently.
//!
//! # Example
//!
//! ```no_run
//! use nda_convert::{Gguf, Source};
//!
//! let source = Gguf::open("model.gguf".as_ref())?;
//! println!("{:?}", source.description());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod architecture;
mod calibrate;
mod convert;
mod encode;
mod ends;
mod error;
mod fitted;
pub mod folder;
pub mod gguf;
pub mod report;
mod rope;
mod source;

pub use architecture::{Architecture, Shape};
pub use calibrate::Moments;
pub use convert::{Calibration, Options, Stage, Step, TensorError, convert};
pub use encode::{Encoded, Weights, encode};
pub use error::ConvertError;
pub use fitted::Recipe;
pub use folder::Folder;

pub use gguf::Gguf;
pub use source::{Content, Description, Shared, Source, TensorInfo, Ternary};
