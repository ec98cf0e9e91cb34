//! Small models that public writers have written (tests/models/make.py), against what llama.cpp says of them.

use nda_convert::{Content, ConvertError, Folder, Gguf, Options, Source, Weights, convert};
use nda_engine::{Model, Session};
use nda_files::FilesError;
use nda_kernels::CpuGemv;
use nda_ndf::{MappedDocument, VectorShape};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Largest difference of a logarithm of a probability, as a share of the largest.
const TOLERANCE: f64 = 1e-4;

pub fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models")
}

pub fn expected() -> Value {
    serde_json::from_str(include_str!("../models/expected.json")).unwrap()
}

/// The file of a case: that of its model with more keys in front, and a note so long that the tensors stay aligned.
fn file_of(case: &Value, folder: &Path) -> PathBuf {
    let bytes = fs::read(models().join(case["file"].as_str().unwrap()).with_extension("gguf")).unwrap();
    let keys: Vec<(&str, &Value)> = case["keys"].as_array().unwrap().iter().map(|key| (key[0].as_str().unwrap(), &key[1])).collect();
    let path = folder.join("case.gguf");
    fs::write(&path, with_keys(&bytes, &keys)).unwrap();
    path
}

/// A GGUF file with more keys.
pub fn with_keys(bytes: &[u8], keys: &[(&str, &Value)]) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    };
    let mut more = Vec::new();
    for (key, value) in keys {
        text(&mut more, key);
        match value {
            Value::String(value) => {
                more.extend(8_u32.to_le_bytes());
                text(&mut more, value);
            }
            Value::Bool(value) => {
                more.extend(7_u32.to_le_bytes());
                more.push(u8::from(*value));
            }
            Value::Number(number) if number.is_u64() => {
                more.extend(4_u32.to_le_bytes());
                more.extend((number.as_u64().unwrap() as u32).to_le_bytes());
            }
            number => {
                more.extend(6_u32.to_le_bytes());
                more.extend((number.as_f64().unwrap() as f32).to_le_bytes());
            }
        }
    }
    text(&mut more, "note");
    more.extend(8_u32.to_le_bytes());
    let length = (more.len() + 8).next_multiple_of(32) - (more.len() + 8);
    text(&mut more, &"x".repeat(length));
    let count = u64::from_le_bytes(bytes[16..24].try_into().unwrap()) + keys.len() as u64 + 1;
    [&bytes[..16], &count.to_le_bytes(), &more, &bytes[24..]].concat()
}

/// The document of a source, all weights as floats.
pub fn document(source: &mut dyn Source, output: &Path) -> MappedDocument {
    convert(source, output, &Options { weights: Weights::F32, ..Options::default() }, |_| ()).unwrap();
    MappedDocument::open(output).unwrap()
}

/// The tokens of the prompt's text, the logits behind each of them, and the likeliest that follow one after another.
pub fn run(mapped: &MappedDocument, tokens: &[u32], more: usize) -> (Vec<f32>, Vec<u32>) {
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    let (last, before) = tokens.split_last().unwrap();
    session.feed_all(before).unwrap();
    let logits = session.predict(*last).unwrap().to_vec();
    let mut found = vec![nda_engine::greedy(&logits)];
    while found.len() < more {
        let next = nda_engine::greedy(session.predict(found[found.len() - 1]).unwrap());
        found.push(next);
    }
    (logits, found)
}

fn logs(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    logits.iter().map(|logit| f64::from(logit - largest) - sum.ln()).collect()
}

pub fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

pub fn agrees(name: &str, mapped: &MappedDocument, case: &Value) {
    let (prompt, greedy) = (numbers(&case["prompt"]), numbers(&case["greedy"]));
    let (logits, found) = run(mapped, &prompt, greedy.len());
    let wanted: Vec<f64> = case["logs"].as_array().unwrap().iter().map(|log| log.as_f64().unwrap()).collect();
    let largest = wanted.iter().fold(0.0, |most: f64, log| most.max(log.abs()));
    let difference = logs(&logits).iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest;
    assert!(difference < TOLERANCE, "{name}: {difference} of the largest logarithm");
    assert_eq!(found, greedy, "{name}");
}

