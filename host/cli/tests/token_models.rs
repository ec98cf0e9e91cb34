//! Whole tokens of three architectures, each a document with random weights: one binary, one board.

use nda_engine::{BITNET, EMBEDDING, FINAL_NORM, HEAD, LLAMA, Weights, block_tensor, calibrate_cache, gemma3};
use nda_kernels::CpuGemv;
use nda_ndf::{
    AlignedBytes, Document, DocumentWriter, Granularity, MatrixContent, Outliers, TileBuffer, Tokenizer, VectorContent, VectorShape,
};
use nda_spec::WeightCode;
use nda_spec::random::Random;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const WIDTH: usize = 64;
const FF: usize = 96;
const LAYERS: usize = 2;
/// Those that an image of token1024 has: heads are wired.
const HEADS: usize = 4;
const HEAD_DIM: usize = 32;
/// Shorter than the texts.
const RING: u32 = 40;

/// What makes a model another one: its program, its metadata and its norms beside a Llama's.
struct Architecture {
    name: &'static str,
    program: String,
    metadata: &'static [(&'static str, &'static str)],
    norms: &'static [(&'static str, usize)],
    code: WeightCode,
}

fn architectures() -> [Architecture; 3] {
    let gemma: &[(&str, usize)] = &[("q_norm", HEAD_DIM), ("k_norm", HEAD_DIM), ("attn_post_norm", WIDTH), ("ffn_post_norm", WIDTH)];
    let bitnet: &[(&str, usize)] = &[("attn_sub_norm", HEADS * HEAD_DIM), ("ffn_sub_norm", FF)];
    [
        Architecture { name: "llama", program: LLAMA.into(), metadata: &[], norms: &[], code: WeightCode::Quaternary },
        Architecture {
            name: "gemma3",
            program: gemma3(&[]),
            metadata: &[("rope_theta_local", "1000"), ("sliding_window", "8"), ("sliding_pattern", "2"), ("attention_scale", "0.25")],
            norms: gemma,
            code: WeightCode::Quaternary,
        },
        Architecture {
            name: "bitnet",
            program: BITNET.into(),
            metadata: &[("squared_relu", "1")],
            norms: bitnet,
            code: WeightCode::Ternary,
        },
    ]
}

/// Heads of keys and values, as the image has them.
fn kv_heads() -> usize {
    nda_spec::Config::named("token1024").unwrap().token.unwrap().kv_width / HEAD_DIM
}

/// A number around 0 of about unit spread.
fn unit(random: &mut Random) -> f32 {
    ((random.unit() + random.unit() + random.unit()) * 2.0 - 3.0) as f32
}

fn vector(writer: &mut DocumentWriter, random: &mut Random, name: &str, len: usize) {
    let values: Vec<f32> = (0..len).map(|_| 1.0 + 0.3 * unit(random)).collect();
    writer.add_vector(&VectorContent { name, shape: VectorShape::Vector(len), values: &values }).unwrap();
}

fn matrix(writer: &mut DocumentWriter, random: &mut Random, code: WeightCode, name: &str, (rows, cols): (usize, usize)) {
    let values = code.values();
    let drawn: Vec<i8> = (0..rows * cols).map(|_| values[random.below(values.len())]).collect();
    let tiles = TileBuffer::from_values(rows, cols, code, &drawn).unwrap();
    let scales: Vec<f32> = (0..rows).map(|_| (0.3 + random.unit() as f32) / (cols as f32).sqrt()).collect();
    let outliers = Outliers { rows: &[], cols: &[], values: &[] };
    let stacks = [tiles.matrix()];
    writer.add_matrix(&MatrixContent { name, granularity: Granularity::Row, scales: &scales, stacks: &stacks, outliers }).unwrap();
}

