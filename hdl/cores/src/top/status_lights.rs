//! Three lights for a person: link, busy, fault.
//!
//! Function: a light is lit by its event and stays so for `LIT_TICKS` ticks after the last one, a tick being
//! 2^`tick_bits` cycles, so that one frame of a few microseconds is seen. Latency 2. Cost: a counter of `tick_bits`
//! bits and one of three bits for each light; only the tick counter moves in every cycle.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// Ticks that a light outlives its event: at least one less, because the tick counter runs freely.
pub const LIT_TICKS: u64 = 7;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct StatusLights {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A good frame came.
    pub frame: Signal<In, Bit>,
    /// The array works.
    pub run_cycle: Signal<In, Bit>,
    /// A frame was refused: bad CRC, bad COBS, framing error or overrun.
    pub refused: Signal<In, Bit>,
    /// Lit by good frames.
    pub link: Signal<Out, Bit>,
    /// Lit by the array's work.
    pub busy: Signal<Out, Bit>,
    /// Lit by refused frames.
    pub fault: Signal<Out, Bit>,
    events: [DFF<Bit>; 3],
    ticker: DFF<Bits<24>>,
    tick: DFF<Bit>,
    link_left: DFF<Bits<3>>,
    busy_left: DFF<Bits<3>>,
    fault_left: DFF<Bits<3>>,
    next_ticker: Signal<Local, Bits<24>>,
    mask: Constant<Bits<24>>,
    lit: Constant<Bits<3>>,
}

impl StatusLights {
    /// Lights with a tick of the power of two of cycles that is next below `clk_hz / 64`.
    pub fn new(clk_hz: u32) -> Self {
        let tick_cycles = (clk_hz / 64).clamp(2, 1 << 24);
        let mask = (1_u64 << tick_cycles.ilog2()) - 1;
        Self {
            clock: Default::default(),
            frame: Default::default(),
            run_cycle: Default::default(),
            refused: Default::default(),
            link: Default::default(),
            busy: Default::default(),
            fault: Default::default(),
            events: Default::default(),
            ticker: Default::default(),
            tick: Default::default(),
            link_left: Default::default(),
            busy_left: Default::default(),
            fault_left: Default::default(),
            next_ticker: Default::default(),
            mask: Constant::new(mask.into()),
            lit: Constant::new(LIT_TICKS.into()),
        }
    }
}

impl Logic for StatusLights {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, ticker, tick, link_left, busy_left, fault_left);
        // Registered, so that what happens anywhere in the design has a cycle to reach the lights.
        for i in 0..3 {
            self.events[i].clock.next = self.clock.val();
        }
        self.events[0].d.next = self.frame.val();
        self.events[1].d.next = self.run_cycle.val();
        self.events[2].d.next = self.refused.val();
        self.next_ticker.next = self.ticker.q.val() + 1;
        self.ticker.d.next = self.next_ticker.val() & self.mask.val();
        self.tick.d.next = self.ticker.q.val() == 0;
        self.link.next = self.link_left.q.val() != 0;
        self.busy.next = self.busy_left.q.val() != 0;
        self.fault.next = self.fault_left.q.val() != 0;
        if self.tick.q.val() & (self.link_left.q.val() != 0) {
            self.link_left.d.next = self.link_left.q.val() - 1;
        }
        if self.tick.q.val() & (self.busy_left.q.val() != 0) {
            self.busy_left.d.next = self.busy_left.q.val() - 1;
        }
        if self.tick.q.val() & (self.fault_left.q.val() != 0) {
            self.fault_left.d.next = self.fault_left.q.val() - 1;
        }
        if self.events[0].q.val() {
            self.link_left.d.next = self.lit.val();
        }
        if self.events[1].q.val() {
            self.busy_left.d.next = self.lit.val();
        }
        if self.events[2].q.val() {
            self.fault_left.d.next = self.lit.val();
        }
    }
}
