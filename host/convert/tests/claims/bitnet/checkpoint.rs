//! One small BitNet with the same weights in every published packing.

use crate::sample::{GgufBytes, f32_bytes};
use nda_convert::gguf::{GgufFile, Kind, tokenizer_json};
use nda_convert::{Folder, Gguf, Options, Source, convert};
use nda_spec::random::Random;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

pub const D: usize = 256;
pub const HEADS: usize = 4;
pub const KEY_HEADS: usize = 2;
pub const HEAD_DIM: usize = 64;
const FF: usize = 512;
pub const LAYERS: usize = 2;
pub const THETA: f64 = 10_000.0;
pub const EPS: f64 = 1e-5;
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";

/// A tensor: floats that bf16 holds exactly, or codes with a scale.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub gguf: String,
    pub folder: String,
    pub rows: Option<usize>,
    pub cols: usize,
    pub floats: Vec<f32>,
    /// -1, 0, 1; empty of floats.
    pub codes: Vec<i8>,
    pub scale: f32,
}

/// Names here, in GGUF and in a folder; rows and columns of a block's matrix, columns alone of a norm.
const PARTS: [(&str, &str, &str, Option<usize>, usize); 11] = [
    ("attn_norm", "attn_norm", "input_layernorm", None, D),
    ("q", "attn_q", "self_attn.q_proj", Some(HEADS * HEAD_DIM), D),
    ("k", "attn_k", "self_attn.k_proj", Some(KEY_HEADS * HEAD_DIM), D),
    ("v", "attn_v", "self_attn.v_proj", Some(KEY_HEADS * HEAD_DIM), D),
    ("attn_sub_norm", "attn_sub_norm", "self_attn.attn_sub_norm", None, D),
    ("o", "attn_output", "self_attn.o_proj", Some(D), HEADS * HEAD_DIM),
    ("ffn_norm", "ffn_norm", "post_attention_layernorm", None, D),
    ("gate", "ffn_gate", "mlp.gate_proj", Some(FF), D),
    ("up", "ffn_up", "mlp.up_proj", Some(FF), D),
    ("ffn_sub_norm", "ffn_sub_norm", "mlp.ffn_sub_norm", None, FF),
    ("down", "ffn_down", "mlp.down_proj", Some(D), FF),
];

fn vocabulary() -> Vec<String> {
    LETTERS.chars().map(String::from).chain(["ab".into(), "<|im_end|>".into()]).collect()
}

/// The checkpoint. Scales are powers of two, different from matrix to matrix, so that every packing holds them and their
/// inverses exactly.
pub fn checkpoint() -> Vec<Tensor> {
    let mut random = Random::new(2024);
    let mut float = |around: f32| around + half::bf16::from_f32(random.unit() as f32 - 0.5).to_f32();
    let mut of_floats = |name: &str, gguf: &str, folder: &str, rows: Option<usize>, cols: usize, around: f32| Tensor {
        name: name.into(),
        gguf: format!("{gguf}.weight"),
        folder: format!("{folder}.weight"),
        rows,
        cols,
        floats: (0..rows.unwrap_or(1) * cols).map(|_| half::bf16::from_f32(float(around)).to_f32()).collect(),
        codes: Vec::new(),
        scale: 1.0,
    };
    let mut codes = Random::new(1958);
    let mut tensors = vec![of_floats("embed", "token_embd", "model.embed_tokens", Some(vocabulary().len()), D, 0.0)];
    for block in 0..LAYERS {
        for (at, (name, gguf, folder, rows, cols)) in PARTS.into_iter().enumerate() {
            let (name, gguf, folder) =
                (format!("blk.{block}.{name}"), format!("blk.{block}.{gguf}"), format!("model.layers.{block}.{folder}"));
            let mut tensor = of_floats(&name, &gguf, &folder, rows, cols, 1.0);
            if rows.is_some() {
                tensor.floats.clear();
                tensor.codes = (0..rows.unwrap_or(1) * cols).map(|_| codes.below(3) as i8 - 1).collect();
                tensor.scale = [0.125, 0.0625, 0.03125][(at + block) % 3];
            }
            tensors.push(tensor);
        }
    }
    tensors.push(of_floats("norm", "output_norm", "model.norm", None, D, 1.0));
    tensors
}

