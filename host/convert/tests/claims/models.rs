//! Whole models: what arrives in the document.

use crate::sample::{self, Form, Tensor};
use nda_convert::gguf::{GgufFile, Kind, tokenizer_json};
use nda_convert::report::{Choice, Comparison, convert_and_compare};
use nda_convert::{Calibration, ConvertError, Folder, Gguf, Options, Recipe, Source, Stage, Step, Weights, convert};
use nda_ndf::{Document, MappedDocument};
use nda_spec::WeightCode;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// The document of the small model as a GGUF file.
fn from_gguf(folder: &Path, form: Form) -> PathBuf {
    let (input, output) = (folder.join("small.gguf"), folder.join("gguf.ndf"));
    fs::write(&input, sample::gguf(form).bytes()).unwrap();
    convert(&mut Gguf::open(&input).unwrap(), &output, &Options::default(), |_| ()).unwrap();
    output
}

/// The document of the small model as a folder.
fn from_folder(folder: &Path, form: Form) -> PathBuf {
    let (input, output) = (folder.join("small"), folder.join("folder.ndf"));
    fs::create_dir(&input).unwrap();
    sample::write_folder(&input, form);
    convert(&mut Folder::open(&input).unwrap(), &output, &Options::default(), |_| ()).unwrap();
    output
}

/// A tensor of a document as floats, whatever it is kept as.
fn values(document: &Document<'_>, tensor: &Tensor, name: &str) -> Vec<f32> {
    if let Ok(vector) = document.vector(name) {
        return vector.values().to_vec();
    }
    let matrix = document.matrix(name).unwrap();
    let places = (0..tensor.rows.unwrap()).flat_map(|row| (0..tensor.cols).map(move |col| (row, col)));
    places.map(|(row, col)| matrix.weight(row, col)).collect()
}

/// Every tensor under its name here.
fn named(form: Form) -> impl Iterator<Item = (Tensor, String)> {
    let names = ["embed", "attn_norm", "q", "k", "v", "o", "ffn_norm", "gate", "up", "down", "norm"];
    let ours = |(tensor, name): (Tensor, &str)| {
        let is_block = tensor.gguf.starts_with("blk");
        (tensor, if is_block { format!("blk.0.{name}") } else { name.to_owned() })
    };
    sample::tensors(form).into_iter().zip(names).map(ours)
}

#[test]
fn a_gguf_file_and_a_folder_of_one_model_hold_the_same_tensors_and_numbers() {
    for form in [Form::Floats, Form::Ternary] {
        let folder = tempfile::tempdir().unwrap();
        let opened = [from_gguf(folder.path(), form), from_folder(folder.path(), form)].map(|path| MappedDocument::open(path).unwrap());
        let [gguf, hf] = opened.each_ref().map(MappedDocument::document);
        for (tensor, name) in named(form) {
            assert_eq!(values(&gguf, &tensor, &name), tensor.values, "'{name}' from GGUF");
            assert_eq!(values(&hf, &tensor, &name), tensor.values, "'{name}' from a folder");
        }
        let numbers = |document: &Document<'_>| {
            let other = ["name", "source"];
            document.metadata().iter().filter(|(key, _)| !other.contains(key)).map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&gguf), numbers(&hf));
        assert_eq!(gguf.metadata().get("eos_tokens"), Some("3"));
        assert!(gguf.metadata().get("source").unwrap().starts_with("GGUF file small.gguf, blake3 "));
    }
}

#[test]
fn ternary_weights_arrive_as_one_ternary_stack_with_their_scale() {
    let folder = tempfile::tempdir().unwrap();
    for path in [from_gguf(folder.path(), Form::Ternary), from_folder(folder.path(), Form::Ternary)] {
        let mapped = MappedDocument::open(&path).unwrap();
        let document = mapped.document();
        let matrices: Vec<_> = document.matrices().collect();
        assert_eq!(matrices.len(), 7, "{}", path.display());
        for matrix in matrices {
            assert_eq!((matrix.stacks(), matrix.code(), matrix.scales()), (1, WeightCode::Ternary, &[0.375_f32][..]), "{}", matrix.name());
        }
    }
}

