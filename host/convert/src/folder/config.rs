//! What a `config.json` says of a model.

use super::known::{self, short};
use super::numbers::Numbers;
use super::stretch::stretch;
use super::window::window;
use crate::architecture::{Architecture, Shape};
use crate::error::ConvertError;
use crate::rope::Stretch;
use serde_json::Value;
use std::collections::BTreeMap;

/// How a BitNet's ternary weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// There are none.
    None,
    /// Four a byte; a weight is its code times the scale.
    Multiplied,
    /// Four a byte; a weight is its code divided by the scale.
    Divided,
    /// As floats that are made ternary before every product.
    Online,
}

/// A `config.json`, as far as it matters.
#[derive(Debug)]
pub(super) struct Config {
    pub architecture: Architecture,
    pub shape: Shape,
    /// Numbers of the forward pass that are no counts.
    pub constants: BTreeMap<String, String>,
    pub packing: Packing,
    /// Positions that a position sees, if they are fewer than the context.
    pub window: Option<usize>,
    pub stretch: Stretch,
}

/// What transformers takes for a Gemma 3's numbers that the file leaves out (`Gemma3TextConfig`).
const GEMMA3_DEFAULTS: [(&str, f64); 10] = [
    ("vocab_size", 262_208.0),
    ("num_attention_heads", 8.0),
    ("num_key_value_heads", 4.0),
    ("head_dim", 256.0),
    ("max_position_embeddings", 131_072.0),
    ("rms_norm_eps", 1e-6),
    ("rope_theta", 1e6),
    ("rope_local_base_freq", 1e4),
    ("query_pre_attn_scalar", 256.0),
    ("sliding_window_pattern", 6.0),
];
/// The same of a Mistral's (`MistralConfig`) and of Qwens (`Qwen2Config`, `Qwen3Config`).
const MISTRAL_DEFAULTS: [(&str, f64); 5] = [
    ("rms_norm_eps", 1e-6),
    ("rope_theta", 1e4),
    ("num_key_value_heads", 8.0),
    ("max_position_embeddings", 131_072.0),
    ("sliding_window", 4096.0),
];
const QWEN2_DEFAULTS: [(&str, f64); 4] =
    [("rms_norm_eps", 1e-6), ("rope_theta", 1e4), ("num_key_value_heads", 32.0), ("max_position_embeddings", 32_768.0)];
const QWEN3_DEFAULTS: [(&str, f64); 5] = [
    ("rms_norm_eps", 1e-6),
    ("rope_theta", 1e4),
    ("num_key_value_heads", 32.0),
    ("max_position_embeddings", 32_768.0),
    ("head_dim", 128.0),
];
/// The same of a Llama's.
const LLAMA_DEFAULTS: [(&str, f64); 2] = [("rms_norm_eps", 1e-6), ("rope_theta", 1e4)];
/// The same of a BitNet's (`BitNetConfig`).
const BITNET_DEFAULTS: [(&str, f64); 4] =
    [("rms_norm_eps", 1e-5), ("rope_theta", 5e5), ("max_position_embeddings", 2048.0), ("num_key_value_heads", 5.0)];

fn unsupported<T>(what: String, instead: &'static str) -> Result<T, ConvertError> {
    Err(ConvertError::Unsupported { what, instead })
}

