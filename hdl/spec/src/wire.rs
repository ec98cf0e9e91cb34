//! The wire: frames, operations, register pages. PROTOCOL.md is this module in words.
//!
//! On the wire a frame is `0x00 COBS(header payload crc32) 0x00`. There is no length field: the
//! delimiter is the length. Everything is little endian.

mod digest;
mod flags;
mod frame;
mod generate;
mod header;
mod ident;
mod op;
mod seed;
mod stat;
mod status;
mod token_page;
mod tokens;

pub use digest::PageDigest;
pub use flags::JobFlags;
pub use frame::{CRC_RESIDUE, cobs_decode, cobs_encode, crc32, crc32_step, encode_frame, max_wire_bytes, min_wire_bytes};
pub use generate::{GENERATE_BYTES, Generate, GenerateError, TOKEN_CYCLES_BITS, token_bytes};
pub use header::{Request, Response};
pub use ident::{ENGINE_VERSION, Ident, IdentError};
pub use op::Op;
pub use seed::{SEED_BEAT_BYTES, SEED_LANES, SeedError, SeedHead, seed_codes, seed_elements, seed_payload};
pub use stat::Stat;
pub use status::Status;
pub use token_page::TokenPageError;
pub use tokens::{Making, TOKENS_BYTES, TokensReply, TokensRequest, WAIT_CYCLES};

/// Version that `SYNC` carries and `IDENT` returns.
pub const PROTOCOL_VERSION: u8 = 2;
/// Bytes of a frame's header, both ways.
pub const HEADER_BYTES: usize = 8;
/// Bytes of a frame's CRC-32.
pub const CRC_BYTES: usize = 4;
/// Bytes of a job's descriptor.
pub const JOB_BYTES: usize = 20;
/// Bytes of `IDENT`'s page.
pub const IDENT_BYTES: usize = 64;
/// Bytes of `STAT`'s page.
pub const STAT_BYTES: usize = 40;
/// Bytes of a `READ` request's payload: how many result words.
pub const READ_BYTES: usize = 4;
/// Bytes of a `SEAL` request's payload: the expected CRC-32.
pub const SEAL_BYTES: usize = 4;
/// First bytes of the `IDENT` page.
pub const IDENT_MAGIC: [u8; 4] = *b"2BPG";
/// Set in the operation byte of every response.
pub const RESPONSE_BIT: u8 = 0x80;
