//! Architectures and types of weights together (tests/models/make_cases.py), the smallest public Llama's shape, and folders whose
//! configurations transformers has written, against what llama.cpp says of the same numbers.

use crate::peers::{agrees, document, expected, folder_with, models, numbers, run};
use nda_convert::{Folder, Gguf, Options, Source, convert};
use nda_engine::{Model, Session};
use nda_kernels::CpuGemv;
use nda_ndf::MappedDocument;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

fn cases() -> Value {
    serde_json::from_str(include_str!("../models/cases.json")).unwrap()
}

fn source(case: &Value) -> Gguf {
    let path = models().join("cases").join(format!("{}.gguf", case["file"].as_str().unwrap()));
    Gguf::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_architecture_in_its_types_has_llama_cpps_tokens_and_logits() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = BTreeSet::new();
    for (name, case) in cases().as_object().unwrap() {
        let mut source = source(case);
        let mapped = document(&mut source, &folder.path().join("case.ndf"));
        agrees(name, &mapped, case);
        let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
        let mut prompt = numbers(&case["prompt"]);
        // A begin token stands in front, where the vocabulary asks for one.
        prompt.retain(|token| *token != 1 || case["file"] != "stories260k");
        assert_eq!(weights.tokenizer().encode(case["text"].as_str().unwrap().as_bytes()).unwrap(), prompt, "{name}");
        let Some(of_type) = case["type"].as_str() else { continue };
        let stored = source.description().tensors.iter().find(|info| info.name == "blk.0.q").unwrap().stored_as.clone();
        assert!(stored.starts_with(of_type), "{name} is kept as {stored}");
        rows.insert((case["architecture"].as_str().unwrap().to_owned(), of_type.to_owned()));
    }
    let rows: Vec<(&str, &str)> = rows.iter().map(|(architecture, of_type)| (architecture.as_str(), of_type.as_str())).collect();
    let wanted = [
        ("bitnet", "TQ1_0"),
        ("bitnet", "TQ2_0"),
        ("bitnet-b1.58", "I2_S"),
        ("gemma3", "MXFP4"),
        ("gemma3", "Q2_0"),
        ("llama", "I2_S"),
        ("llama", "IQ4_XS"),
        ("llama", "Q1_0"),
        ("qwen2", "IQ4_NL"),
        ("qwen2", "Q1_0"),
        ("qwen3", "Q1_0"),
        ("qwen3", "Q2_0"),
        ("qwen3", "Q4_K"),
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn folders_that_transformers_has_configured_have_llama_cpps_tokens_and_logits() {
    let root = tempfile::tempdir().unwrap();
    let mut names: Vec<String> =
        fs::read_dir(models().join("configs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        let case = &expected()[name.split('.').next().unwrap()];
        let config = fs::read_to_string(models().join("configs").join(&name)).unwrap();
        let folder = folder_with(case["file"].as_str().unwrap(), root.path(), &config);
        let mapped =
            document(&mut Folder::open(&folder).unwrap_or_else(|error| panic!("{name}: {error}")), &root.path().join("folder.ndf"));
        agrees(&name, &mapped, case);
    }
}

#[test]
fn a_falcon3_of_1_58_bits_has_the_tokens_and_the_perplexity_of_plain_loops() {
    // A Llama's folder with packed ternary weights whose scales divide. expected.json: BitLinear of transformers, written out in floats
    // of 64 bits with activations in 8 bits a token.
    let path = models().join("falcon3");
    let expected: Value = serde_json::from_slice(&fs::read(path.join("expected.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("falcon3.ndf");
    convert(&mut Folder::open(&path).unwrap(), &output, &Options::default(), |_| ()).unwrap();
    let mapped = MappedDocument::open(&output).unwrap();
    let (_, found) = run(&mapped, &numbers(&expected["prompt tokens"]), 12);
    assert_eq!(found, numbers(&expected["greedy tokens"]));
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let tokens = model.tokenizer().encode(&fs::read(path.join("text.txt")).unwrap()).unwrap();
    let found = nda_engine::evaluate(&mut Session::new(&model, &mut gemv), &tokens, 256, |_, _| ()).unwrap().perplexity();
    // Of the same loops over the text without a begin token.
    assert!((found / 714.409 - 1.0).abs() < 1e-4, "{found}");
}

#[test]
fn a_mistrals_folder_without_a_window_has_the_tokens_of_plain_loops() {
    // expected.json: loops in floats of 64 bits. More query heads than key heads, a head that is not the embedding, weights of 16 bits.
    let models = models();
    let expected: Value = serde_json::from_slice(&fs::read(models.join("mistral/expected.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in ["mistral/config.json", "mistral/model.safetensors", "falcon3/tokenizer.json"] {
        fs::copy(models.join(file), folder.path().join(file.split('/').next_back().unwrap())).unwrap();
    }
    let mapped = document(&mut Folder::open(folder.path()).unwrap(), &folder.path().join("mistral.ndf"));
    let prompt = numbers(&expected["prompt tokens"]);
    assert_eq!(run(&mapped, &prompt, 8).1, numbers(&expected["greedy tokens"]));
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    assert_eq!(weights.tokenizer().encode(expected["prompt"].as_str().unwrap().as_bytes()).unwrap(), prompt);
}
