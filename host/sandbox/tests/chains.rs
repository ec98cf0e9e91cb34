//! Tool chains in the box: rustup finds what it wants to find before it starts a tool.

mod common;

use common::{LEVELS, ordinary_with, ran};
use nda_sandbox::{Content, End, Level};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// Where the test that was started again with other variables has them from.
const AGAIN: &str = "NDA_TEST_AGAIN";

/// rustup itself, wherever it is.
fn rustup() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("rustup")).find(|file| file.is_file())
}

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn cargo_of_a_tool_chain_starts_through_rustup() {
    const NAME: &str = "cargo_of_a_tool_chain_starts_through_rustup";
    let inside = std::env::var_os("NDA_TEST_PLACE").is_some();
    let proxy = rustup();
    if !inside && proxy.is_none() {
        return nda_tests::not_here("rustup's cargo in the box", "rustup is not installed");
    }
    let more: Vec<(&str, &Path)> = proxy.iter().map(|proxy| ("rustup", proxy.as_path())).collect();
    let Some(place) = ordinary_with(NAME, &more) else { return };
    let (bin, home) = (place.folder.join(".cargo/bin"), place.folder.join(".rustup"));
    if std::env::var_os(AGAIN).is_none() {
        fs::create_dir_all(&bin).unwrap();
        fs::copy(place.program("rustup"), bin.join("cargo")).unwrap();
        program(&home.join("toolchains/own/bin/cargo"), "#!/bin/sh\necho a chain of its own: $1; echo x > made\n");
        fs::write(home.join("settings.toml"), "version = \"12\"\ndefault_toolchain = \"own\"\nprofile = \"minimal\"\n[overrides]\n")
            .unwrap();
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args([NAME, "--exact", "--nocapture"]).env("PATH", path).env(AGAIN, "1");
        again.env_remove("CARGO_HOME").env_remove("RUSTUP_HOME").env_remove("RUSTUP_TOOLCHAIN");
        panic!("{}", again.exec());
    }
    for level in LEVELS {
        // At the level landlock rustup's folders are the machine's own; rustup has made them when it was first used.
        if level == Level::Landlock {
            fs::create_dir_all(home.join("update-hashes")).unwrap();
        }
        let project = place.project(level.name());
        let (outcome, text) = ran(&place.order(&project, level, &["cargo", "--version"]));
        let outcome = outcome.unwrap();
        assert_eq!((outcome.end, text.as_str()), (End::Code(0), "a chain of its own: --version\n"), "{level:?}");
        assert!(matches!(&outcome.changes[0].content, Content::File { bytes, .. } if bytes == b"x\n"), "{outcome:?}");
    }
    assert!(!home.join("tmp").exists() && !home.join("downloads").exists(), "nothing was made outside of the box");
}