#[test]
fn every_architecture_and_every_stretched_rotation_has_llama_cpps_tokens_and_logits() {
    let folder = tempfile::tempdir().unwrap();
    for (name, case) in expected().as_object().unwrap() {
        let mut source = Gguf::open(&file_of(case, folder.path())).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mapped = document(&mut source, &folder.path().join("case.ndf"));
        agrees(name, &mapped, case);
        let text = "She was 1234567 years old in 1999, and it is not what they said.";
        let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
        assert_eq!(weights.tokenizer().encode(text.as_bytes()).unwrap(), numbers(&case["prompt"]), "{name}");
    }
}

#[test]
fn a_model_in_parts_is_opened_by_any_of_them_or_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let name = |number: usize| format!("parts-{number:05}-of-00003.gguf");
    let case = &expected()["llama"];
    for number in 1..=3 {
        let mut source = Gguf::open(&models().join(name(number))).unwrap();
        agrees("parts", &document(&mut source, &folder.path().join("parts.ndf")), case);
        let mut whole = Gguf::open(&models().join("llama.gguf")).unwrap();
        for info in whole.description().tensors.clone() {
            assert_eq!(source.read(&info.name).unwrap(), whole.read(&info.name).unwrap(), "{}", info.name);
        }
    }
    let copy = |number: usize, to: &str| fs::copy(models().join(name(number)), folder.path().join(to)).unwrap();
    let refused = |file: &str| match Gguf::open(&folder.path().join(file)).map(|_| ()).unwrap_err() {
        ConvertError::Parts { path, reason } => format!("{}: {reason}", path.file_name().unwrap().to_str().unwrap()),
        other => panic!("{other}"),
    };
    copy(1, &name(1));
    copy(3, &name(3));
    assert_eq!(refused(&name(1)), "parts-00002-of-00003.gguf: part 2 of 3 is missing");
    // What is wrong in another part than the one that was given is said of that part.
    let cut = fs::read(models().join(name(2))).unwrap();
    fs::write(folder.path().join(name(2)), &cut[..cut.len() - 1000]).unwrap();
    let error = Gguf::open(&folder.path().join(name(3))).map(|_| ()).unwrap_err();
    assert!(matches!(&error, ConvertError::InPart { path, .. } if path.ends_with(name(2))), "{error}");
    assert!(error.place().contains(&name(2)) && error.help().contains("give the whole file"), "{}", error.place());
    copy(3, &name(2));
    assert_eq!(refused(&name(3)), "parts-00002-of-00003.gguf: this should be part 2 of 3, but its keys say otherwise");
    copy(2, "renamed.gguf");
    let renamed = refused("renamed.gguf");
    assert_eq!(renamed, "renamed.gguf: this is part 2 of 3, but its name does not end in '-00002-of-00003.gguf'");
}

#[test]
fn no_part_of_a_model_is_overwritten_whichever_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let part = |number: usize| folder.path().join(format!("parts-{number:05}-of-00003.gguf"));
    for number in 1..=3 {
        fs::copy(models().join(part(number).file_name().unwrap()), part(number)).unwrap();
    }
    for (opened, output) in (1..=3).flat_map(|opened| (1..=3).map(move |output| (opened, output))) {
        let before = fs::read(part(output)).unwrap();
        let error = convert(&mut Gguf::open(&part(opened)).unwrap(), &part(output), &Options::default(), |_| ()).unwrap_err();
        assert!(matches!(error, ConvertError::File(FilesError::Same { .. })), "part {opened} into part {output}: {error}");
        assert!(fs::read(part(output)).unwrap() == before);
    }
}

/// Writes what a GGUF file holds as a Hugging Face folder of floats, with a configuration like a Llama's but for what is given.
pub fn folder_of(gguf: &str, root: &Path, config: &Value) -> PathBuf {
    let mut all = json!({"hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "num_hidden_layers": 1,
        "intermediate_size": 64, "vocab_size": 135, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "tie_word_embeddings": true, "hidden_act": "silu", "torch_dtype": "float32", "eos_token_id": 134});
    config.as_object().unwrap().iter().for_each(|(key, value)| all[key] = value.clone());
    folder_with(gguf, root, &all.to_string())
}

