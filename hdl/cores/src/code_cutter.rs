//! A byte of codes from the multiplier's result: the whole, or a part of a code of 16 bits.
//!
//! Function: `Quantizer::code`, `upper` and `lower` of `nda_spec::vector` behind the multiplication: `y` is clamped to a code; with
//! `is_upper` it is `(y + 128) >> 8` that is; with `is_lower`, which wins, it is the lowest byte with its own sign. -128 is
//! nowhere a code and becomes -127. `wide` is the code as a wide value. Handshake: none, logic without registers.
//! Cost: an adder of 16 bits and some 50 LUT4.

use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct CodeCutter {
    /// The multiplier's result.
    pub y: Signal<In, Bits<24>>,
    /// It is in 256ths, and the upper part is wanted.
    pub is_upper: Signal<In, Bit>,
    /// It is in 256ths, and the lower part is wanted.
    pub is_lower: Signal<In, Bit>,
    /// The code, two's complement.
    pub code: Signal<Out, Bits<8>>,
    /// The code in 24 bits.
    pub wide: Signal<Out, Bits<24>>,
    low_byte: Signal<Local, Bits<8>>,
    source: Signal<Local, Bits<24>>,
    rounded: Signal<Local, Bits<24>>,
    rest: Signal<Local, Bits<17>>,
    chosen: Signal<Local, Bits<8>>,
    high_code: Constant<Bits<8>>,
    low_code: Constant<Bits<8>>,
    lowest_byte: Constant<Bits<8>>,
    high_byte: Constant<Bits<24>>,
    high_bytes: Constant<Bits<24>>,
    all_ones: Constant<Bits<17>>,
}

impl Default for CodeCutter {
    fn default() -> Self {
        Self {
            y: Default::default(),
            is_upper: Default::default(),
            is_lower: Default::default(),
            code: Default::default(),
            wide: Default::default(),
            low_byte: Default::default(),
            source: Default::default(),
            rounded: Default::default(),
            rest: Default::default(),
            chosen: Default::default(),
            high_code: Constant::new(127_u64.into()),
            low_code: Constant::new(0x81_u64.into()),
            lowest_byte: Constant::new(0x80_u64.into()),
            high_byte: Constant::new(0x00ff_0000_u64.into()),
            high_bytes: Constant::new(0x00ff_ff00_u64.into()),
            all_ones: Constant::new(0x0001_ffff_u64.into()),
        }
    }
}

impl Logic for CodeCutter {
    #[hdl_gen]
    fn update(&mut self) {
        self.low_byte.next = self.y.val().get_bits::<8>(0);
        self.source.next = self.y.val();
        if self.is_upper.val() {
            self.source.next = bit_cast::<24, 16>(self.y.val().get_bits::<16>(8));
            if self.y.val().get_bit(23) {
                self.source.next = bit_cast::<24, 16>(self.y.val().get_bits::<16>(8)) | self.high_byte.val();
            }
        }
        if self.is_lower.val() {
            self.source.next = bit_cast::<24, 8>(self.low_byte.val());
            if self.low_byte.val().get_bit(7) {
                self.source.next = bit_cast::<24, 8>(self.low_byte.val()) | self.high_bytes.val();
            }
        }
        // The lower byte has a sign of its own, which the upper part makes good.
        self.rounded.next = self.source.val();
        if self.is_upper.val() & !self.is_lower.val() & self.low_byte.val().get_bit(7) {
            self.rounded.next = self.source.val() + 1;
        }
        // Within a byte all bits from the seventh on are its sign.
        self.rest.next = self.rounded.val().get_bits::<17>(7);
        self.chosen.next = self.rounded.val().get_bits::<8>(0);
        if self.rounded.val().get_bit(23) {
            if (self.rest.val() != self.all_ones.val()) | (self.rounded.val().get_bits::<8>(0) == self.lowest_byte.val()) {
                self.chosen.next = self.low_code.val();
            }
        } else {
            if self.rest.val() != 0 {
                self.chosen.next = self.high_code.val();
            }
        }
        self.code.next = self.chosen.val();
        self.wide.next = bit_cast::<24, 8>(self.chosen.val());
        if self.chosen.val().get_bit(7) {
            self.wide.next = bit_cast::<24, 8>(self.chosen.val()) | self.high_bytes.val();
        }
    }
}
