//! Block RAM with one write and one read port.
//!
//! Function: `read_data` is the word at `read_address` and stays until the next read. Latency: 1 cycle behind `read_enable`, a word
//! per cycle.
//! Reading a word in the cycle in which it is written gives an unspecified word; no user of this core does.
//! Cost: block RAM; with `synth_* -no-rw-check` nothing else (docs/rust-hdl.md, section 1). The lowest bits may lie in LUT RAM
//! instead, on parts that have it: a few bits beyond a block RAM's width would take one more.

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
    _lut_bits: usize,
}

impl<const W: usize, const A: usize> BlockRam<W, A> {
    /// A memory of `depth` words.
    pub fn new(depth: usize) -> Self {
        Self::with_lut_ram(depth, 0)
    }

    /// One whose lowest `lut_bits` bits lie in LUT RAM.
    pub fn with_lut_ram(depth: usize, lut_bits: usize) -> Self {
        assert!(depth >= 2 && depth <= 1 << A, "{depth} words do not fit {A} address bits");
        assert!(lut_bits <= W, "{lut_bits} bits of {W} in LUT RAM");
        Self {
            clock: Default::default(),
            write_enable: Default::default(),
            write_address: Default::default(),
            write_data: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            _depth: depth,
            _lut_bits: lut_bits,
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
        let last = self._depth - 1;
        let parts = [("mem", "block", self._lut_bits, W), ("low", "distributed", 0, self._lut_bits)];
        let parts = parts.into_iter().filter(|(_, _, from, to)| from < to);
        let each = |line: &dyn Fn(&str, &str, usize, usize) -> String| -> String {
            parts.clone().map(|(name, style, from, to)| line(name, style, from, to)).collect()
        };
        let range = |from: usize, to: usize| if (from, to) == (0, W) { String::new() } else { format!("[{}:{from}]", to - 1) };
        let memories =
            each(&|name, style, from, to| format!("(* ram_style = \"{style}\" *) reg [{}:0] {name} [0:{last}];\n", to - from - 1));
        let writes =
            each(&|name, _, from, to| format!("    if (write_enable) {name}[write_address[{top}:0]] <= write_data{};\n", range(from, to)));
        let reads =
            each(&|name, _, from, to| format!("    if (read_enable) read_data{} <= {name}[read_address[{top}:0]];\n", range(from, to)));
        Verilog::Custom(format!("{memories}initial read_data = 0;\nalways @(posedge clock) begin\n{writes}{reads}end\n"))
    }
}
