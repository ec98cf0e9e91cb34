//! The articles' table of 65,536 bytes in block RAM: four elements per look-up, any function of two codes each.
//!
//! Function: entry `xs | xe << 4 | ds << 8 | de << 12` of what was written: `ADD_LUT_Q16` makes it the adder,
//! `SWIGLU_LUT_Q16` the product behind a SiLU. Golden models: `nda_spec::seed::add_lut_q16`, `swiglu_lut_q16`.
//! Shapes: sign and extra planes of four codes; `keep` has the lanes that exist, all others give zero bits. A word holds
//! entries `2 * address` (light byte) and `2 * address + 1`: 32,768 words of 16 bits, which is two of the large RAMs of an
//! iCE40 UltraPlus and 32 block RAMs of an ECP5.
//! Handshake: ready/valid on both sides; a write takes its cycle from the input. Latency 1, interval 1. What a word holds
//! before its first write is unspecified. A word is not rewritten while a result of it waits: single-port RAM reads it again in
//! every such cycle.
//! Cost: docs/elements.md. Source: the articles' tables.

use crate::packed_store::MemoryStyle;
use rust_hdl_core::prelude::*;

/// Words of the table, two entries each.
pub const TABLE_WORDS: usize = 1 << 15;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct SeedTable {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Write a word.
    pub write_enable: Signal<In, Bit>,
    /// Which.
    pub write_address: Signal<In, Bits<15>>,
    /// Two entries.
    pub write_data: Signal<In, Bits<16>>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// Signs of one operand.
    pub x_sign: Signal<In, Bits<4>>,
    /// Its extra bits.
    pub x_extra: Signal<In, Bits<4>>,
    /// Signs of the other.
    pub d_sign: Signal<In, Bits<4>>,
    /// Its extra bits.
    pub d_extra: Signal<In, Bits<4>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<4>>,
    /// A beat of results stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Signs of the results.
    pub sign: Signal<Out, Bits<4>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<4>>,
    _style: MemoryStyle,
}

impl SeedTable {
    /// A table in that kind of memory: [`MemoryStyle::Block`], or [`MemoryStyle::SinglePort`].
    pub fn new(style: MemoryStyle) -> Self {
        assert!(style != MemoryStyle::Distributed, "half a million bits are no LUT RAM");
        Self {
            clock: Default::default(),
            write_enable: Default::default(),
            write_address: Default::default(),
            write_data: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            x_sign: Default::default(),
            x_extra: Default::default(),
            d_sign: Default::default(),
            d_extra: Default::default(),
            keep: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            _style: style,
        }
    }
}

impl Logic for SeedTable {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.in_ready.connect();
        self.out_valid.connect();
        self.sign.connect();
        self.extra.connect();
    }

    fn hdl(&self) -> Verilog {
        let (attribute, memory) = match self._style {
            MemoryStyle::SinglePort => (
                "huge",
                // One address: it stays where it was while a result waits, so that the read of every cycle gives it again.
                "reg [14:0] waiting = 0;\n\
                 wire [14:0] address = write_enable ? write_address : take ? index[15:1] : waiting;\n\
                 always @(posedge clock) begin\n\
                 \x20   if (write_enable) entries[address] <= write_data;\n\
                 \x20   else found <= entries[address];\n\
                 \x20   if (take) waiting <= index[15:1];\n\
                 end\n",
            ),
            MemoryStyle::Block | MemoryStyle::Distributed => (
                "block",
                "always @(posedge clock) begin\n\
                 \x20   if (write_enable) entries[write_address] <= write_data;\n\
                 \x20   if (take) found <= entries[index[15:1]];\n\
                 end\n",
            ),
        };
        Verilog::Custom(format!(
            "(* ram_style = \"{attribute}\" *) reg [15:0] entries [0:{last}];\n\
             reg [15:0] found = 0;\n\
             reg is_odd = 0;\n\
             reg [3:0] kept = 0;\n\
             wire [15:0] index = {{d_extra, d_sign, x_extra, x_sign}};\n\
             wire take = in_valid & in_ready;\n\
             wire [7:0] entry = is_odd ? found[15:8] : found[7:0];\n\
             initial out_valid = 0;\n\
             always @(*) in_ready = (~out_valid | out_ready) & ~write_enable;\n\
             {memory}\
             always @(posedge clock) begin\n\
             \x20   if (take) begin is_odd <= index[0]; kept <= keep; end\n\
             \x20   if (take) out_valid <= 1'b1;\n\
             \x20   else if (out_ready) out_valid <= 1'b0;\n\
             end\n\
             always @(*) begin\n\
             \x20   sign = entry[3:0] & kept;\n\
             \x20   extra = entry[7:4] & kept;\n\
             end\n",
            last = TABLE_WORDS - 1,
        ))
    }
}