impl Config {
    pub fn read(whole: &Value) -> Result<Config, ConvertError> {
        let json = whole;
        let name =
            Numbers { json, defaults: &[] }.text("model_type")?.ok_or_else(|| ConvertError::MissingKey { key: "model_type".into() })?;
        let (architecture, json) = match name {
            "llama" if is_bitnet_of_2024(json) => (Architecture::Bitnet, json),
            "llama" | "mistral" => (Architecture::Llama, json),
            "qwen2" => (Architecture::Qwen2, json),
            "qwen3" => (Architecture::Qwen3, json),
            "gemma3_text" => (Architecture::Gemma3, json),
            "gemma3" => (Architecture::Gemma3, json.get("text_config").unwrap_or(json)),
            "bitnet" => (Architecture::Bitnet, json),
            other => {
                return unsupported(
                    format!("the architecture '{other}'"),
                    "llama, mistral, qwen2, qwen3, gemma3, gemma3_text and bitnet are",
                );
            }
        };
        if name == "gemma3" {
            known::check_around(whole, architecture)?;
        }
        known::check(json, architecture)?;
        let defaults: &[_] = match architecture {
            Architecture::Gemma3 => &GEMMA3_DEFAULTS,
            Architecture::Bitnet if name == "bitnet" => &BITNET_DEFAULTS,
            Architecture::Qwen2 => &QWEN2_DEFAULTS,
            Architecture::Qwen3 => &QWEN3_DEFAULTS,
            Architecture::Llama if name == "mistral" => &MISTRAL_DEFAULTS,
            Architecture::Bitnet | Architecture::Llama => &LLAMA_DEFAULTS,
        };
        let numbers = Numbers { json, defaults };
        let shape = shape(architecture, &numbers)?;
        let constants = constants(architecture, &numbers)?;
        let packing = if is_bitnet_of_2024(json) { Packing::Online } else { packing(&numbers)? };
        let stretch = stretch(json, shape.context)?;
        if !architecture.takes(&stretch) {
            let found = short(&json["rope_scaling"]);
            return Err(ConvertError::refused("rope_scaling", found, "the rotation of this architecture is not stretched here"));
        }
        let window = if architecture.is_decoder() { window(&numbers, name, &shape)? } else { None };
        Ok(Config { architecture, shape, constants, packing, window, stretch })
    }
}

/// The first published BitNets call themselves Llamas and carry code of their own; their weights are made ternary online.
///
/// Source: `config.json` and `modeling_bitnet.py` of the models 1bitLLM/bitnet_b1_58-*.
fn is_bitnet_of_2024(json: &Value) -> bool {
    json["architectures"][0].as_str() == Some("BitnetForCausalLM") && json["weight_bits"].as_u64() == Some(1)
}

fn shape(architecture: Architecture, numbers: &Numbers<'_>) -> Result<Shape, ConvertError> {
    let (d_model, n_heads) = (numbers.needed_size("hidden_size")?, numbers.needed_size("num_attention_heads")?);
    let tied = numbers.flag("tie_word_embeddings")?;
    let shape = Shape {
        d_model,
        n_layers: numbers.needed_size("num_hidden_layers")?,
        n_heads,
        n_kv_heads: numbers.size("num_key_value_heads")?.unwrap_or(n_heads),
        head_dim: numbers.size("head_dim")?.unwrap_or(d_model.checked_div(n_heads).unwrap_or(0)),
        ff: numbers.needed_size("intermediate_size")?,
        vocab_size: numbers.needed_size("vocab_size")?,
        context: numbers.needed_size("max_position_embeddings")?,
        tied_head: tied.unwrap_or(architecture == Architecture::Gemma3),
    };
    shape.check().map_err(|error| error.renamed(|ours| known::name_of_count(ours).to_owned()))
}

/// The base of the rotation; newer files keep it in a table, by the kind of layer if there are two.
fn theta(numbers: &Numbers<'_>, key: &str, kind: &str) -> Result<f64, ConvertError> {
    let table = numbers.get("rope_parameters");
    let of_kind = table.and_then(|table| table.get(kind)).or(table);
    let theta = match of_kind.and_then(|table| table.get("rope_theta")).filter(|theta| !theta.is_null()) {
        Some(theta) => theta.as_f64().ok_or_else(|| ConvertError::key("rope_parameters.rope_theta", theta, "a number"))?,
        None => numbers.needed(key)?,
    };
    positive(key, theta)
}

fn positive(key: &str, number: f64) -> Result<f64, ConvertError> {
    if number > 0.0 { Ok(number) } else { Err(ConvertError::key(key, number, "a positive number")) }
}

