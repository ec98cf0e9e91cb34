//! A word in, its bytes out, lightest first.
//!
//! Function: `load` takes a word, `shift` drops its lightest byte (`load` wins); `byte_data` is the lightest byte
//! left. Latency 1, interval 1. Cost: a register of the word's width and its input multiplexers.
//! A word in banks comes a cycle after its `load` (`packed_store::read_cycles`), and each bank has its own copies of `load` and
//! `shift`, which its register so follows a cycle late; the byte that stands does not.

use rust_hdl_core::prelude::*;

/// `W` bits a word, a multiple of 8.
#[derive(LogicBlock)]
pub struct Unpacker<const W: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take `word`.
    pub load: Signal<In, Bit>,
    /// The word; of more banks than one, that of the cycle after `load`.
    pub word: Signal<In, Bits<W>>,
    /// Drop the lightest byte.
    pub shift: Signal<In, Bit>,
    /// The lightest byte.
    pub byte_data: Signal<Out, Bits<8>>,
    _banks: usize,
}

impl<const W: usize> Unpacker<W> {
    /// An unpacker of words in so many banks.
    pub fn new(banks: usize) -> Self {
        assert!(W.is_multiple_of(8 * banks) && (banks == 1 || W > 8 * banks), "banks of two bytes and more");
        Self {
            clock: Default::default(),
            load: Default::default(),
            word: Default::default(),
            shift: Default::default(),
            byte_data: Default::default(),
            _banks: banks,
        }
    }
}

impl<const W: usize> Logic for Unpacker<W> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.byte_data.connect();
    }

    fn hdl(&self) -> Verilog {
        if self._banks > 1 {
            return banked(W, self._banks);
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

fn banked(bits: usize, banks: usize) -> Verilog {
    let bank = bits / banks;
    let mut code = "reg load_in = 0;\nreg shift_in = 0;\n\
        always @(posedge clock) begin\n    load_in <= load;\n    shift_in <= shift & ~load;\nend\n"
        .to_string();
    for k in (0..banks).rev() {
        let next = if k == banks - 1 { "8'd0".into() } else { format!("lowest_{}[7:0]", k + 1) };
        code += &format!(
            "wire [15:0] lowest_{k};\n\
             unpacker$bank bank_{k}(.clock(clock), .load(load), .shift(shift), .word(word[{}:{}]), .next({next}), .lowest(lowest_{k}));\n",
            bank * (k + 1) - 1,
            bank * k,
        );
    }
    code += "assign byte_data = load_in ? word[7:0] : shift_in ? lowest_0[15:8] : lowest_0[7:0];\n";
    let w = bank - 1;
    let cores = format!(
        "module unpacker$bank(clock, load, shift, word, next, lowest);\n\
         \x20   input wire clock;\n    input wire load;\n    input wire shift;\n    input wire [{w}:0] word;\n    input wire [7:0] next;\n\
         \x20   output wire [15:0] lowest;\n\
         reg [{w}:0] held = 0;\nreg load_in = 0;\nreg shift_in = 0;\n\
         assign lowest = held[15:0];\n\
         always @(posedge clock) begin\n\
         \x20   load_in <= load;\n\
         \x20   shift_in <= shift & ~load;\n\
         \x20   if (load_in) held <= word;\n\
         \x20   else if (shift_in) held <= {{next, held[{w}:8]}};\n\
         end\n\
         endmodule\n",
    );
    Verilog::Wrapper(Wrapper { code, cores })
}
