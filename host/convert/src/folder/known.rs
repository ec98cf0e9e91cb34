//! The keys of a `config.json` that are known: those that are read, those that change nothing, and those that change nothing with one
//! value alone. Any other key is refused by name, because leaving it out could be another model.

use crate::architecture::Architecture;
use crate::error::ConvertError;
use serde_json::Value;

/// Keys that are read.
const READ: [&str; 21] = [
    "model_type",
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "num_hidden_layers",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "rms_norm_eps",
    "rope_theta",
    "rope_scaling",
    "rope_parameters",
    "tie_word_embeddings",
    "head_dim",
    "hidden_act",
    "hidden_activation",
    "quantization_config",
    "sliding_window",
    "use_sliding_window",
    "max_window_layers",
    "layer_types",
];
/// Keys that are read in a Gemma 3 alone.
const GEMMA3_READ: [&str; 4] = ["rope_local_base_freq", "sliding_window_pattern", "_sliding_window_pattern", "query_pre_attn_scalar"];
/// Keys that are read in a BitNet alone.
const BITNET_READ: [&str; 2] = ["weight_bits", "input_bits"];

/// Keys that say how a model was trained, came about or is to be sampled. Biases show in the tensors.
const INERT: [&str; 70] = [
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_name_or_path",
    "architectures",
    "attention_bias",
    "attention_dropout",
    "attn_implementation",
    "auto_map",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "cache_implementation",
    "chunk_size_feed_forward",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "is_decoder",
    "keys_to_ignore_at_inference",
    "label2id",
    "length_penalty",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "pruned_heads",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
    "use_return_dict",
    "output_router_logits",
    "router_aux_loss_coef",
];

/// A count of ours as this file calls it.
pub(super) fn name_of_count(ours: &str) -> &str {
    match ours {
        "d_model" => "hidden_size",
        "n_layers" => "num_hidden_layers",
        "n_heads" => "num_attention_heads",
        "n_kv_heads" => "num_key_value_heads",
        "ff" => "intermediate_size",
        "context" => "max_position_embeddings",
        ours => ours,
    }
}

/// What a model of text and images says beside its part of text.
const OF_IMAGES: [&str; 12] = [
    "text_config",
    "vision_config",
    "image_token_index",
    "image_token_id",
    "boi_token_index",
    "boi_token_id",
    "eoi_token_index",
    "eoi_token_id",
    "mm_tokens_per_image",
    "vision_soft_tokens_per_image",
    "projector_hidden_act",
    "multimodal_projector_bias",
];

/// The value with which a key changes nothing.
#[derive(Debug, Clone, Copy)]
enum Neutral {
    Zero,
    One,
    False,
}

/// Keys with one value that changes nothing, and what any other value would ask for. `null` stands for a key that is not there.
const NEUTRAL: [(&str, Neutral, &str); 20] = [
    ("mlp_bias", Neutral::False, "the feed-forward part has no biases"),
    ("use_bidirectional_attention", Neutral::False, "attention is computed over past positions only"),
    ("is_encoder_decoder", Neutral::False, "models that decode alone are run"),
    ("add_cross_attention", Neutral::False, "models that decode alone are run"),
    ("tie_encoder_decoder", Neutral::False, "models that decode alone are run"),
    ("use_qk_norm", Neutral::False, "queries and keys are normalised in qwen3 and gemma3 only"),
    ("use_mrope", Neutral::False, "a position is one number"),
    ("rope_interleaved", Neutral::False, "the pairs of a rotation stand half a head apart"),
    ("partial_rotary_factor", Neutral::One, "a head is rotated as a whole"),
    ("attn_logit_softcapping", Neutral::Zero, "scores are not capped"),
    ("final_logit_softcapping", Neutral::Zero, "logits are not capped"),
    ("clip_qkv", Neutral::Zero, "queries, keys and values are not clamped"),
    ("logits_scaling", Neutral::One, "logits are not scaled"),
    ("logit_scale", Neutral::One, "logits are not scaled"),
    ("embedding_multiplier", Neutral::One, "embeddings are not scaled"),
    ("residual_multiplier", Neutral::One, "residuals are not scaled"),
    ("rope_scaling_factor", Neutral::One, "a rotation is stretched by what 'rope_scaling' says"),
    ("num_experts", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("num_local_experts", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("num_nextn_predict_layers", Neutral::Zero, "one token is predicted at a time"),
];

/// Refuses the first key that is not known, or not with its value.
pub(super) fn check(json: &Value, architecture: Architecture) -> Result<(), ConvertError> {
    let own: &[&str] = match architecture {
        Architecture::Gemma3 => &GEMMA3_READ,
        Architecture::Bitnet => &BITNET_READ,
        Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => &[],
    };
    let Some(entries) = json.as_object() else { return Ok(()) };
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        if [&READ[..], &INERT, own].iter().any(|list| list.contains(&key.as_str())) {
            continue;
        }
        let reason = match NEUTRAL.iter().find(|(name, ..)| name == key) {
            Some((_, neutral, _)) if neutral.is(value) => continue,
            Some((.., reason)) => reason,
            None => "it is not known what the key changes",
        };
        return Err(ConvertError::refused(key, short(value), reason));
    }
    Ok(())
}

/// The same of a model of text and images, of which the part of text is taken.
pub(super) fn check_around(json: &Value, architecture: Architecture) -> Result<(), ConvertError> {
    let rest = json.as_object().into_iter().flatten().filter(|(key, _)| !OF_IMAGES.contains(&key.as_str()));
    check(&Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect()), architecture)
}

/// A value as a message shows it.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { text.chars().take(57).collect::<String>() + "..." } else { text }
}

impl Neutral {
    fn is(self, value: &Value) -> bool {
        match self {
            Neutral::False => value.as_bool() == Some(false),
            Neutral::Zero => value.as_f64() == Some(0.0),
            Neutral::One => value.as_f64() == Some(1.0),
        }
    }
}
