//! UART receiver: 8 data bits, no parity, one stop bit.
//!
//! Function: a byte for every start bit, sampled in the middle of its bits. Handshake: `valid` is high for
//! one cycle per byte and cannot be held back; `bad` (with `valid`) says that the stop bit was low, which is
//! what a break or a wrong speed looks like. Latency: half a stop bit before the byte's end. Interval: ten bits.
//! Cost (docs/links.md): about 28 LUT4, 26 FF. Source: the usual oversampling receiver.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct UartRx {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// The pin, idle high; synchronised here.
    pub rx: Signal<In, Bit>,
    /// A byte is there.
    pub valid: Signal<Out, Bit>,
    /// The byte, lightest bit received first.
    pub data: Signal<Out, Bits<8>>,
    /// Its stop bit was low.
    pub bad: Signal<Out, Bit>,
    // Inverted, so that the registers' zero at power-up is the idle line.
    meta: DFF<Bit>,
    line: DFF<Bit>,
    busy: DFF<Bit>,
    // After a low stop bit: no start bit before the line has been high again.
    broken: DFF<Bit>,
    count: DFF<Bits<16>>,
    bit_index: DFF<Bits<4>>,
    shift: DFF<Bits<8>>,
    divisor_minus_1: Constant<Bits<16>>,
    half: Constant<Bits<16>>,
    top_bit: Constant<Bits<8>>,
    shifted: Signal<Local, Bits<8>>,
    level: Signal<Local, Bit>,
}

impl UartRx {
    /// A receiver of `divisor` clock cycles a bit, at least 8.
    pub fn new(divisor: u32) -> Self {
        assert!((8..=65_535).contains(&divisor), "a UART bit of {divisor} cycles");
        Self {
            clock: Default::default(),
            rx: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            bad: Default::default(),
            meta: Default::default(),
            line: Default::default(),
            busy: Default::default(),
            broken: Default::default(),
            count: Default::default(),
            bit_index: Default::default(),
            shift: Default::default(),
            divisor_minus_1: Constant::new(u64::from(divisor - 1).into()),
            // Two synchroniser stages and one cycle to notice have passed when counting starts.
            half: Constant::new(u64::from(divisor / 2 - 3).into()),
            top_bit: Constant::new(0x80_u64.into()),
            shifted: Default::default(),
            level: Default::default(),
        }
    }
}

impl Logic for UartRx {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, meta, line, busy, broken, count, bit_index, shift);
        self.meta.d.next = !self.rx.val();
        self.line.d.next = self.meta.q.val();
        self.level.next = !self.line.q.val();
        self.valid.next = false;
        self.bad.next = false;
        self.data.next = self.shift.q.val();
        self.shifted.next = self.shift.q.val() >> 1;
        if !self.busy.q.val() {
            self.count.d.next = self.half.val();
            self.bit_index.d.next = 0.into();
            if self.level.val() {
                self.broken.d.next = false;
            } else {
                self.busy.d.next = !self.broken.q.val();
            }
        } else {
            self.count.d.next = self.count.q.val() - 1;
            if self.count.q.val() == 0 {
                self.count.d.next = self.divisor_minus_1.val();
                self.bit_index.d.next = self.bit_index.q.val() + 1;
                if self.bit_index.q.val() == 0 {
                    // The start bit's middle: high again means that it was a glitch.
                    if self.level.val() {
                        self.busy.d.next = false;
                    }
                } else {
                    if self.bit_index.q.val() == 9 {
                        self.valid.next = true;
                        self.bad.next = !self.level.val();
                        self.broken.d.next = !self.level.val();
                        self.busy.d.next = false;
                    } else {
                        self.shift.d.next = self.shifted.val();
                        if self.level.val() {
                            self.shift.d.next = self.shifted.val() | self.top_bit.val();
                        }
                    }
                }
            }
        }
    }
}
