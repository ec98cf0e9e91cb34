//! How text becomes tokens, as a document stores it. The engine does the work.

use crate::fields::{Cursor, Stretch};
use crate::layout::FrameKind;
use crate::metadata::{count_field, push_bytes};
use crate::{Fault, MAX_TOKEN_BYTES, NdfError};

/// How text becomes tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokenizer {
    /// A token is a byte; the vocabulary is 0 to 255.
    Bytes,
    /// Byte-pair encoding.
    BytePairs(BytePairs),
    /// The text of a Hugging Face `tokenizer.json`. Here it is text and no more; whoever runs the model reads it.
    Json(String),
}

/// A byte-pair vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BytePairs {
    /// Name of the rule that cuts text into pieces before merging; merges never cross pieces.
    pub split: String,
    /// The bytes of every token, by number; at most [`MAX_TOKEN_BYTES`] each.
    pub tokens: Vec<Vec<u8>>,
    /// The merges; the first has the highest priority.
    pub merges: Vec<Merge>,
    /// Ascending numbers of the tokens that stand for control (end of text, chat roles): text never merges into them.
    pub specials: Vec<u32>,
}

/// Two adjacent tokens that become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Merge {
    /// The left token.
    pub left: u32,
    /// The right token.
    pub right: u32,
    /// The token whose bytes are the left's and then the right's.
    pub merged: u32,
}

const BYTES: u32 = 0;
const BYTE_PAIRS: u32 = 1;
const JSON: u32 = 2;

impl Tokenizer {
    /// Size of the vocabulary; `None` if it stands in a text that this crate does not read.
    pub fn token_count(&self) -> Option<usize> {
        match self {
            Tokenizer::Bytes => Some(256),
            Tokenizer::BytePairs(pairs) => Some(pairs.tokens.len()),
            Tokenizer::Json(_) => None,
        }
    }

    /// The name used in listings.
    pub const fn name(&self) -> &'static str {
        match self {
            Tokenizer::Bytes => "bytes",
            Tokenizer::BytePairs(_) => "byte pairs",
            Tokenizer::Json(_) => "json",
        }
    }

    pub(crate) fn parse(payload: Stretch<'_>) -> Result<Self, NdfError> {
        let mut cursor = Cursor::new(payload);
        match cursor.u32()? {
            BYTES => {
                cursor.end()?;
                Ok(Tokenizer::Bytes)
            }
            BYTE_PAIRS => Ok(Tokenizer::BytePairs(BytePairs::parse(cursor)?)),
            JSON => {
                let start = cursor.at;
                let text = std::str::from_utf8(&payload.bytes[start..]);
                let fault =
                    |error: std::str::Utf8Error| payload.fault(start + error.valid_up_to(), Fault::NotUtf8 { what: "tokenizer.json" });
                Ok(Tokenizer::Json(text.map_err(fault)?.to_owned()))
            }
            other => {
                let allowed = "0 (bytes), 1 (byte pairs) or 2 (json)";
                let fault = Fault::Field { field: "tokenizer kind", found: other.into(), allowed };
                Err(payload.fault(0, fault))
            }
        }
    }

    pub(crate) fn payload(&self) -> Result<Vec<u8>, NdfError> {
        let payload = match self {
            Tokenizer::Bytes => Ok(BYTES.to_le_bytes().to_vec()),
            Tokenizer::BytePairs(pairs) => pairs.payload(),
            Tokenizer::Json(text) => Ok([&JSON.to_le_bytes(), text.as_bytes()].concat()),
        };
        payload.map_err(|fault| NdfError::Unwritable { kind: FrameKind::Tokenizer, name: String::new(), fault })
    }
}

impl BytePairs {
    fn parse(mut cursor: Cursor<'_>) -> Result<Self, NdfError> {
        let stretch = cursor.stretch;
        let split = cursor.text("the split rule's name")?.to_owned();
        let [token_count, merge_count, special_count] = [cursor.u32()?, cursor.u32()?, cursor.u32()?];
        let mut pairs = BytePairs { split, ..BytePairs::default() };
        // Forged counts end at the payload's end, so nothing is reserved by them.
        for index in 0..token_count as usize {
            let start = cursor.at;
            let token = cursor.bytes()?;
            if token.len() > MAX_TOKEN_BYTES {
                return Err(stretch.fault(start, Fault::Token { index, bytes: token.len() }));
            }
            pairs.tokens.push(token.to_vec());
        }
        for index in 0..merge_count as usize {
            let start = cursor.at;
            let merge = Merge { left: cursor.u32()?, right: cursor.u32()?, merged: cursor.u32()? };
            pairs.check_merge(index, merge).map_err(|fault| stretch.fault(start, fault))?;
            pairs.merges.push(merge);
        }
        for _ in 0..special_count {
            let start = cursor.at;
            let token = cursor.u32()?;
            pairs.check_special(token).map_err(|fault| stretch.fault(start, fault))?;
            pairs.specials.push(token);
        }
        cursor.end()?;
        Ok(pairs)
    }

    fn check_merge(&self, index: usize, merge: Merge) -> Result<(), Fault> {
        let Merge { left, right, merged } = merge;
        let token = |number: u32| self.tokens.get(number as usize);
        match (token(left), token(right), token(merged)) {
            (Some(l), Some(r), Some(m)) if m.strip_prefix(l.as_slice()) == Some(r) => Ok(()),
            _ => Err(Fault::Merge { index, left, right, merged }),
        }
    }

    fn check_special(&self, token: u32) -> Result<(), Fault> {
        let ascends = self.specials.last().is_none_or(|last| *last < token);
        if ascends && (token as usize) < self.tokens.len() { Ok(()) } else { Err(Fault::Special { token }) }
    }

    fn payload(&self) -> Result<Vec<u8>, Fault> {
        let mut payload = BYTE_PAIRS.to_le_bytes().to_vec();
        push_bytes(&mut payload, "bytes of the split rule's name", self.split.as_bytes())?;
        payload.extend(count_field("tokens", self.tokens.len())?);
        payload.extend(count_field("merges", self.merges.len())?);
        payload.extend(count_field("special tokens", self.specials.len())?);
        for token in &self.tokens {
            push_bytes(&mut payload, "bytes of a token", token)?;
        }
        for merge in &self.merges {
            payload.extend([merge.left, merge.right, merge.merged].into_iter().flat_map(u32::to_le_bytes));
        }
        payload.extend(self.specials.iter().flat_map(|token| token.to_le_bytes()));
        Ok(payload)
    }
}
