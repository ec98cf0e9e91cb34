//! Builds with some of the features: what was left out says so, and nothing else does.
//!
//! `cargo test -p nda-cli --no-default-features --features verilator --test absent` tries the smallest build; CI runs both.

use std::process::Command;

/// The committed model.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

/// A command line of each feature, and whether this build has the feature.
const LINES: [(&str, bool, &[&str]); 9] = [
    ("bench", cfg!(feature = "bench"), &["bench", "--seconds", "-1"]),
    ("chat", cfg!(feature = "chat"), &["chat", "missing.ndf"]),
    // A UART so slow that it is simulated in no build.
    ("configurations", cfg!(feature = "configurations"), &["run", TINY, "--prompt", "a", "--backend", "sim-uart:deep256"]),
    ("convert", cfg!(feature = "convert"), &["convert", "missing.gguf", "missing.ndf", "--weights", "k2"]),
    ("emit", cfg!(feature = "emit"), &["emit", "--out", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml/folder")]),
    ("lsp", cfg!(feature = "lsp"), &["lsp", "--nothing"]),
    ("native", cfg!(feature = "native"), &["exec", "missing.nda", "--tier", "native"]),
    ("serve", cfg!(feature = "serve"), &["serve", "missing.ndf", "--port", "0"]),
    ("shell", cfg!(feature = "shell"), &["man", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml/folder")]),
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
    let line = ["run", TINY, "--prompt", "She was ", "--max-tokens", "4", "--backend", "cpu"];
    let output = Command::new(env!("CARGO_BIN_EXE_nda")).args(line).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn devices_lists_the_boards_that_this_build_simulates() {
    let output = Command::new(env!("CARGO_BIN_EXE_nda")).args(["devices", "--json"]).output().unwrap();
    let devices: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let doors = |name: &str| {
        let all = devices["configurations"].as_array().unwrap();
        all.iter().find(|config| config["name"] == name).unwrap()["simulated"].to_string()
    };
    let if_built = |is_built: bool, doors: &str| if is_built { doors.to_owned() } else { "[]".to_owned() };
    assert_eq!(doors("token1024"), if_built(cfg!(feature = "verilator"), r#"["sim:token1024"]"#));
    assert_eq!(doors("wide256"), if_built(cfg!(feature = "configurations"), r#"["sim:wide256","sim-uart:wide256"]"#));
    assert_eq!(doors("deep256"), if_built(cfg!(feature = "configurations"), r#"["sim:deep256"]"#));
}
