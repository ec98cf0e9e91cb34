//! Frame buffer: whole, checked frames for the command processor; nothing else gets through.
//!
//! Function: stores a frame's bytes in a slot of block RAM while its CRC-32 runs; at its end the slot is handed
//! on only if the frame was well formed, fits the slot, has at least a header and its CRC is right. A bad frame
//! is counted and forgotten: no answer to what may never have been asked.
//! Handshake: `ready` holds the wire back while no slot is free, unless `drop_when_full` (a UART cannot wait):
//! then the frame is counted as overrun. `frame_valid` stands until `frame_done`. The reader addresses bytes of
//! the frame; a byte comes one cycle after `read_enable`. A frame is judged in the cycle after `frame_end`, in which
//! no byte and no end may stand: on the wire the next frame's first COBS code is between. `frame_bytes` stands a cycle after
//! `frame_valid` and
//! after `frame_done`. Latency: the frame, plus 2.
//! Block RAM of `slots * slot_bytes`.
//! Cost (yosys, `synth_ecp5`, in seed64; held by firmware/tests/parts.rs): 372 LUT4, 178 FF, 2 DP16KD.

use crate::link::crc32::Crc32;
use crate::store::block_ram::BlockRam;
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// What becomes of a byte that finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It is dropped: a UART cannot wait.
    Drop,
    /// It waits on the wire.
    Wait,
}

/// See the module's documentation. `AW` = address bits of all slots together.
#[derive(LogicBlock)]
pub struct FrameBuffer<const AW: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A frame byte stands.
    pub data_valid: Signal<In, Bit>,
    /// The frame byte.
    pub data: Signal<In, Bits<8>>,
    /// The frame ends.
    pub frame_end: Signal<In, Bit>,
    /// It was well formed.
    pub frame_good: Signal<In, Bit>,
    /// The event that stands is taken.
    pub ready: Signal<Out, Bit>,
    /// A checked frame is there.
    pub frame_valid: Signal<Out, Bit>,
    /// Its bytes, header and CRC included.
    pub frame_bytes: Signal<Out, Bits<13>>,
    /// The reader is done with it.
    pub frame_done: Signal<In, Bit>,
    /// Read a byte in this cycle.
    pub read_enable: Signal<In, Bit>,
    /// Which byte of the frame.
    pub read_address: Signal<In, Bits<13>>,
    /// The byte.
    pub read_data: Signal<Out, Bits<8>>,
    /// One cycle for a frame handed on.
    pub count_ok: Signal<Out, Bit>,
    /// One cycle for a wrong CRC or a frame without a whole header.
    pub count_crc: Signal<Out, Bit>,
    /// One cycle for a frame that was no COBS.
    pub count_frame: Signal<Out, Bit>,
    /// One cycle for a frame that did not fit.
    pub count_overrun: Signal<Out, Bit>,
    ram: BlockRam<8, AW>,
    crc: Crc32,
    position: DFF<Bits<13>>,
    // Whether `position` has reached a whole header and CRC, and the slot's end: kept, not compared anew.
    enough: DFF<Bit>,
    filled: DFF<Bit>,
    dropped: DFF<Bit>,
    write_slot: DFF<Bits<3>>,
    read_slot: DFF<Bits<3>>,
    used: DFF<Bits<4>>,
    bytes: [DFF<Bits<13>>; 8],
    length: DFF<Bits<13>>,
    ended: DFF<Bit>,
    well_formed: DFF<Bit>,
    crc_same: DFF<Bit>,
    slots: Constant<Bits<4>>,
    last_slot: Constant<Bits<3>>,
    last_byte: Constant<Bits<13>>,
    slot_shift: Constant<Bits<5>>,
    least_last: Constant<Bits<13>>,
    residue: Constant<Bits<32>>,
    drop_when_full: Constant<Bit>,
    is_free: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    accepted: Signal<Local, Bit>,
    write_base: Signal<Local, Bits<AW>>,
    read_base: Signal<Local, Bits<AW>>,
    reads: Signal<Local, Bits<8>>,
    writes: Signal<Local, Bits<8>>,
    one: Constant<Bits<8>>,
}

