//! COBS decoder (Cheshire and Baker 1999): a stream of wire bytes to a stream of frame bytes.
//!
//! Function: every non-zero wire byte that spells data gives a byte; every zero after at least one other byte
//! ends a frame. Handshake: `valid`/`ready` in; out one event per cycle: `data_valid` a byte, or `frame_end`
//! with `frame_good`; the reader takes it in the cycle it stands (`ready` of this core is the reader's).
//! Latency 1, interval 1. A zero inside a block, or a byte with `bad`, spoils the frame. Repeated
//! delimiters give nothing. Cost (docs/links.md): about 41 LUT4, 21 FF. Golden: `nda_spec::wire::cobs_decode`.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock, Default)]
pub struct CobsDecoder {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A wire byte waits.
    pub valid: Signal<In, Bit>,
    /// The wire byte.
    pub data: Signal<In, Bits<8>>,
    /// It had a framing error.
    pub bad: Signal<In, Bit>,
    /// The wire byte is taken in this cycle if `valid`.
    pub ready: Signal<Out, Bit>,
    /// The reader takes the event that stands.
    pub out_ready: Signal<In, Bit>,
    /// A frame byte stands.
    pub data_valid: Signal<Out, Bit>,
    /// The frame byte.
    pub out_data: Signal<Out, Bits<8>>,
    /// A frame ends here.
    pub frame_end: Signal<Out, Bit>,
    /// It was well formed.
    pub frame_good: Signal<Out, Bit>,
    left: DFF<Bits<8>>,
    owes_zero: DFF<Bit>,
    in_frame: DFF<Bit>,
    spoiled: DFF<Bit>,
    has_data: DFF<Bit>,
    out_byte: DFF<Bits<8>>,
    has_end: DFF<Bit>,
    good: DFF<Bit>,
}

impl Logic for CobsDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, left, owes_zero, in_frame, spoiled, has_data, out_byte, has_end, good);
        self.data_valid.next = self.has_data.q.val();
        self.out_data.next = self.out_byte.q.val();
        self.frame_end.next = self.has_end.q.val();
        self.frame_good.next = self.good.q.val();
        self.ready.next = self.out_ready.val();
        if self.out_ready.val() {
            self.has_data.d.next = false;
            self.has_end.d.next = false;
            if self.valid.val() {
                self.out_byte.d.next = self.data.val();
                if self.bad.val() {
                    self.spoiled.d.next = true;
                    self.in_frame.d.next = true;
                } else {
                    if self.data.val() == 0 {
                        self.has_end.d.next = self.in_frame.q.val();
                        self.good.d.next = (self.left.q.val() == 0) & !self.spoiled.q.val();
                        self.in_frame.d.next = false;
                        self.spoiled.d.next = false;
                        self.owes_zero.d.next = false;
                        self.left.d.next = 0.into();
                    } else {
                        self.in_frame.d.next = true;
                        if self.left.q.val() == 0 {
                            self.left.d.next = self.data.val() - 1;
                            self.owes_zero.d.next = self.data.val() != 255;
                            self.has_data.d.next = self.owes_zero.q.val();
                            self.out_byte.d.next = 0.into();
                        } else {
                            self.left.d.next = self.left.q.val() - 1;
                            self.has_data.d.next = true;
                        }
                    }
                }
            }
        }
    }
}
