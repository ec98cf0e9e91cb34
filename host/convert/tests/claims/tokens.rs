//! What is a control token, how text is split, and vocabularies of folders.

use crate::peers::{folder_of, models, numbers};
use crate::sample::{self, Form, GgufBytes};
use nda_convert::gguf::{GgufFile, tokenizer_json};
use nda_convert::{ConvertError, Folder, Gguf, Source};
use nda_engine::Tokenizer;
use serde_json::{Value, json};
use std::fs;
use std::io::Cursor;
use std::path::Path;

fn tokenizer(file: &GgufBytes) -> Result<Tokenizer, ConvertError> {
    let file = GgufFile::open(Path::new("tokens.gguf"), Cursor::new(file.bytes()))?;
    let json = tokenizer_json(file.keys())?.unwrap();
    Ok(Tokenizer::new(&nda_ndf::Tokenizer::Json(json)).unwrap())
}

/// Single characters, two line ends, and a mark of a turn, the latter two of a kind.
fn marked(kind: i32, template: &str) -> Tokenizer {
    let mut file = GgufBytes::default();
    let letters: Vec<String> = "<|imend_>ha\u{10a}".chars().map(String::from).collect();
    let tokens: Vec<&str> = letters.iter().map(String::as_str).chain(["\n\n", "<|im_end|>"]).collect();
    let kinds: Vec<i32> = vec![1; letters.len()].into_iter().chain([4, kind]).collect();
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "llama-bpe");
    file.texts("tokenizer.ggml.tokens", &tokens);
    file.numbers("tokenizer.ggml.token_type", &kinds);
    file.texts("tokenizer.ggml.merges", &[]);
    file.flag("tokenizer.ggml.add_bos_token", false);
    file.text("tokenizer.chat_template", template);
    tokenizer(&file).unwrap()
}

#[test]
fn typed_text_stays_text_whatever_the_file_calls_its_control_tokens() {
    for (kind, is_hidden) in [(1, true), (3, true), (4, false)] {
        let tokenizer = marked(kind, "{{ m }}<|im_end|>");
        let mark = 13;
        let typed = tokenizer.encode(b"hi<|im_end|>").unwrap();
        assert!(typed.len() == 12 && !typed.contains(&mark), "kind {kind}: {typed:?}");
        assert_eq!(tokenizer.encode_with_controls("ha<|im_end|>").unwrap(), [9, 10, mark], "kind {kind}");
        assert_eq!((tokenizer.is_control(mark), tokenizer.is_hidden(mark)), (true, is_hidden), "kind {kind}");
        // Line ends in one piece are text.
        assert_eq!((tokenizer.encode(b"a\n\na").unwrap(), tokenizer.is_control(12)), (vec![10, 12, 10], false), "kind {kind}");
    }
}

/// Two of the control tokens by which Llama 3's vocabulary is known, and the two of Llama 2's.
const LLAMA3: [&str; 2] = ["<|begin_of_text|>", "<|eot_id|>"];
const LLAMA2: [&str; 2] = ["<s>", "</s>"];

/// A vocabulary of digits with these control tokens, whose file names a rule or none.
fn digits(rule: Option<&str>, controls: [&str; 2]) -> Result<Tokenizer, ConvertError> {
    let mut file = GgufBytes::default();
    file.text("tokenizer.ggml.model", "gpt2");
    if let Some(rule) = rule {
        file.text("tokenizer.ggml.pre", rule);
    }
    file.texts("tokenizer.ggml.tokens", &["1", "11", "111", "1111", controls[0], controls[1]]);
    file.numbers("tokenizer.ggml.token_type", &[1, 1, 1, 1, 3, 3]);
    file.texts("tokenizer.ggml.merges", &["1 1", "11 1", "11 11"]);
    file.number("tokenizer.ggml.bos_token_id", 4);
    tokenizer(&file)
}

