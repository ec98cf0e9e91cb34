//! An engine behind a UART: two pins.

use crate::engine::Engine;
use crate::uart_rx::UartRx;
use crate::uart_tx::UartTx;
use nda_spec::Config;
use nda_spec::wire::IDENT_BYTES;
use rust_hdl_core::prelude::*;

/// Parameters as of [`Engine`].
#[derive(LogicBlock)]
pub struct BoardUart<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// The pin that the host drives.
    pub rx: Signal<In, Bit>,
    /// The pin that the device drives.
    pub tx: Signal<Out, Bit>,
    engine: Engine<W, X, Y, U, AW>,
    uart_rx: UartRx,
    uart_tx: UartTx,
}

impl<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> BoardUart<W, X, Y, U, AW> {
    /// A board of this configuration.
    pub fn new(config: &Config, page: [u8; IDENT_BYTES]) -> Self {
        Self {
            clock: Default::default(),
            rx: Default::default(),
            tx: Default::default(),
            engine: Engine::new(config, page, true),
            uart_rx: UartRx::new(config.uart_divisor()),
            uart_tx: UartTx::new(config.uart_divisor()),
        }
    }
}

impl<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> Logic for BoardUart<W, X, Y, U, AW> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, engine, uart_rx, uart_tx);
        self.uart_rx.rx.next = self.rx.val();
        self.engine.rx_valid.next = self.uart_rx.valid.val();
        self.engine.rx_data.next = self.uart_rx.data.val();
        self.engine.rx_bad.next = self.uart_rx.bad.val();
        self.uart_tx.valid.next = self.engine.tx_valid.val();
        self.uart_tx.data.next = self.engine.tx_data.val();
        self.engine.tx_ready.next = self.uart_tx.ready.val();
        self.tx.next = self.uart_tx.tx.val();
    }
}
