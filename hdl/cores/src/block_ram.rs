//! Block RAM with one write and one read port.
//!
//! Function: `read_data` is the word at `read_address` one cycle after `read_enable`, and stays until the next.
//! Reading a word in the cycle in which it is written gives an unspecified word; no user of this core does.
//! Cost: block RAM; with `synth_* -no-rw-check` nothing else (docs/rust-hdl.md, section 1).

use rust_hdl_core::prelude::*;

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
    _depth: usize,
}

impl<const W: usize, const A: usize> BlockRam<W, A> {
    /// A memory of `depth` words.
    pub fn new(depth: usize) -> Self {
        assert!(depth >= 2 && depth <= 1 << A, "{depth} words do not fit {A} address bits");
        Self {
            clock: Default::default(),
            write_enable: Default::default(),
            write_address: Default::default(),
            write_data: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            _depth: depth,
        }
    }
}

impl<const W: usize, const A: usize> Logic for BlockRam<W, A> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        // Only the address bits that the depth has: more would infer comparators or a larger memory.
        let top = nda_spec::width::index_bits(self._depth) - 1;
        Verilog::Custom(format!(
            "(* ram_style = \"block\" *) reg [{w}:0] mem [0:{d}];\n\
             initial read_data = 0;\n\
             always @(posedge clock) begin\n\
             \x20   if (write_enable) mem[write_address[{top}:0]] <= write_data;\n\
             \x20   if (read_enable) read_data <= mem[read_address[{top}:0]];\n\
             end\n",
            w = W - 1,
            d = self._depth - 1,
        ))
    }
}
