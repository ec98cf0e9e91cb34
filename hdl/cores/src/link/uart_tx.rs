//! UART transmitter: 8 data bits, no parity, one stop bit.
//!
//! Function: sends the bytes it is given. Handshake: ready/valid. Latency: the start bit begins one cycle after
//! a byte is taken. Interval: ten bits. The line is high from power-up on.
//! Cost (docs/links.md): about 28 LUT4, 22 FF. Source: the usual shift-register transmitter.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct UartTx {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A byte waits.
    pub valid: Signal<In, Bit>,
    /// The byte.
    pub data: Signal<In, Bits<8>>,
    /// The byte is taken in this cycle if `valid`.
    pub ready: Signal<Out, Bit>,
    /// The pin, idle high.
    pub tx: Signal<Out, Bit>,
    // Inverted and zero-filled from the top, so that what follows the data is the stop bit and then idle.
    shift: DFF<Bits<9>>,
    count: DFF<Bits<16>>,
    bits_left: DFF<Bits<4>>,
    divisor_minus_1: Constant<Bits<16>>,
    start: Constant<Bits<9>>,
    inverted: Signal<Local, Bits<8>>,
    wide: Signal<Local, Bits<9>>,
}

impl UartTx {
    /// A transmitter of `divisor` clock cycles a bit, at least 8.
    pub fn new(divisor: u32) -> Self {
        assert!((8..=65_535).contains(&divisor), "a UART bit of {divisor} cycles");
        Self {
            clock: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            ready: Default::default(),
            tx: Default::default(),
            shift: Default::default(),
            count: Default::default(),
            bits_left: Default::default(),
            divisor_minus_1: Constant::new(u64::from(divisor - 1).into()),
            start: Constant::new(1_u64.into()),
            inverted: Default::default(),
            wide: Default::default(),
        }
    }
}

impl Logic for UartTx {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, shift, count, bits_left);
        self.inverted.next = !self.data.val();
        self.wide.next = bit_cast::<9, 8>(self.inverted.val()) << 1;
        self.tx.next = !self.shift.q.val().get_bit(0);
        self.ready.next = false;
        if self.bits_left.q.val() == 0 {
            self.ready.next = true;
            if self.valid.val() {
                self.shift.d.next = self.wide.val() | self.start.val();
                self.count.d.next = self.divisor_minus_1.val();
                self.bits_left.d.next = 10.into();
            }
        } else {
            self.count.d.next = self.count.q.val() - 1;
            if self.count.q.val() == 0 {
                self.count.d.next = self.divisor_minus_1.val();
                self.shift.d.next = self.shift.q.val() >> 1;
                self.bits_left.d.next = self.bits_left.q.val() - 1;
            }
        }
    }
}
