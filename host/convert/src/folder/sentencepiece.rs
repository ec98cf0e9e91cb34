//! A `tokenizer.model`: SentencePiece's vocabulary as the keys that a GGUF file would have for it.
//!
//! Source: `sentencepiece_model.proto` of the package sentencepiece. Read are the pieces, the kind of model, and what is done to a text
//! before it is cut; all else says how the vocabulary was trained.

use crate::error::ConvertError;
use crate::gguf::{Keys, Value};
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use std::collections::BTreeMap;

/// Keys of a GGUF file.
const TOKENS: &str = "tokenizer.ggml.tokens";
const SCORES: &str = "tokenizer.ggml.scores";
const KINDS: &str = "tokenizer.ggml.token_type";
/// Kinds of tokens there.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// The file's name in a folder.
pub(super) const FILE: &str = "tokenizer.model";
/// Fields of `ModelProto`.
const PIECE: u32 = 1;
const TRAINER: u32 = 2;
const NORMALIZER: u32 = 3;
/// Fields of `SentencePiece`.
const PIECE_TEXT: u32 = 1;
const PIECE_SCORE: u32 = 2;
const PIECE_KIND: u32 = 3;
/// Fields of `TrainerSpec`.
const MODEL_KIND: u32 = 3;
const BYTE_FALLBACK: u32 = 35;
const SPACE_AS_SUFFIX: u32 = 24;
/// Fields of `NormalizerSpec`.
const CHARACTER_MAP: u32 = 2;
const ADD_SPACE: u32 = 3;
const REMOVE_SPACES: u32 = 4;
const ESCAPE_SPACES: u32 = 5;
/// `TrainerSpec.ModelType` of byte pairs.
const BYTE_PAIRS: u64 = 2;

/// A vocabulary, as far as it is read.
#[derive(Debug)]
struct Vocabulary {
    texts: Vec<String>,
    scores: Vec<f32>,
    kinds: Vec<i64>,
    model_kind: u64,
    byte_fallback: bool,
    space_as_suffix: bool,
    character_map_bytes: usize,
    add_space: bool,
    remove_spaces: bool,
    escape_spaces: bool,
}

impl Default for Vocabulary {
    /// What the format says of fields that are left out.
    fn default() -> Self {
        Vocabulary {
            texts: Vec::new(),
            scores: Vec::new(),
            kinds: Vec::new(),
            model_kind: 1,
            byte_fallback: false,
            space_as_suffix: false,
            character_map_bytes: 0,
            add_space: true,
            remove_spaces: true,
            escape_spaces: true,
        }
    }
}

/// A field's value, as it stands in the file.
enum Field<'b> {
    Number(u64),
    Float(f32),
    Bytes(&'b [u8]),
    Other,
}

