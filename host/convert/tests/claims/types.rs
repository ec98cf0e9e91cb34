//! One small model per type of weights (tests/models/make_types.py), against what llama.cpp says of the same numbers.

use crate::peers::{agrees, document, models, numbers};
use nda_convert::gguf::Kind;
use nda_convert::{Content, Gguf, Options, Shared, Source, convert};
use nda_ndf::{MappedDocument, VectorShape};
use nda_spec::{GroupCols, WeightCode};
use serde_json::Value;

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