/// How a checkpoint is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Four codes a byte, and the scale (`autobitlinear`, offline).
    Multiplied,
    /// Four codes a byte, and the scale's inverse (`bitlinear`).
    Divided,
    /// Codes as bf16, and the scale.
    Unpacked,
    /// bf16 around the levels, made ternary before every product (`autobitlinear`, online).
    Online,
    /// The same with the names and the config of the models of 2024.
    OnlineOf2024,
}

/// Four codes a byte: the lowest bits are the first quarter of the rows.
fn packed(tensor: &Tensor, rows: usize) -> (Vec<usize>, Vec<u8>) {
    let quarter = rows / 4 * tensor.cols;
    let byte = |at: usize| (0..4).map(|part| ((tensor.codes[part * quarter + at] + 1) as u8) << (2 * part)).sum();
    (vec![rows / 4, tensor.cols], (0..quarter).map(byte).collect())
}

fn bf16_bytes(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values.flat_map(|value| half::bf16::from_f32(value).to_le_bytes()).collect()
}

/// Master weights: every code times 0.04, and up to a quarter of that beside it.
pub fn masters(tensor: &Tensor) -> Vec<f32> {
    let mut random = Random::new(tensor.codes.len() as u64);
    let near = |code: &i8| half::bf16::from_f32(f32::from(*code) * 0.04 + (random.unit() as f32 - 0.5) * 0.02).to_f32();
    tensor.codes.iter().map(near).collect()
}

fn config(packing: Packing, activation: &str) -> Value {
    let mut config = json!({"model_type": "bitnet", "hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS,
        "num_hidden_layers": LAYERS, "intermediate_size": FF, "vocab_size": vocabulary().len(), "max_position_embeddings": 32,
        "rms_norm_eps": EPS, "rope_theta": THETA, "tie_word_embeddings": true, "hidden_act": activation});
    let (class, mode) = match packing {
        Packing::Multiplied | Packing::Unpacked => ("autobitlinear", "offline"),
        Packing::Divided => ("bitlinear", "offline"),
        Packing::Online => ("autobitlinear", "online"),
        Packing::OnlineOf2024 => {
            config["model_type"] = "llama".into();
            config["architectures"] = json!(["BitnetForCausalLM"]);
            config["weight_bits"] = 1.into();
            return config;
        }
    };
    config["quantization_config"] = json!({"quant_method": "bitnet", "linear_class": class, "quantization_mode": mode});
    config
}

/// Writes the checkpoint as a Hugging Face folder and gives its document.
pub fn from_folder(root: &Path, packing: Packing, activation: &str) -> PathBuf {
    let folder = root.join(format!("{packing:?}-{activation}"));
    fs::create_dir(&folder).unwrap();
    let mut stored: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for tensor in checkpoint() {
        let shape: Vec<usize> = tensor.rows.into_iter().chain([tensor.cols]).collect();
        let mut name = tensor.folder.clone();
        if packing == Packing::OnlineOf2024 {
            name = name.replace("attn_sub_norm", "inner_attn_ln").replace("ffn_sub_norm", "ffn_layernorm");
        }
        let (dtype, shape, bytes) = match packing {
            _ if tensor.codes.is_empty() => (Dtype::BF16, shape, bf16_bytes(tensor.floats.iter().copied())),
            Packing::Multiplied | Packing::Divided => {
                let (shape, bytes) = packed(&tensor, tensor.rows.unwrap());
                (Dtype::U8, shape, bytes)
            }
            Packing::Unpacked => (Dtype::BF16, shape, bf16_bytes(tensor.codes.iter().map(|code| f32::from(*code)))),
            Packing::Online | Packing::OnlineOf2024 => (Dtype::BF16, shape, bf16_bytes(masters(&tensor).into_iter())),
        };
        let scale = match packing {
            Packing::Multiplied | Packing::Unpacked => Some(tensor.scale),
            Packing::Divided => Some(1.0 / tensor.scale),
            Packing::Online | Packing::OnlineOf2024 => None,
        };
        if let Some(scale) = scale.filter(|_| !tensor.codes.is_empty()) {
            stored.insert(format!("{name}_scale"), (Dtype::BF16, vec![1], bf16_bytes([scale].into_iter())));
        }
        stored.insert(name, (dtype, shape, bytes));
    }
    let views = stored.iter().map(|(name, (dtype, shape, bytes))| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    fs::write(folder.join("config.json"), config(packing, activation).to_string()).unwrap();
    let file = GgufFile::open(&folder, Cursor::new(gguf("bitnet", Kind::Tq2_0).bytes())).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer_json(file.keys()).unwrap().unwrap()).unwrap();
    document(&mut Folder::open(&folder).unwrap(), &folder.with_extension("ndf"))
}

