//! A GGUF file's vocabulary as the text of a `tokenizer.json`, as the crate `tokenizers` reads it.

use super::split::{Split, TextStart, of_keys};
use super::value::Keys;
use crate::ends::is_end;
use crate::error::ConvertError;
use std::collections::{BTreeMap, HashMap};

const MODEL: &str = "tokenizer.ggml.model";
const TEMPLATE: &str = "tokenizer.chat_template";
const TOKENS: &str = "tokenizer.ggml.tokens";
const MERGES: &str = "tokenizer.ggml.merges";
const SCORES: &str = "tokenizer.ggml.scores";
const KINDS: &str = "tokenizer.ggml.token_type";
const UNKNOWN: &str = "tokenizer.ggml.unknown_token_id";
const BOS: &str = "tokenizer.ggml.bos_token_id";
const ADD_BOS: &str = "tokenizer.ggml.add_bos_token";
const ADD_SPACE: &str = "tokenizer.ggml.add_space_prefix";
/// Keys of single tokens after which nothing follows.
const ENDS: [&str; 3] = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];
/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenKind {
    fn from_number(number: i64) -> Option<TokenKind> {
        let kinds = [TokenKind::Normal, TokenKind::Unknown, TokenKind::Control, TokenKind::UserDefined, TokenKind::Unused, TokenKind::Byte];
        usize::try_from(number).ok()?.checked_sub(1).and_then(|at| kinds.get(at)).copied()
    }
}

/// What the file says of its vocabulary.
struct Vocabulary<'k> {
    keys: &'k Keys,
    tokens: Vec<&'k str>,
    kinds: Vec<TokenKind>,
}

/// The vocabulary in the form of a document.
pub(crate) struct Tokens {
    /// The text of a `tokenizer.json`.
    pub json: String,
    pub count: usize,
    /// `bos_token`, `eos_tokens` and `add_bos`.
    pub metadata: BTreeMap<String, String>,
}

fn refuse<T>(reason: String) -> Result<T, ConvertError> {
    Err(ConvertError::Tokenizer { reason })
}

/// The vocabulary of a file; none of a file without one. `pre` is the name of the rule that splits text, if it is not to be the file's.
pub(crate) fn tokens(keys: &Keys, pre: Option<&str>) -> Result<Option<Tokens>, ConvertError> {
    let Some(model) = keys.text(MODEL)?.filter(|model| *model != "none") else { return Ok(None) };
    let vocabulary = Vocabulary::new(keys)?;
    let (json, start) = match model {
        "gpt2" => {
            let split = of_keys(keys, pre, &vocabulary.tokens)?;
            (vocabulary.byte_pairs(&split)?, split.start)
        }
        "llama" => (vocabulary.pieces()?, TextStart::Bos),
        other => {
            let what = format!("a vocabulary of the kind '{other}'");
            return Err(ConvertError::Unsupported { what, instead: "'gpt2' (byte pairs) and 'llama' (SentencePiece) are" });
        }
    };
    tokenizers::Tokenizer::from_bytes(&json).or_else(|error| refuse(format!("the vocabulary contradicts itself: {error}")))?;
    let metadata = vocabulary.metadata(start)?;
    Ok(Some(Tokens { json, count: vocabulary.tokens.len(), metadata }))
}

impl<'k> Vocabulary<'k> {
    fn new(keys: &'k Keys) -> Result<Self, ConvertError> {
        let tokens = keys.texts(TOKENS)?.ok_or_else(|| ConvertError::MissingKey { key: TOKENS.into() })?;
        let kinds = match keys.integers(KINDS)? {
            None => vec![TokenKind::Normal; tokens.len()],
            Some(kinds) if kinds.len() == tokens.len() => kinds
                .iter()
                .map(|kind| TokenKind::from_number(*kind).ok_or_else(|| ConvertError::key(KINDS, kind, "numbers of 1 to 6")))
                .collect::<Result<_, _>>()?,
            Some(kinds) => {
                return Err(ConvertError::key(KINDS, format!("an array of {}", kinds.len()), format!("one of {}", tokens.len())));
            }
        };
        let mut vocabulary = Vocabulary { keys, tokens, kinds };
        vocabulary.mark_controls()?;
        Ok(vocabulary)
    }

