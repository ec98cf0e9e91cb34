//! The gates of a workspace, put together: what our own languages and documents must hold is looked at here, and everything that
//! runs a command runs in the sandbox.
//!
//! # Example
//!
//! ```no_run
//! // All gates of a folder; 'nda sandbox' is the helper that enters the box.
//! let gates = nda_checks::gates(".".as_ref(), vec!["nda".into(), "sandbox".into()])?;
//! assert!(gates.len() >= 2);
//! # Ok::<(), nda_guard::GuardError>(())
//! ```

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

mod boxed;
mod documents;
mod programs;

pub use boxed::Boxed;
pub use documents::Documents;
pub use programs::Programs;

use nda_guard::{Gate, Gates, GuardError};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

/// All gates of a folder: programs, documents, security, Verilog, cargo, and those of `.nda/gates.toml`. `helper` is the program
/// that enters the sandbox, with its first arguments.
///
/// # Errors
/// A `.nda/gates.toml` that cannot be read.
pub fn gates(root: &Path, helper: Vec<OsString>) -> Result<Vec<Box<dyn Gate>>, GuardError> {
    let mut all: Vec<Box<dyn Gate>> = vec![Box::new(Programs), Box::new(Documents)];
    all.extend(Gates::of_folder(root)?.with_runner(Arc::new(Boxed { helper })));
    Ok(all)
}
