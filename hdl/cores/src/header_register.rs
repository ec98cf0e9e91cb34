//! The first 28 bytes of a request, as fields: header, then a job's descriptor.
//!
//! Function: `enable` shifts a byte in; after 28 bytes the fields are those of `nda_spec::wire::Request` and
//! `nda_spec::job::Job` (little endian). Latency 1, interval 1. Cost: 224 registers, no logic.

use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct HeaderRegister {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take a byte.
    pub enable: Signal<In, Bit>,
    /// The byte.
    pub byte_data: Signal<In, Bits<8>>,
    /// Operation.
    pub op: Signal<Out, Bits<8>>,
    /// Argument.
    pub arg: Signal<Out, Bits<8>>,
    /// Sequence number.
    pub seq: Signal<Out, Bits<16>>,
    /// Address.
    pub addr: Signal<Out, Bits<32>>,
    /// First four bytes of the payload: `SEAL`'s CRC, `READ`'s count.
    pub word: Signal<Out, Bits<32>>,
    /// Job id.
    pub job_id: Signal<Out, Bits<16>>,
    /// Weights are ternary.
    pub ternary: Signal<Out, Bit>,
    /// Activations are A2.
    pub a2: Signal<Out, Bit>,
    /// Plane groups.
    pub plane_groups: Signal<Out, Bits<8>>,
    /// First tile word.
    pub base: Signal<Out, Bits<32>>,
    /// Row groups.
    pub row_groups: Signal<Out, Bits<16>>,
    /// Beats of a row.
    pub col_beats: Signal<Out, Bits<16>>,
    /// Initial value of the sums.
    pub init: Signal<Out, Bits<24>>,
    /// Digest of the pages of the weights.
    pub digest: Signal<Out, Bits<32>>,
}

impl Logic for HeaderRegister {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.op.connect();
        self.arg.connect();
        self.seq.connect();
        self.addr.connect();
        self.word.connect();
        self.job_id.connect();
        self.ternary.connect();
        self.a2.connect();
        self.plane_groups.connect();
        self.base.connect();
        self.row_groups.connect();
        self.col_beats.connect();
        self.init.connect();
        self.digest.connect();
    }

    fn hdl(&self) -> Verilog {
        let fields = [
            ("op", 7, 0),
            ("arg", 15, 8),
            ("seq", 31, 16),
            ("addr", 63, 32),
            ("word", 95, 64),
            ("job_id", 79, 64),
            ("plane_groups", 95, 88),
            ("base", 127, 96),
            ("row_groups", 143, 128),
            ("col_beats", 159, 144),
            ("init", 183, 160),
            ("digest", 223, 192),
        ];
        let mut text = String::from("reg [223:0] held = 0;\nalways @(posedge clock) if (enable) held <= {byte_data, held[223:8]};\n");
        for (field, top, bottom) in fields {
            text += &format!("always @(*) {field} = held[{top}:{bottom}];\n");
        }
        text += "always @(*) ternary = held[80];\nalways @(*) a2 = held[81];\n";
        Verilog::Custom(text)
    }
}
