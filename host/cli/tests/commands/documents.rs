//! Files in and out: documents, the articles' matrices, NumPy's arrays, a trained model.

use super::source::{model, write_safetensors};
use super::{bad, good, json, path};
use nda_spec::{WeightCode, golden, tile};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn changed_missing_and_trailing_bytes_are_located() {
    let (folder, model) = model();
    assert!(good(&["check", &model]).starts_with("good: "));
    let bytes = fs::read(&model).unwrap();
    let broken = path(&folder, "broken.ndf");
    for (what, changed) in [
        ("frame", {
            let mut b = bytes.clone();
            let at = b.len() / 2;
            b[at] ^= 4;
            b
        }),
        ("byte", bytes[..bytes.len() - 64].to_vec()),
        ("byte", [&bytes[..], &[0; 64]].concat()),
        ("header", {
            let mut b = bytes.clone();
            b[9] ^= 1;
            b
        }),
    ] {
        fs::write(&broken, changed).unwrap();
        let said = bad(3, &["check", &broken]);
        assert!(said.lines().nth(1).unwrap().contains(what), "{said}");
        bad(3, &["run", &broken, "--prompt", "a"]);
    }
    let info = json(&["info", &model, "--json"]);
    assert_eq!(info["metadata"]["d_model"], "32");
    assert!(good(&["info", &model]).contains("blk.1.down"));
}

#[test]
fn article_matrices_survive_both_ways_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (article, document, back) = (path(&folder, "m.nda"), path(&folder, "m.ndf"), path(&folder, "back.nda"));
    for (code, rows, cols) in [(WeightCode::Ternary, 3, 7), (WeightCode::Quaternary, 9, 65), (WeightCode::Quaternary, 32, 64)] {
        fs::write(&article, article_bytes(code, rows, cols)).unwrap();
        good(&["convert", &article, &document, "--tensor", "w"]);
        good(&["check", &document]);
        good(&["convert", &document, &back]);
        assert_eq!(fs::read(&back).unwrap(), fs::read(&article).unwrap(), "{code:?} {rows} x {cols}");
    }
    assert!(json(&["info", &article, "--json"])["rows"] == 32);
    let mut broken = fs::read(&article).unwrap();
    broken.push(0);
    fs::write(&article, broken).unwrap();
    bad(3, &["check", &article]);
}

fn weights_of(code: WeightCode, rows: usize, cols: usize) -> Vec<i8> {
    (0..rows * cols).map(|i| code.values()[(i * 7 + i / 3) % code.values().len()]).collect()
}

fn article_bytes(code: WeightCode, rows: usize, cols: usize) -> Vec<u8> {
    let words = tile::pack(rows, cols, code, &weights_of(code, rows, cols)).unwrap();
    let matrix = nda_spec::TileMatrix::new(rows, cols, code, &words).unwrap();
    nda_ndf::LegacyMatrix::from_tiles(matrix, 0.5).unwrap().to_bytes()
}

