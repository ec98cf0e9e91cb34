//! The tile store and the activation store: bytes in, wide words out.
//!
//! Function: bytes are gathered, first byte lightest, and written as one word with the byte that completes it.
//! What comes in is registered before it goes to a thousand flip-flops all over the die, so a word is written at the end of
//! the cycle after its last byte. A read gives its word two cycles later: one for the block RAM, one for its output
//! register, without which an ECP5 block RAM alone takes 5.8 ns (reference/rust-hdl.md, section 3). `read_data` then stays.
//! Handshake: `byte_enable` takes a byte, `write_enable` (with it) writes the word. Interval 1 both ways; a read in the cycle
//! after a write's finds what stood there before, or of a single port is lost.
//! Cost: block RAM, two registers of the word's width, and some 20 for what comes in.

use rust_hdl_core::prelude::*;

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
    /// The word read two cycles ago.
    pub read_data: Signal<Out, Bits<W>>,
    _depth: usize,
    _style: MemoryStyle,
}

impl<const W: usize> PackedStore<W> {
    /// A store of `depth` words.
    pub fn new(depth: usize, style: MemoryStyle) -> Self {
        assert!(depth >= 2 && depth <= 1 << 16, "{depth} words do not fit 16 address bits");
        Self {
            clock: Default::default(),
            byte_enable: Default::default(),
            byte_data: Default::default(),
            write_enable: Default::default(),
            write_address: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            _depth: depth,
            _style: style,
        }
    }
}

impl<const W: usize> Logic for PackedStore<W> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        let top = nda_spec::width::index_bits(self._depth) - 1;
        let assembled = if W > 8 { format!("{{data_in, gathered[{}:8]}}", W - 1) } else { "data_in".into() };
        let (w, d) = (W - 1, self._depth - 1);
        let memory = match self._style {
            MemoryStyle::Block => {
                "\
             \x20   if (write_in) mem[place_in] <= assembled;\n\
             \x20   if (read_enable) fetched <= mem[read_address[TOP:0]];\n"
            }
            // Without an enable: it would be a net of a thousand flip-flops behind the sequencer's decision, and
            // `fetched_new` takes no other word than the one that was asked for.
            MemoryStyle::Distributed => {
                "\
             \x20   if (write_in) mem[place_in] <= assembled;\n\
             \x20   fetched <= mem[read_address[TOP:0]];\n"
            }
            // Yosys makes an SB_SPRAM256KA of exactly this: one address, and a read in every cycle that does not write.
            MemoryStyle::SinglePort => {
                "\
             \x20   if (write_in) mem[address] <= assembled;\n\
             \x20   else fetched <= mem[address];\n"
            }
        };
        let (attribute, address) = match self._style {
            MemoryStyle::Block => ("block", ""),
            MemoryStyle::Distributed => ("distributed", ""),
            MemoryStyle::SinglePort => ("huge", "wire [TOP:0] address = write_in ? place_in : read_address[TOP:0];\n"),
        };
        Verilog::Custom(
            format!(
                "(* ram_style = \"{attribute}\" *) reg [{w}:0] mem [0:{d}];\n\
                 reg [{w}:0] gathered = 0;\n\
                 reg [{w}:0] fetched = 0;\n\
                 reg fetched_new = 0;\n\
                 reg byte_in = 0;\n\
                 reg write_in = 0;\n\
                 reg [7:0] data_in = 0;\n\
                 reg [TOP:0] place_in = 0;\n\
                 wire [{w}:0] assembled = {assembled};\n\
                 {address}\
                 initial read_data = 0;\n\
                 always @(posedge clock) begin\n\
                 \x20   byte_in <= byte_enable;\n\
                 \x20   write_in <= write_enable;\n\
                 \x20   data_in <= byte_data;\n\
                 \x20   place_in <= write_address[TOP:0];\n\
                 \x20   if (byte_in) gathered <= assembled;\n\
                 {memory}\
                 \x20   fetched_new <= read_enable;\n\
                 \x20   if (fetched_new) read_data <= fetched;\n\
                 end\n",
            )
            .replace("TOP", &top.to_string()),
        )
    }
}
