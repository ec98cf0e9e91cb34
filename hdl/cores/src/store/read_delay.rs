//! A read request that waits: what comes in goes out `stages` cycles later.
//!
//! Function: `out_enable` and `out_address` are `enable` and `address` of `stages` cycles before; of the same cycle for 0.
//! An array of tables reads its weights later than its activations, and a request is narrower than a word.
//! Latency: `stages` cycles. Cost: `17 * stages` FF.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist};
use rust_hdl_core::prelude::*;
use std::sync::Arc;

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
    _circuit: Circuit,
}

impl ReadDelay {
    /// A delay of the given number of cycles.
    pub fn new(stages: usize) -> Self {
        Self {
            clock: Default::default(),
            enable: Default::default(),
            address: Default::default(),
            out_enable: Default::default(),
            out_address: Default::default(),
            _circuit: Circuit::new(delay(stages)),
        }
    }
}

impl Logic for ReadDelay {
    fn update(&mut self) {
        evaluate!(self, self.clock.pos_edge(), { enable, address } { out_enable, out_address });
    }

    fn connect(&mut self) {
        self.out_enable.connect();
        self.out_address.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("read_delay_text")
    }
}

/// The request, register behind register.
pub fn delay(stages: usize) -> Arc<Netlist> {
    let m = Module::new("delay");
    let (enable, address) = (m.input("enable", 1), m.input("address", 16));
    let due = m.delayed("request", m.concat(&[enable, address]), stages).named("due");
    m.output("out_enable", due.bit(16));
    m.output("out_address", due.low(16));
    m.finish()
}
