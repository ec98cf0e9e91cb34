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
//! after a write's finds what stood there before (in banks up to two cycles after), or of a single port is lost.
//! Cost: block RAM, two registers of the word's width, and some 20 for what comes in, 30 per bank.

use nda_spec::cycles::MEMORY_STAGES;
use rust_hdl_core::prelude::*;

/// Bits from which on a word lies in banks.
pub const BANKED_BITS: usize = 2048;

/// Bits of a bank: eight block RAMs of 18 bits and 1,024 words, or four of 36 and 512, so that no bank leaves a part of one
/// empty but the last. A bank is the neighbourhood that one register reaches.
pub const BANK_BITS: usize = 144;

/// Whether a word of so many bits lies in banks.
pub const fn is_banked(bits: usize) -> bool {
    bits >= BANKED_BITS
}

/// Cycles from a read to its word of so many bits.
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
    _depth: usize,
    _style: MemoryStyle,
    _bank: usize,
}

impl<const W: usize> PackedStore<W> {
    /// A store of `depth` words.
    pub fn new(depth: usize, style: MemoryStyle) -> Self {
        Self::with_banks(depth, style, if is_banked(W) { BANK_BITS } else { W })
    }

    /// The same with banks of so many bits, the last of what is left, whatever the width; one as wide as the word is none.
    pub(crate) fn with_banks(depth: usize, style: MemoryStyle, bank: usize) -> Self {
        let whole = W.is_multiple_of(8) && bank.is_multiple_of(8);
        assert!(bank == W || style == MemoryStyle::Block && whole && bank < W, "banks are of block RAM and whole bytes");
        assert!((2..=1 << 16).contains(&depth), "{depth} words do not fit 16 address bits");
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
            _bank: bank,
        }
    }
}

impl<const W: usize> Logic for PackedStore<W> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        if self._bank < W {
            return banked(W, self._depth, self._bank);
        }
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

/// What a word's banks are, lightest first: which of its module's two forms, and the bits.
pub(crate) fn cut(bits: usize, bank: usize) -> Vec<(&'static str, usize)> {
    let width = |k: usize| bank.min(bits - k * bank);
    (0..bits.div_ceil(bank)).map(|k| (if width(k) == bank { "bank" } else { "last" }, width(k))).collect()
}

/// The text of every form of a module that these banks are of.
pub(crate) fn forms(banks: &[(&'static str, usize)], text: impl Fn(&str, usize) -> String) -> String {
    let distinct: std::collections::BTreeMap<_, _> = banks.iter().copied().collect();
    distinct.into_iter().map(|(form, width)| text(form, width)).collect()
}

/// A word in banks. Bytes move through the banks as through one long register.
fn banked(bits: usize, depth: usize, bank: usize) -> Verilog {
    let top = nda_spec::width::index_bits(depth) - 1;
    let banks = cut(bits, bank);
    // The first register is one for all, between what decides on a write and the banks.
    let mut code = format!(
        "reg byte_in = 0;\nreg write_in = 0;\nreg [{top}:0] place_in = 0;\nreg [7:0] data_in = 0;\nreg [7:0] data_on = 0;\n\
         always @(posedge clock) begin\n    byte_in <= byte_enable;\n    write_in <= write_enable;\n    \
         place_in <= write_address[{top}:0];\n    data_in <= byte_data;\n    data_on <= data_in;\nend\n"
    );
    for (k, (form, width)) in banks.iter().enumerate().rev() {
        let byte = if k == banks.len() - 1 { "data_on".into() } else { format!("lowest_{}", k + 1) };
        code += &format!(
            "wire [7:0] lowest_{k};\nwire [{}:0] word_{k};\n\
             packed_store${form} bank_{k}(.clock(clock), .byte_enable(byte_in), .byte_data({byte}), .write_enable(write_in), \
             .write_address(place_in), .read_enable(read_enable), .read_address(read_address[{top}:0]), \
             .lowest(lowest_{k}), .read_data(word_{k}));\n",
            width - 1,
        );
    }
    let words = (0..banks.len()).rev().map(|k| format!("word_{k}")).collect::<Vec<_>>().join(", ");
    code += &format!("assign read_data = {{{words}}};\n");
    Verilog::Wrapper(Wrapper { code, cores: forms(&banks, |form, bits| one_bank(form, bits, depth)) })
}

/// A bank's module.
fn one_bank(form: &str, bits: usize, depth: usize) -> String {
    let (top, w, d) = (nda_spec::width::index_bits(depth) - 1, bits - 1, depth - 1);
    let assembled = if bits > 8 { format!("{{byte_data, gathered[{w}:8]}}") } else { "byte_data".into() };
    format!(
        "module packed_store${form}(clock, byte_enable, byte_data, write_enable, write_address, read_enable, read_address, lowest, read_data);\n\
         \x20   input wire clock;\n    input wire byte_enable;\n    input wire [7:0] byte_data;\n    input wire write_enable;\n\
         \x20   input wire [{top}:0] write_address;\n    input wire read_enable;\n    input wire [{top}:0] read_address;\n\
         \x20   output wire [7:0] lowest;\n    output reg [{w}:0] read_data;\n\
         reg [{w}:0] gathered = 0;\n\
         reg byte_in = 0;\nreg write_in = 0;\nreg read_in = 0;\nreg fetched_new = 0;\n\
         reg [{top}:0] place_in = 0;\nreg [{top}:0] read_place = 0;\n\
         wire [{w}:0] assembled = {assembled};\n\
         assign lowest = gathered[7:0];\n\
         initial read_data = 0;\n\
         (* ram_style = \"block\" *) reg [{w}:0] mem [0:{d}];\nreg [{w}:0] mem_read = 0;\n\
         always @(posedge clock) begin\n\
         \x20   if (write_in) mem[place_in[{top}:0]] <= assembled;\n\
         \x20   if (read_in) mem_read <= mem[read_place[{top}:0]];\n\
         end\n\
         wire [{w}:0] fetched = mem_read;\n\
         always @(posedge clock) begin\n\
         \x20   byte_in <= byte_enable;\n\
         \x20   write_in <= write_enable;\n\
         \x20   place_in <= write_address;\n\
         \x20   read_in <= read_enable;\n\
         \x20   read_place <= read_address;\n\
         \x20   if (byte_in) gathered <= assembled;\n\
         \x20   fetched_new <= read_in;\n\
         \x20   if (fetched_new) read_data <= fetched;\n\
         end\n\
         endmodule\n",
    )
}
