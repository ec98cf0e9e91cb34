//! What 'nda info' says of models, and what 'nda convert' says of those that it does not take.
#![cfg(feature = "convert")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A small model that a public writer has written.
fn public(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "convert", "tests", "models", name].iter().collect();
    path.to_str().unwrap().to_owned()
}

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

#[test]
fn info_says_what_a_model_is_and_what_a_board_could_hold() {
    let tiny = nda(&["info", TINY]);
    let text = said(&tiny);
    assert!(tiny.status.success() && text.contains("model: llama, 5 blocks, context 256, 256 tokens\n"), "{text}");
    assert!(
        text.contains("weights: ") && text.contains(" 1 stack") && text.contains(" bits per weight") && text.contains("on a board: "),
        "{text}"
    );
    let json: Value = serde_json::from_slice(&nda(&["info", TINY, "--json"]).stdout).unwrap();
    let model = &json["model"];
    assert_eq!((&model["architecture"], &model["context"]), (&"llama".into(), &"256".into()));
    assert!(model["board_weights"].as_u64().unwrap() > 1_000_000 && model["boards"].as_array().unwrap().len() > 5, "{model}");
    // Models of others, before they are converted.
    let text = said(&nda(&["info", &public("qwen3.gguf")]));
    assert!(text.contains("model: qwen3, 1 block, context 256, 135 tokens\n") && text.contains("M Q8_0"), "{text}");
    assert!(text.contains("on a board: nothing, all weights are floats"), "{text}");
    let json: Value = serde_json::from_slice(&nda(&["info", &public("qwen2.gguf"), "--json"]).stdout).unwrap();
    assert_eq!((&json["model"]["architecture"], &json["model"]["board_weights"]), (&"qwen2".into(), &0.into()));
}

#[test]
fn what_convert_does_not_take_it_names_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let output = place("out.ndf");
    fs::copy(public("parts-00001-of-00003.gguf"), place("parts-00001-of-00003.gguf")).unwrap();
    for (code, arguments, wanted) in [
        (
            3,
            vec![place("parts-00001-of-00003.gguf")],
            vec!["part 2 of 3 is missing", "parts-00002-of-00003.gguf", "put all parts into one folder"],
        ),
        (2, vec![public("llama.gguf"), "--pre".into(), "nope".into()], vec!["'--pre nope' does not name a known rule", "--pre NAME"]),
        (2, vec![TINY.into(), "--pre".into(), "qwen2".into()], vec!["only a GGUF file", "leave --pre out"]),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (input, rest) = arguments.split_first().unwrap();
        let found = nda(&[&["convert", input, &output], rest].concat());
        let text = said(&found);
        assert_eq!(found.status.code(), Some(code), "{text}");
        wanted.iter().for_each(|wanted| assert!(text.contains(wanted), "{wanted}: {text}"));
        assert!(!Path::new(&output).exists());
    }
}

#[test]
fn what_people_take_for_a_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let weights = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
    for (name, bytes, error, help) in [
        ("empty.gguf", &b""[..], "the file is empty", "give the whole file"),
        ("pointer.gguf", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS", "'git lfs pull'"),
        ("old.bin", b"tjgg\x03\0\0\0................", "a GGML file from before GGUF", "give a GGUF file"),
        ("consolidated.pth", b"PK\x03\x04................", "a ZIP archive, as PyTorch writes weights", "pickled weights are not read"),
        ("config.json", b"{\n  \"model_type\": \"llama\"\n}", "this is JSON", "give the folder that it is in"),
        ("page.gguf", b"<!DOCTYPE html><html>404", "this is a web page", "fetch the file itself"),
        ("other.bin", b"................", "this kind of file cannot be converted", "give a GGUF file"),
        ("model.safetensors", &weights, "the weights of a model alone", "give the folder that it is in"),
    ] {
        fs::write(place(name), bytes).unwrap();
        for more in [&[][..], &["--weights", "f32"]] {
            if name == "model.safetensors" && !more.is_empty() {
                continue;
            }
            let text = said(&nda(&[&["convert", &place(name), &place("out.ndf")], more].concat()));
            assert!(text.contains(error) && text.contains(help), "{name} {more:?}: {text}");
        }
        let text = said(&nda(&["info", &place(name)]));
        assert!(!text.contains("check the path") && text.contains("help: "), "{name}: {text}");
    }
    // The folder of a GGUF file.
    fs::create_dir(place("folder")).unwrap();
    fs::copy(public("llama.gguf"), place("folder/model.gguf")).unwrap();
    for command in [vec!["convert", &place("folder"), &place("out.ndf")], vec!["info", &place("folder")]] {
        let text = said(&nda(&command));
        assert!(text.contains("has no config.json, but it has model.gguf") && text.contains("give the GGUF file itself"), "{text}");
    }
    assert!(!Path::new(&place("out.ndf")).exists());
}

#[test]
fn a_prompt_may_ask_for_its_control_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("llama.ndf").to_str().unwrap().to_owned();
    let converted = nda(&["convert", &public("llama.gguf"), &document, "--weights", "f32"]);
    assert!(converted.status.success(), "{}", said(&converted));
    let drawn = |prompt: &str, rest: &[&str]| {
        let output = nda(&[&["run", &document, "--json", "--max-tokens", "6", "--prompt", prompt][..], rest].concat());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        json["tokens"].clone()
    };
    let (text, tokens) = (drawn("<|im_start|>She was ", &[]), drawn("<|im_start|>She was ", &["--control-tokens"]));
    assert!(text != tokens, "{text}");
    assert_eq!(tokens, drawn("<|im_start|>She was ", &["--raw"]));
    assert_eq!(drawn("She was ", &[]), drawn("She was ", &["--control-tokens"]));
}
