//! The manual: its pictures and tables are those of the records, its links lead somewhere, the README is short and says
//! nothing that the evidence does not.

mod links;
mod pictures;
mod readme;

use std::path::{Path, PathBuf};

/// The project's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A document of the project.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}
