//! Headline figures that the command gives, found again: docs/figures.json has them, and the evidence is compared with it.
//! BLESS=1 writes it anew.

#![cfg(feature = "configurations")]

use serde_json::{Map, Value};
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Texts that the token's cost is the average of, their bytes, and the tokens behind them.
const TEXTS: usize = 8;
const PROMPT: usize = 64;
const TOKENS: usize = 256;

fn json(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_nda")).current_dir(ROOT).args(arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A whole number as people write it: 34,439.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

/// Pieces of the validation text, evenly over it.
fn texts() -> Vec<Vec<u8>> {
    let all = std::fs::read(Path::new(ROOT).join("models/val.txt")).unwrap();
    // A prompt has no line breaks.
    let piece = |k: usize| all[k * all.len() / TEXTS..].iter().copied().filter(|byte| *byte != b'\n').take(PROMPT).collect();
    (0..TEXTS).map(piece).collect()
}

/// What a token costs on a simulated board that makes it whole: cycles of it and of the prompt's, bytes from the board and to it.
/// Every token is the one that the CPU has.
fn whole_tokens(board: &str) -> [f64; 4] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompt");
    let mut sums = [0.0; 4];
    for text in texts() {
        std::fs::write(&file, text).unwrap();
        let tokens = (TOKENS + 1).to_string();
        let text = ["run", "models/tiny.ndf", "--prompt-file", file.to_str().unwrap(), "--max-tokens", &tokens];
        let found = json(&[&text[..], &["--backend", board]].concat());
        let on_cpu = json(&[&text[..], &["--offload", "token"]].concat());
        assert!(found["tokens"] == on_cpu["tokens"] && found["tokens"].as_array().is_some_and(|all| all.len() > TOKENS), "{found}");
        assert_eq!(found["decode"]["measured_tokens"], TOKENS, "{found}");
        let fields = [
            ("decode", "cycles_per_token"),
            ("prefill", "cycles_per_token"),
            ("decode", "bytes_in_per_token"),
            ("decode", "bytes_out_per_token"),
        ];
        for (sum, (part, field)) in sums.iter_mut().zip(fields) {
            *sum += found[part][field].as_f64().unwrap() / TEXTS as f64;
        }
    }
    sums
}

#[test]
fn the_figures_of_the_evidence_are_those_of_the_command() {
    let [cycles, prompt_cycles, bytes_in, bytes_out] = whole_tokens("sim");
    // The image of the ULX3S 85F.
    let [board_cycles, ..] = whole_tokens("sim:token512");
    let demo = json(&["demo", "models/tiny.ndf", "--max-tokens", "16", "--offload", "gemv"]);
    let board = &demo["backends"][1]["decode"];
    let of = |field: &str| board[field].as_f64().unwrap_or_else(|| panic!("{demo}"));
    let eval =
        |more: &[&str]| json(&[&["eval", "models/tiny.ndf", "--text", "models/val.txt"], more].concat())["bits_per_byte"].as_f64().unwrap();
    let (integers, floats) = (eval(&["--offload", "token"]), eval(&[]));
    let found: Map<String, Value> = [
        ("token-cycles", thousands(cycles)),
        ("prompt-cycles", thousands(prompt_cycles)),
        ("board-cycles", thousands(board_cycles)),
        ("token-bytes-in", format!("{bytes_in:.2}")),
        ("token-bytes-out", format!("{bytes_out:.2}")),
        ("product-cycles", thousands(of("cycles_per_token"))),
        ("product-bytes", thousands(of("bytes_in_per_token") + of("bytes_out_per_token"))),
        ("bits-per-byte", format!("{integers:.4}")),
        ("price-of-integers", format!("{:.4}", integers - floats)),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.into()))
    .collect();
    let path = Path::new(ROOT).join("docs/figures.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let recorded: Map<String, Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(found, recorded, "after a change that means to change them: BLESS=1, then docs/evidence.toml and 'make pictures'");
}