/// Codes as GGUF keeps them: TQ2_0 has a scale every 256 weights and the first of them in the lowest bits, bitnet.cpp's I2_S one
/// scale behind the last and the first weights in the highest bits.
fn gguf_bytes(tensor: &Tensor, kind: Kind) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (block, lowest_first) = if kind == Kind::Tq2_0 { (256, true) } else { (128, false) };
    for codes in tensor.codes.chunks_exact(block) {
        for part in codes.chunks_exact(128) {
            let shift = |quarter: usize| if lowest_first { 2 * quarter } else { 6 - 2 * quarter };
            let byte = |at: usize| (0..4).map(|quarter| ((part[quarter * 32 + at] + 1) as u8) << shift(quarter)).sum::<u8>();
            bytes.extend((0..32).map(byte));
        }
        if kind == Kind::Tq2_0 {
            bytes.extend(half::f16::from_f32(tensor.scale).to_le_bytes());
        }
    }
    if kind == Kind::I2S {
        bytes.extend(tensor.scale.to_le_bytes());
        bytes.extend([0; 28]);
    }
    bytes
}

pub fn gguf(architecture: &str, kind: Kind) -> GgufBytes {
    let mut file = GgufBytes::default();
    file.text("general.architecture", architecture);
    let counts = [
        ("block_count", LAYERS),
        ("context_length", 32),
        ("embedding_length", D),
        ("feed_forward_length", FF),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KEY_HEADS),
    ];
    counts.iter().for_each(|(key, count)| file.number(&format!("{architecture}.{key}"), *count as u32));
    file.float(&format!("{architecture}.attention.layer_norm_rms_epsilon"), EPS as f32);
    file.float(&format!("{architecture}.rope.freq_base"), THETA as f32);
    let tokens = vocabulary();
    let mut kinds = vec![1; tokens.len()];
    kinds[tokens.len() - 1] = 3;
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "gpt-2");
    file.texts("tokenizer.ggml.tokens", &tokens.iter().map(String::as_str).collect::<Vec<_>>());
    file.numbers("tokenizer.ggml.token_type", &kinds);
    file.texts("tokenizer.ggml.merges", &["a b"]);
    for tensor in checkpoint() {
        let (kind, bytes) = match (tensor.codes.is_empty(), kind) {
            (true, _) => (Kind::F32, f32_bytes(&tensor.floats)),
            (false, Kind::F32) => (kind, f32_bytes(&masters(&tensor))),
            (false, _) => (kind, gguf_bytes(&tensor, kind)),
        };
        file.tensor(&tensor.gguf, tensor.rows, tensor.cols, kind, &bytes);
    }
    file
}

pub fn from_gguf(root: &Path, architecture: &str, kind: Kind) -> PathBuf {
    let input = root.join(format!("{architecture}-{kind:?}.gguf"));
    fs::write(&input, gguf(architecture, kind).bytes()).unwrap();
    document(&mut Gguf::open(&input).unwrap(), &input.with_extension("ndf"))
}

pub fn document(source: &mut dyn Source, output: &Path) -> PathBuf {
    convert(source, output, &Options::default(), |_| ()).unwrap();
    output.into()
}
