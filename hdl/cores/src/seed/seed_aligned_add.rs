//! `ADD_LUT_Q16` at equal scales alone: `N` sums per cycle, the Boolean form that stands beside the table's.
//!
//! Function: `sum = encode(x + d)`. Golden models: `nda_spec::seed::add` at equal scales, `nda_spec::seed::add_planes`.
//! Shapes: sign and extra planes of `N` codes. Padding, zero in both planes of both operands, comes out as zero.
//! Handshake: ready/valid on both sides. Latency 1, interval 1.
//! Cost: docs/elements.md (two LUT4 and two FF per element). Source: NUMBERS.md, the Boolean form.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// `N` elements a beat.
#[derive(LogicBlock, Default)]
pub struct SeedAlignedAdd<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
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
    /// A beat of sums stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Signs of the sums.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    valid: DFF<Bit>,
    sum_sign: DFF<Bits<N>>,
    sum_extra: DFF<Bits<N>>,
    differ: Signal<Local, Bits<N>>,
    mixed: Signal<Local, Bits<N>>,
    added_sign: Signal<Local, Bits<N>>,
    added_extra: Signal<Local, Bits<N>>,
    ready: Signal<Local, Bit>,
}

impl<const N: usize> Logic for SeedAlignedAdd<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, sum_sign, sum_extra);
        self.ready.next = !self.valid.q.val() | self.out_ready.val();
        self.in_ready.next = self.ready.val();
        self.out_valid.next = self.valid.q.val();
        self.sign.next = self.sum_sign.q.val();
        self.extra.next = self.sum_extra.q.val();
        self.differ.next = self.x_sign.val() ^ self.d_sign.val();
        self.mixed.next = self.differ.val() & (self.x_extra.val() | self.d_extra.val());
        self.added_sign.next = (self.x_sign.val() & self.d_sign.val()) | self.mixed.val();
        self.added_extra.next = self.added_sign.val() ^ self.differ.val();
        if self.ready.val() {
            self.valid.d.next = self.in_valid.val();
        }
        if self.ready.val() & self.in_valid.val() {
            self.sum_sign.d.next = self.added_sign.val();
            self.sum_extra.d.next = self.added_extra.val();
        }
    }
}
