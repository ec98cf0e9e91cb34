//! The tile store and the activation store: bytes in, wide words out.
//!
//! Function: bytes are gathered, first byte lightest, and written as one word with the byte that completes it.
//! What comes in is registered before it goes to a thousand flip-flops all over the die, so a word is written at the end of
//! the cycle after its last byte. Latency: a read gives its word two cycles later: one for the block RAM, one for its output
//! register, without which an ECP5 block RAM alone takes 5.8 ns (docs/rust-hdl.md, section 3). `read_data` then stays.
//! A word of [`BANKED_BITS`] and more lies in banks, each with registers of its own for what comes in, reads too: from one register
//! a signal does not reach two thousand flip-flops and block RAMs on all sides of the die in 10 ns. A read then gives its word
//! three cycles later ([`read_cycles`]). What is written passes one register more before the banks' own.
//! Handshake: `byte_enable` takes a byte, `write_enable` (with it) writes the word. Interval 1 both ways; a read in the cycle
//! after a write's finds what stood there before, or of a single port is lost.
//! Cost: block RAM, two registers of the word's width, and some 20 for what comes in, 30 per bank.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Style, Value};
use nda_spec::cycles::MEMORY_STAGES;
use nda_spec::width::index_bits;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// Bits from which on a word lies in banks.
pub const BANKED_BITS: usize = 2048;

/// Bits of a bank: eight block RAMs of 18 bits and 1,024 words, or four of 36 and 512, so that no bank leaves a part of one
/// empty but the last. A bank is the neighbourhood that one register reaches.
pub const BANK_BITS: usize = 144;

/// Whether a word of the given width lies in banks.
pub const fn is_banked(bits: usize) -> bool {
    bits >= BANKED_BITS
}

/// Cycles from a read to its word of the given width.
pub const fn read_cycles(bits: usize) -> usize {
    if is_banked(bits) { MEMORY_STAGES + 1 } else { MEMORY_STAGES }
}

/// What a store is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemoryStyle {
    /// Block RAM with a write port and a read port.
    Block,
    /// LUT RAM: for few, wide words, which would leave most of a block RAM empty.
    Distributed,
    /// One port for both, the large single-port RAM of an iCE40 UltraPlus; a read in a cycle that writes is lost.
    SinglePort,
}

/// `W` bits a word; at most 65,536 words.
#[derive(LogicBlock)]
pub struct PackedStore<const W: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take `byte_data`.
    pub byte_enable: Signal<In, Bit>,
    /// The byte.
    pub byte_data: Signal<In, Bits<8>>,
    /// It completes a word: write it.
    pub write_enable: Signal<In, Bit>,
    /// Where to write.
    pub write_address: Signal<In, Bits<16>>,
    /// Read in this cycle.
    pub read_enable: Signal<In, Bit>,
    /// Where to read.
    pub read_address: Signal<In, Bits<16>>,
    /// The word read [`read_cycles`] ago.
    pub read_data: Signal<Out, Bits<W>>,
    _circuit: Circuit,
}

impl<const W: usize> PackedStore<W> {
    /// A store of `depth` words.
    pub fn new(depth: usize, style: MemoryStyle) -> Self {
        Self::with_banks(depth, style, if is_banked(W) { BANK_BITS } else { W })
    }

    /// The same with banks of the given width, the last of what is left, whatever the width; one as wide as the word is none.
    pub(crate) fn with_banks(depth: usize, style: MemoryStyle, bank: usize) -> Self {
        Self {
            clock: Default::default(),
            byte_enable: Default::default(),
            byte_data: Default::default(),
            write_enable: Default::default(),
            write_address: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            _circuit: Circuit::new(store(W, depth, style, bank)),
        }
    }
}

impl<const W: usize> Logic for PackedStore<W> {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { byte_enable, byte_data, write_enable, write_address, read_enable, read_address }
            { read_data }
        );
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("packed_store_text")
    }
}

/// A store of `depth` words of the given width, in banks of `bank` bits; a bank as wide as the word is none.
///
/// # Panics
/// If banks are not of block RAM and whole bytes, or 16 bits of address do not reach all words.
pub fn store(bits: usize, depth: usize, style: MemoryStyle, bank: usize) -> Arc<Netlist> {
    let is_whole = bits.is_multiple_of(8) && bank.is_multiple_of(8);
    assert!(bank == bits || style == MemoryStyle::Block && is_whole && bank < bits, "banks are of block RAM and whole bytes");
    assert!((2..=1 << 16).contains(&depth), "{depth} words do not fit 16 address bits");
    if bank < bits { banked(bits, depth, bank) } else { whole(bits, depth, style) }
}

/// What a word's banks are, lightest first: which of its module's two forms, and the bits.
pub(crate) fn cut(bits: usize, bank: usize) -> Vec<(&'static str, usize)> {
    let width = |k: usize| bank.min(bits - k * bank);
    (0..bits.div_ceil(bank)).map(|k| (if width(k) == bank { "bank" } else { "last" }, width(k))).collect()
}

/// A byte behind those that were gathered, which moves them.
fn behind<'m>(m: &'m Module, byte: Value<'m>, gathered: Value<'m>) -> Value<'m> {
    let bits = gathered.bits;
    if bits > 8 { m.concat(&[byte, gathered.slice(8, bits - 8)]) } else { byte.low(bits) }
}

