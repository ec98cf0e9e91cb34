//! The cache of keys and values of a text in progress, and attention over it.
//!
//! A cache is [`Floats`], of 32 bits, the reference, or of 16, or [`Frames`]: closed frames of 64 positions as bit planes (`nda_spec::kv`), each a link of a
//! chain of hashes. Every form gives the same bits whatever the number of threads, and however many positions are taken at once.
//!
//! # Example
//!
//! ```
//! use nda_kv::{Cache, CacheForm};
//!
//! let form: CacheForm = "b4".parse()?;
//! assert_eq!(Cache::new(form).form().name(), "b4");
//! # Ok::<(), nda_kv::UnknownForm>(())
//! ```

#![forbid(unsafe_code)]

mod answer;
mod body;
mod cache;
mod call;
mod error;
mod exact;
pub mod file;
mod floats;
mod frame;
mod frames;
mod source;
mod store;

pub use blake3::Hash;
pub use cache::{Cache, CacheForm, UnknownForm};
pub use call::{Call, Heads};
pub use error::KvError;
pub use floats::Floats;
pub use frame::{Frame, genesis};
pub use frames::Frames;
pub use store::FrameStore;
