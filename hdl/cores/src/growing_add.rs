//! Addition in the default mode: `N` sums of two's complement codes per cycle, at a scale that grows instead of saturating.
//!
//! Function: `nda_spec::growing::growing_add`. A vector passes twice. While `is_measuring` the sums are only looked at: if one of
//! them does not fit its code, the vector's scale is the next one. Then the same beats give one beat of sums each.
//! A sum has `B + 1` fractional bits, which hold the finer operand exactly at every gap between the scales that matters, and is
//! rounded once, half away from zero.
//! Shapes: `x`, `d` and `sum` are `N` codes of `B` bits, the first lightest; `keep` has the lanes that exist, all others give
//! zero bits. The exponents stand for both passes, two's complement.
//! Handshake: ready/valid on both sides; `in_last` with a pass's last beat, `out_last` with a vector's. Latency 1, interval 1.
//! Cost: docs/elements.md; a shifter of `2 B + 1` bits and three adders per lane. Source: NUMBERS.md, section on elements.

use nda_spec::growing::{MAX_BITS, gap_limit};
use rust_hdl_core::prelude::*;

/// `N` codes of together `X` bits a beat.
#[derive(LogicBlock, Default)]
pub struct GrowingAdd<const N: usize, const X: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Exponent of the scale of `x`.
    pub x_log2: Signal<In, Bits<8>>,
    /// Exponent of the scale of `d`.
    pub d_log2: Signal<In, Bits<8>>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the pass's last.
    pub in_last: Signal<In, Bit>,
    /// Codes of one operand.
    pub x: Signal<In, Bits<X>>,
    /// Codes of the other.
    pub d: Signal<In, Bits<X>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// The first pass is taken.
    pub is_measuring: Signal<Out, Bit>,
    /// A beat of sums stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// It is the vector's last.
    pub out_last: Signal<Out, Bit>,
    /// The sums.
    pub sum: Signal<Out, Bits<X>>,
    /// Exponent of their scale.
    pub log2: Signal<Out, Bits<8>>,
}

impl<const N: usize, const X: usize> Logic for GrowingAdd<N, X> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.in_ready.connect();
        self.is_measuring.connect();
        self.out_valid.connect();
        self.out_last.connect();
        self.sum.connect();
        self.log2.connect();
    }

    fn hdl(&self) -> Verilog {
        let b = X / N;
        assert!(N * b == X && (2..=MAX_BITS as usize).contains(&b), "{N} codes of 2 to {MAX_BITS} bits are no {X} bits");
        // Fractional bits of a sum, the largest gap that they hold exactly, and a sum's bits.
        let (fraction, most) = (b + 1, gap_limit(b as u32));
        let wide = b + fraction + 1;
        let shift_bits = most.ilog2() + 1;
        let (max, min) = ((1_i64 << (b - 1)) - 1, 1_u64 << (b - 1));
        let mut text = format!(
            "reg passing = 0;\n\
             reg over = 0;\n\
             reg grows = 0;\n\
             wire [7:0] x_biased = x_log2 ^ 8'h80;\n\
             wire [7:0] d_biased = d_log2 ^ 8'h80;\n\
             wire x_is_fine = x_biased < d_biased;\n\
             wire [7:0] gap = x_is_fine ? d_biased - x_biased : x_biased - d_biased;\n\
             wire [{s1}:0] shift = gap > 8'd{most} ? {shift_bits}'d{most} : gap[{s1}:0];\n\
             wire [7:0] coarser = x_is_fine ? d_log2 : x_log2;\n\
             // One lane's port is no vector, but a wire of one bit is.\n\
             wire [{n}:0] kept = keep;\n\
             wire [{n}:0] unfit;\n\
             wire [{last}:0] new_sum;\n",
            s1 = shift_bits - 1,
            n = N - 1,
            last = X - 1,
        );
        for lane in 0..N {
            let (at, top) = (lane * b, lane * b + b - 1);
            text += &format!(
                "wire signed [{b1}:0] coarse_{lane} = x_is_fine ? d[{top}:{at}] : x[{top}:{at}];\n\
                 wire signed [{f1}:0] fine_{lane} = {{x_is_fine ? x[{top}:{at}] : d[{top}:{at}], {fraction}'d0}};\n\
                 wire signed [{f1}:0] shifted_{lane} = fine_{lane} >>> shift;\n\
                 wire signed [{w1}:0] exact_{lane} = $signed({{coarse_{lane}, {fraction}'d0}}) + shifted_{lane};\n\
                 // Half of the last place, less one unit below zero: half away from zero, then cut off.\n\
                 wire [{w1}:0] half_{lane} = grows ? {wide}'d{half_grown} : {wide}'d{half};\n\
                 wire signed [{w1}:0] nudged_{lane} = exact_{lane} + $signed(half_{lane}) - $signed({{1'b0, exact_{lane}[{w1}]}});\n\
                 wire signed [{b}:0] rounded_{lane} = nudged_{lane}[{w1}:{fraction}];\n\
                 wire signed [{b}:0] code_{lane} = grows ? rounded_{lane} >>> 1 : rounded_{lane};\n\
                 wire unfit_{lane} = code_{lane}[{b}] != code_{lane}[{b1}];\n\
                 wire [{b1}:0] fitting_{lane} = unfit_{lane} ? (code_{lane}[{b}] ? {b}'d{min} : {b}'d{max}) : code_{lane}[{b1}:0];\n\
                 assign unfit[{lane}] = unfit_{lane} & kept[{lane}];\n\
                 assign new_sum[{top}:{at}] = kept[{lane}] ? fitting_{lane} : {b}'d0;\n",
                b1 = b - 1,
                f1 = b + fraction - 1,
                w1 = wide - 1,
                half = 1_u64 << (fraction - 1),
                half_grown = 1_u64 << fraction,
            );
        }
        text += "wire any_over = over | (|unfit);\n\
                 wire take = in_valid & in_ready;\n\
                 initial out_valid = 0;\n\
                 initial out_last = 0;\n\
                 initial sum = 0;\n\
                 initial log2 = 0;\n\
                 always @(*) in_ready = ~passing | ~out_valid | out_ready;\n\
                 always @(*) is_measuring = ~passing;\n\
                 always @(posedge clock) begin\n\
                 \x20   if (out_ready) out_valid <= 1'b0;\n\
                 \x20   if (take & ~passing) begin\n\
                 \x20       over <= any_over & ~in_last;\n\
                 \x20       // There is no scale above the largest: there the sums saturate.\n\
                 \x20       if (in_last) grows <= any_over & (coarser != 8'd127);\n\
                 \x20   end\n\
                 \x20   if (take & passing) begin\n\
                 \x20       out_valid <= 1'b1;\n\
                 \x20       out_last <= in_last;\n\
                 \x20       sum <= new_sum;\n\
                 \x20       log2 <= coarser + {7'd0, grows};\n\
                 \x20       if (in_last) grows <= 1'b0;\n\
                 \x20   end\n\
                 \x20   if (take & in_last) passing <= ~passing;\n\
                 end\n";
        Verilog::Custom(text)
    }
}