/// Writes what a GGUF file holds as a Hugging Face folder of floats.
pub fn folder_with(gguf: &str, root: &Path, config: &str) -> PathBuf {
    let folder = root.join("folder");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let path = models().join(gguf).with_extension("gguf");
    let mut source = Gguf::open(&path).unwrap();
    let tensors = source.description().tensors.clone();
    let names: &[(&str, &str)] = if gguf == "gemma3" { &GEMMA_NAMES } else { &[] };
    let stored: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .filter(|info| info.name != "rope_factors")
        .map(|info| {
            let Content::Floats(mut values) = source.read(&info.name).unwrap() else { panic!("'{}' is floats", info.name) };
            let shape = match info.shape {
                VectorShape::Vector(cols) if !names.is_empty() => {
                    // A Gemma's norms: stored is what is added to 1.
                    values.iter_mut().for_each(|value| *value -= 1.0);
                    vec![cols]
                }
                VectorShape::Vector(cols) => vec![cols],
                VectorShape::Table { rows, cols } => vec![rows, cols],
            };
            (hugging_face_name(&info.name, names), shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        })
        .collect();
    let views = stored.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    fs::write(folder.join("config.json"), config).unwrap();
    fs::write(folder.join("tokenizer.json"), source.description().tokenizer.as_ref().unwrap()).unwrap();
    folder
}

/// The norm in front of a Gemma's feed-forward part has a name of its own, and a Llama's name for it is that of another.
const GEMMA_NAMES: [(&str, &str); 3] = [
    ("ffn_norm", "pre_feedforward_layernorm.weight"),
    ("attn_post_norm", "post_attention_layernorm.weight"),
    ("ffn_post_norm", "post_feedforward_layernorm.weight"),
];

/// The name of a tensor in transformers; `own` are the architecture's before a Llama's.
fn hugging_face_name(ours: &str, own: &[(&str, &str)]) -> String {
    let parts = [
        ("attn_norm", "input_layernorm.weight"),
        ("q", "self_attn.q_proj.weight"),
        ("k", "self_attn.k_proj.weight"),
        ("v", "self_attn.v_proj.weight"),
        ("q_bias", "self_attn.q_proj.bias"),
        ("k_bias", "self_attn.k_proj.bias"),
        ("v_bias", "self_attn.v_proj.bias"),
        ("q_norm", "self_attn.q_norm.weight"),
        ("k_norm", "self_attn.k_norm.weight"),
        ("o", "self_attn.o_proj.weight"),
        ("o_bias", "self_attn.o_proj.bias"),
        ("ffn_norm", "post_attention_layernorm.weight"),
        ("gate", "mlp.gate_proj.weight"),
        ("up", "mlp.up_proj.weight"),
        ("down", "mlp.down_proj.weight"),
    ];
    match ours.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
        Some((block, part)) => format!("model.layers.{block}.{}", own.iter().chain(&parts).find(|(name, _)| *name == part).unwrap().1),
        None => format!("model.{}.weight", if ours == "embed" { "embed_tokens" } else { "norm" }),
    }
}

