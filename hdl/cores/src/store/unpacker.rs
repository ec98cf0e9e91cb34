//! A word in, its bytes out, lightest first.
//!
//! Function: `load` takes a word, `shift` drops its lightest byte (`load` wins); `byte_data` is the lightest byte
//! left. Latency 1, interval 1. Cost: a register of the word's width and its input multiplexers.
//! A word in banks comes a cycle after its `load` (`packed_store::read_cycles`), and each bank has its own copies of `load` and
//! `shift`, which its register so follows a cycle late; the byte that stands does not.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist};
use crate::store::packed_store::{BANK_BITS, cut, is_banked};
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// `W` bits a word, a multiple of 8.
#[derive(LogicBlock)]
pub struct Unpacker<const W: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take `word`.
    pub load: Signal<In, Bit>,
    /// The word; where it is in banks, that of the cycle after `load`.
    pub word: Signal<In, Bits<W>>,
    /// Drop the lightest byte.
    pub shift: Signal<In, Bit>,
    /// The lightest byte.
    pub byte_data: Signal<Out, Bits<8>>,
    _circuit: Circuit,
}

impl<const W: usize> Unpacker<W> {
    /// An unpacker of what a tile store reads.
    pub fn for_words() -> Self {
        Self::new(if is_banked(W) { BANK_BITS } else { W })
    }

    /// An unpacker of words in banks of the given width, the last of what is left; one as wide as the word is none.
    pub fn new(bank: usize) -> Self {
        Self {
            clock: Default::default(),
            load: Default::default(),
            word: Default::default(),
            shift: Default::default(),
            byte_data: Default::default(),
            _circuit: Circuit::new(bytes(W, bank)),
        }
    }
}

impl<const W: usize> Logic for Unpacker<W> {
    fn update(&mut self) {
        evaluate!(self, self.clock.pos_edge(), { load, word, shift } { byte_data });
    }

    fn connect(&mut self) {
        self.byte_data.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("unpacker_text")
    }
}

/// An unpacker of words of the given width in banks of `bank` bits; as [`Unpacker::new`].
///
/// # Panics
/// If words or banks are no whole bytes, or a bank is wider than the word or a single byte.
pub fn bytes(bits: usize, bank: usize) -> Arc<Netlist> {
    let is_whole = bits.is_multiple_of(8) && bank.is_multiple_of(8);
    assert!(is_whole && bank <= bits && (bank == bits || bank > 8), "banks of two bytes and more");
    if bank < bits { banked(bits, bank) } else { whole(bits) }
}

fn whole(bits: usize) -> Arc<Netlist> {
    let m = Module::new("bytes");
    let (load, word, shift) = (m.input("load", 1), m.input("word", bits), m.input("shift", 1));
    let held = m.stage("a word comes or a byte goes", load | shift).feedback("held", bits, |held| load.mux(word, held >> 8));
    m.output("byte_data", held.low(8));
    m.finish()
}

fn banked(bits: usize, bank: usize) -> Arc<Netlist> {
    let m = Module::new("bytes");
    let (load, word, shift) = (m.input("load", 1), m.input("word", bits), m.input("shift", 1));
    let came = m.always("what comes in");
    let load_in = came.register("load_in", load);
    let shift_in = came.register("shift_in", shift & !load);
    let mut next = m.constant(0, 8);
    let mut lowest = m.constant(0, 16);
    for (k, (form, width)) in cut(bits, bank).into_iter().enumerate().rev() {
        let inputs = [("load", load), ("shift", shift), ("word", word.slice(bank * k, width)), ("next", next)];
        lowest = m.instance(&format!("bank_{k}"), &one_bank(form, width), &inputs)[0];
        next = lowest.low(8);
    }
    m.output("byte_data", load_in.mux(word.low(8), shift_in.mux(lowest.slice(8, 8), lowest.low(8))));
    m.finish()
}

/// A bank's module.
fn one_bank(form: &str, bits: usize) -> Arc<Netlist> {
    let m = Module::new(form);
    let (load, shift) = (m.input("load", 1), m.input("shift", 1));
    let (word, next) = (m.input("word", bits), m.input("next", 8));
    let came = m.always("what comes in");
    let load_in = came.register("load_in", load);
    let shift_in = came.register("shift_in", shift & !load);
    let held = m.stage("a word comes or a byte goes", load_in | shift_in).feedback("held", bits, |held| {
        let shifted = if bits > 8 { m.concat(&[next, held.slice(8, bits - 8)]) } else { next };
        load_in.mux(word, shifted)
    });
    m.output("lowest", if bits > 8 { held.low(16) } else { held.extend(16) });
    m.finish()
}
