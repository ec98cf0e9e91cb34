//! The articles' quantizer: floats in, quaternary codes and half of the largest magnitude out.
//!
//! Function: `nda_spec::seed::quantize` by integers, as `nda_spec::seed::large_from` says. A vector passes twice. While
//! `is_measuring` only the largest magnitude is kept (NaN is none); then a serial divider finds the threshold from which a
//! magnitude is large; then the same beats give one beat of codes each. `scale` stands from the
//! second pass on until its last beat is taken.
//! Shapes: `x` is `N` floats, the first lightest; `keep` has the lanes that exist, all others give zero bits.
//! Handshake: ready/valid on both sides; `in_last` with a pass's last beat, `out_last` with a vector's. Latency 1, interval 1;
//! between the passes `2 * mantissa + 5` cycles, 53 for f32.
//! Cost: docs/elements.md; no multiplier. Source: the articles' quantizer.

use nda_spec::seed::{LARGE_Q, MIN_AMAX};
use rust_hdl_core::prelude::*;

/// A binary float, sign first: IEEE's with so many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloatFormat {
    /// Bits of the exponent.
    pub exponent: usize,
    /// Bits of the mantissa, the hidden one too.
    pub mantissa: usize,
    /// Magnitudes below this one, as bits, have the scale 1.
    pub least: u64,
}

impl FloatFormat {
    /// IEEE's binary32 with the articles' smallest magnitude.
    pub fn binary32() -> FloatFormat {
        FloatFormat { exponent: 8, mantissa: 24, least: u64::from(MIN_AMAX.to_bits()) }
    }

    /// Bits of a number.
    pub const fn bits(self) -> usize {
        self.exponent + self.mantissa
    }

    /// Numerator of a threshold's mantissa, as [`LARGE_Q`] for binary32: `3 * 2^(mantissa - 1) - 1`.
    pub const fn large_q(self) -> u64 {
        (3 << (self.mantissa - 1)) - 1
    }
}

/// `N` floats of together `X` bits a beat.
#[derive(LogicBlock)]
pub struct SeedQuantize<const N: usize, const X: usize, const S: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// It is the pass's last.
    pub in_last: Signal<In, Bit>,
    /// The floats.
    pub x: Signal<In, Bits<X>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// The first pass is taken.
    pub is_measuring: Signal<Out, Bit>,
    /// The vector's scale, a float; stands with every beat of codes.
    pub scale: Signal<Out, Bits<S>>,
    /// A beat of codes stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// It is the vector's last.
    pub out_last: Signal<Out, Bit>,
    /// Signs of the codes.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    _format: FloatFormat,
}

impl<const N: usize, const X: usize, const S: usize> SeedQuantize<N, X, S> {
    /// A quantizer of floats of that format, whose bits are `S` and `X / N`.
    pub fn new(format: FloatFormat) -> Self {
        assert!(format.bits() == S && N * S == X, "{N} floats of {} bits are no {X} bits", format.bits());
        assert!(format != FloatFormat::binary32() || format.large_q() == u64::from(LARGE_Q), "the contract's numerator");
        Self {
            clock: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_last: Default::default(),
            x: Default::default(),
            keep: Default::default(),
            is_measuring: Default::default(),
            scale: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_last: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            _format: format,
        }
    }
}

