//! The page that `IDENT` returns, as a table of 16 words of 32 bits.
//!
//! Function: `data` is word `address`. Latency: none, the same cycle; a word per cycle. Cost: at most 32 LUT4.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Style};
use nda_spec::wire::IDENT_BYTES;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct Identity {
    /// Which word.
    pub address: Signal<In, Bits<4>>,
    /// The word.
    pub data: Signal<Out, Bits<32>>,
    _circuit: Circuit,
}

impl Identity {
    /// A table of this page.
    pub fn new(page: [u8; IDENT_BYTES]) -> Self {
        Self { address: Default::default(), data: Default::default(), _circuit: Circuit::new(words(&page)) }
    }
}

impl Logic for Identity {
    fn update(&mut self) {
        evaluate!(self, false, { address } { data });
    }

    fn connect(&mut self) {
        self.data.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("identity_text")
    }
}

/// The page in words, logic alone.
pub fn words(page: &[u8; IDENT_BYTES]) -> Arc<Netlist> {
    let m = Module::combinational("words");
    let address = m.input("address", 4);
    let words: Vec<u64> = page.chunks_exact(4).map(|b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect();
    m.output("data", m.table("page", Style::Distributed, 32, &words).at(address));
    m.finish()
}
