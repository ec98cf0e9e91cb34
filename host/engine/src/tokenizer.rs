//! Text to tokens and back.

use crate::controls::{Controls, Typed};
use crate::error::EngineError;
use crate::json::JsonTokenizer;
use nda_ndf::{BytePairs, Tokenizer as Stored};
use std::collections::HashMap;

/// The split rule under which merges may join anything: the whole text is one piece.
pub const SPLIT_NONE: &str = "none";

/// How text becomes tokens.
#[derive(Debug, Clone)]
pub enum Tokenizer {
    /// Every byte is a token: 256 of them.
    Bytes,
    /// Byte-pair encoding: the best-ranked adjacent pair is merged until none is left.
    BytePairs(Merger),
    /// A Hugging Face `tokenizer.json`.
    Json(JsonTokenizer),
}

/// A stretch of a text in which control tokens were looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'t> {
    /// Text between them.
    Text(&'t str),
    /// One of them.
    Control(u32),
}

/// A byte-pair vocabulary, ready to merge.
#[derive(Debug, Clone)]
pub struct Merger {
    tokens: Vec<Vec<u8>>,
    controls: Controls,
    of_byte: Vec<u32>,
    /// Rank and result of a pair.
    merges: HashMap<(u32, u32), (usize, u32)>,
}

impl Tokenizer {
    /// The tokenizer that a document stores.
    ///
    /// # Errors
    /// A split rule that this version does not know, a byte that has no token, or a text that is no `tokenizer.json`.
    pub fn new(stored: &Stored) -> Result<Tokenizer, EngineError> {
        match stored {
            Stored::Bytes => Ok(Tokenizer::Bytes),
            Stored::BytePairs(pairs) => Merger::new(pairs).map(Tokenizer::BytePairs),
            Stored::Json(text) => JsonTokenizer::new(text).map(Tokenizer::Json),
        }
    }

    /// Tokens that there are.
    pub fn vocab_size(&self) -> usize {
        match self {
            Tokenizer::Bytes => 256,
            Tokenizer::BytePairs(merger) => merger.tokens.len(),
            Tokenizer::Json(json) => json.vocab_size(),
        }
    }

    /// The tokens of a text. What looks like a control token stays text: nobody can say `<|im_end|>` by typing it.
    /// Bytes that are no UTF-8 are U+FFFD to a `tokenizer.json`, which knows characters alone.
    ///
    /// # Errors
    /// A text that a `tokenizer.json` has no tokens for.
    pub fn encode(&self, text: &[u8]) -> Result<Vec<u32>, EngineError> {
        match self {
            Tokenizer::Bytes => Ok(text.iter().map(|&b| u32::from(b)).collect()),
            Tokenizer::BytePairs(merger) => Ok(merger.encode(text)),
            Tokenizer::Json(json) => json.encode(&String::from_utf8_lossy(text), Typed::AsText),
        }
    }

