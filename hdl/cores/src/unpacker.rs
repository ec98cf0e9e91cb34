//! A word in, its bytes out, lightest first.
//!
//! Function: `load` takes a word, `shift` drops its lightest byte (`load` wins); `byte_data` is the lightest byte
//! left. Latency 1, interval 1. Cost: a register of the word's width and its input multiplexers.
//! A word in banks comes a cycle after its `load` (`packed_store::read_cycles`), and each bank has its own copies of `load` and
//! `shift`, which its register so follows a cycle late; the byte that stands does not.

use crate::packed_store::{BANK_BITS, cut, forms, is_banked};
use rust_hdl_core::prelude::*;

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
    _bank: usize,
}

impl<const W: usize> Unpacker<W> {
    /// An unpacker of what a tile store reads.
    pub fn for_words() -> Self {
        Self::new(if is_banked(W) { BANK_BITS } else { W })
    }

    /// An unpacker of words in banks of so many bits, the last of what is left; one as wide as the word is none.
    pub fn new(bank: usize) -> Self {
        assert!(W.is_multiple_of(8) && bank.is_multiple_of(8) && bank <= W && (bank == W || bank > 8), "banks of two bytes and more");
        Self {
            clock: Default::default(),
            load: Default::default(),
            word: Default::default(),
            shift: Default::default(),
            byte_data: Default::default(),
            _bank: bank,
        }
    }
}

impl<const W: usize> Logic for Unpacker<W> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.byte_data.connect();
    }

    fn hdl(&self) -> Verilog {
        if self._bank < W {
            return banked(W, self._bank);
        }
        let top = W - 1;
        Verilog::Custom(format!(
            "reg [{top}:0] held = 0;\n\
             always @(posedge clock)\n\
             \x20   if (load) held <= word;\n\
             \x20   else if (shift) held <= held >> 8;\n\
             always @(*) byte_data = held[7:0];\n"
        ))
    }
}

fn banked(bits: usize, bank: usize) -> Verilog {
    let banks = cut(bits, bank);
    let mut code = "reg load_in = 0;\nreg shift_in = 0;\n\
        always @(posedge clock) begin\n    load_in <= load;\n    shift_in <= shift & ~load;\nend\n"
        .to_string();
    for (k, (form, width)) in banks.iter().enumerate().rev() {
        let next = if k == banks.len() - 1 { "8'd0".into() } else { format!("lowest_{}[7:0]", k + 1) };
        code += &format!(
            "wire [15:0] lowest_{k};\n\
             unpacker${form} bank_{k}(.clock(clock), .load(load), .shift(shift), .word(word[{}:{}]), .next({next}), .lowest(lowest_{k}));\n",
            bank * k + width - 1,
            bank * k,
        );
    }
    code += "assign byte_data = load_in ? word[7:0] : shift_in ? lowest_0[15:8] : lowest_0[7:0];\n";
    Verilog::Wrapper(Wrapper { code, cores: forms(&banks, one_bank) })
}

/// A bank's module.
fn one_bank(form: &str, bits: usize) -> String {
    let w = bits - 1;
    let (lowest, shifted) = match bits {
        8 => ("{8'd0, held}", "next".into()),
        _ => ("held[15:0]", format!("{{next, held[{w}:8]}}")),
    };
    format!(
        "module unpacker${form}(clock, load, shift, word, next, lowest);\n\
         \x20   input wire clock;\n    input wire load;\n    input wire shift;\n    input wire [{w}:0] word;\n    input wire [7:0] next;\n\
         \x20   output wire [15:0] lowest;\n\
         reg [{w}:0] held = 0;\nreg load_in = 0;\nreg shift_in = 0;\n\
         assign lowest = {lowest};\n\
         always @(posedge clock) begin\n\
         \x20   load_in <= load;\n\
         \x20   shift_in <= shift & ~load;\n\
         \x20   if (load_in) held <= word;\n\
         \x20   else if (shift_in) held <= {shifted};\n\
         end\n\
         endmodule\n",
    )
}
