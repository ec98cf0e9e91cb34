//! Documents that are no models are refused by name.

mod common;

use common::{D, FF, LAYERS, PLAIN, model_bytes, writer};
use nda_engine::{EngineError, LLAMA, Weights, block_tensor};
use nda_lang::Tier;
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
        // Said by the program at the place that names it, or by the run that asks for it.
        let error = load(writer(PLAIN, &name, None)).unwrap_err().to_string();
        assert!(
            error.contains(&format!("no tensor '{name}'")) || error.contains(&format!("tensor '{name}' is missing")),
            "{name}: {error}"
        );
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
            Err(EngineError::Program { reason, .. }) => {
                assert!(reason.contains(&format!("of '{name}': {rows}, but the metadata ask for")), "{reason}");
            }
            other => panic!("{name} of {rows} rows: {other:?}"),
        }
    }
}

#[test]
fn a_forged_count_of_layers_ends_at_the_first_that_is_missing() {
    let mut forged = writer(PLAIN, "", None);
    forged.metadata().set("n_layers", 16_777_216);
    assert!(matches!(load(forged), Err(EngineError::MissingTensor { name }) if name == "blk.2.attn_norm"));
}

#[test]
fn a_tied_head_is_the_embedding_and_only_if_the_metadata_say_so() {
    let mut tied = writer(PLAIN, "head", None);
    tied.metadata().set("tied_head", true);
    assert!(load(tied).is_ok());
    assert!(load(writer(PLAIN, "head", None)).is_err());
}

#[test]
fn another_architecture_needs_a_program_of_its_own_and_no_rust() {
    let mut other = writer(PLAIN, "", None);
    other.metadata().set("architecture", "mine");
    assert!(matches!(load(other), Err(EngineError::BadMetadata { key: "architecture", .. })));
    let mut other = writer(PLAIN, "", None);
    other.metadata().set("architecture", "mine");
    other.set_program(nda_engine::LLAMA);
    assert!(load(other).is_ok());
}

#[test]
fn a_program_that_is_none_or_no_models_is_refused_with_its_place() {
    for (program, expected) in [
        ("fn forward(", "program.nda:1:12"),
        ("fn main() { }", "a model's program needs a function 'fn forward(p0: int, p1: int) -> vec'"),
        (
            "fn forward(t: int, p: int) -> vec { return row(\"embed\", t); }\nfn logits(x: vec) -> vec { return gemv(\"nope\", x); }",
            "no tensor 'nope'",
        ),
        (
            "fn forward(t: int, p: int) -> vec { return row(\"embed\", t); }\nfn logits(x: vec) -> vec { return x; }",
            "logits() gives 40 values",
        ),
        ("fn forward(t: int, p: int) -> vec { return zeros(1 / t); }\nfn logits(x: vec) -> vec { return x; }", "division by zero: 1 / 0"),
        (
            "fn forward(t: int, p: int) -> vec { return gemv(\"blk.0.down\", row(\"embed\", t)); }\nfn logits(x: vec) -> vec { return x; }",
            "have 72 columns",
        ),
    ] {
        let mut writer = writer(PLAIN, "", None);
        writer.set_program(program);
        let error = load(writer).unwrap_err();
        let said = format!("{}: {error}", error.place());
        assert!(said.contains(expected), "{program}: {said}");
    }
}

#[test]
fn a_document_with_a_program_of_an_earlier_version_says_so_and_what_to_do() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let streamed =
        LLAMA.replace("let x = gather(\"embed\", tokens);", "stream(gather(\"embed\", tokens), d_model);\n    let x = stream_end();");
    let floats = LLAMA.replace("tokens: ints", "tokens: vec").replace("gather(\"embed\", tokens)", "gather(\"embed\", ints(tokens))");
    for (program, what) in [(&streamed, "'stream' is no longer a builtin"), (&floats, "'forward' takes its tokens as a vec")] {
        assert_ne!(program, LLAMA);
        let error = Weights::with_program(&document, "program.nda", program, Tier::Closure).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.help().contains("nda convert OLD.ndf NEW.ndf --program llama"), "{}", error.help());
    }
}
