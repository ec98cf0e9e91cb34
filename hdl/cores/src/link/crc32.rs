//! CRC-32 (IEEE 802.3, reflected 0xEDB88320), one byte per cycle.
//!
//! Function: `crc` is the running register after the bytes since `clear`; it starts as all ones, and a frame's
//! CRC is its inverse. Handshake: `enable` takes a byte; `clear` wins over it. Latency 1, interval 1.
//! Cost (docs/links.md): about 62 LUT4, 32 FF. Golden model: `nda_spec::wire::crc32_step`.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct Crc32 {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Start again.
    pub clear: Signal<In, Bit>,
    /// Take `data`.
    pub enable: Signal<In, Bit>,
    /// The byte.
    pub data: Signal<In, Bits<8>>,
    /// The running register.
    pub crc: Signal<Out, Bits<32>>,
    // Stored inverted: registers are zero at power-up, the CRC starts as ones.
    state: DFF<Bits<32>>,
    step: [Signal<Local, Bits<32>>; 9],
    half: [Signal<Local, Bits<32>>; 8],
    polynomial: Constant<Bits<32>>,
    value: Signal<Local, Bits<32>>,
}

impl Default for Crc32 {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            clear: Default::default(),
            enable: Default::default(),
            data: Default::default(),
            crc: Default::default(),
            state: Default::default(),
            step: Default::default(),
            half: Default::default(),
            polynomial: Constant::new(0xEDB8_8320_u64.into()),
            value: Default::default(),
        }
    }
}

impl Logic for Crc32 {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        self.value.next = !self.state.q.val();
        // Not through `value`: sharing it would tie `crc` to `enable` in one block, which looks like a loop of logic.
        self.crc.next = !self.state.q.val();
        self.step[0].next = self.value.val() ^ bit_cast::<32, 8>(self.data.val());
        for i in 0..8 {
            self.half[i].next = self.step[i].val() >> 1;
            self.step[i + 1].next = self.half[i].val();
            if self.step[i].val().get_bit(0) {
                self.step[i + 1].next = self.half[i].val() ^ self.polynomial.val();
            }
        }
        if self.enable.val() {
            self.state.d.next = !self.step[8].val();
        }
        if self.clear.val() {
            self.state.d.next = 0.into();
        }
    }
}
