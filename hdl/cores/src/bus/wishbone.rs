//! The GEMV array behind registers on Wishbone.
//!
//! Function: that of `gemv_axis`, whose streams are filled and emptied 32 bits at a time. Handshake: classic cycles of Wishbone B4, one
//! `ack` or `err` per access in the cycle after it; **no access ever waits**: one that cannot be served now is answered by `err`, and
//! `STATUS` says beforehand. Interval: an access in two cycles. Latency: 1 cycle to `ack` or `err`, besides that of
//! `gemv_axis`. Registers, by `wb_adr_i` (bytes):
//!
//! | address | name | |
//! |---|---|---|
//! | 0x00 | `ID` | reads `0x4147444e`, "NDGA" |
//! | 0x04 | `SHAPE` | reads rows, columns << 8, longest vector in beats << 16 |
//! | 0x08 | `CONTROL` | bit 0: weights are ternary; bit 1: reset, while it stands |
//! | 0x0c | `STATUS` | bit 0: error; 1: `X` takes a word; 2: `W` takes a word; 3: `Y` has one |
//! | 0x10, 0x14 | `X`, `X_LAST` | four values, first one lightest; `X_LAST` for the vector's last word |
//! | 0x18, 0x1c | `W`, `W_LAST` | 32 bits of a weight word, lightest first; `W_LAST` for the matrix's last word |
//! | 0x20 | `Y` | the next row's sum |
//!
//! Cost: `gemv_axis`, and registers for a beat of values, a weight word and a result word.

use super::VECTOR_BEATS;
use super::stream::gemv_axis;
use crate::netlist::{Module, Netlist, Value};
use nda_spec::config::Geometry;
use nda_spec::width::index_bits;
use std::sync::Arc;

/// What `ID` reads.
const ID: u64 = 0x4147_444e;

/// The registers' numbers: their addresses divided by four.
mod register {
    pub const ID: u64 = 0;
    pub const SHAPE: u64 = 1;
    pub const CONTROL: u64 = 2;
    pub const STATUS: u64 = 3;
    pub const X: u64 = 4;
    pub const X_LAST: u64 = 5;
    pub const W: u64 = 6;
    pub const W_LAST: u64 = 7;
    pub const Y: u64 = 8;
}

/// A word that is put together of parts of 32 bits, and handed on when it is whole.
struct Gathered<'m> {
    /// A further part has room.
    ready: Value<'m>,
    /// A word stands.
    full: Value<'m>,
    word: Value<'m>,
    last: Value<'m>,
}

/// Parts come with `write`; `taken` lets the word go.
fn gathered<'m>(
    m: &'m Module,
    name: &str,
    bits: usize,
    part: (Value<'m>, Value<'m>, Value<'m>),
    reset: Value<'m>,
    taken: Value<'m>,
) -> Gathered<'m> {
    let (write, data, is_last) = part;
    let parts = bits / 32;
    let stage = m.always(&format!("{name}: parts, and whether they are a word"));
    let full = stage.declare(&format!("{name}_full"), 1, 0);
    let fits = (write & !full).named(&format!("{name}_fits"));
    let count_bits = index_bits(parts);
    let count = stage.declare(&format!("{name}_parts"), count_bits, 0);
    let is_whole = count.is(parts as u64 - 1);
    let counted = is_whole.mux(m.constant(0, count_bits), count.next());
    stage.take(count, reset.mux(m.constant(0, count_bits), fits.mux(counted, count)));
    stage.take(full, !reset & ((fits & is_whole) | (full & !taken)));
    let shifts = m.stage(&format!("{name}: a part comes in from above"), fits);
    let word =
        shifts.feedback(&format!("{name}_word"), bits, |q| if parts == 1 { data } else { m.concat(&[data, q.slice(32, bits - 32)]) });
    let last = shifts.register(&format!("{name}_last"), is_last);
    Gathered { ready: !full, full, word, last }
}

/// What a register reads; `control`, `status` and `sum` are the circuit's.
fn read<'m>(m: &'m Module, g: &Geometry, number: Value<'m>, [control, status, sum]: &[Value<'m>; 3]) -> Value<'m> {
    let shape = g.array_rows as u64 | (g.array_cols as u64) << 8 | (VECTOR_BEATS as u64) << 16;
    let constants = [(register::ID, m.constant(ID, 32)), (register::SHAPE, m.constant(shape, 32))];
    let others = [(register::CONTROL, *control), (register::STATUS, *status)];
    constants.into_iter().chain(others).fold(*sum, |rest, (of, value)| number.is(of).mux(value, rest))
}

