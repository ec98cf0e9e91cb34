//! How byte-pair vocabularies cut text into pieces before merging: the rules that GGUF files name.
//!
//! The expressions are those of the models' own `tokenizer.json`; the names, and which name means which rule, are
//! llama.cpp's (`llama-vocab.cpp`).

use super::value::Keys;
use crate::error::ConvertError;

/// Contractions, words, numbers and signs with the space in front of them (Radford et al., 2019).
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK_CODER: [&str; 5] = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"];
const FALCON: [&str; 3] = [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"];
const UNNAMED: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"];

/// The key that names a file's rule.
const PRE: &str = "tokenizer.ggml.pre";

/// A rule: expressions that are applied one after another, each to the pieces that the one before has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Split {
    /// What each matches is a piece, and so is what stands between matches.
    pub expressions: &'static [&'static str],
    /// Text is composed (NFC) before anything else, as the models' own `tokenizer.json` asks. llama.cpp does not do that: of
    /// 1,251 pieces of a text in all scripts, 423 have other tokens there, all of them pieces that composing changes. Composed first,
    /// by Python's tables of Unicode 14, 9 still differ: the crate `tokenizers`, like transformers, which is built on it, leaves
    /// marks that are younger than its tables where they stand.
    pub composes: bool,
    /// A piece that is a token stays one, whatever its merges would give.
    pub whole_tokens: bool,
    /// What texts begin with unless the file says otherwise.
    pub start: TextStart,
}

/// What texts begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextStart {
    /// The vocabulary's token for the beginning of a text.
    Bos,
    /// Their own first token.
    Plain,
}

const PLAIN: Split = Split { expressions: &[GPT2], composes: false, whole_tokens: false, start: TextStart::Plain };
const LLAMA3_RULE: Split = Split { expressions: &[LLAMA3], whole_tokens: true, start: TextStart::Bos, ..PLAIN };

/// The rule of a file's vocabulary: the one that was asked for, the one that the file names, or that of a vocabulary that is known.
pub(super) fn of_keys(keys: &Keys, asked: Option<&str>, tokens: &[&str]) -> Result<Split, ConvertError> {
    let refuse = |what: String| Err(ConvertError::Split { what });
    if let Some(name) = asked {
        return split(name).map_or_else(|| refuse(format!("'--pre {name}' does not name a known rule")), Ok);
    }
    let found = keys.text(PRE)?;
    if let Some(split) = found.and_then(split) {
        return Ok(split);
    }
    // Whatever a file calls its rule: these tokens stand in Llama 3's vocabulary and in those that were grown from it.
    if ["<|begin_of_text|>", "<|eot_id|>"].iter().all(|token| tokens.contains(token)) {
        return Ok(LLAMA3_RULE);
    }
    match found {
        Some(name) => refuse(format!("'{PRE}' is '{name}', an unknown rule")),
        None => refuse(format!("'{PRE}' is missing, and the vocabulary is not a known one")),
    }
}

/// The rule of a name.
fn split(name: &str) -> Option<Split> {
    Some(match name {
        "gpt-2" | "phi-2" | "gigachat" | "mpt" | "olmo" | "jais" | "trillion" | "granite-docling" => PLAIN,
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
            Split { expressions: &[r"\p{N}", GPT2], ..PLAIN }
        }
        "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "falcon-h1" | "falcon_e" | "pixtral" | "midm-2.0" | "lfm2" => LLAMA3_RULE,
        "dbrx" | "smaug-bpe" => Split { expressions: &[LLAMA3], ..PLAIN },
        "qwen2" | "deepseek-r1-qwen" => Split { expressions: &[QWEN2], composes: true, ..PLAIN },
        "stablelm2" | "megrez" | "hunyuan" => Split { expressions: &[QWEN2], ..PLAIN },
        "deepseek-coder" => Split { expressions: &DEEPSEEK_CODER, ..PLAIN },
        "falcon" => Split { expressions: &FALCON, ..PLAIN },
        "default" => Split { expressions: &UNNAMED, ..PLAIN },
        _ => return None,
    })
}
