//! Whole tokens in integers: `--offload token`.

use serde_json::Value;
use std::process::{Command, Output};

/// The committed model.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");
const VALIDATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/val.txt");

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = nda(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn run(more: &[&str]) -> Value {
    json(&[&["run", TINY, "--prompt", "She was ", "--offload", "token", "--json"], more].concat())
}

#[test]
fn the_same_seed_is_the_same_text_and_text_goes_on_behind_the_context() {
    let greedy = run(&["--max-tokens", "24"]);
    assert_eq!(greedy["tokens"].as_array().unwrap().len(), 24);
    assert!(greedy["backend"].as_str().unwrap().ends_with("whole tokens"), "{greedy}");
    // The model's context has 256 tokens.
    let long = run(&["--max-tokens", "600"]);
    assert_eq!((long["tokens"].as_array().unwrap().len(), &long["slides"]), (600, &Value::from(0)));
    assert_eq!(long["tokens"].as_array().unwrap()[..24], greedy["tokens"].as_array().unwrap()[..]);
    let drawn = |seed| run(&["--max-tokens", "64", "--temperature", "0.8", "--seed", seed])["tokens"].clone();
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
}

/// The whole token on a device, in software here: the CPU's text, in few bytes, and the default where a device can.
#[test]
fn a_device_with_a_token_machine_says_the_cpus_text_and_hardly_uses_its_link() {
    for sampling in [&["--temperature", "0"][..], &["--temperature", "0.8", "--seed", "3"]] {
        let common =
            [&["run", TINY, "--prompt", "She was not the first of them, and he said to her: ", "--max-tokens", "257", "--json"], sampling]
                .concat();
        let cpu = json(&[&common[..], &["--offload", "token"]].concat());
        let device = json(&[&common[..], &["--backend", "loopback:token1024"]].concat());
        assert_eq!((&cpu["tokens"], &cpu["text"]), (&device["tokens"], &device["text"]));
        assert!(device["backend"].as_str().unwrap().ends_with("whole tokens"), "{device}");
        let decode = |field: &str| device["decode"][field].as_f64().unwrap();
        let (bytes_in, bytes_out) = (decode("bytes_in_per_token"), decode("bytes_out_per_token"));
        assert!(bytes_in <= 1.3 && bytes_in + bytes_out <= 1.6, "{bytes_in} and {bytes_out} bytes per token");
        assert!((3_000.0..4_600.0).contains(&decode("cycles_per_token")), "{}", device["decode"]);
        assert_eq!(device["work"]["cpu"]["products"], 0, "{}", device["work"]);
        // The prompt's products are counted alike on both, and nothing is told of runs that nobody counts.
        assert_eq!(device["work"]["device"], cpu["work"]["cpu"], "{}", device["work"]);
        for field in ["run_cycles_per_token", "jobs_per_token", "array_utilisation", "array_utilisation_of_jobs"] {
            assert!(device["decode"][field].is_null(), "{field}: {}", device["decode"]);
        }
    }
}

/// The emitted Verilog makes every token itself: embedding, blocks, attention, choice.
#[cfg(feature = "configurations")]
#[test]
fn the_simulated_board_makes_the_cpus_tokens_in_the_stated_cycles() {
    for sampling in [&["--temperature", "0"][..], &["--temperature", "0.8", "--seed", "3"]] {
        // The ring of 102 positions is full and wraps.
        let common =
            [&["run", TINY, "--prompt", "He took the letter from the table and read it to ", "--max-tokens", "65", "--json"], sampling]
                .concat();
        let cpu = json(&[&common[..], &["--offload", "token"]].concat());
        let board = json(&[&common[..], &["--backend", "sim:token1024"]].concat());
        assert_eq!((&cpu["tokens"], &cpu["text"]), (&board["tokens"], &board["text"]));
        let cycles = board["decode"]["cycles_per_token"].as_f64().unwrap();
        assert!((3_000.0..4_000.0).contains(&cycles), "{cycles} cycles per token");
        assert_eq!(board["work"]["cpu"]["products"], 0, "{}", board["work"]);
    }
}

#[test]
fn a_text_is_evaluated_in_the_same_integers() {
    let common = ["eval", TINY, "--text", VALIDATION, "--max-bytes", "2049", "--window", "256", "--json"];
    let bits = |more: &[&str]| json(&[&common[..], more].concat())["bits_per_byte"].as_f64().unwrap();
    let (floats, levels) = (bits(&[]), bits(&["--offload", "token"]));
    assert!(floats != levels && (levels - floats).abs() < 0.06, "{floats} and {levels}");
}

#[test]
fn what_whole_tokens_cannot_do_is_refused_with_the_way_out() {
    let cases: [(&[&str], &str); 4] = [
        (&["--context", "64"], "leave --context out"),
        (&["--top-k", "5", "--temperature", "1"], "--offload gemv"),
        (&["--top-p", "0.5", "--temperature", "1"], "--offload gemv"),
        (&["--backend", "loopback:wide256"], "--backend cpu"),
    ];
    for (more, way) in cases {
        let output = nda(&[&["run", TINY, "--prompt", "a", "--offload", "token"], more].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("error: ") && said.contains(way), "{more:?}: {said}");
    }
}

/// What the studio's boards show while a model speaks: behind each token what was counted so far.
#[test]
fn counters_are_told_behind_each_token_and_change_no_text() {
    let more = ["run", TINY, "--prompt", "The ", "--max-tokens", "6", "--backend", "loopback:token1024"];
    for offload in ["gemv", "token"] {
        let plain = nda(&[&more[..], &["--offload", offload]].concat());
        let counted = nda(&[&more[..], &["--offload", offload, "--counters"]].concat());
        assert_eq!(plain.stdout, counted.stdout, "{offload}");
        let said = String::from_utf8(counted.stderr).unwrap();
        let lines: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("counters: ")).collect();
        let number = |line: &str, place: usize| line.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok()).nth(place).unwrap();
        assert!(lines.len() > 3 && lines.windows(2).all(|two| number(two[0], 0) < number(two[1], 0)), "{said}");
        assert!(lines.windows(2).all(|two| number(two[0], 1) <= number(two[1], 1)) && number(lines[0], 1) > 0, "{said}");
    }
}
