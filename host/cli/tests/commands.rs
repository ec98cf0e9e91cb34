//! The command as a person runs it: outputs, files, exit codes.

#[path = "commands/boards.rs"]
mod boards;
#[path = "commands/documents.rs"]
mod documents;
#[path = "commands/source.rs"]
mod source;

use serde_json::Value;
use source::{CONTEXT, model};
use std::fs;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The committed model.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a command that must succeed.
fn good(arguments: &[&str]) -> String {
    let output = nda(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&good(arguments)).unwrap()
}

/// Standard error of a command that must fail with this code and in three lines.
fn bad(code: i32, arguments: &[&str]) -> String {
    let output = nda(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let lines: Vec<&str> = said.lines().filter(|l| !l.starts_with("note:")).collect();
    assert_eq!(lines.len(), 3, "{arguments:?}: {said}");
    assert!(lines[0].starts_with("error: ") && lines[1].starts_with("  at: ") && lines[2].starts_with("  help: "), "{said}");
    assert!(lines.iter().all(|l| l.split_once(": ").is_some_and(|(_, rest)| !rest.is_empty())), "{said}");
    said
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
}

#[test]
fn a_converted_model_speaks_the_same_on_every_back_end() {
    let (_folder, model) = model();
    let say = |backend: &str| json(&["run", &model, "--prompt", "ab", "--max-tokens", "30", "--backend", backend, "--json"]);
    let cpu = say("cpu:portable");
    assert_eq!(cpu["tokens"].as_array().unwrap().len(), 30);
    assert!(cpu["slides"].as_u64().unwrap() > 0, "30 tokens do not fit a context of {CONTEXT}");
    assert_eq!(cpu["decode"]["cycles_per_token"], Value::Null);
    for backend in ["cpu", "loopback", "loopback:small64", "loopback-uart", "loopback:nano16"] {
        let other = say(backend);
        assert_eq!(other["tokens"], cpu["tokens"], "{backend}");
        if backend.starts_with("loopback") {
            assert!(other["decode"]["cycles_per_token"].as_f64().unwrap() > 0.0);
        }
    }
    let sample = |seed: &str| {
        good(&["run", &model, "--prompt", "ab", "--max-tokens", "12", "--temperature", "1.2", "--top-k", "40", "--seed", seed])
    };
    assert_eq!(sample("3"), sample("3"));
    assert_ne!(sample("3"), sample("4"));
}

#[test]
fn a_demonstration_ends_with_its_table_and_every_token_equal() {
    let (_folder, model) = model();
    let said = good(&["demo", &model, "--max-tokens", "9", "--backends", "cpu,loopback,loopback-uart"]);
    let rows: Vec<&str> = said.lines().filter(|l| l.ends_with("9 of 9 tokens equal to cpu")).collect();
    assert_eq!(rows.len(), 3, "{said}");
    assert!(said.starts_with("She was not ") && said.contains("cycles per token"), "{said}");
}

#[test]
fn a_plan_predicts_the_cycles_beats_and_jobs_of_a_token() {
    let (_folder, model) = model();
    let plan = json(&["plan", &model, "--port", "parallel", "--json"]);
    assert_eq!(plan["layers"].as_array().unwrap().len(), 9);
    let token = &plan["token"];
    assert_eq!(token["layers_on_cpu"], 0);
    let run = json(&["run", &model, "--prompt", "a", "--max-tokens", "10", "--backend", "loopback", "--json"]);
    for (planned, counted) in [("run_cycles", "run_cycles_per_token"), ("jobs", "jobs_per_token")] {
        assert_eq!(token[planned].as_f64(), run["decode"][counted].as_f64(), "{planned}");
    }
    let small = json(&["plan", &model, "--config", "nano16", "--json"]);
    let refused = small["layers"].as_array().unwrap().iter().filter(|l| l["resident"] == false).count();
    assert_eq!(small["token"]["layers_on_cpu"].as_u64().unwrap(), refused as u64);
    assert!(refused > 0 && good(&["plan", &model, "--config", "nano16"]).contains("tile words"));
}

#[test]
fn bits_per_byte_are_equal_on_two_back_ends() {
    let (folder, model) = model();
    let file = path(&folder, "text.txt");
    fs::write(&file, "All happy families are alike; each unhappy family is unhappy in its own way.").unwrap();
    let measure = |backend: &str| json(&["eval", &model, "--text", &file, "--max-bytes", "50", "--backend", backend, "--json"]);
    let cpu = measure("cpu");
    assert_eq!(cpu["predicted_bytes"], 49);
    assert!(cpu["bits_per_byte"].as_f64().unwrap() > 1.0);
    assert_eq!(cpu["bits_per_byte"], measure("loopback")["bits_per_byte"]);
    bad(2, &["eval", &model, "--text", &file, "--max-bytes", "1"]);
}

#[test]
fn the_kernels_of_this_machine_are_named_with_their_reason() {
    let info = json(&["info", "--cpu", "--json"]);
    let variants = info["variants"].as_array().unwrap();
    let chosen: Vec<&Value> = variants.iter().filter(|v| v["chosen"] == true).collect();
    assert_eq!(chosen.len(), 1, "{info}");
    assert!(chosen[0]["needs"].as_object().unwrap().values().all(|found| *found == true), "{info}");
    let said = good(&["info", "--cpu"]);
    assert!(said.contains("runs: the best") && variants.iter().all(|v| said.contains(v["name"].as_str().unwrap())), "{said}");
    bad(2, &["info"]);
    bad(2, &["info", "--cpu", "file"]);
}

#[test]
fn a_benchmark_records_what_it_measured_and_on_what() {
    let folder = tempfile::tempdir().unwrap();
    let (record, peers) = (path(&folder, "record"), path(&folder, "peers.json"));
    fs::write(&peers, r#"{"peers": [{"name": "somebody's <kernel>", "level": "L3", "threads": 1, "gmac_per_s": 12.5}]}"#).unwrap();
    let all = ["bench", "--quick", "--threads", "1", "--seconds", "0.001", "--only", "portable", "--peers", &peers, "--record", &record];
    let said = good(&all);
    assert!(said.contains("portable quaternary A8") && said.contains("somebody's <kernel>") && said.contains("read roofs"), "{said}");
    let kernels: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("record/kernels.json")).unwrap()).unwrap();
    assert_eq!((&kernels["evidence"], &kernels["seed"]), (&Value::from("measured"), &Value::from(1)));
    assert!(kernels["machine"]["cpu"].is_string() && kernels["machine"]["commit"].is_string(), "{kernels}");
    assert!(kernels["kernels"].as_array().unwrap().iter().all(|k| k["gmac_per_s"].as_f64().unwrap() > 0.0), "{kernels}");
    for plot in ["rates.svg", "shares.svg"] {
        let svg = fs::read_to_string(folder.path().join("record").join(plot)).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("portable") && !svg.contains("<kernel>"), "{svg}");
    }
    bad(2, &["bench", "--seconds", "0"]);
    bad(2, &["bench", "--only", "no such kernel"]);
    bad(3, &["bench", "--peers", &path(&folder, "none.json")]);
    fs::write(&peers, r#"{"peers": [{"name": "x"}]}"#).unwrap();
    assert!(bad(3, &["bench", "--peers", &peers]).contains("peer 0 has no 'level'"));
}

