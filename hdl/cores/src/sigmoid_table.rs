//! The sigmoid of a wide value with 12 bits behind the point, from a table of 256 entries and a straight line between two.
//!
//! Function: `nda_spec::vector::sigmoid(x)`: `s` stands one cycle after `enable`. Interval 1.
//! Cost: a block RAM of 256 words of 27 bits (an entry, and the drop to the next one), a multiplier of 11 by 8.

use nda_spec::vector::{SIGMOID_ENTRIES, sigmoid_table};
use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct SigmoidTable {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Look `x` up.
    pub enable: Signal<In, Bit>,
    /// The value.
    pub x: Signal<In, Bits<24>>,
    /// Its sigmoid, 16 bits behind the point: 0 to 65,536.
    pub s: Signal<Out, Bits<24>>,
}

impl Logic for SigmoidTable {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.s.connect();
    }

    fn hdl(&self) -> Verilog {
        let table = sigmoid_table();
        let entries: String =
            (0..SIGMOID_ENTRIES).map(|i| format!("    entries[{i}] = 27'h{:07x};\n", (table[i] - table[i + 1]) << 16 | table[i])).collect();
        Verilog::Custom(format!(
            "(* ram_style = \"block\" *) reg [26:0] entries [0:255];\n\
             initial begin\n{entries}end\n\
             reg [26:0] entry = 0;\n\
             reg [7:0] fraction = 0;\n\
             reg negative = 0;\n\
             wire [23:0] magnitude = x[23] ? (24'd0 - x) : x;\n\
             wire [15:0] place = (magnitude[23:16] != 8'd0) ? 16'hffff : magnitude[15:0];\n\
             wire [18:0] part = entry[26:16] * fraction;\n\
             wire [18:0] rounded = part + 19'd128;\n\
             wire [16:0] tail = {{1'b0, entry[15:0]}} - {{6'd0, rounded[18:8]}};\n\
             always @(*) s = negative ? {{7'd0, tail}} : (24'd65536 - {{7'd0, tail}});\n\
             always @(posedge clock) if (enable) begin\n\
             \x20   entry <= entries[place[15:8]];\n\
             \x20   fraction <= place[7:0];\n\
             \x20   negative <= x[23];\n\
             end\n"
        ))
    }
}
