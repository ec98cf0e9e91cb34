//! The keys that are known: those that are read, those that change nothing, and those that change nothing with one value alone.
//! Any other key of the architecture or of the tokenizer is refused by name, because leaving it out could be another model.

use super::value::{Keys, Value};
use crate::architecture::Architecture;
use crate::error::ConvertError;

/// Keys of an architecture that are read, whatever it is.
const READ: [&str; 17] = [
    "vocab_size",
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scale_linear",
    "rope.scaling.attn_factor",
];
/// Keys that are read where YaRN's rule is given, and belong to nothing else.
const READ_OF_YARN: [&str; 6] = [
    "rope.scaling.original_context_length",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_log_multiplier",
];
/// Keys that say how a model came about, or how its file does.
const INERT: [&str; 3] = ["rope.scaling.finetuned", "attention.layer_norm_epsilon", "tensor_data_layout"];

/// The value with which a key changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neutral {
    Zero,
    /// 0 stands for 'not used' too.
    One,
    True,
    False,
    Empty,
}

/// Keys with one value that changes nothing, and what any other value would ask for.
const NEUTRAL: [(&str, Neutral, &str); 19] = [
    ("attention.causal", Neutral::True, "attention is computed over past positions only"),
    ("attention.scale", Neutral::Zero, "scores are divided by the root of the head's length"),
    ("attention.max_alibi_bias", Neutral::Zero, "scores get no bias by distance"),
    ("attention.clamp_kqv", Neutral::Zero, "queries, keys and values are not clamped"),
    ("attention.temperature_length", Neutral::Zero, "scores do not depend on the length of the text"),
    ("attn_logit_softcapping", Neutral::Zero, "scores are not capped"),
    ("final_logit_softcapping", Neutral::Zero, "logits are not capped"),
    ("logit_scale", Neutral::One, "logits are not scaled"),
    ("embedding_scale", Neutral::One, "embeddings are not scaled"),
    ("residual_scale", Neutral::One, "residuals are not scaled"),
    ("use_parallel_residual", Neutral::False, "attention and the feed-forward part follow one another"),
    ("expert_count", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("expert_used_count", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("expert_shared_count", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("expert_feed_forward_length", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("leading_dense_block_count", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("expert_weights_scale", Neutral::Zero, "a block has one feed-forward part, not a mixture of experts"),
    ("nextn_predict_layers", Neutral::Zero, "one token is predicted at a time"),
    ("pooling_type", Neutral::Zero, "models that embed texts are not run"),
];

/// Keys behind `tokenizer.ggml.` that are read.
const TOKENIZER_READ: [&str; 8] = ["model", "pre", "tokens", "merges", "scores", "token_type", "add_bos_token", "add_space_prefix"];
/// Keys behind `tokenizer.ggml.` that belong to models of other kinds.
const TOKENIZER_INERT: [&str; 1] = ["token_type_count"];
/// The same with one value that changes nothing.
const TOKENIZER_NEUTRAL: [(&str, Neutral, &str); 5] = [
    ("add_eos_token", Neutral::False, "prompts do not end with the end token"),
    ("add_sep_token", Neutral::False, "prompts do not end with a separator"),
    ("remove_extra_whitespaces", Neutral::False, "spaces of a text are kept"),
    ("escape_whitespaces", Neutral::True, "spaces are spelled as U+2581"),
    ("precompiled_charsmap", Neutral::Empty, "texts are not normalised by a table"),
];

/// What is known of a key.
enum Known {
    Fine,
    Only(Neutral, &'static str),
    Unknown,
}

/// Refuses the first key of the architecture or of the tokenizer that is not known, or not with its value.
pub(super) fn check(keys: &Keys, prefix: &str, architecture: Architecture) -> Result<(), ConvertError> {
    for (key, value) in keys.iter() {
        let known = if let Some(key) = key.strip_prefix(prefix).and_then(|key| key.strip_prefix('.')) {
            of_architecture(key, architecture)
        } else if let Some(key) = key.strip_prefix("tokenizer.") {
            of_tokenizer(key)
        } else if key == "general.type" && *value != Value::Text("model".into()) {
            return Err(ConvertError::refused(key, value.described(), "the file is not a whole language model"));
        } else {
            // Other keys are notes, or are read by readers of other architectures.
            Known::Fine
        };
        match known {
            Known::Fine => {}
            Known::Only(neutral, _) if neutral.is(value) => {}
            Known::Only(_, reason) => return Err(ConvertError::refused(key, value.described(), reason)),
            Known::Unknown => return Err(ConvertError::refused(key, value.described(), "it is not known what the key changes")),
        }
    }
    Ok(())
}

fn of_architecture(key: &str, architecture: Architecture) -> Known {
    let own: &[&str] = match architecture {
        Architecture::Gemma3 => &["rope.freq_base_swa", "attention.sliding_window_pattern"],
        Architecture::Bitnet => &["hidden_activation", "hidden_act"],
        Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => &["hidden_activation", "hidden_act"],
    };
    let lists: [&[&str]; 4] = [&READ, &READ_OF_YARN, &INERT, own];
    if lists.iter().any(|list| list.contains(&key)) { Known::Fine } else { only(&NEUTRAL, key) }
}

fn of_tokenizer(key: &str) -> Known {
    if key == "huggingface.json" || key.starts_with("chat_template") {
        return Known::Fine;
    }
    let Some(key) = key.strip_prefix("ggml.") else { return Known::Unknown };
    // Tokens that fill, separate or frame texts of other kinds.
    if TOKENIZER_READ.contains(&key) || TOKENIZER_INERT.contains(&key) || key.ends_with("_token_id") {
        return Known::Fine;
    }
    only(&TOKENIZER_NEUTRAL, key)
}

fn only(list: &[(&str, Neutral, &'static str)], key: &str) -> Known {
    let found = list.iter().find(|(name, ..)| *name == key);
    found.map_or(Known::Unknown, |(_, neutral, reason)| Known::Only(*neutral, reason))
}

impl Neutral {
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Neutral::True, Value::Bool(flag)) => *flag,
            (Neutral::False, Value::Bool(flag)) => !*flag,
            (Neutral::Empty, Value::Array(values)) => values.is_empty(),
            (Neutral::Empty, Value::Text(text)) => text.is_empty(),
            (Neutral::Zero, value) => value.float() == Some(0.0),
            (Neutral::One, value) => value.float().is_some_and(|number| number == 0.0 || number == 1.0),
            _ => false,
        }
    }
}
