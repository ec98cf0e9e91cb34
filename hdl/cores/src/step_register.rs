//! The 16 bytes of a vector step, as fields.
//!
//! Function: `enable` shifts a byte in; after 16 bytes the fields are those of `nda_spec::vector::StepWord` (little
//! endian). Latency 1, interval 1. Cost: 128 registers, no logic.

use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct StepRegister {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take a byte.
    pub enable: Signal<In, Bit>,
    /// The byte.
    pub byte_data: Signal<In, Bits<8>>,
    /// Operation.
    pub op: Signal<Out, Bits<8>>,
    /// The operation's flag.
    pub flag: Signal<Out, Bit>,
    /// Elements.
    pub count: Signal<Out, Bits<16>>,
    /// First wide value read.
    pub src: Signal<Out, Bits<16>>,
    /// First wide value written.
    pub dst: Signal<Out, Bits<16>>,
    /// Shift.
    pub shift: Signal<Out, Bits<8>>,
    /// What the shift or the exponent is besides the scale's.
    pub bias: Signal<Out, Bits<8>>,
    /// The second operand, a base, a number: see `nda_spec::vector::Op`.
    pub other: Signal<Out, Bits<16>>,
    /// Row groups.
    pub groups: Signal<Out, Bits<16>>,
    /// Beats of a row.
    pub beats: Signal<Out, Bits<16>>,
}

impl Logic for StepRegister {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.op.connect();
        self.flag.connect();
        self.count.connect();
        self.src.connect();
        self.dst.connect();
        self.shift.connect();
        self.bias.connect();
        self.other.connect();
        self.groups.connect();
        self.beats.connect();
    }

    fn hdl(&self) -> Verilog {
        let fields = [
            ("op", 7, 0),
            ("count", 31, 16),
            ("src", 47, 32),
            ("dst", 63, 48),
            ("shift", 71, 64),
            ("bias", 79, 72),
            ("other", 95, 80),
            ("groups", 111, 96),
            ("beats", 127, 112),
        ];
        let mut text = String::from("reg [127:0] held = 0;\nalways @(posedge clock) if (enable) held <= {byte_data, held[127:8]};\n");
        for (field, top, bottom) in fields {
            text += &format!("always @(*) {field} = held[{top}:{bottom}];\n");
        }
        text += "always @(*) flag = held[8];\n";
        Verilog::Custom(text)
    }
}
