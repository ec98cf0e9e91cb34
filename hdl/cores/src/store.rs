//! Memories: stores of words, and what reads them.

pub mod block_ram;
pub mod packed_store;
pub mod read_delay;
pub mod unpacker;
