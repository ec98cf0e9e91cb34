//! The Rust sources of the workspace, parsed once.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One file that git knows or would take.
pub struct Source {
    /// Its path from the root, with slashes.
    pub path: String,
    pub text: String,
    pub tree: syn::File,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Paths of all files of the project, from the root.
pub fn files() -> Vec<String> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(root()).output().expect("git lists the files");
    let files: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert!(files.len() > 100, "git listed {} files: {}", files.len(), String::from_utf8_lossy(&output.stderr));
    // A file that was deleted and not committed is still listed.
    files.into_iter().filter(|file| root().join(file).is_file()).collect()
}

/// All Rust sources.
pub fn sources() -> Vec<Source> {
    let rust = files().into_iter().filter(|path| path.ends_with(".rs"));
    let parsed = rust.map(|path| {
        let text = std::fs::read_to_string(root().join(&path)).expect("a source");
        let tree = syn::parse_file(&text).unwrap_or_else(|e| panic!("{path}:{}: {e}", e.span().start().line));
        Source { path, text, tree }
    });
    parsed.collect()
}

/// Whether a file holds tests, examples or benches: they may print and wait.
pub fn is_trial(path: &str) -> bool {
    ["/tests/", "/examples/", "/benches/", "bench/peers/"].iter().any(|folder| path.contains(folder))
}