    /// The tokens of a text in which the texts of control tokens are these tokens: a template's, never a person's.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_controls(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        if let Tokenizer::Json(json) = self {
            return json.encode(text, Typed::Recognised);
        }
        let mut tokens = Vec::new();
        for segment in self.split_controls(text) {
            match segment {
                Segment::Text(text) => tokens.extend(self.encode(text.as_bytes())?),
                Segment::Control(token) => tokens.push(token),
            }
        }
        Ok(tokens)
    }

    /// The tokens of a prompt in which the texts of control tokens are what was asked for.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_prompt(&self, text: &[u8], typed: Typed) -> Result<Vec<u32>, EngineError> {
        match typed {
            Typed::Recognised if !self.controls().is_empty() => self.encode_with_controls(&String::from_utf8_lossy(text)),
            _ => self.encode(text),
        }
    }

    /// Control tokens and their texts, by number.
    pub fn controls(&self) -> &[(u32, String)] {
        self.control_set().map_or(&[], Controls::all)
    }

    fn control_set(&self) -> Option<&Controls> {
        match self {
            Tokenizer::Bytes => None,
            Tokenizer::BytePairs(merger) => Some(&merger.controls),
            Tokenizer::Json(json) => Some(json.controls()),
        }
    }

    /// Whether a token is one of control.
    pub fn is_control(&self, token: u32) -> bool {
        self.control_set().is_some_and(|controls| controls.has(token))
    }

    /// Whether a token is one of control that is no text to a reader; one that the vocabulary calls text, as marks around a model's
    /// thoughts are, is read like any other.
    pub fn is_hidden(&self, token: u32) -> bool {
        self.control_set().is_some_and(|controls| controls.is_hidden(token))
    }

    /// The control token whose text begins here; the longest, if several do.
    pub fn control_at(&self, text: &str) -> Option<(u32, &str)> {
        self.control_set()?.at(text)
    }

    /// A text cut at the texts of control tokens.
    pub fn split_controls<'t>(&self, text: &'t str) -> Vec<Segment<'t>> {
        let mut segments = Vec::new();
        let (mut start, mut at) = (0, 0);
        while let Some(next) = text[at..].chars().next() {
            let Some((token, control)) = self.control_at(&text[at..]) else {
                at += next.len_utf8();
                continue;
            };
            if start < at {
                segments.push(Segment::Text(&text[start..at]));
            }
            segments.push(Segment::Control(token));
            at += control.len();
            start = at;
        }
        if start < at {
            segments.push(Segment::Text(&text[start..]));
        }
        segments
    }

    /// Appends a token's bytes; an unknown token has none.
    pub fn decode_into(&self, token: u32, out: &mut Vec<u8>) {
        match self {
            Tokenizer::Bytes => out.extend(u8::try_from(token)),
            Tokenizer::BytePairs(merger) => out.extend(merger.tokens.get(token as usize).into_iter().flatten()),
            Tokenizer::Json(json) => json.decode_into(token, out),
        }
    }

    /// The bytes of several tokens.
    pub fn decode(&self, tokens: &[u32]) -> Vec<u8> {
        let mut out = Vec::new();
        tokens.iter().for_each(|&token| self.decode_into(token, &mut out));
        out
    }
}

impl Merger {
    fn new(pairs: &BytePairs) -> Result<Merger, EngineError> {
        let bad = |reason: String| Err(EngineError::Tokenizer { reason });
        if pairs.split != SPLIT_NONE {
            return bad(format!("the split rule '{}' is not known; '{SPLIT_NONE}' is", pairs.split));
        }
        let mut of_byte = Vec::with_capacity(256);
        for byte in 0..=u8::MAX {
            let special = |token: usize| pairs.specials.iter().any(|&s| s as usize == token);
            match (0..pairs.tokens.len()).find(|&token| pairs.tokens[token] == [byte] && !special(token)) {
                Some(token) => of_byte.push(token as u32),
                None => return bad(format!("no token stands for the byte {byte:#04x}")),
            }
        }
        let mut merges = HashMap::new();
        for (rank, merge) in pairs.merges.iter().enumerate() {
            // Of two merges of one pair the first has the higher priority, so the second never happens.
            merges.entry((merge.left, merge.right)).or_insert((rank, merge.merged));
        }
        let text = |token: u32| pairs.tokens.get(token as usize).and_then(|bytes| String::from_utf8(bytes.clone()).ok());
        let controls = Controls::new(pairs.specials.iter().filter_map(|&token| Some((token, text(token)?))), |_| false);
        Ok(Merger { tokens: pairs.tokens.clone(), controls, of_byte, merges })
    }

    /// Merges the pair of the best rank, leftmost first, until no pair can be merged. Quadratic: for prompts, not for corpora.
    fn encode(&self, text: &[u8]) -> Vec<u32> {
        let mut tokens: Vec<u32> = text.iter().map(|&b| self.of_byte[usize::from(b)]).collect();
        loop {
            let pairs = tokens.windows(2).enumerate();
            let best = pairs.filter_map(|(at, pair)| self.merges.get(&(pair[0], pair[1])).map(|(rank, merged)| (*rank, at, *merged))).min();
            let Some((_, at, merged)) = best else {
                return tokens;
            };
            tokens[at] = merged;
            tokens.remove(at + 1);
        }
    }
}