#[test]
fn one_bit_and_two_bit_weights_arrive_exactly_in_no_more_bits_than_they_need() {
    // Blocks of 128 weights with a scale each, and of 64: two scales a row of 256 columns, and four.
    for (kind, block, code) in
        [(Kind::Q1_0, 128, WeightCode::Binary), (Kind::Q2_0, 64, WeightCode::Ternary), (Kind::Q2_0, 64, WeightCode::Asymmetric)]
    {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("bits.gguf");
        let mut file = sample::gguf_without_tensors();
        for tensor in sample::tensors(Form::Floats) {
            let is_code = tensor.rows.is_some() && tensor.gguf.starts_with("blk");
            let (kind, bytes) = if is_code {
                (kind, bits(&tensor.values, kind, block, code))
            } else {
                (Kind::F32, sample::f32_bytes(&sample::paired(&tensor.values, tensor.cols, tensor.heads)))
            };
            file.tensor(&tensor.gguf, tensor.rows, tensor.cols, kind, &bytes);
        }
        fs::write(&input, file.bytes()).unwrap();
        let (mut source, output) = (Gguf::open(&input).unwrap(), folder.path().join("bits.ndf"));
        convert(&mut source, &output, &Options::default(), |_| ()).unwrap();
        let mapped = MappedDocument::open(&output).unwrap();
        let matrix = mapped.document().grid("blk.0.v").unwrap().matrix();
        assert_eq!((matrix.code(), matrix.stacks(), matrix.group().cols()), (code, 1, block), "{kind:?}");
        // v is not a rotated matrix, so its rows stand as they are in the file.
        let stored = file.bytes();
        let opened = GgufFile::open(&input, Cursor::new(&stored[..]));
        let bytes = opened.unwrap().read(&input, "blk.0.attn_v.weight").unwrap();
        let (rows, cols) = (matrix.rows(), matrix.cols());
        let found: Vec<f32> =
            (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))).map(|(row, col)| matrix.weight(row, col)).collect();
        assert_eq!(found, kind.floats(&bytes), "{kind:?}");
        nda_engine::Weights::new(&mapped.document()).unwrap();
    }
}

/// Blocks whose scales differ, with codes that follow from some values: all that the weight code has.
fn bits(values: &[f32], kind: Kind, block: usize, code: WeightCode) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, values) in values.chunks_exact(block).enumerate() {
        bytes.extend(half::f16::from_f32(0.125 + (at % 8) as f32 / 64.0).to_le_bytes());
        let choice = |value: &f32, most: usize| ((value + 0.5) * 255.0) as usize % most;
        if kind == Kind::Q1_0 {
            bytes.extend(values.chunks_exact(8).map(|eight| eight.iter().rev().fold(0, |byte, value| byte << 1 | choice(value, 2) as u8)));
        } else {
            let most = if code == WeightCode::Ternary { 3 } else { 4 };
            bytes.extend(values.chunks_exact(4).map(|four| four.iter().rev().fold(0, |byte, value| byte << 2 | choice(value, most) as u8)));
        }
    }
    bytes
}

#[test]
fn the_tokenizer_splits_and_merges_as_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let mapped = MappedDocument::open(from_gguf(folder.path(), Form::Floats)).unwrap();
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    assert_eq!(weights.tokenizer().encode(b"abba").unwrap(), [2, 1, 0]);
    assert_eq!(weights.tokenizer().encode_with_controls("ab<|im_end|>").unwrap(), [2, 3]);
    assert_eq!(weights.tokenizer().decode(&[2, 1]), b"abb");
}

#[test]
fn progress_ends_with_every_byte_and_nothing_is_left_of_a_conversion_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("small.gguf"), folder.path().join("out.ndf"));
    fs::write(&input, sample::gguf(Form::Floats).bytes()).unwrap();
    fs::write(&output, "the old file").unwrap();
    let mut source = Gguf::open(&input).unwrap();
    let mut steps = Vec::new();
    let no_program = Options { program: Some("fn forward() {}".into()), ..Options::default() };
    let error = convert(&mut source, &output, &no_program, |step: Step<'_>| steps.push((step.done, step.total))).unwrap_err();
    assert!(matches!(error, ConvertError::Model(_)), "{error}");
    assert_eq!(steps.len(), source.description().tensors.len() + 1);
    assert!(steps.windows(2).all(|pair| pair[0].0 < pair[1].0) && steps.last().is_some_and(|(done, total)| done == total));
    // A value that is not a number is found on the way, and a file that has shrunk since it was opened.
    let bytes = sample::gguf(Form::Floats).bytes();
    fs::write(&input, &bytes[..bytes.len() / 2]).unwrap();
    let error = convert(&mut source, &output, &Options::default(), |_| ()).unwrap_err();
    assert!(matches!(error, ConvertError::Io { .. }), "{error}");
    assert_eq!(fs::read_to_string(&output).unwrap(), "the old file");
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["out.ndf", "small.gguf"]);
}

