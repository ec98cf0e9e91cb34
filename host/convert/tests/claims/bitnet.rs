//! BitNet b1.58: one small checkpoint in every published packing, and the engine against plain loops in f64.

use crate::sample::{GgufBytes, f32_bytes};
use nda_convert::gguf::{GgufFile, Kind, tokenizer_json};
use nda_convert::{ConvertError, Folder, Gguf, Options, Source, convert};
use nda_engine::{Model, Session, SplitMix64, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::MappedDocument;
use nda_spec::WeightCode;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

const D: usize = 256;
const HEADS: usize = 4;
const KEY_HEADS: usize = 2;
const HEAD_DIM: usize = 64;
const FF: usize = 512;
const LAYERS: usize = 2;
const THETA: f64 = 10_000.0;
const EPS: f64 = 1e-5;
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const TEXT: [u32; 12] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 26, 8];

/// A tensor: floats that bf16 holds exactly, or codes with a scale.
#[derive(Clone)]
struct Tensor {
    name: String,
    gguf: String,
    folder: String,
    rows: Option<usize>,
    cols: usize,
    floats: Vec<f32>,
    /// -1, 0, 1; empty of floats.
    codes: Vec<i8>,
    scale: f32,
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
fn checkpoint() -> Vec<Tensor> {
    let mut random = SplitMix64(2024);
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
    let mut codes = SplitMix64(1958);
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
enum Packing {
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
fn masters(tensor: &Tensor) -> Vec<f32> {
    let mut random = SplitMix64(tensor.codes.len() as u64);
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
fn from_folder(root: &Path, packing: Packing, activation: &str) -> PathBuf {
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

fn gguf(architecture: &str, kind: Kind) -> GgufBytes {
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

fn from_gguf(root: &Path, architecture: &str, kind: Kind) -> PathBuf {
    let input = root.join(format!("{architecture}-{kind:?}.gguf"));
    fs::write(&input, gguf(architecture, kind).bytes()).unwrap();
    document(&mut Gguf::open(&input).unwrap(), &input.with_extension("ndf"))
}

fn document(source: &mut dyn Source, output: &Path) -> PathBuf {
    convert(source, output, &Options::default(), |_| ()).unwrap();
    output.into()
}

/// The logits after every token of the text.
fn logits(document: &Path) -> Vec<Vec<f32>> {
    let mapped = MappedDocument::open(document).unwrap();
    let weights = Weights::new(&mapped.document()).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    TEXT.iter().map(|token| session.predict(*token).unwrap().to_vec()).collect()
}

/// The same by plain loops in f64; only that activations are rounded to 8 bits is the engine's way too.
struct Plain {
    tensors: BTreeMap<String, Tensor>,
    squared_relu: bool,
}

impl Plain {
    fn new(tensors: Vec<Tensor>, squared_relu: bool) -> Plain {
        Plain { tensors: tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect(), squared_relu }
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        x.iter().zip(&self.tensors[name].floats).map(|(v, w)| v / (mean + EPS).sqrt() * f64::from(*w)).collect()
    }

    fn product(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let tensor = &self.tensors[name];
        let step = x.iter().fold(0.0, |max: f64, v| max.max(v.abs())) / 127.0;
        let rounded: Vec<f64> = x.iter().map(|v| (v / step).round()).collect();
        let row = |codes: &[i8]| codes.iter().zip(&rounded).map(|(code, x)| f64::from(*code) * x).sum::<f64>();
        tensor.codes.chunks_exact(tensor.cols).map(|codes| row(codes) * step * f64::from(tensor.scale)).collect()
    }

    fn turned(x: &[f64], position: usize) -> Vec<f64> {
        let half = HEAD_DIM / 2;
        let turn = |at: usize| {
            let (head, pair) = (at / HEAD_DIM * HEAD_DIM, at % half);
            let angle = position as f64 * THETA.powf(-(pair as f64) / half as f64);
            let (a, b) = (x[head + pair], x[head + half + pair]);
            if at % HEAD_DIM < half { a * angle.cos() - b * angle.sin() } else { b * angle.cos() + a * angle.sin() }
        };
        (0..x.len()).map(turn).collect()
    }

    fn attention(q: &[f64], cache: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
        let mut out = Vec::new();
        for head in 0..HEADS {
            let of = |x: &[f64], head: usize| x[head * HEAD_DIM..(head + 1) * HEAD_DIM].to_vec();
            let key_head = head / (HEADS / KEY_HEADS);
            let query = of(q, head);
            let score = |key: &[f64]| of(key, key_head).iter().zip(&query).map(|(k, q)| k * q).sum::<f64>() / (HEAD_DIM as f64).sqrt();
            let weights: Vec<f64> = cache.iter().map(|(key, _)| score(key).exp()).collect();
            let total: f64 = weights.iter().sum();
            let value = |at: usize| cache.iter().zip(&weights).map(|((_, v), w)| v[key_head * HEAD_DIM + at] * w / total).sum::<f64>();
            out.extend((0..HEAD_DIM).map(value));
        }
        out
    }

    fn gated(&self, gate: &[f64], up: &[f64]) -> Vec<f64> {
        let activation = |g: f64| if self.squared_relu { g.max(0.0).powi(2) } else { g / (1.0 + (-g).exp()) };
        gate.iter().zip(up).map(|(g, u)| activation(*g) * u).collect()
    }

    fn logits(&self) -> Vec<Vec<f64>> {
        let mut caches = vec![Vec::new(); LAYERS];
        let embedding: Vec<Vec<f64>> =
            self.tensors["embed"].floats.chunks_exact(D).map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect();
        let add = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(a, b)| a + b).collect() };
        let step = |(position, token): (usize, &u32)| {
            let mut x = embedding[*token as usize].clone();
            for (block, cache) in caches.iter_mut().enumerate() {
                let name = |part: &str| format!("blk.{block}.{part}");
                let normed = self.norm(&name("attn_norm"), &x);
                let key = Plain::turned(&self.product(&name("k"), &normed), position);
                cache.push((key, self.product(&name("v"), &normed)));
                let mixed = Plain::attention(&Plain::turned(&self.product(&name("q"), &normed), position), cache);
                x = add(&x, &self.product(&name("o"), &self.norm(&name("attn_sub_norm"), &mixed)));
                let normed = self.norm(&name("ffn_norm"), &x);
                let inner = self.gated(&self.product(&name("gate"), &normed), &self.product(&name("up"), &normed));
                x = add(&x, &self.product(&name("down"), &self.norm(&name("ffn_sub_norm"), &inner)));
            }
            let x = self.norm("norm", &x);
            embedding.iter().map(|row| row.iter().zip(&x).map(|(w, x)| w * x).sum()).collect()
        };
        TEXT.iter().enumerate().map(step).collect()
    }
}

/// The largest difference, as a share of the largest logit.
fn distance(found: &[Vec<f32>], wanted: &[Vec<f64>]) -> f64 {
    let largest = wanted.iter().flatten().fold(0.0, |max: f64, v| max.max(v.abs()));
    let differences = found.iter().flatten().zip(wanted.iter().flatten()).map(|(a, b)| (f64::from(*a) - b).abs());
    differences.fold(0.0, f64::max) / largest
}

/// An activation that f32 rounds to the other side of a half moves a logit by about a thousandth.
const TOLERANCE: f64 = 5e-3;

#[test]
fn ternary_weights_arrive_bit_for_bit_in_every_published_packing() {
    let root = tempfile::tempdir().unwrap();
    let (multiplied, tq2) = (from_folder(root.path(), Packing::Multiplied, "relu2"), from_gguf(root.path(), "bitnet", Kind::Tq2_0));
    let i2s = from_gguf(root.path(), "bitnet-b1.58", Kind::I2S);
    let divided = from_folder(root.path(), Packing::Divided, "relu2");
    let unpacked = from_folder(root.path(), Packing::Unpacked, "relu2");
    let online = from_folder(root.path(), Packing::Online, "relu2");
    for (path, has_scales) in [(&multiplied, true), (&divided, true), (&unpacked, true), (&tq2, true), (&i2s, true), (&online, false)] {
        let mapped = MappedDocument::open(path).unwrap();
        let document = mapped.document();
        for tensor in checkpoint().iter().filter(|tensor| !tensor.codes.is_empty()) {
            let place = format!("{}, {}", path.display(), tensor.name);
            let matrix = document.matrix(&tensor.name).unwrap();
            assert_eq!((matrix.stacks(), matrix.code(), matrix.scales().len()), (1, WeightCode::Ternary, 1), "{place}");
            assert!(matrix.stack(0).to_values() == tensor.codes, "{place}: other codes");
            let mean = masters(tensor).iter().map(|w| f64::from(w.abs())).sum::<f64>() / tensor.codes.len() as f64;
            let (found, wanted) = (matrix.scales()[0], if has_scales { tensor.scale } else { mean as f32 });
            assert!(if has_scales { found == wanted } else { (found - wanted).abs() <= wanted * 1e-6 }, "{place}: {found} for {wanted}");
        }
    }
    // The same numbers give the same bits, wherever they came from.
    let first = logits(&multiplied);
    assert!([&divided, &unpacked, &i2s].into_iter().all(|path| logits(path) == first));
    assert_eq!(logits(&tq2), logits(&from_folder(root.path(), Packing::Multiplied, "silu")));
}

#[test]
fn a_bitnets_logits_are_those_of_plain_loops() {
    let root = tempfile::tempdir().unwrap();
    let of_2025 = logits(&from_folder(root.path(), Packing::Multiplied, "relu2"));
    let of_2024 = logits(&from_gguf(root.path(), "bitnet", Kind::Tq2_0));
    let (squared, silu) = (Plain::new(checkpoint(), true).logits(), Plain::new(checkpoint(), false).logits());
    assert!(distance(&of_2025, &squared) < TOLERANCE, "{}", distance(&of_2025, &squared));
    assert!(distance(&of_2024, &silu) < TOLERANCE, "{}", distance(&of_2024, &silu));
    // What the tolerance is worth: the other activation, and a norm left out, are far outside.
    assert!(distance(&of_2025, &silu) > 10.0 * TOLERANCE && distance(&of_2024, &squared) > 10.0 * TOLERANCE);
    let mut without = checkpoint();
    let norm = without.iter_mut().find(|tensor| tensor.name == "blk.1.ffn_sub_norm").unwrap();
    norm.floats.fill(1.0);
    assert!(distance(&of_2025, &Plain::new(without, true).logits()) > 2.0 * TOLERANCE);
}

#[test]
fn a_bitnet_as_the_public_converters_write_it_is_taken_and_its_file_names_its_gate() {
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str, architecture: &str, change: &dyn Fn(&mut GgufBytes)| {
        let mut file = gguf(architecture, Kind::Tq2_0);
        change(&mut file);
        let input = root.path().join(format!("{name}.gguf"));
        fs::write(&input, file.bytes()).unwrap();
        Gguf::open(&input).map(|mut source| logits(&document(&mut source, &input.with_extension("ndf"))))
    };
    let silu = of("plain", "bitnet", &|_| ()).unwrap();
    // llama.cpp's and bitnet.cpp's converters write a factor that stretches nothing.
    let linear = |file: &mut GgufBytes, factor: f32| {
        file.text("bitnet.rope.scaling.type", "linear");
        file.float("bitnet.rope.scaling.factor", factor);
    };
    assert_eq!(of("linear", "bitnet", &|file| linear(file, 1.0)).unwrap(), silu);
    let stretched = of("stretched", "bitnet", &|file| linear(file, 2.0)).unwrap_err();
    assert!(matches!(&stretched, ConvertError::Refused { key, .. } if key == "bitnet.rope.scaling.factor"), "{stretched}");
    let relu2 = of("plain-25", "bitnet-b1.58", &|_| ()).unwrap();
    assert!(relu2 != silu);
    assert_eq!(of("named", "bitnet", &|file| file.text("bitnet.hidden_activation", "relu2")).unwrap(), relu2);
    assert_eq!(of("named-25", "bitnet-b1.58", &|file| file.text("bitnet-b1.58.hidden_activation", "silu")).unwrap(), silu);
    let gelu = of("gelu", "bitnet", &|file| file.text("bitnet.hidden_activation", "gelu")).unwrap_err();
    assert!(matches!(&gelu, ConvertError::Refused { found, .. } if found == "'gelu'"), "{gelu}");
}

#[test]
fn weights_that_are_made_ternary_online_give_the_same_model_under_old_and_new_names() {
    let root = tempfile::tempdir().unwrap();
    let old = logits(&from_folder(root.path(), Packing::OnlineOf2024, "silu"));
    assert_eq!(old, logits(&from_folder(root.path(), Packing::Online, "silu")));
    let mut tensors = checkpoint();
    for tensor in tensors.iter_mut().filter(|tensor| !tensor.codes.is_empty()) {
        let masters = masters(tensor);
        tensor.scale = (masters.iter().map(|w| f64::from(w.abs())).sum::<f64>() / masters.len() as f64) as f32;
    }
    let wanted = Plain::new(tensors, false).logits();
    assert!(distance(&old, &wanted) < TOLERANCE, "{}", distance(&old, &wanted));
}

/// What llama.cpp (llama-cpp-python 0.3.36, cache in F32) says after the text of the GGUF file below, whose weights are floats.
const LLAMA_CPP: [f32; 28] = [
    -1.460487, -4.070003, 1.417191, 0.8596575, -14.94515, 3.033093, 1.207486, 5.404104, 8.894981, -7.151775, -3.272628, -9.294964,
    1.847192, -2.905688, 5.516839, -6.193844, -4.30012, -0.2276154, 11.11855, 2.968798, -3.190425, 5.254424, -10.43654, 6.201552,
    -4.392054, -2.228158, 1.817017, -3.091449,
];

#[test]
fn a_bitnet_of_floats_has_llama_cpps_logits() {
    let root = tempfile::tempdir().unwrap();
    let found = logits(&from_gguf(root.path(), "bitnet", Kind::F32));
    let wanted = [LLAMA_CPP.iter().map(|v| f64::from(*v)).collect()];
    let difference = distance(&found[found.len() - 1..], &wanted);
    assert!(difference < 1e-5, "{difference} of the largest logit");
}