/// Bytes in, whole characters out: a character that is split over tokens waits for its rest.
#[derive(Debug, Clone, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// The text that these bytes complete; bytes that can never be UTF-8 become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let (good, bad) = self.pending.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(good));
                    let Some(skip) = error.error_len() else {
                        self.pending = bad.to_vec();
                        return text;
                    };
                    text.push('\u{FFFD}');
                    self.pending = bad[skip..].to_vec();
                }
            }
        }
    }

    /// What is left at the end: U+FFFD for a character that was never completed.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stream_of_any_pieces_is_the_lossy_text(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "\\PC{0,12}", cut in 1_usize..5) {
            let all = [text.as_bytes(), &bytes, text.as_bytes()].concat();
            let mut stream = Utf8Stream::default();
            let mut out: String = all.chunks(cut).map(|piece| stream.push(piece)).collect();
            out += &stream.finish();
            prop_assert_eq!(out, String::from_utf8_lossy(&all));
        }

        #[test]
        fn bytes_survive_their_tokens(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(Tokenizer::Bytes.decode(&Tokenizer::Bytes.encode(&bytes).unwrap()), bytes);
        }
    }

    #[test]
    fn the_best_ranked_pair_is_merged_first() {
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|b| vec![b]).collect();
        tokens.extend([b"bc".to_vec(), b"ab".to_vec(), b"abc".to_vec()]);
        let merge = |left: u32, right: u32, merged: u32| nda_ndf::Merge { left, right, merged };
        let (a, b, c) = (97, 98, 99);
        let merges = vec![merge(b, c, 256), merge(a, b, 257), merge(257, c, 258), merge(a, 256, 258)];
        let pairs = BytePairs { split: SPLIT_NONE.into(), tokens, merges, specials: vec![] };
        let tokenizer = Tokenizer::new(&Stored::BytePairs(pairs.clone())).unwrap();
        assert_eq!(tokenizer.encode(b"abcab").unwrap(), [258, 257]);
        assert_eq!(tokenizer.decode(&[258, 257, 999]), b"abcab");
        for broken in [BytePairs { split: "gpt2".into(), ..pairs.clone() }, BytePairs { tokens: vec![], ..pairs }] {
            assert!(matches!(Tokenizer::new(&Stored::BytePairs(broken)), Err(EngineError::Tokenizer { .. })));
        }
    }

    #[test]
    fn every_kind_recognises_control_tokens_only_where_asked() {
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|b| vec![b]).collect();
        tokens.extend(["<|s|>", "<|s|>>", ""].map(|text| text.as_bytes().to_vec()));
        let pairs = BytePairs { split: SPLIT_NONE.into(), tokens, merges: vec![], specials: vec![256, 257, 258] };
        let tokenizer = Tokenizer::new(&Stored::BytePairs(pairs)).unwrap();
        assert_eq!(tokenizer.encode_with_controls("a<|s|>b<|s|>><").unwrap(), [97, 256, 98, 257, 60]);
        assert_eq!(tokenizer.encode(b"<|s|>").unwrap(), b"<|s|>".map(u32::from));
        let prompts = [Typed::AsText, Typed::Recognised].map(|typed| tokenizer.encode_prompt(b"<|s|>", typed).unwrap().len());
        assert_eq!((prompts, Tokenizer::Bytes.encode_prompt(&[0xff], Typed::Recognised).unwrap()), ([5, 1], vec![0xff]));
        assert!(tokenizer.is_control(256) && !tokenizer.is_control(97));
        assert_eq!(Tokenizer::Bytes.encode_with_controls("<|s|>").unwrap(), b"<|s|>".map(u32::from));
        let json = Tokenizer::new(&Stored::Json(crate::json::tests::byte_level())).unwrap();
        let segments = [Segment::Control(261), Segment::Text("é <|"), Segment::Control(262)];
        assert_eq!(json.split_controls("<|start|>é <|<|end|>"), segments);
        assert_eq!(json.encode_with_controls("<|start|>hello").unwrap(), [261, 259]);
        assert_eq!(json.decode(&json.encode("<|start|>é".as_bytes()).unwrap()), "<|start|>é".as_bytes());
    }

    #[test]
    fn a_character_waits_for_its_last_byte() {
        let mut stream = Utf8Stream::default();
        assert_eq!([&[0xE2][..], &[0x82], &[0xAC, b'a']].map(|piece| stream.push(piece)), ["", "", "€a"]);
        assert_eq!(stream.push(&[0xFF, b'b', 0xC3]), "\u{FFFD}b");
        assert_eq!(stream.finish(), "\u{FFFD}");
    }
}
