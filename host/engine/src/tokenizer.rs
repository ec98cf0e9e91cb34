//! Text to tokens and back.

use crate::error::EngineError;
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
}

/// A byte-pair vocabulary, ready to merge.
#[derive(Debug, Clone)]
pub struct Merger {
    tokens: Vec<Vec<u8>>,
    of_byte: Vec<u32>,
    /// Rank and result of a pair.
    merges: HashMap<(u32, u32), (usize, u32)>,
}

impl Tokenizer {
    /// The tokenizer that a document stores.
    ///
    /// # Errors
    /// A split rule that this version does not know, or a byte that has no token.
    pub fn new(stored: &Stored) -> Result<Tokenizer, EngineError> {
        match stored {
            Stored::Bytes => Ok(Tokenizer::Bytes),
            Stored::BytePairs(pairs) => Merger::new(pairs).map(Tokenizer::BytePairs),
        }
    }

    /// Tokens that there are.
    pub fn vocab_size(&self) -> usize {
        match self {
            Tokenizer::Bytes => 256,
            Tokenizer::BytePairs(merger) => merger.tokens.len(),
        }
    }

    /// The tokens of a text.
    pub fn encode(&self, text: &[u8]) -> Vec<u32> {
        match self {
            Tokenizer::Bytes => text.iter().map(|&b| u32::from(b)).collect(),
            Tokenizer::BytePairs(merger) => merger.encode(text),
        }
    }

    /// Appends a token's bytes; a token that there is not has none.
    pub fn decode_into(&self, token: u32, out: &mut Vec<u8>) {
        match self {
            Tokenizer::Bytes => out.extend(u8::try_from(token)),
            Tokenizer::BytePairs(merger) => out.extend(merger.tokens.get(token as usize).into_iter().flatten()),
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
        Ok(Merger { tokens: pairs.tokens.clone(), of_byte, merges })
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
            prop_assert_eq!(Tokenizer::Bytes.decode(&Tokenizer::Bytes.encode(&bytes)), bytes);
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
        assert_eq!(tokenizer.encode(b"abcab"), [258, 257]);
        assert_eq!(tokenizer.decode(&[258, 257, 999]), b"abcab");
        for broken in [BytePairs { split: "gpt2".into(), ..pairs.clone() }, BytePairs { tokens: vec![], ..pairs }] {
            assert!(matches!(Tokenizer::new(&Stored::BytePairs(broken)), Err(EngineError::Tokenizer { .. })));
        }
    }

    #[test]
    fn a_character_waits_for_its_last_byte() {
        let mut stream = Utf8Stream::default();
        assert_eq!([&[0xE2][..], &[0x82], &[0xAC, b'a']].map(|piece| stream.push(piece)), ["", "", "€a"]);
        assert_eq!(stream.push(&[0xFF, b'b', 0xC3]), "\u{FFFD}b");
        assert_eq!(stream.finish(), "\u{FFFD}");
    }
}
