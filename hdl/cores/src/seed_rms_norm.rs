//! The articles' `rms_norm`: popcounts, one comparison, and a table of 16 entries.
//!
//! Function: `nda_spec::seed::rms_norm` at one eps. A vector passes twice. While `is_measuring` its beats are only counted:
//! a large code and a code add `nda_spec::seed::norm_weights` to a sum whose sign says which of two tables of 16 entries the
//! articles' division and Newton steps come to. Then the same beats, with the weight's codes, give one beat of results each.
//! Shapes: sign and extra planes of `N` codes of `x` and of the weight; `keep` has the lanes that exist, all others give
//! zero bits. At most 4,194,303 codes per vector.
//! Handshake: ready/valid on both sides; `in_last` with a pass's last beat, `out_last` with a vector's. Latency 1, interval 1.
//! Cost: docs/elements.md. Source: the articles' norm; `src/seed/norm.rs` shows why one comparison is enough.

use crate::seed_text::{popcount, times};
use nda_spec::seed;
use rust_hdl_core::prelude::*;

/// Bits of the sum: `2^16` a code for 4,194,303 codes, and a sign.
const SUM_BITS: usize = 39;

/// `N` elements a beat.
#[derive(LogicBlock)]
pub struct SeedRmsNorm<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the pass's last.
    pub in_last: Signal<In, Bit>,
    /// Signs of `x`.
    pub x_sign: Signal<In, Bits<N>>,
    /// Extra bits of `x`.
    pub x_extra: Signal<In, Bits<N>>,
    /// Signs of the weight; not looked at while measuring.
    pub w_sign: Signal<In, Bits<N>>,
    /// Extra bits of the weight.
    pub w_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// The first pass is taken.
    pub is_measuring: Signal<Out, Bit>,
    /// A beat of results stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// It is the vector's last.
    pub out_last: Signal<Out, Bit>,
    /// Signs of the results.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    _eps_shift: u32,
}

impl<const N: usize> SeedRmsNorm<N> {
    /// A norm whose eps is `2^-eps_shift`.
    pub fn new(eps_shift: u32) -> Self {
        Self {
            clock: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_last: Default::default(),
            x_sign: Default::default(),
            x_extra: Default::default(),
            w_sign: Default::default(),
            w_extra: Default::default(),
            keep: Default::default(),
            is_measuring: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_last: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            _eps_shift: eps_shift,
        }
    }
}

/// The 16 results at an inverse root as 32 bits: two for each index, extra below sign.
fn table_bits(inverse_root: u32) -> u32 {
    seed::norm_table(inverse_root).iter().enumerate().fold(0, |all, (index, &code)| {
        let (sign, extra) = seed::bits(code);
        all | (u32::from(sign) << 1 | u32::from(extra)) << (2 * index)
    })
}

impl<const N: usize> Logic for SeedRmsNorm<N> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.in_ready.connect();
        self.is_measuring.connect();
        self.out_valid.connect();
        self.out_last.connect();
        self.sign.connect();
        self.extra.connect();
    }

    fn hdl(&self) -> Verilog {
        let bits = nda_spec::width::popcount_bits(N);
        let top = SUM_BITS - 1;
        let (per_large, per_code) = seed::norm_weights(self._eps_shift);
        // The roots that stand for the two sides of the limit; `norm.rs` shows that all others give the same tables.
        let (kept, erased) = (table_bits(64), table_bits(63));
        let mut text = popcount("larges", "~(x_sign ^ x_extra) & keep", N, bits) + &popcount("lanes", "keep", N, bits);
        text += &format!(
            "reg passing = 0;\n\
             reg is_kept = 0;\n\
             reg signed [{top}:0] sum = 0;\n\
             wire signed [{top}:0] wide_larges = $signed({{1'b0, larges}});\n\
             wire signed [{top}:0] wide_lanes = $signed({{1'b0, lanes}});\n\
             wire signed [{top}:0] beat = {by_large} + {by_lane};\n\
             wire signed [{top}:0] total = sum + beat;\n\
             wire [31:0] results = is_kept ? 32'h{kept:08x} : 32'h{erased:08x};\n\
             wire take = in_valid & in_ready;\n\
             initial out_valid = 0;\n\
             initial out_last = 0;\n\
             initial sign = 0;\n\
             initial extra = 0;\n\
             always @(*) in_ready = ~passing | ~out_valid | out_ready;\n\
             always @(*) is_measuring = ~passing;\n\
             // One lane's port is no vector, but a wire of one bit is.\n\
             wire [{n}:0] xs = x_sign;\n\
             wire [{n}:0] xe = x_extra;\n\
             wire [{n}:0] ws = w_sign;\n\
             wire [{n}:0] we = w_extra;\n\
             wire [{n}:0] kept = keep;\n\
             wire [{n}:0] new_sign;\n\
             wire [{n}:0] new_extra;\n",
            by_large = times("wide_larges", per_large.into()),
            by_lane = times("wide_lanes", per_code.into()),
            n = N - 1,
        );
        for lane in 0..N {
            text += &format!(
                "wire [4:0] at_{lane} = {{xs[{lane}], xe[{lane}], ws[{lane}], we[{lane}], 1'b0}};\n\
                 assign new_extra[{lane}] = results[at_{lane}] & kept[{lane}];\n\
                 assign new_sign[{lane}] = results[at_{lane} | 5'd1] & kept[{lane}];\n"
            );
        }
        text += &format!(
            "always @(posedge clock) begin\n\
             \x20   if (out_ready) out_valid <= 1'b0;\n\
             \x20   if (take & ~passing) begin\n\
             \x20       sum <= in_last ? {SUM_BITS}'sd0 : total;\n\
             \x20       if (in_last) is_kept <= total[{top}];\n\
             \x20   end\n\
             \x20   if (take & passing) begin\n\
             \x20       out_valid <= 1'b1;\n\
             \x20       out_last <= in_last;\n\
             \x20       sign <= new_sign;\n\
             \x20       extra <= new_extra;\n\
             \x20   end\n\
             \x20   if (take & in_last) passing <= ~passing;\n\
             end\n"
        );
        Verilog::Custom(text)
    }
}