/// A NumPy file by hand: one header, then the values.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn gemv_writes_exact_integers_from_article_files_and_from_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, cols, code) = (37, 67, WeightCode::Quaternary);
    let (article, document, input, output) =
        (path(&folder, "m.bin"), path(&folder, "m.ndf"), path(&folder, "x.npy"), path(&folder, "y.npy"));
    fs::write(&article, article_bytes(code, rows, cols)).unwrap();
    good(&["convert", &article, &document, "--tensor", "w"]);
    let x: Vec<i8> = (0..cols).map(|i| (i * 53 % 256) as u8 as i8).collect();
    fs::write(&input, npy("|i1", "(67,)", &x.iter().map(|v| *v as u8).collect::<Vec<_>>())).unwrap();
    let expected: Vec<u8> = golden::gemv(rows, cols, &weights_of(code, rows, cols), &x).iter().flat_map(|v| v.to_le_bytes()).collect();
    for weights in [article.clone(), document.clone(), format!("{document}:w")] {
        for backend in ["cpu", "cpu:portable", "loopback", "loopback:nano16"] {
            good(&["gemv", "--weights", &weights, "--input", &input, "--output", &output, "--backend", backend]);
            assert_eq!(fs::read(&output).unwrap(), npy("<i4", "(37,)", &expected), "{weights} on {backend}");
        }
    }
    let gemv = |weights: &str| {
        ["gemv".to_string(), "--weights".into(), weights.into(), "--input".into(), input.clone(), "--output".into(), output.clone()]
    };
    let call = |weights: &str| gemv(weights).iter().map(String::as_str).map(String::from).collect::<Vec<_>>();
    let fails = |code: i32, weights: &str| {
        let arguments = call(weights);
        bad(code, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    fails(2, &format!("{document}:nothing"));
    fails(2, &format!("{article}:w"));
    fails(3, "nowhere.ndf");
    for (dtype, shape, data, said) in [
        ("<f4", "(67,)", vec![0; 268], "dtype is '<f4'"),
        ("|i1", "(67, 1)", vec![0; 67], "one dimension"),
        ("|i1", "(66,)", vec![0; 66], "66 values"),
        ("|i1", "(67,)", vec![0; 66], "ends after"),
    ] {
        fs::write(&input, npy(dtype, shape, &data)).unwrap();
        let message = fails(3, &article);
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn what_is_not_a_complete_model_is_not_converted() {
    let folder = tempfile::tempdir().unwrap();
    let (source, document) = (path(&folder, "m.safetensors"), path(&folder, "m.ndf"));
    write_safetensors(&source);
    let bytes = fs::read(&source).unwrap();
    let replace = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&source, changed).unwrap();
    };
    for (from, to) in
        [("layers.1.mlp.up_proj.code", "layers.1.mlp.xx_proj.code"), ("\"d_model\":\"32\"", "\"d_model\":\"64\""), ("\"ff\"", "\"gg\"")]
    {
        replace(from, to);
        bad(3, &["convert", &source, &document]);
        assert!(!Path::new(&document).exists(), "nothing is written after {from} -> {to}");
    }
    fs::write(&source, &bytes[..bytes.len() - 1]).unwrap();
    bad(3, &["convert", &source, &document]);
}

/// The trained model against its own training: `models/reference.json` was computed without this engine.
#[test]
fn the_trained_model_gives_the_references_logits_and_text() {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let (source, reference) = (models.join("tiny.safetensors"), models.join("reference.json"));
    let folder = tempfile::tempdir().unwrap();
    let model = path(&folder, "tiny.ndf");
    good(&["convert", source.to_str().unwrap(), &model]);
    // The document is generated; it may be in the repository only as long as it is what the converter writes.
    assert!(
        fs::read(&model).unwrap() == fs::read(models.join("tiny.ndf")).unwrap(),
        "convert models/tiny.safetensors to models/tiny.ndf again"
    );
    let reference: Value = serde_json::from_slice(&fs::read(reference).unwrap()).unwrap();
    for prompt in reference["prompts"].as_array().unwrap() {
        let said = prompt["prompt_text"].as_str().unwrap();
        let greedy = prompt["greedy"].as_array().unwrap();
        let found = json(&["run", &model, "--prompt", said, "--kv", "f32", "--max-tokens", &greedy.len().to_string(), "--json"]);
        assert_eq!(found["tokens"].as_array().unwrap(), greedy, "{said}");
        let expected: Vec<f64> = prompt["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let logits = logits(&model, said.as_bytes());
        let worst = logits.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        // Sums in another order may move one activation by one code; the reference allows itself as much against PyTorch.
        assert!(worst < 0.25, "{said}: logits differ by {worst}");
    }
}

fn logits(model: &str, text: &[u8]) -> Vec<f32> {
    let mapped = nda_ndf::MappedDocument::open(model).unwrap();
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    let mut gemv = nda_kernels::CpuGemv::new();
    let model = nda_engine::Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = nda_engine::Session::new(&model, &mut gemv);
    let (last, before) = text.split_last().unwrap();
    before.iter().for_each(|&b| session.feed(b.into()).unwrap());
    session.predict((*last).into()).unwrap().to_vec()
}
