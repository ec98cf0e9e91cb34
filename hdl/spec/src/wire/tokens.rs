//! `TOKENS`: the tokens that a `GENERATE` has made, from an index on.

/// Bytes of a `TOKENS` request's payload.
pub const TOKENS_BYTES: usize = 4;
/// Cycles of a unit of [`TokensRequest::wait`].
pub const WAIT_CYCLES: u64 = 1 << 14;

/// What a `TOKENS` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokensRequest {
    /// Id of the `GENERATE` that makes them.
    pub id: u16,
    /// Index of the first token. Those before it have arrived, and are forgotten.
    pub first: u32,
    /// How many tokens: answered when they are there, and with no more.
    pub count: u8,
    /// For how long they are waited for, in [`WAIT_CYCLES`]; then the answer has those there are. A further frame ends the
    /// waiting, and so does the last token.
    pub wait: u8,
}

impl TokensRequest {
    /// The header's address: id, and the low half of the index.
    pub const fn addr(self) -> u32 {
        (self.id as u32) << 16 | self.first & 0xffff
    }

    /// The payload.
    pub const fn to_bytes(self) -> [u8; TOKENS_BYTES] {
        let [_, _, low, high] = self.first.to_le_bytes();
        [self.count, self.wait, low, high]
    }

    /// What an address and a payload say; `None` if that has another length.
    pub fn from_bytes(addr: u32, bytes: &[u8]) -> Option<TokensRequest> {
        let &[count, wait, low, high] = bytes else { return None };
        let first = u32::from_le_bytes([addr as u8, (addr >> 8) as u8, low, high]);
        Some(TokensRequest { id: (addr >> 16) as u16, first, count, wait })
    }
}

/// Whether more tokens will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Making {
    /// More will come, or are there and were not asked for.
    On = 0,
    /// These are the last: a stop token was chosen.
    Stop = 1,
    /// These are the last: as many as were wanted.
    Length = 2,
    /// These are the last: a `TOKENS` ended the making.
    Cancelled = 3,
    /// These are the last: the next one was not done within its cycles, and the sequence is lost.
    Failed = 4,
}

impl Making {
    /// Every state.
    pub const ALL: [Making; 5] = [Making::On, Making::Stop, Making::Length, Making::Cancelled, Making::Failed];

    /// The state of a byte.
    pub fn from_byte(byte: u8) -> Option<Making> {
        Making::ALL.into_iter().find(|&state| state as u8 == byte)
    }
}

/// A `TOKENS` response's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensReply {
    /// Whether more will come behind these.
    pub making: Making,
    /// Tokens from the index on that was asked for.
    pub tokens: Vec<u32>,
}

impl TokensReply {
    /// The payload, tokens of that many bytes each.
    pub fn to_bytes(&self, token_bytes: usize) -> Vec<u8> {
        let tokens = self.tokens.iter().flat_map(|token| token.to_le_bytes().into_iter().take(token_bytes));
        std::iter::once(self.making as u8).chain(tokens).collect()
    }

    /// What a payload says; `None` if it says nothing.
    pub fn from_bytes(bytes: &[u8], token_bytes: usize) -> Option<TokensReply> {
        let (&state, rest) = bytes.split_first()?;
        let token = |bytes: &[u8]| bytes.iter().rev().fold(0, |token, &byte| token << 8 | u32::from(byte));
        let whole = rest.len().is_multiple_of(token_bytes);
        let making = Making::from_byte(state)?;
        whole.then(|| TokensReply { making, tokens: rest.chunks_exact(token_bytes).map(token).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::max_wire_bytes;

    #[test]
    fn requests_and_replies_survive_their_bytes() {
        let request = TokensRequest { id: 0x0102, first: 0x89ab_cdef, count: 64, wait: 9 };
        assert_eq!((request.addr(), request.to_bytes()), (0x0102_cdef, [64, 9, 0xab, 0x89]));
        assert_eq!(TokensRequest::from_bytes(request.addr(), &request.to_bytes()), Some(request));
        assert_eq!([TokensRequest::from_bytes(0, &[0; 3]), TokensRequest::from_bytes(0, &[0; 5])], [None, None]);
        for width in 1..=3 {
            for making in Making::ALL {
                let reply = TokensReply { making, tokens: vec![1, 0, 255] };
                assert_eq!(TokensReply::from_bytes(&reply.to_bytes(width), width), Some(reply));
            }
        }
        assert_eq!(
            [TokensReply::from_bytes(&[], 1), TokensReply::from_bytes(&[9], 1), TokensReply::from_bytes(&[0, 1], 2)],
            [None, None, None]
        );
    }

    #[test]
    fn a_byte_token_costs_its_share_of_a_frame_of_64() {
        let reply = max_wire_bytes(1 + 64);
        let request = max_wire_bytes(TOKENS_BYTES);
        assert!(reply as f64 / 64.0 <= 1.3 && (reply + request) as f64 / 64.0 <= 1.6, "{reply} and {request} bytes");
    }
}
