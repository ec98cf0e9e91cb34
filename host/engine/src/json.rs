//! Tokenizers that come as a Hugging Face `tokenizer.json`: the crate `tokenizers` splits and merges, this spells.

use crate::controls::{Controls, Typed};
use crate::error::EngineError;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokenizers::{AddedToken, DecoderWrapper, Model, Tokenizer as Library};

/// What SentencePiece writes for a space.
const SENTENCE_PIECE_SPACE: char = '\u{2581}';

/// A tokenizer of the crate `tokenizers`, with what it takes to spell single tokens.
#[derive(Clone)]
pub struct JsonTokenizer {
    /// Shared, because a vocabulary is large; locked, because whether control tokens are recognised is a state of it.
    library: Arc<Mutex<Library>>,
    spelling: Spelling,
    /// Tokens that stand beside the model's own, by number, as they stand in text.
    added: HashMap<u32, String>,
    controls: Controls,
    vocab_size: usize,
}

/// How a token's entry in the vocabulary spells bytes.
#[derive(Clone)]
enum Spelling {
    /// A character stands for a byte: by the character's number, which byte.
    ByteLevel(Vec<Option<u8>>),
    /// Text with U+2581 for spaces, and `<0x0A>` for bytes that have no text.
    SentencePiece,
}

impl JsonTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// A text that is none, or one whose tokens cannot be spelled one by one.
    pub(crate) fn new(text: &str) -> Result<JsonTokenizer, EngineError> {
        let bad = |reason: String| EngineError::Tokenizer { reason };
        let mut library = Library::from_str(text).map_err(|error| bad(format!("this is no tokenizer.json: {error}")))?;
        // Some files carry the lengths that a training cut and filled its texts to.
        library.with_truncation(None).map_err(|error| bad(error.to_string()))?;
        library.with_padding(None);
        let spelling = library.get_decoder().and_then(Spelling::of);
        let spelling = spelling.ok_or_else(|| bad("its decoder is neither byte-level nor SentencePiece's".into()))?;
        let added = library.get_added_tokens_decoder();
        let texts = added.iter().map(|(id, token)| (*id, token.content.clone()));
        let controls = Controls::new(texts, |id| added.get(&id).is_some_and(|token| !token.special));
        // To the library a token is one of control if it is special: only then it can be kept from being typed.
        let unmarked = added.iter().filter(|(id, token)| controls.has(**id) && !token.special);
        let marked: Vec<AddedToken> = unmarked.map(|(_, token)| AddedToken { special: true, ..token.clone() }).collect();
        library.add_special_tokens(marked).map_err(|error| bad(error.to_string()))?;
        let last_added = added.keys().max().map_or(0, |last| *last as usize + 1);
        let vocab_size = library.get_vocab_size(false).max(last_added);
        let added = added.into_iter().map(|(id, token)| (id, token.content)).collect();
        Ok(JsonTokenizer { library: Arc::new(Mutex::new(library)), spelling, added, controls, vocab_size })
    }

    pub(crate) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    pub(crate) fn controls(&self) -> &Controls {
        &self.controls
    }

    /// The tokens of a text, without those that a text begins or ends with.
    pub(crate) fn encode(&self, text: &str, typed: Typed) -> Result<Vec<u32>, EngineError> {
        let mut library = self.library();
        library.set_encode_special_tokens(typed == Typed::AsText);
        let encoding = library.encode_fast(text, false).map_err(|error| EngineError::Tokenizer { reason: error.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }

    pub(crate) fn decode_into(&self, token: u32, out: &mut Vec<u8>) {
        if let Some(text) = self.added.get(&token) {
            out.extend_from_slice(text.as_bytes());
        } else if let Some(entry) = self.library().get_model().id_to_token(token) {
            self.spelling.spell(&entry, out);
        }
    }

    /// Whatever panicked under the lock left no half-made state: the flag is set before every use.
    fn library(&self) -> MutexGuard<'_, Library> {
        self.library.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for JsonTokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonTokenizer({} tokens, {} of control)", self.vocab_size, self.controls.all().len())
    }
}

impl Spelling {
    /// The spelling that a decoder undoes; `None` if it is another.
    fn of(decoder: &DecoderWrapper) -> Option<Spelling> {
        match decoder {
            DecoderWrapper::ByteLevel(_) => Some(Spelling::ByteLevel(byte_alphabet())),
            DecoderWrapper::Metaspace(_) | DecoderWrapper::ByteFallback(_) => Some(Spelling::SentencePiece),
            DecoderWrapper::Sequence(steps) => steps.get_decoders().iter().find_map(Spelling::of),
            _ => None,
        }
    }

    fn spell(&self, entry: &str, out: &mut Vec<u8>) {
        match self {
            Spelling::ByteLevel(alphabet) => entry.chars().for_each(|c| match alphabet.get(c as usize).copied().flatten() {
                Some(byte) => out.push(byte),
                None => push_char(c, out),
            }),
            Spelling::SentencePiece => match byte_of(entry) {
                Some(byte) => out.push(byte),
                None => entry.chars().for_each(|c| push_char(if c == SENTENCE_PIECE_SPACE { ' ' } else { c }, out)),
            },
        }
    }
}

