//! An engine behind a byte-parallel port: the fast simulated board, and a bridge chip's FIFO later.
//!
//! Function, latency and cycles: the engine's. Handshake: ready/valid on both sides. Cost: none of its own, it is wires
//! (held by firmware/tests/parts.rs).

use crate::link::frame_buffer::WhenFull;
use crate::top::engine::{Engine, SeedEngine};
use nda_spec::Config;
use nda_spec::wire::IDENT_BYTES;
use rust_hdl_core::prelude::*;

/// A board around an engine of that type.
macro_rules! board {
    ($(#[$meta:meta])* $name:ident, $engine:ident) => {
        $(#[$meta])*
        #[derive(LogicBlock)]
        pub struct $name<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> {
            /// System clock.
            pub clock: Signal<In, Clock>,
            /// A byte for the device waits.
            pub rx_valid: Signal<In, Bit>,
            /// The byte.
            pub rx_data: Signal<In, Bits<8>>,
            /// It is taken.
            pub rx_ready: Signal<Out, Bit>,
            /// A byte for the host waits.
            pub tx_valid: Signal<Out, Bit>,
            /// The byte.
            pub tx_data: Signal<Out, Bits<8>>,
            /// It is taken.
            pub tx_ready: Signal<In, Bit>,
            engine: $engine<W, X, Y, U, AW>,
        }

        impl<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> $name<W, X, Y, U, AW> {
            /// A board of this configuration.
            pub fn new(config: &Config, page: [u8; IDENT_BYTES]) -> Self {
                Self {
                    clock: Default::default(),
                    rx_valid: Default::default(),
                    rx_data: Default::default(),
                    rx_ready: Default::default(),
                    tx_valid: Default::default(),
                    tx_data: Default::default(),
                    tx_ready: Default::default(),
                    engine: $engine::new(config, page, WhenFull::Wait),
                }
            }
        }

        impl<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> Logic for $name<W, X, Y, U, AW> {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, engine);
                self.engine.rx_valid.next = self.rx_valid.val();
                self.engine.rx_data.next = self.rx_data.val();
                self.engine.rx_bad.next = false;
                self.rx_ready.next = self.engine.rx_ready.val();
                self.tx_valid.next = self.engine.tx_valid.val();
                self.tx_data.next = self.engine.tx_data.val();
                self.engine.tx_ready.next = self.tx_ready.val();
            }
        }
    };
}

board! {
    /// Parameters as of [`Engine`].
    BoardParallel, Engine
}

board! {
    /// The same with the element operations of the articles.
    SeedBoardParallel, SeedEngine
}
