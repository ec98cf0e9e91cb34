//! Frame encoder: a response's bytes to wire bytes: CRC-32 appended, COBS, a delimiter on either side.
//!
//! Function: a COBS block's length stands before its bytes, so the bytes go into a ring of block RAM, the slot
//! of the length is written when the block is closed, and the wire reads what is closed (the staging that
//! Glasgow's encoder uses; docs/links.md, section 3). Handshake: ready/valid on both sides; `last` marks
//! the frame's last byte. Throughput one byte per cycle; a block that is full costs one more cycle, a frame eight.
//! Registers hold the bytes that came ([`ByteSkid`]) and what goes to the block RAM, so that no
//! path runs from the processor through the decisions into the RAM, or back. Latency: up to a block, plus 2. One block RAM of 512 bytes.
//! Cost (yosys, `synth_ecp5`, in seed64; held by firmware/tests/parts.rs): 387 LUT4, 132 FF, 1 DP16KD.
//! Golden model: `nda_spec::wire::encode_frame`.

use crate::link::byte_skid::ByteSkid;
use crate::link::crc32::Crc32;
use crate::store::block_ram::BlockRam;
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// What the encoder does next.
#[derive(LogicState, Debug, Copy, Clone, PartialEq)]
pub enum EncoderState {
    /// Waits for a frame's first byte; writes the leading delimiter.
    Idle,
    /// Takes the frame's bytes.
    Body,
    /// Appends the four bytes of the CRC.
    Crc,
    /// Writes the last block's length.
    Close,
    /// Writes the trailing delimiter.
    Delimit,
}

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct FrameEncoder {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A frame byte waits.
    pub valid: Signal<In, Bit>,
    /// The frame byte.
    pub data: Signal<In, Bits<8>>,
    /// It is the frame's last.
    pub last: Signal<In, Bit>,
    /// The frame byte is taken in this cycle if `valid`.
    pub ready: Signal<Out, Bit>,
    /// A wire byte waits.
    pub out_valid: Signal<Out, Bit>,
    /// The wire byte.
    pub out_data: Signal<Out, Bits<8>>,
    /// The wire byte is taken in this cycle if `out_valid`.
    pub out_ready: Signal<In, Bit>,
    ram: BlockRam<8, 9>,
    crc: Crc32,
    front: ByteSkid,
    state: DFF<EncoderState>,
    crc_index: DFF<Bits<2>>,
    code_at: DFF<Bits<9>>,
    write_at: DFF<Bits<9>>,
    read_at: DFF<Bits<9>>,
    // Bytes before this one are closed blocks and delimiters.
    closed: DFF<Bits<9>>,
    block_bytes: DFF<Bits<8>>,
    has_byte: DFF<Bit>,
    is_full: DFF<Bit>,
    write_now: DFF<Bit>,
    write_where: DFF<Bits<9>>,
    write_what: DFF<Bits<8>>,
    // `closed` once the write before it has reached the block RAM.
    visible: DFF<Bits<9>>,
    used: Signal<Local, Bits<9>>,
    // Of the cycle before: a step writes two bytes at most, which the limit allows for.
    has_room: DFF<Bit>,
    has_closed: Signal<Local, Bit>,
    fetch: Signal<Local, Bit>,
    offered: Signal<Local, Bit>,
    offer: Signal<Local, Bits<8>>,
    offer_zero: Signal<Local, Bit>,
    crc_byte: Signal<Local, Bits<8>>,
    next_block_bytes: Signal<Local, Bits<8>>,
    taken: Signal<Local, Bit>,
    next_at: Signal<Local, Bits<9>>,
    crc_value: Signal<Local, Bits<32>>,
    crc_shifted: Signal<Local, Bits<32>>,
    crc_amount: Signal<Local, Bits<5>>,
    room_limit: Constant<Bits<9>>,
}

impl FrameEncoder {
    /// One whose ring lies in LUT RAM, on parts that have it: it fills a quarter of a block RAM.
    pub fn in_lut_ram() -> Self {
        Self { ram: BlockRam::with_lut_ram(512, 8), ..Self::default() }
    }
}

impl Default for FrameEncoder {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            last: Default::default(),
            ready: Default::default(),
            out_valid: Default::default(),
            out_data: Default::default(),
            out_ready: Default::default(),
            ram: BlockRam::new(512),
            crc: Default::default(),
            front: Default::default(),
            state: Default::default(),
            crc_index: Default::default(),
            code_at: Default::default(),
            write_at: Default::default(),
            read_at: Default::default(),
            closed: Default::default(),
            block_bytes: Default::default(),
            has_byte: Default::default(),
            is_full: Default::default(),
            write_now: Default::default(),
            write_where: Default::default(),
            write_what: Default::default(),
            visible: Default::default(),
            used: Default::default(),
            has_room: Default::default(),
            has_closed: Default::default(),
            fetch: Default::default(),
            offered: Default::default(),
            offer: Default::default(),
            offer_zero: Default::default(),
            crc_byte: Default::default(),
            next_block_bytes: Default::default(),
            taken: Default::default(),
            next_at: Default::default(),
            crc_value: Default::default(),
            crc_shifted: Default::default(),
            crc_amount: Default::default(),
            // A step writes at most two bytes further, and two steps pass before it is seen; the ring must never
            // fill up, or it would look empty.
            room_limit: Constant::new(506_u64.into()),
        }
    }
}