fn constants(architecture: Architecture, numbers: &Numbers<'_>) -> Result<BTreeMap<String, String>, ConvertError> {
    let mut constants = BTreeMap::new();
    let mut set = |key: &str, value: String| drop(constants.insert(key.to_owned(), value));
    set("rms_eps", positive("rms_norm_eps", numbers.needed("rms_norm_eps")?)?.to_string());
    set("rope_theta", theta(numbers, "rope_theta", "full_attention")?.to_string());
    let activation = numbers.text("hidden_activation")?.or(numbers.text("hidden_act")?);
    let usual = match architecture {
        Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => "silu",
        Architecture::Gemma3 => "gelu_pytorch_tanh",
        Architecture::Bitnet => "relu2",
    };
    match (architecture, activation.unwrap_or(usual)) {
        (Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3, "silu") => {}
        (Architecture::Gemma3, "gelu_pytorch_tanh") => {
            set("rope_theta_local", theta(numbers, "rope_local_base_freq", "sliding_attention")?.to_string());
            set("sliding_window", numbers.needed_size("sliding_window")?.to_string());
            set("sliding_pattern", pattern(numbers)?.to_string());
            set("attention_scale", (1.0 / (numbers.needed("query_pre_attn_scalar")? as f32).sqrt()).to_string());
            set("embed_scale", (numbers.needed("hidden_size")? as f32).sqrt().to_string());
        }
        (Architecture::Bitnet, activation @ ("silu" | "relu2")) => set("squared_relu", u8::from(activation == "relu2").to_string()),
        (_, other) => return unsupported(format!("the activation '{other}' in a {}", architecture.name()), "the architecture's own is"),
    }
    Ok(constants)
}

/// After how many layers one attends to everything.
fn pattern(numbers: &Numbers<'_>) -> Result<usize, ConvertError> {
    let Some(kinds) = numbers.list("layer_types")? else {
        let key = "_sliding_window_pattern";
        return numbers.size(key)?.map_or_else(|| numbers.needed_size("sliding_window_pattern"), Ok);
    };
    let is_global = |at: usize| kinds[at].as_str() == Some("full_attention");
    let pattern = (0..kinds.len()).find(|at| is_global(*at)).map_or(kinds.len() + 1, |first| first + 1);
    if (0..kinds.len()).all(|at| is_global(at) == ((at + 1) % pattern == 0)) {
        return Ok(pattern);
    }
    Err(ConvertError::key("layer_types", format!("{kinds:?}"), format!("full attention in every layer of {pattern}")))
}

