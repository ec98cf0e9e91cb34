//! Requests: what a frame asks for, and what is answered.

pub mod command_processor;
pub mod counters;
pub mod header_register;
pub mod identity;
pub mod seal_table;
