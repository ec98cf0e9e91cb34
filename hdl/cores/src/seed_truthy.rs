//! Truthy: whether the sum of a vector's codes is above zero.
//!
//! Function: `nda_spec::seed::truthy`. A code is `3 sign + extra - 2`, so a beat is three popcounts.
//! Shapes: sign and extra planes of `N` codes; `keep` has the lanes that exist. At most 4,194,303 codes per vector.
//! Handshake: ready/valid on both sides; `in_last` with a vector's last beat, one answer per vector. Latency 1, interval 1.
//! Cost: docs/elements.md. Source: NUMBERS.md, section 1.

use crate::seed_text::popcount;
use nda_spec::width::ACC_BITS;
use rust_hdl_core::prelude::*;

/// `N` elements a beat.
#[derive(LogicBlock, Default)]
pub struct SeedTruthy<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the vector's last.
    pub in_last: Signal<In, Bit>,
    /// Signs.
    pub x_sign: Signal<In, Bits<N>>,
    /// Extra bits.
    pub x_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// An answer stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// The answer.
    pub is_true: Signal<Out, Bit>,
}

impl<const N: usize> Logic for SeedTruthy<N> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.in_ready.connect();
        self.out_valid.connect();
        self.is_true.connect();
    }

    fn hdl(&self) -> Verilog {
        let bits = nda_spec::width::popcount_bits(N);
        let top = ACC_BITS - 1;
        let count = |name: &str, of: &str| popcount(name, of, N, bits);
        Verilog::Custom(
            count("signs", "x_sign & keep")
                + &count("extras", "x_extra & keep")
                + &count("lanes", "keep")
                + &format!(
                    "wire signed [{top}:0] beat = $signed({{1'b0, signs, 1'b0}}) + $signed({{1'b0, signs}}) + $signed({{1'b0, extras}}) - $signed({{1'b0, lanes, 1'b0}});\n\
                     reg signed [{top}:0] sum = 0;\n\
                     wire signed [{top}:0] total = sum + beat;\n\
                     wire take = in_valid & in_ready;\n\
                     initial out_valid = 0;\n\
                     initial is_true = 0;\n\
                     always @(*) in_ready = ~out_valid | out_ready;\n\
                     always @(posedge clock) begin\n\
                     \x20   if (out_ready) out_valid <= 1'b0;\n\
                     \x20   if (take) begin\n\
                     \x20       sum <= in_last ? {ACC_BITS}'sd0 : total;\n\
                     \x20       if (in_last) begin\n\
                     \x20           out_valid <= 1'b1;\n\
                     \x20           is_true <= total > 0;\n\
                     \x20       end\n\
                     \x20   end\n\
                     end\n"
                ),
        )
    }
}
