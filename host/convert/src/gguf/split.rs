//! How byte-pair vocabularies cut text into pieces before merging: the rules that GGUF files name.
//!
//! The expressions are those of the models' own `tokenizer.json`; the names, and which name means which rule, are
//! llama.cpp's (`llama-vocab.cpp`).

/// Contractions, words, numbers and signs with the space in front of them (Radford et al., 2019).
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK_CODER: [&str; 5] = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"];
const FALCON: [&str; 3] = [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"];
const UNNAMED: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"];

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
    /// Whether texts begin with the first token unless the file says otherwise.
    pub add_bos: bool,
}

const PLAIN: Split = Split { expressions: &[GPT2], composes: false, whole_tokens: false, add_bos: false };

/// The rule of a name.
pub(super) fn split(name: &str) -> Option<Split> {
    Some(match name {
        "gpt-2" | "phi-2" | "gigachat" | "mpt" | "olmo" | "jais" | "trillion" | "granite-docling" => PLAIN,
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
            Split { expressions: &[r"\p{N}", GPT2], ..PLAIN }
        }
        "llama-bpe" | "llama3" | "llama-v3" | "falcon3" => Split { expressions: &[LLAMA3], whole_tokens: true, add_bos: true, ..PLAIN },
        "dbrx" | "smaug-bpe" => Split { expressions: &[LLAMA3], ..PLAIN },
        "qwen2" | "deepseek-r1-qwen" => Split { expressions: &[QWEN2], composes: true, ..PLAIN },
        "stablelm2" | "megrez" | "hunyuan" => Split { expressions: &[QWEN2], ..PLAIN },
        "deepseek-coder" => Split { expressions: &DEEPSEEK_CODER, ..PLAIN },
        "falcon" => Split { expressions: &FALCON, ..PLAIN },
        "default" => Split { expressions: &UNNAMED, ..PLAIN },
        _ => return None,
    })
}
