//! `SWIGLU_LUT_Q16` without its table, the byte SiLU included: `N` products of quaternary codes per cycle.
//!
//! Function: `product = encode(silu(gate) * up)`; `log2` is the sum of the exponents, saturating. Golden model:
//! `nda_spec::seed::swiglu`.
//! Shapes: sign and extra planes of `N` codes; `keep` has the lanes that exist, all others give zero bits. The exponents
//! stand with every beat, two's complement.
//! Handshake: ready/valid on both sides. Latency 1, interval 1.
//! Cost: docs/elements.md (two LUT4 and two FF per element). Source: NUMBERS.md, the Boolean form.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// `N` elements a beat.
#[derive(LogicBlock)]
pub struct SeedSwiglu<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Exponent of the gate's scale.
    pub gate_log2: Signal<In, Bits<8>>,
    /// Exponent of the scale of `up`.
    pub up_log2: Signal<In, Bits<8>>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// Signs of the gate.
    pub gate_sign: Signal<In, Bits<N>>,
    /// Its extra bits.
    pub gate_extra: Signal<In, Bits<N>>,
    /// Signs of `up`.
    pub up_sign: Signal<In, Bits<N>>,
    /// Its extra bits.
    pub up_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// A beat of products stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Signs of the products.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    /// Exponent of their scale.
    pub log2: Signal<Out, Bits<8>>,
    valid: DFF<Bit>,
    product_sign: DFF<Bits<N>>,
    product_extra: DFF<Bits<N>>,
    product_log2: DFF<Bits<8>>,
    // Exponents with the sign bit turned are unsigned numbers with 128 as their zero.
    bias: Constant<Bits<8>>,
    lowest: Constant<Bits<9>>,
    highest: Constant<Bits<9>>,
    gate_biased: Signal<Local, Bits<8>>,
    up_biased: Signal<Local, Bits<8>>,
    both_biased: Signal<Local, Bits<9>>,
    low_bits: Signal<Local, Bits<8>>,
    exponent: Signal<Local, Bits<8>>,
    unlike: Signal<Local, Bits<N>>,
    up_is_small: Signal<Local, Bits<N>>,
    up_is_large: Signal<Local, Bits<N>>,
    is_large: Signal<Local, Bits<N>>,
    new_sign: Signal<Local, Bits<N>>,
    small_extra: Signal<Local, Bits<N>>,
    new_extra: Signal<Local, Bits<N>>,
    ready: Signal<Local, Bit>,
}

impl<const N: usize> Default for SeedSwiglu<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            gate_log2: Default::default(),
            up_log2: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            gate_sign: Default::default(),
            gate_extra: Default::default(),
            up_sign: Default::default(),
            up_extra: Default::default(),
            keep: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            log2: Default::default(),
            valid: Default::default(),
            product_sign: Default::default(),
            product_extra: Default::default(),
            product_log2: Default::default(),
            bias: Constant::new(0x80_u64.into()),
            // Sums of two biased exponents: -128 and 127 stand at 128 and 383.
            lowest: Constant::new(128_u64.into()),
            highest: Constant::new(383_u64.into()),
            gate_biased: Default::default(),
            up_biased: Default::default(),
            both_biased: Default::default(),
            low_bits: Default::default(),
            exponent: Default::default(),
            unlike: Default::default(),
            up_is_small: Default::default(),
            up_is_large: Default::default(),
            is_large: Default::default(),
            new_sign: Default::default(),
            small_extra: Default::default(),
            new_extra: Default::default(),
            ready: Default::default(),
        }
    }
}

impl<const N: usize> Logic for SeedSwiglu<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, product_sign, product_extra, product_log2);
        self.ready.next = !self.valid.q.val() | self.out_ready.val();
        self.in_ready.next = self.ready.val();
        self.out_valid.next = self.valid.q.val();
        self.sign.next = self.product_sign.q.val();
        self.extra.next = self.product_extra.q.val();
        self.log2.next = self.product_log2.q.val();
        self.gate_biased.next = self.gate_log2.val() ^ self.bias.val();
        self.up_biased.next = self.up_log2.val() ^ self.bias.val();
        self.both_biased.next = bit_cast::<9, 8>(self.gate_biased.val()) + bit_cast::<9, 8>(self.up_biased.val());
        // The sum of two biased exponents has twice the bias, which is a multiple of its eight bits: they are the sum.
        self.low_bits.next = self.both_biased.val().get_bits::<8>(0);
        self.exponent.next = self.low_bits.val();
        if self.both_biased.val() < self.lowest.val() {
            self.exponent.next = 128.into();
        }
        if self.both_biased.val() > self.highest.val() {
            self.exponent.next = 127.into();
        }
        self.unlike.next = self.gate_sign.val() ^ self.up_sign.val();
        self.new_sign.next = !self.unlike.val();
        self.up_is_small.next = self.up_sign.val() ^ self.up_extra.val();
        self.up_is_large.next = !self.up_is_small.val();
        // Behind the SiLU only +2 is large.
        self.is_large.next = (self.gate_sign.val() & self.gate_extra.val()) | self.up_is_large.val();
        self.small_extra.next = self.new_sign.val() ^ self.is_large.val();
        self.new_extra.next = !self.small_extra.val();
        if self.ready.val() {
            self.valid.d.next = self.in_valid.val();
        }
        if self.ready.val() & self.in_valid.val() {
            self.product_sign.d.next = self.new_sign.val() & self.keep.val();
            self.product_extra.d.next = self.new_extra.val() & self.keep.val();
            self.product_log2.d.next = self.exponent.val();
        }
    }
}
