//! One small model per type of weights (tests/models/make_types.py), against what llama.cpp says of the same numbers.

use crate::peers::{agrees, document, models, numbers};
use nda_convert::gguf::Kind;
use nda_convert::{Content, Gguf, Options, Shared, Source, convert};
use nda_ndf::{MappedDocument, VectorShape};
use nda_spec::{GroupCols, WeightCode};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;

fn expected() -> Value {
    serde_json::from_str(include_str!("../models/types.json")).unwrap()
}

fn source(name: &str) -> Gguf {
    Gguf::open(&models().join("types").join(name).with_extension("gguf")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_type_of_weights_has_llama_cpps_tokens_and_logits() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected();
    let cases = expected.as_object().unwrap();
    for (name, case) in cases {
        let mut source = source(name);
        let of_type = source.description().tensors.iter().find(|info| info.name == "blk.0.q").unwrap().stored_as.clone();
        assert!(of_type.starts_with(name.trim_end_matches("-128")), "{name} is kept as {of_type}");
        let mapped = document(&mut source, &folder.path().join("case.ndf"));
        assert_eq!(mapped.document().matrices().count() + mapped.document().grids().count(), 0, "{name}: codes are floats too");
        agrees(name, &mapped, case);
        let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
        let text = "she was seven years old in june, and it is not what they said.";
        assert_eq!(weights.tokenizer().encode(text.as_bytes()).unwrap(), numbers(&case["prompt"]), "{name}");
    }
    // Whole numbers apart, only I2_S is missing: no writer of others has it.
    let left = Kind::all().filter(|kind| ![Kind::F32, Kind::I2S, Kind::Q2_0Of128].contains(kind) && !cases.contains_key(kind.name()));
    assert_eq!(left.collect::<Vec<_>>(), [], "types without a model");
}

/// Every architecture but a Llama, whose types have a test of their own, in every type (tests/models/make_pairs.py).
#[test]
fn every_architecture_in_every_type_has_llama_cpps_tokens_and_logits() {
    let folder = tempfile::tempdir().unwrap();
    let expected: Value = serde_json::from_slice(&fs::read(models().join("pairs.json")).unwrap()).unwrap();
    let mut left: HashSet<(&str, Kind)> = HashSet::new();
    for architecture in ["bitnet", "gemma3", "qwen2", "qwen3"] {
        left.extend(Kind::all().filter(|kind| *kind != Kind::F32).map(|kind| (architecture, kind)));
    }
    for (name, case) in expected.as_object().unwrap() {
        let (architecture, of_type) = (case["architecture"].as_str().unwrap(), case["type"].as_str().unwrap());
        let path = models().join("pairs").join(format!("{name}.gguf"));
        let mut source = Gguf::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(source.description().architecture.name(), architecture, "{name}");
        let stored = source.description().tensors.iter().find(|info| info.name == "blk.0.q").unwrap().stored_as.clone();
        let kind = Kind::all().find(|kind| kind.name() == stored).unwrap();
        let blocks = if of_type.ends_with("-128") { kind == Kind::Q2_0Of128 } else { kind.name() == of_type };
        assert!(blocks && left.remove(&(architecture, kind)), "{name} is kept as {stored}");
        let mapped = document(&mut source, &folder.path().join("case.ndf"));
        agrees(name, &mapped, case);
    }
    assert!(left.is_empty(), "architectures and types without a model: {left:?}");
}

#[test]
fn tensors_may_stand_anywhere_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, input) = (expected(), folder.path().join("case.gguf"));
    let plain = fs::read(models().join("types/F16.gguf")).unwrap();
    // Version 2 differs in nothing that such a file has.
    let mut older = plain.clone();
    older[4] = 2;
    let stored = |name: &str| fs::read(models().join("structure").join(name).with_extension("gguf")).unwrap();
    for (name, bytes) in [
        ("version 2", older),
        ("bytes behind the last tensor", [&plain[..], &[7; 100]].concat()),
        ("aligned to 64", stored("alignment-64")),
        ("aligned to 4096", stored("alignment-4096")),
        ("the last tensor first", stored("reversed")),
    ] {
        assert!(bytes != plain, "{name}");
        fs::write(&input, bytes).unwrap();
        agrees(name, &document(&mut Gguf::open(&input).unwrap(), &folder.path().join("case.ndf")), &expected["F16"]);
    }
}

#[test]
fn codes_keep_their_blocks_scales_and_bits() {
    let folder = tempfile::tempdir().unwrap();
    for (name, group, codes, bits) in [
        ("Q1_0", GroupCols::C128, &[WeightCode::Binary][..], 1.125),
        ("Q2_0", GroupCols::C64, &[WeightCode::Asymmetric], 2.25),
        ("Q2_0-128", GroupCols::C128, &[WeightCode::Asymmetric], 2.125),
        ("TQ1_0", GroupCols::C256, &[WeightCode::Ternary], 2.0625),
        ("TQ2_0", GroupCols::C256, &[WeightCode::Ternary], 2.0625),
    ] {
        let output = folder.path().join("codes.ndf");
        let mut source = source(name);
        convert(&mut source, &output, &Options::default(), |_| ()).unwrap();
        let mapped = MappedDocument::open(&output).unwrap();
        for tensor in ["embed", "blk.0.q", "blk.0.k", "blk.0.v", "blk.0.gate", "blk.0.up"] {
            let info = source.description().tensors.iter().find(|info| info.name == tensor).unwrap();
            let VectorShape::Table { rows, cols } = info.shape else { panic!("'{tensor}' is a matrix") };
            let Content::Ternary(stored) = source.read(tensor).unwrap() else { panic!("'{tensor}' has codes") };
            let grid = mapped.document().grid(tensor).unwrap().matrix();
            let found = (grid.group(), grid.coefficients(), stored.shared);
            assert_eq!(found, (group, &[1][..], Shared::Columns(group)), "{name}, {tensor}");
            assert!(codes.contains(&grid.code()), "{name}, {tensor}: {:?}", grid.code());
            for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
                let (code, scale) = (stored.codes[row * cols + col], stored.scales[(row * cols + col) / group.cols()]);
                assert_eq!((grid.level(row, col), grid.scale(row, col)), (code, scale), "{name}, {tensor} ({row}, {col})");
            }
            if rows % 32 == 0 {
                let kept = (16 * grid.scales().len() + 64 * grid.words().len()) as f64 / (rows * cols) as f64;
                assert_eq!(kept, bits, "{name}, {tensor}: bits per weight");
            }
        }
    }
}
