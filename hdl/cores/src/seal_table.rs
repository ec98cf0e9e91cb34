//! One bit a page of the tile store: does it hold what the host said it should?
//!
//! Function: `seal` seals the page at `page`, `clear` unseals it (and wins), both a cycle later; `is_sealed` is the
//! bit of `query`, a cycle later too: a change is seen by a query two cycles after it. All pages are unsealed at
//! power-up. Cost: a register a page and its decoders.

use rust_hdl_core::prelude::*;

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
    /// The page to look up.
    pub query: Signal<In, Bits<8>>,
    /// Whether the page queried a cycle ago is sealed.
    pub is_sealed: Signal<Out, Bit>,
    _pages: usize,
}

impl SealTable {
    /// A table of `pages` pages, 2 to 256.
    pub fn new(pages: usize) -> Self {
        assert!((2..=256).contains(&pages), "{pages} pages");
        Self {
            clock: Default::default(),
            seal: Default::default(),
            clear: Default::default(),
            page: Default::default(),
            query: Default::default(),
            is_sealed: Default::default(),
            _pages: pages,
        }
    }
}

impl Logic for SealTable {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.is_sealed.connect();
    }

    fn hdl(&self) -> Verilog {
        let (top, address) = (self._pages - 1, nda_spec::width::index_bits(self._pages) - 1);
        Verilog::Custom(format!(
            "reg [{top}:0] sealed = 0;\n\
             reg change = 0;\n\
             reg value = 0;\n\
             reg [{address}:0] place = 0;\n\
             initial is_sealed = 0;\n\
             always @(posedge clock) begin\n\
             \x20   change <= clear | seal;\n\
             \x20   value <= ~clear;\n\
             \x20   place <= page[{address}:0];\n\
             \x20   if (change) sealed[place] <= value;\n\
             \x20   is_sealed <= sealed[query[{address}:0]];\n\
             end\n"
        ))
    }
}
