//! What each page of the tile store holds: whether it was sealed, and with which CRC-32.
//!
//! Function: `seal` seals the page at `page` with `crc`, `clear` unseals it (and wins), both a cycle later; `is_sealed` and
//! `page_crc` are those of `query`, a cycle later too. Latency: 1 either way, so a change is seen by a query two cycles after it. All
//! pages are unsealed
//! at power-up; the CRC-32 of one that is not sealed is anything. Cost: a register per page and its decoders, a memory of 32
//! bits per page.

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
    /// The CRC-32 of what it holds.
    pub crc: Signal<In, Bits<32>>,
    /// The page to look up.
    pub query: Signal<In, Bits<8>>,
    /// Whether the page queried a cycle ago is sealed.
    pub is_sealed: Signal<Out, Bit>,
    /// What it was sealed with.
    pub page_crc: Signal<Out, Bits<32>>,
    _pages: usize,
    _style: &'static str,
}

impl SealTable {
    /// A table of `pages` pages, 2 to 256.
    pub fn new(pages: usize) -> Self {
        Self::with_style(pages, "")
    }

    /// One whose CRC-32s lie in LUT RAM, on parts that have it: of 64 pages they fill a ninth of a block RAM.
    pub fn in_lut_ram(pages: usize) -> Self {
        Self::with_style(pages, "(* ram_style = \"distributed\" *) ")
    }

    fn with_style(pages: usize, style: &'static str) -> Self {
        assert!((2..=256).contains(&pages), "{pages} pages");
        Self {
            clock: Default::default(),
            seal: Default::default(),
            clear: Default::default(),
            page: Default::default(),
            crc: Default::default(),
            query: Default::default(),
            is_sealed: Default::default(),
            page_crc: Default::default(),
            _pages: pages,
            _style: style,
        }
    }
}

impl Logic for SealTable {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.is_sealed.connect();
        self.page_crc.connect();
    }

    fn hdl(&self) -> Verilog {
        let (top, address, style) = (self._pages - 1, nda_spec::width::index_bits(self._pages) - 1, self._style);
        Verilog::Custom(format!(
            "reg [{top}:0] sealed = 0;\n\
             reg change = 0;\n\
             reg value = 0;\n\
             reg [{address}:0] place = 0;\n\
             reg [31:0] held = 0;\n\
             {style}reg [31:0] crcs [0:{top}];\n\
             initial is_sealed = 0;\n\
             initial page_crc = 0;\n\
             always @(posedge clock) begin\n\
             \x20   change <= clear | seal;\n\
             \x20   value <= ~clear;\n\
             \x20   place <= page[{address}:0];\n\
             \x20   held <= crc;\n\
             \x20   if (change) sealed[place] <= value;\n\
             \x20   is_sealed <= sealed[query[{address}:0]];\n\
             end\n\
             always @(posedge clock) begin\n\
             \x20   if (change) crcs[place] <= held;\n\
             \x20   page_crc <= crcs[query[{address}:0]];\n\
             end\n"
        ))
    }
}