fn writer(of: &Architecture) -> DocumentWriter {
    let mut random = Random::new(31);
    let mut writer = DocumentWriter::new();
    let numbers = [
        ("d_model", WIDTH),
        ("n_layers", LAYERS),
        ("n_heads", HEADS),
        ("n_kv_heads", kv_heads()),
        ("head_dim", HEAD_DIM),
        ("ff", FF),
        ("context", 64),
    ];
    let texts = [("architecture", "llama"), ("vocab", "bytes"), ("rope_theta", "10000"), ("rms_eps", "1e-5"), ("activation", "A8")];
    numbers.iter().for_each(|(key, value)| writer.metadata().set(*key, value.to_string()));
    texts.iter().chain(of.metadata).for_each(|(key, value)| writer.metadata().set(*key, *value));
    writer.set_tokenizer(Tokenizer::Bytes).unwrap();
    writer.set_program(of.program.clone());
    let table: Vec<f32> = (0..256 * WIDTH).map(|_| 0.3 * unit(&mut random)).collect();
    writer.add_vector(&VectorContent { name: EMBEDDING, shape: VectorShape::Table { rows: 256, cols: WIDTH }, values: &table }).unwrap();
    for block in 0..LAYERS {
        let norms = [("attn_norm", WIDTH), ("ffn_norm", WIDTH)];
        norms.iter().chain(of.norms).for_each(|(norm, len)| vector(&mut writer, &mut random, &block_tensor(block, norm), *len));
        let (all, kept) = (HEADS * HEAD_DIM, kv_heads() * HEAD_DIM);
        for (part, shape) in [
            ("q", (all, WIDTH)),
            ("k", (kept, WIDTH)),
            ("v", (kept, WIDTH)),
            ("o", (WIDTH, all)),
            ("gate", (FF, WIDTH)),
            ("up", (FF, WIDTH)),
            ("down", (WIDTH, FF)),
        ] {
            matrix(&mut writer, &mut random, of.code, &block_tensor(block, part), shape);
        }
    }
    vector(&mut writer, &mut random, FINAL_NORM, WIDTH);
    matrix(&mut writer, &mut random, of.code, HEAD, (256, WIDTH));
    writer
}

/// The document, with the form of its cache found on a text.
fn document(of: &Architecture) -> Vec<u8> {
    let plain = writer(of).finish().unwrap();
    let bytes = AlignedBytes::from(plain.as_slice());
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap_or_else(|error| panic!("{}: {error}", of.name));
    let text: Vec<u32> = (0..60).map(|i| i * 37 % 256).collect();
    let kv = calibrate_cache(&weights, &mut CpuGemv::new(), &text, RING).unwrap();
    let mut writer = writer(of);
    writer.set_kv(kv).unwrap();
    writer.finish().unwrap()
}

fn tokens(model: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_nda"))
        .args(["run", model.to_str().unwrap(), "--prompt", "She was not the first", "--max-tokens", "48", "--json"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whose tokens are those of the CPU, greedy and drawn.
fn agree(board: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = Vec::new();
    for architecture in &architectures() {
        let path = folder.path().join(format!("{}.ndf", architecture.name));
        std::fs::write(&path, document(architecture)).unwrap();
        for sampling in [&["--temperature", "0"][..], &["--temperature", "0.8", "--seed", "3"]] {
            let cpu = tokens(&path, &[sampling, &["--offload", "token"]].concat());
            let found = tokens(&path, &[sampling, &["--backend", board]].concat());
            assert!(found["backend"].as_str().unwrap().ends_with("whole tokens"), "{}: {}", architecture.name, found["backend"]);
            assert_eq!(found["tokens"], cpu["tokens"], "{}: {sampling:?}", architecture.name);
            assert_eq!(found["work"]["cpu"]["products"], 0, "{}", found["work"]);
            texts.push(cpu["tokens"].clone());
        }
    }
    texts.sort_by_key(Value::to_string);
    texts.dedup();
    assert_eq!(texts.len(), 6, "they are different models, and drawing is not taking the likeliest");
}

#[test]
fn three_architectures_have_the_cpus_tokens_on_the_model_of_one_board() {
    agree("loopback:token1024");
}

#[cfg(feature = "configurations")]
#[test]
fn three_architectures_have_the_cpus_tokens_on_one_emitted_board() {
    agree("sim:token1024");
}
