//! Comparison of quaternary codes: +1 where it holds, else -1; scales are not looked at.
//!
//! Function: `nda_spec::seed::compare` on `N` pairs per cycle; `by` is `Comparison::number`: bit 0 less, bit 1 greater, bit 2
//! inverts, and no bit of the first two is equality. `by = 3` and `by = 7` are no comparison: they hold of unequal and of
//! equal codes.
//! Shapes: sign and extra planes; `keep` has the lanes that exist, all others give zero bits. `by` stands with every beat.
//! Handshake: ready/valid on both sides. Latency 1, interval 1.
//! Cost: docs/elements.md. Source: `(sign, extra)` as a number of two bits orders the codes.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// `N` pairs a beat.
#[derive(LogicBlock)]
pub struct SeedCompare<const N: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Which comparison.
    pub by: Signal<In, Bits<3>>,
    /// A beat is offered.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// Signs of the left codes.
    pub a_sign: Signal<In, Bits<N>>,
    /// Their extra bits.
    pub a_extra: Signal<In, Bits<N>>,
    /// Signs of the right codes.
    pub b_sign: Signal<In, Bits<N>>,
    /// Their extra bits.
    pub b_extra: Signal<In, Bits<N>>,
    /// Lanes that hold elements.
    pub keep: Signal<In, Bits<N>>,
    /// A beat of answers stands.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Signs of the answers.
    pub sign: Signal<Out, Bits<N>>,
    /// Their extra bits.
    pub extra: Signal<Out, Bits<N>>,
    valid: DFF<Bit>,
    new_sign: DFF<Bits<N>>,
    new_extra: DFF<Bits<N>>,
    all_lanes: Constant<Bits<N>>,
    differ: Signal<Local, Bits<N>>,
    extras_differ: Signal<Local, Bits<N>>,
    unequal: Signal<Local, Bits<N>>,
    same_sign: Signal<Local, Bits<N>>,
    less: Signal<Local, Bits<N>>,
    not_less: Signal<Local, Bits<N>>,
    greater: Signal<Local, Bits<N>>,
    wanted: Signal<Local, Bits<N>>,
    answer: Signal<Local, Bits<N>>,
    not_answer: Signal<Local, Bits<N>>,
    ready: Signal<Local, Bit>,
}

impl<const N: usize> Default for SeedCompare<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            by: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            a_sign: Default::default(),
            a_extra: Default::default(),
            b_sign: Default::default(),
            b_extra: Default::default(),
            keep: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            sign: Default::default(),
            extra: Default::default(),
            valid: Default::default(),
            new_sign: Default::default(),
            new_extra: Default::default(),
            all_lanes: Constant::new(Bits::<N>::mask()),
            differ: Default::default(),
            extras_differ: Default::default(),
            unequal: Default::default(),
            same_sign: Default::default(),
            less: Default::default(),
            not_less: Default::default(),
            greater: Default::default(),
            wanted: Default::default(),
            answer: Default::default(),
            not_answer: Default::default(),
            ready: Default::default(),
        }
    }
}

impl<const N: usize> Logic for SeedCompare<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, new_sign, new_extra);
        self.ready.next = !self.valid.q.val() | self.out_ready.val();
        self.in_ready.next = self.ready.val();
        self.out_valid.next = self.valid.q.val();
        self.sign.next = self.new_sign.q.val();
        self.extra.next = self.new_extra.q.val();
        self.differ.next = self.a_sign.val() ^ self.b_sign.val();
        self.extras_differ.next = self.a_extra.val() ^ self.b_extra.val();
        self.unequal.next = self.differ.val() | self.extras_differ.val();
        self.same_sign.next = !self.differ.val();
        self.less.next = (self.differ.val() & self.b_sign.val()) | (self.same_sign.val() & self.extras_differ.val() & self.b_extra.val());
        self.not_less.next = !self.less.val();
        self.greater.next = self.unequal.val() & self.not_less.val();
        self.wanted.next = self.unequal.val() ^ self.all_lanes.val();
        if self.by.val().get_bit(0) {
            self.wanted.next = self.less.val();
        }
        if self.by.val().get_bit(1) {
            self.wanted.next = self.greater.val();
            if self.by.val().get_bit(0) {
                self.wanted.next = self.unequal.val();
            }
        }
        self.answer.next = self.wanted.val();
        if self.by.val().get_bit(2) {
            self.answer.next = self.wanted.val() ^ self.all_lanes.val();
        }
        self.not_answer.next = !self.answer.val();
        if self.ready.val() {
            self.valid.d.next = self.in_valid.val();
        }
        if self.ready.val() & self.in_valid.val() {
            self.new_sign.d.next = self.answer.val() & self.keep.val();
            self.new_extra.d.next = self.not_answer.val() & self.keep.val();
        }
    }
}
