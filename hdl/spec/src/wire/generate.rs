//! `GENERATE` and `STEP`: from which sequence on, by which program, what goes in and how tokens are chosen.

use crate::token::{Choice, MAX_STOPS};

/// Bytes that stand first in the payload of a `GENERATE` or `STEP`; stop tokens and then the prompt follow.
pub const GENERATE_BYTES: usize = 36;
/// Bits of the cycles after which a token is given up: nothing holds a device longer.
pub const TOKEN_CYCLES_BITS: usize = 24;

/// A `GENERATE` or `STEP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generate {
    /// Job id: of the same count as a `RUN`'s.
    pub id: u16,
    /// Id of the `GENERATE` or `STEP` that this one goes on from; its own id begins a new sequence.
    pub after: u16,
    /// First page of the tile store that the weights lie on.
    pub first_page: u16,
    /// How many pages; at least 1.
    pub pages: u16,
    /// Most tokens to make; 0 takes the prompt in and makes none.
    pub most_tokens: u32,
    /// [`super::PageDigest`] of those pages and, behind them, of all of the program memory's.
    pub digest: u32,
    /// Cycles after which a token that is not done is given up: a bound for a program that is not what it should be.
    pub token_cycles: u32,
    /// How tokens are chosen.
    pub choice: Choice,
    /// Tokens that end the making, at most [`MAX_STOPS`]; they are not part of what is made.
    pub stops: Vec<u32>,
    /// What goes in; at least one token. Of a `STEP` exactly one.
    pub prompt: Vec<u32>,
}

/// Why bytes are no `GENERATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerateError {
    /// Their number is not what they say it should be.
    Length,
    /// More stop tokens than a device looks for.
    Stops,
}

/// Bytes of a token's number on the wire: as few as hold the highest token.
pub const fn token_bytes(tokens: usize) -> usize {
    let bits = usize::BITS as usize - tokens.saturating_sub(1).leading_zeros() as usize;
    if bits <= 8 { 1 } else { bits.div_ceil(8) }
}

impl Generate {
    /// The payload, tokens of that many bytes each.
    ///
    /// # Panics
    /// If there are more stops or tokens than their counts hold.
    pub fn to_bytes(&self, token_bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(GENERATE_BYTES + (self.stops.len() + self.prompt.len()) * token_bytes);
        for half in [self.id, self.after, self.first_page, self.pages] {
            out.extend(half.to_le_bytes());
        }
        out.extend(u16::try_from(self.prompt.len()).expect("a prompt in pieces").to_le_bytes());
        out.extend([u8::try_from(self.stops.len()).expect("at most MAX_STOPS"), 0]);
        for word in [self.most_tokens, self.digest, self.token_cycles, self.choice.inverse_temperature] {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.choice.seed.to_le_bytes());
        for token in self.stops.iter().chain(&self.prompt) {
            out.extend(&token.to_le_bytes()[..token_bytes]);
        }
        out
    }

    /// What a payload says.
    ///
    /// # Errors
    /// [`GenerateError`], looked for in its order.
    pub fn from_bytes(bytes: &[u8], token_bytes: usize) -> Result<Generate, GenerateError> {
        let (head, rest) = bytes.split_first_chunk::<GENERATE_BYTES>().ok_or(GenerateError::Length)?;
        let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (prompt, stops) = (usize::from(half(8)), usize::from(head[10]));
        if rest.len() != (prompt + stops) * token_bytes {
            return Err(GenerateError::Length);
        }
        if stops > MAX_STOPS {
            return Err(GenerateError::Stops);
        }
        let token = |bytes: &[u8]| bytes.iter().rev().fold(0, |token, &byte| token << 8 | u32::from(byte));
        let mut tokens: Vec<u32> = rest.chunks_exact(token_bytes).map(token).collect();
        let prompt = tokens.split_off(stops);
        Ok(Generate {
            id: half(0),
            after: half(2),
            first_page: half(4),
            pages: half(6),
            most_tokens: word(12),
            digest: word(16),
            token_cycles: word(20),
            choice: Choice { inverse_temperature: word(24), seed: u64::from(word(28)) | u64::from(word(32)) << 32 },
            stops: tokens,
            prompt,
        })
    }

    /// Whether it begins a new sequence.
    pub const fn is_new(&self) -> bool {
        self.after == self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Generate {
        Generate {
            id: 0x0102,
            after: 7,
            first_page: 3,
            pages: 61,
            most_tokens: 1 << 20,
            digest: 0x89ab_cdef,
            token_cycles: 5000,
            choice: Choice { inverse_temperature: 1280, seed: 0x0123_4567_89ab_cdef },
            stops: vec![0, 10],
            prompt: vec![83, 104, 255],
        }
    }

    #[test]
    fn requests_survive_their_bytes_in_every_width_and_other_lengths_are_refused() {
        for width in 1..=4 {
            let bytes = request().to_bytes(width);
            assert_eq!(bytes.len(), GENERATE_BYTES + 5 * width);
            assert_eq!(Generate::from_bytes(&bytes, width), Ok(request()));
            assert_eq!(Generate::from_bytes(&bytes[..bytes.len() - 1], width), Err(GenerateError::Length));
            assert_eq!(Generate::from_bytes(&[&bytes[..], &[0]].concat(), width), Err(GenerateError::Length));
        }
        let many = Generate { stops: vec![1; 17], ..request() }.to_bytes(1);
        assert_eq!(Generate::from_bytes(&many, 1), Err(GenerateError::Stops));
        assert_eq!(Generate::from_bytes(&[0; GENERATE_BYTES - 1], 1), Err(GenerateError::Length));
        let bytes = request().to_bytes(1);
        assert_eq!((&bytes[8..12], &bytes[36..]), (&[3, 0, 2, 0][..], &[0, 10, 83, 104, 255][..]));
    }

    #[test]
    fn a_tokens_width_is_the_least_that_holds_it() {
        assert_eq!([1, 2, 256, 257, 65_536, 65_537, 1 << 24].map(token_bytes), [1, 1, 1, 2, 2, 3, 3]);
    }
}
