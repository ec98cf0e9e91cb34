//! One file a command.

pub mod bench;
pub mod chat;
pub mod check;
pub mod convert;
pub mod demo;
pub mod devices;
pub mod disasm;
pub mod emit;
pub mod eval;
pub mod exec;
pub mod fmt;
pub mod gemv;
pub mod info;
pub mod plan;
mod plan_boards;
pub mod run;
pub mod serve;
pub mod verify;
pub mod wave;