#[test]
fn a_folder_that_is_not_whole_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let lacks = |file: &str, said: &str| {
        let error = Folder::open(folder.path()).unwrap_err();
        assert!(matches!(error, ConvertError::Lacking { .. }) && error.to_string() == format!("the folder has no {file}{said}"), "{error}");
    };
    lacks("config.json", "");
    fs::write(folder.path().join("pytorch_model.bin"), "").unwrap();
    lacks("config.json", ", but it has pytorch_model.bin");
    fs::write(folder.path().join("model-Q4_K_M.gguf"), "").unwrap();
    lacks("config.json", ", but it has model-Q4_K_M.gguf");
    fs::remove_file(folder.path().join("model-Q4_K_M.gguf")).unwrap();
    sample::write_folder(folder.path(), Form::Floats);
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    lacks("model.safetensors", ", but it has pytorch_model.bin");
    fs::remove_file(folder.path().join("pytorch_model.bin")).unwrap();
    lacks("model.safetensors", "");
    fs::write(folder.path().join("model.safetensors"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").unwrap();
    let error = Folder::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("a pointer of Git LFS"), "{error}");
    sample::write_folder(folder.path(), Form::Floats);
    let weights = folder.path().join("model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    for length in [0, 7, 8, 100, bytes.len() - 1] {
        fs::write(&weights, &bytes[..length]).unwrap();
        let error = Folder::open(folder.path()).unwrap_err();
        assert!(matches!(&error, ConvertError::Part { file, .. } if file == "model.safetensors"), "{length} bytes: {error}");
    }
    fs::write(&weights, &bytes).unwrap();
    fs::write(folder.path().join("model.safetensors.index.json"), r#"{"weight_map": {"x": "../../etc/passwd"}}"#).unwrap();
    let error = Folder::open(folder.path()).unwrap_err();
    assert!(matches!(&error, ConvertError::Part { what: "index of tensors", .. }), "{error}");
}

#[test]
fn a_part_of_the_weights_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    sample::write_folder(folder.path(), Form::Floats);
    let name = |part: usize| format!("model-{part:05}-of-00003.safetensors");
    let whole = fs::read(folder.path().join("model.safetensors")).unwrap();
    let header = usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    let tensors: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&whole[8..8 + header]).unwrap();
    // All in the first part; the others have none.
    fs::rename(folder.path().join("model.safetensors"), folder.path().join(name(1))).unwrap();
    let empty = [&2_u64.to_le_bytes()[..], b"{}"].concat();
    fs::write(folder.path().join(name(3)), &empty).unwrap();
    let missing = || match Folder::open(folder.path()).map(|_| ()).unwrap_err() {
        error @ ConvertError::Parts { .. } => format!("{}: {error}", error.place()),
        other => panic!("{other}"),
    };
    assert!(missing().ends_with("model-00002-of-00003.safetensors: this file of the model's weights is missing"), "{}", missing());
    // The same where an index names the files, whatever their names.
    let index = |file: &str| {
        let map: serde_json::Map<_, _> = tensors.keys().map(|tensor| (tensor.clone(), file.into())).collect();
        fs::write(folder.path().join("model.safetensors.index.json"), serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    };
    index("weights.safetensors");
    assert!(missing().ends_with("weights.safetensors: this file of the model's weights is missing"), "{}", missing());
    index(&name(1));
    Folder::open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("model.safetensors.index.json")).unwrap();
    fs::write(folder.path().join(name(2)), &empty).unwrap();
    Folder::open(folder.path()).unwrap();
}

