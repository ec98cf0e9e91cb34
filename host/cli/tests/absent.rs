//! Builds with some of the features: what was left out says so, and nothing else does.
//!
//! `cargo test -p nda-cli --no-default-features --features verilator --test absent` tries the smallest build; CI runs both.

use std::process::Command;

/// A command line of each feature, and whether this build has the feature.
const LINES: [(&str, bool, &[&str]); 6] = [
    ("bench", cfg!(feature = "bench"), &["bench", "--seconds", "-1"]),
    ("chat", cfg!(feature = "chat"), &["chat", "missing.ndf"]),
    ("convert", cfg!(feature = "convert"), &["convert", "missing.gguf", "missing.ndf", "--weights", "k2"]),
    ("emit", cfg!(feature = "emit"), &["emit", "--out", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml/folder")]),
    ("native", cfg!(feature = "native"), &["exec", "missing.nda", "--tier", "native"]),
    ("serve", cfg!(feature = "serve"), &["serve", "missing.ndf", "--port", "0"]),
];

#[test]
fn what_a_build_lacks_is_named_by_its_feature_and_exits_with_5() {
    for (feature, is_built, line) in LINES {
        let output = Command::new(env!("CARGO_BIN_EXE_nda")).args(line).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let names_feature = said.contains(&format!("with the feature '{feature}'"));
        // Every line here fails for a reason of its own where the feature is there.
        assert!(!output.status.success(), "{line:?}");
        assert_eq!(output.status.code() == Some(5), !is_built, "{line:?}: {said}");
        assert_eq!(names_feature, !is_built, "{line:?}: {said}");
    }
}

#[test]
fn bytes_and_byte_pairs_need_no_tokenizer_library() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");
    let line = ["run", model, "--prompt", "She was ", "--max-tokens", "4", "--backend", "cpu"];
    let output = Command::new(env!("CARGO_BIN_EXE_nda")).args(line).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