    /// Some files call control tokens normal ones: those that end answers, and what looks like one and is written by the chat template.
    fn mark_controls(&mut self) -> Result<(), ConvertError> {
        let template = self.keys.text(TEMPLATE)?.unwrap_or_default();
        for (kind, token) in self.kinds.iter_mut().zip(&self.tokens) {
            let looks_like_one = token.len() > 4 && token.starts_with("<|") && token.ends_with("|>");
            if *kind == TokenKind::Normal && looks_like_one && (is_end(token) || template.contains(token)) {
                *kind = TokenKind::Control;
            }
        }
        Ok(())
    }

    fn metadata(&self, start: TextStart) -> Result<BTreeMap<String, String>, ConvertError> {
        let mut metadata = BTreeMap::new();
        let add_bos = self.keys.flag(ADD_BOS)?.unwrap_or(start == TextStart::Bos);
        match self.token(BOS)? {
            Some(bos) => metadata.insert("bos_token".to_owned(), bos.to_string()),
            None if add_bos => return refuse(format!("texts begin with a token, but '{BOS}' does not say which")),
            None => None,
        };
        metadata.insert("add_bos".into(), add_bos.to_string());
        let mut ends = Vec::new();
        for key in ENDS {
            ends.extend(self.token(key)?);
        }
        let is_special = |at: &usize| matches!(self.kinds[*at], TokenKind::Control | TokenKind::UserDefined);
        ends.extend((0..self.tokens.len()).filter(is_special).filter(|at| is_end(self.tokens[*at])));
        ends.sort_unstable();
        ends.dedup();
        if !ends.is_empty() {
            metadata.insert("eos_tokens".into(), ends.iter().map(usize::to_string).collect::<Vec<_>>().join(","));
        }
        Ok(metadata)
    }

    /// The token that a key names, if it names one.
    fn token(&self, key: &str) -> Result<Option<usize>, ConvertError> {
        match self.keys.size(key)? {
            Some(token) if token >= self.tokens.len() => Err(ConvertError::key(key, token, format!("below {}", self.tokens.len()))),
            token => Ok(token),
        }
    }