fn packing(numbers: &Numbers<'_>) -> Result<Packing, ConvertError> {
    let Some(rules) = numbers.get("quantization_config") else { return Ok(Packing::None) };
    let text = |key: &str| rules.get(key).and_then(Value::as_str);
    match (text("quant_method"), text("linear_class"), text("quantization_mode")) {
        (Some("bitnet"), Some("autobitlinear"), Some("online")) => Ok(Packing::Online),
        (Some("bitnet"), Some("autobitlinear"), _) => Ok(Packing::Multiplied),
        (Some("bitnet"), _, _) => Ok(Packing::Divided),
        (method, ..) => {
            let what = format!("the quantization '{}'", method.unwrap_or("without a name"));
            unsupported(what, "'bitnet' is, and models in floats are")
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rope::Rule;
    use serde_json::json;

    pub fn llama() -> Value {
        json!({"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
            "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 256, "max_position_embeddings": 128,
            "rms_norm_eps": 1e-5, "rope_theta": 100000, "tie_word_embeddings": true, "hidden_act": "silu", "rope_scaling": null})
    }

    pub fn with(mut json: Value, key: &str, value: Value) -> Value {
        json[key] = value;
        json
    }

    #[test]
    fn a_llama_is_read_and_its_numbers_are_plain_decimals() {
        let config = Config::read(&llama()).unwrap();
        assert_eq!((config.shape.head_dim, config.shape.n_kv_heads, config.shape.tied_head), (16, 2, true));
        assert_eq!((config.constants["rms_eps"].as_str(), config.constants["rope_theta"].as_str()), ("0.00001", "100000"));
        let newer = with(with(llama(), "rope_theta", Value::Null), "rope_parameters", json!({"rope_theta": 5e5, "rope_type": "default"}));
        assert_eq!(Config::read(&newer).unwrap().constants["rope_theta"], "500000");
    }

    #[test]
    fn what_would_change_the_forward_pass_is_refused() {
        let changes =
            [("hidden_act", json!("gelu")), ("quantization_config", json!({"quant_method": "gptq"})), ("model_type", json!("mamba"))];
        for (key, value) in changes {
            let error = Config::read(&with(llama(), key, value)).unwrap_err();
            assert!(matches!(error, ConvertError::Unsupported { .. }), "{key}: {error}");
        }
        for (key, value) in [("num_hidden_layers", json!(1e9)), ("hidden_size", json!(1.5)), ("num_attention_heads", json!(0))] {
            let error = Config::read(&with(llama(), key, value)).unwrap_err();
            assert!(matches!(error, ConvertError::Key { .. }), "{key}: {error}");
        }
        assert!(matches!(Config::read(&with(llama(), "vocab_size", Value::Null)), Err(ConvertError::MissingKey { .. })));
    }

    #[test]
    fn a_value_of_another_kind_is_refused_and_not_passed_over() {
        for (key, value, named) in [
            ("hidden_act", json!(3), "hidden_act"),
            ("tie_word_embeddings", json!("yes"), "tie_word_embeddings"),
            ("rope_scaling", json!("linear"), "rope_scaling"),
            ("rope_parameters", json!([1]), "rope_parameters"),
            ("rope_parameters", json!({"rope_type": "default", "rope_theta": "1e6"}), "rope_parameters.rope_theta"),
            ("layer_types", json!("full_attention"), "layer_types"),
            ("sliding_window", json!("8"), "sliding_window"),
            ("model_type", json!(3), "model_type"),
            ("rms_norm_eps", json!(0), "rms_norm_eps"),
            ("rope_theta", json!(-1.0), "rope_theta"),
            ("num_hidden_layers", json!(0), "num_hidden_layers"),
        ] {
            let json = with(with(llama(), "sliding_window", json!(8)), key, value);
            let json = if key == "layer_types" { with(json, "model_type", json!("mistral")) } else { json };
            match Config::read(&json).unwrap_err() {
                ConvertError::Key { key, .. } => assert_eq!(key, named),
                other => panic!("{key}: {other}"),
            }
        }
    }

    #[test]
    fn every_key_is_known_or_refused_by_name() {
        let changes = [
            ("attention_multiplier", json!(0.5), "attention_multiplier"),
            ("mlp_bias", json!(true), "mlp_bias"),
            ("partial_rotary_factor", json!(0.5), "partial_rotary_factor"),
            ("final_logit_softcapping", json!(30.0), "final_logit_softcapping"),
            ("num_local_experts", json!(8), "num_local_experts"),
            ("sliding_window", json!(8), "sliding_window"),
            ("some_new_key", json!({"a": 1}), "some_new_key"),
            ("rope_scaling", json!({"factor": 8.0}), "rope_scaling.factor"),
            ("rope_scaling", json!({"type": "dynamic", "factor": 2.0}), "rope_scaling.rope_type"),
            ("rope_scaling", json!({"type": "yarn", "factor": 2.0, "mscale": 0.7}), "rope_scaling.mscale"),
            ("rope_parameters", json!({"rope_type": "longrope", "rope_theta": 1.0}), "rope_parameters.rope_type"),
        ];
        for (key, value, named) in changes {
            match Config::read(&with(llama(), key, value)).unwrap_err() {
                ConvertError::Refused { key, .. } => assert_eq!(key, named),
                other => panic!("{key}: {other}"),
            }
        }
        for (key, value) in [
            ("some_new_key", Value::Null),
            ("mlp_bias", json!(false)),
            ("pretraining_tp", json!(2)),
            ("sliding_window", json!(4096)),
            ("rope_scaling", json!({"type": "linear", "factor": 1.0})),
        ] {
            let config = Config::read(&with(llama(), key, value)).unwrap();
            assert_eq!((config.window, config.stretch), (None, Stretch::NONE), "{key}");
        }
    }

    #[test]
    fn rotations_are_stretched_by_the_rule_that_the_file_names() {
        let stretch = |rules: Value| Config::read(&with(llama(), "rope_scaling", rules)).unwrap().stretch;
        assert_eq!(stretch(json!({"type": "linear", "factor": 4.0})), Stretch::of(Rule::Linear { factor: 4.0 }));
        let llama3 = json!({"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192});
        assert_eq!(stretch(llama3), Stretch::of(Rule::Llama3 { factor: 32.0, low: 1.0, high: 4.0, original: 8192.0 }));
        let yarn = stretch(json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}));
        assert_eq!(yarn.rule, Rule::Yarn { factor: 4.0, original: 32.0, beta_fast: 32.0, beta_slow: 1.0 });
        assert!((yarn.magnitude - 1.138_629_436).abs() < 1e-9);
        let missing = Config::read(&with(llama(), "rope_scaling", json!({"type": "linear"}))).unwrap_err();
        assert!(matches!(&missing, ConvertError::MissingKey { key } if key == "rope_scaling.factor"), "{missing}");
    }

    #[test]
    fn a_gemma_gets_its_defaults_and_its_pattern_from_either_spelling() {
        let gemma = json!({"model_type": "gemma3_text", "hidden_size": 640, "num_hidden_layers": 18, "intermediate_size": 2048, "sliding_window": 512});
        let constants = Config::read(&gemma).unwrap().constants;
        let wanted = [("rope_theta_local", "10000"), ("sliding_pattern", "6"), ("attention_scale", "0.0625"), ("embed_scale", "25.298222")];
        wanted.iter().for_each(|(key, value)| assert_eq!(constants[*key], *value, "{key}"));
        let kinds = |every: usize| -> Value {
            (1..=18).map(|layer| if layer % every == 0 { "full_attention" } else { "sliding_attention" }).collect()
        };
        assert_eq!(Config::read(&with(gemma.clone(), "layer_types", kinds(3))).unwrap().constants["sliding_pattern"], "3");
        let uneven = with(gemma, "layer_types", json!(["sliding_attention", "full_attention", "full_attention"]));
        assert!(matches!(Config::read(&uneven), Err(ConvertError::Key { .. })));
    }

    #[test]
    fn a_bitnets_packing_follows_its_linear_class() {
        let rules = |class: &str, mode: &str| {
            let json = with(llama(), "model_type", json!("bitnet"));
            let json =
                with(json, "quantization_config", json!({"quant_method": "bitnet", "linear_class": class, "quantization_mode": mode}));
            Config::read(&json).unwrap().packing
        };
        assert_eq!(rules("autobitlinear", "offline"), Packing::Multiplied);
        assert_eq!(rules("autobitlinear", "online"), Packing::Online);
        assert_eq!(rules("bitlinear", "offline"), Packing::Divided);
    }

    #[test]
    fn a_bitnet_gets_its_own_defaults_and_the_first_ones_are_known_by_their_class() {
        let bitnet = json!({"model_type": "bitnet", "hidden_size": 64, "num_attention_heads": 10, "num_hidden_layers": 2,
            "intermediate_size": 128, "vocab_size": 256, "head_dim": 16});
        let config = Config::read(&bitnet).unwrap();
        assert_eq!((config.shape.n_kv_heads, config.shape.context, config.shape.tied_head), (5, 2048, false));
        let wanted = [("squared_relu", "1"), ("rope_theta", "500000"), ("rms_eps", "0.00001")];
        wanted.iter().for_each(|(key, value)| assert_eq!(config.constants[*key], *value, "{key}"));
        let first = with(with(llama(), "architectures", json!(["BitnetForCausalLM"])), "weight_bits", json!(1));
        let config = Config::read(&first).unwrap();
        assert_eq!(
            (config.architecture, config.packing, config.constants["squared_relu"].as_str()),
            (Architecture::Bitnet, Packing::Online, "0")
        );
        let other = Config::read(&with(first, "weight_bits", json!(8))).unwrap_err();
        assert!(matches!(&other, ConvertError::Refused { key, .. } if key == "weight_bits"), "{other}");
    }
}
