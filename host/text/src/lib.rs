//! Texts as persistent trees of pieces.
//!
//! A [`Text`] is a B+ tree whose leaves are pieces: runs of bytes in buffers that only grow. Each node has the sums of bytes,
//! line ends and UTF-16 units below it. An edit changes one path; a [`Snapshot`] shares all nodes with the text and costs
//! three pointers. A step of undo is the edits that take it back, or a snapshot if they are large. [`patch`] turns patches of three forms
//! into edits that match exactly, or refuses.
//!
//! Knows no file, git, window or model.
//!
//! # Example
//!
//! ```
//! use nda_text::{Step, Text};
//!
//! let mut text = Text::new("one line\n")?;
//! let before = text.snapshot();
//! text.edit(0..3, "a new", Step::New)?;
//! assert_eq!(text.snapshot().to_string(), "a new line\n");
//! // A snapshot never changes.
//! assert_eq!(before.to_string(), "one line\n");
//! text.undo();
//! assert_eq!(text.snapshot().to_string(), "one line\n");
//! # Ok::<(), nda_text::TextError>(())
//! ```

#![forbid(unsafe_code)]

mod buffers;
mod compact;
mod diff;
mod leaf;
mod node;
pub mod patch;
mod snapshot;
mod sums;
mod text;
mod undo;

pub use buffers::Opened;
pub use diff::unified;
pub use snapshot::{Position, Snapshot};
pub use sums::Sums;
pub use text::{MAX_BYTES, Step, Text, TextError};
