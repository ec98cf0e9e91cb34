//! What the vector unit computes once a vector, bit by bit: a normalisation and a division, or an inverse root.
//!
//! Function: without `is_root`, of `largest`: `nda_spec::vector::Quantizer`; with it, of `squares`: `Root::inverse`.
//! Handshake: `start` for one cycle; `done` for one cycle when the results stand, which then stay.
//! Cycles from `start` to `done`: `QUANTIZER_CYCLES` and `ROOT_CYCLES` of `nda_spec::vector::cycles`, whatever the numbers.
//! Cost: one subtractor for the root, one for the divisions, some 250 registers.

use nda_spec::vector::cycles::{INVERSE_STEPS, LIFT_STEPS, QUOTIENT_STEPS, ROOT_LIFT_STEPS, ROOT_STEPS};
use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct ScalarUnit {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Begin.
    pub start: Signal<In, Bit>,
    /// An inverse root is wanted, no quantizer.
    pub is_root: Signal<In, Bit>,
    /// The largest magnitude of a vector.
    pub largest: Signal<In, Bits<24>>,
    /// A sum of squares.
    pub squares: Signal<In, Bits<64>>,
    /// The results stand.
    pub done: Signal<Out, Bit>,
    /// `Quantizer::normalised`.
    pub normalised: Signal<Out, Bits<24>>,
    /// `Quantizer::lift`.
    pub lift: Signal<Out, Bits<6>>,
    /// `Quantizer::reciprocal`.
    pub reciprocal: Signal<Out, Bits<24>>,
    /// `Root::value`.
    pub root: Signal<Out, Bits<24>>,
    /// `Root::shift`.
    pub root_shift: Signal<Out, Bits<6>>,
}

impl Logic for ScalarUnit {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.done.connect();
        self.normalised.connect();
        self.lift.connect();
        self.reciprocal.connect();
        self.root.connect();
        self.root_shift.connect();
    }

    fn hdl(&self) -> Verilog {
        let text = "\
            reg [2:0] phase = 0;\n\
            reg [5:0] steps = 0;\n\
            reg rooting = 0;\n\
            reg [63:0] radicand = 0;\n\
            reg [33:0] rest = 0;\n\
            reg [31:0] found = 0;\n\
            reg [31:0] divisor = 0;\n\
            reg [32:0] left = 0;\n\
            reg [24:0] quotient = 0;\n\
            wire [35:0] next_rest = {rest, radicand[63:62]};\n\
            wire [35:0] trial = {2'b00, found, 2'b01};\n\
            wire fits = next_rest >= trial;\n\
            wire [35:0] rest_less = next_rest - trial;\n\
            wire digit = rooting ? (steps == 6'd0) : (steps < 6'd7);\n\
            wire [33:0] next_left = {left, digit};\n\
            wire goes = next_left >= {2'b00, divisor};\n\
            wire [33:0] left_less = next_left - {2'b00, divisor};\n\
            initial done = 0;\n\
            initial normalised = 0;\n\
            initial lift = 0;\n\
            initial reciprocal = 0;\n\
            initial root = 0;\n\
            initial root_shift = 0;\n\
            always @(posedge clock) begin\n\
            \x20   done <= 1'b0;\n\
            \x20   steps <= steps + 6'd1;\n\
            \x20   case (phase)\n\
            \x20   3'd0: begin\n\
            \x20       steps <= 6'd0;\n\
            \x20       if (start) begin\n\
            \x20           rooting <= is_root;\n\
            \x20           left <= 33'd0;\n\
            \x20           quotient <= 25'd0;\n\
            \x20           phase <= is_root ? 3'd2 : 3'd1;\n\
            \x20           if (is_root) begin\n\
            \x20               radicand <= squares | 64'd1;\n\
            \x20               root_shift <= 6'd0;\n\
            \x20               rest <= 34'd0;\n\
            \x20               found <= 32'd0;\n\
            \x20           end else begin\n\
            \x20               normalised <= (largest == 24'd0) ? 24'd1 : largest;\n\
            \x20               lift <= 6'd0;\n\
            \x20           end\n\
            \x20       end\n\
            \x20   end\n\
            \x20   3'd1: begin\n\
            \x20       if (!normalised[22]) begin\n\
            \x20           normalised <= {normalised[22:0], 1'b0};\n\
            \x20           lift <= lift + 6'd1;\n\
            \x20       end\n\
            \x20       divisor <= {8'd0, normalised};\n\
            \x20       if (steps == 6'dLAST_LIFT) begin\n\
            \x20           steps <= 6'd0;\n\
            \x20           phase <= 3'd4;\n\
            \x20       end\n\
            \x20   end\n\
            \x20   3'd2: begin\n\
            \x20       if (radicand[63:62] == 2'b00) begin\n\
            \x20           radicand <= {radicand[61:0], 2'b00};\n\
            \x20           root_shift <= root_shift + 6'd1;\n\
            \x20       end\n\
            \x20       if (steps == 6'dLAST_ROOT_LIFT) begin\n\
            \x20           steps <= 6'd0;\n\
            \x20           phase <= 3'd3;\n\
            \x20       end\n\
            \x20   end\n\
            \x20   3'd3: begin\n\
            \x20       rest <= fits ? rest_less[33:0] : next_rest[33:0];\n\
            \x20       found <= {found[30:0], fits};\n\
            \x20       divisor <= {found[30:0], fits};\n\
            \x20       radicand <= {radicand[61:0], 2'b00};\n\
            \x20       if (steps == 6'dLAST_ROOT) begin\n\
            \x20           steps <= 6'd0;\n\
            \x20           phase <= 3'd4;\n\
            \x20       end\n\
            \x20   end\n\
            \x20   3'd4: begin\n\
            \x20       left <= goes ? left_less[32:0] : next_left[32:0];\n\
            \x20       quotient <= {quotient[23:0], goes};\n\
            \x20       if (steps == (rooting ? 6'dLAST_INVERSE : 6'dLAST_QUOTIENT)) begin\n\
            \x20           steps <= 6'd0;\n\
            \x20           phase <= 3'd5;\n\
            \x20       end\n\
            \x20   end\n\
            \x20   default: begin\n\
            \x20       if (rooting) root <= quotient[23] ? 24'h7fffff : quotient[23:0];\n\
            \x20       else reciprocal <= quotient[23:0];\n\
            \x20       done <= 1'b1;\n\
            \x20       phase <= 3'd0;\n\
            \x20   end\n\
            \x20   endcase\n\
            end\n";
        let last = |n: usize| (n - 1).to_string();
        Verilog::Custom(
            text.replace("LAST_LIFT", &last(LIFT_STEPS))
                .replace("LAST_ROOT_LIFT", &last(ROOT_LIFT_STEPS))
                .replace("LAST_ROOT", &last(ROOT_STEPS))
                .replace("LAST_INVERSE", &last(INVERSE_STEPS))
                .replace("LAST_QUOTIENT", &last(QUOTIENT_STEPS)),
        )
    }
}
