//! `ADD_LUT_Q16` without its table: `N` sums of quaternary codes per cycle, at equal and at unequal scales.
//!
//! Function: `sum = encode(x + d)`, where the operand of the smaller scale is first divided by the power of two between the
//! scales, truncated toward zero; `log2` is the larger exponent. Golden model: `nda_spec::seed::add`.
//! Shapes: sign and extra planes of `N` codes; `keep` has the lanes that exist, all others give zero bits. The exponents
//! stand with every beat, two's complement.
//! Handshake: ready/valid on both sides. Latency 1, interval 1.
//! Cost: docs/elements.md (two LUT4 per element at equal scales). Source: NUMBERS.md, the Boolean form.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// `N` elements a beat.
#[derive(LogicBlock)]
pub struct SeedAdd<const N: usize> {
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
    /// Signs of one operand.
    pub x_sign: Signal<In, Bits<N>>,
    /// Its extra bits.
    pub x_extra: Signal<In, Bits<N>>,
    /// Signs of the other.
    pub d_sign: Signal<In, Bits<N>>,
    /// Its extra bits.
    pub d_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// A beat of sums stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Signs of the sums.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    /// Exponent of their scale.
    pub log2: Signal<Out, Bits<8>>,
    valid: DFF<Bit>,
    sum_sign: DFF<Bits<N>>,
    sum_extra: DFF<Bits<N>>,
    sum_log2: DFF<Bits<8>>,
    // Exponents with the sign bit turned compare as unsigned numbers.
    bias: Constant<Bits<8>>,
    all_lanes: Constant<Bits<N>>,
    x_biased: Signal<Local, Bits<8>>,
    d_biased: Signal<Local, Bits<8>>,
    gap: Signal<Local, Bits<8>>,
    larger: Signal<Local, Bits<8>>,
    coarse_sign: Signal<Local, Bits<N>>,
    coarse_extra: Signal<Local, Bits<N>>,
    fine_sign: Signal<Local, Bits<N>>,
    fine_extra: Signal<Local, Bits<N>>,
    fine_left: Signal<Local, Bits<N>>,
    lost: Signal<Local, Bits<N>>,
    left: Signal<Local, Bits<N>>,
    differ: Signal<Local, Bits<N>>,
    mixed: Signal<Local, Bits<N>>,
    added_sign: Signal<Local, Bits<N>>,
    added_extra: Signal<Local, Bits<N>>,
    picked_sign: Signal<Local, Bits<N>>,
    picked_extra: Signal<Local, Bits<N>>,
    ready: Signal<Local, Bit>,
}

impl<const N: usize> Default for SeedAdd<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            x_log2: Default::default(),
            d_log2: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            x_sign: Default::default(),
            x_extra: Default::default(),
            d_sign: Default::default(),
            d_extra: Default::default(),
            keep: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            log2: Default::default(),
            valid: Default::default(),
            sum_sign: Default::default(),
            sum_extra: Default::default(),
            sum_log2: Default::default(),
            bias: Constant::new(0x80_u64.into()),
            all_lanes: Constant::new(Bits::<N>::mask()),
            x_biased: Default::default(),
            d_biased: Default::default(),
            gap: Default::default(),
            larger: Default::default(),
            coarse_sign: Default::default(),
            coarse_extra: Default::default(),
            fine_sign: Default::default(),
            fine_extra: Default::default(),
            fine_left: Default::default(),
            lost: Default::default(),
            left: Default::default(),
            differ: Default::default(),
            mixed: Default::default(),
            added_sign: Default::default(),
            added_extra: Default::default(),
            picked_sign: Default::default(),
            picked_extra: Default::default(),
            ready: Default::default(),
        }
    }
}

impl<const N: usize> Logic for SeedAdd<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, sum_sign, sum_extra, sum_log2);
        self.ready.next = !self.valid.q.val() | self.out_ready.val();
        self.in_ready.next = self.ready.val();
        self.out_valid.next = self.valid.q.val();
        self.sign.next = self.sum_sign.q.val();
        self.extra.next = self.sum_extra.q.val();
        self.log2.next = self.sum_log2.q.val();
        self.x_biased.next = self.x_log2.val() ^ self.bias.val();
        self.d_biased.next = self.d_log2.val() ^ self.bias.val();
        self.gap.next = self.x_biased.val() - self.d_biased.val();
        self.larger.next = self.x_log2.val();
        self.coarse_sign.next = self.x_sign.val();
        self.coarse_extra.next = self.x_extra.val();
        self.fine_sign.next = self.d_sign.val();
        self.fine_extra.next = self.d_extra.val();
        if self.x_biased.val() < self.d_biased.val() {
            self.gap.next = self.d_biased.val() - self.x_biased.val();
            self.larger.next = self.d_log2.val();
            self.coarse_sign.next = self.d_sign.val();
            self.coarse_extra.next = self.d_extra.val();
            self.fine_sign.next = self.x_sign.val();
            self.fine_extra.next = self.x_extra.val();
        }
        // Half of a large code is a small one, half of a small one is nothing, and so is a quarter of any.
        self.fine_left.next = self.fine_extra.val();
        self.lost.next = 0.into();
        if self.gap.val() == 1 {
            self.fine_left.next = !self.fine_sign.val();
            self.lost.next = self.fine_sign.val() ^ self.fine_extra.val();
        }
        if self.gap.val() > 1 {
            self.lost.next = self.all_lanes.val();
        }
        // Of different signs the positive one wins unless the negative one alone is large.
        self.differ.next = self.coarse_sign.val() ^ self.fine_sign.val();
        self.mixed.next = self.differ.val() & (self.coarse_extra.val() | self.fine_left.val());
        self.added_sign.next = (self.coarse_sign.val() & self.fine_sign.val()) | self.mixed.val();
        self.added_extra.next = self.added_sign.val() ^ self.differ.val();
        self.left.next = !self.lost.val();
        self.picked_sign.next = (self.added_sign.val() & self.left.val()) | (self.coarse_sign.val() & self.lost.val());
        self.picked_extra.next = (self.added_extra.val() & self.left.val()) | (self.coarse_extra.val() & self.lost.val());
        if self.ready.val() {
            self.valid.d.next = self.in_valid.val();
        }
        if self.ready.val() & self.in_valid.val() {
            self.sum_sign.d.next = self.picked_sign.val() & self.keep.val();
            self.sum_extra.d.next = self.picked_extra.val() & self.keep.val();
            self.sum_log2.d.next = self.larger.val();
        }
    }
}
