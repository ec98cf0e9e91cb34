//! A gate in the stream: `narrow(narrow(x * factor(x)) * up)`, the factor from a table of straight lines.
//!
//! Function: [`nda_spec::token::Gate::apply`]. Words come in pairs, first those that gate, then those that are gated, so a lane of
//! this unit works for two of the pipe: it takes lanes 0 to 3 in one cycle and 4 to 7 in the next. The table lies in two block
//! RAMs, even entries and odd ones, because a line needs two neighbours; two lanes share them, each with a port of its own,
//! the first of which writes and is peeked at too. Nothing moves but while `active` stands: from the word that gates until what
//! it gates has come out, and while the table is peeked at. Stages are counted from the register that chooses the half.
//! Latency: 17 cycles from the second word of a pair ([`nda_spec::token::cycles::GATE_STAGES`]); a pair every two cycles.
//! Cost: 3 DSP and 1 DP16KD per lane, four lanes.

use super::lane::{NARROW, SHIFT, half};
use crate::netlist::{Module, Netlist, Style, Value};
use std::sync::Arc;

/// Cycles from the second word of a pair to what it gates.
pub(super) const STAGES: usize = 17;
/// Words of each half of the table, those of the shifts included.
pub(super) const TABLE_WORDS: usize = 512;
const ADDRESS: usize = 9;

/// Two of four lanes and their table. `gate_K` and, a cycle later, `up_K` are chosen already.
pub(super) fn gate_pair() -> Arc<Netlist> {
    let m = Module::new("gate_pair");
    let (base, step) = (m.input("base", ADDRESS), m.input("step_bits", 4));
    let (factor_shift, shift) = (m.input("factor_shift", SHIFT), m.input("gated_shift", SHIFT));
    let (write, write_at, data) = (m.input("write_enable", 1), m.input("write_address", ADDRESS), m.input("write_data", 2 * NARROW));
    let active = m.input("active", 1);
    let (peek, peek_at) = (m.input("peek", 1), m.input("peek_address", ADDRESS));
    let halves = [("even", 0), ("odd", NARROW)].map(|(name, low)| {
        let memory = m.memory(name, Style::Block, TABLE_WORDS, NARROW);
        (name, memory, data.slice(low, NARROW))
    });
    // What is added before bits are cut off is the same for all that a gate applies to.
    let of_gate = m.always("halves of what is cut off");
    let step_half = of_gate.register("step_half", half(&m, step, 16));
    let factor_half = of_gate.register("factor_half", half(&m, factor_shift, 36));
    let gated_half = of_gate.register("gated_half", half(&m, shift, 36));
    let unit = gate_lane();
    for lane in 0..2 {
        let ends: [Value; 4] = ["even_3", "odd_3", "even_at", "odd_at"].map(|name| {
            let bits = if name.ends_with("_at") { ADDRESS } else { NARROW };
            m.forward(&format!("{name}_{lane}"), bits)
        });
        let ports = [
            ("gate", m.input(&format!("gate_{lane}"), NARROW)),
            ("up", m.input(&format!("up_{lane}"), NARROW)),
            ("active", active),
            ("base", base),
            ("step_bits", step),
            ("factor_shift", factor_shift),
            ("gated_shift", shift),
            ("step_half", step_half),
            ("factor_half", factor_half),
            ("gated_half", gated_half),
            ("even_3", ends[0]),
            ("odd_3", ends[1]),
        ];
        let part = m.part(&format!("lane_{lane}"), &unit, &ports);
        for (half, (name, memory, data)) in halves.iter().enumerate() {
            m.connect(ends[2 + half], part.get(&format!("{name}_at")));
            let at = if lane == 0 { write.mux(write_at, peek.mux(peek_at, ends[2 + half])) } else { ends[2 + half] };
            let at = at.named(&format!("{name}_port_{lane}"));
            if lane == 0 {
                m.stage("the table comes", write).write(*memory, at, *data);
            }
            let read = m.always("3: two entries, where the line begins").register(&format!("{name}_read_{lane}"), memory.at(at));
            m.connect(ends[half], read);
        }
        m.output(&format!("gated_{lane}"), part.get("gated"));
        if lane == 0 {
            m.output("peek_data", part.get("entries"));
        }
    }
    m.finish()
}