impl<const N: usize, const X: usize, const S: usize> Logic for SeedQuantize<N, X, S> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.in_ready.connect();
        self.is_measuring.connect();
        self.scale.connect();
        self.out_valid.connect();
        self.out_last.connect();
        self.sign.connect();
        self.extra.connect();
    }

    fn hdl(&self) -> Verilog {
        let f = self._format;
        let (p, e) = (f.mantissa, f.exponent);
        // Bits of a magnitude and of a quotient, which has one more than a mantissa; the step that ends a division.
        let (magnitude, quotient, done) = (p - 1 + e, p + 1, p + 2);
        let infinity = ((1_u64 << e) - 1) << (p - 1);
        let one = ((1_u64 << (e - 1)) - 1) << (p - 1);
        let mut lanes = String::new();
        let mut largest = "so_far".to_string();
        for lane in 0..N {
            let at = lane * S;
            lanes += &format!(
                "wire [{m}:0] magnitude_{lane} = x[{top}:{at}];\n\
                 wire is_nan_{lane} = magnitude_{lane} > {magnitude}'d{infinity};\n\
                 wire [{m}:0] measured_{lane} = (kept[{lane}] & ~is_nan_{lane}) ? magnitude_{lane} : {magnitude}'d0;\n\
                 wire [{m}:0] max_{lane} = measured_{lane} > {largest} ? measured_{lane} : {largest};\n\
                 wire is_large_{lane} = ~is_nan_{lane} & (magnitude_{lane} >= threshold);\n\
                 wire is_plus_{lane} = (~x[{s}] & ~is_nan_{lane}) | (magnitude_{lane} == {magnitude}'d0);\n\
                 assign new_sign[{lane}] = is_plus_{lane} & kept[{lane}];\n\
                 assign new_extra[{lane}] = ~(is_plus_{lane} ^ is_large_{lane}) & kept[{lane}];\n",
                m = magnitude - 1,
                top = at + magnitude - 1,
                s = at + S - 1,
            );
            largest = format!("max_{lane}");
        }
        let registers = format!(
            "localparam [1:0] measure = 2'd0, invert = 2'd1, limit = 2'd2, pass = 2'd3;\n\
             reg [1:0] state = 2'd0;\n\
             reg [{m}:0] amax = 0;\n\
             // The last vector's magnitude stands until its last beat is taken.\n\
             reg is_fresh = 1;\n\
             wire [{m}:0] so_far = is_fresh ? {magnitude}'d0 : amax;\n\
             reg [{m}:0] threshold = 0;\n\
             reg [{s}:0] step = 0;\n\
             reg [{p}:0] divisor = 0;\n\
             reg [{p}:0] rest = 0;\n\
             reg [{p}:0] quotient = 0;\n\
             // One lane's port is no vector, but a wire of one bit is.\n\
             wire [{n}:0] kept = keep;\n\
             wire [{n}:0] new_sign;\n\
             wire [{n}:0] new_extra;\n",
            m = magnitude - 1,
            s = nda_spec::width::index_bits(done + 1) - 1,
            n = N - 1,
        );
        // A restoring division of {quotient} steps. Both numerators end in so many zeros, but for two ones of the second:
        // 2^(2p-1), or half of it, and (3 2^(p-1) - 1) 2^(p-1).
        let divider = format!(
            "wire [{e1}:0] exponent = amax[{m}:{p1}];\n\
             wire [{e1}:0] less_1 = exponent - 1'b1;\n\
             wire [{e1}:0] less_2 = exponent - 2'd2;\n\
             // The reciprocal is subnormal: a bit less.\n\
             wire is_subnormal = exponent == {e}'d{last_exponent};\n\
             wire comes_in = (state == limit) & (step <= 2);\n\
             wire [{quotient}:0] shifted = {{rest, comes_in}};\n\
             wire [{quotient}:0] lessened = shifted - {{1'b0, divisor}};\n\
             wire fits = ~lessened[{quotient}];\n\
             wire [{quotient}:0] doubled = {{rest, 1'b0}};\n\
             // Never a tie: the numerator would need the odd divisor 2 quotient + 1, and it is a power of two.\n\
             wire rounds_up = (doubled > {{1'b0, divisor}});\n\
             wire [{p}:0] rounded = quotient + {{{p}'d0, rounds_up}};\n\
             wire [{p}:0] reciprocal = is_subnormal ? rounded << 1 : rounded;\n\
             wire [{p}:0] ceiling = quotient + {{{p}'d0, rest != 0}};\n\
             wire [{p}:0] raised = ceiling + 1'b1;\n\
             // The hidden bit carries into the exponent.\n\
             wire [{m}:0] found = ceiling[{p}] ? {{less_1, {p1}'d0}} + raised[{p}:1] : {{less_2, {p1}'d0}} + ceiling[{p1}:0];\n",
            m = magnitude - 1,
            p1 = p - 1,
            e1 = e - 1,
            last_exponent = (1_u64 << e) - 2,
        );
        let control = format!(
            "wire take = in_valid & in_ready;\n\
             wire is_least = amax < {magnitude}'d{least};\n\
             wire is_infinite = amax == {magnitude}'d{infinity};\n\
             initial out_valid = 0;\n\
             initial out_last = 0;\n\
             initial sign = 0;\n\
             initial extra = 0;\n\
             always @(*) in_ready = ((state == measure) | (state == pass)) & (~out_valid | out_ready);\n\
             always @(*) is_measuring = state == measure;\n\
             always @(*) scale = is_least ? {{1'b0, {magnitude}'d{one}}} : is_infinite ? {{1'b0, amax}} : {{1'b0, less_1, amax[{p2}:0]}};\n\
             always @(posedge clock) begin\n\
             \x20   if (out_ready) out_valid <= 1'b0;\n\
             \x20   case (state)\n\
             \x20       measure: if (take) begin\n\
             \x20           amax <= {largest};\n\
             \x20           is_fresh <= 1'b0;\n\
             \x20           step <= 0;\n\
             \x20           if (in_last) state <= invert;\n\
             \x20       end\n\
             \x20       pass: if (take) begin\n\
             \x20           out_valid <= 1'b1;\n\
             \x20           out_last <= in_last;\n\
             \x20           sign <= new_sign;\n\
             \x20           extra <= new_extra;\n\
             \x20           if (in_last) begin state <= measure; is_fresh <= 1'b1; end\n\
             \x20       end\n\
             \x20       default: if (step == 0) begin\n\
             \x20           divisor <= {{2'b01, amax[{p2}:0]}};\n\
             \x20           rest <= is_subnormal ? {quotient}'d{low} : {quotient}'d{high};\n\
             \x20           quotient <= 0;\n\
             \x20           step <= 1;\n\
             \x20           threshold <= is_least ? {magnitude}'d{three_halves} : {magnitude}'d{above};\n\
             \x20           if (is_least | is_infinite) state <= pass;\n\
             \x20       end else if (step != {done}) begin\n\
             \x20           rest <= fits ? lessened[{p}:0] : shifted[{p}:0];\n\
             \x20           quotient <= {{quotient[{p1}:0], fits}};\n\
             \x20           step <= step + 1'b1;\n\
             \x20       end else begin\n\
             \x20           divisor <= reciprocal;\n\
             \x20           rest <= {quotient}'d{large_q};\n\
             \x20           quotient <= 0;\n\
             \x20           step <= 1;\n\
             \x20           threshold <= found;\n\
             \x20           state <= state == invert ? limit : pass;\n\
             \x20       end\n\
             \x20   endcase\n\
             end\n",
            p1 = p - 1,
            p2 = p - 2,
            low = 1_u64 << (p - 3),
            high = 1_u64 << (p - 2),
            large_q = f.large_q() >> 2,
            least = f.least,
            three_halves = one + (1_u64 << (p - 2)),
            above = infinity + 1,
        );
        Verilog::Custom(registers + &lanes + &divider + &control)
    }
}