/// A word in one piece.
fn whole(bits: usize, depth: usize, style: MemoryStyle) -> Arc<Netlist> {
    let m = Module::new("packed");
    let (byte_enable, byte_data) = (m.input("byte_enable", 1), m.input("byte_data", 8));
    let (write_enable, write_address) = (m.input("write_enable", 1), m.input("write_address", 16).low(index_bits(depth)));
    let (read_enable, read_address) = (m.input("read_enable", 1), m.input("read_address", 16).low(index_bits(depth)));
    let came = m.always("what comes in");
    let byte_in = came.register("byte_in", byte_enable);
    let write_in = came.register("write_in", write_enable);
    let data_in = came.register("data_in", byte_data);
    let place_in = came.register("place_in", write_address);
    let gathering = m.stage("a byte is gathered", byte_in);
    let gathered = gathering.declare("gathered", bits, 0);
    let assembled = behind(&m, data_in, gathered).named("assembled");
    gathering.take(gathered, assembled);
    let kind = match style {
        MemoryStyle::Block => Style::Block,
        MemoryStyle::Distributed => Style::Distributed,
        MemoryStyle::SinglePort => Style::SinglePort,
    };
    let mem = m.memory("mem", kind, depth, bits);
    let address = match style {
        MemoryStyle::SinglePort => write_in.mux(place_in, read_address).named("address"),
        _ => read_address,
    };
    let place = if style == MemoryStyle::SinglePort { address } else { place_in };
    m.stage("the word is written", write_in).write(mem, place, assembled);
    let reading = match style {
        MemoryStyle::Block => m.stage("a word is read", read_enable),
        // Without an enable: it would be a net of a thousand flip-flops behind the sequencer's decision, and
        // `fetched_new` takes no other word than the one that was asked for.
        MemoryStyle::Distributed => m.always("a word is read"),
        // Yosys makes an SB_SPRAM256KA of exactly this: one address, and a read in every cycle that does not write.
        MemoryStyle::SinglePort => m.stage("a word is read", !write_in),
    };
    let fetched = reading.register("fetched", mem.at(address));
    let fetched_new = m.always("a word was read").register("fetched_new", read_enable);
    m.output("read_data", m.stage("its output register", fetched_new).register("read_data", fetched));
    m.finish()
}

/// A word in banks. Bytes move through the banks as through one long register.
fn banked(bits: usize, depth: usize, bank: usize) -> Arc<Netlist> {
    let m = Module::new("packed");
    let (byte_enable, byte_data) = (m.input("byte_enable", 1), m.input("byte_data", 8));
    let (write_enable, write_address) = (m.input("write_enable", 1), m.input("write_address", 16).low(index_bits(depth)));
    let (read_enable, read_address) = (m.input("read_enable", 1), m.input("read_address", 16).low(index_bits(depth)));
    // The first register is one for all, between what decides on a write and the banks.
    let came = m.always("what comes in");
    let byte_in = came.register("byte_in", byte_enable);
    let write_in = came.register("write_in", write_enable);
    let place_in = came.register("place_in", write_address);
    let data_in = came.register("data_in", byte_data);
    let mut byte = came.register("data_on", data_in);
    let mut words = Vec::new();
    for (k, (form, width)) in cut(bits, bank).into_iter().enumerate().rev() {
        let inputs = [
            ("byte_enable", byte_in),
            ("byte_data", byte),
            ("write_enable", write_in),
            ("write_address", place_in),
            ("read_enable", read_enable),
            ("read_address", read_address),
        ];
        let outputs = m.part(&format!("bank_{k}"), &one_bank(form, width, depth), &inputs);
        byte = outputs.get("lowest");
        words.push(outputs.get("read_data"));
    }
    m.output("read_data", m.concat(&words));
    m.finish()
}

/// A bank's module.
fn one_bank(form: &str, bits: usize, depth: usize) -> Arc<Netlist> {
    let m = Module::new(form);
    let address = index_bits(depth);
    let (byte_enable, byte_data) = (m.input("byte_enable", 1), m.input("byte_data", 8));
    let (write_enable, write_address) = (m.input("write_enable", 1), m.input("write_address", address));
    let (read_enable, read_address) = (m.input("read_enable", 1), m.input("read_address", address));
    let came = m.always("what comes in");
    let byte_in = came.register("byte_in", byte_enable);
    let write_in = came.register("write_in", write_enable);
    let place_in = came.register("place_in", write_address);
    let read_in = came.register("read_in", read_enable);
    let read_place = came.register("read_place", read_address);
    let gathering = m.stage("a byte is gathered", byte_in);
    let gathered = gathering.declare("gathered", bits, 0);
    let assembled = behind(&m, byte_data, gathered).named("assembled");
    gathering.take(gathered, assembled);
    let mem = m.memory("mem", Style::Block, depth, bits);
    m.stage("the word is written", write_in).write(mem, place_in, assembled);
    let fetched = m.stage("a word is read", read_in).register("mem_read", mem.at(read_place));
    let fetched_new = m.always("a word was read").register("fetched_new", read_in);
    m.output("lowest", gathered.low(8));
    m.output("read_data", m.stage("its output register", fetched_new).register("read_data", fetched));
    m.finish()
}
