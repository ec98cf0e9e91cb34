//! A read request that waits: what comes in goes out `stages` cycles later.
//!
//! Function: `out_enable` and `out_address` are `enable` and `address` of `stages` cycles before; of the same cycle for 0.
//! An array of tables reads its weights later than its activations, and a request is narrower than a word.
//! Latency: `stages` cycles. Cost: `17 * stages` FF.

use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct ReadDelay {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A word is wanted.
    pub enable: Signal<In, Bit>,
    /// Which.
    pub address: Signal<In, Bits<16>>,
    /// Read it now.
    pub out_enable: Signal<Out, Bit>,
    /// Which.
    pub out_address: Signal<Out, Bits<16>>,
    _stages: usize,
}

impl ReadDelay {
    /// A delay of so many cycles.
    pub fn new(stages: usize) -> Self {
        Self {
            clock: Default::default(),
            enable: Default::default(),
            address: Default::default(),
            out_enable: Default::default(),
            out_address: Default::default(),
            _stages: stages,
        }
    }
}

impl Logic for ReadDelay {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.out_enable.connect();
        self.out_address.connect();
    }

    fn hdl(&self) -> Verilog {
        let mut text = String::new();
        let mut last = "{enable, address}".to_string();
        for stage in 1..=self._stages {
            text += &format!("reg [16:0] request_{stage} = 0;\nalways @(posedge clock) request_{stage} <= {last};\n");
            last = format!("request_{stage}");
        }
        Verilog::Custom(
            text + &format!("wire [16:0] due = {last};\nalways @(*) begin\n    out_enable = due[16];\n    out_address = due[15:0];\nend\n"),
        )
    }
}
