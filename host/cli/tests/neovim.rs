//! `nda lsp` in a real editor: Neovim, headless, on the committed model's own program.

#![cfg(feature = "lsp")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Neovim, installed by the project's own step; none if it cannot be had.
fn neovim() -> Option<PathBuf> {
    let own = root().join(".tools/neovim/usr/bin/nvim");
    if !own.exists() {
        let _ = Command::new(root().join("tools.sh")).arg("neovim").output();
    }
    own.exists().then_some(own)
}

#[test]
fn neovim_shows_faults_hovers_jumps_renames_formats_and_has_the_costs() {
    let Some(neovim) = neovim() else {
        return nda_tests::skip("the editor's test", "'./tools.sh neovim' unpacks Neovim from Debian's packages");
    };
    let place = tempfile::tempdir().unwrap();
    let nda = env!("CARGO_BIN_EXE_nda");
    std::fs::copy(root().join("models/tiny.ndf"), place.path().join("tiny.ndf")).unwrap();
    let taken = Command::new(nda).arg("fmt").arg(place.path().join("tiny.ndf")).output().unwrap();
    std::fs::write(place.path().join("tiny.nda"), &taken.stdout).unwrap();
    let page = std::fs::read_to_string(root().join("docs/studio.md")).unwrap();
    let snippet = page.split_once("```lua\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    std::fs::write(place.path().join("snippet.lua"), snippet).unwrap();
    let tools = root().join(".tools/neovim/usr");
    // The page says 'nda': the command that was built is the first of that name.
    let folders = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let own = Path::new(nda).parent().unwrap().to_owned();
    let path = std::env::join_paths([own].into_iter().chain(folders)).unwrap();
    let output = Command::new(neovim)
        .args(["--headless", "-u", "NONE", "-i", "NONE", "-S"])
        .arg(root().join("host/cli/tests/neovim.lua"))
        .current_dir(place.path())
        .env("PATH", path)
        .env("SNIPPET", place.path().join("snippet.lua"))
        .env("VIMRUNTIME", tools.join("share/nvim/runtime"))
        .env("LD_LIBRARY_PATH", tools.join("lib/x86_64-linux-gnu"))
        .env("XDG_STATE_HOME", place.path().join("state"))
        .env("XDG_CACHE_HOME", place.path().join("cache"))
        .env("HOME", place.path())
        .output()
        .unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(told.contains("all of it holds"), "{told}");
}
