//! Block RAM with one write and one read port.
//!
//! Function: `read_data` is the word at `read_address` and stays until the next read. Latency: 1 cycle behind `read_enable`, a word
//! per cycle.
//! Reading a word in the cycle in which it is written gives an unspecified word; no user of this core does.
//! Cost: block RAM; with `synth_* -no-rw-check` nothing else (docs/rust-hdl.md, section 1). The lowest bits may lie in LUT RAM
//! instead, on parts that have it: a few bits beyond a block RAM's width would take one more.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Style, Value};
use nda_spec::width::index_bits;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// `W` bits a word, `A` address bits; the depth need not be a power of two.
#[derive(LogicBlock)]
pub struct BlockRam<const W: usize, const A: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Write in this cycle.
    pub write_enable: Signal<In, Bit>,
    /// Where to write.
    pub write_address: Signal<In, Bits<A>>,
    /// What to write.
    pub write_data: Signal<In, Bits<W>>,
    /// Read in this cycle.
    pub read_enable: Signal<In, Bit>,
    /// Where to read.
    pub read_address: Signal<In, Bits<A>>,
    /// What was read.
    pub read_data: Signal<Out, Bits<W>>,
    _circuit: Circuit,
}

impl<const W: usize, const A: usize> BlockRam<W, A> {
    /// A memory of `depth` words.
    pub fn new(depth: usize) -> Self {
        Self::with_lut_ram(depth, 0)
    }

    /// One whose lowest `lut_bits` bits lie in LUT RAM.
    pub fn with_lut_ram(depth: usize, lut_bits: usize) -> Self {
        Self {
            clock: Default::default(),
            write_enable: Default::default(),
            write_address: Default::default(),
            write_data: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            _circuit: Circuit::new(words(W, A, depth, lut_bits)),
        }
    }
}

impl<const W: usize, const A: usize> Logic for BlockRam<W, A> {
    fn update(&mut self) {
        evaluate!(self, self.clock.pos_edge(), { write_enable, write_address, write_data, read_enable, read_address } { read_data });
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("block_ram_text")
    }
}

/// `depth` words of the given width behind the given number of address bits, the lowest `lut_bits` bits in LUT RAM.
///
/// # Panics
/// If the address does not reach all words, or more bits than there are lie in LUT RAM.
pub fn words(bits: usize, address_bits: usize, depth: usize, lut_bits: usize) -> Arc<Netlist> {
    assert!(depth >= 2 && depth <= 1 << address_bits, "{depth} words do not fit {address_bits} address bits");
    assert!(lut_bits <= bits, "{lut_bits} bits of {bits} in LUT RAM");
    let m = Module::new("words");
    // Only the address bits that the depth has: more would infer comparators or a larger memory.
    let address = |name: &str| m.input(name, address_bits).low(index_bits(depth));
    let (write_enable, write_address) = (m.input("write_enable", 1), address("write_address"));
    let write_data = m.input("write_data", bits);
    let (read_enable, read_address) = (m.input("read_enable", 1), address("read_address"));
    let part = |(name, style, low, width): (&str, Style, usize, usize)| {
        let memory = m.memory(name, style, depth, width);
        m.stage(&format!("write {name}"), write_enable).write(memory, write_address, write_data.slice(low, width));
        let read = if width == bits { "read_data".into() } else { format!("{name}_data") };
        m.stage(&format!("read {name}"), read_enable).register(&read, memory.at(read_address))
    };
    let parts = [("mem", Style::Block, lut_bits, bits - lut_bits), ("low", Style::Distributed, 0, lut_bits)];
    let parts: Vec<Value> = parts.into_iter().filter(|(.., width)| *width > 0).map(part).collect();
    m.output("read_data", if let [whole] = parts[..] { whole } else { m.concat(&parts) });
    m.finish()
}
