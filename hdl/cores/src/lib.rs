//! Rust-HDL cores.