#[test]
fn every_back_end_that_is_here_verifies() {
    let devices = json(&["devices", "--json"]);
    let kernels: Vec<String> = devices["cpu"].as_array().unwrap().iter().map(|c| c["backend"].as_str().unwrap().to_string()).collect();
    assert!(kernels.contains(&"cpu:portable".to_string()));
    let boards = ["cpu", "loopback", "loopback-uart:small64", "loopback:nano16"].map(String::from);
    for backend in kernels.into_iter().chain(boards) {
        let found = json(&["verify", "--backend", &backend, "--seed", "5", "--shapes", "3", "--json"]);
        assert_eq!(found["mismatches"].as_array().unwrap().len(), 0, "{backend}");
        assert!(found["products"].as_u64().unwrap() > 100 && found["refused"].as_array().unwrap().is_empty(), "{found}");
    }
}

#[test]
fn every_failure_has_its_exit_code_and_three_lines() {
    let (folder, model) = model();
    let prompt = ["--prompt", "a"];
    let run = |more: &[&str]| [&["run", &model][..], &prompt, more].concat().into_iter().map(String::from).collect::<Vec<_>>();
    for more in [
        &["--backend", "npu"][..],
        &["--backend", "sim:huge"],
        &["--temperature", "-1"],
        &["--top-p", "2"],
        &["--nonsense"],
        &["--max-tokens", "x"],
    ] {
        let arguments = run(more);
        bad(2, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
    bad(2, &["run", &model, "--prompt", ""]);
    bad(2, &["run", &model, "--prompt", "longer than the context of twenty"]);
    bad(2, &["fly"]);
    bad(2, &[]);
    bad(3, &["run", &path(&folder, "nowhere.ndf"), "--prompt", "a"]);
    bad(3, &["run", &path(&folder, "model.safetensors"), "--prompt", "a"]);
    bad(3, &["info", env!("CARGO_BIN_EXE_nda")]);
    bad(3, &["convert", env!("CARGO_BIN_EXE_nda"), &path(&folder, "out.ndf")]);
    bad(4, &["run", &model, "--prompt", "a", "--backend", "serial:/nowhere/tty"]);
    assert!(good(&["--help"]).contains("Exit codes"));
    assert!(good(&["--version"]).starts_with("nda "));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (_folder, model) = model();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nda"))
        .args(["run", &model, "--prompt", "a", "--max-tokens", "3000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[cfg(feature = "emit")]
#[test]
fn emitted_verilog_is_the_same_every_time_and_holds_the_top_module() {
    let folder = tempfile::tempdir().unwrap();
    let emit = |name: &str| {
        let out = path(&folder, name);
        good(&["emit", "--config", "nano16", "--out", &out]);
        ["parallel", "uart"].map(|port| fs::read_to_string(format!("{out}/board_nano16_{port}.v")).unwrap())
    };
    let first = emit("a");
    assert_eq!(first, emit("b"));
    assert!(first.iter().all(|verilog| verilog.contains("module board")));
    bad(2, &["emit", "--config", "huge", "--out", &path(&folder, "c")]);
}
