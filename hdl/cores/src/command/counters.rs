//! The counters that `STAT` returns, in the order of `nda_spec::wire::Stat`.
//!
//! Function: each counts the cycles in which its input is high, a cycle later; `data` is counter `address` of the
//! cycle before: choosing among ten is four LUTs, and more stand behind them. All wrap at 2^32.
//! Latency: 1 cycle from an input to its counter, 1 from `address` to `data`. Cost: 362 registers and ten incrementers.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct Counters {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A frame was handed on.
    pub frame_ok: Signal<In, Bit>,
    /// A frame had a wrong CRC.
    pub bad_crc: Signal<In, Bit>,
    /// A frame was malformed.
    pub bad_frame: Signal<In, Bit>,
    /// A frame did not fit.
    pub overrun: Signal<In, Bit>,
    /// A job was begun.
    pub job: Signal<In, Bit>,
    /// A run phase is on.
    pub run_cycle: Signal<In, Bit>,
    /// The array takes a beat.
    pub beat: Signal<In, Bit>,
    /// A response byte waits.
    pub tx_wait: Signal<In, Bit>,
    /// A received byte waits.
    pub rx_wait: Signal<In, Bit>,
    /// Which counter.
    pub address: Signal<In, Bits<4>>,
    /// Its value.
    pub data: Signal<Out, Bits<32>>,
    count: [DFF<Bits<32>>; 10],
    up: [DFF<Bit>; 10],
    held: DFF<Bits<32>>,
    chosen: Signal<Local, Bits<16>>,
    one: Constant<Bits<16>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            frame_ok: Default::default(),
            bad_crc: Default::default(),
            bad_frame: Default::default(),
            overrun: Default::default(),
            job: Default::default(),
            run_cycle: Default::default(),
            beat: Default::default(),
            tx_wait: Default::default(),
            rx_wait: Default::default(),
            address: Default::default(),
            data: Default::default(),
            count: Default::default(),
            up: Default::default(),
            held: Default::default(),
            chosen: Default::default(),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for Counters {
    #[hdl_gen]
    fn update(&mut self) {
        self.up[0].d.next = self.frame_ok.val();
        self.up[1].d.next = self.bad_crc.val();
        self.up[2].d.next = self.bad_frame.val();
        self.up[3].d.next = self.overrun.val();
        self.up[4].d.next = self.job.val();
        self.up[5].d.next = self.run_cycle.val();
        self.up[6].d.next = self.beat.val();
        self.up[7].d.next = self.tx_wait.val();
        self.up[8].d.next = self.rx_wait.val();
        self.up[9].d.next = true;
        dff_setup!(self, clock, held);
        self.data.next = self.held.q.val();
        self.held.d.next = 0.into();
        self.chosen.next = self.one.val() << self.address.val();
        for i in 0..10 {
            self.count[i].clock.next = self.clock.val();
            self.up[i].clock.next = self.clock.val();
            self.count[i].d.next = self.count[i].q.val();
            if self.up[i].q.val() {
                self.count[i].d.next = self.count[i].q.val() + 1;
            }
            if self.chosen.val().get_bit(i) {
                self.held.d.next = self.count[i].q.val();
            }
        }
    }
}
