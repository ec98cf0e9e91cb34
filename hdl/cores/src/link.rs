//! Bytes and frames: what lies between a board's pins and its commands.

pub mod byte_skid;
pub mod cobs_decoder;
pub mod crc32;
pub mod frame_buffer;
pub mod frame_encoder;
pub mod uart_rx;
pub mod uart_tx;
