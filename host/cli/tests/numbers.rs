//! Numbers of users: whatever is given, the answer is a result or an error of ours in three lines.

use std::fs;
use std::process::{Command, Output, Stdio};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn fails(code: i32, arguments: &[&str]) -> String {
    let output = nda(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    let begins = [(0, "  help: "), (1, "  at: "), (2, "error: ")];
    assert!(begins.iter().all(|(line, with)| last.get(*line).is_some_and(|l| l.starts_with(with))), "{arguments:?}: {said}");
    said
}

#[test]
fn negative_and_odd_numbers_reach_our_own_messages() {
    let run = ["run", TINY, "--prompt", "a"];
    for (option, value, said) in [
        ("--temperature", "-1", "the temperature must be 0 or more, got -1"),
        ("--temperature", "-inf", "the temperature must be 0 or more, got -inf"),
        ("--temperature", "NaN", "the temperature must be 0 or more, got NaN"),
        ("--temperature", "-x", "--temperature must be a number, got '-x'"),
        ("--temperature", "--json", "--temperature must be a number, got '--json'"),
        ("--top-p", "-0.5", "top-p must be more than 0 and at most 1, got -0.5"),
        ("--top-k", "-3", "--top-k must be a whole number from 0 to 18446744073709551615, got '-3'"),
        ("--top-k", "1.5", "--top-k must be a whole number from 0"),
        ("--max-tokens", "-1", "--max-tokens must be a whole number from 0"),
        ("--max-tokens", "1e3", "--max-tokens must be a whole number from 0"),
        ("--max-tokens", "99999999999999999999", "--max-tokens must be a whole number from 0"),
        ("--seed", "-1", "--seed must be a whole number from 0"),
    ] {
        let found = fails(2, &[&run[..], &[option, value]].concat());
        assert!(found.contains(said) && found.contains(option), "{option} {value}: {found}");
    }
    for arguments in [
        &["serve", TINY, "--port", "-1"][..],
        &["serve", TINY, "--port", "65536"],
        &["serve", TINY, "--queue", "-1"],
        &["serve", TINY, "--timeout", "-5"],
        &["demo", TINY, "--temperature", "-1"],
        &["demo", TINY, "--max-tokens", "-1"],
        &["eval", TINY, "--text", TINY, "--window", "-1"],
        &["eval", TINY, "--text", TINY, "--max-bytes", "-1"],
        &["verify", "--shapes", "-1"],
        &["verify", "--shapes", "1001"],
        &["verify", "--shapes", "18446744073709551615"],
        &["gemv", "--weights", TINY, "--input", TINY, "--output", TINY, "--stack", "-1"],
        &["bench", "--seconds", "-1"],
        &["bench", "--threads", "-1"],
        &["convert", TINY, "/nowhere/x", "--calibration-tokens", "-1"],
        &["exec", TINY, "--max-steps", "-1"],
        &["exec", TINY, "--max-depth", "-1"],
        &["exec", TINY, "--max-depth", "65537"],
        &["exec", TINY, "--max-memory", "-1"],
    ] {
        let found = fails(2, arguments);
        let option = arguments[arguments.len() - 2];
        assert!(found.contains(option) && !found.contains("unexpected argument"), "{arguments:?}: {found}");
    }
    for given in ["65537", "0", "x"] {
        let said = fails(2, &["exec", TINY, "--max-depth", given]);
        assert!(said.contains("--max-depth must be a whole number from 1 to 65536"), "{given}: {said}");
    }
    assert!(fails(2, &["exec", TINY, "--max-depth", "65537"]).contains("a whole number from 1 to 65536"));
}

#[test]
fn a_prompt_may_begin_with_a_hyphen() {
    let output = nda(&["run", TINY, "--prompt", "- a list", "--max-tokens", "1"]);
    assert!(output.status.success() && output.stdout.starts_with(b"- a list"), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn arguments_of_a_program_may_be_any_numbers_and_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.nda");
    fs::write(&path, "fn main(n: int, x: float) -> float {\n    return float(n) + x;\n}\n").unwrap();
    let file = path.to_str().unwrap();
    let output = nda(&["exec", file, "-9223372036854775808", "-1.5e3"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "-9.223372036854778e18");
    assert!(fails(2, &["exec", file, "9223372036854775808", "1"]).contains("'9223372036854775808' is not an int"));
    assert!(fails(2, &["exec", file, "1.5", "1"]).contains("'1.5' is not an int"));
}

#[test]
fn memory_that_the_machine_does_not_have_is_an_error_and_no_abort() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.nda");
    fs::write(&path, "fn main(n: int) -> int {\n    return len(zeros(n));\n}\n").unwrap();
    let file = path.to_str().unwrap();
    for bytes in ["18446744073709551615", "9223372036854775807", "1000000000000000"] {
        let said = fails(2, &["exec", file, "5", "--max-memory", bytes]);
        assert!(said.contains("this machine has") && said.contains("--max-memory"), "{said}");
    }
    for tier in ["interpreter", "closure", "native"] {
        let said = fails(1, &["exec", file, "1000000000000", "--max-memory", "1000000", "--tier", tier]);
        assert!(said.contains("4000000000000 more bytes would exceed the 1000000"), "{said}");
    }
}
