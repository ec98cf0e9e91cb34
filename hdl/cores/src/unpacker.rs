//! A word in, its bytes out, lightest first.
//!
//! Function: `load` takes a word, `shift` drops its lightest byte (`load` wins); `byte_data` is the lightest byte
//! left. Latency 1, interval 1. Cost: a register of the word's width and its input multiplexers.

use rust_hdl_core::prelude::*;

/// `W` bits a word, a multiple of 8.
#[derive(LogicBlock, Default)]
pub struct Unpacker<const W: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take `word`.
    pub load: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<W>>,
    /// Drop the lightest byte.
    pub shift: Signal<In, Bit>,
    /// The lightest byte.
    pub byte_data: Signal<Out, Bits<8>>,
}

impl<const W: usize> Logic for Unpacker<W> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.byte_data.connect();
    }

    fn hdl(&self) -> Verilog {
        let top = W - 1;
        Verilog::Custom(format!(
            "reg [{top}:0] held = 0;\n\
             always @(posedge clock)\n\
             \x20   if (load) held <= word;\n\
             \x20   else if (shift) held <= held >> 8;\n\
             always @(*) byte_data = held[7:0];\n"
        ))
    }
}
