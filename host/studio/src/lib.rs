//! The studio: what is open and what a key does ([`Studio`]), without any window; and two faces for it, a window and a terminal, which
//! draw the same [`grid::Grid`] of characters.
//!
//! It links no engine, no compiler and no simulator: what they know is asked of the `nda` command. It writes no file: text goes to the
//! journal and to the disk through [`nda_guard`].
//!
//! # Example
//!
//! ```
//! use nda_studio::grid::Grid;
//!
//! let grid = Grid::new(4, 2);
//! assert_eq!((grid.size(), grid.text(1).trim()), ((4, 2), ""));
//! ```

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

mod acp;
pub mod buffer;
pub mod cursor;
pub mod face;
pub mod grid;
pub mod journal;
pub mod key;
pub mod list;
pub mod panes;
mod save;
mod studio;
pub mod tree;
mod view;
mod watch;
pub mod work;

pub use studio::{Event, Focus, Insight, Prompt, Question, Setup, Studio};
