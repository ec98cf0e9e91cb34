//! The byte SiLU: `extra` is set where `sign` is clear, so -2 becomes -1 and all else stays, whatever the scale.
//!
//! Function: `nda_spec::seed::silu` on `N` codes per cycle.
//! Shapes: sign and extra planes; `keep` has the lanes that exist, all others give zero bits.
//! Handshake: ready/valid on both sides. Latency 1, interval 1.
//! Cost: docs/elements.md (one LUT4 and two FF per element). Source: the articles' byte operation.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// `N` elements a beat.
#[derive(LogicBlock, Default)]
pub struct SeedSilu<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// Signs.
    pub x_sign: Signal<In, Bits<N>>,
    /// Extra bits.
    pub x_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// A beat stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Signs: those that came in.
    pub sign: Signal<Out, Bits<N>>,
    /// Extra bits.
    pub extra: Signal<Out, Bits<N>>,
    valid: DFF<Bit>,
    new_sign: DFF<Bits<N>>,
    new_extra: DFF<Bits<N>>,
    minus: Signal<Local, Bits<N>>,
    ready: Signal<Local, Bit>,
}

impl<const N: usize> Logic for SeedSilu<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, new_sign, new_extra);
        self.ready.next = !self.valid.q.val() | self.out_ready.val();
        self.in_ready.next = self.ready.val();
        self.out_valid.next = self.valid.q.val();
        self.sign.next = self.new_sign.q.val();
        self.extra.next = self.new_extra.q.val();
        self.minus.next = !self.x_sign.val();
        if self.ready.val() {
            self.valid.d.next = self.in_valid.val();
        }
        if self.ready.val() & self.in_valid.val() {
            self.new_sign.d.next = self.x_sign.val() & self.keep.val();
            self.new_extra.d.next = (self.x_extra.val() | self.minus.val()) & self.keep.val();
        }
    }
}