#[test]
fn a_report_compares_forms_and_leaves_the_document_that_a_conversion_alone_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (input, alone, beside) = (folder.path().join("small.gguf"), folder.path().join("alone.ndf"), folder.path().join("beside.ndf"));
    fs::write(&input, sample::gguf(Form::Floats).bytes()).unwrap();
    let calibration = Some(Calibration { text: "abba".repeat(20), max_tokens: 40 });
    let options = Options { weights: Weights::Fitted(Recipe::K2), program: None, calibration, ..Options::default() };
    convert(&mut Gguf::open(&input).unwrap(), &alone, &options, |_| ()).unwrap();
    let k3 = Choice { name: "k3".into(), weights: Weights::Fitted(Recipe::K3) };
    let comparison = Comparison { name: "k2".into(), others: vec![k3], text: "aababbabaa".repeat(9), window: 16 };
    let mut stages = Vec::new();
    let note = |name: &str, step: Step<'_>| stages.push((name.to_owned(), step.stage));
    let report = convert_and_compare(&mut Gguf::open(&input).unwrap(), &beside, &options, &comparison, note).unwrap();
    assert!(fs::read(&alone).unwrap() == fs::read(&beside).unwrap(), "the report changed the document");
    stages.dedup();
    let of = |name: &str, stages: &[Stage]| stages.iter().map(|stage| (name.to_owned(), *stage)).collect::<Vec<_>>();
    let fitted = [Stage::Writing, Stage::Evaluating];
    let own = of("f32", &[Stage::Copying, Stage::Calibrating, Stage::Evaluating]);
    assert_eq!(stages, [own, of("k2", &fitted), of("k3", &fitted)].concat());

    let [source, k2, k3] = report.rows.as_slice() else { panic!("{:?}", report.rows) };
    assert_eq!((source.name.as_str(), k2.name.as_str(), k3.name.as_str()), ("f32", "k2", "k3"));
    assert!(source.errors.is_none() && (32.0..32.1).contains(&source.bits_per_weight), "{source:?}");
    // Two stacks, or three, and a scale for 32 columns; the small embedding of both and its padding count too.
    assert!((4.5..4.7).contains(&k2.bits_per_weight) && (6.5..6.7).contains(&k3.bits_per_weight), "{k2:?}, {k3:?}");
    assert_eq!(k2.document_bytes, fs::metadata(&beside).unwrap().len());
    let [two, three] = [k2, k3].map(|row| row.errors.as_ref().unwrap());
    assert_eq!((two.matrices, three.matrices), (8, 8));
    assert!(three.weights < 0.5 * two.weights && three.outputs < 0.5 * two.outputs, "{two:?}, {three:?}");
    // The same text, window and engine as an evaluation of the document by itself.
    let mapped = MappedDocument::open(&beside).unwrap();
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    let mut gemv = nda_kernels::CpuGemv::new();
    let model = nda_engine::Model::prepare(&weights, &mut gemv).unwrap();
    let tokens = model.tokenizer().encode(comparison.text.as_bytes()).unwrap();
    let found = nda_engine::evaluate(&mut nda_engine::Session::new(&model, &mut gemv), &tokens, 16, |_, _| ()).unwrap();
    assert_eq!(found, k2.evaluation);

    let short = Comparison { text: "a".into(), ..comparison };
    let error = convert_and_compare(&mut Gguf::open(&input).unwrap(), &folder.path().join("none.ndf"), &options, &short, |_, _| ());
    assert!(matches!(error, Err(ConvertError::Model(_))));
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["alone.ndf", "beside.ndf", "small.gguf"]);
}

/// Byte pairs over `e`, the bytes of an acute accent (U+0301) and those of `é`, cut by a rule.
fn accents(rule: &str) -> nda_engine::Tokenizer {
    let mut file = sample::GgufBytes::default();
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", rule);
    // GPT-2's alphabet for the bytes 65, cc 81 and c3 a9.
    file.texts("tokenizer.ggml.tokens", &["e", "\u{cc}", "\u{123}", "\u{c3}", "\u{a9}", "\u{c3}\u{a9}"]);
    file.texts("tokenizer.ggml.merges", &["\u{c3} \u{a9}"]);
    file.flag("tokenizer.ggml.add_bos_token", false);
    let file = GgufFile::open(Path::new("accents.gguf"), Cursor::new(file.bytes())).unwrap();
    nda_engine::Tokenizer::new(&nda_ndf::Tokenizer::Json(tokenizer_json(file.keys()).unwrap().unwrap())).unwrap()
}

#[test]
fn qwen_composes_its_text_and_others_do_not() {
    let (apart, composed) = ("e\u{301}", "\u{e9}");
    let qwen = accents("qwen2");
    assert_eq!([apart, composed].map(|text| qwen.encode(text.as_bytes()).unwrap()), [[5], [5]]);
    let gpt2 = accents("gpt-2");
    assert_eq!((gpt2.encode(apart.as_bytes()).unwrap(), gpt2.encode(composed.as_bytes()).unwrap()), (vec![0, 1, 2], vec![5]));
}