fn push_char(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The byte of an entry like `<0x0A>`.
fn byte_of(entry: &str) -> Option<u8> {
    let digits = entry.strip_prefix("<0x")?.strip_suffix('>')?;
    // from_str_radix() alone would take a sign.
    let is_hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hex { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// GPT-2's alphabet, turned around: visible characters of Latin-1 stand for themselves, the other bytes for the
/// characters from U+0100 on, in their order (Radford et al. 2019, `bytes_to_unicode`).
fn byte_alphabet() -> Vec<Option<u8>> {
    let mut alphabet: Vec<Option<u8>> = vec![None; 256];
    for byte in 0..=u8::MAX {
        match byte {
            b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => alphabet[usize::from(byte)] = Some(byte),
            _ => alphabet.push(Some(byte)),
        }
    }
    alphabet
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A byte-level vocabulary of all bytes and `hello`, with the control tokens 261 `<|start|>` and 262 `<|end|>`.
    pub(crate) fn byte_level() -> String {
        let mut entries: Vec<(String, usize)> = Vec::new();
        for (number, byte) in byte_alphabet().into_iter().enumerate() {
            let c = char::from_u32(number as u32).unwrap().to_string().replace('\\', "\\\\").replace('"', "\\\"");
            entries.extend(byte.map(|byte| (c, usize::from(byte))));
        }
        let vocab: Vec<String> = entries.iter().map(|(entry, id)| format!("\"{entry}\":{id}")).collect();
        let merged = r#""he":256,"ll":257,"hell":258,"hello":259,"Ġ<":260"#;
        let merges = r#"["h e","l l","he ll","hell o","Ġ <"]"#;
        let token = |id: u32, text: &str| {
            format!(
                r#"{{"id":{id},"content":"{text}","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#
            )
        };
        let byte_level = r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"#;
        format!(
            r#"{{"version":"1.0","truncation":{{"direction":"Right","max_length":3,"strategy":"LongestFirst","stride":0}},"padding":null,
            "added_tokens":[{},{}],"normalizer":null,"pre_tokenizer":{byte_level},"post_processor":null,"decoder":{byte_level},
            "model":{{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,
            "fuse_unk":false,"byte_fallback":false,"vocab":{{{},{merged}}},"merges":{merges}}}}}"#,
            token(261, "<|start|>"),
            token(262, "<|end|>"),
            vocab.join(",")
        )
    }

    #[test]
    fn control_tokens_are_recognised_only_where_asked() {
        let tokenizer = JsonTokenizer::new(&byte_level()).unwrap();
        assert_eq!((tokenizer.vocab_size(), tokenizer.controls().all().len()), (263, 2));
        assert_eq!(tokenizer.encode("<|start|>hello<|end|>", Typed::Recognised).unwrap(), [261, 259, 262]);
        let text = tokenizer.encode("<|start|>hello<|end|>", Typed::AsText).unwrap();
        assert!(text.iter().all(|token| *token < 261) && text.len() > 3, "{text:?}");
        // The state that the last call left behind is not the next one's.
        assert_eq!(tokenizer.encode("<|end|>", Typed::Recognised).unwrap(), [262]);
    }

    #[test]
    fn a_token_that_is_added_and_not_special_cannot_be_typed_either() {
        let json = byte_level();
        let at = json.rfind("\"special\":true").unwrap();
        let json = format!("{}\"special\":false{}", &json[..at], &json[at + "\"special\":true".len()..]);
        let tokenizer = JsonTokenizer::new(&json).unwrap();
        assert_eq!(tokenizer.controls().all().len(), 2);
        assert!(tokenizer.encode("hello<|end|>", Typed::AsText).unwrap().iter().all(|token| *token < 261));
        assert_eq!(tokenizer.encode("<|start|>hello<|end|>", Typed::Recognised).unwrap(), [261, 259, 262]);
        // A reader sees it: the vocabulary calls it text.
        assert_eq!([261, 262].map(|token| tokenizer.controls().is_hidden(token)), [true, false]);
    }

    #[test]
    fn sentence_piece_entries_spell_spaces_and_bytes() {
        let spelled = |entry: &str| {
            let mut out = Vec::new();
            Spelling::SentencePiece.spell(entry, &mut out);
            out
        };
        assert_eq!(spelled("▁the▁"), b" the ");
        assert_eq!(spelled("<0xE2>"), [0xE2]);
        for text in ["<0xE2", "<0xABC>", "<0x+1>", "<0x€>", "€"] {
            assert_eq!(spelled(text), text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_tokenizer_is_refused_in_words() {
        let wordless = byte_level().replace(
            r#""decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"#,
            r#""decoder":null"#,
        );
        for text in ["", "{}", "[1]", "{\"model\":{}}", wordless.as_str()] {
            assert!(matches!(JsonTokenizer::new(text), Err(EngineError::Tokenizer { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_survive_their_tokens(text in "\\PC{0,40}") {
            let tokenizer = JsonTokenizer::new(&byte_level()).unwrap();
            for typed in [Typed::AsText, Typed::Recognised] {
                let mut bytes = Vec::new();
                tokenizer.encode(&text, typed).unwrap().into_iter().for_each(|token| tokenizer.decode_into(token, &mut bytes));
                prop_assert_eq!(String::from_utf8(bytes).unwrap(), text.clone());
            }
        }
    }
}
