//! The window under a display without a screen: how soon, how small, how quiet. And what the program is linked of.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What the studio must not be made of.
const FOREIGN: [&str; 12] = [
    "nda-engine",
    "nda-backends",
    "nda-sim",
    "nda-cores",
    "nda-convert",
    "nda-chat",
    "nda-device",
    "nda-gpu",
    "cranelift-codegen",
    "cranelift-jit",
    "verilated",
    "tokio",
];

#[test]
fn the_studio_links_neither_engine_nor_compiler_nor_simulator() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "-p",
            "nda-studio",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--target",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: std::collections::BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("nda-studio") && crates.contains("winit"), "the tree was read: {tree}");
    let found: Vec<_> = FOREIGN.iter().filter(|name| crates.contains(**name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn without_a_display_the_program_says_so_and_names_the_terminal() {
    for (display, why) in [("", "DISPLAY is not set"), (":7777", "no window can be opened: Failed to open connection to X server")] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_nda-studio")).env("DISPLAY", display).env("WAYLAND_DISPLAY", "wayland-0").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        for words in ["no window can be opened", why, "use --terminal"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}

#[test]
fn the_program_as_it_is_handed_out_is_at_most_six_megabytes() {
    let program = root().join("target/dist/nda-studio");
    let Ok(metadata) = program.metadata() else {
        return nda_tests::not_here("the program's size", "'make dist' makes the program that is handed out");
    };
    assert!(metadata.len() <= 6_000_000, "{} bytes", metadata.len());
}

/// Whether nobody else uses this machine: wall times say something then.
fn is_idle() -> bool {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(99.0);
    load < 1.0
}

fn probed(arguments: &[&str]) -> Option<Value> {
    let python = root().join(".tools/studio/bin/python");
    if !python.exists() || Command::new("Xvfb").arg("-help").output().is_err() {
        let _ = Command::new(root().join("tools.sh")).arg("studio").output();
    }
    if !python.exists() {
        nda_tests::skip("the window's figures", "'./tools.sh studio' installs Xvfb and a probe");
        return None;
    }
    let output = Command::new(python)
        .arg(root().join("host/studio/tests/probe.py"))
        .arg(env!("CARGO_BIN_EXE_nda-studio"))
        .arg("--project")
        .arg(root())
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    eprintln!("{value}");
    Some(value)
}

fn holds(value: &Value) {
    let number = |path: &str| value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {value}"));
    assert!(number("/first_text/cpu_ms_median") <= 60.0, "processor until the first text: {value}");
    assert!(number("/idle/rss_mb") <= 30.0, "memory at rest: {value}");
    assert!(number("/idle/cpu_ms") == 0.0, "processor at rest: {value}");
    assert!(number("/growth/rss_mb") <= 2.0, "growth: {value}");
    if !is_idle() {
        return nda_tests::not_here("the window's wall times", "other work runs on this machine");
    }
    assert!(number("/first_text/wall_ms_median") <= 200.0, "exec to first text: {value}");
    for line in ["1", "10000", "20000"] {
        assert!(number(&format!("/key_to_pixel/{line}/ms_p99")) <= 16.0, "key to pixel: {value}");
    }
}

#[test]
fn the_window_is_there_soon_small_and_quiet() {
    if let Some(value) = probed(&[]) {
        holds(&value);
    }
}

#[test]
#[ignore = "an hour: part of 'make soak'"]
fn the_window_stays_so_for_an_hour() {
    let report = root().join("target/studio");
    let arguments = ["--starts", "20", "--idle-seconds", "10", "--keys", "1000", "--edits", "10000", "--minutes", "60", "--report"];
    if let Some(value) = probed(&[&arguments[..], &[report.to_str().unwrap()]].concat()) {
        holds(&value);
    }
}
