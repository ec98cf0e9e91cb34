//! What each page of the tile store holds: whether it was sealed, and with which CRC-32.
//!
//! Function: `seal` seals the page at `page` with `crc`, `clear` unseals it (and wins), both a cycle later; `is_sealed` and
//! `page_crc` are those of `query`, a cycle later too. Latency: 1 either way, so a change is seen by a query two cycles after it. All
//! pages are unsealed
//! at power-up; the CRC-32 of one that is not sealed is anything. Cost: a register per page and its decoders, a memory of 32
//! bits per page.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist, Style, Value};
use nda_spec::width::index_bits;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct SealTable {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Seal the page at `page`.
    pub seal: Signal<In, Bit>,
    /// Unseal the page at `page`.
    pub clear: Signal<In, Bit>,
    /// The page to change.
    pub page: Signal<In, Bits<8>>,
    /// The CRC-32 of what it holds.
    pub crc: Signal<In, Bits<32>>,
    /// The page to look up.
    pub query: Signal<In, Bits<8>>,
    /// Whether the page queried a cycle ago is sealed.
    pub is_sealed: Signal<Out, Bit>,
    /// What it was sealed with.
    pub page_crc: Signal<Out, Bits<32>>,
    _circuit: Circuit,
}

impl SealTable {
    /// A table of `pages` pages, 2 to 256.
    pub fn new(pages: usize) -> Self {
        Self::around(seals(pages, Style::Any))
    }

    /// One whose CRC-32s lie in LUT RAM, on parts that have it: of 64 pages they fill a ninth of a block RAM.
    pub fn in_lut_ram(pages: usize) -> Self {
        Self::around(seals(pages, Style::Distributed))
    }

    fn around(netlist: Arc<Netlist>) -> Self {
        Self {
            clock: Default::default(),
            seal: Default::default(),
            clear: Default::default(),
            page: Default::default(),
            crc: Default::default(),
            query: Default::default(),
            is_sealed: Default::default(),
            page_crc: Default::default(),
            _circuit: Circuit::new(netlist),
        }
    }
}

impl Logic for SealTable {
    fn update(&mut self) {
        evaluate!(self, self.clock.pos_edge(), { seal, clear, page, crc, query } { is_sealed, page_crc });
    }

    fn connect(&mut self) {
        self.is_sealed.connect();
        self.page_crc.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("seal_table_text")
    }
}

/// The table of `pages` pages.
///
/// # Panics
/// If there are fewer than 2 or more than 256.
pub fn seals(pages: usize, style: Style) -> Arc<Netlist> {
    assert!((2..=256).contains(&pages), "{pages} pages");
    let m = Module::new("seals");
    let address = index_bits(pages);
    let (seal, clear, page) = (m.input("seal", 1), m.input("clear", 1), m.input("page", 8).low(address));
    let (crc, query) = (m.input("crc", 32), m.input("query", 8).low(address));
    let came = m.always("what comes in");
    let change = came.register("change", clear | seal);
    let value = came.register("value", !clear);
    let place = came.register("place", page);
    let held = came.register("held", crc);
    let sealed = m.stage("a page is sealed or unsealed", change).feedback("sealed", pages, |sealed| {
        let each: Vec<Value> = (0..pages).rev().map(|k| place.is(k as u64).mux(value, sealed.bit(k))).collect();
        m.concat(&each)
    });
    let crcs = m.memory("crcs", style, pages, 32);
    m.stage("its CRC-32", change).write(crcs, place, held);
    let found = m.always("the page that is looked up");
    let each: Vec<Value> = (0..pages).map(|k| sealed.bit(k)).collect();
    m.output("is_sealed", found.register("is_sealed", m.select(query, &each)));
    m.output("page_crc", found.register("page_crc", crcs.at(query)));
    m.finish()
}