impl<const AW: usize> FrameBuffer<AW> {
    /// `slots` slots of `slot_bytes` bytes, both powers of two, `slots * slot_bytes = 2^AW`.
    pub fn new(slots: usize, slot_bytes: usize, when_full: WhenFull) -> Self {
        assert!(slots.is_power_of_two() && slot_bytes.is_power_of_two() && slots * slot_bytes == 1 << AW && slots <= 8);
        Self {
            clock: Default::default(),
            data_valid: Default::default(),
            data: Default::default(),
            frame_end: Default::default(),
            frame_good: Default::default(),
            ready: Default::default(),
            frame_valid: Default::default(),
            frame_bytes: Default::default(),
            frame_done: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            count_ok: Default::default(),
            count_crc: Default::default(),
            count_frame: Default::default(),
            count_overrun: Default::default(),
            ram: BlockRam::new(slots * slot_bytes),
            crc: Default::default(),
            position: Default::default(),
            enough: Default::default(),
            filled: Default::default(),
            dropped: Default::default(),
            write_slot: Default::default(),
            read_slot: Default::default(),
            used: Default::default(),
            bytes: Default::default(),
            length: Default::default(),
            ended: Default::default(),
            well_formed: Default::default(),
            crc_same: Default::default(),
            slots: Constant::new((slots as u64).into()),
            last_slot: Constant::new((slots as u64 - 1).into()),
            last_byte: Constant::new((slot_bytes as u64 - 1).into()),
            slot_shift: Constant::new(u64::from(slot_bytes.trailing_zeros()).into()),
            least_last: Constant::new(((nda_spec::wire::HEADER_BYTES + nda_spec::wire::CRC_BYTES) as u64 - 1).into()),
            residue: Constant::new(u64::from(nda_spec::wire::CRC_RESIDUE).into()),
            drop_when_full: Constant::new(when_full == WhenFull::Drop),
            is_free: Default::default(),
            takes: Default::default(),
            fits: Default::default(),
            accepted: Default::default(),
            write_base: Default::default(),
            read_base: Default::default(),
            reads: Default::default(),
            writes: Default::default(),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl<const AW: usize> Logic for FrameBuffer<AW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, position, enough, filled, dropped, write_slot, read_slot, used, length, ended, well_formed, crc_same);
        clock!(self, clock, ram, crc);
        for i in 0..8 {
            self.bytes[i].clock.next = self.clock.val();
            self.bytes[i].d.next = self.bytes[i].q.val();
        }
        self.is_free.next = self.used.q.val() != self.slots.val();
        self.ready.next = self.is_free.val() | self.drop_when_full.val();
        self.takes.next = self.data_valid.val() & (self.is_free.val() | self.drop_when_full.val());
        self.fits.next = self.is_free.val() & !self.filled.q.val();

        self.write_base.next = bit_cast::<AW, 3>(self.write_slot.q.val()) << self.slot_shift.val();
        self.read_base.next = bit_cast::<AW, 3>(self.read_slot.q.val()) << self.slot_shift.val();
        self.ram.write_enable.next = self.takes.val() & self.fits.val();
        self.ram.write_address.next = self.write_base.val() | bit_cast::<AW, 13>(self.position.q.val());
        self.ram.write_data.next = self.data.val();
        self.ram.read_enable.next = self.read_enable.val();
        self.ram.read_address.next = self.read_base.val() | bit_cast::<AW, 13>(self.read_address.val());
        self.read_data.next = self.ram.read_data.val();
        self.crc.enable.next = self.takes.val();
        self.crc.data.next = self.data.val();
        self.crc.clear.next = false;

        if self.takes.val() {
            if self.fits.val() {
                self.position.d.next = self.position.q.val() + 1;
                if self.position.q.val() == self.least_last.val() {
                    self.enough.d.next = true;
                }
                if self.position.q.val() == self.last_byte.val() {
                    self.filled.d.next = true;
                }
            } else {
                self.dropped.d.next = true;
            }
        }

        self.count_ok.next = false;
        self.count_crc.next = false;
        self.count_frame.next = false;
        self.count_overrun.next = false;
        self.accepted.next = false;
        self.ended.d.next = self.frame_end.val() & (self.is_free.val() | self.drop_when_full.val());
        self.well_formed.d.next = self.frame_good.val();
        self.crc_same.d.next = self.crc.crc.val() == self.residue.val();
        if self.ended.q.val() {
            self.crc.clear.next = true;
            self.position.d.next = 0.into();
            self.enough.d.next = false;
            self.filled.d.next = false;
            self.dropped.d.next = false;
            if !self.well_formed.q.val() {
                self.count_frame.next = true;
            } else {
                if self.dropped.q.val() | !self.is_free.val() {
                    self.count_overrun.next = true;
                } else {
                    if !self.crc_same.q.val() | !self.enough.q.val() {
                        self.count_crc.next = true;
                    } else {
                        self.count_ok.next = true;
                        self.accepted.next = true;
                    }
                }
            }
        }

        self.frame_valid.next = self.used.q.val() != 0;
        self.reads.next = self.one.val() << self.read_slot.q.val();
        self.writes.next = self.one.val() << self.write_slot.q.val();
        self.frame_bytes.next = self.length.q.val();
        self.length.d.next = 0.into();
        for i in 0..8 {
            if self.reads.val().get_bit(i) {
                self.length.d.next = self.bytes[i].q.val();
            }
        }
        if self.accepted.val() {
            for i in 0..8 {
                if self.writes.val().get_bit(i) {
                    self.bytes[i].d.next = self.position.q.val();
                }
            }
            self.write_slot.d.next = self.write_slot.q.val() + 1;
            if self.write_slot.q.val() == self.last_slot.val() {
                self.write_slot.d.next = 0.into();
            }
        }
        if self.frame_done.val() {
            self.read_slot.d.next = self.read_slot.q.val() + 1;
            if self.read_slot.q.val() == self.last_slot.val() {
                self.read_slot.d.next = 0.into();
            }
        }
        if self.accepted.val() & !self.frame_done.val() {
            self.used.d.next = self.used.q.val() + 1;
        }
        if !self.accepted.val() & self.frame_done.val() {
            self.used.d.next = self.used.q.val() - 1;
        }
    }
}
