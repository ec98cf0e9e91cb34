//! Tokens that end an answer, whether or not a model's files say so: conversions often name one of several.

/// Their texts.
const TEXTS: [&str; 10] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "<|end_of_turn|>",
    "<EOT>",
    "</s>",
];

/// Whether a control token of this text ends an answer.
pub(crate) fn is_end(text: &str) -> bool {
    TEXTS.contains(&text)
}
