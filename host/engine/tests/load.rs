//! Documents that are no models are refused by name.

mod common;

use common::{D, FF, LAYERS, PLAIN, writer};
use nda_engine::{EngineError, Weights, block_tensor};
use nda_ndf::{AlignedBytes, Document, DocumentWriter};

fn load(writer: DocumentWriter) -> Result<(), EngineError> {
    let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
    Weights::new(&Document::open(&bytes).unwrap()).map(|_| ())
}

#[test]
fn every_missing_tensor_is_named() {
    let mut names = vec!["embed".to_string(), "norm".into(), "head".into()];
    for block in 0..LAYERS {
        names.extend(["attn_norm", "q", "k", "v", "o", "ffn_norm", "gate", "up", "down"].map(|part| block_tensor(block, part)));
    }
    for name in names {
        match load(writer(PLAIN, &name, None)) {
            Err(EngineError::MissingTensor { name: missing, .. }) => assert_eq!(missing, name),
            other => panic!("without {name}: {other:?}"),
        }
    }
    assert!(load(writer(PLAIN, "", None)).is_ok());
}

#[test]
fn every_missing_key_is_named() {
    for key in ["architecture", "d_model", "n_layers", "n_heads", "ff", "rope_theta", "rms_eps", "context", "activation"] {
        assert!(matches!(load(writer(PLAIN, key, None)), Err(EngineError::MissingMetadata { key: missing }) if missing == key), "{key}");
    }
}

#[test]
fn a_shape_that_contradicts_the_metadata_is_refused_with_both_shapes() {
    for (name, rows) in [("blk.1.gate", FF + 1), ("blk.0.q", 64), ("embed", 255), ("blk.0.attn_norm", D - 1)] {
        match load(writer(PLAIN, "", Some((name, rows)))) {
            Err(EngineError::TensorShape { name: refused, found, wanted }) => {
                assert_eq!(refused, name);
                assert!(found.contains(&rows.to_string()), "{found}");
                assert_ne!(found, wanted);
            }
            other => panic!("{name} of {rows} rows: {other:?}"),
        }
    }
}

#[test]
fn a_forged_count_of_layers_ends_at_the_first_that_is_missing() {
    let mut forged = writer(PLAIN, "", None);
    forged.metadata().set("n_layers", 16_777_216);
    assert!(matches!(load(forged), Err(EngineError::MissingTensor { name, .. }) if name == "blk.2.attn_norm"));
}

#[test]
fn a_tied_head_is_the_embedding_and_only_if_the_metadata_say_so() {
    let mut tied = writer(PLAIN, "head", None);
    tied.metadata().set("tied_head", true);
    assert!(load(tied).is_ok());
    assert!(load(writer(PLAIN, "head", None)).is_err());
}
