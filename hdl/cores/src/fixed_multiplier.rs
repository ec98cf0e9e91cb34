//! The vector unit's one operation on wide values: multiply, shift, round, saturate, add.
//!
//! Function: `y = saturate(addend + multiply(a, b, shift))`, `nda_spec::vector::multiply` with a shift of at most 47;
//! a and b are two's complement of 24 bits. `product` is `|a * b|`, two cycles after its factors, for sums of squares.
//! Handshake: none; `y_valid` is `issue` `cycles::MULTIPLIER_STAGES` later. Interval 1.
//! Cost: a multiplier of 24 by 24 (four 18-bit ones of an ECP5), a barrel shifter of 49 bits, three short adders.
//!
//! The factors are multiplied as magnitudes: rounding a magnitude half up is rounding half away from zero, and the
//! shifter works on what will not be turned again. One bit below the result is kept to round by.

use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct FixedMultiplier {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Factors stand.
    pub issue: Signal<In, Bit>,
    /// One factor.
    pub a: Signal<In, Bits<24>>,
    /// The other.
    pub b: Signal<In, Bits<24>>,
    /// Bits by which the product is shifted, at most 47.
    pub shift: Signal<In, Bits<6>>,
    /// What is added.
    pub addend: Signal<In, Bits<24>>,
    /// A magnitude stands in `product`.
    pub product_valid: Signal<Out, Bit>,
    /// The product's magnitude.
    pub product: Signal<Out, Bits<48>>,
    /// A result stands.
    pub y_valid: Signal<Out, Bit>,
    /// The result.
    pub y: Signal<Out, Bits<24>>,
}

impl Logic for FixedMultiplier {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.product_valid.connect();
        self.product.connect();
        self.y_valid.connect();
        self.y.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(
            "reg [4:0] valid = 0;\n\
             reg [23:0] a_magnitude = 0;\n\
             reg [23:0] b_magnitude = 0;\n\
             reg [47:0] held = 0;\n\
             reg [24:0] shifted = 0;\n\
             reg [22:0] rounded = 0;\n\
             reg over = 0;\n\
             reg [5:0] shift_0 = 0;\n\
             reg [5:0] shift_1 = 0;\n\
             reg [3:0] negative = 0;\n\
             reg [23:0] addend_0 = 0;\n\
             reg [23:0] addend_1 = 0;\n\
             reg [23:0] addend_2 = 0;\n\
             reg [23:0] addend_3 = 0;\n\
             wire [48:0] doubled = {held, 1'b0};\n\
             wire [48:0] moved = doubled >> shift_1;\n\
             wire [24:0] up = {1'b0, shifted[24:1]} + {24'd0, shifted[0]};\n\
             wire [24:0] signed_y = negative[3] ? (25'd0 - {2'b00, rounded}) : {2'b00, rounded};\n\
             wire [24:0] sum = {addend_3[23], addend_3} + signed_y;\n\
             wire too_high = !sum[24] & sum[23];\n\
             wire too_low = sum[24] & (!sum[23] | (sum[22:0] == 23'd0));\n\
             initial y = 0;\n\
             always @(*) y_valid = valid[4];\n\
             always @(*) product_valid = valid[1];\n\
             always @(*) product = held;\n\
             always @(posedge clock) begin\n\
             \x20   valid <= {valid[3:0], issue};\n\
             \x20   a_magnitude <= a[23] ? (24'd0 - a) : a;\n\
             \x20   b_magnitude <= b[23] ? (24'd0 - b) : b;\n\
             \x20   negative <= {negative[2:0], a[23] ^ b[23]};\n\
             \x20   shift_0 <= shift;\n\
             \x20   shift_1 <= shift_0;\n\
             \x20   addend_0 <= addend;\n\
             \x20   addend_1 <= addend_0;\n\
             \x20   addend_2 <= addend_1;\n\
             \x20   addend_3 <= addend_2;\n\
             \x20   held <= a_magnitude * b_magnitude;\n\
             \x20   shifted <= moved[24:0];\n\
             \x20   over <= |moved[48:25];\n\
             \x20   rounded <= (over | up[24] | up[23]) ? 23'h7fffff : up[22:0];\n\
             \x20   y <= too_high ? 24'h7fffff : (too_low ? 24'h800001 : sum[23:0]);\n\
             end\n"
                .into(),
        )
    }
}