#[test]
fn folders_of_these_models_have_llama_cpps_tokens_and_logits_too() {
    let root = tempfile::tempdir().unwrap();
    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64});
    let yarn = json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64});
    for (case, config) in [
        ("llama", json!({"model_type": "llama"})),
        ("llama", json!({"model_type": "mistral", "sliding_window": null})),
        ("llama-biases", json!({"model_type": "llama", "attention_bias": true})),
        ("llama-frequencies", json!({"model_type": "llama", "rope_scaling": llama3})),
        ("qwen2", json!({"model_type": "qwen2", "use_sliding_window": false, "sliding_window": 8, "max_window_layers": 1})),
        ("qwen3", json!({"model_type": "qwen3", "num_attention_heads": 4, "num_key_value_heads": 2, "attention_bias": false})),
        ("linear", json!({"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 4.0}})),
        ("yarn", json!({"model_type": "llama", "rope_scaling": yarn})),
    ] {
        let expected = &expected()[case];
        let folder = folder_of(expected["file"].as_str().unwrap(), root.path(), &config);
        let mapped = document(&mut Folder::open(&folder).unwrap(), &root.path().join("folder.ndf"));
        agrees(&format!("{case}, {config}"), &mapped, expected);
    }
}

#[test]
fn a_mistrals_window_hides_what_is_further_back() {
    // With one block and relative positions, the last eight tokens alone are all that a window of eight lets the last one see.
    let root = tempfile::tempdir().unwrap();
    let case = &expected()["llama"];
    let tokens = numbers(&case["prompt"]);
    let config = json!({"model_type": "mistral", "sliding_window": 8});
    let mapped = document(&mut Folder::open(&folder_of("llama", root.path(), &config)).unwrap(), &root.path().join("window.ndf"));
    let (seen, alone) = (run(&mapped, &tokens, 1).0, run(&mapped, &tokens[tokens.len() - 8..], 1).0);
    let largest = alone.iter().fold(0.0, |most: f32, logit| most.max(logit.abs()));
    let difference = seen.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest;
    assert!(difference < 1e-4, "{difference}");
    let whole: Vec<f64> = case["logs"].as_array().unwrap().iter().map(|log| log.as_f64().unwrap()).collect();
    assert!(logs(&seen).iter().zip(&whole).any(|(a, b)| (a - b).abs() > 0.1), "the window changes nothing");
}

#[test]
fn keys_that_change_the_model_are_refused_by_name_with_their_value() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |file: &str, key: &str, value: Value| {
        let path = file_of(&json!({"file": file, "keys": [[key, value]]}), folder.path());
        Gguf::open(&path).map(|_| ()).unwrap_err()
    };
    for (file, key, value, shown) in [
        ("llama", "llama.attention.causal", json!(false), "false"),
        ("llama", "llama.attention.sliding_window", json!(8), "8"),
        ("llama", "llama.attention.scale", json!(0.5), "0.5"),
        ("llama", "llama.logit_scale", json!(0.5), "0.5"),
        ("llama", "llama.embedding_scale", json!(2.0), "2"),
        ("llama", "llama.residual_scale", json!(0.5), "0.5"),
        ("llama", "llama.final_logit_softcapping", json!(30.0), "30"),
        ("llama", "llama.expert_count", json!(8), "8"),
        ("llama", "llama.rope.scaling.type", json!("longrope"), "'longrope'"),
        ("llama", "llama.rope.freq_base_swa", json!(1e4), "10000"),
        ("llama", "llama.some_new_key", json!("x"), "'x'"),
        ("llama", "llama.hidden_activation", json!("relu2"), "'relu2'"),
        ("qwen3", "qwen3.rope.dimension_sections", json!(3), "3"),
        ("qwen2", "qwen2.pooling_type", json!(1), "1"),
        ("llama", "tokenizer.ggml.add_eos_token", json!(true), "true"),
        ("llama", "tokenizer.ggml.some_new_key", json!(true), "true"),
        ("llama", "general.type", json!("adapter"), "'adapter'"),
    ] {
        let error = refused(file, key, value);
        let message = error.to_string();
        assert!(matches!(&error, ConvertError::Refused { key: named, .. } if named == key), "{key}: {message}");
        assert!(message.starts_with(&format!("'{key}' is {shown}: ")), "{message}");
    }
}

#[test]
fn keys_that_change_nothing_with_their_value_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let keys = json!([
        ["llama.attention.causal", true],
        ["llama.attention.sliding_window", 256],
        ["llama.logit_scale", 1.0],
        ["llama.expert_count", 0],
        ["llama.rope.scaling.finetuned", true],
        ["llama.hidden_activation", "silu"],
        ["tokenizer.ggml.seperator_token_id", 134],
        ["tokenizer.ggml.add_eos_token", false],
        ["general.quantized_by", "me"],
        ["general.type", "model"],
        ["quantize.imatrix.chunks_count", 3],
        ["another.reader", 1]
    ]);
    let case = json!({"file": "llama", "keys": keys});
    let plain = document(&mut Gguf::open(&models().join("llama.gguf")).unwrap(), &folder.path().join("plain.ndf"));
    let noted = document(&mut Gguf::open(&file_of(&case, folder.path())).unwrap(), &folder.path().join("noted.ndf"));
    let prompt = numbers(&expected()["llama"]["prompt"]);
    assert_eq!(run(&plain, &prompt, 4), run(&noted, &prompt, 4));
}