/// A lane without its table: `even_3` and `odd_3` stand a cycle after `even_at` and `odd_at`.
fn gate_lane() -> Arc<Netlist> {
    let m = Module::new("gate_lane");
    m.comment("verilator no_inline_module");
    let (gate, up, base) = (m.input("gate", NARROW), m.input("up", NARROW), m.input("base", ADDRESS));
    let (step, factor_shift, shift) = (m.input("step_bits", 4), m.input("factor_shift", SHIFT), m.input("gated_shift", SHIFT));
    let (step_half, factor_half, gated_half) = (m.input("step_half", 16), m.input("factor_half", 36), m.input("gated_half", 36));
    let (even_3, odd_3) = (m.input("even_3", NARROW), m.input("odd_3", NARROW));
    let on = m.input("active", 1);
    let far = [step, factor_shift, shift, step_half, factor_half, gated_half];
    let [step_3, factor_shift, shift, step_half, factor_half, gated_half] = kept_here(&m, far);

    let one = m.stage("1: the line", on);
    let x_1 = one.register("x_1", gate);
    let steps = one.register("steps", gate.signed().shifted_right(step));
    let two = m.stage("2: within the table", on);
    let line = (steps.signed() + m.constant(128, NARROW).signed()).low(NARROW + 1).named("line_of");
    let is_below = line.bit(NARROW);
    let is_above = !is_below & line.slice(8, NARROW - 8).any();
    let clamped = is_below.mux(m.constant(0, 8), is_above.mux(m.constant(255, 8), line.slice(0, 8)));
    let line_2 = two.register("line_2", clamped);
    let x_2 = two.register("x_2", x_1);
    let three = m.stage("3: where the line begins", on);
    let half_line = line_2.slice(1, 7).extend(ADDRESS);
    let odd_at = (base + half_line).low(ADDRESS);
    let even_at = (odd_at + line_2.bit(0)).low(ADDRESS);
    let centred = (line_2.extend(NARROW).signed() - m.constant(128, NARROW).signed()).low(NARROW);
    let begin = three.register("begins", centred.shifted_left(step_3).unsigned());
    let x_3 = three.register("x_3", x_2);
    let is_odd_3 = three.register("is_odd_3", line_2.bit(0));
    let four = m.stage("4: within the line", on);
    let even_4 = four.register("even_4", even_3);
    let odd_4 = four.register("odd_4", odd_3);
    let inside = four.register("offset_in_line", (x_3.signed() - begin.signed()).low(NARROW).unsigned());
    let is_odd_4 = four.register("is_odd_4", is_odd_3);
    let five = m.stage("5: the line's ends", on);
    let (here, there) = (is_odd_4.mux(odd_4, even_4), is_odd_4.mux(even_4, odd_4));
    let here_5 = five.register("here_5", here);
    let rise = five.register("rise", (there.signed() - here.signed()).low(NARROW).unsigned());
    let inside_5 = five.register("inside_5", inside);
    let climbed = m.stage("6: on the line", on).register("climbed", rise.signed().times(inside_5.signed()));
    let shifted = (climbed + step_half.extend(37).signed()).low(37).signed().shifted_right(step_3);
    let up_7 = m.stage("7: its shift", on).register("climb", shifted).signed();
    let here_7 = m.delayed("here_later", here_5, 2);
    let factor = m.stage("8: the factor", on).register("factor", (up_7 + here_7.signed().extend(37)).saturated(NARROW));
    let x_8 = m.delayed_in_ram("x", x_1, 7).signed();
    let active = m.stage("9: active", on).register("active_product", factor.times(x_8));
    let active = narrowed(&m, on, "active", active, [factor_half, factor_shift]);
    let up_12 = m.delayed_in_ram("up", up, 11).signed();
    let gated = m.stage("13: gated", on).register("gated_product", active.times(up_12));
    m.output("gated", narrowed(&m, on, "gated", gated, [gated_half, shift]).unsigned());
    m.output("even_at", even_at);
    m.output("odd_at", odd_at);
    m.output("entries", m.concat(&[odd_4, even_4]));
    m.finish()
}

/// What comes from far and stands long before a lane is at it, in registers of the lane's own; stage 1 takes its step at once.
fn kept_here<'m>(m: &'m Module, far: [Value<'m>; 6]) -> [Value<'m>; 6] {
    let of_gate = m.always("what stands as long as a gate");
    let names = ["step", "factor_shift", "gated_shift", "step_half", "factor_half", "gated_half"];
    std::array::from_fn(|k| of_gate.register(&format!("{}_here", names[k]), far[k]))
}

/// A product rounded and saturated, three cycles later.
fn narrowed<'m>(m: &'m Module, on: Value<'m>, name: &str, product: Value<'m>, [half, shift]: [Value<'m>; 2]) -> Value<'m> {
    let sum = (product.signed() + half.extend(37).signed()).low(37);
    let rounded = m.stage(&format!("{name}: the half"), on).register(&format!("{name}_rounded"), sum).signed();
    let shifted = m.stage(&format!("{name}: the shift"), on).register(&format!("{name}_shifted"), rounded.shifted_right(shift)).signed();
    m.stage(&format!("{name}: what fits"), on).register(&format!("{name}_value"), shifted.saturated(NARROW))
}
