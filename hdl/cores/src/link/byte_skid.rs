//! Skid buffer of a stream of bytes: the byte that waits, and one more that came while it did.
//!
//! Function: bytes in, the same bytes out in order, with whether each is zero and whether it is its frame's last. Handshake: ready/valid
//! on both sides; `ready` is a register's word, so no path runs from the side that takes through it. Latency 1, interval 1.
//! Cost: 21 FF. It is a part of the frame encoder and counted there.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct ByteSkid {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A byte waits.
    pub valid: Signal<In, Bit>,
    /// The byte.
    pub data: Signal<In, Bits<8>>,
    /// It is the frame's last.
    pub last: Signal<In, Bit>,
    /// The byte is taken in this cycle if `valid`.
    pub ready: Signal<Out, Bit>,
    /// A byte stands.
    pub out_valid: Signal<Out, Bit>,
    /// The byte.
    pub out_data: Signal<Out, Bits<8>>,
    /// It is zero.
    pub out_zero: Signal<Out, Bit>,
    /// It is the frame's last.
    pub out_last: Signal<Out, Bit>,
    /// The byte that stands is taken in this cycle.
    pub taken: Signal<In, Bit>,
    held: DFF<Bits<8>>,
    held_zero: DFF<Bit>,
    held_last: DFF<Bit>,
    has_held: DFF<Bit>,
    spare: DFF<Bits<8>>,
    spare_last: DFF<Bit>,
    has_spare: DFF<Bit>,
    is_free: Signal<Local, Bit>,
    next_held: Signal<Local, Bits<8>>,
}

impl Logic for ByteSkid {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, held_zero, held_last, has_held, spare, spare_last, has_spare);
        self.ready.next = !self.has_spare.q.val();
        self.out_valid.next = self.has_held.q.val();
        self.out_data.next = self.held.q.val();
        self.out_zero.next = self.held_zero.q.val();
        self.out_last.next = self.held_last.q.val();
        self.is_free.next = !self.has_held.q.val() | self.taken.val();
        self.next_held.next = self.data.val();
        if self.has_spare.q.val() {
            self.next_held.next = self.spare.q.val();
        }
        if self.is_free.val() {
            self.held.d.next = self.next_held.val();
            self.held_zero.d.next = self.next_held.val() == 0;
            self.held_last.d.next = self.last.val();
            self.has_held.d.next = self.valid.val() | self.has_spare.q.val();
            if self.has_spare.q.val() {
                self.held_last.d.next = self.spare_last.q.val();
            }
            self.has_spare.d.next = false;
        } else {
            if self.valid.val() & !self.has_spare.q.val() {
                self.has_spare.d.next = true;
                self.spare.d.next = self.data.val();
                self.spare_last.d.next = self.last.val();
            }
        }
    }
}
