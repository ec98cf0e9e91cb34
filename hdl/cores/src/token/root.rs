//! Inverse roots of sums of squares: `2^17 / sqrt(s)` from a table of 1,024 entries, and its exponent.
//!
//! Function: [`nda_spec::token::inverse_root`] of `squares + floor`. Handshake: none, one per cycle. Latency: 5 cycles. Cost: 1 DP16KD.

use super::lane::NARROW;
use crate::netlist::{Module, Netlist, Style};
use nda_spec::token::root_entry;
use std::sync::Arc;

/// Bits of a sum of squares.
pub(super) const SQUARES: usize = 48;
/// Bits of an exponent, signed.
pub(super) const EXPONENT: usize = 8;
/// Cycles from the squares to their root.
pub(super) const STAGES: usize = 5;

/// The unit: squares and floor stand in a cycle, the root five later.
pub(super) fn inverse_roots() -> Arc<Netlist> {
    let m = Module::new("inverse_roots");
    let (squares, floor) = (m.input("squares", SQUARES), m.input("floor", SQUARES));
    let sum = m.always("1: the sum").register("sum", squares + floor);
    // 0 counts as 1.
    let none = !sum.any();
    let whole = m.concat(&[sum.slice(1, SQUARES), sum.bit(0) | none, m.constant(0, 64 - SQUARES - 1)]).named("whole");
    let (coarse, coarse_count) = leading(&m, whole, &[32, 16, 8]);
    let two = m.always("2: its first one, roughly");
    let (coarse, coarse_count) = (two.register("coarse", coarse), two.register("coarse_count", coarse_count));
    let (fine, fine_count) = leading(&m, coarse, &[4, 2, 1]);
    let fine = fine.named("fine");
    let three = m.always("3: the nine bits behind it");
    let count = m.concat(&[coarse_count, fine_count]).named("count");
    // The leading one was at 63 - count in 64 bits, of which the lowest 15 are none of the sum's.
    let top = (m.constant(48, 7) - count.extend(7)).low(6).unsigned().named("leading_at");
    let behind = three.register("behind", m.concat(&[top.bit(0), fine.slice(54, 9)]));
    let exponent = three.register("exponent_3", (m.constant(17, 6) + top.slice(1, 5)).low(6));
    let words: Vec<u64> = (0..1024).map(|i| root_entry(i) as u64).collect();
    let table = m.table("entries", Style::Block, NARROW, &words);
    let four = m.always("4: the table");
    let fetched = four.register("fetched", table.at(behind));
    let exponent = four.register("exponent_4", exponent);
    let five = m.always("5: its output register");
    m.output("root", five.register("root", fetched));
    m.output("exponent", five.register("exponent_5", exponent).extend(EXPONENT));
    m.finish()
}

/// Shifted left by those of the steps that leave a one at the top; a bit for each.
fn leading<'m>(m: &'m Module, value: crate::netlist::Value<'m>, steps: &[usize]) -> (crate::netlist::Value<'m>, crate::netlist::Value<'m>) {
    let (mut value, mut count) = (value, Vec::new());
    for &by in steps {
        let is_clear = !value.slice(value.bits - by, by).any();
        value = is_clear.mux(value << by, value);
        count.push(is_clear);
    }
    (value, m.concat(&count))
}
