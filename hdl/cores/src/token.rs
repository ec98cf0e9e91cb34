//! The token machine: a whole token of a language model, from its number to the logits of what follows.
//!
//! Function: [`nda_spec::token::Machine`], bit for bit. Steps come out of a memory and are issued in their order, each as soon as
//! what it reads is there; a product's results stream through eight lanes to where they go. Cycles: [`nda_spec::token::cycles`].
//! Everything here is described as [`crate::netlist`]s.

pub mod attention;
pub mod chooser;
mod code_store;
mod codes;
pub mod commands;
mod control;
mod decoded;
mod factor;
mod feeder;
mod gate;
mod job;
mod lane;
mod machine;
mod maker;
mod memories;
mod root;
mod stream;
mod tables;
mod turn;
mod walker;
mod whole;

pub use machine::machine;
pub use whole::token_machine;

use crate::netlist::Value;
use nda_spec::token::wired::Field;

/// A field of a step.
fn field<'m>(step: Value<'m>, of: Field) -> Value<'m> {
    step.slice(of.low, of.bits)
}