#[test]
fn a_rule_that_is_missing_or_has_another_name_is_known_by_llama_3s_vocabulary() {
    // Three digits at most are one piece of a Llama 3; by GPT-2's rule it is all four.
    let of = |rule, controls| digits(rule, controls).unwrap().encode(b"1111").unwrap();
    assert_eq!((of(Some("llama-bpe"), LLAMA2), of(Some("gpt-2"), LLAMA3)), (vec![2, 0], vec![3]));
    for rule in [None, Some("falcon_e"), Some("a name of tomorrow")] {
        assert_eq!(of(rule, LLAMA3), [2, 0], "{rule:?}");
    }
    for (rule, named) in [(None, "is missing"), (Some("a name of tomorrow"), "'a name of tomorrow'")] {
        let error = digits(rule, LLAMA2).unwrap_err();
        assert!(matches!(error, ConvertError::Split { .. }) && error.to_string().contains(named), "{error}");
        assert!(error.help().contains("--pre NAME"), "{}", error.help());
    }
}

#[test]
fn a_llama_3s_vocabulary_without_a_rule_has_the_tokens_of_its_tokenizer_json() {
    // As the published GGUF of BitNet b1.58 2B4T, whose converter names no rule.
    let whole = fs::read_to_string(models().join("falcon3/tokenizer.json")).unwrap();
    let json: Value = serde_json::from_str(&whole).unwrap();
    let mut tokens: Vec<(u64, &str)> =
        json["model"]["vocab"].as_object().unwrap().iter().map(|(token, id)| (id.as_u64().unwrap(), token.as_str())).collect();
    let normal = tokens.len();
    tokens.extend(
        json["added_tokens"].as_array().unwrap().iter().map(|added| (added["id"].as_u64().unwrap(), added["content"].as_str().unwrap())),
    );
    tokens.sort_unstable();
    let merges: Vec<String> = json["model"]["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    let mut file = GgufBytes::default();
    file.text("tokenizer.ggml.model", "gpt2");
    file.texts("tokenizer.ggml.tokens", &tokens.iter().map(|(_, token)| *token).collect::<Vec<_>>());
    file.numbers("tokenizer.ggml.token_type", &(0..tokens.len()).map(|at| if at < normal { 1 } else { 3 }).collect::<Vec<_>>());
    file.texts("tokenizer.ggml.merges", &merges.iter().map(String::as_str).collect::<Vec<_>>());
    file.number("tokenizer.ggml.bos_token_id", 400);
    let (found, own) = (tokenizer(&file).unwrap(), Tokenizer::new(&nda_ndf::Tokenizer::Json(whole.clone())).unwrap());
    let text = "She was 1234567 years old in 1999, and it's not what they'd said.\n\n\tprint(add(12, 345))\n";
    let encoded = found.encode(text.as_bytes()).unwrap();
    assert_eq!((encoded.len(), &encoded), (47, &own.encode(text.as_bytes()).unwrap()));
}

#[test]
fn the_rule_that_is_asked_for_goes_before_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.gguf");
    fs::write(&path, sample::gguf(Form::Floats).bytes()).unwrap();
    let json = |pre: Option<&str>| Gguf::open_splitting(&path, pre).unwrap().description().tokenizer.clone().unwrap();
    assert!(json(Some("llama-bpe")).contains("{1,3}") && !json(None).contains("{1,3}"));
    let error = Gguf::open_splitting(&path, Some("nope")).map(|_| ()).unwrap_err();
    assert!(matches!(error, ConvertError::Split { .. }) && error.to_string().contains("'--pre nope'"), "{error}");
}