/// The keys that a GGUF file would have for this vocabulary.
pub(super) fn keys(bytes: &[u8]) -> Result<Keys, ConvertError> {
    let refuse = |reason: String| ConvertError::Part { file: FILE.into(), what: "SentencePiece vocabulary", reason };
    let mut vocabulary = Vocabulary::default();
    each(bytes, |number, field| vocabulary.take(number, &field)).map_err(|error| refuse(error.to_string()))?;
    let plain = [
        (vocabulary.model_kind == BYTE_PAIRS, "it is not of the kind BPE"),
        (vocabulary.byte_fallback, "what has no piece is not spelled in bytes"),
        (!vocabulary.space_as_suffix, "spaces stand behind words"),
        (vocabulary.character_map_bytes == 0, "texts are normalised by a table"),
        (!vocabulary.remove_spaces, "spaces are taken out of texts"),
        (vocabulary.escape_spaces, "spaces are not spelled as U+2581"),
    ];
    if let Some((_, reason)) = plain.iter().find(|(is_so, _)| !is_so) {
        let what = format!("the vocabulary of {FILE} ({reason})");
        return Err(ConvertError::Unsupported {
            what,
            instead: "byte pairs over whole texts with bytes for the rest are, and any tokenizer.json",
        });
    }
    let Vocabulary { texts, scores, kinds, add_space, .. } = vocabulary;
    Ok(Keys::from_entries([
        ("tokenizer.ggml.model", Value::Text("llama".into())),
        (TOKENS, Value::Array(texts.into_iter().map(Value::Text).collect())),
        (SCORES, Value::Array(scores.into_iter().map(Value::F32).collect())),
        (KINDS, Value::Array(kinds.into_iter().map(Value::Signed).collect())),
        ("tokenizer.ggml.add_space_prefix", Value::Bool(add_space)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
    ]))
}

/// Puts further tokens behind the pieces, by their numbers; those that are pieces stay what they are.
pub(super) fn append(keys: &mut Keys, added: &BTreeMap<u64, (String, bool)>) -> Result<(), ConvertError> {
    for (id, (text, is_special)) in added {
        let pieces = keys.list_len(TOKENS) as u64;
        let kind = Value::Signed(if *is_special { CONTROL } else { USER_DEFINED });
        if *id > pieces {
            let reason = format!("token {id}, '{}', would stand behind the {pieces} before it", text.escape_debug());
            return Err(ConvertError::Tokenizer { reason });
        }
        if *id == pieces {
            keys.push(TOKENS, Value::Text(text.clone()));
            keys.push(SCORES, Value::F32(0.0));
            keys.push(KINDS, kind);
        }
    }
    Ok(())
}

impl Vocabulary {
    fn take(&mut self, number: u32, field: &Field<'_>) -> Result<(), prost::DecodeError> {
        let Field::Bytes(bytes) = field else { return Ok(()) };
        match number {
            PIECE => {
                let (mut text, mut score, mut kind) = (String::new(), 0.0, 1);
                each(bytes, |number, field| {
                    match (number, field) {
                        (PIECE_TEXT, Field::Bytes(bytes)) => text = String::from_utf8_lossy(bytes).into_owned(),
                        (PIECE_SCORE, Field::Float(number)) => score = number,
                        (PIECE_KIND, Field::Number(number)) => kind = number as i64,
                        _ => {}
                    }
                    Ok(())
                })?;
                self.texts.push(text);
                self.scores.push(score);
                self.kinds.push(kind);
            }
            TRAINER => each(bytes, |number, field| {
                match (number, field) {
                    (MODEL_KIND, Field::Number(kind)) => self.model_kind = kind,
                    (BYTE_FALLBACK, Field::Number(flag)) => self.byte_fallback = flag != 0,
                    (SPACE_AS_SUFFIX, Field::Number(flag)) => self.space_as_suffix = flag != 0,
                    _ => {}
                }
                Ok(())
            })?,
            NORMALIZER => each(bytes, |number, field| {
                match (number, field) {
                    (CHARACTER_MAP, Field::Bytes(map)) => self.character_map_bytes = map.len(),
                    (ADD_SPACE, Field::Number(flag)) => self.add_space = flag != 0,
                    (REMOVE_SPACES, Field::Number(flag)) => self.remove_spaces = flag != 0,
                    (ESCAPE_SPACES, Field::Number(flag)) => self.escape_spaces = flag != 0,
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    }
}

/// Gives every field of a message to `take`.
fn each<'b>(mut bytes: &'b [u8], mut take: impl FnMut(u32, Field<'b>) -> Result<(), prost::DecodeError>) -> Result<(), prost::DecodeError> {
    while bytes.has_remaining() {
        let (number, wire) = decode_key(&mut bytes)?;
        let field = match wire {
            WireType::Varint => Field::Number(decode_varint(&mut bytes)?),
            WireType::ThirtyTwoBit if bytes.len() >= 4 => Field::Float(bytes.get_f32_le()),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut bytes)?;
                // What is too long ends in the library's own error for a message that is cut.
                let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len().saturating_add(1));
                let Some((field, rest)) = bytes.split_at_checked(length) else { return decode_varint(&mut &[][..]).map(drop) };
                bytes = rest;
                Field::Bytes(field)
            }
            other => {
                skip_field(other, number, &mut bytes, DecodeContext::default())?;
                Field::Other
            }
        };
        take(number, field)?;
    }
    Ok(())
}