    /// Byte pairs: the tokens are spelled in GPT-2's printable alphabet, and the merges are listed.
    fn byte_pairs(&self, split: &Split) -> Result<String, ConvertError> {
        let merges = self.keys.texts(MERGES)?.ok_or_else(|| ConvertError::MissingKey { key: MERGES.into() })?;
        // A merge is two tokens with a space between; a token may begin with a space itself.
        let pair = |merge: &&'k str| {
            let first = merge.chars().next().map_or(0, char::len_utf8);
            let space = first + merge[first..].find(' ')?;
            Some((&merge[..space], &merge[space + 1..]))
        };
        let pairs: Option<Vec<_>> = merges.iter().map(pair).collect();
        let Some(pairs) = pairs else { return refuse(format!("an entry of '{MERGES}' is not two tokens with a space between")) };
        let cut = |expression: &&str| {
            let expression = quoted(expression);
            format!(r#"{{"type":"Split","pattern":{{"Regex":{expression}}},"behavior":"Isolated","invert":false}}"#)
        };
        let mut steps: Vec<String> = split.expressions.iter().map(cut).collect();
        steps.push(r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}"#.into());
        let parts = Parts {
            normalizer: if split.composes { r#"{"type":"NFC"}"#.into() } else { "null".into() },
            pre_tokenizer: sequence("pretokenizers", &steps),
            decoder: r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#.into(),
            unknown: "null".into(),
            byte_fallback: false,
            whole_tokens: split.whole_tokens,
        };
        Ok(self.json(&parts, &pairs))
    }

    /// SentencePiece pieces: any two that make a third may be merged, the third of the highest score first; what has
    /// no piece is spelled in bytes.
    fn pieces(&self) -> Result<String, ConvertError> {
        let scores = self.keys.floats(SCORES)?.ok_or_else(|| ConvertError::MissingKey { key: SCORES.into() })?;
        if scores.len() != self.tokens.len() {
            return Err(ConvertError::key(SCORES, format!("an array of {}", scores.len()), format!("one of {}", self.tokens.len())));
        }
        let unknown = self.token(UNKNOWN)?.or_else(|| self.kinds.iter().position(|kind| *kind == TokenKind::Unknown));
        let mut normal = vec![replaced(" ", "▁")];
        let mut decode = vec![replaced("▁", " "), r#"{"type":"ByteFallback"}"#.into(), r#"{"type":"Fuse"}"#.into()];
        if self.keys.flag(ADD_SPACE)?.unwrap_or(true) {
            normal.insert(0, r#"{"type":"Prepend","prepend":"▁"}"#.into());
            decode.push(r#"{"type":"Strip","content":" ","start":1,"stop":0}"#.into());
        }
        let parts = Parts {
            normalizer: sequence("normalizers", &normal),
            pre_tokenizer: "null".into(),
            decoder: sequence("decoders", &decode),
            unknown: unknown.map_or("null".into(), |at| quoted(self.tokens[at])),
            byte_fallback: true,
            whole_tokens: false,
        };
        Ok(self.json(&parts, &self.merges_by_score(&scores)))
    }

    /// Every way to put a normal piece together from two others, the best pieces first.
    fn merges_by_score(&self, scores: &[f32]) -> Vec<(&'k str, &'k str)> {
        let is_normal = |at: &usize| self.kinds[*at] == TokenKind::Normal;
        let of_text: HashMap<&str, usize> = (0..self.tokens.len()).filter(is_normal).map(|at| (self.tokens[at], at)).collect();
        let mut order: Vec<usize> = of_text.values().copied().collect();
        order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let cuts = |at: usize| {
            let token = self.tokens[at];
            let parts = token.char_indices().skip(1).map(move |(cut, _)| token.split_at(cut));
            let mut parts: Vec<_> = parts.filter_map(|(l, r)| Some((*of_text.get(l)?, *of_text.get(r)?, l, r))).collect();
            parts.sort_unstable_by_key(|(left, right, ..)| (*left, *right));
            parts.into_iter().map(|(_, _, left, right)| (left, right))
        };
        order.into_iter().flat_map(cuts).collect()
    }

    /// The whole text. Written in the order of the tokens, so that one vocabulary is always the same bytes.
    fn json(&self, parts: &Parts, merges: &[(&str, &str)]) -> String {
        let is_added = |at: &usize| matches!(self.kinds[*at], TokenKind::Unknown | TokenKind::Control | TokenKind::UserDefined);
        let added = (0..self.tokens.len()).filter(is_added).map(|at| {
            let (content, special) = (quoted(self.tokens[at]), self.kinds[at] != TokenKind::UserDefined);
            format!(
                r#"{{"id":{at},"content":{content},"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":{special}}}"#
            )
        });
        let added = added.collect::<Vec<_>>().join(",");
        // Of two tokens of one text only one can be met; as in llama.cpp it is the later.
        let last: HashMap<&str, usize> = self.tokens.iter().enumerate().map(|(at, token)| (*token, at)).collect();
        let vocab = self.tokens.iter().enumerate().filter(|(at, token)| last[*token] == *at);
        let vocab = vocab.map(|(at, token)| format!("{}:{at}", quoted(token))).collect::<Vec<_>>().join(",");
        let merges = merges.iter().map(|(l, r)| format!("[{},{}]", quoted(l), quoted(r))).collect::<Vec<_>>().join(",");
        let Parts { normalizer, pre_tokenizer, decoder, unknown, byte_fallback, whole_tokens } = parts;
        format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{added}],"normalizer":{normalizer},"pre_tokenizer":{pre_tokenizer},"post_processor":null,"decoder":{decoder},"model":{{"type":"BPE","dropout":null,"unk_token":{unknown},"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":{byte_fallback},"byte_fallback":{byte_fallback},"ignore_merges":{whole_tokens},"vocab":{{{vocab}}},"merges":[{merges}]}}}}"#
        )
    }
}

/// What differs between kinds of vocabulary; texts are JSON.
struct Parts {
    normalizer: String,
    pre_tokenizer: String,
    decoder: String,
    unknown: String,
    byte_fallback: bool,
    whole_tokens: bool,
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn replaced(from: &str, to: &str) -> String {
    format!(r#"{{"type":"Replace","pattern":{{"String":{}}},"content":{}}}"#, quoted(from), quoted(to))
}

/// Steps that are done one after another; `list` is what this kind of sequence calls them.
fn sequence(list: &str, steps: &[String]) -> String {
    format!(r#"{{"type":"Sequence","{list}":[{}]}}"#, steps.join(","))
}
