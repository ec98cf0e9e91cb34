//! A trained model's file, and its document.

use super::{good, path};
use nda_spec::WeightCode;
use nda_spec::random::Random;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::fs;
use tempfile::TempDir;

const D: usize = 32;
const FF: usize = 120;
pub const CONTEXT: usize = 20;

/// A trained model's file, with random numbers for training.
pub fn write_safetensors(file: &str) {
    let mut random = Random::new(7);
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    let floats = |tensors: &mut Vec<_>, random: &mut Random, name: String, shape: Vec<usize>, base: f64| {
        let count = shape.iter().product();
        let data = (0..count).flat_map(|_| ((base + random.unit() - 0.5) as f32).to_le_bytes()).collect();
        tensors.push((name, Dtype::F32, shape, data));
    };
    let codes = |tensors: &mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>, random: &mut Random, name: &str, rows: usize, cols: usize| {
        let values = WeightCode::Quaternary.values();
        let data = (0..rows * cols).map(|_| values[random.below(4)] as u8).collect();
        tensors.push((format!("{name}.code"), Dtype::I8, vec![rows, cols], data));
        let scales = (0..rows).flat_map(|_| ((0.2 + random.unit()) as f32 / (cols as f32).sqrt()).to_le_bytes()).collect();
        tensors.push((format!("{name}.scale"), Dtype::F32, vec![rows], scales));
    };
    floats(&mut tensors, &mut random, "model.embed_tokens.weight".into(), vec![256, D], 0.0);
    for layer in 0..2 {
        let at = |name: &str| format!("model.layers.{layer}.{name}");
        for norm in ["input_layernorm.weight", "post_attention_layernorm.weight"] {
            floats(&mut tensors, &mut random, at(norm), vec![D], 1.0);
        }
        for part in ["q", "k", "v", "o"] {
            codes(&mut tensors, &mut random, &at(&format!("self_attn.{part}_proj")), D, D);
        }
        codes(&mut tensors, &mut random, &at("mlp.gate_proj"), FF, D);
        codes(&mut tensors, &mut random, &at("mlp.up_proj"), FF, D);
        codes(&mut tensors, &mut random, &at("mlp.down_proj"), D, FF);
    }
    floats(&mut tensors, &mut random, "model.norm.weight".into(), vec![D], 1.0);
    codes(&mut tensors, &mut random, "lm_head", 256, D);
    let metadata: HashMap<String, String> = [
        ("architecture", "llama"),
        ("vocab", "bytes"),
        ("d_model", "32"),
        ("n_layers", "2"),
        ("n_heads", "4"),
        ("n_kv_heads", "4"),
        ("ff", "120"),
        ("rope_theta", "10000.0"),
        ("rms_eps", "1e-05"),
        ("context", "20"),
        ("activation", "A8"),
        ("weights", "quaternary"),
    ]
    .map(|(k, v)| (k.to_string(), v.to_string()))
    .into();
    let views = tensors.iter().map(|(name, dtype, shape, data)| (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
    fs::write(file, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

/// A folder with a converted model.
pub fn model() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let (source, model) = (path(&folder, "model.safetensors"), path(&folder, "model.ndf"));
    write_safetensors(&source);
    good(&["convert", &source, &model]);
    (folder, model)
}
