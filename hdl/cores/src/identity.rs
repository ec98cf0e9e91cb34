//! The page that `IDENT` returns, as a table of 16 words of 32 bits.
//!
//! Function: `data` is word `address`. Latency: none, the same cycle; a word per cycle. Cost: at most 32 LUT4.

use nda_spec::wire::IDENT_BYTES;
use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct Identity {
    /// Which word.
    pub address: Signal<In, Bits<4>>,
    /// The word.
    pub data: Signal<Out, Bits<32>>,
    _page: Vec<u8>,
}

impl Identity {
    /// A table of this page.
    pub fn new(page: [u8; IDENT_BYTES]) -> Self {
        Self { address: Default::default(), data: Default::default(), _page: page.to_vec() }
    }
}

impl Logic for Identity {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.data.connect();
    }

    fn hdl(&self) -> Verilog {
        let words = self._page.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let cases: String = words.enumerate().map(|(i, word)| format!("    4'd{i}: data = 32'h{word:08x};\n")).collect();
        Verilog::Custom(format!("always @(*) case (address)\n{cases}endcase\n"))
    }
}