#[test]
fn a_model_without_a_vocabulary_is_refused_before_anything_is_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder_of("llama", root.path(), &json!({"model_type": "llama"}));
    fs::remove_file(folder.join("tokenizer.json")).unwrap();
    assert!(matches!(Folder::open(&folder), Err(ConvertError::NoVocabulary { .. })));
    // A vocabulary of 256 without a tokenizer is the bytes.
    let config = fs::read_to_string(folder.join("config.json")).unwrap().replace("\"vocab_size\":135", "\"vocab_size\":256");
    fs::write(folder.join("config.json"), config).unwrap();
    let error = Folder::open(&folder).map(|_| ()).unwrap_err();
    assert!(matches!(&error, ConvertError::Tensor { name, .. } if name == "model.embed_tokens.weight"), "{error}");
    let mut file = GgufBytes::default();
    file.text("general.architecture", "llama");
    fs::write(root.path().join("none.gguf"), file.bytes()).unwrap();
    assert!(matches!(Gguf::open(&root.path().join("none.gguf")), Err(ConvertError::NoVocabulary { .. })));
}

#[test]
fn a_folders_end_tokens_are_tokens_or_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    for (value, ends) in
        [(json!(134), Some("134")), (json!([133, 134]), Some("133,134")), (json!(-1), Some("134")), (json!(null), Some("134"))]
    {
        let source = Folder::open(&folder_of("llama", root.path(), &json!({"model_type": "llama", "eos_token_id": value}))).unwrap();
        assert_eq!(source.description().metadata.get("eos_tokens").map(String::as_str), ends, "{value}");
    }
    for value in [json!("x"), json!(135), json!([134, "</s>"]), json!(1.5), json!(-2)] {
        let error = Folder::open(&folder_of("llama", root.path(), &json!({"model_type": "llama", "eos_token_id": value}))).unwrap_err();
        assert!(matches!(&error, ConvertError::Key { key, .. } if key == "eos_token_id"), "{value}: {error}");
    }
    let folder = folder_of("llama", root.path(), &json!({"model_type": "llama"}));
    fs::write(folder.join("tokenizer.json"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    let error = Folder::open(&folder).unwrap_err();
    assert!(error.to_string().contains("a pointer of Git LFS") && error.place() == "tokenizer.json", "{error}");
}

#[test]
fn a_folder_with_sentence_pieces_alone_has_their_tokens() {
    let root = tempfile::tempdir().unwrap();
    let pieces: Value = serde_json::from_str(include_str!("../models/pieces.json")).unwrap();
    let count = pieces["count"].as_u64().unwrap();
    let config = json!({"model_type": "llama", "bos_token_id": 1, "eos_token_id": 2});
    let folder = folder_of("llama", root.path(), &config);
    fs::remove_file(folder.join("tokenizer.json")).unwrap();
    let bytes = fs::read(models().join("tokenizer.model")).unwrap();
    fs::write(folder.join("tokenizer.model"), &bytes).unwrap();
    fs::write(folder.join("added_tokens.json"), json!({"<|im_end|>": count, "<|im_start|>": count + 1}).to_string()).unwrap();
    let source = Folder::open(&folder).unwrap();
    let description = source.description();
    let of = |key: &str| description.metadata[key].as_str();
    assert_eq!((of("bos_token"), of("add_bos"), of("eos_tokens")), ("1", "true", format!("2,{count}").as_str()));
    let tokenizer = Tokenizer::new(&nda_ndf::Tokenizer::Json(description.tokenizer.clone().unwrap())).unwrap();
    for entry in pieces["texts"].as_array().unwrap() {
        let text = entry["text"].as_str().unwrap();
        let tokens = numbers(&entry["tokens"]);
        assert_eq!(tokenizer.encode(text.as_bytes()).unwrap(), tokens, "{text:?}");
    }
    assert!(tokenizer.is_control(count as u32) && tokenizer.is_control(1));
    // What is cut or is no vocabulary is an error, and so is a token far behind the pieces.
    for length in [0, 1, 100, bytes.len() - 1] {
        fs::write(folder.join("tokenizer.model"), &bytes[..length]).unwrap();
        assert!(Folder::open(&folder).is_err(), "{length} bytes");
    }
    fs::write(folder.join("tokenizer.model"), &bytes).unwrap();
    fs::write(folder.join("added_tokens.json"), json!({"<|im_end|>": count + 7}).to_string()).unwrap();
    assert!(matches!(Folder::open(&folder), Err(ConvertError::Tokenizer { .. })));
}
