//! A small model, written as a GGUF file and as a Hugging Face folder.

use nda_convert::gguf::{GgufFile, Kind, tokenizer_json};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Bytes of a GGUF file under construction.
#[derive(Default)]
pub struct GgufBytes {
    keys: Vec<u8>,
    key_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
    data: Vec<u8>,
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl GgufBytes {
    fn key(&mut self, key: &str, kind: u32) -> &mut Vec<u8> {
        self.key_count += 1;
        text(&mut self.keys, key);
        self.keys.extend(kind.to_le_bytes());
        &mut self.keys
    }

    pub fn number(&mut self, key: &str, value: u32) {
        self.key(key, 4).extend(value.to_le_bytes());
    }

    pub fn float(&mut self, key: &str, value: f32) {
        self.key(key, 6).extend(value.to_le_bytes());
    }

    pub fn flag(&mut self, key: &str, value: bool) {
        self.key(key, 7).push(value.into());
    }

    pub fn text(&mut self, key: &str, value: &str) {
        text(self.key(key, 8), value);
    }

    pub fn texts(&mut self, key: &str, values: &[&str]) {
        let bytes = self.key(key, 9);
        bytes.extend(8_u32.to_le_bytes());
        bytes.extend((values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| text(bytes, value));
    }

    pub fn numbers(&mut self, key: &str, values: &[i32]) {
        let bytes = self.key(key, 9);
        bytes.extend(5_u32.to_le_bytes());
        bytes.extend((values.len() as u64).to_le_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    pub fn floats(&mut self, key: &str, values: &[f32]) {
        let bytes = self.key(key, 9);
        bytes.extend(6_u32.to_le_bytes());
        bytes.extend((values.len() as u64).to_le_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// A tensor of rows and columns; a vector has no rows.
    pub fn tensor(&mut self, name: &str, rows: Option<usize>, cols: usize, kind: Kind, bytes: &[u8]) {
        self.tensor_count += 1;
        text(&mut self.tensors, name);
        let dimensions: Vec<u64> = [Some(cols), rows].into_iter().flatten().map(|extent| extent as u64).collect();
        self.tensors.extend((dimensions.len() as u32).to_le_bytes());
        self.tensors.extend(dimensions.iter().flat_map(|extent| extent.to_le_bytes()));
        self.tensors.extend(kind.number().to_le_bytes());
        self.tensors.extend((self.data.len() as u64).to_le_bytes());
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(32), 0);
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(self.tensor_count.to_le_bytes());
        bytes.extend(self.key_count.to_le_bytes());
        bytes.extend(&self.keys);
        bytes.extend(&self.tensors);
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }
}

/// Counts of the small model.
pub const D_MODEL: usize = 256;
pub const N_HEADS: usize = 4;
pub const N_KV_HEADS: usize = 2;
pub const HEAD_DIM: usize = 64;
pub const FF: usize = 256;
/// Its tokens: `a`, `b`, `ab` and an end.
pub const TOKENS: [&str; 4] = ["a", "b", "ab", "<|im_end|>"];

/// A tensor of the small model: its names in GGUF and in a folder, its shape, and its values as both formats should give them.
pub struct Tensor {
    pub gguf: String,
    pub folder: String,
    pub rows: Option<usize>,
    pub cols: usize,
    pub values: Vec<f32>,
    /// Heads whose rows GGUF keeps in pairs.
    pub heads: usize,
}

/// How the small model's matrices are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All as floats.
    Floats,
    /// Those of the block as ternary codes, with 0.375 for a scale.
    Ternary,
}

impl Form {
    /// Whether a tensor is codes in this form.
    fn is_code(self, gguf: &str, rows: Option<usize>) -> bool {
        self == Form::Ternary && gguf.starts_with("blk") && rows.is_some()
    }
}

/// The tensors of the small Llama, one block; every value differs from its neighbours.
pub fn tensors(form: Form) -> Vec<Tensor> {
    let (q, kv) = (Some(N_HEADS * HEAD_DIM), Some(N_KV_HEADS * HEAD_DIM));
    let rows = [
        ("token_embd", "model.embed_tokens", Some(TOKENS.len()), D_MODEL, 0),
        ("blk.0.attn_norm", "model.layers.0.input_layernorm", None, D_MODEL, 0),
        ("blk.0.attn_q", "model.layers.0.self_attn.q_proj", q, D_MODEL, N_HEADS),
        ("blk.0.attn_k", "model.layers.0.self_attn.k_proj", kv, D_MODEL, N_KV_HEADS),
        ("blk.0.attn_v", "model.layers.0.self_attn.v_proj", kv, D_MODEL, 0),
        ("blk.0.attn_output", "model.layers.0.self_attn.o_proj", Some(D_MODEL), N_HEADS * HEAD_DIM, 0),
        ("blk.0.ffn_norm", "model.layers.0.post_attention_layernorm", None, D_MODEL, 0),
        ("blk.0.ffn_gate", "model.layers.0.mlp.gate_proj", Some(FF), D_MODEL, 0),
        ("blk.0.ffn_up", "model.layers.0.mlp.up_proj", Some(FF), D_MODEL, 0),
        ("blk.0.ffn_down", "model.layers.0.mlp.down_proj", Some(D_MODEL), FF, 0),
        ("output_norm", "model.norm", None, D_MODEL, 0),
    ];
    let tensor = |(at, (gguf, folder, rows, cols, heads)): (usize, (&str, &str, Option<usize>, usize, usize))| {
        let count = rows.unwrap_or(1) * cols;
        let is_code = form.is_code(gguf, rows);
        // Multiples of 1/256 below 1: every format holds them exactly, bf16 too.
        let value = |i: usize| {
            let mixed = (i * 2_654_435_761 + at * 40_503) >> 7;
            if is_code { 0.375 * ((mixed % 3) as f32 - 1.0) } else { (mixed % 255) as f32 / 256.0 - 0.5 }
        };
        let name = |stem: &str| format!("{stem}.weight");
        Tensor { gguf: name(gguf), folder: name(folder), rows, cols, values: (0..count).map(value).collect(), heads }
    };
    rows.into_iter().enumerate().map(tensor).collect()
}

/// Rows in GGUF's order: the two of every rotated pair side by side.
pub fn paired(values: &[f32], cols: usize, heads: usize) -> Vec<f32> {
    if heads == 0 {
        return values.to_vec();
    }
    let head_dim = values.len() / cols / heads;
    let row = |head: usize, row: usize| (row % 2 * head_dim / 2 + row / 2 + head * head_dim) * cols;
    let rows = (0..heads).flat_map(|head| (0..head_dim).map(move |at| row(head, at)));
    rows.flat_map(|start| values[start..start + cols].to_vec()).collect()
}

pub fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// TQ2_0 blocks of values that are -0.375, 0 or 0.375.
pub fn tq2_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in values.chunks_exact(256) {
        let mut packed = [0_u8; 64];
        for (at, value) in block.iter().enumerate() {
            let code = (value / 0.375 + 1.0) as u8;
            packed[at / 128 * 32 + at % 32] |= code << (at % 128 / 32 * 2);
        }
        bytes.extend(packed);
        bytes.extend(half::f16::from_f32(0.375).to_le_bytes());
    }
    bytes
}

/// The small Llama as a GGUF file.
pub fn gguf(form: Form) -> GgufBytes {
    let mut file = gguf_without_tensors();
    for tensor in tensors(form) {
        let values = paired(&tensor.values, tensor.cols, tensor.heads);
        let is_code = form.is_code(&tensor.gguf, tensor.rows);
        let (kind, bytes) = if is_code { (Kind::Tq2_0, tq2_bytes(&values)) } else { (Kind::F32, f32_bytes(&values)) };
        file.tensor(&tensor.gguf, tensor.rows, tensor.cols, kind, &bytes);
    }
    file
}

/// Its keys.
pub fn gguf_without_tensors() -> GgufBytes {
    let mut file = GgufBytes::default();
    file.text("general.architecture", "llama");
    file.text("general.name", "small");
    let counts = [
        ("block_count", 1),
        ("context_length", 32),
        ("embedding_length", D_MODEL),
        ("feed_forward_length", FF),
        ("attention.head_count", N_HEADS),
        ("attention.head_count_kv", N_KV_HEADS),
    ];
    counts.iter().for_each(|(key, count)| file.number(&format!("llama.{key}"), *count as u32));
    file.float("llama.attention.layer_norm_rms_epsilon", 1e-5);
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "smollm");
    file.texts("tokenizer.ggml.tokens", &TOKENS);
    file.numbers("tokenizer.ggml.token_type", &[1, 1, 1, 3]);
    file.texts("tokenizer.ggml.merges", &["a b"]);
    file.number("tokenizer.ggml.eos_token_id", 3);
    file.flag("tokenizer.ggml.add_bos_token", false);
    file.text("tokenizer.chat_template", "{{ messages }}");
    file
}

/// Four codes a byte, as transformers packs them: the lowest bits are the first quarter of the rows.
fn packed(tensor: &Tensor) -> (Vec<usize>, Vec<u8>) {
    let quarter = tensor.rows.unwrap_or(1) / 4;
    let code = |row: usize, col: usize| (tensor.values[row * tensor.cols + col] / 0.375 + 1.0) as u8;
    let byte = |at: usize| (0..4).map(|part| code(part * quarter + at / tensor.cols, at % tensor.cols) << (2 * part)).sum();
    (vec![quarter, tensor.cols], (0..quarter * tensor.cols).map(byte).collect())
}

/// Writes the small Llama as a folder, in BF16; a ternary one with packed codes and a scale beside them.
pub fn write_folder(folder: &Path, form: Form) {
    let mut config = serde_json::json!({
        "model_type": "llama", "hidden_size": D_MODEL, "num_attention_heads": N_HEADS, "num_key_value_heads": N_KV_HEADS,
        "num_hidden_layers": 1, "intermediate_size": FF, "vocab_size": TOKENS.len(), "max_position_embeddings": 32,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true, "eos_token_id": 3});
    let mut stored: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    if form == Form::Ternary {
        config["quantization_config"] = serde_json::json!({"quant_method": "bitnet", "linear_class": "autobitlinear"});
    }
    for tensor in tensors(form) {
        let shape: Vec<usize> = tensor.rows.into_iter().chain([tensor.cols]).collect();
        if form.is_code(&tensor.gguf, tensor.rows) {
            let (shape, bytes) = packed(&tensor);
            stored.insert(tensor.folder.clone(), (Dtype::U8, shape, bytes));
            let scale = half::bf16::from_f32(0.375).to_le_bytes().to_vec();
            stored.insert(format!("{}_scale", tensor.folder), (Dtype::BF16, vec![1], scale));
        } else {
            let bytes = tensor.values.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect();
            stored.insert(tensor.folder.clone(), (Dtype::BF16, shape, bytes));
        }
    }
    let views = stored.iter().map(|(name, (dtype, shape, bytes))| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let file = GgufFile::open(folder, Cursor::new(gguf(form).bytes())).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer_json(file.keys()).unwrap().unwrap()).unwrap();
    fs::write(folder.join("tokenizer_config.json"), r#"{"chat_template": "{{ messages }}"}"#).unwrap();
}
