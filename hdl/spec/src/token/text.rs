//! What a text takes on a board's link.

use crate::wire::{TOKENS_BYTES, max_wire_bytes};

/// Tokens that a host asks for at once, but for the first: a frame of a known cost, and not too late for who reads along.
pub const FRAME_TOKENS: u8 = 64;

/// How bytes come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// A byte in every cycle.
    Parallel,
    /// A UART, with that many cycles per bit.
    Uart(u32),
}

impl Link {
    /// Cycles that a number of bytes takes on the link.
    pub const fn cycles(self, bytes: usize) -> u64 {
        match self {
            Link::Parallel => bytes as u64,
            // Start bit, eight of data, stop bit.
            Link::Uart(bit_cycles) => bytes as u64 * 10 * bit_cycles as u64,
        }
    }
}

/// Bytes of a `TOKENS`, at most.
pub const fn request_bytes() -> usize {
    max_wire_bytes(TOKENS_BYTES)
}

/// Bytes of its answer with that many tokens, at most.
pub const fn response_bytes(tokens: u8, token_bytes: usize) -> usize {
    max_wire_bytes(1 + tokens as usize * token_bytes)
}
