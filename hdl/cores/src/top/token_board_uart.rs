//! An engine with a token machine behind a UART: two pins, and three lights for a person.
//!
//! Function: the engine's; a frame that finds no free slot is dropped, and the host asks again. Handshake: none, UART bytes, 8N1.
//! Latency and cycles: the engine's, and ten bit times per byte on the way in and out. Cost: the engine's, and that of
//! [`crate::link::uart_rx`], [`crate::link::uart_tx`] and [`crate::top::status_lights`].

use crate::link::frame_buffer::WhenFull;
use crate::link::uart_rx::UartRx;
use crate::link::uart_tx::UartTx;
use crate::top::status_lights::StatusLights;
use crate::top::token_engine::TokenEngine;
use nda_spec::Config;
use nda_spec::wire::IDENT_BYTES;
use rust_hdl_core::prelude::*;

/// See [`TokenEngine`].
#[derive(LogicBlock)]
pub struct TokenBoardUart<const W: usize, const Y: usize, const U: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// The pin that the host drives.
    pub rx: Signal<In, Bit>,
    /// The pin that the device drives.
    pub tx: Signal<Out, Bit>,
    /// Lit by good frames.
    pub link: Signal<Out, Bit>,
    /// Lit by the array's work.
    pub busy: Signal<Out, Bit>,
    /// Lit by refused frames.
    pub fault: Signal<Out, Bit>,
    engine: TokenEngine<W, Y, U>,
    uart_rx: UartRx,
    uart_tx: UartTx,
    lights: StatusLights,
}

impl<const W: usize, const Y: usize, const U: usize> TokenBoardUart<W, Y, U> {
    /// A board of this configuration.
    pub fn new(config: &Config, page: [u8; IDENT_BYTES]) -> Self {
        Self {
            clock: Default::default(),
            rx: Default::default(),
            tx: Default::default(),
            link: Default::default(),
            busy: Default::default(),
            fault: Default::default(),
            engine: TokenEngine::new(config, page, WhenFull::Drop),
            uart_rx: UartRx::new(config.uart_divisor()),
            uart_tx: UartTx::new(config.uart_divisor()),
            lights: StatusLights::new(config.clk_hz),
        }
    }
}

impl<const W: usize, const Y: usize, const U: usize> Logic for TokenBoardUart<W, Y, U> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, engine, uart_rx, uart_tx, lights);
        self.uart_rx.rx.next = self.rx.val();
        self.engine.rx_valid.next = self.uart_rx.valid.val();
        self.engine.rx_data.next = self.uart_rx.data.val();
        self.engine.rx_bad.next = self.uart_rx.bad.val();
        self.uart_tx.valid.next = self.engine.tx_valid.val();
        self.uart_tx.data.next = self.engine.tx_data.val();
        self.engine.tx_ready.next = self.uart_tx.ready.val();
        self.tx.next = self.uart_tx.tx.val();
        self.lights.frame.next = self.engine.frame_ok.val();
        self.lights.refused.next = self.engine.refused.val();
        self.lights.run_cycle.next = self.engine.run_cycle.val();
        self.link.next = self.lights.link.val();
        self.busy.next = self.lights.busy.val();
        self.fault.next = self.lights.fault.val();
    }
}
