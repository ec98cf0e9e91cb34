//! The tokenizer of a folder, its control tokens and its chat template.

use super::{read_bytes, read_json, read_text, sentencepiece};
use crate::ends::is_end;
use crate::error::ConvertError;
use crate::gguf::tokens;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokenizers::Tokenizer;

const TOKENIZER: &str = "tokenizer.json";
/// Tokens of a vocabulary that is none: all bytes.
const BYTES: u64 = 256;

/// The text of the tokenizer; what belongs to it goes into the metadata. None of a model whose tokens are the 256 bytes.
pub(super) fn tokenizer(folder: &Path, config: &Value, metadata: &mut BTreeMap<String, String>) -> Result<Option<String>, ConvertError> {
    let rules = read_json(folder, "tokenizer_config.json")?.unwrap_or_default();
    let generation = read_json(folder, "generation_config.json")?.unwrap_or_default();
    if let Some(template) = template(folder, &rules)? {
        metadata.insert("chat_template".into(), template);
    }
    let part = |reason: String| ConvertError::Part { file: TOKENIZER.into(), what: "tokenizer", reason };
    let (text, add_bos) = match (read_text(folder, TOKENIZER)?, read_bytes(folder, sentencepiece::FILE)?) {
        (Some(text), _) => (text, None),
        // What stands in front of a text is not in this file; its own class puts a token there unless it is told not to.
        (None, Some(pieces)) => (from_pieces(&pieces, folder, &rules)?, Some(rules["add_bos_token"].as_bool().unwrap_or(true))),
        (None, None) if config["vocab_size"].as_u64() == Some(BYTES) => return Ok(None),
        (None, None) => {
            return Err(ConvertError::NoVocabulary { wanted: "the folder has neither tokenizer.json nor tokenizer.model" });
        }
    };
    let tokenizer = Tokenizer::from_bytes(&text).map_err(|error| part(error.to_string()))?;
    let named = |key: &str| token_text(&rules, key).and_then(|text| tokenizer.token_to_id(text));
    let count = metadata.get("vocab_size").and_then(|count| count.parse().ok()).unwrap_or(u64::MAX);
    let bos = named("bos_token").or(ids(config, "bos_token_id", count)?.first().copied());
    if let Some(bos) = bos {
        metadata.insert("bos_token".into(), bos.to_string());
    }
    // What the tokenizer itself puts in front of a text is what the model was trained on.
    let tried = tokenizer.encode("a", true).map_err(|error| part(error.to_string()))?;
    let begins = bos.is_some() && add_bos.unwrap_or(tried.get_ids().first().copied() == bos);
    metadata.insert("add_bos".into(), begins.to_string());
    let mut ends: BTreeSet<u32> = ids(&generation, "eos_token_id", count)?.into_iter().chain(ids(config, "eos_token_id", count)?).collect();
    ends.extend(named("eos_token"));
    let added = tokenizer.get_added_tokens_decoder();
    ends.extend(added.iter().filter(|(_, token)| is_end(&token.content)).map(|(id, _)| *id));
    if !ends.is_empty() {
        metadata.insert("eos_tokens".into(), ends.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    }
    Ok(Some(text))
}

/// The tokenizer of a folder that has SentencePiece's file alone.
fn from_pieces(pieces: &[u8], folder: &Path, rules: &Value) -> Result<String, ConvertError> {
    let mut keys = sentencepiece::keys(pieces)?;
    sentencepiece::append(&mut keys, &added(folder, rules)?)?;
    let none = ConvertError::NoVocabulary { wanted: "tokenizer.model has no pieces" };
    Ok(tokens(&keys, None)?.ok_or(none)?.json)
}

/// Tokens that stand beside the pieces, by number: their texts, and whether they are special.
fn added(folder: &Path, rules: &Value) -> Result<BTreeMap<u64, (String, bool)>, ConvertError> {
    let listed = read_json(folder, "added_tokens.json")?.unwrap_or_default();
    let listed = listed.as_object().into_iter().flatten().filter_map(|(text, id)| Some((id.as_u64()?, (text.clone(), false))));
    let described = rules["added_tokens_decoder"].as_object().into_iter().flatten().filter_map(|(id, token)| {
        let is_special = token["special"].as_bool().unwrap_or(false);
        Some((id.parse().ok()?, (token["content"].as_str()?.to_owned(), is_special)))
    });
    Ok(listed.chain(described).collect())
}

/// The chat template: a file of its own, a text, or the one named 'default' of several.
fn template(folder: &Path, rules: &Value) -> Result<Option<String>, ConvertError> {
    if let Some(template) = read_text(folder, "chat_template.jinja")? {
        return Ok(Some(template));
    }
    Ok(match &rules["chat_template"] {
        Value::String(template) => Some(template.clone()),
        Value::Array(several) => {
            let default = several.iter().find(|one| one["name"] == "default");
            default.and_then(|one| one["template"].as_str()).map(str::to_owned)
        }
        _ => None,
    })
}

/// A token's text: as it is, or in a table that says how it is cut.
fn token_text<'j>(rules: &'j Value, key: &str) -> Option<&'j str> {
    rules[key].as_str().or_else(|| rules[key]["content"].as_str())
}

/// A token's number, or several, each below `count`; -1 is no token.
fn ids(json: &Value, key: &str, count: u64) -> Result<Vec<u32>, ConvertError> {
    let each = match &json[key] {
        Value::Null => &[][..],
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    let wrong = |value: &Value| ConvertError::key(key, value, format!("numbers of tokens, below {count}"));
    let id = |value: &Value| value.as_u64().filter(|id| *id < count).and_then(|id| u32::try_from(id).ok()).ok_or_else(|| wrong(value));
    each.iter().filter(|value| value.as_i64() != Some(-1)).map(id).collect()
}
