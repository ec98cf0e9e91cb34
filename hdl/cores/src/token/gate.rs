//! A gate in the stream: `narrow(narrow(x * factor(x)) * up)`, the factor from a table of straight lines.
//!
//! Function: [`nda_spec::token::Gate::apply`]. Words come in pairs, first those that gate, then those that are gated, so a lane of
//! this unit works for two of the pipe: it takes lanes 0 to 3 in one cycle and 4 to 7 in the next. The table lies in two block
//! RAMs, even entries and odd ones, because a line needs two neighbours. Stages are counted from the register that chooses
//! the half. Cost: 3 DSP and 2 DP16KD a lane, four lanes.

use super::lane::{NARROW, SHIFT, half};
use crate::netlist::{Module, Netlist, Style, Value};
use std::sync::Arc;

/// Cycles from the second word of a pair to what it gates.
pub(super) const STAGES: usize = 17;
/// Words of each half of the table, those of the shifts included.
pub(super) const TABLE_WORDS: usize = 512;
const ADDRESS: usize = 9;

/// One of four lanes. `gate` and, a cycle later, `up` are chosen already.
pub(super) fn gate_lane() -> Arc<Netlist> {
    let m = Module::new("gate_lane");
    m.comment("verilator no_inline_module");
    let (gate, up, base) = (m.input("gate", NARROW), m.input("up", NARROW), m.input("base", ADDRESS));
    let (step, factor_shift, shift) = (m.input("step_bits", 4), m.input("factor_shift", SHIFT), m.input("gated_shift", SHIFT));
    let (write, write_at, data) = (m.input("write_enable", 1), m.input("write_address", ADDRESS), m.input("write_data", 2 * NARROW));
    let (peek, peek_at) = (m.input("peek", 1), m.input("peek_address", ADDRESS));
    let even = m.memory("even", Style::Block, TABLE_WORDS, NARROW);
    let odd = m.memory("odd", Style::Block, TABLE_WORDS, NARROW);
    let writing = m.stage("the table comes", write);
    writing.write(even, write_at, data.slice(0, NARROW));
    writing.write(odd, write_at, data.slice(NARROW, NARROW));

    let one = m.always("1: the line");
    let x_1 = one.register("x_1", gate);
    let steps = one.register("steps", gate.signed().shifted_right(step));
    let two = m.always("2: within the table");
    let line = (steps.signed() + m.constant(128, NARROW).signed()).low(NARROW + 1).named("line_of");
    let is_below = line.bit(NARROW);
    let is_above = !is_below & line.slice(8, NARROW - 8).any();
    let clamped = is_below.mux(m.constant(0, 8), is_above.mux(m.constant(255, 8), line.slice(0, 8)));
    let line_2 = two.register("line_2", clamped);
    let x_2 = two.register("x_2", x_1);
    let three = m.always("3: two entries, where the line begins");
    let half_line = line_2.slice(1, 7).extend(ADDRESS);
    let odd_at = (base + half_line).low(ADDRESS);
    let even_at = (odd_at + line_2.bit(0)).low(ADDRESS);
    let even_3 = three.register("even_3", even.at(peek.mux(peek_at, even_at)));
    let odd_3 = three.register("odd_3", odd.at(peek.mux(peek_at, odd_at)));
    let centred = (line_2.extend(NARROW).signed() - m.constant(128, NARROW).signed()).low(NARROW);
    let begin = three.register("begins", centred.shifted_left(step).unsigned());
    let x_3 = three.register("x_3", x_2);
    let is_odd_3 = three.register("is_odd_3", line_2.bit(0));
    let four = m.always("4: within the line");
    let even_4 = four.register("even_4", even_3);
    let odd_4 = four.register("odd_4", odd_3);
    let inside = four.register("offset_in_line", (x_3.signed() - begin.signed()).low(NARROW).unsigned());
    let is_odd_4 = four.register("is_odd_4", is_odd_3);
    let five = m.always("5: the line's ends");
    let (here, there) = (is_odd_4.mux(odd_4, even_4), is_odd_4.mux(even_4, odd_4));
    let here_5 = five.register("here_5", here);
    let rise = five.register("rise", (there.signed() - here.signed()).low(NARROW).unsigned());
    let inside_5 = five.register("inside_5", inside);
    let climbed = m.always("6: on the line").register("climbed", rise.signed().times(inside_5.signed()));
    let shifted = (climbed + half(&m, step, 16).extend(37).signed()).low(37).signed().shifted_right(step);
    let up_7 = m.always("7: its shift").register("climb", shifted).signed();
    let here_7 = m.delayed("here_later", here_5, 2);
    let factor = m.always("8: the factor").register("factor", (up_7 + here_7.signed().extend(37)).saturated(NARROW));
    let x_8 = m.delayed_in_ram("x", x_1, 7).signed();
    let active = m.always("9: active").register("active_product", factor.times(x_8));
    let active = narrowed(&m, "active", active, factor_shift);
    let up_12 = m.delayed_in_ram("up", up, 11).signed();
    let gated = m.always("13: gated").register("gated_product", active.times(up_12));
    m.output("gated", narrowed(&m, "gated", gated, shift).unsigned());
    m.output("peek_data", m.concat(&[odd_4, even_4]));
    m.finish()
}

/// A product rounded and saturated, three cycles later.
fn narrowed<'m>(m: &'m Module, name: &str, product: Value<'m>, shift: Value<'m>) -> Value<'m> {
    let sum = (product.signed() + half(m, shift, 36).extend(37).signed()).low(37);
    let rounded = m.always(&format!("{name}: the half")).register(&format!("{name}_rounded"), sum).signed();
    let shifted = m.always(&format!("{name}: the shift")).register(&format!("{name}_shifted"), rounded.shifted_right(shift)).signed();
    m.always(&format!("{name}: what fits")).register(&format!("{name}_value"), shifted.saturated(NARROW))
}
