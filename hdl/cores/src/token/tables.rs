//! Cosines and reciprocals in one block RAM, a port each.
//!
//! Function: [`nda_spec::token::cosine`] of a phase of 10 bits, out of half a rotation: the other half is its negative; and
//! [`nda_spec::token::reciprocal`] of a mantissa of nine bits without its leading one. Handshake: none, one of each per cycle.
//! Latency: 2 cycles. Cost: 1 DP16KD.

use super::lane::NARROW;
use crate::netlist::{Memory, Module, Netlist, Style, Value};
use nda_spec::token::{cosine, reciprocal};
use std::sync::Arc;

/// Bits of a phase.
pub(super) const PHASE: usize = 10;
/// Bits of a mantissa behind its leading one.
pub(super) const MANTISSA: usize = 8;
/// Cosines of half a turn; the reciprocals lie behind them.
const COSINES: usize = 1 << (PHASE - 1);

/// Both tables.
pub(super) fn tables() -> Arc<Netlist> {
    let m = Module::new("tables");
    let (phase, mantissa) = (m.input("phase", PHASE), m.input("mantissa", MANTISSA));
    let half_turn = (0..COSINES).map(cosine);
    let words: Vec<u64> =
        half_turn.chain((0..1 << MANTISSA).map(|i| reciprocal((1 << MANTISSA) + i))).map(|v| v as u64 & ((1 << NARROW) - 1)).collect();
    let table = m.table("entries", Style::Block, NARROW, &words);
    m.output("reciprocal", read(&m, table, "reciprocal", m.concat(&[m.constant(0b10, PHASE - MANTISSA), mantissa])));
    let upper = read(&m, table, "cosine", m.concat(&[m.constant(0, 1), phase.slice(0, PHASE - 1)]));
    let is_negative = m.delayed("is_negative", phase.bit(PHASE - 1), 2);
    let lower = (m.constant(0, NARROW) - upper).low(NARROW).unsigned();
    m.output("cosine", is_negative.mux(lower, upper));
    m.finish()
}

/// An entry, two cycles behind its address.
fn read<'m>(m: &'m Module, table: Memory<'m>, name: &str, address: Value<'m>) -> Value<'m> {
    let fetched = m.always(&format!("{name}: the table")).register(&format!("{name}_fetched"), table.at(address));
    m.always(&format!("{name}: its output register")).register(&format!("{name}_read"), fetched)
}
