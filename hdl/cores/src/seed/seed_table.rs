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

use crate::evaluate;
use crate::netlist::{Circuit, Memory, Module, Netlist, Style, Value};
use crate::seed::seed_passes::Standing;
use crate::store::packed_store::MemoryStyle;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

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
    _circuit: Circuit,
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
            _circuit: Circuit::new(netlist(style)),
        }
    }
}

impl Logic for SeedTable {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { write_enable, write_address, write_data, in_valid, x_sign, x_extra, d_sign, d_extra, keep, out_ready }
            { in_ready, out_valid, sign, extra }
        );
    }

    fn connect(&mut self) {
        self.in_ready.connect();
        self.out_valid.connect();
        self.sign.connect();
        self.extra.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("seed_table")
    }
}

/// The core, its words in that kind of memory.
pub fn netlist(style: MemoryStyle) -> Arc<Netlist> {
    let m = Module::new("core");
    let writes = m.input("write_enable", 1);
    let [x_sign, x_extra, d_sign, d_extra, keep] = ["x_sign", "x_extra", "d_sign", "d_extra", "keep"].map(|name| m.input(name, 4));
    let standing = Standing::new(&m);
    let take = standing.take(standing.is_free() & !writes);
    let index = m.concat(&[d_extra, d_sign, x_extra, x_sign]).named("index");
    let word = index.slice(1, 15);
    let found = match style {
        MemoryStyle::SinglePort => one_address(&m, writes, take, word),
        MemoryStyle::Block | MemoryStyle::Distributed => two_addresses(&m, writes, take, word),
    };
    let looks = m.stage("the look-up", take);
    let (is_odd, kept) = (looks.register("is_odd", index.bit(0)), looks.register("kept", keep));
    let entry = is_odd.mux(found.slice(8, 8), found.slice(0, 8)).named("entry");
    m.output("sign", entry.slice(0, 4) & kept);
    m.output("extra", entry.slice(4, 4) & kept);
    standing.close(take);
    m.finish()
}

fn entries(m: &Module, style: Style) -> Memory<'_> {
    m.memory("entries", style, TABLE_WORDS, 16)
}

/// The word at an address of the cycle before; writes have an address of their own.
fn two_addresses<'m>(m: &'m Module, writes: Value<'m>, take: Value<'m>, word: Value<'m>) -> Value<'m> {
    let entries = entries(m, Style::Block);
    m.stage("a write", writes).write(entries, m.input("write_address", 15), m.input("write_data", 16));
    m.stage("the word", take).register("found", entries.at(word))
}

/// The same by one address. It stays where it was while a result waits, so that the read of every cycle gives it again.
fn one_address<'m>(m: &'m Module, writes: Value<'m>, take: Value<'m>, word: Value<'m>) -> Value<'m> {
    let entries = entries(m, Style::SinglePort);
    let waiting = m.stage("the word that waits", take).register("waiting", word);
    let address = writes.mux(m.input("write_address", 15), take.mux(word, waiting)).named("address");
    m.stage("a write", writes).write(entries, address, m.input("write_data", 16));
    m.stage("a read", !writes).register("found", entries.at(address))
}