/// The top is called what `emit` calls it.
pub fn gemv_wb(g: &Geometry) -> Arc<Netlist> {
    let m = Module::new("gemv_registers");
    let [wb_rst, cyc, stb, we] = m.flags(["wb_rst_i", "wb_cyc_i", "wb_stb_i", "wb_we_i"]);
    let (address, data) = (m.input("wb_adr_i", 6), m.input("wb_dat_i", 32));
    let answers = m.always("an access is answered once, in the next cycle");
    let (ack, err) = (answers.declare("wb_ack_o", 1, 0), answers.declare("wb_err_o", 1, 0));
    let access = (cyc & stb & !ack & !err & !wb_rst).named("access");
    let number = address.slice(2, 4).named("number");
    let is = |of: u64| number.is(of);
    let (writes, reads) = ((access & we).named("writes"), (access & !we).named("reads"));
    let (to_x, to_w) = ((is(register::X) | is(register::X_LAST)).named("to_x"), (is(register::W) | is(register::W_LAST)).named("to_w"));

    let control = m.always("control").declare("control", 2, 0);
    let written = (writes & is(register::CONTROL)).mux(data.low(2), control);
    m.always("control, next").take(control, wb_rst.mux(m.constant(0, 2), written));
    let reset = (wb_rst | control.bit(1)).named("reset");

    let (x_ready, w_ready, y_taken) = (m.forward("x_ready", 1), m.forward("w_ready", 1), m.forward("y_taken", 1));
    let x = gathered(&m, "x", 8 * g.array_cols, (writes & to_x, data, is(register::X_LAST)), reset, x_ready);
    let w = gathered(&m, "w", 2 * g.lanes(), (writes & to_w, data, is(register::W_LAST)), reset, w_ready);
    let inputs = [
        ("aresetn", !reset),
        ("ternary", control.bit(0)),
        ("s_axis_x_tvalid", x.full),
        ("s_axis_x_tdata", x.word),
        ("s_axis_x_tlast", x.last),
        ("s_axis_w_tvalid", w.full),
        ("s_axis_w_tdata", w.word),
        ("s_axis_w_tlast", w.last),
        ("m_axis_y_tready", y_taken),
    ];
    let core = m.part("core", &gemv_axis(g), &inputs);
    m.connect(x_ready, core.get("s_axis_x_tready"));
    m.connect(w_ready, core.get("s_axis_w_tready"));

    // A result word is read row by row.
    let (y_valid, rows) = (core.get("m_axis_y_tvalid"), g.array_rows);
    let row_bits = index_bits(rows);
    let row = m.always("row of the result").declare("row", row_bits, 0);
    let takes_row = (reads & is(register::Y) & y_valid).named("takes_row");
    let is_last_row = row.is(rows as u64 - 1);
    let next_row = is_last_row.mux(m.constant(0, row_bits), row.next());
    m.always("row, next").take(row, reset.mux(m.constant(0, row_bits), takes_row.mux(next_row, row)));
    m.connect(y_taken, takes_row & is_last_row);
    let sums = core.get("m_axis_y_tdata");
    let sum = m.select(row, &(0..rows).map(|r| sums.slice(32 * r, 32)).collect::<Vec<_>>());

    let status = m.concat(&[m.constant(0, 28), y_valid, w.ready, x.ready, core.get("error")]);
    let read = read(&m, g, number, &[control.extend(32), status, sum]);
    let answer = m.stage("what is read", reads).register("wb_dat_o", read);
    let reads_well = is(register::ID) | is(register::SHAPE) | is(register::CONTROL) | is(register::STATUS) | takes_row;
    let writes_well = is(register::CONTROL) | (to_x & x.ready) | (to_w & w.ready);
    let is_good = we.mux(writes_well, reads_well).named("is_good");
    answers.take(ack, access & is_good);
    answers.take(err, access & !is_good);
    m.output("wb_dat_o", answer);
    m.output("wb_ack_o", ack);
    m.output("wb_err_o", err);
    m.finish()
}