impl Logic for FrameEncoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, crc_index, code_at, write_at, read_at, closed, block_bytes, has_byte, has_room);
        dff_setup!(self, clock, is_full, write_now, write_where, write_what, visible);
        clock!(self, clock, ram, crc, front);
        self.front.valid.next = self.valid.val();
        self.front.data.next = self.data.val();
        self.front.last.next = self.last.val();
        self.ready.next = self.front.ready.val();
        self.used.next = self.write_at.q.val() - self.read_at.q.val();
        self.has_room.d.next = self.used.val() < self.room_limit.val();
        self.next_at.next = self.write_at.q.val() + 1;
        self.write_now.d.next = false;
        self.write_where.d.next = self.write_at.q.val();
        self.write_what.d.next = self.front.out_data.val();
        self.ram.write_enable.next = self.write_now.q.val();
        self.ram.write_address.next = self.write_where.q.val();
        self.ram.write_data.next = self.write_what.q.val();
        self.visible.d.next = self.closed.q.val();
        self.crc.clear.next = false;
        self.crc.enable.next = false;
        self.crc.data.next = self.front.out_data.val();
        self.crc_value.next = !self.crc.crc.val();
        self.crc_amount.next = bit_cast::<5, 2>(self.crc_index.q.val()) << 3;
        self.crc_shifted.next = self.crc_value.val() >> self.crc_amount.val();

        self.next_block_bytes.next = self.block_bytes.q.val();
        self.crc_byte.next = self.crc_shifted.val().get_bits::<8>(0);

        // The byte on offer: the frame's, then the CRC's.
        self.offered.next = false;
        self.offer.next = self.front.out_data.val();
        self.offer_zero.next = self.front.out_zero.val();
        self.taken.next = false;

        match self.state.q.val() {
            EncoderState::Idle => {
                self.crc.clear.next = true;
                self.crc_index.d.next = 0.into();
                if self.front.out_valid.val() & self.has_room.q.val() {
                    self.write_now.d.next = true;
                    self.write_what.d.next = 0.into();
                    self.code_at.d.next = self.next_at.val();
                    self.write_at.d.next = self.write_at.q.val() + 2;
                    self.closed.d.next = self.next_at.val();
                    self.next_block_bytes.next = 1.into();
                    self.state.d.next = EncoderState::Body;
                }
            }
            EncoderState::Body => {
                self.offered.next = self.front.out_valid.val();
            }
            EncoderState::Crc => {
                self.offered.next = true;
                self.offer.next = self.crc_byte.val();
                self.offer_zero.next = self.crc_byte.val() == 0;
            }
            EncoderState::Close => {
                self.write_now.d.next = true;
                self.write_where.d.next = self.code_at.q.val();
                self.write_what.d.next = self.block_bytes.q.val();
                self.state.d.next = EncoderState::Delimit;
            }
            EncoderState::Delimit => {
                if self.has_room.q.val() {
                    self.write_now.d.next = true;
                    self.write_what.d.next = 0.into();
                    self.write_at.d.next = self.next_at.val();
                    self.closed.d.next = self.next_at.val();
                    self.state.d.next = EncoderState::Idle;
                }
            }
            _ => {
                self.state.d.next = EncoderState::Idle;
            }
        }

        if self.offered.val() & self.has_room.q.val() {
            if self.is_full.q.val() {
                // A full block has no zero of its own; it is closed only when more follows.
                self.write_now.d.next = true;
                self.write_where.d.next = self.code_at.q.val();
                self.write_what.d.next = self.block_bytes.q.val();
                self.code_at.d.next = self.write_at.q.val();
                self.closed.d.next = self.write_at.q.val();
                self.write_at.d.next = self.next_at.val();
                self.next_block_bytes.next = 1.into();
            } else {
                self.taken.next = true;
                self.write_now.d.next = true;
                self.write_at.d.next = self.next_at.val();
                if self.offer_zero.val() {
                    self.write_where.d.next = self.code_at.q.val();
                    self.write_what.d.next = self.block_bytes.q.val();
                    self.code_at.d.next = self.write_at.q.val();
                    self.closed.d.next = self.write_at.q.val();
                    self.next_block_bytes.next = 1.into();
                } else {
                    self.write_what.d.next = self.offer.val();
                    self.next_block_bytes.next = self.block_bytes.q.val() + 1;
                }
            }
        }
        if self.taken.val() {
            if self.state.q.val() == EncoderState::Body {
                self.crc.enable.next = true;
                if self.front.out_last.val() {
                    self.state.d.next = EncoderState::Crc;
                }
            }
            if self.state.q.val() == EncoderState::Crc {
                self.crc_index.d.next = self.crc_index.q.val() + 1;
                if self.crc_index.q.val() == 3 {
                    self.state.d.next = EncoderState::Close;
                }
            }
        }

        self.block_bytes.d.next = self.next_block_bytes.val();
        self.is_full.d.next = self.next_block_bytes.val() == 255;

        self.front.taken.next = self.taken.val() & (self.state.q.val() == EncoderState::Body);

        // The reading side: a byte is fetched as soon as the one before it has left.
        self.has_closed.next = self.read_at.q.val() != self.visible.q.val();
        self.fetch.next = self.has_closed.val() & (!self.has_byte.q.val() | self.out_ready.val());
        self.ram.read_enable.next = self.fetch.val();
        self.ram.read_address.next = self.read_at.q.val();
        self.out_valid.next = self.has_byte.q.val();
        self.out_data.next = self.ram.read_data.val();
        if self.fetch.val() {
            self.read_at.d.next = self.read_at.q.val() + 1;
            self.has_byte.d.next = true;
        } else {
            if self.out_ready.val() {
                self.has_byte.d.next = false;
            }
        }
    }
}
