//! Proofs of the emitted Verilog, part by part, with yosys's SAT solver.
//!
//! A [`Part`] is modules of the emitted text, with checks written into them: what a register must be after an edge,
//! in plain arithmetic. Nothing is proved of a copy typed by hand. Every part comes with mutants, one entry of one truth
//! table changed each, and [`check`] demands that each of them is refuted: a proof that would pass anything is none.
//! What is proved, by which method and to which bound: README.md.

#![forbid(unsafe_code)]

pub mod parts;
mod proof;
mod text;

pub use proof::{Method, Mutant, Outcome, Part, ProofError, Report, Verdict, check};
pub use text::{TextError, Verilog};
