//! 'nda convert --report' as a person runs it.

use nda_spec::random::Random;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const D: usize = 64;
const FF: usize = 96;
const KEYS: usize = 32;

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

/// A Llama of one block in floats, whose tokens are bytes, as a Hugging Face folder.
fn write_model(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let mut random = Random::new(8);
    let shapes = [
        ("model.embed_tokens", vec![256, D]),
        ("model.layers.0.input_layernorm", vec![D]),
        ("model.layers.0.self_attn.q_proj", vec![D, D]),
        ("model.layers.0.self_attn.k_proj", vec![KEYS, D]),
        ("model.layers.0.self_attn.v_proj", vec![KEYS, D]),
        ("model.layers.0.self_attn.o_proj", vec![D, D]),
        ("model.layers.0.post_attention_layernorm", vec![D]),
        ("model.layers.0.mlp.gate_proj", vec![FF, D]),
        ("model.layers.0.mlp.up_proj", vec![FF, D]),
        ("model.layers.0.mlp.down_proj", vec![D, FF]),
        ("model.norm", vec![D]),
    ];
    let stored: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let around = if shape.len() == 1 { 1.0 } else { 0.0 };
            let count: usize = shape.iter().product();
            let bytes = (0..count).flat_map(|_| ((around + random.unit() - 0.5) as f32).to_le_bytes()).collect();
            (format!("{name}.weight"), shape, bytes)
        })
        .collect();
    let views = stored.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    let config = json!({"model_type": "llama", "hidden_size": D, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 1,
        "intermediate_size": FF, "vocab_size": 256, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": true});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    fs::write(folder.join("tokenizer.json"), byte_tokenizer().to_string()).unwrap();
}

/// A vocabulary whose tokens are the bytes, in the spelling that byte-level vocabularies have for them.
fn byte_tokenizer() -> Value {
    let is_printed = |byte: u32| (33..=126).contains(&byte) || (161..=172).contains(&byte) || (174..=255).contains(&byte);
    let mut others = 256..;
    let spelled = |byte: u32| if is_printed(byte) { byte } else { others.next().unwrap_or_default() };
    let letters: Vec<char> = (0..256).map(spelled).filter_map(char::from_u32).collect();
    let vocabulary: serde_json::Map<String, Value> =
        letters.iter().enumerate().map(|(id, letter)| (letter.to_string(), json!(id))).collect();
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({"version": "1.0", "added_tokens": [], "pre_tokenizer": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []}})
}

#[test]
fn a_report_says_of_its_document_what_an_evaluation_says() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (model, document, report, words) = (place("model"), place("model.ndf"), place("report"), place("words.txt"));
    write_model(Path::new(&model));
    fs::write(&words, "What is measured is measured on this text.").unwrap();
    let rest =
        ["--weights", "k2", "--report", &report, "--compare", "k2,k3,k3-row,k3", "--report-text", &words, "--calibration-tokens", "300"];
    let output = nda(&[&["convert", &model, &document][..], &rest].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("k3-row: "), "{said}");

    let found: Value = serde_json::from_slice(&fs::read(Path::new(&report).join("report.json")).unwrap()).unwrap();
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["weights"].as_str().unwrap()).collect::<Vec<_>>(), ["f32", "k2", "k3", "k3-row"]);
    assert_eq!((&found["predicted_tokens"], &found["window"], &found["calibration_tokens"]), (&json!(41), &json!(512), &json!(300)));
    assert_eq!(rows[1]["document_bytes"].as_u64().unwrap(), fs::metadata(&document).unwrap().len());
    let error = |row: usize| rows[row]["output_error"].as_f64().unwrap();
    assert!(rows[0]["output_error"].is_null() && error(2) < 0.5 * error(1) && error(3) < error(1), "{found}");
    let evaluation = nda(&["eval", &document, "--text", &words, "--kv", "f32", "--json"]);
    let evaluation: Value = serde_json::from_slice(&evaluation.stdout).unwrap();
    assert_eq!(evaluation["perplexity"], rows[1]["perplexity"]);
    let table = fs::read_to_string(Path::new(&report).join("report.md")).unwrap();
    assert!(rows.iter().all(|row| table.contains(&format!("| {} |", row["weights"].as_str().unwrap()))), "{table}");
    assert!(fs::read_to_string(Path::new(&report).join("report.svg")).unwrap().contains("k3-row"));
}

#[test]
fn a_conversion_without_a_choice_writes_bit_planes_and_floats_are_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (model, planes, floats) = (place("model"), place("planes.ndf"), place("floats.ndf"));
    write_model(Path::new(&model));
    let frames = |more: &[&str], document: &str| -> Vec<(String, String)> {
        let output = nda(&[&["convert", &model, document, "--calibration-tokens", "64"][..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let info: Value = serde_json::from_slice(&nda(&["info", document, "--json"]).stdout).unwrap();
        let text = |frame: &Value, key: &str| frame[key].as_str().unwrap().to_owned();
        info["frames"].as_array().unwrap().iter().map(|frame| (text(frame, "kind"), text(frame, "content"))).collect()
    };
    // Seven matrices of the block and the embedding, which is the head too; three norms.
    let count = |frames: &[(String, String)], kind: &str| frames.iter().filter(|(found, _)| found == kind).count();
    let (fitted, kept) = (frames(&[], &planes), frames(&["--weights", "f32"], &floats));
    assert_eq!((count(&fitted, "grid"), count(&fitted, "vector")), (8, 3), "{fitted:?}");
    assert_eq!((count(&kept, "grid"), count(&kept, "vector")), (0, 11), "{kept:?}");
    assert_eq!(frames(&["--weights", "k2"], &place("k2.ndf")), fitted);
    // So a board has work without a word about weights.
    let run = |document: &str| -> Value {
        let output = nda(&["run", document, "--prompt", "a", "--max-tokens", "3", "--backend", "loopback", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (fitted, kept) = (run(&planes)["work"].clone(), run(&floats)["work"].clone());
    assert!(fitted["device"]["weights"].as_u64() > Some(0) && fitted["cpu"]["weights"] == 0, "{fitted}");
    assert!(kept["device"]["weights"] == 0 && kept["cpu"]["weights"].as_u64() > Some(0), "{kept}");
}

#[test]
fn a_report_of_what_has_no_choice_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");
    for (arguments, expected) in [
        (vec!["convert", tiny, &place("x"), "--report", &place("r")], "leave --report out"),
        (vec!["convert", tiny, &place("x"), "--compare", "k2"], "--report"),
        (vec!["convert", tiny, &place("x"), "--report", &place("r"), "--compare", "k9"], "k9"),
    ] {
        let output = nda(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(expected), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
